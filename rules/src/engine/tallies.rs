//! Rates, totals, and matches of several rules, in windows that move in small steps.

use std::collections::{HashMap, VecDeque};

use crate::rule::{Amount, Tally};

/// Parts of a window: a total is exact to one of them.
const PARTS: i64 = 32;

/// Sums that one rule keeps (one for each process, host, …).
const SUMS: usize = 8_192;

/// Different values that one window remembers.
const VALUES: usize = 65_536;

/// Values of which the old ones are taken out each time.
const FEW: usize = 64;

/// All sums, by rule.
#[derive(Debug, Default)]
pub(super) struct Tallies {
    by_rule: HashMap<u32, HashMap<Vec<u8>, Sum>>,
}

#[derive(Debug, Default)]
struct Sum {
    parts: VecDeque<(i64, u64)>,
    total: u64,
    values: HashMap<Vec<u8>, (i64, u64)>,
    /// When old values were last taken out.
    cleared: i64,
    over: bool,
}

/// What is added.
pub(super) struct Added {
    pub(super) ts_ns: i64,
    pub(super) amount: u64,
    pub(super) value: Vec<u8>,
    /// Number of the event.
    pub(super) seq: u64,
}

impl Tallies {
    /// Adds to a sum. Returns the total when it becomes too much, and how much had to be forgotten.
    pub(super) fn add(
        &mut self,
        rule: u32,
        tally: &Tally,
        key: Vec<u8>,
        added: Added,
    ) -> (Option<u64>, u64) {
        let sums = self.by_rule.entry(rule).or_default();
        let mut forgotten = 0;
        if sums.len() >= SUMS && !sums.contains_key(&key) {
            let oldest = added.ts_ns.saturating_sub(tally.within_ns);
            sums.retain(|_, sum| sum.last() > oldest);
            if sums.len() >= SUMS {
                return (None, 1);
            }
        }
        let sum = sums.entry(key).or_default();
        let total = match tally.what {
            Amount::Events | Amount::Sum(_) => sum.count(tally.within_ns, &added),
            Amount::Distinct(_) | Amount::Rules => {
                if sum.values.len() >= VALUES {
                    forgotten = 1;
                }
                sum.distinct(tally.within_ns, added)
            }
        };
        let over = total >= tally.least;
        let crossed = over && !sum.over;
        sum.over = over;
        (crossed.then_some(total), forgotten)
    }

    /// The events of the different values that a window has now, in order.
    pub(super) fn values(&self, rule: u32, key: &[u8]) -> Vec<(Vec<u8>, u64)> {
        let sum = self.by_rule.get(&rule).and_then(|sums| sums.get(key));
        let values = sum.into_iter().flat_map(|sum| &sum.values);
        let mut found: Vec<_> = values.map(|(value, (_, seq))| (value.clone(), *seq)).collect();
        found.sort_by_key(|(_, seq)| *seq);
        found
    }

    /// The sum may become too much again.
    pub(super) fn rearm(&mut self, rule: u32, key: &[u8]) {
        if let Some(sum) = self.by_rule.get_mut(&rule).and_then(|sums| sums.get_mut(key)) {
            sum.over = false;
        }
    }
}

impl Sum {
    fn last(&self) -> i64 {
        let values = self.values.values().map(|(ts, _)| *ts).max();
        self.parts.back().map(|(ts, _)| *ts).max(values).unwrap_or(i64::MIN)
    }

    fn count(&mut self, within_ns: i64, added: &Added) -> u64 {
        let part = (within_ns / PARTS).max(1);
        let begin = added.ts_ns - added.ts_ns.rem_euclid(part);
        match self.parts.back_mut() {
            Some((ts, amount)) if *ts == begin => *amount = amount.saturating_add(added.amount),
            _ => self.parts.push_back((begin, added.amount)),
        }
        self.total = self.total.saturating_add(added.amount);
        while let Some((ts, amount)) = self.parts.front().copied()
            && ts.saturating_add(within_ns) <= begin
        {
            self.parts.pop_front();
            self.total = self.total.saturating_sub(amount);
        }
        self.total
    }

    fn distinct(&mut self, within_ns: i64, added: Added) -> u64 {
        let added_ns = added.ts_ns;
        let oldest = added_ns.saturating_sub(within_ns);
        if self.values.len() < VALUES || self.values.contains_key(&added.value) {
            self.values.insert(added.value, (added.ts_ns, added.seq));
        }
        // With many values, only once for each part of a window: what is added would else be paid for
        // with a look at all that is there.
        let due = added_ns >= self.cleared.saturating_add(within_ns / PARTS);
        if due || self.values.len() <= FEW {
            self.values.retain(|_, (ts, _)| *ts >= oldest);
            self.cleared = added_ns;
        }
        self.values.len() as u64
    }
}
