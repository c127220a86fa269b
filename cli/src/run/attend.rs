//! While the command runs: passes signals on, stops and continues with it, sees it end.
//!
//! The command is in our process group, so signals from the keyboard reach it by themselves; what a
//! process sends to us alone is passed on. The scheme is sudo's without a pty (CLI conventions in
//! `docs/architecture.md`).

use std::{io, os::fd::AsFd};

use rustix::{
    event::{PollFd, PollFlags, poll},
    process::{Pid, Signal, WaitOptions, WaitStatus, waitpid},
};

use super::{
    supervisor::{Supervisor, Word},
    sys,
};

/// How the command ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum End {
    /// By exit, with this status.
    Exited(i32),
    /// By this signal.
    Killed(i32),
}

/// What the recorder last said or did.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Recorder {
    /// It records.
    Working,
    /// It wrote the seal.
    Done,
    /// It is gone without a word.
    Gone,
}

/// Everything the front waits for.
#[derive(Debug)]
pub(super) struct Attendant<'a> {
    /// The command.
    pub(super) child: Pid,
    /// Tells of signals.
    pub(super) signals: &'a std::os::fd::OwnedFd,
    /// The recorder.
    pub(super) supervisor: &'a mut Supervisor,
    /// What is known of it.
    pub(super) recorder: Recorder,
}

impl Attendant<'_> {
    /// Waits until the command has ended.
    pub(super) fn until_end(&mut self) -> io::Result<End> {
        loop {
            if let Some(end) = self.reap()? {
                return Ok(end);
            }
            self.wait()?;
            while let Some(came) = sys::next_signal(self.signals.as_fd()) {
                self.pass_on(came);
            }
        }
    }

    /// Waits until the recorder is done. ^C and friends end the waiting, not the recording.
    pub(super) fn until_sealed(&mut self) -> io::Result<()> {
        while self.recorder == Recorder::Working {
            self.wait()?;
            while let Some(came) = sys::next_signal(self.signals.as_fd()) {
                if matches!(
                    came.signal,
                    libc::SIGINT | libc::SIGTERM | libc::SIGHUP | libc::SIGQUIT
                ) {
                    return Ok(());
                }
            }
        }
        Ok(())
    }

    fn wait(&mut self) -> io::Result<()> {
        let supervisor = self.supervisor.as_fd();
        let mut fds = vec![PollFd::new(self.signals, PollFlags::IN)];
        if self.recorder == Recorder::Working {
            fds.push(PollFd::from_borrowed_fd(supervisor, PollFlags::IN));
        }
        match poll(&mut fds, None) {
            Ok(_) | Err(rustix::io::Errno::INTR) => {}
            Err(errno) => return Err(errno.into()),
        }
        let spoke = fds.get(1).is_some_and(|fd| !fd.revents().is_empty());
        drop(fds);
        if spoke {
            self.recorder = match self.supervisor.hear() {
                Ok(Word::Done) => Recorder::Done,
                Ok(Word::Ready(_) | Word::Armed) => Recorder::Working,
                Err(_) => Recorder::Gone,
            };
        }
        Ok(())
    }

    fn pass_on(&self, came: sys::Came) {
        let own = matches!(came.signal, libc::SIGCHLD);
        let from_child = came.sender == self.child.as_raw_pid().cast_unsigned();
        if own || !came.by_process || from_child {
            return;
        }
        if let Some(signal) = Signal::from_named_raw(came.signal) {
            // ESRCH: it ended meanwhile, which the next turn sees.
            let _ = rustix::process::kill_process(self.child, signal);
        }
    }

    /// Takes the child's state changes; returns its end.
    fn reap(&self) -> io::Result<Option<End>> {
        let options = WaitOptions::NOHANG | WaitOptions::UNTRACED;
        loop {
            match waitpid(Some(self.child), options) {
                Ok(Some((_, status))) if status.stopped() => self.stop_with_it(),
                Ok(Some((_, status))) => return Ok(Some(end_of(status))),
                Ok(None) => return Ok(None),
                Err(rustix::io::Errno::INTR) => {}
                Err(errno) => return Err(errno.into()),
            }
        }
    }

    /// The shell must see its job stopped: stop too; when someone continues us, continue the command.
    fn stop_with_it(&self) {
        sys::stop_self();
        let _ = rustix::process::kill_process(self.child, Signal::CONT);
    }
}

fn end_of(status: WaitStatus) -> End {
    match (status.exit_status(), status.terminating_signal()) {
        (Some(code), _) => End::Exited(code),
        (None, Some(signal)) => End::Killed(signal),
        (None, None) => End::Exited(0),
    }
}
