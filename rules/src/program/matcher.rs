//! All conditions on one field, as one matcher: literals together, then patterns.

use std::collections::HashMap;
use std::net::IpAddr;

use aho_corasick::AhoCorasick;
use regex::bytes::Regex;

use super::{TestId, Val};
use crate::{
    command::Shape,
    expr::{How, Matcher},
};

/// Literals of one field: in order, and where each stands.
pub(super) type Words = (Vec<Vec<u8>>, HashMap<Vec<u8>, usize>);

/// All conditions on one field.
#[derive(Debug, Default)]
pub(super) struct FieldMatcher {
    pub(super) literals: Option<AhoCorasick>,
    /// Who wants each literal.
    owners: Vec<Vec<Owner>>,
    empty: Vec<TestId>,
    regexes: Vec<(TestId, Regex)>,
    /// Those of which no match holds a known literal.
    unanchored: Vec<usize>,
    numbers: Vec<(TestId, u64, u64)>,
    networks: Vec<(TestId, IpAddr, u32)>,
    present: Vec<TestId>,
    shapes: Vec<(TestId, Shape)>,
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
}

impl FieldMatcher {
    pub(super) fn add(
        &mut self,
        test: TestId,
        matcher: &Matcher,
        regexes: &HashMap<String, Regex>,
        words: &mut Words,
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
                if needs.len() < 2 {
                    self.unanchored.push(place);
                } else {
                    self.own(needs, Owner::Regex(place), words);
                }
            }
            Matcher::Number { least, most } => self.numbers.push((test, *least, *most)),
            Matcher::Network { address, bits } => self.networks.push((test, *address, *bits)),
            Matcher::Present => self.present.push(test),
            Matcher::Command(shape) => self.shapes.push((test, shape.clone())),
        }
    }

    fn own(&mut self, text: &[u8], owner: Owner, words: &mut Words) {
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
                if self.literals.is_some() || !self.regexes.is_empty() {
                    self.bytes(number.to_string().as_bytes(), hold);
                }
            }
            Val::Ip(ip) => {
                for (test, address, bits) in &self.networks {
                    if crate::dest::within(ip, *address, *bits) {
                        hold(*test);
                    }
                }
                if self.literals.is_some() || !self.regexes.is_empty() {
                    self.bytes(ip.to_canonical().to_string().as_bytes(), hold);
                }
            }
            Val::Flag(is) => {
                if self.literals.is_some() {
                    self.bytes(if is { b"true" } else { b"false" }, hold);
                }
            }
            Val::Command(exe, argv) => {
                for (test, shape) in &self.shapes {
                    if shape.holds(exe, argv) {
                        hold(*test);
                    }
                }
            }
        }
    }

    fn bytes(&self, bytes: &[u8], hold: &mut dyn FnMut(TestId)) {
        if bytes.is_empty() {
            self.empty.iter().for_each(|test| hold(*test));
        }
        if let Some(literals) = &self.literals {
            for found in literals.find_overlapping_iter(bytes) {
                let owners = self.owners.get(found.pattern().as_usize());
                for owner in owners.into_iter().flatten() {
                    match owner {
                        Owner::Literal { test, how, exact } => {
                            if stands(*how, bytes, found.start(), found.end())
                                && exact
                                    .as_ref()
                                    .is_none_or(|exact| bytes.get(found.range()) == Some(&**exact))
                            {
                                hold(*test);
                            }
                        }
                        Owner::Regex(place) => self.regex(*place, bytes, hold),
                    }
                }
            }
        }
        for place in &self.unanchored {
            self.regex(*place, bytes, hold);
        }
    }

    fn regex(&self, place: usize, bytes: &[u8], hold: &mut dyn FnMut(TestId)) {
        if let Some((test, regex)) = self.regexes.get(place)
            && regex.is_match(bytes)
        {
            hold(*test);
        }
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
