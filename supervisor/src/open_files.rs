//! Open files of the run, to lay what is seen at a close beside what was seen at its open.
//!
//! The kernel's number of an open file is used again after its end, and an end is not always seen.
//! So an entry is only believed of the file that it was made for, and a newer one takes its place;
//! of a close that finds no entry nothing is claimed.

use event::wire::{Open, open_how, open_mode, use_flag};
use zerocopy::FromZeros;

use crate::sys;

/// Open files that are remembered; more at once push each other out. 3 MiB.
const SLOTS: usize = 1 << 16;

/// How much older than an open a file's last change must be for any later one to show: the kernel
/// takes the time of changes from its tick (100 Hz at the least: 10 ms), and we ours from a pair of
/// clocks read one after the other.
const SLACK_NS: i64 = 50_000_000;

/// What was seen at an open, and of its use since.
#[derive(Debug, Clone, Copy, Default, FromZeros)]
struct Entry {
    file: u64,
    ino: u64,
    opened_ns: u64,
    size: u64,
    ctime_ns: i64,
    dev: u32,
    /// [`event::wire::open_how`].
    flags: u32,
    /// Of [`use_flag`], what was seen since.
    used: u32,
}

/// How an open file was used, as far as its close shows.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Close {
    /// It may have been read.
    pub(crate) read: bool,
    /// It may have been written.
    pub(crate) written: bool,
    /// When it was opened, the size then, and [`event::wire::open_how`].
    pub(crate) open: Option<(u64, u64, u32)>,
}

/// Open files by the kernel's number.
#[derive(Debug)]
pub(crate) struct OpenFiles {
    slots: Box<[Entry]>,
}

impl OpenFiles {
    /// Takes all room; pages come as they are needed.
    pub(crate) fn new() -> Self {
        OpenFiles { slots: sys::zeroed(SLOTS) }
    }

    /// A file was opened.
    pub(crate) fn opened(&mut self, open: &Open) {
        if let Some(slot) = self.slots.get_mut(home(open.file)) {
            *slot = Entry {
                file: open.file,
                ino: open.ino,
                opened_ns: open.head.boot_ns,
                size: open.size,
                ctime_ns: open.ctime_ns,
                dev: open.dev,
                flags: open.flags,
                used: 0,
            };
        }
    }

    /// An open file was put to a use that leaves no trace in it.
    pub(crate) fn used(&mut self, seen: &Open) {
        if let Some(entry) = self.find(seen) {
            entry.used |= seen.flags;
        }
    }

    /// A descriptor of it goes. `real_ns`: what the clock of files shows at `CLOCK_BOOTTIME` 0.
    pub(crate) fn closed(&mut self, seen: &Open, real_ns: i64) -> Close {
        let is = |flag| seen.flags & flag != 0;
        let (reads, writes) = (seen.mode & open_mode::READ != 0, seen.mode & open_mode::WRITE != 0);
        let Some(entry) = self.find(seen) else {
            return Close { read: reads, written: writes, open: None };
        };
        let was = |flag| entry.used & flag != 0;
        let opened = real_ns.saturating_add_unsigned(entry.opened_ns);
        let direct = was(use_flag::DIRECT) || entry.flags & open_how::DIRECT != 0;
        let unread = is(use_flag::UNREAD) && !was(use_flag::MAPPED) && !direct;
        let unwritten = is(use_flag::TIMED)
            && !was(use_flag::SHARED)
            && entry.ctime_ns == seen.ctime_ns
            && entry.ctime_ns.saturating_add(SLACK_NS) < opened;
        let last = is(use_flag::LAST);
        let close = Close {
            read: reads && !(last && unread),
            written: writes && !(last && unwritten),
            open: Some((entry.opened_ns, entry.size, entry.flags)),
        };
        if last {
            *entry = Entry::default();
        }
        close
    }

    fn find(&mut self, seen: &Open) -> Option<&mut Entry> {
        let entry = self.slots.get_mut(home(seen.file))?;
        let same = (entry.file, entry.ino, entry.dev) == (seen.file, seen.ino, seen.dev);
        same.then_some(entry)
    }
}

/// Fibonacci hashing; open files are whole cache lines apart.
fn home(file: u64) -> usize {
    let mixed = (file >> 6).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    usize::try_from(mixed >> 48).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use event::wire::Head;

    use super::*;

    const NOW: u64 = 1_000_000_000;
    /// The clock of files shows as much more than that of the kernel.
    const REAL: i64 = 1_700_000_000_000_000_000;
    const OLD: i64 = REAL;

    fn record(file: u64, ctime_ns: i64, flags: u32) -> Open {
        let head = Head { boot_ns: NOW, start_ns: 1, kind: 33, size: 80, pid: 7, tid: 7 };
        let mode = open_mode::READ | open_mode::WRITE;
        Open { head, ino: 9, file, size: 5, ctime_ns, dev: 1, generation: 0, mode, flags }
    }

    const ALL: u32 = use_flag::CLOSED | use_flag::LAST | use_flag::UNREAD | use_flag::TIMED;

    /// Whether it may have been read, and written.
    fn check(opened: i64, uses: &[u32], closed: i64, flags: u32) -> (bool, bool) {
        let mut files = OpenFiles::new();
        files.opened(&record(64, opened, 0));
        for flags in uses {
            files.used(&record(64, 0, *flags));
        }
        let close = files.closed(&record(64, closed, flags), REAL);
        (close.read, close.written)
    }

    #[test]
    fn only_what_is_certain_takes_a_use_away() {
        assert_eq!(check(OLD, &[], OLD, ALL), (false, false), "nothing was done");
        assert_eq!(check(OLD, &[], OLD, ALL & !use_flag::UNREAD), (true, false));
        assert_eq!(check(OLD, &[], OLD + 1, ALL), (false, true), "it changed");
        assert_eq!(check(OLD, &[], OLD, ALL & !use_flag::TIMED), (false, true));
        assert_eq!(check(OLD, &[], OLD, ALL & !use_flag::LAST), (true, true), "others have it");
        let fresh = REAL + i64::try_from(NOW).unwrap() - SLACK_NS;
        assert_eq!(check(fresh, &[], fresh, ALL), (false, true), "changed within one tick");
    }

    #[test]
    fn a_mapping_may_have_been_read_and_a_shared_one_written() {
        assert_eq!(check(OLD, &[use_flag::MAPPED], OLD, ALL), (true, false));
        let shared = use_flag::MAPPED | use_flag::SHARED;
        assert_eq!(check(OLD, &[shared], OLD, ALL), (true, true));
        assert_eq!(check(OLD, &[use_flag::DIRECT], OLD, ALL), (true, false));
    }

    #[test]
    fn a_close_without_its_open_claims_nothing() {
        let mut files = OpenFiles::new();
        let nothing = Close { read: true, written: true, open: None };
        assert_eq!(files.closed(&record(64, OLD, ALL), REAL), nothing);
        files.opened(&record(64, OLD, open_how::CREATED));
        let close = files.closed(&record(64, OLD, ALL), REAL);
        assert_eq!(close.open, Some((NOW, 5, open_how::CREATED)));
        assert_eq!(files.closed(&record(64, OLD, ALL), REAL), nothing, "it is over");
        files.opened(&record(64, OLD, 0));
        let other = Open { ino: 8, ..record(64, OLD, ALL) };
        assert_eq!(files.closed(&other, REAL), nothing, "the number is used again");
    }
}
