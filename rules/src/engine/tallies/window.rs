//! What one window of time has.

use std::collections::{BTreeSet, VecDeque};

use foldhash::HashMap;

use super::{Added, Enough};
use crate::rule::{Amount, Bound, Tally, Which};

/// Parts of a window: a total is exact to one of them.
const PARTS: i64 = 32;

/// Different values that one window remembers.
const VALUES: usize = 65_536;

/// Values of which the old ones are taken out each time.
const FEW: usize = 64;

/// Numbers of which one window knows the order; putting one in moves half of them.
const NUMBERS: usize = 8_192;

#[derive(Debug, Default)]
pub(super) struct Window {
    /// When, how much, and of how many.
    parts: VecDeque<(i64, u64, u64)>,
    total: u64,
    number: u64,
    /// When each value was there last, in which event, and of which rule.
    values: HashMap<Vec<u8>, (i64, u64, usize)>,
    /// When old values were last taken out.
    cleared: i64,
    /// Numbers as they came, and in their order.
    numbers: VecDeque<(i64, u64)>,
    sorted: Vec<u64>,
    /// By place: the latest beginning of rules that held one after the other up to there, and their events.
    chains: Vec<Option<(i64, Vec<u64>)>>,
    over: bool,
}

impl Window {
    /// Whether something must be forgotten for what is added.
    pub(super) fn is_full_for(&self, what: &Amount) -> bool {
        match what {
            Amount::Distinct(_) => self.values.len() >= VALUES,
            Amount::Percentile(..) => self.numbers.len() >= NUMBERS,
            _ => false,
        }
    }

    /// When anything was added last.
    pub(super) fn last(&self) -> i64 {
        let values = self.values.values().map(|(ts, ..)| *ts).max();
        let part = self.parts.back().map(|(ts, ..)| *ts);
        let number = self.numbers.back().map(|(ts, _)| *ts);
        let chain = self.chains.iter().flatten().map(|(ts, _)| *ts).max();
        [values, part, number, chain].into_iter().flatten().max().unwrap_or(i64::MIN)
    }

    /// Adds; returns what is enough when it becomes so.
    pub(super) fn add(&mut self, tally: &Tally, added: Added) -> Option<Enough> {
        let within = tally.within_ns;
        let amount = match tally.what {
            Amount::Events | Amount::Sum(_) => {
                self.count(within, &added);
                self.total as f64
            }
            Amount::Average(_) => {
                self.count(within, &added);
                self.total as f64 / self.number.max(1) as f64
            }
            Amount::Percentile(_, rank) => {
                self.sort_in(within, &added);
                self.at_rank(rank)
            }
            Amount::Distinct(_) | Amount::Rules => self.distinct(within, added),
            Amount::Ordered(many) => return self.follow(tally, many, &added),
        };
        let which = tally.which == Which::Any || tally.which.holds(&self.places());
        let over = which && enough(&tally.bounds, amount);
        let crossed = over && !self.over;
        self.over = over;
        let causes = if tally.what == Amount::Rules { self.causes() } else { Vec::new() };
        crossed.then_some(Enough { total: amount.round() as u64, causes })
    }

    /// The rules that held.
    fn places(&self) -> Vec<usize> {
        let places: BTreeSet<usize> = self.values.values().map(|(.., place)| *place).collect();
        places.into_iter().collect()
    }

    /// The events of the different values, in order.
    fn causes(&self) -> Vec<u64> {
        let mut causes: Vec<u64> = self.values.values().map(|(_, seq, _)| *seq).collect();
        causes.sort_unstable();
        causes
    }

    fn count(&mut self, within_ns: i64, added: &Added) {
        let part = (within_ns / PARTS).max(1);
        let begin = added.ts_ns - added.ts_ns.rem_euclid(part);
        match self.parts.back_mut() {
            Some((ts, amount, number)) if *ts == begin => {
                *amount = amount.saturating_add(added.amount);
                *number += 1;
            }
            _ => self.parts.push_back((begin, added.amount, 1)),
        }
        self.total = self.total.saturating_add(added.amount);
        self.number += 1;
        while let Some((ts, amount, number)) = self.parts.front().copied()
            && ts.saturating_add(within_ns) <= begin
        {
            self.parts.pop_front();
            self.total = self.total.saturating_sub(amount);
            self.number = self.number.saturating_sub(number);
        }
    }

    fn distinct(&mut self, within_ns: i64, added: Added) -> f64 {
        let added_ns = added.ts_ns;
        let oldest = added_ns.saturating_sub(within_ns);
        if self.values.len() < VALUES || self.values.contains_key(&added.value) {
            self.values.insert(added.value, (added.ts_ns, added.seq, added.place));
        }
        // With many values, only once for each part of a window: what is added would else be paid for
        // with a look at all that is there.
        let due = added_ns >= self.cleared.saturating_add(within_ns / PARTS);
        if due || self.values.len() <= FEW {
            self.values.retain(|_, (ts, ..)| *ts >= oldest);
            self.cleared = added_ns;
        }
        self.values.len() as f64
    }

    /// Puts a number in; the oldest one goes when there are too many.
    fn sort_in(&mut self, within_ns: i64, added: &Added) {
        let oldest = added.ts_ns.saturating_sub(within_ns);
        while let Some((ts, number)) = self.numbers.front().copied()
            && (ts <= oldest || self.numbers.len() >= NUMBERS)
        {
            self.numbers.pop_front();
            if let Ok(at) = self.sorted.binary_search(&number) {
                self.sorted.remove(at);
            }
        }
        self.numbers.push_back((added.ts_ns, added.amount));
        let at = self.sorted.partition_point(|number| *number < added.amount);
        self.sorted.insert(at, added.amount);
    }

    /// The number that `rank` of a hundred are not above; between two of them, in proportion.
    fn at_rank(&self, rank: u8) -> f64 {
        let place = f64::from(rank) / 100.0 * self.sorted.len().saturating_sub(1) as f64;
        let number = |at: f64| self.sorted.get(at as usize).copied().unwrap_or(0) as f64;
        let (low, high) = (number(place.floor()), number(place.ceil()));
        low + (high - low) * place.fract()
    }

    /// Goes on with the rules that held one after the other. All of them together are enough once: the
    /// next time is of events after these.
    fn follow(&mut self, tally: &Tally, many: usize, added: &Added) -> Option<Enough> {
        self.chains.resize(many, None);
        let mut chain = match added.place.checked_sub(1) {
            None => (added.ts_ns, Vec::new()),
            Some(before) => {
                let (begun, causes) = self.chains.get(before)?.clone()?;
                if added.ts_ns.saturating_sub(begun) > tally.within_ns {
                    return None;
                }
                (begun, causes)
            }
        };
        chain.1.push(added.seq);
        if added.place + 1 < many || !enough(&tally.bounds, many as f64) {
            *self.chains.get_mut(added.place)? = Some(chain);
            return None;
        }
        self.chains.clear();
        Some(Enough { total: many as u64, causes: chain.1 })
    }
}

fn enough(bounds: &[Bound], amount: f64) -> bool {
    bounds.iter().all(|bound| bound.holds(amount))
}
