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
    /// It comes with the program, whose tests have compiled its patterns.
    pub(crate) tried: bool,
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
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Tally {
    pub(crate) what: Amount,
    pub(crate) by: Vec<By>,
    /// All of them.
    pub(crate) bounds: Vec<Bound>,
    /// Of rules: which of them must have held.
    pub(crate) which: Which,
    pub(crate) within_ns: i64,
}

/// What an amount must be.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Bound {
    pub(crate) than: Than,
    pub(crate) number: f64,
}

/// How an amount is compared.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Than {
    Less,
    AtMost,
    Equal,
    Other,
    AtLeast,
    More,
}

impl Bound {
    /// As much or more.
    pub(crate) fn at_least(number: u64) -> Bound {
        Bound { than: Than::AtLeast, number: number as f64 }
    }

    /// Whether an amount is so.
    pub(crate) fn holds(&self, amount: f64) -> bool {
        match self.than {
            Than::Less => amount < self.number,
            Than::AtMost => amount <= self.number,
            Than::Equal => amount == self.number,
            Than::Other => amount != self.number,
            Than::AtLeast => amount >= self.number,
            Than::More => amount > self.number,
        }
    }

    /// Whether nothing is too little for it.
    pub(crate) fn is_from_below(&self) -> bool {
        matches!(self.than, Than::AtLeast | Than::More | Than::Equal)
    }
}

/// Which rules must have held within the time.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Which {
    /// So many as the bounds say.
    Any,
    All(Vec<Which>),
    One(Vec<Which>),
    /// The one at this place of the list.
    Rule(usize),
}

impl Which {
    /// Whether it is enough that the rules at `places` held.
    pub(crate) fn holds(&self, places: &[usize]) -> bool {
        match self {
            Which::Any => true,
            Which::All(list) => list.iter().all(|one| one.holds(places)),
            Which::One(list) => list.iter().any(|one| one.holds(places)),
            Which::Rule(place) => places.contains(place),
        }
    }
}

/// What is added up.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Amount {
    Events,
    Sum(Field),
    /// Different values; of several fields, different ones together.
    Distinct(Vec<Field>),
    /// What values are in the middle.
    Average(Field),
    /// The value that so many of a hundred are not above.
    Percentile(Field, u8),
    /// Rules that held.
    Rules,
    /// So many rules that held one after the other.
    Ordered(usize),
}

/// For whom it is added up.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum By {
    Process,
    Field(Field),
    /// Another field for each rule that is looked at; when a set is put together, in the order in
    /// which the correlation names them.
    Alias {
        name: String,
        fields: Vec<(String, Field)>,
    },
}

impl Rule {
    /// What other rules may call it.
    pub(crate) fn names(&self) -> impl Iterator<Item = &str> {
        std::iter::once(&*self.id).chain(self.name.as_deref())
    }

    /// Ids or names of the rules that it looks at.
    pub(crate) fn looks_at(&self) -> &[String] {
        match &self.body {
            Body::Correlation { rules, .. } => rules,
            _ => &[],
        }
    }

    /// Every expression of it.
    pub(crate) fn exprs(&self) -> Vec<&Expr> {
        match &self.body {
            Body::When(when) | Body::Tally { when, .. } => vec![when],
            Body::Sequence { steps, .. } => steps.iter().map(|step| &step.when).collect(),
            Body::Correlation { .. } => Vec::new(),
        }
    }
}
