//! All conditions on one field, as one matcher: literals together, then patterns.

use foldhash::HashMap;
use std::net::IpAddr;
use std::sync::Arc;

use super::late::{Late, Words};
use super::{TestId, Val};
use crate::{
    command::{Line, Shapes},
    expr::{How, Matcher},
    glob::Wild,
};

/// Literals of one field: in order, and where each stands.
pub(super) type Found = (Vec<Vec<u8>>, HashMap<Vec<u8>, usize>);

/// All conditions on one field.
#[derive(Debug, Default)]
pub(super) struct FieldMatcher {
    pub(super) literals: Words,
    /// Who wants each literal.
    owners: Vec<Vec<Owner>>,
    empty: Vec<TestId>,
    regexes: Vec<(TestId, Arc<Late>)>,
    wilds: Vec<(TestId, Wild)>,
    /// Those of which no match holds a known literal.
    unanchored: Vec<Owner>,
    numbers: Vec<(TestId, u64, u64)>,
    networks: Vec<(TestId, IpAddr, u32)>,
    present: Vec<TestId>,
    shapes: Shapes<TestId>,
}

#[derive(Debug, Clone)]
enum Owner {
    /// The automaton has one form of a word: who minds the case of letters compares again.
    Literal {
        test: TestId,
        how: How,
        exact: Option<Box<[u8]>>,
    },
    Regex(usize),
    Wild(usize),
}

impl Owner {
    fn is_pattern(&self) -> bool {
        !matches!(self, Owner::Literal { .. })
    }
}

impl FieldMatcher {
    pub(super) fn add(
        &mut self,
        test: TestId,
        matcher: &Matcher,
        regexes: &HashMap<String, Arc<Late>>,
        words: &mut Found,
    ) {
        match matcher {
            Matcher::Text { how: How::Equals | How::Name, text, .. } if text.is_empty() => {
                self.empty.push(test);
            }
            Matcher::Text { text, .. } if text.is_empty() => self.present.push(test),
            Matcher::Text { how, fold, text } => {
                let exact = (!fold).then(|| text.clone().into_boxed_slice());
                self.own(text, Owner::Literal { test, how: *how, exact }, words);
            }
            Matcher::Regex { pattern, needs } => {
                let Some(regex) = regexes.get(pattern) else { return };
                let place = self.regexes.len();
                self.regexes.push((test, regex.clone()));
                self.own_pattern(needs, Owner::Regex(place), words);
            }
            Matcher::Wild(wild) => {
                self.wilds.push((test, wild.clone()));
                self.own_pattern(wild.longest(), Owner::Wild(self.wilds.len() - 1), words);
            }
            Matcher::Number { least, most } => self.numbers.push((test, *least, *most)),
            Matcher::Network { address, bits } => self.networks.push((test, *address, *bits)),
            Matcher::Present => self.present.push(test),
            Matcher::Command(shape) => self.shapes.add(test, shape.clone()),
            // No value of one field says whether it holds.
            Matcher::Same { .. } => {}
        }
    }

    /// A pattern is looked at where a literal of it is; one byte would be everywhere.
    fn own_pattern(&mut self, needs: &[u8], owner: Owner, words: &mut Found) {
        if needs.len() < 2 {
            self.unanchored.push(owner);
        } else {
            self.own(needs, owner, words);
        }
    }

    fn own(&mut self, text: &[u8], owner: Owner, words: &mut Found) {
        let at = *words.1.entry(text.to_ascii_lowercase()).or_insert_with(|| {
            words.0.push(text.to_vec());
            words.0.len() - 1
        });
        if self.owners.len() <= at {
            self.owners.resize(at + 1, Vec::new());
        }
        if let Some(owners) = self.owners.get_mut(at) {
            owners.push(owner);
        }
    }

    /// Tells each condition that holds for the value; some twice.
    pub(super) fn run(&self, value: Val<'_>, hold: &mut dyn FnMut(TestId)) {
        if !matches!(value, Val::Flag(false)) {
            self.present.iter().for_each(|test| hold(*test));
        }
        match value {
            Val::Bytes(bytes) => self.bytes(bytes, hold),
            Val::Number(number) => {
                for (test, least, most) in &self.numbers {
                    if (*least..=*most).contains(&number) {
                        hold(*test);
                    }
                }
                if !self.literals.is_empty() || !self.unanchored.is_empty() {
                    self.bytes(number.to_string().as_bytes(), hold);
                }
            }
            Val::Ip(ip) => {
                for (test, address, bits) in &self.networks {
                    if crate::dest::within(ip, *address, *bits) {
                        hold(*test);
                    }
                }
                if !self.literals.is_empty() || !self.unanchored.is_empty() {
                    self.bytes(ip.to_canonical().to_string().as_bytes(), hold);
                }
            }
            Val::Flag(is) => {
                if !self.literals.is_empty() {
                    self.bytes(if is { b"true" } else { b"false" }, hold);
                }
            }
            Val::Command(exe, argv) => {
                self.shapes.of(&Line::new(exe, argv), hold);
            }
        }
    }

    fn bytes(&self, bytes: &[u8], hold: &mut dyn FnMut(TestId)) {
        if bytes.is_empty() {
            self.empty.iter().for_each(|test| hold(*test));
        }
        // A pattern is tried once for a value, however often the value has its literal.
        let mut tried: Vec<usize> = Vec::new();
        self.literals.each(bytes, &mut |word, at| {
            let owners = self.owners.get(word).map_or(&[][..], Vec::as_slice);
            for owner in owners {
                if let Owner::Literal { test, how, exact } = owner
                    && stands(*how, bytes, at.start, at.end)
                    && exact.as_ref().is_none_or(|it| bytes.get(at.clone()) == Some(&**it))
                {
                    hold(*test);
                }
            }
            if owners.iter().any(Owner::is_pattern) && !tried.contains(&word) {
                tried.push(word);
                owners.iter().for_each(|owner| self.pattern(owner, bytes, hold));
            }
        });
        for pattern in &self.unanchored {
            self.pattern(pattern, bytes, hold);
        }
    }

    fn pattern(&self, pattern: &Owner, bytes: &[u8], hold: &mut dyn FnMut(TestId)) {
        let held = match pattern {
            Owner::Regex(place) => {
                self.regexes.get(*place).filter(|(_, regex)| regex.is_match(bytes)).map(|it| it.0)
            }
            Owner::Wild(place) => {
                self.wilds.get(*place).filter(|(_, wild)| wild.holds(bytes)).map(|it| it.0)
            }
            Owner::Literal { .. } => None,
        };
        held.into_iter().for_each(hold);
    }
}

fn stands(how: How, bytes: &[u8], start: usize, end: usize) -> bool {
    let whole = end == bytes.len();
    match how {
        How::Equals => start == 0 && whole,
        How::Prefix => start == 0,
        How::Suffix => whole,
        How::Contains => true,
        How::Name => {
            whole && start.checked_sub(1).is_none_or(|before| bytes.get(before) == Some(&b'/'))
        }
    }
}
