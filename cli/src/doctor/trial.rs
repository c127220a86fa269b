//! The trial: records a small deed for real and looks whether each source saw it.
//!
//! That a program could be attached does not show that it tells anything; this does.

use std::{
    fs::{self, DirBuilder},
    io::{self, Read, Write},
    net::{TcpListener, TcpStream},
    ops::ControlFlow,
    os::unix::{ffi::OsStrExt, fs::DirBuilderExt},
    path::{Path, PathBuf},
    process::{Command, Stdio},
    time::{Instant, SystemTime, UNIX_EPOCH},
};

use storage::{Query, Row, Store};

use super::{Check, State};
use crate::{derive, failure::Failure};

/// What the deed writes: more than nothing, so that it can be read.
const WORDS: &[u8] = b"written by audit doctor\n";

/// The file that the deed makes, in the trial's directory.
const FILE: &str = "made";

/// Does what the trial looks for, within a recording: `audit doctor --act DIR`.
pub(super) fn act(dir: &Path) -> io::Result<()> {
    let made = dir.join(FILE);
    fs::write(&made, WORDS)?;
    fs::read(&made)?;
    fs::remove_file(&made)?;
    let listener = TcpListener::bind(("127.0.0.1", 0))?;
    let mut near = TcpStream::connect(listener.local_addr()?)?;
    let (mut far, _) = listener.accept()?;
    near.write_all(b"?")?;
    far.read_exact(&mut [0])
}

/// Records the deed and says what is not in the record.
pub(super) fn check() -> Check {
    let begin = Instant::now();
    let room = match Room::make() {
        Ok(room) => room,
        Err(why) => return Check::new("trial", State::Warn, format!("no place for it: {why}")),
    };
    match record(&room.0) {
        Ok(said) => judge(&said, begin),
        Err(why) => Check::new("trial", State::Fail, why.message())
            .fix("a line above should say why; if none does: audit run -- true"),
    }
}

/// A directory of ours, gone with this.
struct Room(PathBuf);

impl Room {
    fn make() -> io::Result<Room> {
        let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        let name = format!("audit-doctor-{}-{}", std::process::id(), since.as_nanos());
        let path = std::env::temp_dir().join(name);
        // Fails when it is there already, whoever made it.
        DirBuilder::new().mode(0o700).create(&path)?;
        Ok(Room(path))
    }
}

impl Drop for Room {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

/// What a trial's record says.
#[derive(Debug, Default, PartialEq, Eq)]
struct Said {
    verdict: String,
    reasons: Vec<String>,
    /// Of [`DEEDS`], those that are in the record.
    seen: Vec<&'static str>,
}

/// What is looked for: a name for users, and the event that shows it.
type Deed = (&'static str, fn(&Row<'_>, &[u8], &[u8]) -> bool);

/// The deeds; each is given an event, the path of the program and that of the file.
const DEEDS: [Deed; 7] = [
    ("program executed", |row, exe, _| row.kind == "exec" && row.exe == Some(exe)),
    ("process ended", |row, exe, _| is(row, "process", "exit") && row.exe == Some(exe)),
    ("file created", |row, _, file| is(row, "file", "create") && row.path == Some(file)),
    ("file written", |row, _, file| is(row, "file", "write") && row.path == Some(file)),
    ("file read", |row, _, file| is(row, "file", "read") && row.path == Some(file)),
    ("file deleted", |row, _, file| is(row, "file", "delete") && row.path == Some(file)),
    ("connection made", |row, exe, _| is(row, "net", "connect") && row.exe == Some(exe)),
];

fn is(row: &Row<'_>, kind: &str, op: &str) -> bool {
    row.kind == kind && row.op == Some(op)
}

fn record(room: &Path) -> Result<Said, Failure> {
    let cannot = |why: &dyn std::error::Error| Failure::because("cannot record", why);
    let exe = fs::read_link("/proc/self/exe").map_err(|why| cannot(&why))?;
    let mut run = Command::new(&exe);
    run.arg("--home").arg(room).args(["run", "--summary", "never", "--no-env", "--"]);
    run.arg(&exe).args(["doctor", "--act"]).arg(room);
    let output = run.stdin(Stdio::null()).output().map_err(|why| cannot(&why))?;
    if !output.status.success() {
        let said = String::from_utf8_lossy(&output.stderr);
        let line = said.lines().next().unwrap_or("it said nothing");
        let line = line.strip_prefix("audit: ").unwrap_or(line);
        return Err(Failure::new(format!("the trial ended with {}: {line}", output.status)));
    }
    let run = Store::open(room).select("last").map_err(|why| Failure::of(&why))?;
    let opened = derive::ensure_derived(run)?;
    let mut said = Said {
        verdict: opened.meta.verdict.clone(),
        reasons: opened.meta.reasons.clone(),
        seen: Vec::new(),
    };
    let file = room.join(FILE);
    let (exe, file) = (exe.as_os_str().as_bytes(), file.as_os_str().as_bytes());
    if let Some(events) = opened.events()? {
        let mut look = |row: &Row<'_>| {
            let told = DEEDS.iter().filter(|(_, shows)| shows(row, exe, file));
            said.seen.extend(told.map(|(name, _)| *name));
            ControlFlow::Continue(())
        };
        events
            .query(&Query::default(), &mut |_| true, &mut look)
            .map_err(|why| Failure::of(&why))?;
    }
    Ok(said)
}

fn judge(said: &Said, begin: Instant) -> Check {
    let missing: Vec<&str> =
        DEEDS.iter().map(|(name, _)| *name).filter(|name| !said.seen.contains(name)).collect();
    if !missing.is_empty() {
        let what = missing.join(", ");
        return Check::new("trial", State::Warn, format!("recorded, but without: {what}"))
            .fix("a line above should say why; if none does, this is a bug");
    }
    let took = begin.elapsed().as_millis();
    let all = format!("a program, a file and a connection recorded, all there, in {took} ms");
    if said.verdict.starts_with("complete") {
        return Check::new("trial", State::Ok, format!("{all}: {}", said.verdict));
    }
    let reason = said.reasons.first().map_or("no reason told", String::as_str);
    Check::new("trial", State::Warn, format!("{all}, but {}: {reason}", said.verdict))
        .fix("audit view --coverage of a run has the whole list")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn said(verdict: &str, reasons: &[&str], without: &str) -> Check {
        let seen = DEEDS.iter().map(|(name, _)| *name).filter(|name| *name != without).collect();
        let reasons = reasons.iter().map(|reason| (*reason).to_owned()).collect();
        judge(&Said { verdict: verdict.to_owned(), reasons, seen }, Instant::now())
    }

    #[test]
    fn a_deed_that_is_not_in_the_record_is_named() {
        let check = said("complete", &[], "file read");
        assert_eq!(check.state, State::Warn);
        assert!(check.detail.ends_with("without: file read"), "{}", check.detail);
        assert!(check.fix.is_some());
    }

    #[test]
    fn a_record_that_is_not_complete_is_no_success() {
        assert_eq!(said("complete", &[], "").state, State::Ok);
        let check = said("partial", &["names off: refused"], "");
        assert_eq!(check.state, State::Warn);
        assert!(check.detail.ends_with("partial: names off: refused"), "{}", check.detail);
    }
}
