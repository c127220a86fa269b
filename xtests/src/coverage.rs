//! What a record says of its own completeness, and whether that adds up.

use serde_json::Value;

use crate::{Event, Recorded};

/// What became of what a source saw.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Tally {
    /// Which source.
    pub source: String,
    /// `on`, `degraded`, `off`, `not_asked`.
    pub state: String,
    /// What happened.
    pub seen: u64,
    /// What has a record of its own.
    pub stored: u64,
    /// What is in the count of a record.
    pub folded: u64,
    /// What is gone.
    pub lost: u64,
}

/// Something that the record says is missing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Loss {
    /// Where.
    pub source: String,
    /// Why.
    pub cause: String,
    /// How much.
    pub count: u64,
}

impl Recorded {
    /// What the sources say at the end, by `meta.json`.
    ///
    /// # Panics
    /// When it says nothing of them.
    #[must_use]
    pub fn tallies(&self) -> Vec<Tally> {
        let coverage = self.meta.get("coverage").and_then(Value::as_object);
        let coverage =
            coverage.unwrap_or_else(|| panic!("meta.json has no coverage: {}", self.meta));
        coverage.iter().map(|(source, told)| tally(source, told)).collect()
    }

    /// What one source says.
    ///
    /// # Panics
    /// When it says nothing.
    #[must_use]
    pub fn tally(&self, source: &str) -> Tally {
        let found = self.tallies().into_iter().find(|tally| tally.source == source);
        found.unwrap_or_else(|| panic!("nothing is said of {source}: {}", self.meta))
    }

    /// What is said to be missing.
    #[must_use]
    pub fn losses(&self) -> Vec<Loss> {
        let of = |event: &Event| Loss {
            source: event.text("source").to_owned(),
            cause: event.text("cause").to_owned(),
            count: event.count(),
        };
        self.of("lost", "").map(of).collect()
    }

    /// The sum of what is said to be missing of one source.
    #[must_use]
    pub fn lost(&self, source: &str) -> u64 {
        self.losses().iter().filter(|loss| loss.source == source).map(|loss| loss.count).sum()
    }

    /// The verdict in `meta.json`.
    #[must_use]
    pub fn verdict(&self) -> &str {
        self.meta.get("verdict").and_then(Value::as_str).unwrap_or_default()
    }

    /// The reasons in `meta.json`.
    #[must_use]
    pub fn reasons(&self) -> Vec<&str> {
        let list = self.meta.get("reasons").and_then(Value::as_array);
        list.map(|list| list.iter().filter_map(Value::as_str).collect()).unwrap_or_default()
    }

    /// Holds each source to its numbers: seen = stored + folded + lost.
    ///
    /// # Panics
    /// When they do not add up, or when the events disagree with `meta.json`.
    pub fn assert_adds_up(&self) {
        for tally in self.tallies() {
            let sum = tally.stored + tally.folded + tally.lost;
            assert_eq!(tally.seen, sum, "seen is not stored + folded + lost: {tally:?}");
            // A queue's overflow stands for a number that nobody knows: told, but in no total.
            let told: u64 = self
                .losses()
                .iter()
                .filter(|loss| loss.source == tally.source && is_counted(&loss.cause))
                .map(|loss| loss.count)
                .sum();
            assert_eq!(told, tally.lost, "lost events and totals differ: {tally:?}");
        }
        for said in self.of("source", "").filter(|event| event.number("seen").is_some()) {
            let said = tally(said.text("source"), &said.0);
            assert_eq!(said, self.tally(&said.source), "event and meta.json differ");
        }
        let end = self.end();
        assert_eq!(end.text("verdict"), self.verdict(), "event and meta.json differ");
        let opens = |name: &str| end.number(name).unwrap_or_default();
        let sum = opens("opens_in_events") + opens("opens_unnamed") + opens("opens_lost");
        assert_eq!(opens("opens_seen"), sum, "opens do not add up: {end:?}");
    }

    /// Holds the record to be whole: nothing lost, nothing switched off, all sums right.
    ///
    /// # Panics
    /// When anything is missing.
    pub fn assert_whole(&self) {
        let verdict = self.verdict();
        assert!(
            matches!(verdict, "complete" | "complete, folded"),
            "verdict {verdict}: {:?}",
            self.reasons()
        );
        assert_eq!(self.losses(), [], "lost events");
        for tally in self.tallies() {
            assert_eq!(tally.lost, 0, "{tally:?}");
            assert!(matches!(tally.state.as_str(), "on" | "not_asked" | ""), "{tally:?}");
        }
        self.assert_adds_up();
    }

    /// The last event.
    ///
    /// # Panics
    /// When there is none of type `end`.
    #[must_use]
    pub fn end(&self) -> &Event {
        self.of("end", "").last().expect("the record has an end")
    }
}

/// Losses that are part of a total: the others happen before anything can be counted.
fn is_counted(cause: &str) -> bool {
    matches!(cause, "ring_full" | "disk")
}

fn tally(source: &str, told: &Value) -> Tally {
    let number = |name: &str| told.get(name).and_then(Value::as_u64).unwrap_or_default();
    let state = told.get("state").and_then(Value::as_str).unwrap_or_default();
    Tally {
        source: source.to_owned(),
        state: state.to_owned(),
        seen: number("seen"),
        stored: number("stored"),
        folded: number("folded"),
        lost: number("lost"),
    }
}
