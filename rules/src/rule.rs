//! A rule, whatever form it was written in.

use std::sync::Arc;

use event::model::Severity;

use crate::{expr::Expr, field::Field, sample::Sample};

/// One rule.
#[derive(Debug, Clone)]
pub struct Rule {
    /// Its name: unique in a set.
    pub id: Arc<str>,
    /// What it says when it holds.
    pub title: Arc<str>,
    /// How much that weighs.
    pub severity: Severity,
    /// Why it matters.
    pub why: String,
    /// What to do about it.
    pub todo: String,
    /// Where to read more: techniques of ATT&CK, addresses.
    pub references: Vec<String>,
    /// `built-in`, or the name of its file.
    pub from: Arc<str>,
    /// Line of its file.
    pub line: usize,
    /// Its text as it was written.
    pub source: Arc<str>,
    /// Events for which it must hold.
    pub(crate) examples: Vec<Sample>,
    /// Events for which it must not.
    pub(crate) near_misses: Vec<Sample>,
    /// When it holds.
    pub(crate) body: Body,
    /// When it does not count.
    pub(crate) except: Vec<Exception>,
    /// What other rules may call it.
    pub(crate) name: Option<String>,
    /// Only other rules look at it; by itself it finds nothing.
    pub(crate) quiet: bool,
    /// Its title has places for values of the event.
    pub(crate) template: bool,
}

/// When a rule does not count.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Exception {
    pub(crate) when: Expr,
    /// Until then, nanoseconds since 1970.
    pub(crate) until_ns: Option<i64>,
}

/// When a rule holds.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Body {
    /// For each event that is so.
    When(Expr),
    /// For events that follow one another.
    Sequence { within_ns: i64, steps: Vec<Step> },
    /// For many events that are so.
    Tally { when: Expr, tally: Tally },
    /// For matches of other rules.
    Correlation {
        /// Ids or names.
        rules: Vec<String>,
        tally: Tally,
        /// In the order of `rules`.
        ordered: bool,
        /// The rules find by themselves too.
        generate: bool,
    },
}

/// One event of a sequence.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Step {
    pub(crate) when: Expr,
    /// What it has in common with the step before.
    pub(crate) same: Same,
}

/// What two events of a sequence have in common.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Same {
    Run,
    Process,
    /// The later one is of the same process or of a descendant.
    Lineage,
    /// The later one is of a descendant of the first one's parent.
    Family,
    /// The same file, by its inode or its path.
    File,
    /// The same address.
    Peer,
}

/// What is added up, and when it is too much.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Tally {
    pub(crate) what: Amount,
    pub(crate) by: Vec<By>,
    /// As much or more.
    pub(crate) least: u64,
    pub(crate) within_ns: i64,
}

/// What is added up.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Amount {
    Events,
    Sum(Field),
    Distinct(Field),
    /// Rules that held.
    Rules,
}

/// For whom it is added up.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum By {
    Process,
    Field(Field),
}

impl Rule {
    /// Every expression of it.
    pub(crate) fn exprs(&self) -> Vec<&Expr> {
        match &self.body {
            Body::When(when) | Body::Tally { when, .. } => vec![when],
            Body::Sequence { steps, .. } => steps.iter().map(|step| &step.when).collect(),
            Body::Correlation { .. } => Vec::new(),
        }
    }
}
