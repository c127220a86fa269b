//! How long a window lasts: what happens in it alike is folded, and told with the checkpoint at its end.

use event::frame::control::QUIET_MS;

/// Longest time between two checkpoints in which something happened (docs/storage.md), and between two looks
/// whether something did.
const LONGEST_NS: u64 = 1_000_000_000;

/// The same while much happens that nobody folds: it is derived while the command goes on, not when it is over. A
/// checkpoint takes half a millisecond.
const BUSY_NS: u64 = 100_000_000;

/// So much of that in a window is much: deriving it takes some 5 ms.
const BUSY: u64 = 1024;

/// Time between two checkpoints while nothing happens: who waits for a sign of life hears one.
const QUIET_NS: u64 = QUIET_MS as u64 * 1_000_000;

/// On a full disk checkpoints must not eat what is left.
const FULL_NS: u64 = 60 * LONGEST_NS;

/// What has come so far, as numbers that only grow.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Come {
    /// What nobody folds, and is stored.
    pub(crate) never_folded: u64,
    /// All that was read, and all that was written.
    pub(crate) all: u64,
}

/// The window that is open.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Window {
    /// When the first one began, `CLOCK_BOOTTIME`, as the others. A quiet one ends a whole number of times
    /// [`QUIET_NS`] after it, so that heartbeats are in time; none where these are told at other times.
    first_ns: Option<u64>,
    begun_ns: u64,
    /// When to look whether something happened.
    look_ns: u64,
    /// As of its beginning.
    come: Come,
}

impl Window {
    /// The first one of a run that tells a heartbeat so often, in milliseconds.
    pub(crate) fn first(now: u64, heartbeat_ms: u32) -> Window {
        let beats_ns = u64::from(heartbeat_ms) * 1_000_000;
        let first_ns = beats_ns.is_multiple_of(QUIET_NS).then_some(now);
        Window { first_ns, begun_ns: now, look_ns: now, come: Come::default() }
            .next(Come::default(), now)
    }

    /// The one after a checkpoint.
    pub(crate) fn next(self, come: Come, now: u64) -> Window {
        Window { begun_ns: now, look_ns: now.saturating_add(LONGEST_NS), come, ..self }
    }

    /// When it ends, or is to be looked at; `whole`: the disk took everything so far.
    pub(crate) fn end_ns(&self, never_folded: u64, whole: bool) -> u64 {
        let busy = never_folded.saturating_sub(self.come.never_folded) >= BUSY;
        match (whole, busy) {
            (false, _) => self.begun_ns.saturating_add(FULL_NS),
            (true, true) => self.begun_ns.saturating_add(BUSY_NS),
            (true, false) => self.look_ns,
        }
    }

    /// Whether it goes on though [`Window::end_ns`] is over: nothing has come.
    pub(crate) fn goes_on(&mut self, come: Come, now: u64) -> bool {
        let quiet_end = self.quiet_end_ns();
        let quiet = come == self.come && now < quiet_end;
        if quiet {
            self.look_ns = now.saturating_add(LONGEST_NS).min(quiet_end);
        }
        quiet
    }

    fn quiet_end_ns(&self) -> u64 {
        let Some(first) = self.first_ns else { return self.begun_ns };
        let since = self.begun_ns.saturating_sub(first);
        first.saturating_add((since / QUIET_NS + 1).saturating_mul(QUIET_NS))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: u64 = 1_000_000_000;

    fn come(never_folded: u64, all: u64) -> Come {
        Come { never_folded, all }
    }

    #[test]
    fn a_window_lasts_a_second_and_a_busy_one_a_tenth() {
        let window = Window::first(7, 1_000).next(come(5_000, 9_000), 7);
        assert_eq!(window.end_ns(5_000, true), 1_000_000_007);
        assert_eq!(window.end_ns(6_023, true), 1_000_000_007);
        assert_eq!(window.end_ns(6_024, true), 100_000_007);
        let next = window.next(come(6_024, 12_000), 100_000_007);
        assert_eq!(next.end_ns(6_024, true), 1_100_000_007, "what came before is told");
    }

    #[test]
    fn on_a_full_disk_windows_are_long_however_much_happens() {
        assert_eq!(Window::first(0, 10_000).end_ns(u64::MAX, false), 60 * SECOND);
    }

    /// Ends of windows in which nothing comes but what `comes` says, seconds; each a bit late.
    fn ends(heartbeat_ms: u32, until: u64, mut comes: impl FnMut(u64) -> u64) -> Vec<u64> {
        let late = 3_000_000;
        let mut window = Window::first(0, heartbeat_ms);
        let (mut now, mut ends) = (0, Vec::new());
        while now < until * SECOND {
            now = window.end_ns(0, true) + late;
            let all = comes(now / SECOND);
            if !window.goes_on(come(0, all), now) {
                window = window.next(come(0, all), now);
                ends.push(now / SECOND);
            }
        }
        ends
    }

    #[test]
    fn nothing_is_said_each_five_seconds_and_that_in_time() {
        let mut thousands = ends(10_000, 5_000, |_| 0).into_iter();
        assert!(thousands.by_ref().take(1_000).eq((5..=5_000).step_by(5)));
        assert_eq!(ends(0, 20, |_| 0), [5, 10, 15, 20], "there are no heartbeats");
    }

    #[test]
    fn what_happens_is_told_within_a_second() {
        let told = ends(10_000, 13, |second| u64::from(second >= 7) + u64::from(second >= 8));
        assert_eq!(told, [5, 7, 8, 10], "each by the end of its second, and then in time again");
    }

    #[test]
    fn a_window_in_which_a_heartbeat_is_due_ends_with_its_first_look() {
        let mut window = Window::first(0, 0).next(come(0, 1), 4_600_000_000);
        let look = window.end_ns(0, true);
        assert_eq!(look, 5_600_000_000);
        assert!(!window.goes_on(come(0, 1), look));
    }

    #[test]
    fn heartbeats_at_other_times_keep_windows_short() {
        assert_eq!(ends(1_000, 4, |_| 0), [1, 2, 3, 4]);
        assert_eq!(ends(7_000, 4, |_| 0), [1, 2, 3, 4]);
    }
}
