//! When waking up becomes most of the work, the loop waits a moment for more of it.
//!
//! A wake-up costs more than a record, and a thousand short processes a second wake us several thousand
//! times. What comes alone is served at once: the marks of a new mount namespace must be there before what
//! runs in it.

use std::time::Duration;

/// Time over which wake-ups are counted.
const SPAN_NS: u64 = 10_000_000;

/// Wake-ups in it that nobody waits for.
const AT_ONCE: u32 = 8;

/// How long is waited for more. At 600,000 opens a second, as fast as two processors go, 60 KiB of a ring of
/// 16 MiB fill meanwhile.
const WAIT: Duration = Duration::from_millis(1);

/// Counts wake-ups.
#[derive(Debug, Default)]
pub(crate) struct Pace {
    since_ns: u64,
    number: u32,
}

impl Pace {
    /// Woken at `now`; returns how long to wait before what woke us is served.
    pub(crate) fn woken(&mut self, now: u64) -> Option<Duration> {
        if now.saturating_sub(self.since_ns) >= SPAN_NS {
            // In a storm fewer are served at once.
            self.number = self.number.saturating_sub(AT_ONCE).min(AT_ONCE / 2);
            self.since_ns = now;
        }
        self.number += 1;
        (self.number > AT_ONCE).then_some(WAIT)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_comes_alone_is_served_at_once() {
        let mut pace = Pace::default();
        assert!((0..1000).all(|turn| pace.woken(turn * 5_000_000).is_none()));
    }

    #[test]
    fn storms_are_served_about_once_a_millisecond() {
        let (mut pace, mut now, mut turns) = (Pace::default(), 0, 0);
        while now < 1_000_000_000 {
            turns += 1;
            // A wake-up every 50 us, unless we wait.
            now += 50_000;
            now += pace.woken(now).map_or(0, |wait| wait.as_nanos() as u64);
        }
        assert!((900..1800).contains(&turns), "{turns} turns in a second");
    }
}
