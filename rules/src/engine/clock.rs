//! Parts of the time of an event, in UTC.

use event::time::civil;

use crate::field::Part;

/// Seconds of a day.
const DAY: i64 = 86_400;

/// Days of a year before each month, but for the 29th of February.
const BEFORE: [i64; 12] = [0, 31, 59, 90, 120, 151, 181, 212, 243, 273, 304, 334];

/// Returns a part of an instant, nanoseconds since 1970.
pub(super) fn part(ts_ns: i64, part: Part) -> u64 {
    let seconds = ts_ns.div_euclid(1_000_000_000);
    let (days, of_day) = (seconds.div_euclid(DAY), seconds.rem_euclid(DAY));
    let (year, month, day) = civil(days);
    let number = match part {
        Part::Minute => of_day / 60 % 60,
        Part::Hour => of_day / 3600,
        Part::Day => day,
        Part::Week => week(days),
        Part::Month => month,
        Part::Year => year,
    };
    u64::try_from(number).unwrap_or(0)
}

/// The week of ISO 8601: it begins on Monday and belongs to the year that has its Thursday.
fn week(days: i64) -> i64 {
    // 1970-01-01 was a Thursday.
    let (year, month, day) = civil(days - (days + 3).rem_euclid(7) + 3);
    let leaps = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
    let before = usize::try_from(month - 1).ok().and_then(|at| BEFORE.get(at)).copied();
    let of_year = before.unwrap_or(0) + day - 1 + i64::from(leaps && month > 2);
    of_year / 7 + 1
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_week_belongs_to_the_year_of_its_thursday() {
        // Seconds by `date -u -d`, weeks by `date +%V`.
        for (seconds, expected) in [
            (0, 1),
            (1_795_305_600, 47),
            (1_609_459_200, 53),
            (1_735_516_800, 1),
            (1_709_164_800, 9),
            (1_735_430_399, 52),
        ] {
            assert_eq!(part(seconds * 1_000_000_000, Part::Week), expected, "{seconds}");
        }
        let all = [Part::Year, Part::Month, Part::Day, Part::Hour, Part::Minute];
        let told = all.map(|one| part((1_795_305_600 + 82_859) * 1_000_000_000, one));
        assert_eq!(told, [2026, 11, 22, 23, 0]);
    }
}
