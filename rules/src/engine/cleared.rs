//! When a full table is looked through for what is too old.

/// Looks within the time that what is in the table stays young.
const PARTS: i64 = 64;

/// When that was done last, by the time of the events. With each event that finds a full table it would cost a
/// look at all that is in it: a record of 50,000 files that were made and removed took four times as long to derive.
#[derive(Debug, Default)]
pub(super) struct Cleared(Option<i64>);

impl Cleared {
    /// Whether it is time to do it (again), and if so takes that as done. Clocks may be set back.
    pub(super) fn is_due(&mut self, now: i64, within_ns: i64) -> bool {
        let part = within_ns.unsigned_abs() / PARTS.unsigned_abs();
        let due = self.0.is_none_or(|last| now.abs_diff(last) >= part.max(1));
        if due {
            self.0 = Some(now);
        }
        due
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_full_table_is_looked_through_a_few_times_in_a_window() {
        let mut cleared = Cleared::default();
        let looks = (0..6_400).filter(|now| cleared.is_due(*now, 640)).count();
        assert_eq!(looks, 640);
    }

    #[test]
    fn a_clock_that_is_set_back_does_not_end_the_looks() {
        let mut cleared = Cleared::default();
        assert!(cleared.is_due(i64::MAX, 640));
        assert!(cleared.is_due(0, 640));
        assert!(!cleared.is_due(9, 640));
        assert!(cleared.is_due(10, 640));
    }
}
