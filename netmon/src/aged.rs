//! A table that cannot grow without end: when it is full, its older half goes.

use std::collections::HashMap;
use std::hash::Hash;

/// Values by key, with the order in which the keys came.
#[derive(Debug)]
pub(crate) struct Aged<K, V> {
    entries: HashMap<K, (u64, V)>,
    most: usize,
    begun: u64,
}

impl<K: Eq + Hash, V> Aged<K, V> {
    /// Makes a table for at most so many entries.
    pub(crate) fn new(most: usize) -> Self {
        Aged { entries: HashMap::new(), most, begun: 0 }
    }

    pub(crate) fn get(&self, key: &K) -> Option<&V> {
        self.entries.get(key).map(|(_, value)| value)
    }

    /// Returns the value of `key`, made if need be.
    pub(crate) fn entry(&mut self, key: K, make: impl FnOnce() -> V) -> &mut V {
        if self.entries.len() >= self.most && !self.entries.contains_key(&key) {
            self.shed();
        }
        self.begun += 1;
        let order = self.begun;
        &mut self.entries.entry(key).or_insert_with(|| (order, make())).1
    }

    pub(crate) fn remove(&mut self, key: &K) -> Option<V> {
        self.entries.remove(key).map(|(_, value)| value)
    }

    fn shed(&mut self) {
        let mut orders: Vec<u64> = self.entries.values().map(|(order, _)| *order).collect();
        let middle = orders.len() / 2;
        if middle < orders.len() {
            let (_, limit, _) = orders.select_nth_unstable(middle);
            let limit = *limit;
            self.entries.retain(|_, (order, _)| *order > limit);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::Aged;

    #[test]
    fn the_older_half_goes_when_it_is_full() {
        let mut table = Aged::new(10);
        for number in 0..11 {
            table.entry(number, || number * 2);
        }
        assert_eq!((table.get(&0), table.get(&10)), (None, Some(&20)));
        assert!(table.entries.len() <= 10);
        assert_eq!(table.remove(&10), Some(20));
    }
}
