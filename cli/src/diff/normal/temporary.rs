//! Names of temporary files.

use super::forms;

/// What stands for a component that is different each time; `None` for one that is not. `is_gone`: the
/// run made it and it was gone at the end; `in_tmp`: it lies in a directory for temporary files.
pub(super) fn unlike(part: &str, is_gone: bool, in_tmp: bool) -> Option<String> {
    let (stem, end) = match part.rfind('.') {
        Some(at) if at > 0 && part.len() - at <= 5 => part.split_at(at),
        _ => (part, ""),
    };
    if is_gone && in_tmp {
        return Some(format!("TMP{end}"));
    }
    if is_gone {
        return [stem, part].into_iter().find_map(|text| {
            let kept = text.get(..text.len() - drawn(text)?)?;
            Some(format!("{kept}TMP{}", part.get(text.len()..)?))
        });
    }
    let tail = [stem, part].into_iter().find(|text| in_tmp && is_random(text))?;
    if forms::has_digest(part) || forms::is_session(part) {
        return None;
    }
    let keep = tail.len() - letters(tail);
    Some(format!("{}TMP{}", tail.get(..keep)?, part.get(tail.len()..)?))
}

/// How many letters and figures a name ends with.
fn letters(text: &str) -> usize {
    text.bytes().rev().take_while(u8::is_ascii_alphanumeric).count()
}

/// How many characters at the end of a temporary name were drawn by lot.
fn drawn(name: &str) -> Option<usize> {
    // tempfile of Python draws eight of these behind `tmp` or what the caller says, others whatever
    // they like behind a mark.
    let tail = name.rsplit(['-', '.']).next()?;
    let is_drawn = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'_';
    let marked = tail.len() < name.len() && tail.bytes().all(is_drawn);
    if marked && tail.len() >= 6 {
        return Some(tail.len());
    }
    if let Some(rest) = name.strip_prefix("tmp")
        && rest.len() == 8
        && rest.bytes().all(is_drawn)
    {
        return Some(8);
    }
    // mkstemp(3): six, at the end of the name or before its suffix.
    (letters(name) >= 6).then_some(6)
}

/// Whether the last letters and digits look as if drawn by lot: of two kinds, and enough of them.
fn is_random(text: &str) -> bool {
    let tail: Vec<u8> = text.bytes().rev().take_while(u8::is_ascii_alphanumeric).collect();
    let kinds = [u8::is_ascii_digit, u8::is_ascii_lowercase, u8::is_ascii_uppercase]
        .iter()
        .filter(|is| tail.iter().any(is))
        .count();
    let turns = tail.windows(2).filter(|pair| kind(pair.first()) != kind(pair.last())).count();
    tail.len() >= 6 && kinds >= 2 && turns >= 2
}

fn kind(byte: Option<&u8>) -> u8 {
    match byte {
        Some(b'0'..=b'9') => 0,
        Some(b'a'..=b'z') => 1,
        _ => 2,
    }
}
