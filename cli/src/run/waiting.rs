//! How the thread that derives waits for more: a moment while the run is busy, without looking when it is not.

use std::{
    io,
    os::fd::{AsRawFd, BorrowedFd, OwnedFd},
    time::{Duration, Instant},
};

use rustix::{
    event::{PollFd, PollFlags, Timespec, poll},
    fs::inotify,
    io::{Errno, read},
};

use super::sys;

/// Time between two looks at the segments at least. Pages about a live run are this much behind while much happens.
const PACE: Duration = Duration::from_millis(100);

/// Waits for the recorder to write on, and for the end.
#[derive(Debug)]
pub(super) struct Waiting {
    /// Hangs up when the recorder is done or gone.
    over: OwnedFd,
    /// Tells of writes into the segments; without it they are looked at.
    changes: Option<OwnedFd>,
    looked: Instant,
    /// Memory was given back.
    given: bool,
}

impl Waiting {
    /// Watches what is written into `segments`, before it is read for the first time.
    pub(super) fn new(over: OwnedFd, segments: BorrowedFd<'_>) -> Waiting {
        Waiting { over, changes: watch(segments).ok(), looked: Instant::now(), given: false }
    }

    /// Nothing is new: waits until it is worth looking. Returns whether the recorder is done or gone.
    pub(super) fn rest(&mut self) -> bool {
        let begin = Instant::now();
        let mut over = self.changes.is_some() && self.wait(None);
        // The run is a quiet one, and not over in a moment.
        if !over && begin.elapsed() > PACE && !std::mem::replace(&mut self.given, true) {
            sys::give_program_back();
        }
        let left = PACE.saturating_sub(self.looked.elapsed());
        over = over || (!left.is_zero() && self.wait(Some(left)));
        self.forget();
        self.looked = Instant::now();
        over
    }

    /// Waits as long as that for the end; without a limit for a change too.
    fn wait(&self, limit: Option<Duration>) -> bool {
        let changes = self.changes.iter().filter(|_| limit.is_none());
        let fds = [&self.over].into_iter().chain(changes);
        let mut fds: Vec<_> = fds.map(|fd| PollFd::new(fd, PollFlags::IN)).collect();
        let limit = limit.and_then(|limit| Timespec::try_from(limit).ok());
        match poll(&mut fds, limit.as_ref()) {
            Ok(_) | Err(Errno::INTR) => {}
            // Never seen: then at least not without a pause.
            Err(_) => std::thread::sleep(PACE),
        }
        fds.first().is_some_and(|over| !over.revents().is_empty())
    }

    /// What changed so far is read next.
    fn forget(&self) {
        let mut told = [0; 4096];
        while let Some(changes) = &self.changes
            && read(changes, &mut told).is_ok_and(|len| len > 0)
        {}
    }
}

fn watch(segments: BorrowedFd<'_>) -> io::Result<OwnedFd> {
    let flags = inotify::CreateFlags::CLOEXEC | inotify::CreateFlags::NONBLOCK;
    let changes = inotify::init(flags)?;
    let place = format!("/proc/self/fd/{}", segments.as_raw_fd());
    inotify::add_watch(&changes, place, inotify::WatchFlags::MODIFY | inotify::WatchFlags::CREATE)?;
    Ok(changes)
}

#[cfg(test)]
mod tests {
    use std::fs::{self, File};

    use rustix::pipe::pipe;

    use super::*;

    /// A directory, its descriptor, what waits for it, and what ends the waiting.
    fn waiting() -> (tempfile::TempDir, Waiting, OwnedFd) {
        let dir = tempfile::tempdir().expect("a directory");
        let segments = OwnedFd::from(File::open(dir.path()).expect("it opens"));
        let (over, end) = pipe().expect("a pipe");
        let waiting = Waiting::new(over, std::os::fd::AsFd::as_fd(&segments));
        (dir, waiting, end)
    }

    #[test]
    fn a_write_between_two_looks_is_not_missed() {
        let (dir, mut waiting, _end) = waiting();
        for turn in 0..20 {
            // After the look that found nothing, before the wait.
            fs::write(dir.path().join("000001.seg"), [turn; 9]).expect("it is written");
            assert!(!waiting.rest(), "it is not over");
        }
    }

    #[test]
    fn many_writes_are_looked_at_together() {
        let begin = Instant::now();
        let (dir, mut waiting, _end) = waiting();
        for _ in 0..3 {
            fs::write(dir.path().join("000001.seg"), "more").expect("it is written");
            assert!(!waiting.rest());
        }
        assert!(begin.elapsed() >= 3 * PACE, "{:?}", begin.elapsed());
    }

    #[test]
    fn the_end_ends_a_wait_without_a_limit() {
        let (_dir, mut waiting, end) = waiting();
        let ender = std::thread::spawn(move || drop(end));
        assert!(waiting.rest());
        ender.join().expect("it ends");
    }

    #[test]
    fn without_a_watch_it_looks_at_its_pace() {
        let begin = Instant::now();
        let (_dir, mut waiting, _end) = waiting();
        waiting.changes = None;
        assert!(!(0..3).any(|_| waiting.rest()));
        assert!(begin.elapsed() >= 3 * PACE);
    }
}
