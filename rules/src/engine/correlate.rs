//! What an event adds to a tally, and what its match adds to the correlations that look at the rule.

use event::model::{Event, What};

use super::fire::Seen;
use super::{Found, Judge, tallies::Added, values};
use crate::field::Field;
use crate::program::Code;
use crate::rule::{Amount, Body, By, Rule, Tally};
use crate::set::RuleSet;

/// A match that is counted.
#[derive(Clone, Copy)]
pub(super) struct Counted<'c> {
    /// The rule that counts it.
    pub(super) by: (u32, &'c Rule),
    /// Which of the rules that it looks at has matched; of a rule that counts for itself the first.
    pub(super) place: usize,
    pub(super) code: Option<&'c Code>,
}

impl Judge {
    /// A rule that a correlation looks at has matched.
    pub(super) fn correlate(
        &mut self,
        set: &RuleSet,
        counted: Counted<'_>,
        seen: &Seen<'_>,
        found: &mut Found<'_>,
    ) {
        let Body::Correlation { tally, .. } = &counted.by.1.body else { return };
        // What has no such value is nobody's.
        if tally.by.iter().any(|by| self.value_of(by, counted.place, seen).is_none()) {
            return;
        }
        self.count(set, tally, counted, seen, found);
    }

    /// Adds an event to a tally, and tells when there is enough.
    pub(super) fn count(
        &mut self,
        set: &RuleSet,
        tally: &Tally,
        counted: Counted<'_>,
        seen: &Seen<'_>,
        found: &mut Found<'_>,
    ) {
        let key = self.key(&tally.by, counted.place, seen);
        for added in self.added(tally, seen, counted.place) {
            let (enough, forgotten) = self.tallies.add(counted.by.0, tally, key.clone(), added);
            self.forgotten += forgotten;
            if let Some(enough) = enough {
                let (causes, total) = (&enough.causes, enough.total);
                self.matched(set, counted.by, counted.code, causes, total, seen, found);
            }
        }
    }

    fn added(&self, tally: &Tally, seen: &Seen<'_>, place: usize) -> Vec<Added> {
        let (ts_ns, seq) = (seen.event.ts_ns, seen.event.seq);
        let one = |amount, value| Added { ts_ns, amount, value, place, seq };
        match &tally.what {
            Amount::Events => vec![one(times(seen.event), Vec::new())],
            Amount::Rules | Amount::Ordered(_) => vec![one(1, place.to_be_bytes().to_vec())],
            Amount::Sum(field) => {
                let sum = self.numbers(*field, seen).into_iter().fold(0, u64::saturating_add);
                vec![one(sum, Vec::new())]
            }
            Amount::Average(field) | Amount::Percentile(field, _) => {
                let numbers = self.numbers(*field, seen).into_iter();
                numbers.map(|number| one(number, Vec::new())).collect()
            }
            Amount::Distinct(fields) => {
                let values = self.together(fields, seen).into_iter();
                values.map(|value| one(1, value)).collect()
            }
        }
    }

    /// The values of a field that are numbers.
    fn numbers(&self, field: Field, seen: &Seen<'_>) -> Vec<u64> {
        let mut numbers = Vec::new();
        self.each_value(field, seen, &mut |value| {
            let number: Option<u64> =
                std::str::from_utf8(value).ok().and_then(|it| it.parse().ok());
            numbers.extend(number);
        });
        numbers
    }

    /// Each value of a field; of several fields the first of each, where all have one.
    fn together(&self, fields: &[Field], seen: &Seen<'_>) -> Vec<Vec<u8>> {
        if let [field] = fields {
            let mut all = Vec::new();
            self.each_value(*field, seen, &mut |value| all.push(value.to_vec()));
            return all;
        }
        let first = fields.iter().map(|field| self.first_value(*field, seen));
        let whole: Option<Vec<Vec<u8>>> = first.collect();
        whole.map(|values| values.join(&0)).into_iter().collect()
    }

    pub(super) fn each_value(&self, field: Field, seen: &Seen<'_>, take: &mut dyn FnMut(&[u8])) {
        values::of_field(field, seen.event, seen.who.as_deref(), &self.around, take);
    }

    fn first_value(&self, field: Field, seen: &Seen<'_>) -> Option<Vec<u8>> {
        let mut found = None;
        self.each_value(field, seen, &mut |value| {
            found.get_or_insert_with(|| value.to_vec());
        });
        found
    }

    fn value_of(&self, by: &By, place: usize, seen: &Seen<'_>) -> Option<Vec<u8>> {
        match by {
            By::Process => {
                let id = seen.event.actor.as_ref()?.id;
                Some(format!("{}:{}", id.pid, id.start_ns).into_bytes())
            }
            By::Field(field) => self.first_value(*field, seen),
            By::Alias { fields, .. } => self.first_value(fields.get(place)?.1, seen),
        }
    }

    fn key(&self, by: &[By], place: usize, seen: &Seen<'_>) -> Vec<u8> {
        let mut key = Vec::new();
        for by in by {
            key.extend(self.value_of(by, place, seen).unwrap_or_default());
            key.push(0);
        }
        key
    }
}

/// How often an event happened.
fn times(event: &Event) -> u64 {
    match &event.what {
        What::File(file) => file.count,
        What::Net(net) => net.count.max(1),
        _ => 1,
    }
}
