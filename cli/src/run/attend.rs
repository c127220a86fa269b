//! While the command runs: passes signals on, stops and continues with it, sees it end.

use std::{
    fs::File,
    io::{self, Read},
    os::fd::{AsFd, BorrowedFd},
    time::{Duration, Instant},
};

use rustix::{
    event::Timespec,
    fs::{Mode, OFlags, openat},
    process::{Pid, WaitOptions, WaitStatus, waitpid},
};

use super::{
    notify::Proxy,
    signals::{self, Signals},
    supervisor::{Supervisor, Word},
    sys,
};

/// What is gone so soon after the command ended with it, as the last of a pipeline does, and was not left
/// behind. Nobody notices it before a prompt.
const GRACE: Duration = Duration::from_millis(200);

/// How often it is looked who is left.
const PACE: Timespec = Timespec { tv_sec: 0, tv_nsec: 50_000_000 };

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
            self.wait(None)?;
            while let Some(came) = self.signals.next() {
                signals::pass_on(self.child, self.leaf, came);
            }
        }
    }

    /// Waits until the recorder is done; with a leaf no longer than somebody is left in it. ^C and
    /// friends end the waiting, not the recording.
    pub(super) fn until_sealed(&mut self, leaf: Option<BorrowedFd<'_>>) -> io::Result<()> {
        let begun = Instant::now();
        while self.recorder == Recorder::Working {
            self.wait(leaf.map(|_| &PACE))?;
            if leaf.is_some_and(|leaf| begun.elapsed() >= GRACE && is_populated(leaf)) {
                return Ok(());
            }
            while let Some(came) = self.signals.next() {
                if self.signals.ends(came) {
                    return Ok(());
                }
            }
        }
        Ok(())
    }

    fn wait(&mut self, limit: Option<&Timespec>) -> io::Result<()> {
        let working = self.recorder == Recorder::Working;
        let others =
            [working.then(|| self.supervisor.as_fd()), self.notify.as_ref().map(AsFd::as_fd)];
        let [spoke, notified] = self.signals.or_one_of(others, limit)?;
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

/// Whether processes are in a cgroup or below it. One that cannot be asked is waited for.
fn is_populated(leaf: BorrowedFd<'_>) -> bool {
    let flags = OFlags::RDONLY | OFlags::CLOEXEC;
    let file = openat(leaf, "cgroup.events", flags, Mode::empty()).map(File::from);
    let mut text = String::new();
    file.is_ok_and(|mut file| file.read_to_string(&mut text).is_ok())
        && text.contains("populated 1")
}

fn end_of(status: WaitStatus) -> End {
    match (status.exit_status(), status.terminating_signal()) {
        (Some(code), _) => End::Exited(code),
        (None, Some(signal)) => End::Killed(signal),
        (None, None) => End::Exited(0),
    }
}
