//! What the recorder reads and where it goes: rings and groups on one side, the segment on the other.

mod checkpoint;

use bpf::{Left, Topic};
use event::{
    frame::control::TALLY_NAMES,
    wire::{Kind, Record},
};

use crate::{
    clock,
    files::Files,
    losses::Losses,
    members::Member,
    named::NamedOpens,
    opens::OpenCounts,
    processes::{Processes, store},
    programs::Touch,
    segment::Writer,
    sensors::Sensors,
    who::Who,
};

/// Records or items taken from one source before the others are looked at.
const BUDGET: usize = 4096;

/// Longest time that the last reading of file events takes: a backlog of millions is read in it.
const LAST_DRAIN_NS: u64 = 10_000_000_000;

/// Records that nobody folds: an early end of the window makes no more events of them.
const NEVER_FOLDED: [u32; 8] = [
    Kind::Fork as u32,
    Kind::Exec as u32,
    Kind::Exit as u32,
    Kind::Connect as u32,
    Kind::Established as u32,
    Kind::Accepted as u32,
    Kind::Flow as u32,
    TALLY_NAMES,
];

/// All queues of a run, their tables, and the writer.
#[derive(Debug)]
pub(crate) struct Queues {
    /// BPF.
    pub(crate) sensors: Sensors,
    /// fanotify, unless files are not recorded.
    pub(crate) monitor: Option<(fsmon::Monitor, Files)>,
    /// Members and the command.
    pub(crate) processes: Processes,
    /// The record.
    pub(crate) writer: Writer,
    opens: OpenCounts,
    named: NamedOpens,
    losses: Losses,
    /// When what has ended was looked for last.
    forgot_ns: u64,
    malformed: u64,
    malformed_hosts: u64,
}

impl Queues {
    /// Joins rings and writer; groups may come later.
    pub(crate) fn new(sensors: Sensors, writer: Writer, keep_processes: bool) -> Self {
        Queues {
            sensors,
            monitor: None,
            processes: Processes::new(keep_processes),
            writer,
            opens: OpenCounts::new(),
            named: NamedOpens::new(),
            losses: Losses::since(clock::boot_ns()),
            forgot_ns: 0,
            malformed: 0,
            malformed_hosts: 0,
        }
    }

    /// Takes what is left everywhere, without waiting. The programs are deaf by now, so rings end; the
    /// groups of a busy machine may not, and what strangers do is not waited for.
    pub(crate) fn drain_all(&mut self) {
        while matches!(self.drain_processes(), Left::More) {}
        // In the order of the loop (`source::Source`).
        let end = clock::boot_ns().saturating_add(LAST_DRAIN_NS);
        while matches!(self.drain_files(), Left::More) && clock::boot_ns() < end {}
        while matches!(self.drain_network(), Left::More) {}
        while matches!(self.drain_calls(), Left::More) {}
        while matches!(self.drain_hosts(), Left::More) {}
    }

    /// Stored records that nobody folds, so far.
    pub(crate) fn never_folded(&self) -> u64 {
        NEVER_FOLDED.iter().map(|id| self.writer.account().stored(*id).happened).sum()
    }

    /// Stores what waits of long argvs.
    pub(crate) fn finish_redaction(&mut self) {
        if let Some(redaction) = &mut self.processes.redaction {
            redaction.finish(&mut self.writer);
        }
    }

    /// How the command ended, if that was seen.
    pub(crate) fn main_code(&self) -> Option<i32> {
        self.processes.command.as_ref().and_then(|command| command.code)
    }

    /// Whether a process of the run lives, as far as the table can be believed: one whose exit record
    /// was lost would live for ever in it.
    pub(crate) fn someone_lives(&self) -> bool {
        self.processes.members.alive() > 0 && !self.losses.lives_are_uncertain()
    }

    pub(crate) fn drain_processes(&mut self) -> Left {
        let Queues { sensors, processes, writer, .. } = self;
        sensors.drain(Topic::Proc, BUDGET, |bytes| processes.see(bytes, writer))
    }

    pub(crate) fn drain_network(&mut self) -> Left {
        let Queues { sensors, processes, writer, malformed, .. } = self;
        sensors.drain_with_processes(Topic::Net, BUDGET, |topic, bytes| {
            match Record::parse(bytes) {
                _ if topic == Topic::Proc => processes.see(bytes, writer),
                Ok(record) => store(record, bytes, writer),
                Err(_) => *malformed += 1,
            }
        })
    }

    pub(crate) fn drain_calls(&mut self) -> Left {
        let Queues { sensors, processes, opens, named, writer, malformed, .. } = self;
        sensors.drain_with_processes(Topic::Calls, BUDGET, |topic, bytes| {
            match Record::parse(bytes) {
                _ if topic == Topic::Proc => processes.see(bytes, writer),
                Ok(Record::Open(open)) => opens.see_open(open, writer),
                Ok(Record::Use(seen)) => opens.see_use(seen, writer),
                Ok(Record::Named(kind, open, data)) => named.see(kind, open, &data, bytes, writer),
                Ok(record) => store(record, bytes, writer),
                Err(_) => *malformed += 1,
            }
        })
    }

    pub(crate) fn drain_hosts(&mut self) -> Left {
        let Queues { sensors, processes, writer, malformed_hosts, .. } = self;
        sensors.drain_with_processes(Topic::Names, BUDGET, |topic, bytes| {
            match Record::parse(bytes) {
                _ if topic == Topic::Proc => processes.see(bytes, writer),
                Ok(record) => store(record, bytes, writer),
                Err(_) => *malformed_hosts += 1,
            }
        })
    }

    /// Hands file items on. Whoever touched a file was forked before and executed its program before,
    /// so the process ring is emptied for each: what it tells comes first in the record. A pid that is
    /// unknown then is a stranger's, or its fork was lost.
    pub(crate) fn drain_files(&mut self) -> Left {
        let Queues { sensors, monitor, processes, writer, losses, .. } = self;
        let Some((monitor, files)) = monitor else { return Left::Empty };
        let hashes = processes.hashes.clone();
        let perhaps = losses.forks_were_lost() || processes.members.full() > 0;
        processes.members.about_to_read();
        let drained = monitor.drain(BUDGET, |seen| {
            if matches!(seen.item, fsmon::Item::Overflow) {
                processes.members.queue_lost();
            }
            let who = |pid: u32, touch: Touch, writer: &mut Writer| {
                // At most what is in the ring now; the budget only guards against a ring that fills as
                // fast as it is read. An empty one costs two loads.
                sensors.drain(Topic::Proc, 1 << 16, |bytes| processes.see(bytes, writer));
                match processes.members.touched(pid, touch) {
                    Some(Member { held: true, .. }) => Who::Held,
                    Some(Member { id, program, .. }) => Who::Member(id, program),
                    None => Who::Stranger { perhaps },
                }
            };
            files.see(seen, who, hashes.as_ref(), writer);
        });
        match drained {
            fsmon::Drained::Empty => {
                processes.members.all_read();
                Files::settle(monitor.dirs(), writer);
                Left::Empty
            }
            fsmon::Drained::More => Left::More,
        }
    }
}
