//! The loop: what can wake us, in the order of service, and what each does.
//!
//! A source that was woken stays due until it is found empty (`wakes`). A budget per
//! turn keeps a noisy ring from starving the signals. Nothing here allocates per record
//! (`tests/allocation.rs` counts).

use std::{
    io,
    ops::ControlFlow,
    os::fd::{AsFd, OwnedFd},
    time::Duration,
};

use bpf::Left;
use event::frame::control::{Ending, KIND_MAIN, Main};
use mio::Interest;
use zerocopy::IntoBytes;

use crate::{
    attention::Look,
    cgroup::Leaf,
    clock,
    files::Files,
    processes::Command,
    queues::Queues,
    source::{RING_OF, Source},
    sys,
    wakes::Wakes,
    window::Window,
};

/// What is to be done after a signal or a word of the front.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Asked {
    /// Nothing.
    GoOn,
    /// End when the command has ended, or `--linger` is over.
    EndSoon,
    /// End now.
    End(Ending),
}

/// The loop and what it waits for.
#[derive(Debug)]
pub(crate) struct Recorder {
    wakes: Wakes,
    pub(crate) leaf: Leaf,
    pub(crate) queues: Queues,
    linger: Duration,
    give_up_ns: Option<u64>,
    pub(crate) window: Window,
    /// The first second is over.
    lives_on: bool,
}

impl Recorder {
    /// Joins the parts and registers what is there already.
    ///
    /// # Errors
    /// Those of epoll.
    pub(crate) fn new(
        leaf: Leaf,
        queues: Queues,
        linger: Duration,
        heartbeat_ms: u32,
    ) -> io::Result<Recorder> {
        let recorder = Recorder {
            wakes: Wakes::new()?,
            leaf,
            queues,
            linger,
            give_up_ns: None,
            window: Window::first(clock::boot_ns(), heartbeat_ms),
            lives_on: false,
        };
        for (topic, source) in RING_OF {
            if let Some(ring) = recorder.queues.sensors.ring(topic) {
                recorder.wakes.register(ring, source, Interest::READABLE)?;
            }
        }
        recorder.wakes.register(&recorder.leaf.events(), Source::Leaf, Interest::PRIORITY)?;
        Ok(recorder)
    }

    /// Also wakes for `fd`, which the caller keeps open.
    ///
    /// # Errors
    /// Those of epoll.
    pub(crate) fn watch(&self, fd: &impl AsFd, source: Source) -> io::Result<()> {
        self.wakes.register(fd, source, Interest::READABLE)
    }

    /// Reads `monitor` from now on.
    ///
    /// # Errors
    /// Those of epoll.
    pub(crate) fn add_files(
        &mut self,
        monitor: fsmon::Monitor,
        pid: u32,
        own_mounts: bool,
    ) -> io::Result<()> {
        for group in monitor.groups() {
            self.wakes.register(group, Source::Files, Interest::READABLE)?;
        }
        let scope = if own_mounts { fsmon::Scope::Mount } else { fsmon::Scope::Filesystem };
        let mounts = self.queues.processes.namespaces.watch(pid, None, scope)?;
        self.wakes.register(&mounts, Source::Mounts, Interest::PRIORITY)?;
        self.queues.monitor = Some((monitor, Files::new(own_mounts)));
        Ok(())
    }

    /// Notes the command, which still waits.
    ///
    /// # Errors
    /// Those of epoll.
    pub(crate) fn add_command(&mut self, pid: u32, scope: u32, pidfd: OwnedFd) -> io::Result<()> {
        self.wakes.register(&pidfd, Source::Main, Interest::READABLE)?;
        self.queues.processes.command = Some(Command::new(pid, pidfd));
        let main = Main { pid, scope };
        self.queues.writer.control(KIND_MAIN, clock::boot_ns(), &[main.as_bytes()]);
        Ok(())
    }

    /// Waits for something to happen, serves it, writes. Breaks when the recording is over.
    ///
    /// # Errors
    /// Those of epoll, which end the recording.
    pub(crate) fn turn(
        &mut self,
        mut ask: impl FnMut(Source) -> Asked,
    ) -> io::Result<ControlFlow<Ending>> {
        let (window, writer, give_up) =
            (self.window_end_ns(), &self.queues.writer, self.give_up_ns);
        let look = self.wakes.wait(|attention| {
            let others = [writer.flush_due_ns(), give_up, attention.due_ns()];
            let first = others.into_iter().flatten().fold(window, u64::min);
            Duration::from_nanos(first.saturating_sub(clock::boot_ns()))
        })?;
        if look == Look::Last {
            self.queues.sensors.rouse();
        }
        for source in Source::ALL {
            if !self.wakes.take(source) {
                continue;
            }
            let left = match source {
                Source::Process => self.drain_processes(),
                Source::Network => self.queues.drain_network(),
                Source::Calls => self.queues.drain_calls(),
                Source::Hosts => self.queues.drain_hosts(),
                Source::Files => self.queues.drain_files(),
                Source::Mounts => self.follow_mounts(),
                Source::Signals | Source::Front => match ask(source) {
                    Asked::End(ending) => return Ok(ControlFlow::Break(ending)),
                    Asked::EndSoon => self.end_soon(),
                    Asked::GoOn => Left::Empty,
                },
                Source::Main => self.command_ended(),
                Source::Leaf => Left::Empty,
            };
            self.wakes.mark(source, matches!(left, Left::More));
        }
        let now = clock::boot_ns();
        self.wakes.attention.seen(now, self.queues.sensors.read());
        if look == Look::Last && self.queues.sensors.is_waiting() {
            self.wakes.attention.woken(now);
        }
        if now >= self.window_end_ns() {
            self.end_window(now);
            // Once: who lives for a second may live for days.
            if !std::mem::replace(&mut self.lives_on, true) {
                self.queues.sensors.rest();
                sys::give_program_back();
            }
        }
        self.queues.writer.flush(now);
        Ok(self.is_over(now))
    }

    /// Ends the window, unless nothing has come in it: then there is nothing to tell yet.
    fn end_window(&mut self, now: u64) {
        let quiet = self.queues.writer.is_whole()
            && !self.queues.something_waits(now)
            && self.window.goes_on(self.queues.come(), now);
        if !quiet {
            self.checkpoint(now);
        }
    }

    /// Ends a window: repeats, counts, losses, checkpoint.
    pub(crate) fn checkpoint(&mut self, now: u64) {
        // Records wake us, or we look; if both went wrong, it is a second at most.
        self.drain_processes();
        self.queues.checkpoint(now);
        self.window = self.window.next(self.queues.come(), now);
    }

    /// When the window ends; on a full disk checkpoints must not eat what is left.
    fn window_end_ns(&self) -> u64 {
        self.window.end_ns(self.queues.never_folded(), self.queues.writer.is_whole())
    }

    fn drain_processes(&mut self) -> Left {
        let left = self.queues.drain_processes();
        // At once: the shorter the time without marks, the less is missing.
        if self.queues.processes.namespaces.has_news() {
            self.follow_mounts();
        }
        // The sooner the files of before are read, the less is held back of what comes after.
        if self.queues.processes.members.is_left_by_someone() {
            self.wakes.mark(Source::Files, true);
        }
        left
    }

    /// Marks what was mounted, and the namespaces that were entered, since the last time; says what of it
    /// was not marked meanwhile.
    pub(crate) fn follow_mounts(&mut self) -> Left {
        let Queues { monitor, processes, writer, .. } = &mut self.queues;
        let Some((monitor, files)) = monitor else { return Left::Empty };
        processes.namespaces.follow_mounts(monitor, writer);
        if processes.namespaces.has_news() {
            files.open_to_others();
            let entered = processes.namespaces.follow_entered(monitor, writer);
            for mounts in entered {
                // Not registered: new mounts there are noticed with the next of another namespace.
                let _ = self.wakes.register(&mounts, Source::Mounts, Interest::PRIORITY);
            }
        }
        Left::Empty
    }

    fn command_ended(&mut self) -> Left {
        let command = self.queues.processes.command.as_mut();
        if command.is_some_and(Command::ends_now) {
            let linger = u64::try_from(self.linger.as_nanos()).unwrap_or(u64::MAX);
            self.give_up_ns = Some(clock::boot_ns().saturating_add(linger));
        }
        Left::Empty
    }

    /// Gives the run as long as `--linger`, whether its command has ended or not.
    fn end_soon(&mut self) -> Left {
        let linger = u64::try_from(self.linger.as_nanos()).unwrap_or(u64::MAX);
        let end = clock::boot_ns().saturating_add(linger);
        self.give_up_ns = Some(self.give_up_ns.map_or(end, |earlier| earlier.min(end)));
        Left::Empty
    }

    /// Over when the command has ended and nobody is left, or the patience with those who are.
    fn is_over(&self, now: u64) -> ControlFlow<Ending> {
        if !self.queues.processes.command.as_ref().is_some_and(|command| command.ended) {
            return match self.give_up_ns {
                Some(end) if now >= end => ControlFlow::Break(Ending::Stopped),
                _ => ControlFlow::Continue(()),
            };
        }
        // A process that left the leaf is alive though the leaf is empty.
        let populated = self.leaf.populated().unwrap_or(true);
        if !populated && !self.queues.someone_lives() {
            return ControlFlow::Break(Ending::Empty);
        }
        match self.give_up_ns {
            Some(end) if now >= end => ControlFlow::Break(Ending::Lingered),
            _ => ControlFlow::Continue(()),
        }
    }
}
