//! What a job did to files, as `strace -ff -y -ttt` saw it and as a record tells it, in one form.
//!
//! Names given to calls are made absolute with the working directory of the caller; opened files are
//! called as strace shows their descriptor, which is the kernel's name for them.

mod call;

use std::{
    collections::{BTreeMap, BTreeSet, HashMap},
    fs, io,
    path::{Component, Path, PathBuf},
};

use crate::Event;
use call::Call;

/// Paths, and how often it was done to each.
pub type Paths = BTreeMap<String, u64>;

/// What a job did. A rename is `OLD -> NEW`.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Job {
    /// Successful execs, by the path of the file that was named.
    pub executed: Paths,
    /// Opens for reading only.
    pub read: Paths,
    /// Opens for writing.
    pub written: Paths,
    /// Names made.
    pub created: Paths,
    /// Names removed.
    pub deleted: Paths,
    /// Names moved.
    pub renamed: Paths,
}

impl Job {
    /// Reads the files `log.PID` in `dir`. `fresh` is the directory that was empty when the job
    /// began: names below it exist from when the job makes them, others if they exist now.
    ///
    /// # Errors
    /// When the files cannot be read.
    pub fn traced(dir: &Path, cwd: &Path, fresh: &Path) -> io::Result<Job> {
        let mut calls = Vec::new();
        for entry in fs::read_dir(dir)? {
            let path = entry?.path();
            let pid = path.extension().and_then(|pid| pid.to_str()?.parse::<u32>().ok());
            let Some(pid) = pid else { continue };
            let text = String::from_utf8_lossy(&fs::read(&path)?).into_owned();
            calls.extend(text.lines().filter_map(|line| Call::parse(pid, line)));
        }
        // Each process has its own file, so no line is cut in two; time puts them in order.
        calls.sort_by(|one, other| one.time.cmp(&other.time));
        Ok(Reader::new(cwd, fresh).read(&calls))
    }

    /// Reads the events of a record.
    #[must_use]
    pub fn recorded<'a>(events: impl IntoIterator<Item = &'a Event>) -> Job {
        let mut job = Job::default();
        for event in events {
            // strace shows no open of what was open before: the caller's redirections.
            if event.flag("inherited") {
                continue;
            }
            let path = event.text("path");
            let to = match (event.kind(), event.op()) {
                ("exec", _) => {
                    let named = absolute(Path::new(event.text("cwd")), event.text("file"));
                    add(&mut job.executed, &real(&named), 1);
                    continue;
                }
                ("file", "read") if !event.flag("dir") => &mut job.read,
                ("file", "write") => &mut job.written,
                ("file", "create") => &mut job.created,
                ("file", "delete") => &mut job.deleted,
                ("file", "rename") => {
                    let pair = format!("{path} -> {}", event.text("path2"));
                    *job.renamed.entry(pair).or_default() += 1;
                    continue;
                }
                _ => continue,
            };
            // What has no path must show in the comparison.
            let shown = if path.is_empty() { event.0.to_string() } else { path.to_owned() };
            *to.entry(shown).or_default() += event.count();
        }
        job
    }
}

/// Follows the calls of a job.
struct Reader {
    cwds: HashMap<u32, PathBuf>,
    first: PathBuf,
    fresh: PathBuf,
    /// Names below `fresh` that exist.
    made: BTreeSet<PathBuf>,
    job: Job,
}

impl Reader {
    fn new(cwd: &Path, fresh: &Path) -> Reader {
        Reader {
            cwds: HashMap::new(),
            first: cwd.to_owned(),
            fresh: fresh.to_owned(),
            made: BTreeSet::new(),
            job: Job::default(),
        }
    }

    fn read(mut self, calls: &[Call]) -> Job {
        for call in calls {
            self.see(call);
        }
        self.job
    }

    fn see(&mut self, call: &Call) {
        if let Some(cwd) = call.cwd() {
            self.cwds.insert(call.pid, PathBuf::from(cwd));
        }
        match call.name.as_str() {
            "clone" | "clone3" | "fork" | "vfork" => {
                let cwd = self.cwd(call.pid);
                self.cwds.insert(u32::try_from(call.returned).unwrap_or(0), cwd);
            }
            "chdir" | "fchdir" => {
                let to = self.path(call, 0);
                self.cwds.insert(call.pid, to);
            }
            "execve" | "execveat" => {
                let path = self.path(call, 0);
                add(&mut self.job.executed, &real(&path), 1);
            }
            "open" | "openat" | "openat2" | "creat" => self.open(call),
            "mkdir" | "mkdirat" | "mknod" | "mknodat" => self.make(self.path(call, 0)),
            "link" | "linkat" | "symlink" | "symlinkat" => self.make(self.path(call, 1)),
            "unlink" | "unlinkat" | "rmdir" => {
                let path = self.path(call, 0);
                self.made.remove(&path);
                add(&mut self.job.deleted, &path, 1);
            }
            "rename" | "renameat" | "renameat2" => {
                let (old, new) = (self.path(call, 0), self.path(call, 1));
                self.made.remove(&old);
                self.made.insert(new.clone());
                let pair = format!("{} -> {}", old.display(), new.display());
                *self.job.renamed.entry(pair).or_default() += 1;
            }
            _ => {}
        }
    }

    fn open(&mut self, call: &Call) {
        let Some(opened) = call.opened.as_deref() else { return };
        let path = PathBuf::from(opened.strip_suffix(" (deleted)").unwrap_or(opened));
        let has = |flag: &str| call.flags().any(|one| one == flag);
        if has("O_CREAT") || call.name == "creat" {
            let exists = if path.starts_with(&self.fresh) {
                self.made.contains(&path)
            } else {
                path.symlink_metadata().is_ok()
            };
            if !exists {
                self.make(path.clone());
            }
        }
        if has("O_PATH") || path.is_dir() {
            return;
        }
        let writes = has("O_WRONLY") || has("O_RDWR") || call.name == "creat";
        add(if writes { &mut self.job.written } else { &mut self.job.read }, &path, 1);
    }

    fn make(&mut self, path: PathBuf) {
        add(&mut self.job.created, &path, 1);
        self.made.insert(path);
    }

    fn cwd(&self, pid: u32) -> PathBuf {
        self.cwds.get(&pid).unwrap_or(&self.first).clone()
    }

    /// The `nth` name that a call was given, made absolute.
    fn path(&self, call: &Call, nth: usize) -> PathBuf {
        let (dir, name) = call.names.get(nth).cloned().unwrap_or_default();
        let dir = dir.map_or_else(|| self.cwd(call.pid), PathBuf::from);
        absolute(&dir, &name)
    }
}

fn add(paths: &mut Paths, path: &Path, times: u64) {
    *paths.entry(path.display().to_string()).or_default() += times;
}

/// Joins and takes `.` and `..` out.
fn absolute(dir: &Path, name: &str) -> PathBuf {
    let mut path = PathBuf::new();
    for part in dir.join(name).components() {
        match part {
            Component::ParentDir => {
                path.pop();
            }
            Component::CurDir => {}
            part => path.push(part),
        }
    }
    path
}

/// The path without links where the file still exists.
fn real(path: &Path) -> PathBuf {
    path.canonicalize().unwrap_or_else(|_| path.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(lines: &[(u32, &str)]) -> Job {
        let calls = lines.iter().filter_map(|(pid, line)| Call::parse(*pid, line));
        Reader::new(Path::new("/w"), Path::new("/w/job")).read(&calls.collect::<Vec<_>>())
    }

    fn paths(list: &[(&str, u64)]) -> Paths {
        list.iter().map(|(path, times)| ((*path).to_owned(), *times)).collect()
    }

    #[test]
    fn names_are_taken_from_where_the_caller_is() {
        let job = check(&[
            (1, r#"1.000001 chdir("job") = 0"#),
            (1, r#"1.000002 vfork() = 2"#),
            (2, r#"1.000003 mkdir("q", 0777) = 0"#),
            (2, r#"1.000004 chdir("q") = 0"#),
            (2, r#"1.000005 rename("a", "../b") = 0"#),
            (1, r#"1.000006 unlink("b") = 0"#),
            (1, r#"1.000007 unlink("never") = -1 ENOENT (No such file or directory)"#),
            (1, r#"1.000008 unlinkat(5</w/job/q>, "x", 0) = 0"#),
        ]);
        assert_eq!(job.created, paths(&[("/w/job/q", 1)]));
        assert_eq!(job.renamed, paths(&[("/w/job/q/a -> /w/job/b", 1)]));
        assert_eq!(job.deleted, paths(&[("/w/job/b", 1), ("/w/job/q/x", 1)]));
    }

    #[test]
    fn an_open_that_may_create_creates_what_is_not_there() {
        let open = r#"openat(AT_FDCWD</w/job>, "f", O_WRONLY|O_CREAT|O_TRUNC, 0666) = 3</w/job/f>"#;
        let read = r#"openat(AT_FDCWD</w/job>, "f", O_RDONLY|O_CLOEXEC) = 3</w/job/f>"#;
        let lines = [format!("1.1 {open}"), format!("1.2 {open}"), format!("1.3 {read}")];
        let job = check(&lines.iter().map(|line| (1, line.as_str())).collect::<Vec<_>>());
        assert_eq!(job.created, paths(&[("/w/job/f", 1)]));
        assert_eq!(job.written, paths(&[("/w/job/f", 2)]));
        assert_eq!(job.read, paths(&[("/w/job/f", 1)]));
    }

    #[test]
    fn events_give_the_same_form() {
        let event = |value| Event(value);
        let job = Job::recorded(&[
            event(serde_json::json!({"type": "exec", "cwd": "/x", "file": "./none"})),
            event(serde_json::json!({"type": "file", "op": "read", "path": "/a", "count": 3})),
            event(serde_json::json!({"type": "file", "op": "rename", "path": "/a", "path2": "/b"})),
        ]);
        assert_eq!(job.executed, paths(&[("/x/none", 1)]));
        assert_eq!(job.read, paths(&[("/a", 3)]));
        assert_eq!(job.renamed, paths(&[("/a -> /b", 1)]));
    }
}
