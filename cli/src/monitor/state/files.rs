//! Files that were touched lately, each once.

use std::collections::HashMap;

use crate::{
    pages::{Line, path, verb, who},
    text::program,
};

/// Files that are kept; when there are twice as many, the older half goes.
const MOST: usize = 2_000;

/// Files, and what was done to them.
#[derive(Debug, Default)]
pub(in crate::monitor) struct Files {
    known: HashMap<String, Touched>,
    /// Times that a file was read, written, or changed otherwise.
    pub(in crate::monitor) read: u64,
    /// Written, created, renamed, deleted.
    pub(in crate::monitor) changed: u64,
}

/// A file.
#[derive(Debug)]
pub(in crate::monitor) struct Touched {
    /// Where it is.
    pub(in crate::monitor) path: String,
    /// What was done last.
    pub(in crate::monitor) did: String,
    /// How often anything was done.
    pub(in crate::monitor) times: u64,
    /// By whom, last.
    pub(in crate::monitor) by: String,
    /// When, nanoseconds since 1970.
    pub(in crate::monitor) ts_ns: i64,
    /// Number of the last event.
    pub(in crate::monitor) seq: u64,
}

impl Files {
    pub(super) fn take(&mut self, ts_ns: i64, seq: u64, line: &Line) {
        let times = line.number("count").unwrap_or(1).max(1);
        let did = verb(line);
        let sum = if matches!(did.as_str(), "read" | "open" | "exec") {
            &mut self.read
        } else {
            &mut self.changed
        };
        *sum = sum.saturating_add(times);
        let by = line.bytes("exe").map_or_else(|| who(line), |exe| program(&exe));
        let path = path(line);
        let known = self.known.entry(path.clone()).or_insert_with(|| Touched {
            path,
            did: String::new(),
            times: 0,
            by: String::new(),
            ts_ns,
            seq,
        });
        known.times = known.times.saturating_add(times);
        (known.did, known.by, known.ts_ns, known.seq) = (did, by, ts_ns, seq);
        if self.known.len() > 2 * MOST {
            self.forget();
        }
    }

    /// Keeps the latest.
    fn forget(&mut self) {
        let mut seqs: Vec<u64> = self.known.values().map(|file| file.seq).collect();
        seqs.sort_unstable();
        let oldest = seqs.len().checked_sub(MOST).and_then(|at| seqs.get(at)).copied();
        self.known.retain(|_, file| Some(file.seq) >= oldest);
    }

    /// The latest first.
    pub(in crate::monitor) fn latest(&self) -> Vec<&Touched> {
        let mut all: Vec<&Touched> = self.known.values().collect();
        all.sort_unstable_by_key(|file| std::cmp::Reverse(file.seq));
        all.truncate(MOST);
        all
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_is_one_entry_however_often_and_the_oldest_are_forgotten() {
        let mut files = Files::default();
        for at in 0..10_000_u64 {
            let line = format!(
                r#"{{"type":"file","op":"write","path":"/{}","exe":"/bin/cp"}}"#,
                at.min(9_000)
            );
            files.take(0, at, &Line::parse(line.as_bytes()));
        }
        let latest = files.latest();
        assert_eq!(latest.first().map(|it| (it.path.as_str(), it.times)), Some(("/9000", 1_000)));
        assert!(latest.len() <= MOST && files.changed == 10_000);
    }
}
