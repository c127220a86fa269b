//! Times as text: the stamp in a run's id, and RFC 3339 read back from an event's line.

const DAY: i64 = 86_400;

/// Returns `YYYYMMDD-HHMMSS` of `unix` seconds, UTC.
pub(crate) fn stamp(unix: u64) -> String {
    // The ten thousandth year ends here; ids have room for four digits.
    let unix = i64::try_from(unix).unwrap_or(i64::MAX).min(253_402_300_799);
    let (year, month, day) = civil(unix / DAY);
    let second = unix % DAY;
    let (hour, minute, second) = (second / 3600, second / 60 % 60, second % 60);
    format!("{year:04}{month:02}{day:02}-{hour:02}{minute:02}{second:02}")
}

/// Returns nanoseconds since 1970 of `2026-11-21T20:15:30.123456789Z`; other forms are not read.
pub(crate) fn nanoseconds(text: &str) -> Option<i64> {
    let bytes = text.as_bytes();
    let marks = [(4, b'-'), (7, b'-'), (10, b'T'), (13, b':'), (16, b':'), (19, b'.'), (29, b'Z')];
    if bytes.len() != 30 || marks.iter().any(|(at, mark)| bytes.get(*at) != Some(mark)) {
        return None;
    }
    let number = |from: usize, to: usize| -> Option<i64> {
        let digits = bytes.get(from..to)?;
        digits.iter().try_fold(0, |sum: i64, digit| {
            digit.is_ascii_digit().then(|| sum * 10 + i64::from(digit - b'0'))
        })
    };
    let days = days(number(0, 4)?, number(5, 7)?, number(8, 10)?)?;
    let (hour, minute, second) = (number(11, 13)?, number(14, 16)?, number(17, 19)?);
    if hour > 23 || minute > 59 || second > 60 {
        return None;
    }
    let seconds = days * DAY + hour * 3600 + minute * 60 + second;
    // Wide, because the earliest times have whole seconds below what 64 bits hold in nanoseconds.
    let ns = i128::from(seconds) * 1_000_000_000 + i128::from(number(20, 29)?);
    i64::try_from(ns).ok()
}

/// Returns the seconds since 1970 of `YYYYMMDDHHMMSS`, UTC.
pub(crate) fn of_stamp(digits: &str) -> Option<u64> {
    if digits.len() != 14 || !digits.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    let part = |from: usize| digits.get(from..from + 2).unwrap_or_default();
    let [month, day, hour, minute, second] = [4, 6, 8, 10, 12].map(part);
    let year = digits.get(..4).unwrap_or_default();
    let text = format!("{year}-{month}-{day}T{hour}:{minute}:{second}.000000000Z");
    u64::try_from(nanoseconds(&text)? / 1_000_000_000).ok()
}

/// Year, month and day of a day since 1970-01-01 (Howard Hinnant, "chrono-Compatible Low-Level
/// Date Algorithms", `civil_from_days`).
fn civil(days: i64) -> (i64, i64, i64) {
    let days = days + 719_468;
    let (era, of_era) = (days.div_euclid(146_097), days.rem_euclid(146_097));
    let year_of_era = (of_era - of_era / 1460 + of_era / 36_524 - of_era / 146_096) / 365;
    let of_year = of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let shifted = (5 * of_year + 2) / 153;
    let month = if shifted < 10 { shifted + 3 } else { shifted - 9 };
    let day = of_year - (153 * shifted + 2) / 5 + 1;
    (year_of_era + era * 400 + i64::from(month <= 2), month, day)
}

/// The other way (same source, `days_from_civil`); `None` for a day that no month has.
fn days(year: i64, month: i64, day: i64) -> Option<i64> {
    if !(1..=12).contains(&month) || !(1..=31).contains(&day) {
        return None;
    }
    let shifted = year - i64::from(month <= 2);
    let (era, of_era) = (shifted.div_euclid(400), shifted.rem_euclid(400));
    let of_year = (153 * (if month > 2 { month - 3 } else { month + 9 }) + 2) / 5 + day - 1;
    let days = era * 146_097 + of_era * 365 + of_era / 4 - of_era / 100 + of_year - 719_468;
    (civil(days) == (year, month, day)).then_some(days)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn known_seconds_have_their_stamps() {
        assert_eq!(stamp(0), "19700101-000000");
        assert_eq!(stamp(1_795_292_130), "20261121-201530");
        assert_eq!(stamp(u64::MAX), "99991231-235959");
        assert_eq!(of_stamp("20261121201530"), Some(1_795_292_130));
        assert_eq!(of_stamp("20261121-20153"), None);
    }

    #[test]
    fn days_that_no_month_has_are_refused() {
        for text in ["2026-02-29T00:00:00.000000000Z", "2026-13-01T00:00:00.000000000Z", ""] {
            assert_eq!(nanoseconds(text), None, "{text}");
        }
    }

    proptest! {
        #[test]
        fn what_event_writes_is_read_back(ns: i64) {
            let mut text = Vec::new();
            event::time::rfc3339(ns, &mut text);
            prop_assert_eq!(nanoseconds(std::str::from_utf8(&text)?), Some(ns));
        }

        #[test]
        fn no_text_makes_it_panic(text in "\\PC{0,40}") {
            let _ = nanoseconds(&text);
        }
    }
}
