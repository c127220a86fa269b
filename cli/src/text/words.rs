//! Words of others in our sentences: command lines, program names, addresses, signals.

use super::Safe;

/// Returns a command line as it could be typed, safe to show.
///
/// Words with spaces or shell characters are quoted; what [`Safe`] escapes stays escaped in the quotes.
pub(crate) fn command_line<T: AsRef<[u8]>>(words: impl IntoIterator<Item = T>) -> String {
    let words = words.into_iter().map(|word| quoted(word.as_ref()));
    words.collect::<Vec<_>>().join(" ")
}

fn quoted(word: &[u8]) -> String {
    let shown = Safe::bytes(word).to_string();
    let plain =
        |byte: u8| byte.is_ascii_alphanumeric() || b"-_./=:,@%+~\\".contains(&byte) || byte >= 0x80;
    if !word.is_empty() && shown.bytes().all(plain) {
        shown
    } else if shown.contains('\'') {
        format!("\"{}\"", shown.replace('"', "\\\""))
    } else {
        format!("'{shown}'")
    }
}

/// Returns the last part of a program's path, safe to show.
pub(crate) fn program(path: &[u8]) -> String {
    let name = path.rsplit(|byte| *byte == b'/').find(|part| !part.is_empty());
    Safe::bytes(name.unwrap_or(path)).to_string()
}

/// Returns a signal's name without `SIG`; its number where it has none.
pub(crate) fn signal(number: u64) -> String {
    let names = [
        "HUP", "INT", "QUIT", "ILL", "TRAP", "ABRT", "BUS", "FPE", "KILL", "USR1", "SEGV", "USR2",
        "PIPE", "ALRM", "TERM", "STKFLT", "CHLD", "CONT", "STOP", "TSTP", "TTIN", "TTOU", "URG",
        "XCPU", "XFSZ", "VTALRM", "PROF", "WINCH", "IO", "PWR", "SYS",
    ];
    let place = usize::try_from(number).ok().and_then(|number| number.checked_sub(1));
    place
        .and_then(|place| names.get(place))
        .map_or_else(|| format!("signal {number}"), |name| (*name).to_owned())
}

/// Returns `count` with `one` or the plural of it.
pub(crate) fn plural(count: u64, one: &str) -> String {
    let s = match count {
        1 => "",
        _ if one.ends_with('s') => "es",
        _ => "s",
    };
    format!("{} {one}{s}", super::count(count))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn command_lines_can_be_read_and_do_not_act() {
        assert_eq!(command_line(["claude", "-p", "fix the tests"]), "claude -p 'fix the tests'");
        assert_eq!(command_line(["sh", "-c", "echo 'a'"]), "sh -c \"echo 'a'\"");
        assert_eq!(command_line([&b"x"[..], b"", b"\x1b]0;\x07"]), "x '' '\\x1b]0;\\x07'");
    }

    #[test]
    fn programs_are_called_by_their_last_part() {
        assert_eq!(program(b"/usr/bin/git"), "git");
        assert_eq!(program(b"/tmp/a\nb"), "a\\nb");
        assert_eq!(program(b"/"), "/");
    }

    #[test]
    fn signals_have_their_names() {
        assert_eq!(signal(15), "TERM");
        assert_eq!(signal(31), "SYS");
        assert_eq!(signal(34), "signal 34");
        assert_eq!(signal(0), "signal 0");
    }
}
