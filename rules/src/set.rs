//! A set of rules: several files, by who wrote them, put together and compiled.

use std::collections::HashMap;
use std::sync::Arc;

use event::model::Event;

use crate::engine::{Judge, Surroundings};
use crate::forms::{self, Told};
use crate::problem::{Complaints, Problem};
use crate::program::{Builder, Code, Program};
use crate::rule::{Body, Exception, Rule};
use crate::sample::Sample;

/// Most rules of a set (HOSTILE A17).
const MAX_RULES: usize = 5_000;

/// Who wrote a file: the later ones can change what the earlier ones say, but for the last.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Layer {
    /// The rules that come with the program.
    BuiltIn,
    /// The machine's administrator.
    System,
    /// The user.
    User,
    /// The user, for this run.
    Given,
    /// The project that is recorded: it can only add.
    Project,
}

/// Rules, ready to judge with.
#[derive(Debug, Default)]
pub struct RuleSet {
    /// In the order of the files.
    pub rules: Vec<Rule>,
    /// What was wrong and did no harm.
    pub warnings: Vec<Problem>,
    /// Rules that cannot be used here, and why.
    pub unusable: Vec<(String, String)>,
    /// Rules that were switched off, and by which file.
    pub disabled: Vec<(String, String)>,
    pub(crate) program: Program,
    pub(crate) exceptions: Vec<Vec<(Code, Option<i64>)>>,
    listeners: HashMap<u32, Vec<(u32, usize)>>,
}

/// Puts files together.
#[derive(Debug, Default)]
pub struct Loader {
    files: Vec<(Layer, String, Told)>,
    problems: Vec<Problem>,
}

impl Loader {
    /// Adds a file.
    pub fn add(&mut self, layer: Layer, name: &str, text: &str) {
        let mut complaints = Complaints::new(name, text);
        let told = forms::read(text, &mut complaints);
        self.problems.extend(complaints.found);
        self.files.push((layer, name.to_owned(), told));
    }

    /// Adds the rules that come with the program.
    pub fn add_builtin(&mut self) {
        for (name, text) in crate::builtin::FILES {
            let mut complaints = Complaints::new("built-in", text);
            let told = forms::read(text, &mut complaints);
            debug_assert!(complaints.found.is_empty(), "{name}: {:?}", complaints.found);
            self.problems.extend(complaints.found);
            self.files.push((Layer::BuiltIn, (*name).to_owned(), told));
        }
    }

    /// Puts all of them together.
    ///
    /// # Errors
    /// What is wrong, when something is that cannot be passed over; files of the recorded project
    /// are passed over as a whole.
    pub fn finish(mut self) -> Result<RuleSet, Vec<Problem>> {
        self.files.sort_by_key(|(layer, ..)| *layer);
        let mut set = RuleSet::default();
        let of_project = |files: &[(Layer, String, Told)], file: &str| {
            files.iter().any(|(layer, name, _)| *layer == Layer::Project && name == file)
        };
        for problem in &mut self.problems {
            if problem.fatal && of_project(&self.files, &problem.file) {
                problem.fatal = false;
            }
        }
        let mut problems = self.problems;
        let mut layers: Vec<Layer> = Vec::new();
        for (layer, name, told) in &self.files {
            set.join(*layer, name, told, &mut layers, &mut problems);
        }
        for (layer, name, told) in self.files {
            set.change(layer, &name, told, &mut problems);
        }
        set.hush();
        set.compile(&mut problems);
        if problems.iter().any(|problem| problem.fatal) {
            return Err(problems);
        }
        set.warnings = problems;
        Ok(set)
    }
}

/// A problem of a whole set.
fn problem(file: &str, line: usize, what: String, fatal: bool) -> Problem {
    Problem { file: file.to_owned(), line, shown: String::new(), what, fatal }
}

impl RuleSet {
    /// The rules that come with the program, and no others.
    ///
    /// # Panics
    /// Never: a test loads them.
    #[must_use]
    pub fn builtin() -> RuleSet {
        let mut loader = Loader::default();
        loader.add_builtin();
        loader.finish().unwrap_or_default()
    }

    fn join(
        &mut self,
        layer: Layer,
        name: &str,
        told: &Told,
        layers: &mut Vec<Layer>,
        problems: &mut Vec<Problem>,
    ) {
        self.unusable.extend(told.unusable.iter().cloned());
        for rule in &told.rules {
            if let Some(known) = self.rules.iter().find(|known| known.id == rule.id) {
                let what = format!("the id {} is taken by {}:{}", rule.id, known.from, known.line);
                problems.push(problem(name, rule.line, what, layer != Layer::Project));
                continue;
            }
            if self.rules.len() >= MAX_RULES {
                let what = format!("more than {MAX_RULES} rules");
                problems.push(problem(name, rule.line, what, layer != Layer::Project));
                return;
            }
            self.rules.push(rule.clone());
            layers.push(layer);
        }
    }

    /// Takes what a file says of rules of other files.
    fn change(&mut self, layer: Layer, name: &str, told: Told, problems: &mut Vec<Problem>) {
        let weakens = layer == Layer::Project;
        let refused = |line: usize, what: &str| {
            let what = format!("{what} of the recorded project have no effect");
            problem(name, line, what, false)
        };
        for (id, severity, line) in told.severities {
            match self.rules.iter_mut().find(|rule| *rule.id == *id) {
                // More weight never hides anything.
                Some(rule) if !weakens || severity > rule.severity => rule.severity = severity,
                Some(_) => problems.push(refused(line, "lower severities")),
                None => problems.push(problem(name, line, format!("there is no rule {id}"), false)),
            }
        }
        for (id, line) in told.disabled {
            let known = self.rules.iter().any(|rule| *rule.id == *id);
            match (weakens, known) {
                (true, _) => problems.push(refused(line, "disabled rules")),
                (false, false) => {
                    problems.push(problem(name, line, format!("there is no rule {id}"), false));
                }
                (false, true) => {
                    self.rules.retain(|rule| *rule.id != *id);
                    self.disabled.push((id, name.to_owned()));
                }
            }
        }
        for (id, when, until_ns, line) in told.allowed {
            if weakens {
                problems.push(refused(line, "exceptions"));
                continue;
            }
            match self.rules.iter_mut().find(|rule| *rule.id == *id) {
                Some(rule) => rule.except.push(Exception { when, until_ns }),
                None => problems.push(problem(name, line, format!("there is no rule {id}"), false)),
            }
        }
    }

    /// Rules that correlations look at find nothing by themselves, unless one says so.
    fn hush(&mut self) {
        let watched: Vec<String> = self
            .rules
            .iter()
            .filter_map(|rule| match &rule.body {
                Body::Correlation { rules, generate: false, .. } => Some(rules.clone()),
                _ => None,
            })
            .flatten()
            .collect();
        for rule in &mut self.rules {
            let is = |one: &String| *rule.id == **one || rule.name.as_ref() == Some(one);
            rule.quiet |= watched.iter().any(is);
        }
    }

    fn compile(&mut self, problems: &mut Vec<Problem>) {
        let mut builder = Builder::default();
        for (at, rule) in self.rules.iter().enumerate() {
            let number = u32::try_from(at).unwrap_or(u32::MAX);
            let mut codes = Vec::new();
            let mut wrong = |why: String| {
                problems.push(problem(&rule.from, rule.line, format!("{}: {why}", rule.id), true));
            };
            for (step, when) in (0..).zip(rule.exprs()) {
                if let Err(why) = builder.clause(number, step, when) {
                    wrong(why);
                }
            }
            for exception in &rule.except {
                match builder.code(&exception.when) {
                    Ok(code) => codes.push((code, exception.until_ns)),
                    Err(why) => wrong(why),
                }
            }
            self.exceptions.push(codes);
            if let Body::Correlation { rules, .. } = &rule.body {
                for (place, id) in rules.iter().enumerate() {
                    let base = self
                        .rules
                        .iter()
                        .position(|rule| *rule.id == **id || rule.name.as_deref() == Some(id));
                    match base.and_then(|at| u32::try_from(at).ok()) {
                        Some(base) => {
                            self.listeners.entry(base).or_default().push((number, place));
                        }
                        None => wrong(format!("there is no rule {id}")),
                    }
                }
            }
        }
        match builder.finish() {
            Ok(program) => self.program = program,
            Err(why) => problems.push(problem("", 0, why, true)),
        }
    }

    /// The correlations that look at a rule, and which of theirs it is.
    pub(crate) fn listeners_of(&self, rule: u32) -> Vec<(u32, &Rule, usize)> {
        let of_rule = self.listeners.get(&rule).map_or(&[][..], Vec::as_slice);
        let found = of_rule
            .iter()
            .map(|(at, place)| self.rules.get(*at as usize).map(|rule| (*at, rule, *place)));
        found.flatten().collect()
    }

    /// The rule with this id.
    #[must_use]
    pub fn find(&self, id: &str) -> Option<&Rule> {
        self.rules.iter().find(|rule| *rule.id == *id)
    }

    /// Returns the ids of the rules that hold for these events, in order, each once.
    #[must_use]
    pub fn held(self: &Arc<Self>, events: &[Event], around: Surroundings) -> Vec<Arc<str>> {
        let mut judge = Judge::new(self.clone(), around);
        let mut ids = Vec::new();
        for event in events {
            judge.see(event, &mut |found| {
                if let event::model::What::Finding(finding) = &found.what
                    && !ids.contains(&finding.rule)
                {
                    ids.push(finding.rule.clone());
                }
            });
        }
        ids
    }

    /// The ids of rules that lack an example, or a near miss.
    #[must_use]
    pub fn untested(&self) -> Vec<&str> {
        let lacks = |rule: &&Rule| rule.examples.is_empty() || rule.near_misses.is_empty();
        self.rules.iter().filter(lacks).map(|rule| &*rule.id).collect()
    }

    /// Holds every rule against its examples and near misses. Returns how many there were, and what
    /// is not as it should be.
    #[must_use]
    pub fn test(self: &Arc<Self>) -> (usize, Vec<String>) {
        let (mut tested, mut wrong) = (0, Vec::new());
        for rule in &self.rules {
            for (samples, expected) in [(&rule.examples, true), (&rule.near_misses, false)] {
                if samples.is_empty() {
                    continue;
                }
                tested += 1;
                let events = Sample::events(samples);
                let held = self.held(&events, Surroundings::default()).contains(&rule.id);
                if held != expected {
                    let words =
                        if expected { "does not find its example" } else { "finds its near miss" };
                    wrong.push(format!("{}:{}: {} {words}", rule.from, rule.line, rule.id));
                }
            }
        }
        (tested, wrong)
    }
}
