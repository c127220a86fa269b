//! While the command runs: passes signals on, stops and continues with it, sees it end.

use std::{io, os::fd::AsFd};

use rustix::process::{Pid, WaitOptions, WaitStatus, waitpid};

use super::{
    notify::Proxy,
    signals::{self, Signals},
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
    /// Name of its cgroup.
    pub(super) leaf: &'a str,
    /// Tells of signals.
    pub(super) signals: &'a Signals,
    /// The recorder.
    pub(super) supervisor: &'a mut Supervisor,
    /// What is known of it.
    pub(super) recorder: Recorder,
    /// Between the command and a service manager.
    pub(super) notify: Option<Proxy>,
}

impl Attendant<'_> {
    /// Waits until the command has ended.
    pub(super) fn until_end(&mut self) -> io::Result<End> {
        loop {
            if let Some(end) = self.reap()? {
                return Ok(end);
            }
            self.wait()?;
            while let Some(came) = self.signals.next() {
                signals::pass_on(self.child, self.leaf, came);
            }
        }
    }

    /// Waits until the recorder is done. ^C and friends end the waiting, not the recording.
    pub(super) fn until_sealed(&mut self) -> io::Result<()> {
        while self.recorder == Recorder::Working {
            self.wait()?;
            while let Some(came) = self.signals.next() {
                if self.signals.ends(came) {
                    return Ok(());
                }
            }
        }
        Ok(())
    }

    fn wait(&mut self) -> io::Result<()> {
        let working = self.recorder == Recorder::Working;
        let others =
            [working.then(|| self.supervisor.as_fd()), self.notify.as_ref().map(AsFd::as_fd)];
        let [spoke, notified] = self.signals.or_one_of(others, None)?;
        if let Some(proxy) = self.notify.as_ref().filter(|_| notified) {
            proxy.pass_on(self.leaf);
        }
        if spoke {
            self.recorder = match self.supervisor.hear() {
                Ok(Word::Done) => Recorder::Done,
                Ok(Word::Ready(..) | Word::Armed) => Recorder::Working,
                Err(_) => Recorder::Gone,
            };
        }
        Ok(())
    }

    /// Takes the child's state changes; returns its end.
    fn reap(&self) -> io::Result<Option<End>> {
        let options = WaitOptions::NOHANG | WaitOptions::UNTRACED;
        loop {
            match waitpid(Some(self.child), options) {
                Ok(Some((_, status))) if status.stopped() => stop_with_it(status.stopping_signal()),
                Ok(Some((_, status))) => return Ok(Some(end_of(status))),
                Ok(None) => return Ok(None),
                Err(rustix::io::Errno::INTR) => {}
                Err(errno) => return Err(errno.into()),
            }
        }
    }
}

/// The shell must see its job stopped: stop too. Who continues us sends SIGCONT, which is passed on.
///
/// Without a terminal there is no job control, and who stopped the command continues the command.
pub(super) fn stop_with_it(by: Option<i32>) {
    let terminal =
        rustix::fs::OFlags::RDWR | rustix::fs::OFlags::NOCTTY | rustix::fs::OFlags::CLOEXEC;
    if rustix::fs::open("/dev/tty", terminal, rustix::fs::Mode::empty()).is_err() {
        return;
    }
    let by_terminal = [libc::SIGTTIN, libc::SIGTTOU];
    let signal = by.filter(|signal| by_terminal.contains(signal));
    sys::stop_by(signal.unwrap_or(libc::SIGTSTP));
}

fn end_of(status: WaitStatus) -> End {
    match (status.exit_status(), status.terminating_signal()) {
        (Some(code), _) => End::Exited(code),
        (None, Some(signal)) => End::Killed(signal),
        (None, None) => End::Exited(0),
    }
}
