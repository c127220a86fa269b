//! Where what is made of a run belongs below a directory for many.

/// Returns `date=YYYY-MM-DD/host=NAME`: the day on which a run began, by the RFC 3339 time `started`, and
/// its machine, in the form that Hive, DuckDB, ClickHouse, Spark and Trino know. What is not a letter,
/// digit, `.`, `_` or `-` in the name is written `%XX`, so that no name leaves its directory.
#[must_use]
pub fn partition(started: &str, host: &str) -> String {
    let (year, month, day) = event::time::civil(day(started));
    let host = if host.is_empty() { "unknown" } else { host };
    let name = percent(host);
    format!("date={year:04}-{month:02}-{day:02}/host={name}")
}

/// Returns `text` with `%XX` for what is not a letter, digit, `.`, `_` or `-`, and for dots alone.
pub(crate) fn percent(text: &str) -> String {
    let only_dots = text.bytes().all(|byte| byte == b'.');
    let mut name = String::new();
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || (matches!(byte, b'.' | b'_' | b'-') && !only_dots) {
            name.push(char::from(byte));
        } else {
            name.push_str(&format!("%{byte:02X}"));
        }
    }
    name
}

/// The day of an RFC 3339 time, since 1970; 0 of what is no time.
pub(crate) fn day(time: &str) -> i64 {
    time.parse::<jiff::Timestamp>().map_or(0, |at| at.as_second().div_euclid(86_400))
}

#[cfg(test)]
mod tests {
    use super::partition;

    #[test]
    fn no_name_of_a_host_leaves_its_directory() {
        for (host, directory) in [
            ("build-3.example", "host=build-3.example"),
            ("", "host=unknown"),
            ("..", "host=%2E%2E"),
            ("../x", "host=..%2Fx"),
            ("a/b=c", "host=a%2Fb%3Dc"),
            ("\u{e4}", "host=%C3%A4"),
        ] {
            let expected = format!("date=2026-11-22/{directory}");
            assert_eq!(partition("2026-11-22T23:59:59.999999999Z", host), expected);
        }
    }

    #[test]
    fn what_is_no_time_is_of_the_first_day() {
        assert_eq!(partition("", "a"), "date=1970-01-01/host=a");
    }
}
