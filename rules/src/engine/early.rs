//! Steps of sequences that are told before what they follow.
//!
//! The recorder reads one source after the other: files first, then sockets, then calls. What was written just
//! after a connect is told before it then, with the time at which it was read, which is never earlier than
//! when it was done. So a step without a beginning is kept for a moment; when a beginning comes that is older
//! by its own time, the step is judged once more.

use std::collections::VecDeque;
use std::rc::Rc;

use event::model::Event;

use super::{Found, Judge, fire};
use crate::lineage::Node;
use crate::set::RuleSet;

/// How far apart two sources may be told, nanoseconds: the recorder looks at all of them within one window.
const APART_NS: i64 = 1_000_000_000;

/// Steps that are kept. In a flood only the last ones are: what begins so late is told within a few of them.
const KEPT: usize = 64;

/// Steps without a beginning, oldest first, and the steps for which a beginning came just now.
#[derive(Debug, Default)]
pub(super) struct Early {
    kept: VecDeque<Kept>,
    begun: Vec<(u32, u32)>,
}

#[derive(Debug)]
struct Kept {
    clause: u32,
    thing: usize,
    who: Option<Rc<Node>>,
    event: Event,
}

impl Early {
    /// Remembers that nothing had begun for this clause.
    pub(super) fn keep(&mut self, clause: u32, seen: &fire::Seen<'_>) {
        let now = seen.event.ts_ns;
        let old = |kept: &Kept| now.saturating_sub(kept.event.ts_ns) > APART_NS;
        while self.kept.len() >= KEPT || self.kept.front().is_some_and(old) {
            self.kept.pop_front();
        }
        let (thing, who, event) = (seen.thing, seen.who.clone(), seen.event.clone());
        self.kept.push_back(Kept { clause, thing, who, event });
    }

    /// A sequence waits for this step from now on.
    pub(super) fn begun(&mut self, rule: u32, step: u32) {
        if !self.kept.is_empty() {
            self.begun.push((rule, step));
        }
    }

    /// Takes out what came before its beginning, which is `at`.
    fn due(&mut self, at: i64, set: &RuleSet) -> Vec<Kept> {
        let Early { kept, begun } = self;
        let waits = |it: &Kept| {
            let clause = set.program.clauses.get(it.clause as usize);
            it.event.ts_ns > at
                && clause.is_some_and(|clause| begun.contains(&(clause.rule, clause.step)))
        };
        let (due, rest) = std::mem::take(kept).into_iter().partition(waits);
        *kept = rest;
        begun.clear();
        Vec::from_iter::<VecDeque<Kept>>(due)
    }
}

impl Judge {
    /// Judges once more what was told before its beginning, which `event` may be.
    pub(super) fn early(&mut self, event: &Event, set: &RuleSet, found: &mut Found<'_>) {
        let mut at = event.ts_ns;
        // What is judged now may be the beginning of what was told early too.
        while !self.early.begun.is_empty() {
            let due = self.early.due(at, set);
            at = due.iter().map(|kept| kept.event.ts_ns).min().unwrap_or(at);
            due.into_iter().for_each(|kept| self.again(kept, set, found));
        }
    }

    fn again(&mut self, kept: Kept, set: &RuleSet, found: &mut Found<'_>) {
        let Kept { clause: at, thing, who, event } = kept;
        let kind = self.place(&event).kind;
        self.mark(&event, kind, who.as_deref());
        self.mark_pairs(&event, thing, who.as_deref());
        let seen = fire::Seen { event: &event, who, thing };
        if let Some(clause) = set.program.clauses.get(at as usize)
            && !self.held(set, clause, &seen, found)
        {
            self.early.keep(at, &seen);
        }
    }
}
