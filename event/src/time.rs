//! Times: from the kernel's clock to the world's, and the world's as text. Nothing here asks a clock.

/// Turns `CLOCK_BOOTTIME` into UTC by pairs of both that the record holds.
///
/// The world's clock may be set while a run goes on; an event is told by the pair before it, so that
/// times within one stretch between two checkpoints keep their distances.
#[derive(Debug, Clone, Copy, Default)]
pub struct Clock {
    before: Option<Pair>,
    last: Option<Pair>,
}

#[derive(Debug, Clone, Copy)]
struct Pair {
    boot_ns: u64,
    real_ns: i64,
}

impl Clock {
    /// Learns that both clocks showed these times at one moment. Returns by how many nanoseconds the
    /// world's clock went on more than the kernel's since the pair before.
    pub fn learn(&mut self, boot_ns: u64, real_ns: i64) -> i64 {
        self.before = self.last;
        let expected = self.before.map_or(real_ns, |pair| pair.at(boot_ns));
        self.last = Some(Pair { boot_ns, real_ns });
        real_ns.saturating_sub(expected)
    }

    /// Returns UTC nanoseconds since 1970 for a time of the kernel's clock.
    ///
    /// Before the first pair is known it is the time since the machine's start.
    #[must_use]
    pub fn utc(&self, boot_ns: u64) -> i64 {
        let pair = match (self.last, self.before) {
            (Some(last), _) if last.boot_ns <= boot_ns => last,
            (Some(_), Some(before)) => before,
            (Some(last), None) => last,
            (None, _) => Pair { boot_ns: 0, real_ns: 0 },
        };
        pair.at(boot_ns)
    }
}

impl Pair {
    fn at(self, boot_ns: u64) -> i64 {
        self.real_ns.saturating_add_unsigned(boot_ns).saturating_sub_unsigned(self.boot_ns)
    }
}

pub(crate) const NANOS: i64 = 1_000_000_000;
const DAY: i64 = 86_400;

/// Appends UTC nanoseconds since 1970 as RFC 3339 with nine decimals and `Z`.
pub fn rfc3339(ts_ns: i64, out: &mut Vec<u8>) {
    let seconds = ts_ns.div_euclid(NANOS);
    let (year, month, day) = civil(seconds.div_euclid(DAY));
    let of_day = seconds.rem_euclid(DAY);
    let mut text = *b"0000-00-00T00:00:00.000000000Z";
    let mut rest = text.as_mut_slice();
    for (width, value) in [
        (4, year),
        (2, month),
        (2, day),
        (2, of_day / 3600),
        (2, of_day / 60 % 60),
        (2, of_day % 60),
        (9, ts_ns.rem_euclid(NANOS)),
    ] {
        rest = digits(value, width, rest);
    }
    out.extend_from_slice(&text);
}

/// Year, month and day of a day counted from 1970-01-01, in the Gregorian calendar
/// (Howard Hinnant, "chrono-Compatible Low-Level Date Algorithms", `civil_from_days`).
#[must_use]
pub fn civil(days: i64) -> (i64, i64, i64) {
    let days = days + 719_468;
    let era = days.div_euclid(146_097);
    let of_era = days.rem_euclid(146_097);
    let year_of_era = (of_era - of_era / 1460 + of_era / 36_524 - of_era / 146_096) / 365;
    let of_year = of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let shifted = (5 * of_year + 2) / 153;
    let day = of_year - (153 * shifted + 2) / 5 + 1;
    let month = if shifted < 10 { shifted + 3 } else { shifted - 9 };
    (year_of_era + era * 400 + i64::from(month <= 2), month, day)
}

/// Writes the last `width` decimal digits of a number that is not below zero and has no more than nine.
/// Returns what is behind them and the mark that follows.
#[inline(always)]
fn digits(value: i64, width: usize, room: &mut [u8]) -> &mut [u8] {
    let (place, rest) = room.split_at_mut_checked(width).unwrap_or_default();
    let mut value = value as u32;
    for digit in place.iter_mut().rev() {
        *digit = b'0' + (value % 10) as u8;
        value /= 10;
    }
    rest.get_mut(1..).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::{Clock, rfc3339};

    fn check(ts_ns: i64, expected: &str) {
        let mut out = Vec::new();
        rfc3339(ts_ns, &mut out);
        assert_eq!(String::from_utf8(out).expect("ASCII"), expected);
    }

    #[test]
    fn known_moments_have_their_known_texts() {
        check(0, "1970-01-01T00:00:00.000000000Z");
        check(-1, "1969-12-31T23:59:59.999999999Z");
        check(951_782_400_000_000_000, "2000-02-29T00:00:00.000000000Z");
        check(1_709_251_199_999_999_999, "2024-02-29T23:59:59.999999999Z");
        check(1_709_251_200_000_000_000, "2024-03-01T00:00:00.000000000Z");
        check(4_107_542_400_000_000_001, "2100-03-01T00:00:00.000000001Z");
        check(i64::MAX, "2262-04-11T23:47:16.854775807Z");
        check(i64::MIN, "1677-09-21T00:12:43.145224192Z");
    }

    #[test]
    fn an_event_is_told_by_the_pair_before_it() {
        let mut clock = Clock::default();
        assert_eq!(clock.utc(5), 5);
        assert_eq!(clock.learn(100, 1_000), 0);
        assert_eq!((clock.utc(100), clock.utc(150), clock.utc(90)), (1_000, 1_050, 990));
        // The world's clock was set forward by 500 in between.
        assert_eq!(clock.learn(200, 1_600), 500);
        assert_eq!((clock.utc(199), clock.utc(200), clock.utc(260)), (1_099, 1_600, 1_660));
    }

    #[test]
    fn absurd_times_do_not_overflow() {
        let mut clock = Clock::default();
        clock.learn(u64::MAX, i64::MIN);
        assert_eq!(clock.utc(0), i64::MIN);
        clock.learn(0, i64::MAX);
        assert_eq!(clock.utc(u64::MAX), i64::MAX);
    }
}
