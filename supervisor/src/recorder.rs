//! The loop: what can wake us, in the order of service, and what each does.
//!
//! mio is edge-triggered, so a source that was woken stays due until it is found empty. A budget per
//! turn keeps a noisy ring from starving the signals. Nothing here allocates per record
//! (`tests/allocation.rs` counts).

use std::{
    io,
    ops::ControlFlow,
    os::fd::{AsFd, AsRawFd, OwnedFd},
    time::Duration,
};

use bpf::{Left, Topic};
use event::{
    frame::control::{Ending, KIND_MAIN, Main},
    wire::{Kind, Record},
};
use mio::{Events, Interest, Poll, Token, unix::SourceFd};
use zerocopy::IntoBytes;

use crate::{
    cgroup::Leaf,
    clock,
    files::{Files, Who},
    losses::Losses,
    opens::OpenCounts,
    processes::{Command, Processes},
    segment::Writer,
    sensors::Sensors,
};

/// Records or items taken from one source before the others are looked at.
const BUDGET: usize = 4096;

/// Longest time between two checkpoints (docs/storage.md).
const CHECKPOINT_NS: u64 = 1_000_000_000;

/// Everything that can wake the recorder, in the order of service: records come before the
/// command's end, so that nothing it did is left in a queue.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Source {
    Process,
    Network,
    Opens,
    Files,
    Mounts,
    Signals,
    Main,
    Leaf,
    Front,
}

impl Source {
    const ALL: [Source; 9] = [
        Source::Process,
        Source::Network,
        Source::Opens,
        Source::Files,
        Source::Mounts,
        Source::Signals,
        Source::Main,
        Source::Leaf,
        Source::Front,
    ];
}

/// What the recorder reads and where it goes.
#[derive(Debug)]
pub(crate) struct Recorder {
    poll: Poll,
    events: Events,
    due: [bool; Source::ALL.len()],
    pub(crate) leaf: Leaf,
    pub(crate) sensors: Sensors,
    pub(crate) monitor: Option<(fsmon::Monitor, Files)>,
    pub(crate) processes: Processes,
    pub(crate) opens: OpenCounts,
    pub(crate) losses: Losses,
    pub(crate) writer: Writer,
    pub(crate) malformed: u64,
    linger: Duration,
    give_up_ns: Option<u64>,
    pub(crate) checkpoint_ns: u64,
}

impl Recorder {
    /// Joins the parts and registers what is there already.
    ///
    /// # Errors
    /// Those of epoll.
    pub(crate) fn new(
        leaf: Leaf,
        sensors: Sensors,
        writer: Writer,
        linger: Duration,
        keep_processes: bool,
    ) -> io::Result<Recorder> {
        let recorder = Recorder {
            poll: Poll::new()?,
            events: Events::with_capacity(64),
            due: [true; Source::ALL.len()],
            leaf,
            sensors,
            monitor: None,
            processes: Processes::new(keep_processes),
            opens: OpenCounts::new(),
            losses: Losses::default(),
            writer,
            malformed: 0,
            linger,
            give_up_ns: None,
            checkpoint_ns: clock::boot_ns(),
        };
        for (topic, source) in TOPICS {
            if let Some(ring) = recorder.sensors.ring(topic) {
                recorder.register(ring, source, Interest::READABLE)?;
            }
        }
        recorder.register(&recorder.leaf.events(), Source::Leaf, Interest::PRIORITY)?;
        Ok(recorder)
    }

    /// Also wakes for `fd`, which the caller keeps open.
    ///
    /// # Errors
    /// Those of epoll.
    pub(crate) fn watch(&self, fd: &impl AsFd, source: Source) -> io::Result<()> {
        self.register(fd, source, Interest::READABLE)
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
            self.register(group, Source::Files, Interest::READABLE)?;
        }
        let scope = if own_mounts { fsmon::Scope::Mount } else { fsmon::Scope::Filesystem };
        let mounts = self.processes.namespaces.watch(pid, scope)?;
        self.register(&mounts, Source::Mounts, Interest::PRIORITY)?;
        self.monitor = Some((monitor, Files::new(own_mounts)));
        Ok(())
    }

    /// Notes the command, which still waits.
    ///
    /// # Errors
    /// Those of epoll.
    pub(crate) fn add_command(&mut self, pid: u32, scope: u32, pidfd: OwnedFd) -> io::Result<()> {
        self.register(&pidfd, Source::Main, Interest::READABLE)?;
        self.processes.command = Some(Command::new(pid, pidfd));
        let main = Main { pid, scope };
        self.writer.control(KIND_MAIN, clock::boot_ns(), &[main.as_bytes()]);
        Ok(())
    }

    /// Waits for something to happen, serves it, writes. Breaks when the recording is over.
    ///
    /// # Errors
    /// Those of epoll, which end the recording.
    pub(crate) fn turn(
        &mut self,
        mut ask: impl FnMut(Source) -> ControlFlow<Ending>,
    ) -> io::Result<ControlFlow<Ending>> {
        self.wait()?;
        for source in Source::ALL {
            if !std::mem::take(&mut self.due[source as usize]) {
                continue;
            }
            let left = match source {
                Source::Process => self.drain_processes(),
                Source::Network => self.drain_network(),
                Source::Opens => self.drain_opens(),
                Source::Files => self.drain_files(),
                Source::Mounts => self.follow_mounts(),
                Source::Signals | Source::Front => match ask(source) {
                    ControlFlow::Break(ending) => return Ok(ControlFlow::Break(ending)),
                    ControlFlow::Continue(()) => Left::Empty,
                },
                Source::Main => self.command_ended(),
                Source::Leaf => Left::Empty,
            };
            self.due[source as usize] = matches!(left, Left::More);
        }
        let now = clock::boot_ns();
        if now.saturating_sub(self.checkpoint_ns) >= CHECKPOINT_NS {
            self.checkpoint(now);
        }
        self.writer.flush(now);
        Ok(self.is_over(now))
    }

    /// Takes what is left everywhere, without waiting.
    pub(crate) fn drain_all(&mut self) {
        while matches!(self.drain_processes(), Left::More) {}
        while matches!(self.drain_network(), Left::More) {}
        while matches!(self.drain_opens(), Left::More) {}
        while matches!(self.drain_files(), Left::More) {}
    }

    /// How the command ended, if that was seen.
    pub(crate) fn main_code(&self) -> Option<i32> {
        self.processes.command.as_ref().and_then(|command| command.code)
    }

    /// Ends a window: repeats, counts, losses, checkpoint.
    pub(crate) fn checkpoint(&mut self, now: u64) {
        self.checkpoint_ns = now;
        // Opens wake nobody while few: a window that ends must have them all.
        while matches!(self.drain_opens(), Left::More) {}
        if let Some((_, files)) = &mut self.monitor {
            files.end_window(&mut self.writer);
        }
        self.opens.end_window(&mut self.writer);
        crate::losses::write_checkpoint(self, now);
        self.processes.members.forget_ended(now);
    }

    fn register(&self, fd: &impl AsFd, source: Source, interest: Interest) -> io::Result<()> {
        let raw = fd.as_fd().as_raw_fd();
        self.poll.registry().register(&mut SourceFd(&raw), Token(source as usize), interest)
    }

    fn wait(&mut self) -> io::Result<()> {
        let timeout = if self.due.contains(&true) { Duration::ZERO } else { self.patience() };
        match self.poll.poll(&mut self.events, Some(timeout)) {
            Ok(()) => {}
            Err(why) if why.kind() == io::ErrorKind::Interrupted => {}
            Err(why) => return Err(why),
        }
        for event in &self.events {
            if let Some(due) = self.due.get_mut(event.token().0) {
                *due = true;
            }
        }
        Ok(())
    }

    /// Time until something has to be done even if nothing happens.
    fn patience(&self) -> Duration {
        let checkpoint = self.checkpoint_ns.saturating_add(CHECKPOINT_NS);
        let first = [self.writer.sync_due_ns(), self.give_up_ns]
            .into_iter()
            .flatten()
            .fold(checkpoint, u64::min);
        Duration::from_nanos(first.saturating_sub(clock::boot_ns()))
    }

    fn drain_processes(&mut self) -> Left {
        let Recorder { sensors, processes, writer, .. } = self;
        let left = sensors.drain(Topic::Proc, BUDGET, |bytes| processes.see(bytes, writer));
        // At once: the shorter the time without marks, the less is missing.
        if processes.namespaces.has_news() {
            self.follow_mounts();
        }
        left
    }

    fn drain_network(&mut self) -> Left {
        let Recorder { sensors, writer, malformed, .. } = self;
        sensors.drain(Topic::Net, BUDGET, |bytes| match Record::parse(bytes) {
            Ok(record) => store(record, bytes, writer),
            Err(_) => *malformed += 1,
        })
    }

    fn drain_opens(&mut self) -> Left {
        let Recorder { sensors, opens, writer, malformed, .. } = self;
        sensors.drain(Topic::Opens, BUDGET, |bytes| match Record::parse(bytes) {
            Ok(Record::Open(open)) => opens.see(open, writer),
            _ => *malformed += 1,
        })
    }

    /// Hands file items on. Whoever touched a file was forked before, so once a pid is unknown the
    /// process ring is emptied: its fork is in there, or was lost, or it is a stranger's.
    fn drain_files(&mut self) -> Left {
        let Recorder { sensors, monitor, processes, writer, losses, .. } = self;
        let Some((monitor, files)) = monitor else { return Left::Empty };
        let perhaps = losses.forks_were_lost() || processes.members.full() > 0;
        let drained = monitor.drain(BUDGET, |seen| {
            let who = |pid: u32, writer: &mut Writer| {
                if processes.members.find(pid).is_none() {
                    // At most what is in the ring now; the budget only guards against a ring that
                    // fills as fast as it is read.
                    sensors.drain(Topic::Proc, 1 << 20, |bytes| processes.see(bytes, writer));
                }
                processes.members.find(pid).map_or(Who::Stranger { perhaps }, Who::Member)
            };
            files.see(seen, who, writer);
        });
        match drained {
            fsmon::Drained::Empty => Left::Empty,
            fsmon::Drained::More => Left::More,
        }
    }

    /// Marks what was mounted, and the namespaces that were entered, since the last time.
    fn follow_mounts(&mut self) -> Left {
        let Recorder { monitor, processes, writer, .. } = self;
        let Some((monitor, files)) = monitor else { return Left::Empty };
        processes.namespaces.follow_mounts(monitor, writer);
        if processes.namespaces.has_news() {
            files.open_to_others();
            for mounts in processes.namespaces.follow_entered(monitor, writer) {
                // Not registered: new mounts there are noticed with the next of another namespace.
                let _ = self.register(&mounts, Source::Mounts, Interest::PRIORITY);
            }
        }
        Left::Empty
    }

    fn command_ended(&mut self) -> Left {
        let command = self.processes.command.as_mut();
        if command.is_some_and(Command::ends_now) {
            let linger = u64::try_from(self.linger.as_nanos()).unwrap_or(u64::MAX);
            self.give_up_ns = Some(clock::boot_ns().saturating_add(linger));
        }
        Left::Empty
    }

    /// Over when the command has ended and nobody is left, or the patience with those who are.
    fn is_over(&self, now: u64) -> ControlFlow<Ending> {
        if !self.processes.command.as_ref().is_some_and(|command| command.ended) {
            return ControlFlow::Continue(());
        }
        // A process that left the leaf is alive though the leaf is empty; one whose exit record was
        // lost is not, though the table says so. With losses only the leaf is believed.
        let populated = self.leaf.populated().unwrap_or(true);
        let escaped = self.processes.members.alive() > 0 && !self.losses.lives_are_uncertain();
        if !populated && !escaped {
            return ControlFlow::Break(Ending::Empty);
        }
        match self.give_up_ns {
            Some(end) if now >= end => ControlFlow::Break(Ending::Lingered),
            _ => ControlFlow::Continue(()),
        }
    }
}

/// Which ring belongs to which source.
const TOPICS: [(Topic, Source); 3] =
    [(Topic::Proc, Source::Process), (Topic::Net, Source::Network), (Topic::Opens, Source::Opens)];

/// Stores a record as it came.
pub(crate) fn store(record: Record<'_>, bytes: &[u8], writer: &mut Writer) {
    let head = record.head();
    let size = usize::try_from(head.size).unwrap_or(0);
    let (Some(kind), Some(bytes)) = (Kind::from_wire(head.kind), bytes.get(..size)) else { return };
    writer.record(head.kind, kind as u16, head.boot_ns, &[bytes]);
}
