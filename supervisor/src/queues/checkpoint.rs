//! The end of a window: repeats, sums, losses, and the checkpoint with all counters.

use bpf::{Left, Topic};
use event::{
    frame::control::{
        Cause, Checkpoint, KIND_CHECKPOINT, Source, TALLY_ACCESS, TALLY_NAMES, Tally,
    },
    wire::{Cell, Kind},
};
use zerocopy::IntoBytes;

use super::Queues;
use crate::{clock, files::Counts, losses::Total, sensors::TOPICS};

/// Rows of the checkpoint: the record kinds, then accesses and names.
const ROWS: usize = Kind::ALL.len() + 2;

impl Queues {
    /// Ends a window. Both clocks of the record are read here.
    pub(crate) fn checkpoint(&mut self, now: u64) {
        // Opens wake nobody while few: a window that ends must have them all.
        while matches!(self.drain_opens(), Left::More) {}
        if let Some((_, files)) = &mut self.monitor {
            files.end_window(&mut self.writer);
        }
        self.opens.end_window(&mut self.writer);
        self.sensors.look();
        let lost = |kind| self.sensors.count(Topic::Proc, kind, Cell::Lost);
        self.losses.of_lives(lost(Kind::Fork), lost(Kind::Exit));
        let totals = self.losses_by_tally().into_iter().flatten().chain(self.other_losses());
        self.losses.tell(totals, &mut self.writer, now);
        self.write_checkpoint();
        self.processes.members.forget_ended(now);
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
            self.of_files(TALLY_ACCESS, Source::Access, counts.accesses, counts.folded),
            self.of_files(TALLY_NAMES, Source::Names, counts.names, 0),
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
        let account = self.writer.account();
        let (stored, disk) = (account.stored(id), account.lost(id));
        let folded = match kind {
            Kind::Open => self.opens.summed().saturating_sub(stored + disk),
            _ => 0,
        };
        Tally { id, source: source as u32, seen, stored, folded, lost: ring + disk }
    }

    fn of_files(&self, id: u32, source: Source, seen: u64, folded: u64) -> Tally {
        let account = self.writer.account();
        let (stored, lost) = (account.stored(id), account.lost(id));
        Tally { id, source: source as u32, seen, stored, folded, lost }
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

    fn other_losses(&self) -> [Total; 9] {
        let counts = self.file_counts();
        let missed = |topic| self.sensors.missed(topic);
        [
            (Source::Access, Cause::QueueOverflow, 0, counts.overflows),
            (Source::Access, Cause::Malformed, 0, counts.malformed),
            (Source::Access, Cause::UnknownProcess, 0, counts.unknown),
            (Source::Process, Cause::Malformed, 0, self.processes.malformed),
            (Source::Network, Cause::Malformed, 0, self.malformed),
            (Source::Process, Cause::TableFull, 0, self.processes.members.full()),
            (Source::Process, Cause::Skipped, 0, missed(Topic::Proc)),
            (Source::Network, Cause::Skipped, 0, missed(Topic::Net)),
            (Source::Opens, Cause::Skipped, 0, missed(Topic::Opens)),
        ]
    }
}

/// Where a kind of record comes from.
fn origin(kind: Kind) -> (Topic, Source) {
    let of = |(topic, source, _): &(Topic, Source, u32)| (*topic, *source);
    let sends = |(topic, ..): &&(Topic, Source, u32)| topic.kinds().contains(&kind);
    TOPICS.iter().find(sends).map_or((Topic::Proc, Source::Process), of)
}
