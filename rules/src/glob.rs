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
    /// A dash of some kind, or a slash: what begins an option somewhere.
    Dash,
}

/// Literals in this order, with anything between them.
///
/// The first one that fits is taken for each: when another would do, that one does too, so that a value
/// is looked at once.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) struct Wild {
    /// For either case of ASCII letters; the literals are of small ones then.
    fold: bool,
    /// Anything may stand before the first of them.
    before: bool,
    /// Anything may stand after the last of them.
    after: bool,
    literals: Vec<Vec<u8>>,
}

impl Wild {
    /// Pieces without places for a single character.
    fn of(pieces: &[Piece], fold: bool) -> Option<Wild> {
        let literals = pieces.iter().filter_map(|piece| match piece {
            Piece::Literal(text) if fold => Some(text.to_ascii_lowercase().into_bytes()),
            Piece::Literal(text) => Some(text.clone().into_bytes()),
            Piece::Many | Piece::One | Piece::Dash => None,
        });
        let is_many = |piece: Option<&Piece>| piece == Some(&Piece::Many);
        let single = |piece: &Piece| matches!(piece, Piece::One | Piece::Dash);
        (!pieces.iter().any(single)).then(|| Wild {
            fold,
            before: is_many(pieces.first()),
            after: is_many(pieces.last()),
            literals: literals.collect(),
        })
    }

    /// The longest of its literals.
    pub(crate) fn longest(&self) -> &[u8] {
        self.literals.iter().max_by_key(|text| text.len()).map_or(&[], Vec::as_slice)
    }

    /// Returns whether a value is so.
    pub(crate) fn holds(&self, bytes: &[u8]) -> bool {
        if self.fold { self.fits(&bytes.to_ascii_lowercase()) } else { self.fits(bytes) }
    }

    fn fits(&self, bytes: &[u8]) -> bool {
        let mut rest = bytes;
        let last = self.literals.len().saturating_sub(1);
        for (at, literal) in self.literals.iter().enumerate() {
            if at == last && !self.after {
                return match at == 0 && !self.before {
                    true => rest == literal,
                    false => rest.ends_with(literal),
                };
            }
            let found = match at == 0 && !self.before {
                true => rest.starts_with(literal).then_some(0),
                false => memchr::memmem::find(rest, literal),
            };
            let Some(found) = found else { return false };
            rest = rest.get(found + literal.len()..).unwrap_or_default();
        }
        true
    }
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

/// Takes each dash and each slash of the literals for any of them.
pub(crate) fn any_dash(pieces: Vec<Piece>) -> Vec<Piece> {
    let dashes = ['-', '/', '\u{2013}', '\u{2014}', '\u{2015}'];
    let mut found = Vec::new();
    for piece in pieces {
        let Piece::Literal(text) = piece else {
            found.push(piece);
            continue;
        };
        for (at, part) in text.split(dashes).enumerate() {
            if at > 0 {
                found.push(Piece::Dash);
            }
            push_literal(&mut found, &mut part.to_owned());
        }
    }
    found
}

fn push_literal(found: &mut Vec<Piece>, literal: &mut String) {
    if !literal.is_empty() {
        found.push(Piece::Literal(std::mem::take(literal)));
    }
}

/// Whether a name is as a pattern with `*` says.
pub(crate) fn fits(pattern: &str, name: &str) -> bool {
    Wild::of(&pieces(pattern), false).is_some_and(|wild| wild.holds(name.as_bytes()))
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
        _ => match Wild::of(pieces, fold) {
            Some(wild) => Matcher::Wild(wild),
            None => Matcher::Regex { pattern: regex_of(pieces, fold), needs: longest(pieces) },
        },
    }
}

fn regex_of(pieces: &[Piece], fold: bool) -> String {
    let mut pattern = String::from(if fold { "(?is-u)^" } else { "(?s-u)^" });
    for piece in pieces {
        match piece {
            Piece::Literal(text) => pattern.push_str(&escaped(text)),
            Piece::Many => pattern.push_str(".*"),
            Piece::One => pattern.push('.'),
            // As bytes: U+2013, U+2014 and U+2015 differ in the last one.
            Piece::Dash => pattern.push_str("(?:[-/]|\\xe2\\x80[\\x93-\\x95])"),
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
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn literals_with_anything_between_are_found_as_a_regex_finds_them(
            pattern in "[*ab]{1,8}", value in "[abAB]{0,12}", fold: bool
        ) {
            let pieces = pieces(&pattern);
            let regex = crate::program::regex(&regex_of(&pieces, fold)).expect("it is sound");
            let wild = Wild::of(&pieces, fold).expect("there is no `?`");
            prop_assert_eq!(wild.holds(value.as_bytes()), regex.is_match(value.as_bytes()));
        }
    }

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
        let wild = "Wild { fold: false, before: false, after: true, literals: [[97], [98]] }";
        assert_eq!(how("a*b*"), format!("Wild({wild})"));
        assert_eq!(how("/a/*/b?"), "(?s-u)^/a/.*/b.$ needs /a/");
        assert_eq!(how("c:\\x"), "Equals c:\\x");
    }
}
