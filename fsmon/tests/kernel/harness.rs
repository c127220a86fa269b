//! A shell in its own mount namespace, and what a monitor tells about it.

use std::fs;
use std::io::{BufRead, BufReader, Write};
use std::os::fd::OwnedFd;
use std::path::Path;
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};

use fsmon::{Drained, Item, Kind, Lookup, Monitor, Placement, Scope, Seen};

/// A shell that does what it is told; its namespace ends with it.
pub(crate) struct Shell {
    child: Child,
    stdin: Option<ChildStdin>,
    stdout: BufReader<ChildStdout>,
}

impl Shell {
    /// Starts a shell in a new mount namespace with an empty tmpfs on `/mnt`.
    pub(crate) fn new() -> Shell {
        let mut shell = Shell::bare();
        shell.run("mount -t tmpfs fsmon-test /mnt");
        shell
    }

    /// Starts a shell in a new mount namespace.
    pub(crate) fn bare() -> Shell {
        Shell::start(Command::new("unshare").args(["--mount", "--propagation", "private", "sh"]))
    }

    /// Starts a shell in a mount namespace that is a copy of this one's.
    pub(crate) fn nested(&self) -> Shell {
        let target = format!("--target={}", self.pid());
        Shell::start(Command::new("nsenter").args([&target, "--mount", "unshare", "-m", "sh"]))
    }

    fn start(command: &mut Command) -> Shell {
        let mut child = command
            .env("LC_ALL", "C")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .expect("unshare, nsenter and sh are installed");
        let stdin = child.stdin.take();
        let stdout = BufReader::new(child.stdout.take().expect("piped"));
        let mut shell = Shell { child, stdin, stdout };
        shell.run(":");
        shell
    }

    pub(crate) fn pid(&self) -> u32 {
        self.child.id()
    }

    /// Runs `script` to its end; it must succeed. Returns what it printed.
    pub(crate) fn run(&mut self, script: &str) -> String {
        self.send(&format!("{{ {script}\n}}\nstatus=$?; echo; echo ::$status\n"));
        self.answer(script)
    }

    /// Replaces the shell by another. A shell reads ahead, so the new one is sent nothing before it
    /// has said that it is there.
    pub(crate) fn enter(&mut self, exec: &str) {
        self.send(&format!("exec {exec} sh -c 'echo ::0; exec sh'\n"));
        self.answer(exec);
    }

    fn send(&mut self, lines: &str) {
        let stdin = self.stdin.as_mut().expect("open until dropped");
        stdin.write_all(lines.as_bytes()).expect("the shell reads");
    }

    fn answer(&mut self, script: &str) -> String {
        let mut printed = String::new();
        loop {
            let mut line = String::new();
            assert!(self.stdout.read_line(&mut line).expect("the shell writes") > 0, "{script}");
            if let Some(status) = line.strip_prefix("::") {
                assert_eq!(status.trim(), "0", "{script}: {printed}");
                return printed.trim_end().to_owned();
            }
            printed.push_str(&line);
        }
    }

    pub(crate) fn root(&self) -> OwnedFd {
        open(&format!("/proc/{}/root", self.pid()))
    }

    pub(crate) fn process(&self) -> OwnedFd {
        open(&format!("/proc/{}", self.pid()))
    }

    pub(crate) fn mountinfo(&self) -> Vec<u8> {
        fs::read(format!("/proc/{}/mountinfo", self.pid())).expect("the shell lives")
    }
}

impl Drop for Shell {
    fn drop(&mut self) {
        self.stdin = None;
        let _ = self.child.wait();
    }
}

pub(crate) fn open(path: &str) -> OwnedFd {
    let flags = rustix::fs::OFlags::PATH | rustix::fs::OFlags::CLOEXEC;
    rustix::fs::open(Path::new(path), flags, rustix::fs::Mode::empty()).expect(path)
}

/// One record, with its paths.
#[derive(Debug, Clone)]
pub(crate) struct Told {
    pub(crate) group: Kind,
    pub(crate) mask: u64,
    pub(crate) pid: i32,
    pub(crate) path: Vec<u8>,
    pub(crate) new_path: Vec<u8>,
    /// Why `path` has no directory.
    pub(crate) errno: i32,
    /// The directory has been removed.
    pub(crate) deleted: bool,
    /// The path is one of another namespace.
    pub(crate) doubtful: bool,
    /// Number of the directory.
    pub(crate) dir: u32,
    /// Kind and bytes of the target's handle.
    pub(crate) target: Option<(i32, Vec<u8>)>,
    /// Device and inode of a file that came as a descriptor.
    pub(crate) file: Option<(u32, u64)>,
    /// [`fsmon::Record::executed`].
    pub(crate) executed: Option<u32>,
}

/// A monitor that remembers paths by number, as a reader of the record would.
pub(crate) struct Watch {
    pub(crate) monitor: Monitor,
    pub(crate) placement: Placement,
    paths: std::collections::HashMap<u32, (Vec<u8>, i32, bool)>,
    pub(crate) overflows: u32,
}

impl Watch {
    pub(crate) fn on(shell: &Shell, scope: Scope) -> Watch {
        let mut monitor = Monitor::new().expect("this test runs as root");
        let placement =
            monitor.begin(shell.root(), &shell.mountinfo(), scope).expect("the shell lives");
        assert_eq!(placement.malformed, 0);
        Watch { monitor, placement, paths: Default::default(), overflows: 0 }
    }

    /// Returns all that is queued.
    pub(crate) fn drain(&mut self) -> Vec<Told> {
        let (paths, overflows) = (&mut self.paths, &mut self.overflows);
        let mut told = Vec::new();
        while self.monitor.drain(1000, |seen| tell(seen, paths, overflows, &mut told))
            == Drained::More
        {}
        told
    }

    /// Returns what is queued about paths below `/mnt`.
    pub(crate) fn below_mnt(&mut self) -> Vec<Told> {
        let mut told = self.drain();
        told.retain(|told| told.path.starts_with(b"/mnt"));
        told
    }
}

type Paths = std::collections::HashMap<u32, (Vec<u8>, i32, bool)>;

fn tell(seen: Seen<'_, '_>, paths: &mut Paths, overflows: &mut u32, told: &mut Vec<Told>) {
    let Seen { group, item, dirs } = seen;
    let record = match item {
        Item::Record(record) => record,
        Item::Overflow => {
            *overflows += 1;
            return;
        }
        other => panic!("{other:?}"),
    };
    let executed = record.executed();
    let mut full = |handle: Option<fsmon::Handle<'_>>, name: &[u8]| {
        let Some(handle) = handle else { return (Vec::new(), 0, false, 0) };
        let (id, known) = learn(dirs.lookup(&handle), paths);
        (join(&known.0, name), known.1, known.2, id)
    };
    let (mut path, mut errno, mut deleted, dir) = full(record.dir, record.name);
    let (new_path, ..) = full(record.new_dir, record.new_name);
    let (mut file, mut doubtful) = (None, false);
    if let fsmon::File::Open(fd) = &record.file {
        let found = dirs.file(std::os::fd::AsFd::as_fd(fd));
        path = found.path.expect("a path").to_vec();
        (deleted, doubtful) = (found.deleted, found.doubtful);
        file = Some((found.dev, found.ino));
    }
    if let fsmon::File::Refused(why) = &record.file {
        errno = *why;
    }
    told.push(Told {
        group,
        mask: record.mask,
        pid: record.pid,
        path,
        new_path,
        errno,
        deleted,
        doubtful,
        dir,
        target: record.target.map(|target| (target.kind, target.bytes.to_vec())),
        file,
        executed,
    });
}

fn learn(lookup: Lookup<'_>, paths: &mut Paths) -> (u32, (Vec<u8>, i32, bool)) {
    let id = lookup.id();
    match lookup {
        Lookup::Known { .. } => {}
        Lookup::New { path, deleted, .. } => {
            let before = paths.insert(id, (path.to_vec(), 0, deleted));
            assert!(before.is_none(), "number {id} used twice");
        }
        Lookup::Stale { errno, .. } => {
            let before = paths.insert(id, (Vec::new(), errno, false));
            assert!(before.is_none(), "number {id} used twice");
        }
    }
    (id, paths.get(&id).cloned().expect("a number that is known was told"))
}

fn join(dir: &[u8], name: &[u8]) -> Vec<u8> {
    match (dir, name) {
        (b"", _) => name.to_vec(),
        (_, b".") => dir.to_vec(),
        (b"/", _) => [b"/", name].concat(),
        _ => [dir, b"/", name].concat(),
    }
}

/// Asserts that something with all bits of `mask` was told about `path`, and returns it.
#[track_caller]
pub(crate) fn find(told: &[Told], group: Kind, mask: u64, path: impl AsRef<[u8]>) -> Told {
    let path = path.as_ref();
    let fits = |it: &&Told| it.group == group && it.mask & mask == mask && it.path == path;
    match told.iter().find(fits) {
        Some(found) => found.clone(),
        None => panic!("no {group:?} {mask:#x} of {} in\n{}", path.escape_ascii(), list(told)),
    }
}

fn list(told: &[Told]) -> String {
    let line = |it: &Told| {
        let Told { group, mask, pid, path, errno, deleted, .. } = it;
        let path = path.escape_ascii();
        format!("{group:?} {mask:#x} by {pid}: {path} (errno {errno}, deleted {deleted})\n")
    };
    told.iter().map(line).collect()
}
