//! Values of flags: durations, moments, tags, ring sizes.

use std::{path::PathBuf, str::FromStr, time::Duration};

use jiff::{SignedDuration, Timestamp, civil, tz::TimeZone};

/// `KEY=VALUE` of `--tag`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Tag {
    /// Before the `=`.
    pub key: String,
    /// Behind it.
    pub value: String,
}

impl FromStr for Tag {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text.split_once('=') {
            Some((key, value)) if is_word(key) => {
                Ok(Tag { key: key.to_owned(), value: value.to_owned() })
            }
            _ => Err("not KEY=VALUE with a KEY of letters, digits, '.', '_' and '-'".to_owned()),
        }
    }
}

fn is_word(text: &str) -> bool {
    !text.is_empty()
        && text.len() <= 64
        && text.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'.' | b'_' | b'-'))
}

/// Parses `--name`: a word that needs no quoting and cannot be taken for a path or an option.
pub(super) fn run_name(text: &str) -> Result<String, String> {
    if is_word(text) && !text.starts_with(['-', '.']) {
        Ok(text.to_owned())
    } else {
        Err("a name is up to 64 letters, digits, '.', '_' and '-', starting with a letter or digit"
            .to_owned())
    }
}

/// Where a run is anchored.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Anchor {
    /// Standard error, which a service manager or a CI system keeps.
    Stderr,
    /// The socket of syslog and the journal.
    Syslog,
    /// The end of a file.
    File(PathBuf),
}

impl FromStr for Anchor {
    type Err = std::convert::Infallible;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Ok(match text {
            "stderr" => Anchor::Stderr,
            "syslog" | "journal" => Anchor::Syslog,
            path => Anchor::File(path.into()),
        })
    }
}

/// Sizes of the three rings in KiB; 0 is the default.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RingKib(pub [u32; 3]);

impl FromStr for RingKib {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let sizes = text.split(',').map(|size| size.trim().parse::<u32>().ok());
        let sizes: Option<Vec<u32>> = sizes.collect();
        let sizes: Option<[u32; 3]> = sizes.and_then(|list| list.try_into().ok());
        match sizes {
            Some(sizes)
                if sizes.iter().all(|&kib| kib == 0 || (kib >= 4 && kib.is_power_of_two())) =>
            {
                Ok(RingKib(sizes))
            }
            _ => Err("not three sizes in KiB, each 0 or a power of two from 4".to_owned()),
        }
    }
}

/// Parses a duration: a number (seconds), numbers with units as in `1m30s`, `250ms`, `2 hours`, or whole
/// days of 24 hours as in `30d`.
pub(super) fn duration(text: &str) -> Result<Duration, String> {
    let wrong = || "not a duration like 5s, 250ms or 1m30s".to_owned();
    if let Some(days) = text.strip_suffix('d').and_then(|days| days.parse::<u32>().ok()) {
        return Ok(Duration::from_hours(24 * u64::from(days)));
    }
    if let Ok(seconds) = text.parse::<f64>() {
        return Duration::try_from_secs_f64(seconds).map_err(|_| wrong());
    }
    let parsed: SignedDuration = text.parse().map_err(|_| wrong())?;
    Duration::try_from(parsed).map_err(|_| wrong())
}

/// Parses a size in bytes: a number, or one with a unit, of thousands (`MB`) or of 1024s (`MiB`).
pub(super) fn size(text: &str) -> Result<u64, String> {
    let wrong = || "not a size like 500MB, 1GB or 512MiB".to_owned();
    let text = text.trim();
    let at = text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len());
    let (number, unit) = text.split_at(at);
    let unit = unit.trim().to_ascii_lowercase();
    let units = [("b", 1), ("kb", 1_000), ("mb", 1_000_000), ("gb", 1_000_000_000)];
    let units = units.into_iter().chain([("tb", 1_000_000_000_000), ("", 1), ("kib", 1 << 10)]);
    let mut units = units.chain([("mib", 1 << 20), ("gib", 1 << 30), ("tib", 1_u64 << 40)]);
    let (_, times) = units.find(|(name, _)| *name == unit).ok_or_else(wrong)?;
    let number: u64 = number.parse().map_err(|_| wrong())?;
    number.checked_mul(times).ok_or_else(wrong)
}

/// Parses the time between two heartbeats: the recorder looks at the clock once a second.
pub(super) fn heartbeat(text: &str) -> Result<Duration, String> {
    let time = duration(text)?;
    if time.subsec_nanos() != 0 || time > Duration::from_secs(24 * 3600) {
        return Err("not whole seconds up to a day like 5s or 1m; 0 is never".to_owned());
    }
    Ok(time)
}

/// Parses a number of entries.
pub(super) fn at_least_one(text: &str) -> Result<usize, String> {
    let number = text.parse().ok().filter(|number| *number > 0);
    number.ok_or_else(|| "not a number from 1; --all shows everything".to_owned())
}

/// A point in time as the user gave it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Moment {
    /// So long after the start of the run.
    AfterStart(Duration),
    /// So long before now.
    BeforeNow(Duration),
    /// This instant.
    At(Timestamp),
}

impl FromStr for Moment {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let text = text.trim();
        if let Some(after) = text.strip_prefix('+') {
            return duration(after).map(Moment::AfterStart);
        }
        if let Ok(instant) = text.parse::<Timestamp>() {
            return Ok(Moment::At(instant));
        }
        // Clock times without a zone are in UTC, as all pages show them.
        if let Ok(clock) = text.parse::<civil::DateTime>()
            && let Ok(zoned) = clock.to_zoned(TimeZone::UTC)
        {
            return Ok(Moment::At(zoned.timestamp()));
        }
        let ago = text.strip_suffix("ago").unwrap_or(text).trim_end();
        duration(ago).map(Moment::BeforeNow).map_err(|_| {
            "not a moment like +12.5s (after the start), 10m (ago) or 2026-11-21T20:15:30Z"
                .to_owned()
        })
    }
}

impl Moment {
    /// Returns the instant, for a run that began at `start` and a reader who asks at `now`.
    ///
    /// Beyond the ends of time it is the end of time.
    #[must_use]
    pub fn instant(self, start: Timestamp, now: Timestamp) -> Timestamp {
        let by = |span: Duration| SignedDuration::try_from(span).unwrap_or(SignedDuration::MAX);
        match self {
            Moment::At(instant) => instant,
            Moment::AfterStart(span) => start.saturating_add(by(span)).unwrap_or(Timestamp::MAX),
            Moment::BeforeNow(span) => now.saturating_sub(by(span)).unwrap_or(Timestamp::MIN),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_are_seconds_or_have_units() {
        for (text, millis) in [
            ("5s", 5000),
            ("250ms", 250),
            ("1m30s", 90_000),
            ("2", 2000),
            ("0", 0),
            ("1d", 86_400_000),
        ] {
            assert_eq!(duration(text), Ok(Duration::from_millis(millis)), "{text}");
        }
        for wrong in ["", "5 parsecs", "-1s", "inf", "NaN"] {
            assert!(duration(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn sizes_have_units() {
        for (text, bytes) in
            [("0", 0), ("12", 12), ("1GB", 1_000_000_000), ("2 MiB", 2 << 20), ("7kb", 7000)]
        {
            assert_eq!(size(text), Ok(bytes), "{text}");
        }
        for wrong in ["", "GB", "1 parsec", "-1", "1.5GB", "99999999999TB"] {
            assert!(size(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn moments_are_relative_to_the_start_to_now_or_absolute() {
        let start: Timestamp = "2026-11-21T20:00:00Z".parse().expect("valid");
        let now: Timestamp = "2026-11-21T21:00:00Z".parse().expect("valid");
        for (text, expected) in [
            ("+1m", "2026-11-21T20:01:00Z"),
            ("10m", "2026-11-21T20:50:00Z"),
            ("10m ago", "2026-11-21T20:50:00Z"),
            ("2026-11-21T20:15:30.5Z", "2026-11-21T20:15:30.5Z"),
            ("2026-11-21 20:15", "2026-11-21T20:15:00Z"),
        ] {
            let moment: Moment = text.parse().expect(text);
            assert_eq!(moment.instant(start, now), expected.parse().expect("valid"), "{text}");
        }
        assert!("yesterdayish".parse::<Moment>().is_err());
    }

    #[test]
    fn names_and_tags_cannot_hold_control_characters_or_paths() {
        assert!(run_name("nightly-backup").is_ok());
        for wrong in ["", "../x", "-x", "a b", "a\u{1b}[m"] {
            assert!(run_name(wrong).is_err(), "{wrong:?}");
        }
        assert_eq!("ci=1=2".parse(), Ok(Tag { key: "ci".to_owned(), value: "1=2".to_owned() }));
        assert!("=x".parse::<Tag>().is_err());
    }

    #[test]
    fn ring_sizes_are_powers_of_two() {
        assert_eq!("0,4,1024".parse(), Ok(RingKib([0, 4, 1024])));
        for wrong in ["", "1,2", "3,4,4", "4,4,4,4", "2,4,4"] {
            assert!(wrong.parse::<RingKib>().is_err(), "{wrong}");
        }
    }
}
