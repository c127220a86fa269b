//! Heartbeats: out of the checkpoints that the recorder writes each second, one per interval.

use event::frame::control::{Source, State};
use event::model::{Heartbeat, Totals, What};

use super::{At, Pipeline};

/// Where the front does not say how often (COI tells its agent's at the same pace).
const INTERVAL_MS: u64 = 10_000;

/// When the next one is due.
#[derive(Debug, Clone, Copy)]
pub(super) struct Beats {
    interval_ms: u64,
    /// How many were told.
    told: u64,
    /// When the last was due, `CLOCK_BOOTTIME` nanoseconds; none before the start.
    last_ns: Option<u64>,
}

impl Default for Beats {
    fn default() -> Self {
        Beats { interval_ms: INTERVAL_MS, told: 0, last_ns: None }
    }
}

impl Beats {
    /// Sets how often; 0 is never.
    pub(super) fn every(&mut self, interval_ms: u64) {
        self.interval_ms = interval_ms;
    }

    /// Counts from here.
    pub(super) fn begin(&mut self, boot_ns: u64) {
        self.last_ns = Some(boot_ns);
    }

    /// Returns the number of the beat that is due at `boot_ns`, if one is. One that comes late is
    /// one: what was missed in between shows in its time.
    fn due(&mut self, boot_ns: u64) -> Option<u64> {
        let interval_ns = self.interval_ms.saturating_mul(1_000_000);
        let last_ns = self.last_ns?;
        let since = boot_ns.saturating_sub(last_ns);
        // On the grid of the first, so that they do not drift with the checkpoints.
        let beyond = since.checked_rem(interval_ns)?;
        if since < interval_ns {
            return None;
        }
        self.last_ns = Some(boot_ns.saturating_sub(beyond));
        self.told += 1;
        Some(self.told)
    }
}

impl Pipeline {
    /// Tells a heartbeat with this checkpoint if one is due.
    pub(super) fn beat(&mut self, at: At, alive: u32) {
        let Some(beat) = self.beats.due(at.boot_ns) else { return };
        let works = |source: &Source| {
            let state = self.coverage.source(*source).and_then(|known| known.state);
            matches!(state, Some(State::On | State::Degraded))
        };
        let sources = Source::ALL.into_iter().filter(works);
        let sum = |sum: Totals, more: Totals| Totals {
            seen: sum.seen.saturating_add(more.seen),
            stored: sum.stored.saturating_add(more.stored),
            folded: sum.folded.saturating_add(more.folded),
            lost: sum.lost.saturating_add(more.lost),
        };
        let totals = Source::ALL.into_iter().map(|source| self.coverage.totals(source));
        let heartbeat = Heartbeat {
            beat,
            interval_ms: self.beats.interval_ms,
            sources: sources.map(|source| source.name().to_owned()).collect(),
            alive,
            totals: totals.fold(Totals::default(), sum),
        };
        self.push(at, None, What::Heartbeat(Box::new(heartbeat)));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: u64 = 1_000_000_000;

    #[test]
    fn beats_keep_the_grid_of_the_start_and_a_late_one_is_one() {
        let mut beats = Beats::default();
        assert_eq!(beats.due(99 * SECOND), None, "not begun");
        beats.begin(5 * SECOND);
        let at = [14, 15, 16, 25, 58, 64, 65];
        let told = at.map(|seconds| beats.due(seconds * SECOND));
        assert_eq!(told, [None, Some(1), None, Some(2), Some(3), None, Some(4)]);
    }

    #[test]
    fn beats_can_be_switched_off() {
        let mut beats = Beats::default();
        beats.every(0);
        beats.begin(SECOND);
        assert_eq!(beats.due(1000 * SECOND), None);
    }
}
