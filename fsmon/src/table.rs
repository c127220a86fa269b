//! A hash table of fixed size: all room is taken at once, entries keep the order in which they
//! came, and emptying it costs nothing.

use zerocopy::FromZeros;

use crate::sys;

/// Entries by 128-bit hash; see [`crate::hash`].
#[derive(Debug)]
pub(crate) struct Table<V> {
    entries: Vec<(u128, V)>,
    limit: usize,
    /// Twice as many as entries, a power of two, probed one after the other. A cell counts only with
    /// the present epoch.
    cells: Box<[Cell]>,
    epoch: u32,
}

#[derive(Debug, Clone, Copy, Default, FromZeros)]
struct Cell {
    epoch: u32,
    entry: u32,
}

/// Where a hash is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Place {
    /// The entry with this number.
    At(usize),
    /// Nowhere yet.
    Absent,
}

impl<V> Table<V> {
    /// Makes a table for at most `limit` entries (at least one, at most 2^24).
    pub(crate) fn new(limit: usize) -> Table<V> {
        let limit = limit.clamp(1, 1 << 24);
        Table {
            entries: Vec::with_capacity(limit),
            limit,
            cells: sys::zeroed((limit * 2).next_power_of_two()),
            epoch: 1,
        }
    }

    pub(crate) fn len(&self) -> usize {
        self.entries.len()
    }

    pub(crate) fn is_full(&self) -> bool {
        self.entries.len() >= self.limit
    }

    pub(crate) fn get_mut(&mut self, entry: usize) -> Option<&mut V> {
        self.entries.get_mut(entry).map(|(_, value)| value)
    }

    pub(crate) fn values(&self) -> impl Iterator<Item = &V> {
        self.entries.iter().map(|(_, value)| value)
    }

    /// Finds `hash`.
    pub(crate) fn find(&self, hash: u128) -> Place {
        for index in self.probe(hash) {
            let Some(cell) = self.cells.get(index).filter(|cell| cell.epoch == self.epoch) else {
                return Place::Absent;
            };
            let entry = cell.entry as usize;
            if self.entries.get(entry).is_some_and(|(found, _)| *found == hash) {
                return Place::At(entry);
            }
        }
        Place::Absent
    }

    /// Adds `hash`, which must be absent; `None` when the table is full.
    pub(crate) fn add(&mut self, hash: u128, value: V) -> Option<usize> {
        if self.is_full() {
            return None;
        }
        let entry = self.entries.len();
        let free = self
            .probe(hash)
            .find(|index| self.cells.get(*index).is_some_and(|cell| cell.epoch != self.epoch))?;
        *self.cells.get_mut(free)? = Cell { epoch: self.epoch, entry: u32::try_from(entry).ok()? };
        self.entries.push((hash, value));
        Some(entry)
    }

    /// Forgets all entries.
    pub(crate) fn clear(&mut self) {
        self.entries.clear();
        self.epoch = self.epoch.wrapping_add(1);
        if self.epoch == 0 {
            self.cells.fill(Cell::default());
            self.epoch = 1;
        }
    }

    /// The cells in which `hash` may be, nearest first.
    fn probe(&self, hash: u128) -> impl Iterator<Item = usize> + use<V> {
        let len = self.cells.len();
        // The table has no more than 2^25 cells: the low bits are all that is needed.
        let start = hash as usize & (len - 1);
        (0..len).map(move |step| (start + step) & (len - 1))
    }
}
