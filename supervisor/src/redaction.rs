//! Marks in place of secrets, before an argv is written.
//!
//! An argv that comes in one record, as nearly all do, is looked at and stored at once. Of a longer one
//! the whole arguments of the first record are; the rest waits here until its last piece has come, so
//! that no secret is cut in two. All memory is taken at the start and touched when it is needed.

use event::{
    ProcId,
    frame::redact::{KIND_REDACTED, Redacted},
    redact::{self, Key, Rule, Spans},
    wire::{ARGV_CAP, Argv, Exec, Kind, MAX_RECORD},
};
use zerocopy::{FromZeros, IntoBytes};

use crate::segment::{Amount, Writer};

/// Argvs at a time. One CPU sends one argv after the other, so that more wait only where ends were lost
/// or on a machine with more CPUs; the oldest then ends early and what follows of it is hidden.
const SLOTS: usize = 16;

/// An argv of which something is still to come.
#[derive(Debug)]
struct Slot {
    /// Whose; pid 0 in a free slot.
    who: ProcId,
    /// When it was taken: larger is later.
    turn: u64,
    bytes: Box<[u8]>,
    /// Bytes so far, without a gap.
    len: usize,
    /// Bytes of these that are stored.
    stored: usize,
    /// Bytes of argv that the record keeps.
    whole: usize,
    /// Pieces that came: as many frames are written.
    pieces: usize,
    /// The last piece's head and flags.
    last: Argv,
}

/// The key, and the argvs on their way.
#[derive(Debug)]
pub(crate) struct Redaction {
    key: Key,
    spans: Spans,
    scratch: Box<[u8]>,
    slots: Box<[Slot]>,
    turn: u64,
}

impl Redaction {
    /// Takes all memory.
    pub(crate) fn new(key: Key) -> Self {
        let cap = usize::try_from(ARGV_CAP).unwrap_or(0);
        let slot = |_| Slot {
            who: ProcId::default(),
            turn: 0,
            bytes: vec![0; cap].into_boxed_slice(),
            len: 0,
            stored: 0,
            whole: 0,
            pieces: 0,
            last: Argv::new_zeroed(),
        };
        Redaction {
            key,
            spans: Spans::default(),
            scratch: vec![0; MAX_RECORD].into_boxed_slice(),
            slots: (0..SLOTS).map(slot).collect(),
            turn: 0,
        }
    }

    /// Stores an exec, its first bytes of argv without secrets.
    pub(crate) fn exec(&mut self, exec: &Exec, argv: &[u8], bytes: &[u8], writer: &mut Writer) {
        let who = exec.head.process();
        self.end(who, writer);
        let whole = exec.argv_len <= argv.len() as u64;
        // What begins in this record and ends in another one waits for its end.
        let here = match argv.iter().rposition(|byte| *byte == 0) {
            _ if whole => argv.len(),
            last => last.map_or(0, |last| last + 1),
        };
        let strings = [exec.exe_len, exec.cwd_len, exec.file_len, exec.interp_len];
        let before = size_of_val(exec) + strings.map(usize::from).iter().sum::<usize>();
        let Redaction { scratch, spans, key, .. } = self;
        redact::scan(argv, spans);
        let shown = scratch.get_mut(..argv.len());
        let (Some(middle), Some(shown)) = (bytes.get(size_of_val(exec)..before), shown) else {
            return writer.lose(Kind::Exec as u32, Amount::ONE);
        };
        tell(who, exec.head.boot_ns, argv, 0..here, (spans, key), writer);
        shown.copy_from_slice(argv);
        redact::blank(shown, spans);
        let mut head = *exec;
        head.head.size = u32::try_from(before + here).unwrap_or(0);
        head.argv_kept = u32::try_from(here).unwrap_or(0);
        let parts = [head.as_bytes(), middle, shown.get(..here).unwrap_or_default()];
        writer.record(Kind::Exec as u32, Kind::Exec as u16, exec.head.boot_ns, &parts);
        if !whole {
            self.begin(exec, argv, here, writer);
        }
    }

    fn begin(&mut self, exec: &Exec, argv: &[u8], stored: usize, writer: &mut Writer) {
        let age = |slot: &&Slot| if slot.who.pid == 0 { 0 } else { slot.turn };
        let Some(who) = self.slots.iter().min_by_key(age).map(|slot| slot.who) else { return };
        self.end(who, writer);
        self.turn += 1;
        let Some(slot) = self.slots.iter_mut().find(|slot| slot.who.pid == 0) else { return };
        let Some(place) = slot.bytes.get_mut(..argv.len()) else { return };
        place.copy_from_slice(argv);
        slot.whole = usize::try_from(exec.argv_len.min(ARGV_CAP)).unwrap_or(0);
        (slot.who, slot.turn) = (exec.head.process(), self.turn);
        (slot.len, slot.stored, slot.pieces) = (argv.len(), stored, 0);
    }

    /// Takes a piece of an argv. One that does not follow is of no use to readers either: they see by
    /// its offset that bytes are missing.
    pub(crate) fn piece(&mut self, argv: &Argv, bytes: &[u8], writer: &mut Writer) {
        let who = argv.head.process();
        let at = usize::try_from(argv.offset).unwrap_or(usize::MAX);
        let follows = |slot: &&mut Slot| slot.who == who && who.pid != 0 && slot.len == at;
        let slot = self.slots.iter_mut().find(follows).and_then(|slot| {
            slot.bytes.get_mut(at..at.checked_add(bytes.len())?)?.copy_from_slice(bytes);
            Some(slot)
        });
        let Some(slot) = slot else {
            self.end(who, writer);
            return self.hide(argv, bytes, writer);
        };
        (slot.len, slot.pieces, slot.last) = (at + bytes.len(), slot.pieces + 1, *argv);
        if slot.len >= slot.whole {
            self.end(who, writer);
        }
    }

    /// Stores what came of the argv of `who`.
    pub(crate) fn end(&mut self, who: ProcId, writer: &mut Writer) {
        let Redaction { spans, key, slots, .. } = self;
        let waits = |slot: &&mut Slot| slot.who == who && who.pid != 0;
        let Some(slot) = slots.iter_mut().find(waits) else { return };
        slot.who = ProcId::default();
        let Some(argv) = slot.bytes.get_mut(..slot.len) else { return };
        if slot.pieces == 0 {
            return;
        }
        redact::scan(argv, spans);
        tell(who, slot.last.head.boot_ns, argv, slot.stored..slot.len, (spans, key), writer);
        redact::blank(argv, spans);
        let each = (slot.len - slot.stored).div_ceil(slot.pieces);
        let mut at = slot.stored;
        for _ in 0..slot.pieces {
            let part = argv.get(at..(at + each).min(slot.len)).unwrap_or_default();
            store_piece(&slot.last, at, part, writer);
            at += part.len();
        }
        argv.fill(0);
    }

    /// Stores what is left at the end of the recording.
    pub(crate) fn finish(&mut self, writer: &mut Writer) {
        for place in 0..self.slots.len() {
            if let Some(who) = self.slots.get(place).map(|slot| slot.who) {
                self.end(who, writer);
            }
        }
    }

    /// A piece whose beginning is missing: nobody can say what of it is a secret.
    fn hide(&mut self, argv: &Argv, bytes: &[u8], writer: &mut Writer) {
        let Some(hidden) = self.scratch.get_mut(..bytes.len()) else {
            return writer.lose(Kind::Argv as u32, Amount::ONE);
        };
        let star = |byte: &u8| if *byte == 0 { 0 } else { b'*' };
        hidden.iter_mut().zip(bytes).for_each(|(to, from)| *to = star(from));
        let told = Redacted {
            start_ns: argv.head.start_ns,
            at: argv.offset.into(),
            pid: argv.head.pid,
            len: argv.len,
            rule: Rule::Unknown as u32,
            mark: self.key.mark(bytes),
            pad: [0; 6],
        };
        writer.control(KIND_REDACTED, argv.head.boot_ns, &[told.as_bytes()]);
        store_piece(argv, usize::try_from(argv.offset).unwrap_or(0), hidden, writer);
    }
}

/// Tells of the places that begin in this part of the argv.
fn tell(
    who: ProcId,
    boot_ns: u64,
    argv: &[u8],
    part: std::ops::Range<usize>,
    (spans, key): (&Spans, &Key),
    writer: &mut Writer,
) {
    for span in spans.iter().filter(|span| part.contains(&span.at)) {
        let told = Redacted {
            start_ns: who.start_ns,
            at: span.at as u64,
            pid: who.pid,
            len: u32::try_from(span.len).unwrap_or(u32::MAX),
            rule: span.rule as u32,
            mark: key.mark(argv.get(span.range()).unwrap_or_default()),
            pad: [0; 6],
        };
        writer.control(KIND_REDACTED, boot_ns, &[told.as_bytes()]);
    }
}

fn store_piece(argv: &Argv, at: usize, bytes: &[u8], writer: &mut Writer) {
    let mut head = *argv;
    head.head.size = u32::try_from(size_of_val(argv) + bytes.len()).unwrap_or(0);
    head.offset = u32::try_from(at).unwrap_or(u32::MAX);
    head.len = u32::try_from(bytes.len()).unwrap_or(0);
    let parts = [head.as_bytes(), bytes];
    writer.record(Kind::Argv as u32, Kind::Argv as u16, argv.head.boot_ns, &parts);
}

#[cfg(test)]
mod tests;
