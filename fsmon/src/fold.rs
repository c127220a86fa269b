//! Folding: what happens again is counted, not told again.

use crate::hash::Keys;
use crate::table::{Place, Table};

/// Counts of repeats within a window. `P` is what the owner wants back with each count.
#[derive(Debug)]
pub struct FoldTable<P: Copy> {
    keys: Keys,
    table: Table<Entry<P>>,
    full: u64,
}

/// One thing that happened, and how often.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Entry<P: Copy> {
    /// How often, the first time counted.
    pub count: u64,
    /// Number of the frame that told the first time.
    pub first_seq: u64,
    /// When it happened first.
    pub first_ns: u64,
    /// When it happened last.
    pub last_ns: u64,
    /// What the owner put here.
    pub payload: P,
}

/// An entry of this window.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Slot(usize);

/// What [`FoldTable::hit`] found.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Hit {
    /// New in this window: tell it.
    First(Slot),
    /// Told before: it is counted.
    Again(Slot),
    /// New, but there is no room to remember it: tell it; its repeats will be told too.
    Full,
}

impl<P: Copy> FoldTable<P> {
    /// Makes a table for at most `capacity` different things a window. The last allocation.
    #[must_use]
    pub fn new(capacity: usize) -> FoldTable<P> {
        FoldTable { keys: Keys::new(), table: Table::new(capacity), full: 0 }
    }

    /// Counts what `key` (its parts in a fixed order) names. `first_seq` and `payload` are kept when
    /// it is new.
    pub fn hit(&mut self, key: &[&[u8]], now_ns: u64, first_seq: u64, payload: P) -> Hit {
        let hash = self.keys.hash(key);
        if let Place::At(slot) = self.table.find(hash) {
            if let Some(entry) = self.table.get_mut(slot) {
                entry.count = entry.count.saturating_add(1);
                entry.last_ns = entry.last_ns.max(now_ns);
            }
            return Hit::Again(Slot(slot));
        }
        let entry = Entry { count: 1, first_seq, first_ns: now_ns, last_ns: now_ns, payload };
        match self.table.add(hash, entry) {
            Some(slot) => Hit::First(Slot(slot)),
            None => {
                self.full = self.full.saturating_add(1);
                Hit::Full
            }
        }
    }

    /// Returns the entry of `slot`, to correct it; `None` after the window's end.
    pub fn entry(&mut self, slot: Slot) -> Option<&mut Entry<P>> {
        self.table.get_mut(slot.0)
    }

    /// Hands out all entries, in the order of their first time, and begins a new window.
    pub fn drain(&mut self, mut each: impl FnMut(&Entry<P>)) {
        self.table.values().for_each(&mut each);
        self.table.clear();
    }

    /// Different things in this window.
    #[must_use]
    pub fn len(&self) -> usize {
        self.table.len()
    }

    /// Whether this window is empty.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.table.len() == 0
    }

    /// How often [`Hit::Full`] was answered, ever.
    #[must_use]
    pub fn full(&self) -> u64 {
        self.full
    }
}
