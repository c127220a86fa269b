//! What wakes the loop, and which sources are due then.
//!
//! mio is edge-triggered, so a source that was woken stays due until it is found empty.

use std::{
    io,
    os::fd::{AsFd, AsRawFd},
    time::Duration,
};

use mio::{Events, Interest, Poll, Token, unix::SourceFd};

use crate::{
    attention::{Attention, Look},
    clock,
    pace::Pace,
    source::Source,
};

/// The sources, and how they are waited for.
#[derive(Debug)]
pub(crate) struct Wakes {
    poll: Poll,
    /// The same without files: who waits for more of these hears all else.
    calm: Poll,
    events: Events,
    due: [bool; Source::ALL.len()],
    pace: Pace,
    pub(crate) attention: Attention,
}

impl Wakes {
    /// No sources; all are due.
    ///
    /// # Errors
    /// Those of epoll.
    pub(crate) fn new() -> io::Result<Wakes> {
        Ok(Wakes {
            poll: Poll::new()?,
            calm: Poll::new()?,
            events: Events::with_capacity(64),
            due: [true; Source::ALL.len()],
            pace: Pace::default(),
            attention: Attention::default(),
        })
    }

    /// Also wakes for `fd`, which the caller keeps open.
    ///
    /// # Errors
    /// Those of epoll.
    pub(crate) fn register(
        &self,
        fd: &impl AsFd,
        source: Source,
        interest: Interest,
    ) -> io::Result<()> {
        let raw = fd.as_fd().as_raw_fd();
        let register = |poll: &Poll| {
            poll.registry().register(&mut SourceFd(&raw), Token(source as usize), interest)
        };
        if source != Source::Files {
            register(&self.calm)?;
        }
        register(&self.poll)
    }

    /// `source` is due, woken or not.
    pub(crate) fn mark(&mut self, source: Source, due: bool) {
        self.due[source as usize] = due;
    }

    /// Whether `source` was due, which it is not any more.
    pub(crate) fn take(&mut self, source: Source) -> bool {
        std::mem::take(&mut self.due[source as usize])
    }

    /// Waits for what is due, at most as long as `patience` says; returns whether the rings are, though nothing woke us.
    ///
    /// # Errors
    /// Those of epoll.
    pub(crate) fn wait(&mut self, patience: impl Fn(&Attention) -> Duration) -> io::Result<Look> {
        let rests = !self.due.contains(&true);
        let timeout = if rests { patience(&self.attention) } else { Duration::ZERO };
        poll(&mut self.poll, &mut self.events, timeout)?;
        let mut now = clock::boot_ns();
        self.note(now);
        if rests
            && self.is_woken_by_files()
            && let Some(wait) = self.pace.woken(now)
        {
            // What it heard of before, and was served since, ends a wait early: once.
            poll(&mut self.calm, &mut self.events, wait)?;
            now = clock::boot_ns();
            self.note(now);
        }
        let look = self.attention.look(now);
        if look != Look::No {
            Source::RINGS.into_iter().for_each(|ring| self.mark(ring, true));
        }
        Ok(look)
    }

    fn is_woken_by_files(&self) -> bool {
        let mut events = self.events.iter().map(|event| event.token().0);
        !self.events.is_empty() && events.all(|token| token == Source::Files as usize)
    }

    /// What the last wait heard of is due.
    fn note(&mut self, now: u64) {
        for event in &self.events {
            let Some(source) = Source::ALL.get(event.token().0) else { continue };
            self.due[*source as usize] = true;
            match source {
                // That it ended may be in a ring.
                Source::Main | Source::Leaf => self.due[Source::Process as usize] = true,
                source if Source::RINGS.contains(source) => self.attention.woken(now),
                _ => {}
            }
        }
    }
}

fn poll(poll: &mut Poll, events: &mut Events, timeout: Duration) -> io::Result<()> {
    match poll.poll(events, Some(timeout)) {
        Err(why) if why.kind() != io::ErrorKind::Interrupted => Err(why),
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use std::{os::fd::OwnedFd, time::Instant};

    use rustix::pipe::pipe;

    use super::*;

    const LONG: Duration = Duration::from_secs(60);

    /// Files and a ring that are pipes, with their other ends.
    fn wakes() -> (Wakes, [OwnedFd; 2], [OwnedFd; 2]) {
        let mut wakes = Wakes::new().expect("epoll");
        Source::ALL.into_iter().for_each(|source| wakes.mark(source, false));
        let ((files, more_files), (ring, more_records)) =
            (pipe().expect("a pipe"), pipe().expect("a pipe"));
        wakes.register(&files, Source::Files, Interest::READABLE).expect("it registers");
        wakes.register(&ring, Source::Process, Interest::READABLE).expect("it registers");
        (wakes, [files, ring], [more_files, more_records])
    }

    fn tell(to: &OwnedFd) {
        rustix::io::write(to, b"x").expect("it is written");
    }

    #[test]
    fn what_wakes_is_due_until_it_is_taken() {
        let (mut wakes, _ends, [files, records]) = wakes();
        tell(&files);
        wakes.wait(|_| LONG).expect("epoll");
        assert!(wakes.take(Source::Files));
        assert!(!wakes.take(Source::Files) && !wakes.take(Source::Process));
        tell(&records);
        wakes.wait(|_| LONG).expect("epoll");
        assert!(wakes.take(Source::Process) && !wakes.take(Source::Files));
    }

    #[test]
    fn a_storm_of_files_is_waited_for_and_all_else_is_not() {
        let (mut wakes, _ends, [files, records]) = wakes();
        let storm = |wakes: &mut Wakes| {
            tell(&files);
            let begin = Instant::now();
            wakes.wait(|_| LONG).expect("epoll");
            assert!(wakes.take(Source::Files));
            begin.elapsed()
        };
        let waited = (0..50).filter(|_| storm(&mut wakes) >= Duration::from_millis(1)).count();
        assert!(waited > 20, "{waited} of 50");
        // Nobody waits for more files when a record comes with them.
        tell(&records);
        storm(&mut wakes);
        assert!(wakes.take(Source::Process));
    }
}
