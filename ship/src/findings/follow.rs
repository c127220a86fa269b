//! Findings of a run as they come: `audit tail` finds them, at our low priority. While the server is away
//! its output is not read, so it waits; the run itself waits for nobody.

use std::{
    io::{self, BufRead, BufReader, Read},
    path::Path,
    process::{Child, Command, Stdio},
    sync::mpsc::SyncSender,
    thread::{self, JoinHandle},
};

use crate::say::brief;

/// Longest line that is taken for a finding: that of `audit tail` itself.
const LONGEST: u64 = 8 << 20;
/// As much is read of what it says when it fails.
const MAX_SAID: u64 = 4 << 10;

/// What a follower gives.
#[derive(Debug)]
pub(super) enum Got {
    /// A line of the run with this id.
    Line(String, Vec<u8>),
    /// There are no more, as the run has ended or as it is told why.
    End(String, Result<(), String>),
}

/// A run that is followed; dropped, it is followed no more.
#[derive(Debug)]
pub(super) struct Follower {
    child: Child,
    reader: Option<JoinHandle<()>>,
}

impl Follower {
    /// Follows the run in `path` until it ends; or only gives what is there.
    pub(super) fn start(
        audit: &Path,
        id: &str,
        path: &Path,
        to_the_end: bool,
        give: SyncSender<Got>,
    ) -> io::Result<Follower> {
        let mut command = Command::new(audit);
        command.args(["tail", "--quiet", "--type", "finding"]);
        command.args(to_the_end.then_some("--follow")).arg(path);
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn()?;
        let (out, err) = (child.stdout.take(), child.stderr.take());
        let id = id.to_owned();
        let reader = thread::spawn(move || {
            let Some(out) = out else { return };
            if lines(BufReader::new(out), &id, &give) {
                let mut said = Vec::new();
                // Where nothing can be read of it, nothing was said.
                let _ = err.map(|err| err.take(MAX_SAID).read_to_end(&mut said));
                let said = String::from_utf8_lossy(&said);
                let said = brief(said.trim().trim_start_matches("audit: "));
                let end = if said.is_empty() { Ok(()) } else { Err(said) };
                // Nobody waits for it when we are ending.
                let _ = give.send(Got::End(id, end));
            }
        });
        Ok(Follower { child, reader: Some(reader) })
    }

    /// Waits for its end, which [`Got::End`] told. Returns whether it did all of its work.
    pub(super) fn ended(mut self) -> bool {
        // `tail` without `--follow` ends with 1 where there is no finding.
        self.child.wait().is_ok_and(|status| matches!(status.code(), Some(0 | 1)))
    }
}

impl Drop for Follower {
    fn drop(&mut self) {
        // It may have ended by itself.
        let _ = self.child.kill();
        let _ = self.child.wait();
        // Not joined: it may wait for us to take a line. It ends when nobody takes any.
        drop(self.reader.take());
    }
}

/// Gives every line; returns whether somebody took all.
fn lines(mut from: impl BufRead, id: &str, give: &SyncSender<Got>) -> bool {
    loop {
        let mut line = Vec::new();
        match from.by_ref().take(LONGEST).read_until(b'\n', &mut line) {
            Ok(0) => return true,
            Ok(_) if line.pop() == Some(b'\n') => {
                if give.send(Got::Line(id.to_owned(), line)).is_err() {
                    return false;
                }
            }
            // Cut, as by a kill: it is read again next time.
            _ => return true,
        }
    }
}
