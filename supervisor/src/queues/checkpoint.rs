//! The end of a window: repeats, sums, losses, and the checkpoint with all counters.

use bpf::{Left, Topic};
use event::{
    frame::control::{
        Cause, Checkpoint, KIND_CHECKPOINT, Source, TALLY_ACCESS, TALLY_NAMES, Tally,
    },
    frame::files::{INHERITED_ENDED, InheritedTold, KIND_INHERITED_USE},
    frame::net::{FOREIGN_ENDED, Foreign, KIND_FOREIGN},
    wire::{Cell, Kind},
};
use zerocopy::IntoBytes;

use super::Queues;
use crate::{clock, files::Counts, losses::Total, sensors::TOPICS, window::Come};

/// Rows of the checkpoint: the record kinds, then accesses and names.
const ROWS: usize = Kind::ALL.len() + 2;

/// Time between two looks for what has ended.
const FORGET_EVERY_NS: u64 = 1_000_000_000;

/// Drains of opens before a window ends: at a budget of 4,096 records, the whole ring of 16 MiB.
const ROUNDS: u32 = 64;

impl Queues {
    /// Whether something waits in a ring that woke nobody. What else comes without waking is told: [`Queues::come`]
    /// shows it.
    pub(crate) fn something_waits(&mut self, now: u64) -> bool {
        if self.sensors.is_waiting() {
            return true;
        }
        self.tell_from_outside(now);
        if let Some(Ok(mut hashes)) = self.processes.hashes.as_ref().map(|it| it.try_borrow_mut()) {
            hashes.collect(&mut self.writer);
        }
        false
    }

    /// Ends a window. Both clocks of the record are read here.
    pub(crate) fn checkpoint(&mut self, now: u64) {
        self.drain_waiting();
        if let Some((_, files)) = &mut self.monitor {
            files.end_window(&mut self.writer);
        }
        self.hash_again();
        self.opens.end_window(&mut self.writer);
        self.tell_from_outside(now);
        self.named.end_window(&mut self.writer);
        self.sensors.look();
        let lost = |kind| self.sensors.count(Topic::Proc, kind, Cell::Lost);
        self.losses.of_lives(lost(Kind::Fork), lost(Kind::Exit));
        self.forget_ended(now);
        // What the disk refuses is told again on the ground that is left; it can refuse twice.
        for _ in 0..3 {
            let firm = self.writer.settle(now);
            if !self.writer.has_room() {
                return;
            }
            let totals = self.losses_by_tally().into_iter().flatten();
            let totals = totals.chain(self.other_losses()).chain(self.held_back());
            self.losses.tell(totals, &mut self.writer, now);
            self.write_checkpoint();
            self.writer.sign(now);
            if self.writer.settle(now) == firm {
                return self.losses.told();
            }
            self.losses.not_told();
        }
    }

    /// What has come so far. What only the counters of the programs tell is not looked at: that is told in time with
    /// the next checkpoint.
    pub(crate) fn come(&self) -> Come {
        let read = self.sensors.read().saturating_add(self.file_counts().all());
        Come { never_folded: self.never_folded(), all: read.saturating_add(self.writer.frames()) }
    }

    fn drain_waiting(&mut self) {
        // A report is joined with the close that it tells of: those first whose closes come now.
        self.drain_files();
        // Opens wake nobody while few: a window that ends must have them all. More than a whole ring
        // of them is the next window's.
        let mut rounds = 0;
        while rounds < ROUNDS && matches!(self.drain_calls(), Left::More) {
            rounds += 1;
        }
        // Connections wake only where nobody looked for a while.
        while rounds < ROUNDS && matches!(self.drain_network(), Left::More) {
            rounds += 1;
        }
        // What names a host belongs into the window of the connection.
        while rounds < ROUNDS && matches!(self.drain_hosts(), Left::More) {
            rounds += 1;
        }
    }

    /// Forgets who ended long ago. All of the table is looked through for it, so windows that are short
    /// leave it to a later one.
    fn forget_ended(&mut self, now: u64) {
        if now.saturating_sub(self.forgot_ns) >= FORGET_EVERY_NS {
            self.forgot_ns = now;
            self.processes.members.forget_ended(now);
            self.processes.namespaces.forget_ended();
        }
    }

    /// What was closed again in this window is hashed again; what is hashed is stored.
    fn hash_again(&mut self) {
        let Queues { monitor, processes, writer, .. } = self;
        let Some(Ok(mut hashes)) = processes.hashes.as_ref().map(|it| it.try_borrow_mut()) else {
            return;
        };
        if let Some((monitor, files)) = monitor {
            files.hash_again(monitor.dirs(), &mut hashes, writer);
        }
        hashes.end_window(writer);
        hashes.collect(writer);
    }

    /// Waits for the hashes of what is closed by now.
    pub(crate) fn finish_hashes(&mut self) {
        self.hash_again();
        if let Some(Ok(mut hashes)) = self.processes.hashes.as_ref().map(|it| it.try_borrow_mut()) {
            hashes.finish(&mut self.writer);
        }
    }

    /// What was used of sockets and files that no record tells of. Whoever is gone by now has used them
    /// before.
    fn tell_from_outside(&mut self, now: u64) {
        let Queues { sensors, processes, writer, .. } = self;
        let members = &processes.members;
        let is_over = |id| members.has_ended(id);
        sensors.foreign(is_over, |key, used, ended| {
            let mut told = Foreign { key: *key, used: *used };
            told.used.flags |= if ended { FOREIGN_ENDED } else { 0 };
            writer.control(KIND_FOREIGN, now, &[told.as_bytes()]);
        });
        sensors.inherited(is_over, |key, used, ended| {
            let mut told = InheritedTold { key: *key, used: *used };
            told.used.flags |= if ended { INHERITED_ENDED } else { 0 };
            writer.control(KIND_INHERITED_USE, now, &[told.as_bytes()]);
        });
    }

    fn write_checkpoint(&mut self) {
        let rows = self.tallies();
        let (boot_ns, real_ns) = (clock::boot_ns(), clock::real_ns());
        let checkpoint = Checkpoint {
            chain: self.writer.link(),
            boot_ns,
            real_ns,
            tallies: ROWS as u32,
            alive: self.processes.members.alive(),
        };
        self.writer.control(KIND_CHECKPOINT, boot_ns, &[checkpoint.as_bytes(), rows.as_bytes()]);
    }

    fn tallies(&self) -> [Tally; ROWS] {
        let mut rows = [Tally { id: 0, source: 0, seen: 0, stored: 0, folded: 0, lost: 0 }; ROWS];
        let kinds = Kind::ALL.into_iter().map(|kind| self.of_kind(kind));
        let counts = self.file_counts();
        let files = [
            self.tally(TALLY_ACCESS, Source::Access, counts.accesses, 0),
            self.tally(TALLY_NAMES, Source::Names, counts.names, 0),
        ];
        for (row, tally) in rows.iter_mut().zip(kinds.chain(files)) {
            *row = tally;
        }
        rows
    }

    fn of_kind(&self, kind: Kind) -> Tally {
        let (topic, source) = origin(kind);
        let id = kind as u32;
        if source == Source::Process && !self.processes.kept {
            return Tally { id, source: source as u32, seen: 0, stored: 0, folded: 0, lost: 0 };
        }
        let seen = self.sensors.count(topic, kind, Cell::Seen);
        let ring = self.sensors.count(topic, kind, Cell::Lost);
        self.tally(id, source, seen, ring)
    }

    /// `seen = stored + folded + lost`, with what the disk took and kept.
    fn tally(&self, id: u32, source: Source, seen: u64, ring: u64) -> Tally {
        let account = self.writer.account();
        let stored = account.stored(id);
        Tally {
            id,
            source: source as u32,
            seen,
            stored: stored.frames,
            folded: stored.happened - stored.frames.min(stored.happened),
            lost: ring + account.lost(id),
        }
    }

    fn file_counts(&self) -> Counts {
        self.monitor.as_ref().map(|(_, files)| files.counts()).unwrap_or_default()
    }

    /// What the disk took and what found no room in a ring.
    fn losses_by_tally(&self) -> [[Total; 2]; ROWS] {
        self.tallies().map(|row| {
            let source = Source::from_wire(row.source).unwrap_or(Source::Record);
            let disk = self.writer.account().lost(row.id);
            let ring = row.lost.saturating_sub(disk);
            [(source, Cause::Disk, row.id, disk), (source, Cause::RingFull, row.id, ring)]
        })
    }

    /// What was seen of processes whose rights go beyond those of the user who records.
    fn held_back(&self) -> [Total; ROWS] {
        let counts = self.file_counts();
        let kinds = Kind::ALL.into_iter().map(|kind| {
            let (topic, source) = origin(kind);
            let held = self.sensors.count(topic, kind, Cell::Held);
            (source, Cause::HeldBack, kind as u32, held)
        });
        let files = [
            (Source::Access, Cause::HeldBack, TALLY_ACCESS, counts.held_accesses),
            (Source::Names, Cause::HeldBack, TALLY_NAMES, counts.held_names),
        ];
        let mut totals = [(Source::Record, Cause::HeldBack, 0, 0); ROWS];
        for (place, total) in totals.iter_mut().zip(kinds.chain(files)) {
            *place = total;
        }
        totals
    }

    fn other_losses(&self) -> [Total; 17] {
        let counts = self.file_counts();
        let missed = |topic| self.sensors.missed(topic);
        // Faults of other kinds are in the flags of their records.
        let fault = |topic, kind| self.sensors.count(topic, kind, Cell::Fault);
        [
            (Source::Access, Cause::QueueOverflow, 0, counts.overflows),
            (Source::Access, Cause::Malformed, 0, counts.malformed),
            (Source::Access, Cause::UnknownProcess, 0, counts.unknown),
            (Source::Process, Cause::Malformed, 0, self.processes.malformed),
            (Source::Network, Cause::Malformed, 0, self.malformed),
            (Source::Process, Cause::TableFull, 0, self.processes.members.full()),
            (Source::Process, Cause::Skipped, 0, missed(Topic::Proc)),
            (Source::Network, Cause::Skipped, 0, missed(Topic::Net)),
            (Source::Calls, Cause::Skipped, 0, missed(Topic::Calls)),
            (Source::Hosts, Cause::Malformed, 0, self.malformed_hosts),
            (Source::Hosts, Cause::Skipped, 0, missed(Topic::Names)),
            (Source::Process, Cause::NoMemory, Kind::Fork as u32, fault(Topic::Proc, Kind::Fork)),
            (Source::Process, Cause::NoMemory, Kind::Exit as u32, fault(Topic::Proc, Kind::Exit)),
            (Source::Network, Cause::NoMemory, Kind::Flow as u32, fault(Topic::Net, Kind::Flow)),
            (
                Source::Calls,
                Cause::NoMemory,
                Kind::Inherited as u32,
                fault(Topic::Calls, Kind::Inherited),
            ),
            (
                Source::Calls,
                Cause::NoMemory,
                Kind::RingFile as u32,
                fault(Topic::Calls, Kind::RingFile),
            ),
            (
                Source::Hosts,
                Cause::NoMemory,
                Kind::Payload as u32,
                fault(Topic::Names, Kind::Payload),
            ),
        ]
    }
}

/// Where a kind of record comes from.
fn origin(kind: Kind) -> (Topic, Source) {
    if kind.is_summed() {
        return (Topic::Calls, Source::Opens);
    }
    let of = |(topic, source, _): &(Topic, Source, u32)| (*topic, *source);
    let sends = |(topic, ..): &&(Topic, Source, u32)| topic.kinds().contains(&kind);
    TOPICS.iter().find(sends).map_or((Topic::Proc, Source::Process), of)
}
