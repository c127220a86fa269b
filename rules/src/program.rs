//! Rules compiled: all conditions on one field become one matcher, literals together, then patterns.
//!
//! A clause (the condition of a rule, or of one step of a sequence) is looked at only for an event in
//! which one of the conditions holds without which it cannot.

mod build;
mod cover;
mod late;
mod matcher;

use foldhash::HashMap;
use std::net::IpAddr;

use crate::{
    expr::{How, Matcher},
    field::{Field, Part},
};

pub(crate) use build::{Builder, regex};
use matcher::FieldMatcher;

/// A condition's number.
pub(crate) type TestId = u32;

/// A compiled set of clauses.
#[derive(Debug, Default)]
pub(crate) struct Program {
    tests: Vec<(Field, Matcher)>,
    matchers: Vec<FieldMatcher>,
    by_field: HashMap<Field, usize>,
    /// By type: the names of its fields that somebody looks at.
    visited: Vec<Visited>,
    /// Whose matchers look at them, and whether that is at what is below home.
    looks: Vec<Vec<(usize, bool)>>,
    pub(crate) clauses: Vec<Clause>,
    /// Conditions that look at two fields.
    pub(crate) pairs: Vec<Pair>,
    /// Parts of the time that somebody looks at.
    pub(crate) clocks: Vec<Part>,
    by_test: Vec<Vec<u32>>,
    always: Vec<Vec<u32>>,
    /// Clauses that ask who reads what a process writes.
    pub(crate) feeds: Vec<u32>,
    /// The things that they look at.
    pub(crate) fed_things: u64,
}

/// The condition of a rule, of one of its steps, or of an exception to it.
#[derive(Debug)]
pub(crate) struct Clause {
    pub(crate) rule: u32,
    pub(crate) step: u32,
    pub(crate) things: u64,
    pub(crate) code: Code,
}

/// A condition that holds one field against another one of the same event.
#[derive(Debug)]
pub(crate) struct Pair {
    pub(crate) test: TestId,
    pub(crate) field: Field,
    pub(crate) other: Field,
    pub(crate) how: How,
    pub(crate) fold: bool,
    /// The things that have both fields.
    pub(crate) things: u64,
}

/// A compiled expression.
#[derive(Debug, Clone)]
pub(crate) enum Code {
    All(Box<[Code]>),
    Any(Box<[Code]>),
    Not(Box<Code>),
    Things(u64),
    Test(TestId),
}

/// A value that is matched.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Val<'a> {
    Bytes(&'a [u8]),
    Number(u64),
    Flag(bool),
    Ip(IpAddr),
    /// The file that runs, and its arguments.
    Command(&'a [u8], &'a [&'a [u8]]),
}

impl Program {
    /// How many conditions there are.
    pub(crate) fn len(&self) -> usize {
        self.tests.len()
    }

    /// The field and the value wanted of a condition.
    pub(crate) fn test(&self, test: TestId) -> Option<&(Field, Matcher)> {
        self.tests.get(test as usize)
    }

    /// Whether anything is asked of the field.
    pub(crate) fn asks(&self, field: Field) -> bool {
        self.by_field.contains_key(&field)
    }

    /// Clauses that are looked at when a condition holds.
    pub(crate) fn of_test(&self, test: TestId) -> &[u32] {
        self.by_test.get(test as usize).map_or(&[], Vec::as_slice)
    }

    /// Clauses that are looked at for every event of a thing.
    pub(crate) fn always(&self, thing: usize) -> &[u32] {
        self.always.get(thing).map_or(&[], Vec::as_slice)
    }

    /// Tells each condition on `field` that holds for `value`.
    pub(crate) fn run(&self, field: Field, value: Val<'_>, hold: &mut dyn FnMut(TestId)) {
        if let Some(matcher) = self.by_field.get(&field).and_then(|at| self.matchers.get(*at)) {
            matcher.run(value, hold);
        }
    }

    /// Who looks at a field of the table, of a type by its number; nobody at most.
    pub(crate) fn look(&self, kind: usize, name: &str) -> Option<Look> {
        let visited = self.visited.get(kind)?;
        if visited.letters & letter(name) == 0 {
            return None;
        }
        visited.names.iter().find(|(known, _)| *known == name).map(|(_, look)| *look)
    }

    /// The fields of who did it that somebody looks at, of a type by its number.
    pub(crate) fn looks_at_actor(&self, kind: usize) -> &[&'static str] {
        self.visited.get(kind).map_or(&[], |visited| &visited.of_actor)
    }

    /// Tells each condition that holds for a value of a field; `home` is what of it is below home.
    pub(crate) fn looked_at(
        &self,
        look: Look,
        (value, home): (Val<'_>, Option<&[u8]>),
        hold: &mut dyn FnMut(TestId),
    ) {
        for (place, below_home) in self.looks.get(look.0).map_or(&[][..], Vec::as_slice) {
            let Some(matcher) = self.matchers.get(*place) else { continue };
            match (below_home, home) {
                (false, _) => matcher.run(value, hold),
                (true, Some(rest)) => matcher.run(Val::Bytes(rest), hold),
                (true, None) => {}
            }
        }
    }
}

/// The matchers that look at a field.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Look(pub(crate) usize);

/// Names of fields of one type.
#[derive(Debug, Default)]
struct Visited {
    names: Vec<(&'static str, Look)>,
    /// The bits of all of them: most fields that an event has are nobody's.
    letters: u64,
    /// Those of them that are of who did it.
    of_actor: Vec<&'static str>,
}

/// One of 64 bits for a name, mostly another one for another.
fn letter(name: &str) -> u64 {
    let first = name.bytes().next().unwrap_or(0);
    1 << ((usize::from(first) * 5 + name.len()) & 63)
}
