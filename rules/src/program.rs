//! Rules compiled: all conditions on one field become one matcher, literals together, then patterns.
//!
//! A clause (the condition of a rule, or of one step of a sequence) is looked at only for an event in
//! which one of the conditions holds without which it cannot.

mod build;
mod cover;
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
    /// By type: the names of its fields that somebody looks at, and whose matchers.
    visited: Vec<Vec<(&'static str, Vec<usize>)>>,
    pub(crate) clauses: Vec<Clause>,
    /// Conditions that look at two fields.
    pub(crate) pairs: Vec<Pair>,
    /// Parts of the time that somebody looks at.
    pub(crate) clocks: Vec<Part>,
    by_test: Vec<Vec<u32>>,
    always: Vec<Vec<u32>>,
    /// Things whose clauses look only at paths and at the process.
    pub(crate) repeatable: u64,
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

    /// Tells each condition that holds for a field of the table, of a type by its number.
    pub(crate) fn named(
        &self,
        (kind, name): (usize, &str),
        (value, home): (Val<'_>, Option<&[u8]>),
        hold: &mut dyn FnMut(TestId),
    ) {
        let visited = self.visited.get(kind).map_or(&[][..], Vec::as_slice);
        let Some((_, places)) = visited.iter().find(|(known, _)| *known == name) else { return };
        for place in places {
            let Some(matcher) = self.matchers.get(*place) else { continue };
            if self.by_field.get(&Field::HomePath) == Some(place) {
                if let Some(rest) = home {
                    matcher.run(Val::Bytes(rest), hold);
                }
            } else {
                matcher.run(value, hold);
            }
        }
    }
}
