//! Readers that come late: who reads a pipe may begin after its writer did what is looked for, or has
//! ended. What the writer did is held against `feeds` once more then.

use std::collections::VecDeque;

use foldhash::{HashMap, HashSet};
use std::rc::Rc;

use event::model::{Event, What};

use super::{Found, Judge, fire};
use crate::lineage::Node;
use crate::set::RuleSet;

/// What writers did that is remembered: one of each kind for each program that writes into a pipe. Of
/// more the oldest is forgotten.
const WRITERS: usize = 1024;

/// The same for one pipe: each program that reads from it costs a look at all of them.
const OF_ONE_PIPE: usize = 32;

/// What writers did, by pipe.
#[derive(Debug, Default)]
pub(super) struct Late {
    deeds: HashMap<u64, VecDeque<Deed>>,
    /// Which they are, oldest first: pipe, number of the program's run, and thing.
    order: VecDeque<(u64, u64, usize)>,
    kept: HashSet<(u64, usize)>,
}

#[derive(Debug)]
struct Deed {
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
        if self.order.len() >= WRITERS
            && let Some(gone) = self.order.pop_front()
        {
            self.forget(gone);
        }
        self.order.push_back((pipe, who.serial, thing));
        let of_pipe = self.deeds.entry(pipe).or_default();
        if of_pipe.len() >= OF_ONE_PIPE {
            of_pipe.pop_front();
        }
        of_pipe.push_back(Deed { thing, who: who.clone(), event: event.clone() });
    }

    fn forget(&mut self, (pipe, serial, thing): (u64, u64, usize)) {
        self.kept.remove(&(serial, thing));
        let Some(of_pipe) = self.deeds.get_mut(&pipe) else { return };
        of_pipe.retain(|deed| (deed.who.serial, deed.thing) != (serial, thing));
        if of_pipe.is_empty() {
            self.deeds.remove(&pipe);
        }
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
        let Some(mut deeds) = self.late.deeds.remove(&pipe) else { return };
        deeds.retain(|deed| {
            let fires = self.fires_late(deed, set);
            let who = Some(deed.who.clone());
            let seen = fire::Seen { event: &deed.event, who, thing: deed.thing };
            for at in &fires {
                if let Some(clause) = set.program.clauses.get(*at as usize) {
                    self.held(set, clause, &seen, found);
                }
            }
            fires.is_empty()
        });
        if !deeds.is_empty() {
            self.late.deeds.insert(pipe, deeds);
        }
    }

    /// The clauses that ask who reads, and hold.
    fn fires_late(&mut self, deed: &Deed, set: &RuleSet) -> Vec<u32> {
        let kind = self.place(&deed.event).kind;
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
