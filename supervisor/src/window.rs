//! How long a window lasts: what happens in it alike is folded, and told with the checkpoint at its end.

/// Longest time between two checkpoints (docs/storage.md).
const LONGEST_NS: u64 = 1_000_000_000;

/// The same while much happens that nobody folds: it is derived while the command goes on, not when it is over. A
/// checkpoint takes half a millisecond.
const BUSY_NS: u64 = 100_000_000;

/// So much of that in a window is much: deriving it takes some 5 ms.
const BUSY: u64 = 1024;

/// On a full disk checkpoints must not eat what is left.
const FULL_NS: u64 = 60 * LONGEST_NS;

/// The window that is open.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Window {
    /// `CLOCK_BOOTTIME`.
    begun_ns: u64,
    /// What nobody folds, as of then.
    never_folded: u64,
}

impl Window {
    /// The first one.
    pub(crate) fn since(now: u64) -> Window {
        Window::after(0, now)
    }

    /// The one after a checkpoint, with so much stored by then that nobody folds.
    pub(crate) fn after(never_folded: u64, now: u64) -> Window {
        Window { begun_ns: now, never_folded }
    }

    /// When it ends, with so much stored by now that nobody folds; `whole`: the disk took everything so far.
    pub(crate) fn end_ns(&self, never_folded: u64, whole: bool) -> u64 {
        let busy = never_folded.saturating_sub(self.never_folded) >= BUSY;
        let lasts = match (whole, busy) {
            (false, _) => FULL_NS,
            (true, true) => BUSY_NS,
            (true, false) => LONGEST_NS,
        };
        self.begun_ns.saturating_add(lasts)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_window_lasts_a_second_and_a_busy_one_a_tenth() {
        let window = Window::after(5_000, 7);
        assert_eq!(window.end_ns(5_000, true), 1_000_000_007);
        assert_eq!(window.end_ns(6_023, true), 1_000_000_007);
        assert_eq!(window.end_ns(6_024, true), 100_000_007);
        let next = Window::after(6_024, 100_000_007);
        assert_eq!(next.end_ns(6_024, true), 1_100_000_007, "what came before is told");
    }

    #[test]
    fn on_a_full_disk_windows_are_long_however_much_happens() {
        assert_eq!(Window::since(0).end_ns(u64::MAX, false), 60_000_000_000);
    }
}
