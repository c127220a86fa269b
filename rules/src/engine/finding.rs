//! What is told of a match: the conditions that held, and what the event is about.

use std::hash::{BuildHasher, Hash, Hasher};

use event::model::{Event, Finding, What};

use super::Judge;
use super::fire::Seen;
use crate::program::{Code, TestId};
use crate::rule::Rule;
use crate::set::RuleSet;

/// Conditions that a finding names.
const MATCHED: usize = 12;

/// Longest part of a value that it shows.
const SHOWN: usize = 200;

impl Judge {
    /// What makes a finding the same again: its rule, the program, and what it is about.
    pub(super) fn identity(&self, rule: u32, seen: &Seen<'_>) -> u64 {
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

    pub(super) fn finding(
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
