//! Which runs are too many: pure.

use std::time::Duration;

use storage::RunId;

/// A run, as far as it matters here.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Entry {
    /// Which.
    pub(crate) id: RunId,
    /// `--name`.
    pub(crate) name: Option<String>,
    /// When it began, nanoseconds since 1970.
    pub(crate) started_ns: Option<i64>,
    /// Bytes of its files.
    pub(crate) bytes: u64,
    /// It stays whatever happens: it goes on, or the user wants to keep it.
    pub(crate) pinned: bool,
}

/// How much may stay; 0 is no limit.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Limits {
    /// So many of the newest.
    pub(crate) runs: usize,
    /// The newest of together so many bytes.
    pub(crate) bytes: u64,
    /// What began no longer ago.
    pub(crate) age: Duration,
}

/// Returns those of `entries` (the oldest first) that `limits` lets go, the oldest first. Pinned ones
/// count, and stay.
pub(crate) fn surplus(entries: &[Entry], limits: Limits, now_ns: i64) -> Vec<RunId> {
    let (mut runs, mut bytes) = (0_usize, 0_u64);
    let mut gone = Vec::new();
    for entry in entries.iter().rev() {
        runs += 1;
        bytes = bytes.saturating_add(entry.bytes);
        let many = limits.runs != 0 && runs > limits.runs;
        let large = limits.bytes != 0 && bytes > limits.bytes;
        // Without a first frame it was never recorded: nobody knows since when.
        let age = entry.started_ns.map(|began| now_ns.saturating_sub(began));
        let limit = i64::try_from(limits.age.as_nanos()).unwrap_or(i64::MAX);
        let old = limit != 0 && age.is_none_or(|age| age > limit);
        if (many || large || old) && !entry.pinned {
            gone.push(entry.id.clone());
        }
    }
    gone.reverse();
    gone
}

#[cfg(test)]
mod tests {
    use super::*;

    const DAY: i64 = 86_400_000_000_000;

    /// Days of which runs go, of one run on each of the days 1 to 5, of 10 bytes each.
    fn gone(runs: usize, bytes: u64, days: u64, pinned: &[i64]) -> Vec<i64> {
        let entry = |day: i64| Entry {
            id: RunId::parse(&format!("2026112{day}-201530-sh-7k2m")).expect("an id"),
            name: None,
            started_ns: Some(day * DAY),
            bytes: 10,
            pinned: pinned.contains(&day),
        };
        let entries: Vec<Entry> = (1..=5).map(entry).collect();
        let limits = Limits { runs, bytes, age: Duration::from_hours(24 * days) };
        let gone = surplus(&entries, limits, 5 * DAY + 1);
        gone.iter().map(|id| i64::from(id.as_str().as_bytes()[7] - b'0')).collect()
    }

    #[test]
    fn the_oldest_go_by_number_size_or_age() {
        assert_eq!(gone(0, 0, 0, &[]), [0_i64; 0]);
        assert_eq!(gone(3, 0, 0, &[]), [1, 2]);
        assert_eq!(gone(0, 25, 0, &[]), [1, 2, 3]);
        assert_eq!(gone(0, 0, 2, &[]), [1, 2, 3]);
        assert_eq!(gone(4, 45, 3, &[]), [1, 2]);
        assert_eq!(gone(5, 50, 5, &[]), [0_i64; 0]);
    }

    #[test]
    fn what_is_pinned_counts_and_stays() {
        assert_eq!(gone(3, 0, 0, &[1, 5]), [2]);
        assert_eq!(gone(1, 1, 1, &[1, 2, 3, 4, 5]), [0_i64; 0]);
    }
}
