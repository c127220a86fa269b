//! Opens and uses of files: each record is summed, none is stored by itself.

use event::{
    frame::files::{KIND_OPENS, KIND_USES, Opens, Uses, uses_flag},
    wire::{Kind, Open, open_how, use_flag},
};
use fsmon::{FoldTable, Hit};
use zerocopy::IntoBytes;

use crate::{
    clock,
    open_files::{Close, OpenFiles},
    segment::{Amount, Writer},
};

/// Different (process, file) pairs within a window; when it is full the window ends early.
const FOLDED: usize = 16 * 1024;

/// Who did something with which file.
#[derive(Debug, Clone, Copy)]
struct Who {
    start_ns: u64,
    ino: u64,
    pid: u32,
    dev: u32,
    generation: u32,
    mode: u32,
}

/// A pair's sums of this window.
#[derive(Debug, Clone, Copy)]
struct Sums {
    who: Who,
    opens: u64,
    last_open_ns: u64,
    /// Records of uses.
    records: u64,
    uses: Uses,
}

/// Sums records within a window.
#[derive(Debug)]
pub(crate) struct OpenCounts {
    folds: FoldTable<Sums>,
    files: OpenFiles,
    /// What the clock of files shows at `CLOCK_BOOTTIME` 0, as of this window.
    real_ns: i64,
}

impl OpenCounts {
    /// Takes all memory.
    pub(crate) fn new() -> Self {
        OpenCounts {
            folds: FoldTable::new(FOLDED),
            files: OpenFiles::new(),
            real_ns: real_at_boot(),
        }
    }

    /// Adds one open.
    pub(crate) fn see_open(&mut self, open: &Open, writer: &mut Writer) {
        self.files.opened(open);
        if let Some(sums) = self.sums(open, writer) {
            sums.opens = sums.opens.saturating_add(1);
            sums.last_open_ns = open.head.boot_ns;
        }
    }

    /// Adds what shows how an open file was used.
    pub(crate) fn see_use(&mut self, seen: &Open, writer: &mut Writer) {
        let is = |flag| seen.flags & flag != 0;
        self.files.used(seen);
        let close = is(use_flag::CLOSED).then(|| self.files.closed(seen, self.real_ns));
        let Some(sums) = self.sums(seen, writer) else { return };
        sums.records = sums.records.saturating_add(1);
        sums.uses.last_ns = seen.head.boot_ns;
        if is(use_flag::MAPPED) {
            sums.uses.flags |= uses_flag::MAPPED;
        }
        if let Some(close) = close {
            if is(use_flag::UNLINKED) {
                sums.uses.flags |= uses_flag::UNLINKED;
            }
            add(&mut sums.uses, seen, close);
        }
    }

    /// Ends a window: a frame of opens and one of uses for each pair that has some.
    pub(crate) fn end_window(&mut self, writer: &mut Writer) {
        self.folds.drain(|entry| {
            let Sums { who, opens, last_open_ns, records, uses } = entry.payload;
            if opens > 0 {
                let opens = Opens {
                    start_ns: who.start_ns,
                    first_ns: entry.first_ns,
                    last_ns: last_open_ns,
                    ino: who.ino,
                    count: opens,
                    pid: who.pid,
                    dev: who.dev,
                    generation: who.generation,
                    mode: who.mode,
                };
                let amount = Amount { frames: 1, happened: opens.count };
                let parts = [opens.as_bytes()];
                writer.sum(Kind::Open as u32, amount, KIND_OPENS, last_open_ns, &parts);
            }
            if records > 0 {
                let amount = Amount { frames: 1, happened: records };
                let parts = [uses.as_bytes()];
                writer.sum(Kind::Use as u32, amount, KIND_USES, uses.last_ns, &parts);
            }
        });
        self.real_ns = real_at_boot();
    }

    fn sums(&mut self, seen: &Open, writer: &mut Writer) -> Option<&mut Sums> {
        let slot = match self.hit(seen) {
            Hit::First(slot) | Hit::Again(slot) => slot,
            Hit::Full => {
                self.end_window(writer);
                match self.hit(seen) {
                    Hit::First(slot) | Hit::Again(slot) => slot,
                    Hit::Full => return None,
                }
            }
        };
        self.folds.entry(slot).map(|entry| &mut entry.payload)
    }

    fn hit(&mut self, open: &Open) -> Hit {
        let who = Who {
            start_ns: open.head.start_ns,
            ino: open.ino,
            pid: open.head.pid,
            dev: open.dev,
            generation: open.generation,
            mode: open.mode,
        };
        let key = [
            &who.start_ns.to_ne_bytes()[..],
            &who.ino.to_ne_bytes(),
            &who.pid.to_ne_bytes(),
            &who.dev.to_ne_bytes(),
            &who.generation.to_ne_bytes(),
            &who.mode.to_ne_bytes(),
        ];
        self.folds.hit(&key, open.head.boot_ns, 0, Sums::of(who))
    }
}

impl Sums {
    fn of(who: Who) -> Sums {
        let uses = Uses {
            start_ns: who.start_ns,
            opened_ns: 0,
            last_ns: 0,
            ino: who.ino,
            size_before: 0,
            size_after: 0,
            closes: 0,
            read: 0,
            written: 0,
            pid: who.pid,
            dev: who.dev,
            generation: who.generation,
            mode: who.mode,
            flags: 0,
            pad: 0,
        };
        Sums { who, opens: 0, last_open_ns: 0, records: 0, uses }
    }
}

/// Adds a close. Sizes are those of the earliest open and of the last close.
fn add(uses: &mut Uses, seen: &Open, close: Close) {
    uses.closes = uses.closes.saturating_add(1);
    uses.read = uses.read.saturating_add(u64::from(close.read));
    uses.written = uses.written.saturating_add(u64::from(close.written));
    uses.size_after = seen.size;
    uses.flags |= uses_flag::SIZE_AFTER;
    let Some((opened_ns, size, flags)) = close.open else { return };
    if uses.flags & uses_flag::SIZE_BEFORE == 0 || opened_ns < uses.opened_ns {
        (uses.opened_ns, uses.size_before) = (opened_ns, size);
        uses.flags |= uses_flag::SIZE_BEFORE;
    }
    if flags & open_how::CREATED != 0 {
        uses.flags |= uses_flag::CREATED;
    }
    if flags & open_how::TRUNCATED != 0 {
        uses.flags |= uses_flag::TRUNCATED;
    }
}

fn real_at_boot() -> i64 {
    clock::real_ns().saturating_sub_unsigned(clock::boot_ns())
}
