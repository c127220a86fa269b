//! Rates, totals, means, and matches of several rules, in windows that move in small steps.

mod window;

use foldhash::HashMap;

use crate::rule::Tally;

use window::Window;

/// Windows that one rule keeps (one for each process, host, …).
const WINDOWS: usize = 8_192;

/// All windows, by rule.
#[derive(Debug, Default)]
pub(super) struct Tallies {
    by_rule: HashMap<u32, HashMap<Vec<u8>, Window>>,
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
        if windows.len() >= WINDOWS && !windows.contains_key(&key) {
            let oldest = added.ts_ns.saturating_sub(tally.within_ns);
            windows.retain(|_, window| window.last() > oldest);
            if windows.len() >= WINDOWS {
                return (None, 1);
            }
        }
        let window = windows.entry(key).or_default();
        let forgotten = u64::from(window.is_full_for(&tally.what));
        (window.add(tally, added), forgotten)
    }
}
