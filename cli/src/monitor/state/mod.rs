//! What a run is doing: put together from its events, one by one. No clock, no files, no terminal.
//!
//! Everything here is text that is safe to show. A run may be long: what is kept of it is bounded, and
//! what is beyond is counted.

mod files;
mod peers;
mod processes;

use std::collections::{BTreeMap, VecDeque};

pub(super) use files::{Files, Touched};
pub(super) use peers::{Peer, Peers};
pub(super) use processes::{Process, Processes};

use crate::{
    pages::{Line, outcome, who},
    text::Safe,
};

/// Findings that are kept, the newest.
const FINDINGS: usize = 500;

/// Seconds that a rate is taken over: long enough for bursts, short enough to follow what happens.
pub(super) const WINDOW_S: i64 = 10;

const SECOND: i64 = 1_000_000_000;

/// A run so far.
#[derive(Debug, Default)]
pub(super) struct State {
    /// Events taken.
    pub(super) events: u64,
    /// Time of the first and the latest event, nanoseconds since 1970.
    pub(super) span_ns: Option<(i64, i64)>,
    /// Events in each of the last seconds.
    rate: Rate,
    /// Who ran.
    pub(super) processes: Processes,
    /// What was found, the newest first.
    pub(super) findings: VecDeque<Finding>,
    /// How often, by severity; all that were found.
    pub(super) severities: BTreeMap<String, u64>,
    /// Files, the latest first.
    pub(super) files: Files,
    /// Peers.
    pub(super) peers: Peers,
    /// What each source says of itself.
    pub(super) sources: BTreeMap<String, Source>,
    /// Records lost, as far as told.
    pub(super) lost: u64,
    /// When the recorder last said that it lives, nanoseconds since 1970.
    pub(super) beat_ns: Option<i64>,
    /// How it ended.
    pub(super) end: Option<End>,
}

/// Something that a rule found.
#[derive(Debug)]
pub(super) struct Finding {
    /// Number of its event.
    pub(super) seq: u64,
    /// When, nanoseconds since 1970.
    pub(super) ts_ns: i64,
    /// How much it weighs.
    pub(super) severity: String,
    /// The rule.
    pub(super) rule: String,
    /// What it is about.
    pub(super) about: String,
    /// Who did it.
    pub(super) who: String,
}

/// A source of events.
#[derive(Debug, Default)]
pub(super) struct Source {
    /// `on`, `degraded`, ….
    pub(super) state: String,
    /// Why, where it is not on.
    pub(super) reason: String,
    /// Records seen and lost; of a live run as far as it said.
    pub(super) seen: u64,
    /// Lost of these.
    pub(super) lost: u64,
}

/// The end of a record.
#[derive(Debug)]
pub(super) struct End {
    /// How the command ended.
    pub(super) outcome: String,
    /// Whether the record is complete.
    pub(super) verdict: String,
}

/// A number in each of the last seconds.
#[derive(Debug, Default)]
pub(super) struct Rate {
    seconds: VecDeque<(i64, u64)>,
}

impl Rate {
    /// Adds to the second of `ts_ns`.
    pub(super) fn add(&mut self, ts_ns: i64, number: u64) {
        let second = ts_ns.div_euclid(SECOND);
        match self.seconds.back_mut() {
            // A clock that was set back counts where it stands.
            Some((last, sum)) if *last >= second => *sum = sum.saturating_add(number),
            _ => self.seconds.push_back((second, number)),
        }
        while self.seconds.front().is_some_and(|(old, _)| second.saturating_sub(*old) > WINDOW_S) {
            self.seconds.pop_front();
        }
    }

    /// How many a second, over the seconds before `now_ns`.
    pub(super) fn at(&self, now_ns: i64) -> u64 {
        let from = now_ns.div_euclid(SECOND).saturating_sub(WINDOW_S);
        let recent = self.seconds.iter().filter(|(second, _)| *second > from);
        recent.map(|(_, sum)| sum).fold(0_u64, |all, sum| all.saturating_add(*sum))
            / WINDOW_S.unsigned_abs()
    }
}

impl State {
    /// Takes the next event.
    pub(super) fn take(&mut self, ts_ns: i64, seq: u64, line: &Line) {
        self.events += 1;
        let span = self.span_ns.get_or_insert((ts_ns, ts_ns));
        *span = (span.0.min(ts_ns), span.1.max(ts_ns));
        self.rate.add(ts_ns, 1);
        self.processes.take(ts_ns, line);
        match line.text("type") {
            "file" => self.files.take(ts_ns, seq, line),
            "net" => self.peers.take(ts_ns, line),
            "finding" => self.found(ts_ns, seq, line),
            "source" => self.source(line),
            "lost" => self.lost = self.lost.saturating_add(line.number("count").unwrap_or(0)),
            "heartbeat" => {
                self.beat_ns = Some(ts_ns);
                self.lost = line.number("lost").unwrap_or(self.lost);
            }
            "end" => {
                let verdict = Safe::new(line.text("verdict")).to_string();
                self.end = Some(End { outcome: outcome(line), verdict });
            }
            _ => {}
        }
    }

    fn found(&mut self, ts_ns: i64, seq: u64, line: &Line) {
        let text = |name| Safe::new(line.text(name)).to_string();
        let severity = text("severity");
        let times = self.severities.entry(severity.clone()).or_default();
        *times = times.saturating_add(line.number("count").unwrap_or(1).max(1));
        let about = ["path", "host", "peer"].iter().find_map(|name| line.bytes(name));
        let about = about.map_or_else(|| text("title"), |about| Safe::bytes(&about).to_string());
        let rule = text("rule");
        self.findings.push_front(Finding { seq, ts_ns, severity, rule, about, who: who(line) });
        self.findings.truncate(FINDINGS);
    }

    fn source(&mut self, line: &Line) {
        let text = |name| Safe::new(line.text(name)).to_string();
        let known = self.sources.entry(text("source")).or_default();
        if line.has("state") {
            known.state = text("state").replace('_', " ");
        }
        if line.has("reason") {
            known.reason = text("reason");
        }
        known.seen = line.number("seen").unwrap_or(known.seen);
        known.lost = line.number("lost").unwrap_or(known.lost);
    }

    /// Events a second.
    pub(super) fn rate(&self, now_ns: i64) -> u64 {
        self.rate.at(now_ns)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_rate_is_of_the_last_seconds_and_forgets() {
        let mut rate = Rate::default();
        for second in 0..100 {
            rate.add(second * SECOND, 50);
        }
        assert_eq!(rate.at(99 * SECOND), 50);
        assert_eq!(rate.at(104 * SECOND), 25);
        assert_eq!(rate.at(200 * SECOND), 0);
        assert!(rate.seconds.len() < 20);
    }

    #[test]
    fn what_is_kept_of_a_long_run_is_bounded_and_all_is_counted() {
        let mut state = State::default();
        for at in 0..5_000_i64 {
            let line = format!(
                r#"{{"type":"finding","severity":"high","rule":"R","path":"/{at}","count":2}}"#
            );
            state.take(at, 1, &Line::parse(line.as_bytes()));
        }
        assert_eq!(state.findings.len(), FINDINGS);
        assert_eq!(state.severities.get("high"), Some(&10_000));
        assert_eq!(state.findings.front().map(|it| it.about.as_str()), Some("/4999"));
    }
}
