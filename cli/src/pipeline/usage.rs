//! How files were used: what their closes showed, laid beside what fanotify tells.
//!
//! fanotify tells how a file was opened. A close may show that nothing was read or written through
//! it; where each use that an event tells of shows that, the event says so. In doubt it was used.

use event::frame::files::{Uses, uses_flag};
use event::model::{FileOp, Usage};

/// What the closes of one file by one process showed since the last event about it.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Pool {
    closes: u64,
    read: u64,
    written: u64,
    /// Uses that fanotify tells of in this window.
    told: u64,
    flags: u32,
    opened_ns: u64,
    closed_ns: u64,
    size_before: u64,
    size_after: u64,
}

impl Pool {
    /// Adds a sum of the recorder.
    pub(super) fn add(&mut self, uses: &Uses) {
        self.closes = self.closes.saturating_add(uses.closes);
        self.read = self.read.saturating_add(uses.read);
        self.written = self.written.saturating_add(uses.written);
        let is = |flag| uses.flags & flag != 0;
        let known = self.flags & uses_flag::SIZE_BEFORE != 0;
        if is(uses_flag::SIZE_BEFORE) && (!known || uses.opened_ns < self.opened_ns) {
            (self.opened_ns, self.size_before) = (uses.opened_ns, uses.size_before);
        }
        let known = self.flags & uses_flag::SIZE_AFTER != 0;
        if is(uses_flag::SIZE_AFTER) && (!known || uses.last_ns >= self.closed_ns) {
            (self.closed_ns, self.size_after) = (uses.last_ns, uses.size_after);
        }
        self.flags |= uses.flags;
    }

    /// An event tells so many uses.
    pub(super) fn told(&mut self, uses: u64) {
        self.told = self.told.saturating_add(uses);
    }

    /// What an event that was told as `op` (read or write) tells of. `whole`: no record of opens or
    /// closes was lost.
    pub(super) fn op(&self, op: FileOp, whole: bool) -> FileOp {
        let sure = whole && self.closes > 0 && self.closes >= self.told;
        match op {
            _ if !sure => op,
            FileOp::Write if self.written > 0 => FileOp::Write,
            FileOp::Read | FileOp::Write if self.read > 0 => FileOp::Read,
            FileOp::Read | FileOp::Write => FileOp::Open,
            _ => op,
        }
    }

    /// What else an event of `op` tells. Sizes only of what was written: they say what it changed.
    pub(super) fn usage(&self, op: FileOp) -> Usage {
        let is = |flag| self.flags & flag != 0;
        let written = op == FileOp::Write;
        // The first of these opens may be the one that cut it: nobody knows what was there before.
        let cut = is(uses_flag::TRUNCATED) && self.size_before == 0;
        let before = (is(uses_flag::SIZE_BEFORE) && !cut).then_some(self.size_before);
        Usage {
            created: is(uses_flag::CREATED),
            truncated: is(uses_flag::TRUNCATED),
            mapped: is(uses_flag::MAPPED),
            unlinked: is(uses_flag::UNLINKED),
            size_before: before.filter(|_| written),
            size_after: (written && is(uses_flag::SIZE_AFTER)).then_some(self.size_after),
        }
    }
}
