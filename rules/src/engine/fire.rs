//! A clause holds: what follows for its rule, and the finding if there is one.

use std::hash::{BuildHasher, Hash, Hasher};
use std::rc::Rc;

use event::model::{Event, Finding, What};

use super::{Found, Judge, tallies::Added, values};
use crate::field::Field;
use crate::lineage::Node;
use crate::program::{Clause, Code, TestId};
use crate::rule::{Amount, Body, By, Rule, Tally};
use crate::set::RuleSet;

/// Conditions that a finding names.
const MATCHED: usize = 12;

/// Longest part of a value that it shows.
const SHOWN: usize = 200;

/// An event, and who did it.
pub(super) struct Seen<'e> {
    pub(super) event: &'e Event,
    pub(super) who: Option<Rc<Node>>,
    pub(super) thing: usize,
}

impl Judge {
    /// A clause holds for an event.
    pub(super) fn held(
        &mut self,
        set: &RuleSet,
        clause: &Clause,
        seen: &Seen<'_>,
        found: &mut Found<'_>,
    ) {
        let Some(rule) = set.rules.get(clause.rule as usize) else { return };
        if self.is_excepted(set, clause.rule, seen) {
            return;
        }
        match &rule.body {
            Body::When(_) => {
                self.matched(set, (clause.rule, rule), Some(&clause.code), &[], 1, seen, found);
            }
            Body::Tally { tally, .. } => {
                let key = self.key(&tally.by, seen);
                let added = self.added(tally, seen, None);
                for added in added {
                    let (over, forgotten) =
                        self.tallies.add(clause.rule, tally, key.clone(), added);
                    self.forgotten += forgotten;
                    if let Some(total) = over {
                        let at = (clause.rule, rule);
                        self.matched(set, at, Some(&clause.code), &[], total, seen, found);
                    }
                }
            }
            Body::Sequence { within_ns, steps } => {
                let at = (clause.rule, clause.step);
                let step = |number: u32| steps.get(number as usize);
                let before = match step(clause.step) {
                    Some(step) if clause.step > 0 => {
                        let begun = self.sequences.find(at, (step.same, *within_ns), seen);
                        let Some(begun) = begun else { return };
                        Some(begun)
                    }
                    _ => None,
                };
                match step(clause.step + 1) {
                    Some(next) => {
                        let waits = (clause.rule, clause.step + 1);
                        let how = (next.same, *within_ns);
                        self.forgotten += self.sequences.wait(waits, how, seen, before);
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
    }

    fn is_excepted(&self, set: &RuleSet, rule: u32, seen: &Seen<'_>) -> bool {
        let of_rule = set.exceptions.get(rule as usize).map_or(&[][..], Vec::as_slice);
        of_rule.iter().any(|(code, until)| {
            until.is_none_or(|until| seen.event.ts_ns < until) && self.marks.holds(code, seen.thing)
        })
    }

    /// A rule holds: it is found, and rules that look at it are told.
    #[expect(clippy::too_many_arguments, reason = "what a match is made of, used at three places")]
    fn matched(
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
            self.correlate(set, (listener, rule), place, seen, found);
        }
    }

    fn correlate(
        &mut self,
        set: &RuleSet,
        (number, rule): (u32, &Rule),
        place: usize,
        seen: &Seen<'_>,
        found: &mut Found<'_>,
    ) {
        let Body::Correlation { tally, ordered, .. } = &rule.body else { return };
        if tally.by.iter().any(|by| self.value_of(*by, seen).is_none()) {
            return;
        }
        let key = self.key(&tally.by, seen);
        for added in self.added(tally, seen, Some(place)) {
            let (over, forgotten) = self.tallies.add(number, tally, key.clone(), added);
            self.forgotten += forgotten;
            let Some(total) = over else { continue };
            let values = self.tallies.values(number, &key);
            if *ordered && !values.is_sorted_by_key(|(place, _)| place.clone()) {
                self.tallies.rearm(number, &key);
                continue;
            }
            let causes: Vec<u64> = if tally.what == Amount::Rules {
                values.iter().map(|(_, seq)| *seq).collect()
            } else {
                Vec::new()
            };
            self.matched(set, (number, rule), None, &causes, total, seen, found);
        }
    }

    /// What an event adds to a tally.
    fn added(&self, tally: &Tally, seen: &Seen<'_>, place: Option<usize>) -> Vec<Added> {
        let one =
            |amount, value| Added { ts_ns: seen.event.ts_ns, amount, value, seq: seen.event.seq };
        match tally.what {
            Amount::Events => vec![one(times(seen.event), Vec::new())],
            Amount::Rules => {
                vec![one(1, place.map(|at| format!("{at:04}").into_bytes()).unwrap_or_default())]
            }
            Amount::Sum(field) => {
                let mut sum = 0_u64;
                self.each_value(field, seen, &mut |value| {
                    let number = std::str::from_utf8(value).ok().and_then(|it| it.parse().ok());
                    sum = sum.saturating_add(number.unwrap_or(0));
                });
                vec![one(sum, Vec::new())]
            }
            Amount::Distinct(field) => {
                let mut all = Vec::new();
                self.each_value(field, seen, &mut |value| all.push(one(1, value.to_vec())));
                all
            }
        }
    }

    fn each_value(&self, field: Field, seen: &Seen<'_>, take: &mut dyn FnMut(&[u8])) {
        values::of_field(field, seen.event, seen.who.as_deref(), &self.around, take);
    }

    fn value_of(&self, by: By, seen: &Seen<'_>) -> Option<Vec<u8>> {
        let mut found = None;
        match by {
            By::Process => {
                let id = seen.event.actor.as_ref()?.id;
                found = Some(format!("{}:{}", id.pid, id.start_ns).into_bytes());
            }
            By::Field(field) => self.each_value(field, seen, &mut |value| {
                found.get_or_insert_with(|| value.to_vec());
            }),
        }
        found
    }

    fn key(&self, by: &[By], seen: &Seen<'_>) -> Vec<u8> {
        let mut key = Vec::new();
        for by in by {
            key.extend(self.value_of(*by, seen).unwrap_or_default());
            key.push(0);
        }
        key
    }

    /// What makes a finding the same again: its rule, the program, and what it is about.
    fn identity(&self, rule: u32, seen: &Seen<'_>) -> u64 {
        let mut hasher = self.hasher.build_hasher();
        rule.hash(&mut hasher);
        seen.event.actor.as_ref().and_then(|actor| actor.exe.as_deref()).hash(&mut hasher);
        let (path, peer, host) = about(seen.event);
        (path, peer.map(|peer| (peer.ip(), peer.port())), host).hash(&mut hasher);
        if let What::Exec(exec) = &seen.event.what {
            exec.argv.hash(&mut hasher);
        }
        hasher.finish()
    }

    fn finding(
        &self,
        set: &RuleSet,
        rule: &Rule,
        code: Option<&Code>,
        causes: &[u64],
        seen: &Seen<'_>,
    ) -> Finding {
        let mut tests = Vec::new();
        if let Some(code) = code {
            self.positive(code, seen.thing, &mut tests);
        }
        let mut matched = Vec::new();
        for test in tests.into_iter().take(MATCHED) {
            let Some((field, _)) = set.program.test(test) else { continue };
            let mut shown = None;
            self.each_value(*field, seen, &mut |value| {
                let mut holds = false;
                let value_of = crate::program::Val::Bytes(value);
                set.program.run(*field, value_of, &mut |held| holds |= held == test);
                if holds || shown.is_none() {
                    shown = Some(cut(value));
                }
            });
            let text = format!("{}={}", field.name(), shown.unwrap_or_default());
            if !matched.contains(&text) {
                matched.push(text);
            }
        }
        let (path, peer, host) = about(seen.event);
        let title = match rule.template {
            true => crate::forms::fill(&rule.title, &mut |field, take| {
                self.each_value(field, seen, take);
            })
            .into(),
            false => rule.title.clone(),
        };
        Finding {
            rule: rule.id.clone(),
            severity: rule.severity,
            title,
            cause: seen.event.seq,
            causes: causes.iter().map(u64::to_string).collect(),
            count: 1,
            repeat: false,
            last_ts_ns: None,
            matched,
            path: path.map(<[u8]>::to_vec),
            peer,
            host: host.map(<[u8]>::to_vec),
            rule_from: rule.from.clone(),
        }
    }

    /// The conditions that hold and without which the code would not.
    fn positive(&self, code: &Code, thing: usize, into: &mut Vec<TestId>) {
        match code {
            Code::All(list) => list.iter().for_each(|one| self.positive(one, thing, into)),
            Code::Any(list) => {
                let held = list.iter().filter(|one| self.marks.holds(one, thing));
                held.for_each(|one| self.positive(one, thing, into));
            }
            Code::Test(test) if self.marks.holds(code, thing) => into.push(*test),
            Code::Test(_) | Code::Not(_) | Code::Things(_) => {}
        }
    }
}

fn cut(value: &[u8]) -> String {
    let text = String::from_utf8_lossy(value);
    if text.chars().count() <= SHOWN {
        return text.into_owned();
    }
    text.chars().take(SHOWN).chain(['…']).collect()
}

/// How often an event happened.
fn times(event: &Event) -> u64 {
    match &event.what {
        What::File(file) => file.count,
        What::Net(net) => net.count.max(1),
        _ => 1,
    }
}

type About<'e> = (Option<&'e [u8]>, Option<std::net::SocketAddr>, Option<&'e [u8]>);

/// The file, peer and host that an event is about.
fn about(event: &Event) -> About<'_> {
    match &event.what {
        What::File(file) => (
            file.path2.as_deref().or(file.path.as_deref()).or(file.path_claimed.as_deref()),
            None,
            None,
        ),
        What::Hash(hash) => (hash.path.as_deref(), None, None),
        What::Unix(unix) => (unix.best_path(), None, None),
        What::Call(call) => (call.path.as_deref(), None, None),
        What::Delegation(delegation) => (delegation.path.as_deref(), None, None),
        What::Net(net) => (None, net.peer, net.host.as_ref().map(|host| host.name.as_slice())),
        What::Dns(dns) => (None, Some(dns.peer), dns.host.as_deref().map(str::as_bytes)),
        _ => (None, None, None),
    }
}
