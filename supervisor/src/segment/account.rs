//! What became of the frames: stored, waiting in the buffer, or taken by the disk.

use event::frame::control::{TALLY_ACCESS, TALLY_NAMES};

/// Tally ids: record kinds below 64, then accesses and names.
const IDS: usize = 66;

/// Counts by tally id.
#[derive(Debug, Clone)]
pub(crate) struct Account {
    stored: [u64; IDS],
    waiting: [u64; IDS],
    lost: [u64; IDS],
}

impl Account {
    pub(super) fn new() -> Self {
        Account { stored: [0; IDS], waiting: [0; IDS], lost: [0; IDS] }
    }

    /// Frames of `id` on disk or on their way there: one that is refused yet moves to the lost.
    pub(crate) fn stored(&self, id: u32) -> u64 {
        let of = |cells: &[u64; IDS]| slot(id).and_then(|at| cells.get(at)).copied().unwrap_or(0);
        of(&self.stored) + of(&self.waiting)
    }

    /// Frames of `id` that the disk did not take.
    pub(crate) fn lost(&self, id: u32) -> u64 {
        slot(id).and_then(|at| self.lost.get(at)).copied().unwrap_or(0)
    }

    pub(super) fn buffered(&mut self, id: Option<u32>) {
        add(&mut self.waiting, id);
    }

    pub(super) fn disk_lost(&mut self, id: Option<u32>) {
        add(&mut self.lost, id);
    }

    /// The buffer was written.
    pub(super) fn written(&mut self) {
        Self::settle(&mut self.waiting, &mut self.stored);
    }

    /// The buffer was refused.
    pub(super) fn refused(&mut self) {
        Self::settle(&mut self.waiting, &mut self.lost);
    }

    fn settle(waiting: &mut [u64; IDS], into: &mut [u64; IDS]) {
        for (waiting, total) in waiting.iter_mut().zip(into) {
            *total += std::mem::take(waiting);
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

fn add(cells: &mut [u64; IDS], id: Option<u32>) {
    if let Some(cell) = id.and_then(slot).and_then(|at| cells.get_mut(at)) {
        *cell += 1;
    }
}
