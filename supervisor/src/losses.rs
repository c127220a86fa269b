//! What was not recorded: each loss is told once, as a frame with its count and its time.

use event::frame::control::{Cause, KIND_LOST, Lost, Source};
use zerocopy::IntoBytes;

use crate::segment::Writer;

/// A loss as its counter has it: of which source, why, of which tally (0: not known), how many.
pub(crate) type Total = (Source, Cause, u32, u64);

/// What was told already, so that each loss is told once.
#[derive(Debug, Default)]
pub(crate) struct Losses {
    told: Vec<Total>,
    /// As it is on disk.
    safe: Vec<Total>,
    since_ns: u64,
    now_ns: u64,
    forks: u64,
    exits: u64,
}

impl Losses {
    /// Begins to watch: what is lost from now on is told as lost since then at the earliest.
    pub(crate) fn since(now: u64) -> Losses {
        Losses { since_ns: now, now_ns: now, ..Losses::default() }
    }

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

    /// Notes how many forks and exits were lost so far.
    pub(crate) fn of_lives(&mut self, forks: u64, exits: u64) {
        (self.forks, self.exits) = (forks, exits);
    }

    /// Writes what is new in `totals`, as having happened since the last call.
    pub(crate) fn tell(
        &mut self,
        totals: impl Iterator<Item = Total>,
        writer: &mut Writer,
        now: u64,
    ) {
        let from_ns = self.since_ns;
        for (source, cause, id, total) in totals {
            let count = self.news(source, cause, id, total);
            if count > 0 {
                let (source, cause) = (source as u32, cause as u32);
                let lost = Lost { count, from_ns, to_ns: now, source, cause, id, pad: 0 };
                writer.control(KIND_LOST, now, &[lost.as_bytes()]);
            }
        }
        self.now_ns = now;
    }

    /// What was written by [`Losses::tell`] is on disk.
    pub(crate) fn told(&mut self) {
        self.safe.clone_from(&self.told);
        self.since_ns = self.now_ns;
    }

    /// The disk refused it: tell it again.
    pub(crate) fn not_told(&mut self) {
        self.told.clone_from(&self.safe);
    }
}
