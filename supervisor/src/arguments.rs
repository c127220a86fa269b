//! Hashes of argvs that are longer than what the record keeps of them.
//!
//! All pieces of such an argv come by the ring, in order, but pieces of execs on several CPUs come
//! mixed. Each is hashed as it comes and forgotten. All memory is taken at the start.

use event::{
    ProcId,
    frame::control::{ArgvHash, Hashed},
    redact::Key,
    wire::{Argv, ArgvEnd, Exec, exec_flag},
};

/// Argvs at a time. One CPU sends one argv after the other, so more are on their way only on a
/// machine with more CPUs; the oldest then stays without a hash.
const SLOTS: usize = 64;

/// An argv of which something is still to come.
#[derive(Debug, Clone, Default)]
struct Slot {
    /// Whose; pid 0 in a free slot.
    who: ProcId,
    /// When it was taken: larger is later.
    turn: u64,
    /// Bytes so far, without a gap.
    hashed: u64,
    /// A piece was missing.
    gap: bool,
    hash: blake3::Hasher,
}

/// Long argvs on their way.
#[derive(Debug)]
pub(crate) struct Arguments {
    slots: Box<[Slot]>,
    turn: u64,
}

impl Arguments {
    /// Takes all memory.
    pub(crate) fn new() -> Self {
        Arguments { slots: vec![Slot::default(); SLOTS].into_boxed_slice(), turn: 0 }
    }

    /// Takes all memory for hashes under a key: those of argvs with secrets, of which all but the
    /// secret may be known, must not answer guesses.
    pub(crate) fn keyed(key: &Key) -> Self {
        let slot = Slot { hash: key.hasher(), ..Slot::default() };
        Arguments { slots: vec![slot; SLOTS].into_boxed_slice(), turn: 0 }
    }

    /// A long argv begins with `bytes`.
    pub(crate) fn begin(&mut self, exec: &Exec, bytes: &[u8]) {
        self.turn += 1;
        let (who, turn) = (exec.head.process(), self.turn);
        // One of the same process has lost its end; a free one; else the oldest.
        let order = |slot: &&mut Slot| match slot.who {
            own if own == who => (0, 0),
            ProcId { pid: 0, .. } => (1, 0),
            _ => (2, slot.turn),
        };
        let Some(slot) = self.slots.iter_mut().min_by_key(order) else { return };
        (slot.who, slot.turn, slot.hashed, slot.gap) = (who, turn, 0, false);
        slot.hash.reset();
        slot.take(0, bytes);
    }

    /// A piece of an argv; most are of short ones that are kept whole.
    pub(crate) fn more(&mut self, argv: &Argv, bytes: &[u8]) {
        if let Some(slot) = self.find(argv.head.process()) {
            slot.take(argv.offset.into(), bytes);
        }
    }

    /// All was sent that will be: returns what came of it.
    pub(crate) fn end(&mut self, end: &ArgvEnd) -> ArgvHash {
        let ProcId { pid, start_ns } = end.head.process();
        let none = ArgvHash {
            start_ns,
            argv_len: end.argv_len,
            hashed: 0,
            hash: [0; 32],
            pid,
            state: Hashed::Lost as u32,
        };
        let Some(slot) = self.find(end.head.process()) else { return none };
        slot.who = ProcId::default();
        let state = match end.flags {
            flags if flags & exec_flag::ARGV_STOPPED != 0 => Hashed::NoRoom,
            flags if flags & exec_flag::ARGV_FAULT != 0 => Hashed::Unreadable,
            _ if slot.gap || slot.hashed != end.argv_len => Hashed::Lost,
            _ => Hashed::Whole,
        };
        let hash = match state {
            Hashed::Whole => *slot.hash.finalize().as_bytes(),
            _ => [0; 32],
        };
        ArgvHash { hashed: slot.hashed, hash, state: state as u32, ..none }
    }

    fn find(&mut self, who: ProcId) -> Option<&mut Slot> {
        self.slots.iter_mut().find(|slot| slot.who == who && who.pid != 0)
    }
}

impl Slot {
    fn take(&mut self, offset: u64, bytes: &[u8]) {
        self.gap |= offset != self.hashed;
        if !self.gap {
            self.hash.update(bytes);
            self.hashed += bytes.len() as u64;
        }
    }
}

#[cfg(test)]
mod tests {
    use event::wire::Head;
    use zerocopy::FromZeros;

    use super::*;

    const PIECE: usize = 16_384;

    fn head(pid: u32) -> Head {
        Head { pid, start_ns: u64::from(pid) * 10, ..Head::new_zeroed() }
    }

    fn begin(arguments: &mut Arguments, pid: u32, bytes: &[u8]) {
        let exec = Exec { head: head(pid), ..Exec::new_zeroed() };
        arguments.begin(&exec, bytes);
    }

    fn more(arguments: &mut Arguments, pid: u32, offset: usize, bytes: &[u8]) {
        let offset = u32::try_from(offset).unwrap();
        arguments.more(&Argv { head: head(pid), offset, ..Argv::new_zeroed() }, bytes);
    }

    fn end(arguments: &mut Arguments, pid: u32, argv_len: usize, flags: u32) -> ArgvHash {
        let (argv_len, head) = (argv_len as u64, head(pid));
        arguments.end(&ArgvEnd { head, argv_len, flags, ..ArgvEnd::new_zeroed() })
    }

    fn argv_of(pid: u32) -> Vec<u8> {
        (0..PIECE * 3 + 5).map(|at| (at as u32 * pid % 251) as u8).collect()
    }

    #[test]
    fn argvs_that_come_mixed_have_the_hashes_of_their_bytes() {
        let mut arguments = Arguments::new();
        let all: Vec<(u32, Vec<u8>)> = (1..=SLOTS as u32).map(|pid| (pid, argv_of(pid))).collect();
        for (pid, argv) in &all {
            begin(&mut arguments, *pid, &argv[..PIECE]);
        }
        for at in (PIECE..PIECE * 3 + 5).step_by(PIECE) {
            for (pid, argv) in &all {
                more(&mut arguments, *pid, at, &argv[at..argv.len().min(at + PIECE)]);
            }
        }
        for (pid, argv) in &all {
            let told = end(&mut arguments, *pid, argv.len(), 0);
            assert_eq!(told.hash, *blake3::hash(argv).as_bytes());
            assert_eq!((told.state, told.hashed), (Hashed::Whole as u32, argv.len() as u64));
            assert_eq!((told.pid, told.start_ns), (*pid, u64::from(*pid) * 10));
        }
    }

    #[test]
    fn what_is_missing_leaves_no_hash_and_a_reason() {
        let mut arguments = Arguments::new();
        let mut check = |flags, skip: bool, expected: Hashed| {
            begin(&mut arguments, 7, &[b'a'; PIECE]);
            if skip {
                more(&mut arguments, 7, 2 * PIECE, b"c");
            }
            let told = end(&mut arguments, 7, 2 * PIECE, flags);
            assert_eq!((told.state, told.hash), (expected as u32, [0; 32]));
        };
        check(0, false, Hashed::Lost);
        check(0, true, Hashed::Lost);
        check(exec_flag::ARGV_STOPPED, false, Hashed::NoRoom);
        check(exec_flag::ARGV_FAULT, false, Hashed::Unreadable);
        assert_eq!(end(&mut arguments, 8, 1, 0).state, Hashed::Lost as u32, "its exec was lost");
    }

    #[test]
    fn one_more_than_there_is_room_for_costs_the_oldest_its_hash() {
        let mut arguments = Arguments::new();
        for pid in 1..=SLOTS as u32 + 1 {
            begin(&mut arguments, pid, b"a");
        }
        assert_eq!(end(&mut arguments, 1, 1, 0).state, Hashed::Lost as u32);
        assert_eq!(end(&mut arguments, 2, 1, 0).state, Hashed::Whole as u32);
        assert_eq!(end(&mut arguments, SLOTS as u32 + 1, 1, 0).state, Hashed::Whole as u32);
    }

    #[test]
    fn an_argv_of_a_process_begins_anew_with_its_next_exec() {
        let mut arguments = Arguments::new();
        begin(&mut arguments, 7, b"lost its end");
        begin(&mut arguments, 7, b"b");
        let told = end(&mut arguments, 7, 1, 0);
        assert_eq!(told.hash, *blake3::hash(b"b").as_bytes());
    }
}
