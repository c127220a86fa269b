//! A clause holds: what follows for its rule, and the finding if there is one.

use std::rc::Rc;

use event::model::{Event, Finding, What};

use super::correlate::Counted;
use super::{Found, Judge};
use crate::lineage::Node;
use crate::program::{Clause, Code};
use crate::rule::{Body, Rule};
use crate::set::RuleSet;

/// An event, and who did it.
pub(super) struct Seen<'e> {
    pub(super) event: &'e Event,
    pub(super) who: Option<Rc<Node>>,
    pub(super) thing: usize,
}

impl Judge {
    /// A clause holds for an event. Returns false for a step of a sequence that has not come so far.
    pub(super) fn held(
        &mut self,
        set: &RuleSet,
        clause: &Clause,
        seen: &Seen<'_>,
        found: &mut Found<'_>,
    ) -> bool {
        let Some(rule) = set.rules.get(clause.rule as usize) else { return true };
        if self.is_excepted(set, clause.rule, seen) {
            return true;
        }
        match &rule.body {
            Body::When(_) => {
                self.matched(set, (clause.rule, rule), Some(&clause.code), &[], 1, seen, found);
            }
            Body::Tally { tally, .. } => {
                let by = (clause.rule, rule);
                let counted = Counted { by, place: 0, code: Some(&clause.code) };
                self.count(set, tally, counted, seen, found);
            }
            Body::Sequence { within_ns, steps } => {
                let at = (clause.rule, clause.step);
                let step = |number: u32| steps.get(number as usize);
                let before = match step(clause.step) {
                    Some(step) if clause.step > 0 => {
                        let begun = self.sequences.find(at, (step.same, *within_ns), seen);
                        let Some(begun) = begun else { return false };
                        Some(begun)
                    }
                    _ => None,
                };
                match step(clause.step + 1) {
                    Some(next) => {
                        let waits = (clause.rule, clause.step + 1);
                        let how = (next.same, *within_ns);
                        self.forgotten += self.sequences.wait(waits, how, seen, before);
                        self.early.begun(waits.0, waits.1);
                    }
                    None => {
                        let mut causes = before.map(|begun| begun.causes).unwrap_or_default();
                        causes.push(seen.event.seq);
                        let at = (clause.rule, rule);
                        self.matched(set, at, Some(&clause.code), &causes, 1, seen, found);
                    }
                }
            }
            Body::Correlation { .. } => {}
        }
        true
    }

    fn is_excepted(&self, set: &RuleSet, rule: u32, seen: &Seen<'_>) -> bool {
        let of_rule = set.exceptions.get(rule as usize).map_or(&[][..], Vec::as_slice);
        of_rule.iter().any(|(code, until)| {
            until.is_none_or(|until| seen.event.ts_ns < until) && self.marks.holds(code, seen.thing)
        })
    }

    /// A rule holds: it is found, and rules that look at it are told.
    #[expect(clippy::too_many_arguments, reason = "what a match is made of, used at three places")]
    pub(super) fn matched(
        &mut self,
        set: &RuleSet,
        (number, rule): (u32, &Rule),
        code: Option<&Code>,
        causes: &[u64],
        count: u64,
        seen: &Seen<'_>,
        found: &mut Found<'_>,
    ) {
        if !rule.quiet {
            let count = if matches!(rule.body, Body::When(_)) { 1 } else { count.max(1) };
            let finding = self.finding(set, rule, code, causes, seen);
            let count = if matches!(rule.body, Body::Sequence { .. }) { 1 } else { count };
            let key = self.identity(number, seen);
            let what = What::Finding(Box::new(Finding { count, ..finding }));
            let event = Event { seq: 0, what, ..seen.event.clone() };
            if let Some(event) = self.recent.take(key, event) {
                found(event);
            }
        }
        for (listener, rule, place) in set.listeners_of(number) {
            let counted = Counted { by: (listener, rule), place, code: None };
            self.correlate(set, counted, seen, found);
        }
    }
}
