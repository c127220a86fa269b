//! Judging: events in, findings out, in order; state follows what the rules need and is bounded.

mod cleared;
mod clock;
mod correlate;
mod early;
mod finding;
mod fire;
mod late;
mod pairs;
mod recent;
mod sequences;
mod tallies;
mod values;
mod verdicts;

use foldhash::HashSet;
use std::hash::RandomState;
use std::net::IpAddr;
use std::rc::Rc;
use std::sync::Arc;

use event::model::table::TYPES;
use event::model::{Event, Value, What};

use crate::field::{Field, THINGS, thing};
use crate::lineage::{Lineage, Node};
use crate::program::{Code, TestId, Val};
use crate::set::RuleSet;

/// Peers that are remembered as seen.
const PEERS: usize = 65_536;

/// What is known of a run beside its events.
#[derive(Debug, Clone, Default)]
pub struct Surroundings {
    /// The user's home directory, where it is not below `/home` or `/root`.
    pub home: Vec<u8>,
    /// The user's number and name.
    pub user: Option<(u32, String)>,
}

/// Takes findings: events whose number is not set.
pub type Found<'f> = dyn FnMut(Event) + 'f;

/// Judges one run.
#[derive(Debug)]
pub struct Judge {
    set: Arc<RuleSet>,
    around: Surroundings,
    lineage: Lineage,
    marks: Marks,
    verdicts: verdicts::Verdicts,
    /// Types and operations that came: their place among the things, and the number of the type.
    places: Vec<(&'static str, Option<&'static str>, Place)>,
    hasher: RandomState,
    peers: HashSet<IpAddr>,
    sequences: sequences::Sequences,
    tallies: tallies::Tallies,
    recent: recent::Recent,
    late: late::Late,
    early: early::Early,
    /// What rules with a memory had to forget.
    forgotten: u64,
}

/// Where an event stands in the table of types.
#[derive(Debug, Clone, Copy)]
struct Place {
    thing: usize,
    kind: usize,
}

/// The conditions that hold for one event.
#[derive(Debug, Default)]
struct Marks {
    round: u32,
    tests: Vec<u32>,
    clauses: Vec<u32>,
    /// Clauses to look at.
    worth: Vec<u32>,
}

impl Marks {
    fn begin(&mut self, tests: usize, clauses: usize) {
        self.tests.resize(tests, 0);
        self.clauses.resize(clauses, 0);
        self.worth.clear();
        self.round = self.round.wrapping_add(1);
        if self.round == 0 {
            self.tests.fill(0);
            self.clauses.fill(0);
            self.round = 1;
        }
    }

    fn hold(&mut self, test: TestId, clauses: &[u32]) {
        let Some(mark) = self.tests.get_mut(test as usize).filter(|mark| **mark != self.round)
        else {
            return;
        };
        *mark = self.round;
        clauses.iter().for_each(|clause| self.look_at(*clause));
    }

    fn look_at(&mut self, clause: u32) {
        if let Some(mark) = self.clauses.get_mut(clause as usize)
            && *mark != self.round
        {
            *mark = self.round;
            self.worth.push(clause);
        }
    }

    fn holds(&self, code: &Code, thing: usize) -> bool {
        match code {
            Code::All(list) => list.iter().all(|one| self.holds(one, thing)),
            Code::Any(list) => list.iter().any(|one| self.holds(one, thing)),
            Code::Not(inner) => !self.holds(inner, thing),
            Code::Things(things) => things >> thing & 1 == 1,
            Code::Test(test) => self.tests.get(*test as usize) == Some(&self.round),
        }
    }
}

impl Judge {
    /// Begins to judge a run.
    #[must_use]
    pub fn new(set: Arc<RuleSet>, around: Surroundings) -> Judge {
        Judge {
            set,
            around,
            lineage: Lineage::default(),
            marks: Marks::default(),
            verdicts: verdicts::Verdicts::default(),
            places: Vec::new(),
            hasher: RandomState::new(),
            peers: HashSet::default(),
            sequences: sequences::Sequences::default(),
            tallies: tallies::Tallies::default(),
            recent: recent::Recent::default(),
            late: late::Late::default(),
            early: early::Early::default(),
            forgotten: 0,
        }
    }

    /// Looks at the next event; what rules say of it goes to `found`. Findings are passed over.
    pub fn see(&mut self, event: &Event, found: &mut Found<'_>) {
        if matches!(event.what, What::Finding(_)) {
            return;
        }
        self.recent.expire(event.ts_ns, found);
        let set = self.set.clone();
        self.lineage.learn(event, &set.program);
        self.late(event, &set, found);
        let place = self.place(event);
        let thing = place.thing;
        let who = event.actor.as_ref().map(|actor| self.lineage.who(actor));
        self.mark(event, place.kind, who.as_deref());
        self.mark_pairs(event, thing, who.as_deref());
        set.program.always(thing).iter().for_each(|clause| self.marks.look_at(*clause));
        self.decide(event, &set, thing, who.clone(), found);
        if set.program.fed_things >> thing & 1 == 1
            && let Some(who) = who
            && !self.marks.worth.iter().any(|at| set.program.feeds.contains(at))
        {
            self.late.keep(event, thing, &who);
        }
        self.early(event, &set, found);
    }

    /// Tells repeats that were not told yet.
    pub fn finish(&mut self, found: &mut Found<'_>) {
        self.recent.expire(i64::MAX, found);
    }

    /// Returns how much rules with a memory had to forget: what follows of it was not found.
    #[must_use]
    pub fn forgotten(&self) -> u64 {
        self.forgotten + self.recent.forgotten
    }

    /// Looks the type and operation up, by where their names lie first.
    fn place(&mut self, event: &Event) -> Place {
        let (kind, op) = (event.what.kind(), event.what.op());
        let same = |one: &str, other: &str| std::ptr::eq(one, other);
        let known = self.places.iter().find(|(known, known_op, _)| {
            same(known, kind)
                && match (known_op, op) {
                    (Some(known), Some(op)) => same(known, op),
                    (known, op) => known.is_none() && op.is_none(),
                }
        });
        if let Some((_, _, place)) = known {
            return *place;
        }
        let number = TYPES.iter().position(|known| known.name == kind).unwrap_or(usize::MAX);
        let place = Place { thing: thing(kind, op), kind: number };
        if self.places.len() < THINGS {
            self.places.push((kind, op, place));
        }
        place
    }

    /// Marks the conditions that hold; `kind` is the number of the event's type.
    fn mark(&mut self, event: &Event, kind: usize, who: Option<&Node>) {
        let Judge { set, marks, verdicts, around, lineage, peers, .. } = self;
        let program = &set.program;
        marks.begin(program.len(), program.clauses.len());
        let mut hold = |test: TestId| marks.hold(test, program.of_test(test));
        if let Some(who) = who {
            who.holds(program).iter().for_each(|test| hold(*test));
            if let Some(reader) = lineage.fed_by(who)
                && program.asks(Field::Feeds)
                && let Some(exe) = &reader.exe
            {
                program.run(Field::Feeds, Val::Bytes(exe), &mut hold);
            }
        }
        if let Some(user) = values::user(event, around) {
            program.run(Field::User, Val::Bytes(user.as_bytes()), &mut hold);
        }
        for part in &program.clocks {
            let number = Val::Number(clock::part(event.ts_ns, *part));
            program.run(Field::Clock(*part), number, &mut hold);
        }
        let mut look_at = |name: &str, value: Value<'_>| {
            if let Some(look) = program.look(kind, name) {
                values::each(value, &mut |value| match value {
                    Val::Bytes(text) => {
                        let find = |hold: &mut dyn FnMut(TestId)| {
                            let home = below_home(text, around);
                            program.looked_at(look, (value, home), hold);
                        };
                        verdicts.each(look, text, find, &mut hold);
                    }
                    _ => program.looked_at(look, (value, None), &mut hold),
                });
            }
            let Value::Address(address) = value else { return };
            let (ip, port) = match name {
                "peer" => (Field::Ip, Field::Port),
                "local" => (Field::LocalIp, Field::LocalPort),
                _ => return,
            };
            let address_ip = address.ip().to_canonical();
            program.run(ip, Val::Ip(address_ip), &mut hold);
            program.run(port, Val::Number(address.port().into()), &mut hold);
            if ip == Field::Ip && peers.len() < PEERS && peers.insert(address_ip) {
                program.run(Field::NewPeer, Val::Flag(true), &mut hold);
            }
        };
        event.fields_of_what(&mut look_at);
        // Nearly all that is asked of who did it is asked of its node.
        for name in program.looks_at_actor(kind) {
            event.actor.iter().for_each(|actor| actor.field(name, &mut look_at));
        }
    }

    /// Marks the conditions on two fields that hold.
    fn mark_pairs(&mut self, event: &Event, thing: usize, who: Option<&Node>) {
        let Judge { set, marks, around, .. } = self;
        let here = set.program.pairs.iter().filter(|pair| pair.things >> thing & 1 == 1);
        for pair in here.filter(|pair| pairs::holds(pair, event, who, around)) {
            marks.hold(pair.test, set.program.of_test(pair.test));
        }
    }

    /// Looks at the clauses that are worth it; later steps of a sequence first, so that no event is
    /// two steps at once.
    fn decide(
        &mut self,
        event: &Event,
        set: &RuleSet,
        thing: usize,
        who: Option<Rc<Node>>,
        found: &mut Found<'_>,
    ) {
        let mut worth = std::mem::take(&mut self.marks.worth);
        worth.retain(|at| {
            let clause = set.program.clauses.get(*at as usize);
            clause.is_some_and(|clause| {
                clause.things >> thing & 1 == 1 && self.marks.holds(&clause.code, thing)
            })
        });
        if !worth.is_empty() {
            worth.sort_unstable_by_key(|at| {
                let clause = set.program.clauses.get(*at as usize);
                clause.map(|clause| (clause.rule, std::cmp::Reverse(clause.step)))
            });
            let seen = fire::Seen { event, who, thing };
            for at in &worth {
                if let Some(clause) = set.program.clauses.get(*at as usize)
                    && !self.held(set, clause, &seen, found)
                {
                    self.early.keep(*at, &seen);
                }
            }
        }
        self.marks.worth = worth;
    }
}

/// The part of a path below a home directory: of root, of users, of the run's own user.
fn below_home<'p>(path: &'p [u8], around: &Surroundings) -> Option<&'p [u8]> {
    if let Some(rest) = path.strip_prefix(b"/root/") {
        return Some(rest);
    }
    let own = around.home.as_slice();
    if own.len() > 1
        && let Some(rest) = path.strip_prefix(own).and_then(|rest| rest.strip_prefix(b"/"))
    {
        return Some(rest);
    }
    let rest = path.strip_prefix(b"/home/")?;
    let user = rest.iter().position(|byte| *byte == b'/')?;
    rest.get(user + 1..)
}
