//! Readers that come late: who reads a pipe may begin after its writer did what is looked for, or has
//! ended. What the writer did is held against `feeds` once more then.

use std::collections::{HashSet, VecDeque};
use std::rc::Rc;

use event::model::{Event, What};

use super::{Found, Judge, fire};
use crate::field::thing;
use crate::lineage::Node;
use crate::set::RuleSet;

/// What writers did that is remembered: one of each kind for each program that writes into a pipe. Of
/// more the oldest is forgotten.
const WRITERS: usize = 1024;

/// What writers did, oldest first.
#[derive(Debug, Default)]
pub(super) struct Late {
    deeds: VecDeque<Deed>,
    /// Which they are: number of the program's run, and thing.
    kept: HashSet<(u64, usize)>,
}

#[derive(Debug)]
struct Deed {
    pipe: u64,
    thing: usize,
    who: Rc<Node>,
    event: Event,
}

impl Late {
    /// Remembers what a writer did.
    pub(super) fn keep(&mut self, event: &Event, thing: usize, who: &Rc<Node>) {
        let Some(pipe) = who.stdout else { return };
        if !self.kept.insert((who.serial, thing)) {
            return;
        }
        if self.deeds.len() >= WRITERS
            && let Some(gone) = self.deeds.pop_front()
        {
            self.kept.remove(&(gone.who.serial, gone.thing));
        }
        self.deeds.push_back(Deed { pipe, thing, who: who.clone(), event: event.clone() });
    }

    /// Hands out what the writers of a pipe did.
    fn of(&mut self, pipe: u64) -> Vec<Deed> {
        let (of, others) = self.deeds.drain(..).partition(|deed| deed.pipe == pipe);
        self.deeds = others;
        Vec::from(of)
    }

    fn give_back(&mut self, deed: Deed) {
        self.deeds.push_back(deed);
    }
}

impl Judge {
    /// A program begins that reads from a pipe: what was done by who writes into it is judged again, by
    /// what holds only now.
    pub(super) fn late(&mut self, event: &Event, set: &RuleSet, found: &mut Found<'_>) {
        let (What::Exec(_), Some(actor)) = (&event.what, &event.actor) else { return };
        if self.late.deeds.is_empty() {
            return;
        }
        let Some(pipe) = self.lineage.who(actor).stdin else { return };
        for deed in self.late.of(pipe) {
            let fires = self.fires_late(&deed, set);
            let seen =
                fire::Seen { event: &deed.event, who: Some(deed.who.clone()), thing: deed.thing };
            for at in &fires {
                if let Some(clause) = set.program.clauses.get(*at as usize) {
                    self.held(set, clause, &seen, found);
                }
            }
            if fires.is_empty() {
                self.late.give_back(deed);
            }
        }
    }

    /// The clauses that ask who reads, and hold.
    fn fires_late(&mut self, deed: &Deed, set: &RuleSet) -> Vec<u32> {
        let kind = deed.event.what.kind();
        debug_assert_eq!(deed.thing, thing(kind, deed.event.what.op()));
        self.mark(&deed.event, kind, Some(&deed.who));
        self.mark_pairs(&deed.event, deed.thing, Some(&deed.who));
        let feeds = set.program.feeds.iter().copied();
        let holds = feeds.filter(|at| {
            set.program.clauses.get(*at as usize).is_some_and(|clause| {
                clause.things >> deed.thing & 1 == 1 && self.marks.holds(&clause.code, deed.thing)
            })
        });
        holds.collect()
    }
}
