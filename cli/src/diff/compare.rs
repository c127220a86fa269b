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
        let pairs = if section == Section::Arguments { other_arguments(a, b) } else { Vec::new() };
        let (old, new) =
            (a.sections.get(&section).unwrap_or(&none), b.sections.get(&section).unwrap_or(&none));
        for (name, fact) in new {
            match old.get(name) {
                None if section == Section::Arguments && only_program_is_new(name, a) => {}
                None if pairs.iter().any(|(_, paired)| paired == name) => {}
                None => all.tell(section, Kind::New, name, fact, None, ignore),
                Some(was) => match changed(was, fact, slack_ms) {
                    None => *all.same.entry(section).or_default() += 1,
                    values => all.tell(section, Kind::Changed, name, fact, values, ignore),
                },
            }
        }
        for (name, fact) in old.iter().filter(|(name, _)| !new.contains_key(*name)) {
            let told = section == Section::Arguments && only_program_is_new(name, b);
            if !told && !pairs.iter().any(|(paired, _)| paired == name) {
                all.tell(section, Kind::Gone, name, fact, None, ignore);
            }
        }
        for (was, is) in pairs {
            if let Some(fact) = new.get(is) {
                all.other_arguments(was, is, fact, ignore);
            }
        }
    }
    all
}

/// Command lines of one program that only one of the runs has, the first with the first and so on: they
/// are one change, not one that went and one that came.
fn other_arguments<'f>(a: &'f Facts, b: &'f Facts) -> Vec<(&'f str, &'f str)> {
    let mut waiting = only_in(a, b);
    let mut pairs = Vec::new();
    for (_, exe, is) in only_in(b, a) {
        if let Some(at) = waiting.iter().position(|(_, other, _)| *other == exe) {
            pairs.push((waiting.remove(at).2, is));
        }
    }
    pairs
}

/// Command lines that `one` has and `other` has not, by their first event: number, program, all of it.
fn only_in<'f>(one: &'f Facts, other: &Facts) -> Vec<(u64, &'f str, &'f str)> {
    let none = BTreeMap::new();
    let known = other.sections.get(&Section::Arguments).unwrap_or(&none);
    let mut only: Vec<(u64, &str, &str)> = one
        .sections
        .get(&Section::Arguments)
        .into_iter()
        .flatten()
        .filter(|(name, _)| !known.contains_key(*name))
        .map(|(name, fact)| (fact.seq, split(name).0, name.as_str()))
        .collect();
    only.sort_unstable();
    only
}

/// The program of a command line, and the rest.
fn split(command: &str) -> (&str, &str) {
    command.split_once(": ").unwrap_or((command, ""))
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

    /// Tells that a program was called otherwise, by its name.
    fn other_arguments(&mut self, was: &str, is: &str, fact: &Fact, ignore: &[Pattern]) {
        if ignore.iter().any(|one| one.holds(was.as_bytes()) || one.holds(is.as_bytes())) {
            self.ignored += 1;
            return;
        }
        let ((name, is), (_, was)) = (split(is), split(was));
        self.changes.push(Change {
            section: Section::Arguments,
            kind: Kind::Changed,
            name: name.to_owned(),
            fact: fact.clone(),
            values: Some((was.to_owned(), is.to_owned())),
        });
    }

    /// Those of a section.
    pub(crate) fn of(&self, section: Section) -> impl Iterator<Item = &Change> {
        self.changes.iter().filter(move |change| change.section == section)
    }
}

/// Whether these are arguments of a program that `other` did not run at all: that is told already.
fn only_program_is_new(command: &str, other: &Facts) -> bool {
    let exe = split(command).0;
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
