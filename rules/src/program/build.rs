//! From expressions to a program; patterns are compiled within bounds.

use std::sync::Arc;

use foldhash::HashMap;

use regex::bytes::{Regex, RegexBuilder};

use super::late::{Late, Words};
use super::matcher::{FieldMatcher, Found};
use super::{Clause, Code, Pair, Program, TestId};
use crate::{
    expr::{Expr, Matcher},
    field::Field,
};

/// Most memory that one compiled pattern may take (HOSTILE A17).
const REGEX_BYTES: usize = 1 << 20;

/// Deepest nesting of a pattern.
const REGEX_NESTING: u32 = 50;

/// What all patterns of a set may take; beyond it the rest is refused.
const REGEXES: usize = 20_000;

/// Builds a [`Program`].
#[derive(Debug, Default)]
pub(crate) struct Builder {
    program: Program,
    known: HashMap<(Field, Matcher), TestId>,
    regexes: HashMap<String, Arc<Late>>,
    /// What is added was compiled by tests.
    tried: bool,
}

/// Compiles a pattern within bounds.
pub(crate) fn regex(pattern: &str) -> Result<Regex, String> {
    let built = RegexBuilder::new(pattern)
        .size_limit(REGEX_BYTES)
        .dfa_size_limit(REGEX_BYTES)
        .nest_limit(REGEX_NESTING)
        .unicode(false)
        .build();
    built.map_err(|why| {
        let text = why.to_string();
        text.lines().last().unwrap_or("it cannot be read").trim().to_owned()
    })
}

impl Builder {
    /// Adds a clause.
    ///
    /// # Errors
    /// Why a pattern of it cannot be compiled, where it was not `tried`.
    pub(crate) fn clause(
        &mut self,
        (rule, step): (u32, u32),
        expr: &Expr,
        tried: bool,
    ) -> Result<(), String> {
        let code = self.code(expr, tried)?;
        self.program.clauses.push(Clause { rule, step, things: expr.things(), code });
        Ok(())
    }

    /// Compiles an expression that only says more about one.
    pub(crate) fn code(&mut self, expr: &Expr, tried: bool) -> Result<Code, String> {
        self.tried = tried;
        self.coded(expr)
    }

    fn coded(&mut self, expr: &Expr) -> Result<Code, String> {
        let each = |this: &mut Self, list: &[Expr]| {
            list.iter().map(|one| this.coded(one)).collect::<Result<Box<[Code]>, String>>()
        };
        Ok(match expr {
            Expr::All(list) => Code::All(each(self, list)?),
            Expr::Any(list) => Code::Any(each(self, list)?),
            Expr::Not(inner) => Code::Not(Box::new(self.coded(inner)?)),
            Expr::Things(things) => Code::Things(*things),
            Expr::Test(field, matcher) => Code::Test(self.test(*field, matcher)?),
        })
    }

    fn test(&mut self, field: Field, matcher: &Matcher) -> Result<TestId, String> {
        if let Some(known) = self.known.get(&(field, matcher.clone())) {
            return Ok(*known);
        }
        if let Matcher::Regex { pattern, .. } = matcher
            && !self.regexes.contains_key(pattern)
        {
            if self.regexes.len() >= REGEXES {
                return Err(format!("more than {REGEXES} patterns"));
            }
            // One that is known was tried too, by whoever brought it.
            let late = match self.tried {
                true => Late::sound(pattern),
                false => {
                    Late::tried(pattern).map_err(|why| format!("cannot read the pattern: {why}"))?
                }
            };
            self.regexes.insert(pattern.clone(), Arc::new(late));
        }
        let id = TestId::try_from(self.program.tests.len()).map_err(|_| "too many conditions")?;
        self.program.tests.push((field, matcher.clone()));
        self.known.insert((field, matcher.clone()), id);
        Ok(id)
    }

    /// Puts all conditions together.
    ///
    /// # Errors
    /// When the literals do not fit into a matcher.
    pub(crate) fn finish(self) -> Result<Program, String> {
        let Builder { mut program, regexes, .. } = self;
        let mut literals: Vec<Found> = Vec::new();
        for (id, (field, matcher)) in program.tests.iter().enumerate() {
            if let Matcher::Same { how, fold, other } = *matcher {
                let things = field.things() & other.things();
                let (test, field) = (id as TestId, *field);
                program.pairs.push(Pair { test, field, other, how, fold, things });
                continue;
            }
            let place = *program.by_field.entry(*field).or_insert_with(|| {
                program.matchers.push(FieldMatcher::default());
                literals.push(Default::default());
                program.matchers.len() - 1
            });
            let (Some(of_field), Some(words)) =
                (program.matchers.get_mut(place), literals.get_mut(place))
            else {
                continue;
            };
            of_field.add(id as TestId, matcher, &regexes, words);
        }
        for (of_field, (words, _)) in program.matchers.iter_mut().zip(literals) {
            of_field.literals = Words::new(words)?;
        }
        program.visit();
        program.cover();
        Ok(program)
    }
}
