//! Wildcards, made into the cheapest test that says the same.

use crate::expr::{How, Matcher};

/// A pattern in pieces.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Piece {
    Literal(String),
    /// Any bytes.
    Many,
    /// One byte.
    One,
}

/// Reads `*` and `?`; a backslash before one of them, or before a backslash, takes away its meaning.
pub(crate) fn pieces(text: &str) -> Vec<Piece> {
    let (mut found, mut literal) = (Vec::new(), String::new());
    let mut chars = text.chars().peekable();
    while let Some(c) = chars.next() {
        let special = match c {
            '*' => Some(Piece::Many),
            '?' => Some(Piece::One),
            '\\' => {
                match chars.peek() {
                    Some(&next @ ('*' | '?' | '\\')) => {
                        chars.next();
                        literal.push(next);
                    }
                    _ => literal.push(c),
                }
                continue;
            }
            _ => None,
        };
        match special {
            None => literal.push(c),
            Some(piece) => {
                push_literal(&mut found, &mut literal);
                if piece != Piece::Many || found.last() != Some(&Piece::Many) {
                    found.push(piece);
                }
            }
        }
    }
    push_literal(&mut found, &mut literal);
    found
}

fn push_literal(found: &mut Vec<Piece>, literal: &mut String) {
    if !literal.is_empty() {
        found.push(Piece::Literal(std::mem::take(literal)));
    }
}

/// Makes the test; `fold` for either case of letters.
pub(crate) fn matcher(pieces: &[Piece], fold: bool) -> Matcher {
    use Piece::{Literal, Many};
    let text = |how, text: &str| Matcher::Text { how, fold, text: text.as_bytes().to_vec() };
    match pieces {
        [] => text(How::Equals, ""),
        [Literal(one)] => text(How::Equals, one),
        [Many] => Matcher::Present,
        [Literal(one), Many] => text(How::Prefix, one),
        [Many, Literal(one)] => text(How::Suffix, one),
        [Many, Literal(one), Many] => text(How::Contains, one),
        _ => Matcher::Regex { pattern: regex_of(pieces, fold), needs: longest(pieces) },
    }
}

fn regex_of(pieces: &[Piece], fold: bool) -> String {
    let mut pattern = String::from(if fold { "(?is-u)^" } else { "(?s-u)^" });
    for piece in pieces {
        match piece {
            Piece::Literal(text) => pattern.push_str(&escaped(text)),
            Piece::Many => pattern.push_str(".*"),
            Piece::One => pattern.push('.'),
        }
    }
    pattern + "$"
}

/// Bytes that are no ASCII as `\xNN`, as a pattern over bytes wants them.
pub(crate) fn escaped(text: &str) -> String {
    use std::fmt::Write;
    let mut out = String::new();
    for byte in text.bytes() {
        // Writing to a string does not fail.
        let _ = match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'/' | b'_' | b' ' => {
                write!(out, "{}", char::from(byte))
            }
            _ => write!(out, "\\x{byte:02x}"),
        };
    }
    out
}

fn longest(pieces: &[Piece]) -> Vec<u8> {
    let literals = pieces.iter().filter_map(|piece| match piece {
        Piece::Literal(text) => Some(text.as_bytes().to_vec()),
        _ => None,
    });
    literals.max_by_key(Vec::len).unwrap_or_default()
}

/// A glob with `[abc]` or `{a,b}` as a pattern over bytes.
pub(crate) fn rich(text: &str) -> Result<Matcher, String> {
    let mut builder = globset::GlobBuilder::new(text);
    let glob = builder.literal_separator(false).backslash_escape(true).build();
    let glob = glob.map_err(|why| why.kind().to_string())?;
    Ok(Matcher::Regex { pattern: glob.regex().to_owned(), needs: Vec::new() })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn simple_patterns_need_no_regex() {
        let how = |text: &str| match matcher(&pieces(text), false) {
            Matcher::Text { how, text, .. } => {
                format!("{how:?} {}", String::from_utf8_lossy(&text))
            }
            Matcher::Regex { pattern, needs } => {
                format!("{pattern} needs {}", String::from_utf8_lossy(&needs))
            }
            other => format!("{other:?}"),
        };
        assert_eq!(how("abc"), "Equals abc");
        assert_eq!(how("/etc/**"), "Prefix /etc/");
        assert_eq!(how("*.sh"), "Suffix .sh");
        assert_eq!(how("*a\\*b*"), "Contains a*b");
        assert_eq!(how("*"), "Present");
        assert_eq!(how("/a/*/b?"), "(?s-u)^/a/.*/b.$ needs /a/");
        assert_eq!(how("c:\\x"), "Equals c:\\x");
    }
}
