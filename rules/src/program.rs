//! Rules compiled: all conditions on one field become one matcher, literals together, then patterns.
//!
//! A clause (the condition of a rule, or of one step of a sequence) is looked at only for an event in
//! which one of the conditions holds without which it cannot.

use std::collections::HashMap;
use std::net::IpAddr;

use aho_corasick::{AhoCorasick, AhoCorasickKind};
use event::model::table::TYPES;
use regex::bytes::{Regex, RegexBuilder};

use crate::{
    command::Shape,
    expr::{Expr, How, Matcher},
    field::{Field, THINGS},
};

/// Most memory that one compiled pattern may take (HOSTILE A17).
const REGEX_BYTES: usize = 1 << 20;

/// Deepest nesting of a pattern.
const REGEX_NESTING: u32 = 50;

/// What all patterns of a set may take; beyond it the rest is refused.
const REGEXES: usize = 20_000;

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
    by_test: Vec<Vec<u32>>,
    always: Vec<Vec<u32>>,
    /// Things whose clauses look only at paths and at the process.
    pub(crate) repeatable: u64,
}

/// The condition of a rule, of one of its steps, or of an exception to it.
#[derive(Debug)]
pub(crate) struct Clause {
    pub(crate) rule: u32,
    pub(crate) step: u32,
    pub(crate) things: u64,
    pub(crate) code: Code,
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

/// All conditions on one field.
#[derive(Debug, Default)]
struct FieldMatcher {
    literals: Option<AhoCorasick>,
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

/// Builds a [`Program`].
#[derive(Debug, Default)]
pub(crate) struct Builder {
    program: Program,
    known: HashMap<(Field, Matcher), TestId>,
    regexes: HashMap<String, Regex>,
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
    /// Why a pattern of it cannot be compiled.
    pub(crate) fn clause(&mut self, rule: u32, step: u32, expr: &Expr) -> Result<(), String> {
        let code = self.code(expr)?;
        self.program.clauses.push(Clause { rule, step, things: expr.things(), code });
        Ok(())
    }

    /// Compiles an expression that only says more about one.
    pub(crate) fn code(&mut self, expr: &Expr) -> Result<Code, String> {
        let each = |this: &mut Self, list: &[Expr]| {
            list.iter().map(|one| this.code(one)).collect::<Result<Box<[Code]>, String>>()
        };
        Ok(match expr {
            Expr::All(list) => Code::All(each(self, list)?),
            Expr::Any(list) => Code::Any(each(self, list)?),
            Expr::Not(inner) => Code::Not(Box::new(self.code(inner)?)),
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
            let built = regex(pattern).map_err(|why| format!("cannot read the pattern: {why}"))?;
            self.regexes.insert(pattern.clone(), built);
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
        let mut literals: Vec<Words> = Vec::new();
        for (id, (field, matcher)) in program.tests.iter().enumerate() {
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
            if !words.is_empty() {
                let kind = (words.len() <= 500).then_some(AhoCorasickKind::DFA);
                let mut builder = AhoCorasick::builder();
                let built = builder.ascii_case_insensitive(true).kind(kind).build(&words);
                of_field.literals = Some(built.map_err(|why| why.to_string())?);
            }
        }
        program.visit();
        program.cover();
        Ok(program)
    }
}

impl FieldMatcher {
    fn add(
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
    fn run(&self, value: Val<'_>, hold: &mut dyn FnMut(TestId)) {
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

/// Literals of one field: in order, and where each stands.
type Words = (Vec<Vec<u8>>, HashMap<Vec<u8>, usize>);

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

impl Program {
    /// Learns which names of the table are looked at.
    fn visit(&mut self) {
        let Program { by_field, visited, .. } = self;
        let any = by_field.get(&Field::Anything).copied();
        for kind in TYPES {
            let names = kind.fields.iter().chain(event::model::table::ACTOR);
            let of_name = |name: &'static str| {
                let own = |field: Field| by_field.get(&field).copied();
                let mut places: Vec<usize> = own(Field::Named(name)).into_iter().collect();
                let own_fields: &[Field] = match name {
                    "path" | "path2" | "also" | "path_claimed" => &[Field::Path, Field::HomePath],
                    _ => &[],
                };
                places.extend(own_fields.iter().filter_map(|field| own(*field)));
                places.extend(any);
                (!places.is_empty()).then_some((name, places))
            };
            visited.push(names.filter_map(|name| of_name(name)).collect());
        }
    }

    /// Finds out for which conditions each clause is worth a look.
    fn cover(&mut self) {
        self.by_test = vec![Vec::new(); self.tests.len()];
        self.always = vec![Vec::new(); THINGS];
        self.repeatable = u64::MAX;
        for (at, clause) in self.clauses.iter().enumerate() {
            let at = at as u32;
            match self.cover_of(&clause.code) {
                Some((_, tests)) => {
                    for test in tests {
                        if let Some(of_test) = self.by_test.get_mut(test as usize) {
                            of_test.push(at);
                        }
                    }
                }
                None => {
                    for (thing, of_thing) in self.always.iter_mut().enumerate() {
                        if clause.things >> thing & 1 == 1 {
                            of_thing.push(at);
                        }
                    }
                }
            }
            if !self.looks_only_at_paths(&clause.code) {
                self.repeatable &= !clause.things;
            }
        }
    }

    fn looks_only_at_paths(&self, code: &Code) -> bool {
        match code {
            Code::All(list) | Code::Any(list) => {
                list.iter().all(|one| self.looks_only_at_paths(one))
            }
            Code::Not(inner) => self.looks_only_at_paths(inner),
            Code::Things(_) => true,
            Code::Test(test) => self.tests.get(*test as usize).is_some_and(|(field, _)| {
                field.is_of_process() || matches!(field, Field::Path | Field::HomePath)
            }),
        }
    }

    /// Conditions one of which holds whenever the code does, and how good that is to know.
    fn cover_of(&self, code: &Code) -> Option<(u32, Vec<TestId>)> {
        match code {
            Code::Test(test) => {
                let cost = match &self.tests.get(*test as usize)?.1 {
                    Matcher::Command(_) => 1,
                    Matcher::Text { how: How::Contains, text, .. } if text.len() < 3 => 5,
                    Matcher::Text { how: How::Contains, .. } => 3,
                    Matcher::Text { .. } => 2,
                    Matcher::Regex { .. } => 4,
                    Matcher::Network { .. } => 6,
                    Matcher::Number { .. } => 7,
                    Matcher::Present => 8,
                };
                Some((cost, vec![*test]))
            }
            Code::All(list) => list
                .iter()
                .filter_map(|one| self.cover_of(one))
                .min_by_key(|(cost, tests)| (*cost, tests.len())),
            Code::Any(list) => {
                let mut all = (0, Vec::new());
                for one in list {
                    let (cost, tests) = self.cover_of(one)?;
                    all.0 = all.0.max(cost);
                    all.1.extend(tests);
                }
                Some(all)
            }
            Code::Not(_) | Code::Things(_) => None,
        }
    }

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
