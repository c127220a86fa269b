//! Opens by name: the first of a window is stored, its repeats are counted, and of very many names in
//! one directory, or by one process, those beyond the first are counted together.

use std::mem::offset_of;

use event::{
    frame::files::{FileRepeat, KIND_FILE_REPEAT},
    wire::{Kind, Named, NamedData, named_flag},
};
use fsmon::{FoldTable, Hit, Slot};
use zerocopy::IntoBytes;

use crate::segment::{Amount, Writer};

/// Different (process, name) pairs within a window that are told apart.
const FOLDED: usize = 16 * 1024;

/// Directories, and processes, likewise.
const CROWDS: usize = 4 * 1024;

/// Names of one directory that failed for one process in the same way, stored each by itself within a
/// window. People and programs ask for fewer; a flood is at least a thousand times as many.
const NAMES: u32 = 64;

/// Names of one process likewise, in whichever directories.
const NAMES_OF_PROCESS: u32 = 1024;

/// What repeats are repeats of.
#[derive(Debug, Clone, Copy, Default)]
struct First {
    kind: u32,
    /// How often the disk had refused when it was written.
    refusals: u32,
}

/// Names that are counted together once they are too many.
#[derive(Debug, Clone, Copy, Default)]
struct Crowd {
    first: First,
    /// Stored each by itself.
    told: u32,
    /// The frame that stands for the others, 0: none yet.
    seq: u64,
    /// Counted with it.
    more: u64,
    last_ns: u64,
}

/// Folds opens by name within a window.
#[derive(Debug)]
pub(crate) struct NamedOpens {
    folds: FoldTable<First>,
    directories: FoldTable<Crowd>,
    processes: FoldTable<Crowd>,
}

/// A record on its way.
struct Taken<'r> {
    kind: Kind,
    named: &'r Named,
    bytes: &'r [u8],
}

impl NamedOpens {
    /// Takes all memory.
    pub(crate) fn new() -> Self {
        NamedOpens {
            folds: FoldTable::new(FOLDED),
            directories: FoldTable::new(CROWDS),
            processes: FoldTable::new(CROWDS),
        }
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
        let of_process: [&[u8]; 6] = [
            head.kind.as_bytes(),
            head.pid.as_bytes(),
            head.start_ns.as_bytes(),
            named.mode.as_bytes(),
            named.error.as_bytes(),
            named.flags.as_bytes(),
        ];
        let [a, b, c, d, e, f] = of_process;
        let key = [a, b, c, d, e, f, named.path_len.as_bytes(), data.path, data.text];
        let first = First { kind: head.kind, refusals: writer.refusals() };
        let slot = match self.folds.hit(&key, head.boot_ns, 0, first) {
            Hit::Again(_) => return,
            Hit::Full => None,
            Hit::First(slot) => Some(slot),
        };
        let record = Taken { kind, named, bytes };
        let seq = match self.crowd(&of_process, data, kind, head.boot_ns) {
            Some(crowd) => crowd.take(&record, writer),
            None => writer.record(head.kind, kind as u16, head.boot_ns, &[bytes]),
        };
        if let Some(entry) = slot.and_then(|slot| self.folds.entry(slot)) {
            entry.first_seq = seq;
        }
    }

    /// The crowd that the record is lost in, if there are enough like it. Only failures come in crowds
    /// of names that need not exist.
    fn crowd(
        &mut self,
        of_process: &[&[u8]; 6],
        data: &NamedData<'_>,
        kind: Kind,
        now_ns: u64,
    ) -> Option<&mut Crowd> {
        if kind != Kind::Failed {
            return None;
        }
        let dir = data.text.iter().rposition(|byte| *byte == b'/').unwrap_or(0);
        let dir = data.text.get(..dir).unwrap_or_default();
        let [a, b, c, d, e, f] = *of_process;
        let directory = [a, b, c, d, e, f, data.path, dir];
        let directory = slot(self.directories.hit(&directory, now_ns, 0, Crowd::default()));
        let process = slot(self.processes.hit(of_process, now_ns, 0, Crowd::default()));
        let directory = directory.and_then(|slot| self.directories.entry(slot));
        let process = process.and_then(|slot| self.processes.entry(slot));
        for (entry, most) in [(directory, NAMES), (process, NAMES_OF_PROCESS)] {
            let Some(entry) = entry else { continue };
            if entry.payload.told >= most {
                return Some(&mut entry.payload);
            }
            entry.payload.told += 1;
        }
        None
    }

    /// Ends a window: tells how often each was repeated.
    pub(crate) fn end_window(&mut self, writer: &mut Writer) {
        self.folds.drain(|entry| {
            tell(writer, entry.payload, entry.first_seq, entry.count - 1, entry.last_ns);
        });
        for crowds in [&mut self.directories, &mut self.processes] {
            crowds.drain(|entry| {
                let crowd = entry.payload;
                tell(writer, crowd.first, crowd.seq, crowd.more, crowd.last_ns);
            });
        }
    }
}

impl Crowd {
    /// Stores the first as one of many and counts the others. Returns the frame that stands for it.
    fn take(&mut self, record: &Taken<'_>, writer: &mut Writer) -> u64 {
        let head = &record.named.head;
        self.last_ns = self.last_ns.max(head.boot_ns);
        if self.seq != 0 {
            self.more += 1;
            return self.seq;
        }
        let at = offset_of!(Named, flags);
        let flags = record.named.flags | named_flag::MANY;
        let (before, after) = record.bytes.split_at_checked(at).unwrap_or((record.bytes, &[]));
        let after = after.get(size_of_val(&flags)..).unwrap_or_default();
        let parts = [before, flags.as_bytes(), after];
        self.first = First { kind: head.kind, refusals: writer.refusals() };
        self.seq = writer.record(head.kind, record.kind as u16, head.boot_ns, &parts);
        self.seq
    }
}

fn slot(hit: Hit) -> Option<Slot> {
    match hit {
        Hit::First(slot) | Hit::Again(slot) => Some(slot),
        Hit::Full => None,
    }
}

fn tell(writer: &mut Writer, first: First, seq: u64, happened: u64, last_ns: u64) {
    let repeats = Amount { frames: 0, happened };
    if happened == 0 {
        return;
    }
    // Without its first frame a repeat says nothing.
    if seq == 0 || first.refusals != writer.refusals() {
        return writer.lose(first.kind, repeats);
    }
    let repeat = FileRepeat { first_seq: seq, last_ns, count: happened };
    writer.sum(first.kind, repeats, KIND_FILE_REPEAT, last_ns, &[repeat.as_bytes()]);
}
