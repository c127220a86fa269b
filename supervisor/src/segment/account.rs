//! What became of what was told: stored, waiting in the buffer, or taken by the disk.
//!
//! A frame may stand for many (`Opens`, `FileRepeat`), so frames and what they stand for are counted apart.

use event::frame::control::{TALLY_ACCESS, TALLY_NAMES};

/// Tally ids: record kinds below 64, then accesses and names.
const IDS: usize = 66;

/// Frames, and how many happenings they stand for.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Amount {
    /// Frames with an event of their own.
    pub(crate) frames: u64,
    /// Happenings, one for each such frame and those that are only counted.
    pub(crate) happened: u64,
}

impl Amount {
    /// A frame that stands for itself.
    pub(crate) const ONE: Amount = Amount { frames: 1, happened: 1 };

    fn add(&mut self, other: Amount) {
        self.frames += other.frames;
        self.happened += other.happened;
    }
}

/// Amounts by tally id.
#[derive(Debug, Clone)]
pub(crate) struct Account {
    stored: [Amount; IDS],
    waiting: [Amount; IDS],
    lost: [Amount; IDS],
}

impl Account {
    pub(super) fn new() -> Self {
        let none = [Amount::default(); IDS];
        Account { stored: none, waiting: none, lost: none }
    }

    /// What of `id` is on disk or on its way there: what is refused yet moves to the lost.
    pub(crate) fn stored(&self, id: u32) -> Amount {
        let mut amount = at(&self.stored, id);
        amount.add(at(&self.waiting, id));
        amount
    }

    /// How many happenings of `id` the disk did not take.
    pub(crate) fn lost(&self, id: u32) -> u64 {
        at(&self.lost, id).happened
    }

    /// Counts what never became a frame, because its first one was refused.
    pub(crate) fn disk_lost(&mut self, id: u32, amount: Amount) {
        add(&mut self.lost, id, amount);
    }

    pub(super) fn buffered(&mut self, id: u32, amount: Amount) {
        add(&mut self.waiting, id, amount);
    }

    /// The buffer was written.
    pub(super) fn written(&mut self) {
        Self::settle(&mut self.waiting, &mut self.stored);
    }

    /// The buffer was refused.
    pub(super) fn refused(&mut self) {
        Self::settle(&mut self.waiting, &mut self.lost);
    }

    fn settle(waiting: &mut [Amount; IDS], into: &mut [Amount; IDS]) {
        for (waiting, total) in waiting.iter_mut().zip(into) {
            total.add(std::mem::take(waiting));
        }
    }
}

fn slot(id: u32) -> Option<usize> {
    match id {
        TALLY_ACCESS => Some(64),
        TALLY_NAMES => Some(65),
        _ => usize::try_from(id).ok().filter(|at| *at < 64),
    }
}

fn at(cells: &[Amount; IDS], id: u32) -> Amount {
    slot(id).and_then(|at| cells.get(at)).copied().unwrap_or_default()
}

fn add(cells: &mut [Amount; IDS], id: u32, amount: Amount) {
    if let Some(cell) = slot(id).and_then(|at| cells.get_mut(at)) {
        cell.add(amount);
    }
}
