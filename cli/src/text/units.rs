//! Numbers as people read them: durations, sizes, counts, days.

use std::time::Duration;

use jiff::{Timestamp, civil::Date, tz::TimeZone};

/// Returns a duration in at most six columns or so: `12ms`, `1.4s`, `41s`, `4m12s`, `3h05m`, `2d04h`.
pub(crate) fn elapsed(span: Duration) -> String {
    let seconds = span.as_secs();
    match seconds {
        0 => format!("{}ms", span.as_millis()),
        1..10 => format!("{seconds}.{}s", span.subsec_millis() / 100),
        10..60 => format!("{seconds}s"),
        60..3600 => format!("{}m{:02}s", seconds / 60, seconds % 60),
        3600..86_400 => format!("{}h{:02}m", seconds / 3600, seconds % 3600 / 60),
        _ => format!("{}d{:02}h", seconds / 86_400, seconds % 86_400 / 3600),
    }
}

/// Returns a distance from the start of a run: `+12.408s`, `+4m12.408s`, `-0.001s`.
pub(crate) fn offset(nanos: i128) -> String {
    let sign = if nanos < 0 { '-' } else { '+' };
    let millis = nanos.unsigned_abs() / 1_000_000;
    let (seconds, millis) = (millis / 1000, millis % 1000);
    match seconds {
        0..60 => format!("{sign}{seconds}.{millis:03}s"),
        60..3600 => format!("{sign}{}m{:02}.{millis:03}s", seconds / 60, seconds % 60),
        _ => format!(
            "{sign}{}h{:02}m{:02}.{millis:03}s",
            seconds / 3600,
            seconds % 3600 / 60,
            seconds % 60
        ),
    }
}

/// Returns a size: `412 B`, `1.2 KB`, `14.8 MB`; powers of 1000.
pub(crate) fn bytes(size: u64) -> String {
    if size < 1000 {
        return format!("{size} B");
    }
    let mut tenths = size;
    for unit in ["KB", "MB", "GB", "TB", "PB", "EB"] {
        // Tenths of this unit: one division of 1000 a unit, one digit kept.
        let scaled = tenths / 100;
        if scaled < 10_000 {
            return if scaled < 1000 {
                format!("{}.{} {unit}", scaled / 10, scaled % 10)
            } else {
                format!("{} {unit}", scaled / 10)
            };
        }
        tenths /= 1000;
    }
    format!("{size} B")
}

/// Returns a number with its thousands set apart: `41,207`.
pub(crate) fn count(number: u64) -> String {
    let digits = number.to_string();
    let mut out = String::with_capacity(digits.len() * 4 / 3);
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            out.push(',');
        }
        out.push(digit);
    }
    out
}

/// Returns nanoseconds since 1970 as RFC 3339 text.
pub(crate) fn rfc3339(ns: i64) -> String {
    let mut text = Vec::new();
    event::time::rfc3339(ns, &mut text);
    String::from_utf8(text).unwrap_or_default()
}

/// Shows instants in UTC, the day told relative to now.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Day {
    today: Date,
}

impl Day {
    /// A reader who asks at `now`.
    pub(crate) fn of(now: Timestamp) -> Self {
        Day { today: now.to_zoned(TimeZone::UTC).date() }
    }

    /// Returns an instant as `today 20:15`, `Nov 19 17:02` or `2025-11-19`.
    pub(crate) fn short(self, instant: Timestamp) -> String {
        let then = instant.to_zoned(TimeZone::UTC);
        let date = then.date();
        let clock = then.strftime("%H:%M");
        if date == self.today {
            format!("today {clock}")
        } else if date.year() == self.today.year() {
            then.strftime("%b %-d %H:%M").to_string()
        } else {
            then.strftime("%Y-%m-%d").to_string()
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_grow_coarser() {
        for (millis, text) in [
            (12, "12ms"),
            (1_480, "1.4s"),
            (41_900, "41s"),
            (252_000, "4m12s"),
            (11_100_000, "3h05m"),
            (187_200_000, "2d04h"),
        ] {
            assert_eq!(elapsed(Duration::from_millis(millis)), text);
        }
    }

    #[test]
    fn offsets_keep_milliseconds() {
        assert_eq!(offset(12_408_000_000), "+12.408s");
        assert_eq!(offset(252_408_999_999), "+4m12.408s");
        assert_eq!(offset(-1_000_000), "-0.001s");
        assert_eq!(offset(i128::MIN).chars().next(), Some('-'));
    }

    #[test]
    fn sizes_have_three_digits() {
        for (size, text) in [
            (0, "0 B"),
            (999, "999 B"),
            (1_234, "1.2 KB"),
            (14_800_000, "14.8 MB"),
            (412_000_000, "412 MB"),
            (u64::MAX, "18.4 EB"),
        ] {
            assert_eq!(bytes(size), text);
        }
    }

    #[test]
    fn counts_have_their_thousands_set_apart() {
        for (number, text) in [(0, "0"), (999, "999"), (41_207, "41,207"), (1_000_000, "1,000,000")]
        {
            assert_eq!(count(number), text);
        }
    }

    #[test]
    fn days_are_told_from_the_reader() {
        let day = Day::of("2026-11-21T21:00:00Z".parse().expect("valid"));
        for (instant, text) in [
            ("2026-11-21T20:15:00Z", "today 20:15"),
            ("2026-11-19T17:02:00Z", "Nov 19 17:02"),
            ("2025-11-19T17:02:00Z", "2025-11-19"),
        ] {
            assert_eq!(day.short(instant.parse().expect("valid")), text);
        }
    }
}
