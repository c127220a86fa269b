//! Names and values inside one argument: variables, parameters, headers, JSON, URLs.

use std::ops::Range;

use super::{Rule, Spans, names, words};

/// Finds them in `text`, which stands at `at` and is a command line or not.
pub(super) fn scan(at: usize, text: &[u8], line: bool, spans: &mut Spans) {
    // Outside of a shell's text `$` is a letter as any other.
    let shell = text.iter().any(u8::is_ascii_whitespace);
    // What is in a secret is not looked at again: each byte is in one value, so the time is linear.
    let mut done = 0;
    for (place, byte) in text.iter().enumerate() {
        if place < done {
            continue;
        }
        let found = match byte {
            b'=' => assigned(text, place, (shell, line)).map(|range| (range, Rule::Named)),
            b':' if text.get(place..place + 3) == Some(b"://") => {
                userinfo(text, place + 3, shell).map(|range| (range, Rule::Url))
            }
            b':' => told(text, place, shell).map(|range| (range, Rule::Named)),
            b' ' => bearer(text, place).map(|range| (range, Rule::Named)),
            _ => None,
        };
        if let Some((range, rule)) = found {
            done = range.end;
            spans.add(at + range.start..at + range.end, rule);
        }
    }
}

/// `NAME=value`, `?name=value`, `name=value;`.
fn assigned(text: &[u8], equal: usize, (shell, line): (bool, bool)) -> Option<Range<usize>> {
    let name = name_before(text, equal)?;
    let word = text.get(name.clone())?;
    let mark = name.start.checked_sub(1).and_then(|before| text.get(before));
    let parameter = matches!(mark, Some(b'?' | b'&'));
    if !(names::is_secret(word) || parameter && names::is_parameter(word)) {
        return None;
    }
    let in_name = |byte: &u8| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-');
    let whole = name.start == 0 && word.iter().all(in_name);
    let rest = text.get(equal + 1..)?;
    // The working directory is in a variable that is called like a password.
    let directory = word.last_chunk::<3>().is_some_and(|end| end.eq_ignore_ascii_case(b"pwd"))
        || names::is_key(word);
    if directory && words::is_path_start(rest) || words::is_elsewhere(rest, shell) {
        return None;
    }
    let range = match rest.first() {
        Some(quote @ (b'"' | b'\'')) => quoted(text, equal + 2, *quote),
        _ if whole && !line => equal + 1..text.len(),
        _ => until(text, equal + 1, is_end),
    };
    let (skip, secret) = words::secret_part(text.get(range.clone())?, shell)?;
    Some(range.start + skip..range.start + skip + secret.len())
}

/// `Name: value`, `"name": "value"`.
fn told(text: &[u8], colon: usize, shell: bool) -> Option<Range<usize>> {
    let name = name_before(text, colon)?;
    let word = text.get(name)?;
    let blanks = text.get(colon + 1..)?.iter().take_while(|byte| **byte == b' ').count();
    let start = colon + 1 + blanks;
    if let Some(scheme) = names::header(word) {
        let range = until(text, start, |byte| matches!(byte, b'\n' | b'\r' | b'"' | b'\''));
        let skip = if scheme { scheme_len(text.get(range.clone())?) } else { 0 };
        let range = range.start + skip..range.end;
        let value = text.get(range.clone())?;
        return (!(shell && words::is_variable(value))).then_some(range);
    }
    let quote = text.get(start).filter(|byte| matches!(byte, b'"' | b'\''));
    let is_pair = blanks > 0 || quote.is_some();
    let rest = text.get(start..)?;
    if !is_pair || !names::is_secret(word) || words::is_elsewhere(rest, shell) {
        return None;
    }
    let range = match quote {
        Some(quote) => quoted(text, start + 1, *quote),
        None => until(text, start, is_end),
    };
    let (skip, secret) = words::secret_part(text.get(range.clone())?, shell)?;
    Some(range.start + skip..range.start + skip + secret.len())
}

/// `Basic `, `Bearer `: the word before the credentials.
fn scheme_len(value: &[u8]) -> usize {
    let word =
        value.iter().take_while(|byte| byte.is_ascii_alphanumeric() || **byte == b'-').count();
    let blanks = value.iter().skip(word).take_while(|byte| **byte == b' ').count();
    if blanks > 0 { word + blanks } else { 0 }
}

/// `Bearer` and a token, wherever it stands.
fn bearer(text: &[u8], space: usize) -> Option<Range<usize>> {
    let word = text.get(space.checked_sub(6)?..space)?;
    if !word.eq_ignore_ascii_case(b"bearer") {
        return None;
    }
    let token = |byte: u8| byte.is_ascii_alphanumeric() || b"-._~+/=".contains(&byte);
    let range = until(text, space + 1, |byte| !token(byte));
    let value = text.get(range.clone())?;
    let drawn = value.len() >= 20 || value.len() >= 8 && value.iter().any(u8::is_ascii_digit);
    drawn.then_some(range)
}

/// The password in `scheme://user:password@host`; a user alone only when it looks like a token.
fn userinfo(text: &[u8], start: usize, shell: bool) -> Option<Range<usize>> {
    let end = |byte: u8| {
        is_end(byte) && !matches!(byte, b',' | b';' | b'&' | b')' | b'}')
            || matches!(byte, b'/' | b'?' | b'#')
    };
    let authority = until(text, start, end);
    let at = text.get(authority)?.iter().rposition(|byte| *byte == b'@')?;
    let user = text.get(start..start + at)?;
    let secret = match user.iter().position(|byte| *byte == b':') {
        Some(colon) => start + colon + 1..start + at,
        None if user.len() >= 20 && user.iter().any(u8::is_ascii_digit) => start..start + at,
        None => return None,
    };
    let value = text.get(secret.clone())?;
    (!(shell && words::is_variable(value))).then_some(secret)
}

/// The name that ends before `end`, a closing quote or bracket left out.
fn name_before(text: &[u8], end: usize) -> Option<Range<usize>> {
    let before = text.get(..end)?;
    let quote = before.last().is_some_and(|byte| matches!(byte, b'"' | b'\'' | b']'));
    let end = end - usize::from(quote);
    // Longer ones are no names; so the time for a text of `=` alone stays linear.
    let is_name = |byte: &&u8| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-' | b'.');
    let len = text.get(..end)?.iter().rev().take(64).take_while(is_name).count();
    (len > 0).then(|| end - len..end)
}

fn is_end(byte: u8) -> bool {
    byte.is_ascii_whitespace() || b"&;,'\"})#`|<>".contains(&byte)
}

fn until(text: &[u8], start: usize, ends: impl Fn(u8) -> bool) -> Range<usize> {
    let rest = text.get(start..).unwrap_or_default();
    start..start + rest.iter().position(|byte| ends(*byte)).unwrap_or(rest.len())
}

/// Up to the closing quote that is not behind a backslash.
fn quoted(text: &[u8], start: usize, quote: u8) -> Range<usize> {
    let rest = text.get(start..).unwrap_or_default();
    let mut escaped = false;
    let end = rest.iter().position(|byte| {
        let closes = *byte == quote && !escaped;
        escaped = *byte == b'\\' && !escaped;
        closes
    });
    start..start + end.unwrap_or(rest.len())
}
