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

#[cfg(test)]
mod tests {
    use super::{FoldTable, Hit};
    use proptest::prelude::*;
    use std::collections::HashMap;

    #[test]
    fn the_first_time_is_told_and_the_others_are_counted() {
        let mut table = FoldTable::new(8);
        let Hit::First(slot) = table.hit(&[b"a", b"b"], 10, 1, 'x') else { panic!("new") };
        assert_eq!(table.hit(&[b"a", b"b"], 20, 2, 'y'), Hit::Again(slot));
        assert!(matches!(table.hit(&[b"ab", b""], 30, 3, 'z'), Hit::First(_)));
        let mut told = Vec::new();
        table.drain(|it| told.push((it.first_seq, it.count, it.first_ns, it.last_ns, it.payload)));
        assert_eq!(told, [(1, 2, 10, 20, 'x'), (3, 1, 30, 30, 'z')]);
    }

    #[test]
    fn a_new_window_knows_nothing_of_the_last() {
        let mut table = FoldTable::new(8);
        for window in 0..100 {
            assert!(matches!(table.hit(&[b"a"], window, 0, ()), Hit::First(_)));
            table.drain(|entry| assert_eq!(entry.count, 1));
            assert!(table.is_empty());
        }
    }

    #[test]
    fn a_full_table_says_so_and_still_counts_what_it_holds() {
        let mut table = FoldTable::new(2);
        for key in [b"a", b"b", b"c", b"a", b"c"] {
            table.hit(&[key], 0, 0, ());
        }
        assert_eq!((table.len(), table.full()), (2, 2));
        let mut counts = Vec::new();
        table.drain(|entry| counts.push(entry.count));
        assert_eq!(counts, [2, 1]);
    }

    proptest! {
        #[test]
        fn it_counts_as_a_map_does(keys in prop::collection::vec(any::<u8>(), 0..600)) {
            let mut table = FoldTable::new(256);
            let mut map: HashMap<u8, u64> = HashMap::new();
            for key in keys {
                *map.entry(key).or_default() += 1;
                table.hit(&[&[key]], 0, 0, key);
            }
            prop_assert_eq!(table.len(), map.len());
            table.drain(|entry| assert_eq!(map.remove(&entry.payload), Some(entry.count)));
            prop_assert!(map.is_empty());
        }
    }
}
