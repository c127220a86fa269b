//! Rates, totals, means, and matches of several rules, in windows that move in small steps.

mod window;

use foldhash::HashMap;

use crate::rule::Tally;

use super::cleared::Cleared;
use window::Window;

/// Windows that one rule keeps (one for each process, host, …).
const WINDOWS: usize = 8_192;

/// All windows, by rule.
#[derive(Debug, Default)]
pub(super) struct Tallies {
    by_rule: HashMap<u32, Windows>,
}

/// Those of one rule.
#[derive(Debug, Default)]
struct Windows {
    by_key: HashMap<Vec<u8>, Window>,
    cleared: Cleared,
}

impl Windows {
    /// The window of a key. `None`: there are too many, although those that are over were let go.
    fn of(&mut self, key: Vec<u8>, now: i64, within_ns: i64) -> Option<&mut Window> {
        if self.by_key.len() >= WINDOWS && !self.by_key.contains_key(&key) {
            if self.cleared.is_due(now, within_ns) {
                let oldest = now.saturating_sub(within_ns);
                self.by_key.retain(|_, window| window.last() > oldest);
            }
            if self.by_key.len() >= WINDOWS {
                return None;
            }
        }
        Some(self.by_key.entry(key).or_default())
    }
}

/// What is added.
pub(super) struct Added {
    pub(super) ts_ns: i64,
    pub(super) amount: u64,
    pub(super) value: Vec<u8>,
    /// Which of the rules that a correlation looks at.
    pub(super) place: usize,
    /// Number of the event.
    pub(super) seq: u64,
}

/// There came to be enough.
pub(super) struct Enough {
    pub(super) total: u64,
    /// The events that it is made of, where they are known.
    pub(super) causes: Vec<u64>,
}

impl Tallies {
    /// Adds to a window. Returns what is enough when it becomes so, and how much had to be forgotten.
    pub(super) fn add(
        &mut self,
        rule: u32,
        tally: &Tally,
        key: Vec<u8>,
        added: Added,
    ) -> (Option<Enough>, u64) {
        let windows = self.by_rule.entry(rule).or_default();
        let Some(window) = windows.of(key, added.ts_ns, tally.within_ns) else { return (None, 1) };
        let forgotten = u64::from(window.is_full_for(&tally.what));
        (window.add(tally, added), forgotten)
    }
}
