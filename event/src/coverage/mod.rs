//! What a record can and cannot say: states of its sources, totals, losses, and the verdict.
//!
//! Fed with the statements in a record's frames. Nothing is believed that can be checked: totals
//! must add up, and the frames that are there must be as many as were said to be written.

mod verdict;

use std::collections::BTreeMap;

use crate::frame::control::{Cause, Lost, Source, State, Tally};
use crate::model::Totals;
use crate::wire::Kind;

pub use verdict::{Ended, Verdict, Word};

/// What one source said of itself.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct SourceCoverage {
    /// Its last state; none when it said nothing.
    pub state: Option<State>,
    /// The text of its last statement.
    pub reason: Vec<u8>,
    /// Every text that came with a state in which it did not record all.
    pub gaps: Vec<Vec<u8>>,
}

/// All statements of a record, up to the last frame read.
#[derive(Debug, Clone, Default)]
pub struct Coverage {
    sources: BTreeMap<Source, SourceCoverage>,
    tallies: BTreeMap<u32, Tally>,
    frames: BTreeMap<u32, u64>,
    lost: BTreeMap<(Source, u32), u64>,
    malformed: u64,
    unknown_kinds: u64,
    orphans: u64,
    folded: u64,
    notes: Vec<String>,
}

/// How many different gaps of one source are kept as text.
const MAX_GAPS: usize = 64;

impl Coverage {
    /// A source told its state.
    pub fn state(&mut self, source: Source, state: Option<State>, text: &[u8]) {
        let known = self.sources.entry(source).or_default();
        known.state = state;
        known.reason = text.to_vec();
        let gap = matches!(state, None | Some(State::Degraded | State::Off));
        if gap && known.gaps.len() < MAX_GAPS && !known.gaps.iter().any(|gap| gap == text) {
            known.gaps.push(text.to_vec());
        }
    }

    /// A checkpoint told the totals of a kind so far.
    pub fn tally(&mut self, tally: &Tally) {
        self.tallies.insert(tally.id, *tally);
    }

    /// A frame told of a loss; its totals tell the same, so this only names the cause.
    pub fn lost(&mut self, lost: &Lost) {
        let source = Source::from_wire(lost.source).unwrap_or(Source::Record);
        let sum = self.lost.entry((source, lost.cause)).or_default();
        *sum = sum.saturating_add(lost.count);
    }

    /// A frame with a record of a BPF program was read.
    pub fn stored(&mut self, kind: Kind) {
        *self.frames.entry(u32::from(kind as u16)).or_default() += 1;
    }

    /// A frame's payload is not what its kind says.
    pub fn malformed(&mut self) {
        self.malformed += 1;
    }

    /// A frame is of a kind that this version does not know.
    pub fn unknown_kind(&mut self) {
        self.unknown_kinds += 1;
    }

    /// A repeat refers to a frame that is not there.
    pub fn orphan(&mut self, count: u64) {
        self.orphans = self.orphans.saturating_add(count);
    }

    /// An access is in the count of an earlier event and has none of its own.
    pub fn folded(&mut self) {
        self.folded += 1;
    }

    /// Something else makes the record less than complete.
    pub fn note(&mut self, reason: String) {
        self.notes.push(reason);
    }

    /// Returns what a source said of itself.
    #[must_use]
    pub fn source(&self, source: Source) -> Option<&SourceCoverage> {
        self.sources.get(&source)
    }

    /// Returns whether a source recorded all the time and lost nothing so far.
    #[must_use]
    pub fn is_whole(&self, source: Source) -> bool {
        self.source(source)
            .is_some_and(|known| known.state == Some(State::On) && known.gaps.is_empty())
            && self.losses(source) == 0
    }

    /// Returns the totals of a source: its kinds together.
    #[must_use]
    pub fn totals(&self, source: Source) -> Totals {
        let of_source = self.tallies.values().filter(|tally| tally.source == source as u32);
        of_source.fold(Totals::default(), |sum, tally| Totals {
            seen: sum.seen.saturating_add(tally.seen),
            stored: sum.stored.saturating_add(tally.stored),
            folded: sum.folded.saturating_add(tally.folded),
            lost: sum.lost.saturating_add(tally.lost),
        })
    }

    /// Returns the last totals of each kind of record.
    pub fn tallies(&self) -> impl Iterator<Item = &Tally> {
        self.tallies.values()
    }

    /// Returns the causes of losses with their counts.
    pub fn causes(&self) -> impl Iterator<Item = (Source, Option<Cause>, u64)> {
        self.lost.iter().map(|((source, cause), count)| (*source, Cause::from_wire(*cause), *count))
    }

    /// Returns how much a source lost, by its totals and by its statements: the larger.
    #[must_use]
    pub fn losses(&self, source: Source) -> u64 {
        let told = self.lost.iter().filter(|((of, _), _)| *of == source).map(|(_, count)| *count);
        told.fold(0, u64::saturating_add).max(self.totals(source).lost)
    }

    /// Returns how many opens of regular files the counters saw; none when they were not counted.
    #[must_use]
    pub fn opens_seen(&self) -> Option<&Tally> {
        self.tallies.get(&u32::from(Kind::Open as u16))
    }
}

#[cfg(test)]
mod tests;
