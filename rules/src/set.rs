//! A set of rules: several files, by who wrote them, put together and compiled.

mod compile;
mod correlations;
mod join;

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use event::model::Event;

use crate::engine::{Judge, Surroundings};
use crate::forms::{self, Placeholders};
use crate::problem::{Complaints, Problem};
use crate::program::{Code, Program};
use crate::rule::Rule;
use crate::sample::Sample;
use crate::yaml::{self, Fault, Node};

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
    /// Ids or names of rules that correlations look at.
    watched: HashSet<String>,
}

/// Puts files together.
#[derive(Debug, Default)]
pub struct Loader {
    files: Vec<File>,
}

/// A file as it was given: it is read when all are there, for others may say what its words stand for.
#[derive(Debug)]
struct File {
    layer: Layer,
    name: String,
    text: String,
    read: Result<Vec<Node>, Fault>,
}

impl Loader {
    /// Adds a file.
    pub fn add(&mut self, layer: Layer, name: &str, text: &str) {
        let (name, text) = (name.to_owned(), text.to_owned());
        self.files.push(File { layer, name, read: yaml::parse(&text), text });
    }

    /// Adds the rules that come with the program.
    pub fn add_builtin(&mut self) {
        for (_, text, packed) in crate::builtin::FILES {
            let read = yaml::packed::read(packed).map_or_else(|| yaml::parse(text), Ok);
            let (name, text) = ("built-in".to_owned(), (*text).to_owned());
            self.files.push(File { layer: Layer::BuiltIn, name, text, read });
        }
    }

    /// Puts all of them together.
    ///
    /// # Errors
    /// What is wrong, when something is that cannot be passed over; files of the recorded project
    /// are passed over as a whole.
    pub fn finish(mut self) -> Result<RuleSet, Vec<Problem>> {
        self.files.sort_by_key(|file| file.layer);
        let values = self.placeholders();
        let (mut set, mut problems) = (RuleSet::default(), Vec::new());
        let mut all = Vec::new();
        for File { layer, name, text, read } in self.files {
            let mut complaints = Complaints::new(&name, &text);
            complaints.tried = layer == Layer::BuiltIn;
            let told = forms::read(&read, &text, &values, &mut complaints);
            for mut problem in complaints.found {
                problem.fatal &= layer != Layer::Project;
                problems.push(problem);
            }
            all.push((layer, name, told));
        }
        for (layer, name, told) in &mut all {
            set.join(*layer, name, told, &mut problems);
        }
        for (layer, name, told) in all {
            set.change(layer, &name, told, &mut problems);
        }
        set.correlate();
        set.compile(&mut problems);
        if problems.iter().any(|problem| problem.fatal) {
            return Err(problems);
        }
        set.warnings = problems;
        Ok(set)
    }

    /// What placeholders stand for: what the last file says that is not the project's.
    fn placeholders(&self) -> Placeholders {
        let files = self.files.iter().filter(|file| file.layer != Layer::Project);
        let documents = files.filter_map(|file| file.read.as_deref().ok()).flatten();
        documents.flat_map(forms::placeholders).collect()
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
