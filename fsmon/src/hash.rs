//! 128-bit keyed hashes, so that a table needs no copy of its keys: two different keys meet once in
//! 2^64 tries, and a run that does not know the random keys cannot make them meet.

use std::hash::{BuildHasher, Hasher, RandomState};

/// The keys of one table.
#[derive(Debug)]
pub(crate) struct Keys {
    high: RandomState,
    low: RandomState,
}

impl Keys {
    pub(crate) fn new() -> Keys {
        Keys { high: RandomState::new(), low: RandomState::new() }
    }

    /// Hashes `parts`, each with its length, so that `ab, c` is not `a, bc`.
    pub(crate) fn hash(&self, parts: &[&[u8]]) -> u128 {
        u128::from(one(&self.high, parts)) << 64 | u128::from(one(&self.low, parts))
    }
}

fn one(state: &RandomState, parts: &[&[u8]]) -> u64 {
    let mut hasher = state.build_hasher();
    for part in parts {
        hasher.write_usize(part.len());
        hasher.write(part);
    }
    hasher.finish()
}
