//! What was not recorded: read from every counter, told as frames, summed in each checkpoint.

use bpf::Topic;
use event::{
    frame::control::{
        Cause, Checkpoint, KIND_CHECKPOINT, KIND_LOST, Lost, Source, TALLY_ACCESS, TALLY_NAMES,
        Tally,
    },
    wire::{Cell, Kind},
};
use zerocopy::IntoBytes;

use crate::{clock, recorder::Recorder, sensors::TOPICS};

/// Rows of the checkpoint: the record kinds, then accesses and names.
const ROWS: usize = Kind::ALL.len() + 2;

/// What was told already, so that each loss is told once.
#[derive(Debug, Default)]
pub(crate) struct Losses {
    told: Vec<(Source, Cause, u32, u64)>,
    since_ns: u64,
    forks: u64,
    exits: u64,
}

impl Losses {
    /// Whether a process may exist that the table does not know.
    pub(crate) fn forks_were_lost(&self) -> bool {
        self.forks > 0
    }

    /// Whether the number of live processes in the table may be wrong.
    pub(crate) fn lives_are_uncertain(&self) -> bool {
        self.forks > 0 || self.exits > 0
    }

    /// Returns how much of `total` was not told before.
    fn news(&mut self, source: Source, cause: Cause, id: u32, total: u64) -> u64 {
        let same =
            |row: &&mut (Source, Cause, u32, u64)| (row.0, row.1, row.2) == (source, cause, id);
        match self.told.iter_mut().find(same) {
            Some(row) => total.saturating_sub(std::mem::replace(&mut row.3, total)),
            // Grows at the first loss of its kind, at most once each: not on the way of a record.
            None if total > 0 => {
                self.told.push((source, cause, id, total));
                total
            }
            None => 0,
        }
    }
}

/// Where a kind of record comes from.
fn origin(kind: Kind) -> (Topic, Source) {
    let of = |(topic, source, _): &(Topic, Source, u32)| (*topic, *source);
    let sends = |(topic, ..): &&(Topic, Source, u32)| topic.kinds().contains(&kind);
    TOPICS.iter().find(sends).map_or((Topic::Proc, Source::Process), of)
}

/// Tells new losses and writes the checkpoint. Both clocks are read here.
pub(crate) fn write_checkpoint(recorder: &mut Recorder, now: u64) {
    recorder.sensors.look();
    let mut rows = [empty(); ROWS];
    for (row, kind) in rows.iter_mut().zip(Kind::ALL) {
        *row = of_kind(recorder, kind);
    }
    let (accesses, names) = of_files(recorder);
    for (row, tally) in rows.iter_mut().rev().zip([names, accesses]) {
        *row = tally;
    }
    tell(recorder, &rows, now);
    let (boot_ns, real_ns) = (clock::boot_ns(), clock::real_ns());
    let checkpoint = Checkpoint {
        chain: recorder.writer.link(),
        boot_ns,
        real_ns,
        tallies: ROWS as u32,
        alive: recorder.processes.members.alive(),
    };
    recorder.writer.control(KIND_CHECKPOINT, boot_ns, &[checkpoint.as_bytes(), rows.as_bytes()]);
}

fn of_kind(recorder: &mut Recorder, kind: Kind) -> Tally {
    let (topic, source) = origin(kind);
    let id = kind as u32;
    if source == Source::Process && !recorder.processes.kept {
        return Tally { id, source: source as u32, ..empty() };
    }
    let seen = recorder.sensors.count(topic, kind, Cell::Seen);
    let ring = recorder.sensors.count(topic, kind, Cell::Lost);
    match kind {
        Kind::Fork => recorder.losses.forks = ring,
        Kind::Exit => recorder.losses.exits = ring,
        _ => {}
    }
    let account = recorder.writer.account();
    let (stored, disk) = (account.stored(id), account.lost(id));
    let folded = match kind {
        Kind::Open => recorder.opens.summed().saturating_sub(stored + disk),
        _ => 0,
    };
    Tally { id, source: source as u32, seen, stored, folded, lost: ring + disk }
}

fn of_files(recorder: &Recorder) -> (Tally, Tally) {
    let counts = recorder.monitor.as_ref().map(|(_, files)| files.counts()).unwrap_or_default();
    let account = recorder.writer.account();
    let tally = |id, source: Source, seen, folded| Tally {
        id,
        source: source as u32,
        seen,
        stored: account.stored(id),
        folded,
        lost: account.lost(id),
    };
    (
        tally(TALLY_ACCESS, Source::Access, counts.accesses, counts.folded),
        tally(TALLY_NAMES, Source::Names, counts.names, 0),
    )
}

fn tell(recorder: &mut Recorder, rows: &[Tally], now: u64) {
    let from = recorder.losses.since_ns;
    for row in rows {
        let source = Source::from_wire(row.source).unwrap_or(Source::Record);
        let disk = recorder.writer.account().lost(row.id);
        for (cause, total) in
            [(Cause::Disk, disk), (Cause::RingFull, row.lost - disk.min(row.lost))]
        {
            tell_one(recorder, (source, cause, row.id), total, (from, now));
        }
    }
    let counts = recorder.monitor.as_ref().map(|(_, files)| files.counts()).unwrap_or_default();
    let others = [
        (Source::Access, Cause::QueueOverflow, counts.overflows),
        (Source::Access, Cause::Malformed, counts.malformed),
        (Source::Access, Cause::UnknownProcess, counts.unknown),
        (Source::Process, Cause::Malformed, recorder.processes.malformed),
        (Source::Network, Cause::Malformed, recorder.malformed),
        (Source::Process, Cause::TableFull, recorder.processes.members.full()),
        (Source::Process, Cause::Skipped, recorder.sensors.missed(Topic::Proc)),
        (Source::Network, Cause::Skipped, recorder.sensors.missed(Topic::Net)),
        (Source::Opens, Cause::Skipped, recorder.sensors.missed(Topic::Opens)),
    ];
    for (source, cause, total) in others {
        tell_one(recorder, (source, cause, 0), total, (from, now));
    }
    recorder.losses.since_ns = now;
}

fn tell_one(
    recorder: &mut Recorder,
    (source, cause, id): (Source, Cause, u32),
    total: u64,
    (from_ns, to_ns): (u64, u64),
) {
    let count = recorder.losses.news(source, cause, id, total);
    if count > 0 {
        let (source, cause) = (source as u32, cause as u32);
        let lost = Lost { count, from_ns, to_ns, source, cause, id, pad: 0 };
        recorder.writer.control(KIND_LOST, to_ns, &[lost.as_bytes()]);
    }
}

fn empty() -> Tally {
    Tally { id: 0, source: 0, seen: 0, stored: 0, folded: 0, lost: 0 }
}
