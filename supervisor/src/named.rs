//! Opens by name: the first of a window is stored, its repeats are counted.

use event::{
    frame::files::{FileRepeat, KIND_FILE_REPEAT},
    wire::{Kind, Named, NamedData},
};
use fsmon::{FoldTable, Hit};
use zerocopy::IntoBytes;

use crate::segment::{Amount, Writer};

/// Different (process, name) pairs within a window; more are stored one by one.
const FOLDED: usize = 16 * 1024;

/// What is known of a pair's first record.
#[derive(Debug, Clone, Copy)]
struct First {
    kind: u32,
    /// How often the disk had refused when it was written.
    refusals: u32,
}

/// Folds opens by name within a window.
#[derive(Debug)]
pub(crate) struct NamedOpens {
    folds: FoldTable<First>,
}

impl NamedOpens {
    /// Takes all memory.
    pub(crate) fn new() -> Self {
        NamedOpens { folds: FoldTable::new(FOLDED) }
    }

    /// Stores a record, or counts it.
    pub(crate) fn see(
        &mut self,
        kind: Kind,
        named: &Named,
        data: &NamedData<'_>,
        bytes: &[u8],
        writer: &mut Writer,
    ) {
        let head = &named.head;
        let size = usize::try_from(head.size).unwrap_or(0);
        let Some(bytes) = bytes.get(..size) else { return };
        let key = [
            head.kind.as_bytes(),
            head.pid.as_bytes(),
            head.start_ns.as_bytes(),
            named.mode.as_bytes(),
            named.error.as_bytes(),
            named.path_len.as_bytes(),
            data.path,
            data.text,
        ];
        let first = First { kind: head.kind, refusals: writer.refusals() };
        match self.folds.hit(&key, head.boot_ns, 0, first) {
            Hit::Again(_) => {}
            Hit::Full => {
                writer.record(head.kind, kind as u16, head.boot_ns, &[bytes]);
            }
            Hit::First(slot) => {
                let seq = writer.record(head.kind, kind as u16, head.boot_ns, &[bytes]);
                if let Some(entry) = self.folds.entry(slot) {
                    entry.first_seq = seq;
                }
            }
        }
    }

    /// Ends a window: tells how often each was repeated.
    pub(crate) fn end_window(&mut self, writer: &mut Writer) {
        self.folds.drain(|entry| {
            let First { kind, refusals } = entry.payload;
            let repeats = Amount { frames: 0, happened: entry.count - 1 };
            if repeats.happened == 0 {
                return;
            }
            // Without its first frame a repeat says nothing.
            if entry.first_seq == 0 || refusals != writer.refusals() {
                return writer.lose(kind, repeats);
            }
            let repeat = FileRepeat {
                first_seq: entry.first_seq,
                last_ns: entry.last_ns,
                count: repeats.happened,
            };
            writer.sum(kind, repeats, KIND_FILE_REPEAT, entry.last_ns, &[repeat.as_bytes()]);
        });
    }
}
