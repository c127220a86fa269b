//! When the rings are looked at: the first record of a while wakes us, and then we look by ourselves, until nothing came
//! any more (`attention` of bpf/progs/common.h).

/// How long a record waits that wakes nobody. At 600,000 opens a second, as fast as two processors go, 300 KiB of
/// a ring of 16 MiB fill meanwhile.
const PACE_NS: u64 = 5_000_000;

/// Whether to look.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Look {
    /// Not yet, or what is in the rings wakes us.
    No,
    /// Yes, and again.
    Yes,
    /// The next record shall wake us, and then yes: what was on its way did not.
    Last,
}

/// When to look next.
#[derive(Debug, Default)]
pub(crate) struct Attention {
    /// `CLOCK_BOOTTIME`; none while records wake us.
    next_ns: Option<u64>,
    /// Records that were read in all, and whether some since the last look.
    read: u64,
    more: bool,
}

impl Attention {
    /// A ring woke us at `now`, or is not empty.
    pub(crate) fn woken(&mut self, now: u64) {
        self.next_ns.get_or_insert(now.saturating_add(PACE_NS));
    }

    /// So many records were read in all. One that was read on the way, before files or others, woke us as well, though
    /// its ring is empty by the time that we wait.
    pub(crate) fn seen(&mut self, now: u64, read: u64) {
        if std::mem::replace(&mut self.read, read) != read {
            self.more = true;
            self.woken(now);
        }
    }

    /// When to look, if by ourselves.
    pub(crate) fn due_ns(&self) -> Option<u64> {
        self.next_ns
    }

    /// Whether to look at `now`.
    pub(crate) fn look(&mut self, now: u64) -> Look {
        if self.next_ns.is_none_or(|next| now < next) {
            return Look::No;
        }
        let more = std::mem::take(&mut self.more);
        self.next_ns = more.then_some(now.saturating_add(PACE_NS));
        if more { Look::Yes } else { Look::Last }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MS: u64 = 1_000_000;

    #[test]
    fn nobody_looks_while_records_wake_us() {
        let mut attention = Attention::default();
        assert_eq!(attention.due_ns(), None);
        assert_eq!(attention.look(u64::MAX), Look::No);
    }

    #[test]
    fn it_is_looked_until_nothing_came_and_once_more() {
        let mut attention = Attention::default();
        attention.woken(0);
        attention.seen(3 * MS, 1);
        assert_eq!(attention.due_ns(), Some(5 * MS), "it was known already");
        assert_eq!(attention.look(4 * MS), Look::No);
        assert_eq!(attention.look(5 * MS), Look::Yes);
        attention.seen(5 * MS, 3);
        assert_eq!(attention.look(10 * MS), Look::Yes);
        attention.seen(10 * MS, 3);
        assert_eq!(attention.look(15 * MS), Look::Last);
        assert_eq!(attention.look(u64::MAX), Look::No, "the next record wakes us");
    }

    #[test]
    fn what_is_still_written_is_looked_for_again() {
        let mut attention = Attention::default();
        attention.woken(0);
        assert_eq!(attention.look(5 * MS), Look::Last);
        attention.woken(5 * MS);
        assert_eq!(attention.due_ns(), Some(10 * MS));
    }

    #[test]
    fn a_record_that_was_read_on_the_way_keeps_us_looking() {
        let mut attention = Attention::default();
        attention.seen(0, 1);
        assert_eq!(attention.look(5 * MS), Look::Yes);
        assert_eq!(attention.look(10 * MS), Look::Last);
        attention.seen(10 * MS, 2);
        assert_eq!(
            attention.due_ns(),
            Some(15 * MS),
            "it came before the word was taken away, or after"
        );
    }
}
