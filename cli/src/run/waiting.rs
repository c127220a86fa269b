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

/// Without news for so long a run is a quiet one: less than the second in which the recorder says that it lives.
const QUIET: Duration = Duration::from_millis(500);

/// Waits for the recorder to write on, and for the end.
#[derive(Debug)]
pub(super) struct Waiting<'r> {
    /// Hangs up when the recorder is done or gone.
    over: OwnedFd,
    segments: BorrowedFd<'r>,
    /// Tells of writes into the segments, once the run was quiet; without it they are looked at. Not from the start:
    /// letting go of it takes the kernel some 15 ms (fs/notify/mark.c, `fsnotify_wait_marks_destroyed`).
    changes: Option<OwnedFd>,
    tried: bool,
    looked: Instant,
    news: Instant,
}

impl Waiting<'_> {
    /// For what is written into `segments`, until `over` hangs up.
    pub(super) fn new(over: OwnedFd, segments: BorrowedFd<'_>) -> Waiting<'_> {
        let now = Instant::now();
        Waiting { over, segments, changes: None, tried: false, looked: now, news: now }
    }

    /// Something was new.
    pub(super) fn news(&mut self) {
        self.news = Instant::now();
    }

    /// Nothing is new: waits until it is worth looking. Returns whether the recorder is done or gone.
    pub(super) fn rest(&mut self) -> bool {
        let mut over = self.changes.is_some() && self.wait(None);
        let left = PACE.saturating_sub(self.looked.elapsed());
        over = over || (!left.is_zero() && self.wait(Some(left)));
        self.forget();
        if !self.tried && self.news.elapsed() > QUIET {
            self.tried = true;
            // What was written meanwhile is found by the look that comes now.
            self.changes = watch(self.segments).ok();
            sys::give_program_back();
        }
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
    use std::os::fd::AsFd;

    use rustix::pipe::pipe;

    use super::*;

    /// A directory, its descriptor, and both ends of what ends the waiting.
    fn ground() -> (tempfile::TempDir, File, OwnedFd, OwnedFd) {
        let dir = tempfile::tempdir().expect("a directory");
        let segments = File::open(dir.path()).expect("it opens");
        let (over, end) = pipe().expect("a pipe");
        (dir, segments, over, end)
    }

    /// One that was quiet for long enough.
    fn quiet(over: OwnedFd, segments: &File) -> Waiting<'_> {
        let mut waiting = Waiting::new(over, segments.as_fd());
        while waiting.changes.is_none() {
            assert!(!waiting.rest());
        }
        waiting
    }

    #[test]
    fn a_write_between_a_look_and_the_wait_is_not_missed() {
        let (dir, segments, over, _end) = ground();
        let mut waiting = quiet(over, &segments);
        for turn in 0..20 {
            fs::write(dir.path().join("000001.seg"), [turn; 9]).expect("it is written");
            assert!(!waiting.rest(), "it is not over");
        }
    }

    #[test]
    fn many_writes_are_looked_at_together() {
        let (dir, segments, over, _end) = ground();
        let mut waiting = quiet(over, &segments);
        let begin = waiting.looked;
        for _ in 0..3 {
            fs::write(dir.path().join("000001.seg"), "more").expect("it is written");
            assert!(!waiting.rest());
        }
        assert!(begin.elapsed() >= 3 * PACE, "{:?}", begin.elapsed());
    }

    #[test]
    fn the_end_ends_a_wait_without_a_limit() {
        let (_dir, segments, over, end) = ground();
        let mut waiting = quiet(over, &segments);
        let ender = std::thread::spawn(move || drop(end));
        assert!(waiting.rest());
        ender.join().expect("it ends");
    }

    #[test]
    fn a_run_that_has_news_is_looked_at_and_not_watched() {
        let (_dir, segments, over, _end) = ground();
        let mut waiting = Waiting::new(over, segments.as_fd());
        let begin = waiting.looked;
        for _ in 0..7 {
            waiting.news();
            assert!(!waiting.rest());
        }
        assert!(begin.elapsed() >= 7 * PACE);
        assert!(waiting.changes.is_none());
    }
}
