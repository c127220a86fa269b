//! The verdict over a record, with its reasons.

use super::Coverage;
use crate::frame::control::{Cause, Ending, Source, State, Tally};
use crate::wire::Kind;

/// One word on a record.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Word {
    /// Everything that happened is an event.
    Complete,
    /// Everything is in an event's count.
    Folded,
    /// Something is missing; the reasons say what.
    Partial,
    /// The record has no end.
    Truncated,
}

impl Word {
    /// Returns the word as it stands in events and pages.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Word::Complete => "complete",
            Word::Folded => "complete, folded",
            Word::Partial => "partial",
            Word::Truncated => "truncated",
        }
    }
}

/// The verdict over a record.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Verdict {
    /// In one word.
    pub word: Word,
    /// Why it is not complete.
    pub reasons: Vec<String>,
}

/// What the seal says, as far as the verdict goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Ended {
    /// Why the recording ended.
    pub ending: Option<Ending>,
    /// Processes still alive.
    pub alive: u32,
}

impl Coverage {
    /// Returns the verdict; `ended` is none for a record without its seal.
    #[must_use]
    pub fn verdict(&self, ended: Option<Ended>) -> Verdict {
        let mut reasons = Vec::new();
        match ended {
            None => reasons.push("the record ends without its seal".to_owned()),
            Some(ended) => ending(ended, &mut reasons),
        }
        self.states(ended, &mut reasons);
        self.missing(&mut reasons);
        if ended.is_some() {
            self.sums(&mut reasons);
        }
        reasons.extend_from_slice(&self.notes);
        let word = match (ended, reasons.is_empty()) {
            (None, _) => Word::Truncated,
            (Some(_), false) => Word::Partial,
            (Some(_), true) if self.has_repeats() => Word::Folded,
            (Some(_), true) => Word::Complete,
        };
        Verdict { word, reasons }
    }

    /// Repeats count as folded only where single times are gone; opens are counts by their nature.
    fn has_repeats(&self) -> bool {
        self.folded > 0
            || self
                .tallies
                .values()
                .any(|tally| tally.source != Source::Opens as u32 && tally.folded > 0)
    }

    fn states(&self, ended: Option<Ended>, reasons: &mut Vec<String>) {
        if ended.is_some_and(|ended| ended.ending == Some(Ending::NotStarted)) {
            return;
        }
        for source in Source::ALL {
            // The record itself has nothing to say while all is well.
            let Some(known) = self.sources.get(&source) else {
                if source != Source::Record {
                    reasons.push(format!("{}: no statement about its state", source.name()));
                }
                continue;
            };
            let state = match known.state {
                Some(State::Off) => "off",
                Some(State::NotAsked) => continue,
                _ => "degraded",
            };
            for gap in &known.gaps {
                let text = String::from_utf8_lossy(gap);
                reasons.push(format!("{} {state}: {text}", source.name()));
            }
        }
    }

    fn missing(&self, reasons: &mut Vec<String>) {
        for (source, cause, count) in self.causes() {
            if cause == Some(Cause::HeldBack) {
                reasons.push(format!(
                    "{}: {count} held back, of processes with rights that the user has not",
                    source.name()
                ));
                continue;
            }
            let cause = cause.map_or("unknown cause", |cause| cause.name());
            reasons.push(format!("{}: {count} lost ({cause})", source.name()));
        }
        for source in Source::ALL {
            let told = self.causes().filter(|(of, ..)| *of == source).any(|(.., count)| count > 0);
            let lost = self.totals(source).lost;
            if lost > 0 && !told {
                reasons.push(format!("{}: {lost} lost", source.name()));
            }
        }
        for (count, what) in [
            (self.malformed, "frames could not be read"),
            (self.unknown_kinds, "frames are of kinds that this version does not know"),
            (self.orphans, "repeats belong to no event"),
        ] {
            if count > 0 {
                reasons.push(format!("{count} {what}"));
            }
        }
    }

    fn sums(&self, reasons: &mut Vec<String>) {
        for tally in self.tallies.values() {
            let sum = tally.stored.saturating_add(tally.folded).saturating_add(tally.lost);
            if sum != tally.seen {
                let Tally { seen, stored, folded, lost, .. } = tally;
                reasons.push(format!(
                    "{}: numbers do not add up: seen {seen}, stored {stored}, folded {folded}, lost {lost}",
                    kind_name(tally)
                ));
            }
            let read = self.frames.get(&tally.id).copied().unwrap_or(0);
            let is_record = Kind::from_wire(tally.id).is_some_and(|kind| !kind.is_summed());
            if is_record && read != tally.stored {
                reasons.push(format!(
                    "{}: {} stored by the recorder, {read} in the record",
                    kind_name(tally),
                    tally.stored
                ));
            }
        }
    }
}

fn ending(ended: Ended, reasons: &mut Vec<String>) {
    let alive = ended.alive;
    reasons.push(match ended.ending {
        Some(Ending::Empty) => return,
        Some(Ending::Lingered) => {
            format!("recording ended with {alive} processes of the run alive")
        }
        Some(Ending::Stopped) => "the recorder was stopped".to_owned(),
        Some(Ending::NotStarted) => "the command was not started".to_owned(),
        None => "recording ended for a reason that this version does not know".to_owned(),
    });
}

/// What a tally is about: its source, and the kind of record where there is one.
fn kind_name(tally: &Tally) -> String {
    let source = Source::from_wire(tally.source).map_or("unknown source", Source::name);
    match Kind::from_wire(tally.id) {
        Some(kind) => format!("{source} {}", format!("{kind:?}").to_lowercase()),
        None => source.to_owned(),
    }
}
