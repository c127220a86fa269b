//! What times, digests and versions look like.

/// Dates and clock times; a longer form stands before its beginning.
const TIMES: [&str; 7] = [
    "0000-00-00T00:00:00",
    "0000-00-00_00-00-00",
    "00000000-000000",
    "00000000T000000",
    "00000000_000000",
    "0000-00-00",
    "00:00:00",
];

/// Puts `TIME` in place of dates, clock times and seconds since 1970 (or parts of them).
pub(super) fn times(token: &str) -> Option<String> {
    let mut out = String::new();
    let mut rest = token;
    let mut inner = false;
    while let Some(first) = rest.chars().next() {
        let len = if inner || !first.is_ascii_digit() { 0 } else { time_at(rest) };
        if len > 0 {
            out.push_str("TIME");
            rest = rest.get(len..).unwrap_or_default();
            inner = true;
        } else {
            out.push(first);
            rest = rest.get(first.len_utf8()..).unwrap_or_default();
            inner = first.is_ascii_alphanumeric();
        }
    }
    (out != token).then_some(out)
}

/// How long the time is that `text` begins with; 0 when it is none.
fn time_at(text: &str) -> usize {
    let ends = |len: usize| {
        !text.get(len..).is_some_and(|rest| rest.starts_with(|c: char| c.is_ascii_digit()))
    };
    let is = |form: &&&str| {
        let like = |(one, like): (char, char)| {
            if like == '0' { one.is_ascii_digit() } else { one == like }
        };
        let year = !form.starts_with("0000") || text.starts_with("20") || text.starts_with("19");
        text.len() >= form.len()
            && year
            && text.chars().zip(form.chars()).all(like)
            && ends(form.len())
    };
    if let Some(form) = TIMES.iter().find(is) {
        return form.len();
    }
    let digits = text.bytes().take_while(u8::is_ascii_digit).count();
    let seconds = matches!(digits, 10 | 13 | 16 | 19) && text.starts_with('1');
    let day = matches!(digits, 8 | 14) && (text.starts_with("20") || text.starts_with("19"));
    if seconds || day { digits } else { 0 }
}

/// A digest or a UUID in `token`, with what stands before and behind it.
pub(super) fn digest(token: &str) -> Option<(&str, &str, &str)> {
    if let Some(at) = uuid(token) {
        let (before, rest) = token.split_at_checked(at)?;
        let (uuid, after) = rest.split_at_checked(UUID)?;
        return Some((before, uuid, after));
    }
    // A version of many figures is none, and nor is what is all letters: a name.
    let end = token.find('.').unwrap_or(token.len());
    let (stem, after) = token.split_at_checked(end)?;
    is_digest(stem).then_some(("", stem, after))
}

/// Sixteen hexadecimal digits or more, some of them figures and some letters.
fn is_digest(text: &str) -> bool {
    let has = |is: fn(&u8) -> bool| text.bytes().any(|byte| is(&byte));
    text.len() >= 16
        && text.bytes().all(|byte| byte.is_ascii_hexdigit())
        && has(u8::is_ascii_digit)
        && has(u8::is_ascii_alphabetic)
}

/// Characters of a UUID.
const UUID: usize = 36;

/// Where a UUID begins in `text`.
fn uuid(text: &str) -> Option<usize> {
    let is = |window: &[u8]| {
        window.iter().enumerate().all(|(at, byte)| match at {
            8 | 13 | 18 | 23 => *byte == b'-',
            _ => byte.is_ascii_hexdigit(),
        })
    };
    let beside = |at: Option<usize>| {
        at.and_then(|at| text.as_bytes().get(at)).is_some_and(u8::is_ascii_alphanumeric)
    };
    let mut windows = text.as_bytes().windows(UUID).enumerate();
    windows
        .find(|(at, window)| is(window) && !beside(at.checked_sub(1)) && !beside(Some(at + UUID)))
        .map(|(at, _)| at)
}

/// Whether this component of a path is a digest or has a UUID.
pub(super) fn has_digest(part: &str) -> bool {
    digest(part).is_some()
}

/// Whether a directory is named after the first byte of the digests in it, as git's are.
pub(super) fn is_shard(above: &str, part: &str) -> bool {
    above == "objects" && part.len() == 2 && part.bytes().all(|byte| byte.is_ascii_hexdigit())
}

/// Whether this is the directory of a session of rustc's incremental compilation, or its lock:
/// `s-`, the time and a random number in base 36, and a digest or `working`
/// (compiler/rustc_incremental/src/persist/fs.rs).
pub(super) fn is_session(part: &str) -> bool {
    let name = part.strip_suffix(".lock").unwrap_or(part);
    let mut words = name.split('-');
    let base36 =
        |word: &str| word.bytes().all(|byte| byte.is_ascii_digit() || byte.is_ascii_lowercase());
    let (Some("s"), Some(time), Some(random)) = (words.next(), words.next(), words.next()) else {
        return false;
    };
    // Microseconds since 1970, from 2018 to 2039; the number is of 32 bits.
    time.len() == 10
        && base36(time)
        && matches!(time.as_bytes(), [b'f'..=b'l', ..])
        && (5..=7).contains(&random.len())
        && base36(random)
        && words.all(base36)
}

/// `libx.so.1.2.3` becomes `libx.so.VERSION`; a single number is none.
pub(super) fn version(token: &str) -> Option<String> {
    let mut out: Vec<&str> = Vec::new();
    let mut found = false;
    let parts: Vec<&str> = token.split('.').collect();
    let number = |part: &&str| !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_digit());
    let mut at = 0;
    while let Some(part) = parts.get(at) {
        let numbers = parts.iter().skip(at).take_while(|part| number(part)).count();
        let leads = at == 0 && part.strip_prefix('v').is_some_and(|rest| number(&rest));
        if numbers >= 2 || (leads && parts.get(1).is_some_and(number)) {
            let tail = if leads {
                parts.iter().skip(1).take_while(|p| number(p)).count() + 1
            } else {
                numbers
            };
            out.push("VERSION");
            (at, found) = (at + tail, true);
        } else {
            out.push(part);
            at += 1;
        }
    }
    found.then(|| out.join("."))
}
