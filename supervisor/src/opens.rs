//! Exact counts of opens: each open record is summed, none is stored by itself.

use event::{
    frame::files::{KIND_OPENS, Opens},
    wire::{Kind, Open},
};
use fsmon::{FoldTable, Hit};
use zerocopy::IntoBytes;

use crate::segment::{Amount, Writer};

/// Different (process, file) pairs within a window; when it is full the window ends early.
const FOLDED: usize = 16 * 1024;

/// Who opened what.
#[derive(Debug, Clone, Copy)]
struct Who {
    start_ns: u64,
    ino: u64,
    pid: u32,
    dev: u32,
    generation: u32,
    mode: u32,
}

/// Sums open records within a window.
#[derive(Debug)]
pub(crate) struct OpenCounts {
    folds: FoldTable<Who>,
}

impl OpenCounts {
    /// Takes all memory.
    pub(crate) fn new() -> Self {
        OpenCounts { folds: FoldTable::new(FOLDED) }
    }

    /// Adds one open.
    pub(crate) fn see(&mut self, open: &Open, writer: &mut Writer) {
        if self.hit(open) == Hit::Full {
            self.end_window(writer);
            self.hit(open);
        }
    }

    /// Ends a window: one frame for each pair.
    pub(crate) fn end_window(&mut self, writer: &mut Writer) {
        self.folds.drain(|entry| {
            let who = entry.payload;
            let opens = Opens {
                start_ns: who.start_ns,
                first_ns: entry.first_ns,
                last_ns: entry.last_ns,
                ino: who.ino,
                count: entry.count,
                pid: who.pid,
                dev: who.dev,
                generation: who.generation,
                mode: who.mode,
            };
            let amount = Amount { frames: 1, happened: entry.count };
            let parts = [opens.as_bytes()];
            writer.sum(Kind::Open as u32, amount, KIND_OPENS, entry.last_ns, &parts);
        });
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
        self.folds.hit(&key, open.head.boot_ns, 0, who)
    }
}
