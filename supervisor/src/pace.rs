//! When waking up for files becomes most of the work, the loop waits a moment for more of them.
//!
//! A wake-up costs more than a record, of who is recorded too, and a thousand short processes a second wake us several
//! thousand times. What comes alone is served at once, and so is all that is no file.

use std::time::Duration;

/// Time over which wake-ups are counted.
const SPAN_NS: u64 = 10_000_000;

/// Wake-ups in it that nobody waits for.
const AT_ONCE: u32 = 8;

/// Wake-ups in it with which a storm goes on: as often as it was waited, no more than five fit.
const GOES_ON: u32 = 2;

/// How long is waited for more. What is found together comes by queue, not by time (docs/events.md, "Order"): so no longer than
/// what most of it saves takes.
const WAIT: Duration = Duration::from_millis(2);

/// Counts wake-ups.
#[derive(Debug, Default)]
pub(crate) struct Pace {
    since_ns: u64,
    number: u32,
    storm: bool,
}

impl Pace {
    /// Woken at `now`; returns how long to wait before what woke us is served.
    pub(crate) fn woken(&mut self, now: u64) -> Option<Duration> {
        let span = now.saturating_sub(self.since_ns);
        if span >= SPAN_NS {
            let enough = if self.storm { GOES_ON } else { AT_ONCE + 1 };
            self.storm = self.number >= enough && span < 2 * SPAN_NS;
            (self.number, self.since_ns) = (0, now);
        }
        self.number += 1;
        (self.storm || self.number > AT_ONCE).then_some(WAIT)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MS: u64 = 1_000_000;

    /// How often `pace` wakes in `span` from `now` on, when something comes each `gap`.
    fn turns(pace: &mut Pace, now: &mut u64, span: u64, gap: u64) -> u64 {
        let (end, mut turns) = (*now + span, 0);
        while *now < end {
            turns += 1;
            *now += gap + pace.woken(*now).map_or(0, |wait| wait.as_nanos() as u64);
        }
        turns
    }

    #[test]
    fn what_comes_alone_is_served_at_once() {
        let mut pace = Pace::default();
        assert!((0..1000).all(|turn| pace.woken(turn * 5 * MS).is_none()));
    }

    #[test]
    fn storms_are_served_each_two_milliseconds() {
        let (mut pace, mut now) = (Pace::default(), 0);
        let turns = turns(&mut pace, &mut now, 1000 * MS, MS / 20);
        assert!((400..550).contains(&turns), "{turns} turns in a second");
    }

    #[test]
    fn a_storm_that_is_over_is_forgotten() {
        let (mut pace, mut now) = (Pace::default(), 0);
        turns(&mut pace, &mut now, 100 * MS, MS / 20);
        assert!(pace.woken(now).is_some());
        now += 20 * MS;
        assert!(pace.woken(now).is_none());
    }
}
