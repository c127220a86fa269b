//! Two runs' facts side by side.

use std::collections::BTreeMap;

use rules::Pattern;

use super::{Fact, Facts, Section};
use crate::text;

/// Sizes that differ by less than a tenth, or by less than this, are the same.
const SIZE_SLACK: u64 = 64;

/// Bytes sent that differ by less than twice, or by less than this, are the same: retransmissions and
/// sessions of TLS are part of them.
const SENT_SLACK: u64 = 4096;

/// What became of something.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    /// Only the second run has it.
    New,
    /// Only the first run has it.
    Gone,
    /// Both have it, otherwise.
    Changed,
}

/// One difference.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Change {
    /// What it is about.
    pub(crate) section: Section,
    /// What became of it.
    pub(crate) kind: Kind,
    /// Its name.
    pub(crate) name: String,
    /// As it was, or is where it is new.
    pub(crate) fact: Fact,
    /// From what to what, of a changed one.
    pub(crate) values: Option<(String, String)>,
}

/// What differs, and how much is the same.
#[derive(Debug, Default)]
pub(crate) struct Difference {
    /// The differences, by section.
    pub(crate) changes: Vec<Change>,
    /// How many are the same in each section.
    pub(crate) same: BTreeMap<Section, u64>,
    /// Differences that the user did not want to hear of.
    pub(crate) ignored: u64,
}

/// Compares `a` with `b`. `ignore` is asked of names; a run may take `slack_ms` longer without being
/// another.
pub(crate) fn compare(a: &Facts, b: &Facts, ignore: &[Pattern], slack_ms: u64) -> Difference {
    let mut all = Difference::default();
    let none = BTreeMap::new();
    for section in Section::ALL {
        let (old, new) =
            (a.sections.get(&section).unwrap_or(&none), b.sections.get(&section).unwrap_or(&none));
        for (name, fact) in new {
            match old.get(name) {
                None if section == Section::Arguments && only_program_is_new(name, a) => {}
                None => all.tell(section, Kind::New, name, fact, None, ignore),
                Some(was) => match changed(was, fact, slack_ms) {
                    None => *all.same.entry(section).or_default() += 1,
                    values => all.tell(section, Kind::Changed, name, fact, values, ignore),
                },
            }
        }
        for (name, fact) in old.iter().filter(|(name, _)| !new.contains_key(*name)) {
            if section != Section::Arguments || !only_program_is_new(name, b) {
                all.tell(section, Kind::Gone, name, fact, None, ignore);
            }
        }
    }
    all
}

impl Difference {
    fn tell(
        &mut self,
        section: Section,
        kind: Kind,
        name: &str,
        fact: &Fact,
        values: Option<(String, String)>,
        ignore: &[Pattern],
    ) {
        if ignore.iter().any(|one| one.holds(name.as_bytes())) {
            self.ignored += 1;
            return;
        }
        let (name, fact) = (name.to_owned(), fact.clone());
        self.changes.push(Change { section, kind, name, fact, values });
    }

    /// Those of a section.
    pub(crate) fn of(&self, section: Section) -> impl Iterator<Item = &Change> {
        self.changes.iter().filter(move |change| change.section == section)
    }
}

/// Whether these are arguments of a program that `other` did not run at all: that is told already.
fn only_program_is_new(command: &str, other: &Facts) -> bool {
    let exe = command.split_once(": ").map_or(command, |(exe, _)| exe);
    !other.sections.get(&Section::Programs).is_some_and(|programs| programs.contains_key(exe))
}

/// From what to what, if that is more than chance.
fn changed(was: &Fact, is: &Fact, slack_ms: u64) -> Option<(String, String)> {
    if was.words != is.words {
        let join = |fact: &Fact| fact.words.iter().cloned().collect::<Vec<_>>().join(", ");
        return Some((join(was), join(is)));
    }
    let pair = |a: Option<u64>, b: Option<u64>| a.zip(b);
    if let Some((a, b)) = pair(was.size, is.size)
        && a.abs_diff(b) >= SIZE_SLACK
        && a.abs_diff(b) >= a.max(b) / 10
    {
        return Some((text::bytes(a), text::bytes(b)));
    }
    if let Some((a, b)) = pair(was.sent, is.sent)
        && a.abs_diff(b) >= SENT_SLACK
        && a.max(b) >= a.min(b).saturating_mul(2)
    {
        return Some((format!("{} out", text::bytes(a)), format!("{} out", text::bytes(b))));
    }
    if let Some((a, b)) = pair(was.millis, is.millis)
        && a.abs_diff(b) >= slack_ms
        && a.max(b) >= a.min(b).saturating_mul(2)
    {
        let time = |ms| text::elapsed(std::time::Duration::from_millis(ms));
        return Some((time(a), time(b)));
    }
    None
}
