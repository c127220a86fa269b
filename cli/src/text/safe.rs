//! The one way by which text of others reaches a terminal.
//!
//! File names, arguments and host names come from the observed program, which may want to move the
//! cursor, set the title, hide a suffix or fake a line (CWE-150, "trojan source"). [`Safe`] shows every
//! byte so that it can be read back and none so that it acts.

use std::{
    ffi::OsStr,
    fmt::{self, Write},
    os::unix::ffi::OsStrExt,
    path::Path,
};

/// Displays bytes of others: controls, invisible characters and invalid UTF-8 escaped.
///
/// | bytes | shown |
/// |---|---|
/// | newline, tab, carriage return | `\n` `\t` `\r` |
/// | other C0 controls, DEL, bytes that are no UTF-8 | `\x1b` |
/// | C1 controls, bidi controls, invisible characters | `\u{202e}` |
/// | backslash | `\\`, or itself with [`Safe::plain`] |
#[derive(Debug, Clone, Copy)]
pub(crate) struct Safe<'a> {
    bytes: &'a [u8],
    plain: bool,
}

impl<'a> Safe<'a> {
    /// Shows `text`.
    pub(crate) fn new(text: &'a str) -> Self {
        Safe::bytes(text.as_bytes())
    }

    /// Shows `bytes`.
    pub(crate) fn bytes(bytes: &'a [u8]) -> Self {
        Safe { bytes, plain: false }
    }

    /// Shows a path.
    pub(crate) fn path(path: &'a Path) -> Self {
        Safe::os(path.as_os_str())
    }

    /// Shows a word of the system.
    pub(crate) fn os(word: &'a OsStr) -> Self {
        Safe::bytes(word.as_bytes())
    }

    /// Leaves backslashes alone: for messages of our own in which parts are escaped already.
    pub(crate) fn plain(self) -> Self {
        Safe { plain: true, ..self }
    }
}

impl fmt::Display for Safe<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for chunk in self.bytes.utf8_chunks() {
            for c in chunk.valid().chars() {
                escape(c, self.plain, f)?;
            }
            for byte in chunk.invalid() {
                write!(f, "\\x{byte:02x}")?;
            }
        }
        Ok(())
    }
}

fn escape(c: char, plain: bool, f: &mut fmt::Formatter<'_>) -> fmt::Result {
    match c {
        '\n' => f.write_str("\\n"),
        '\t' => f.write_str("\\t"),
        '\r' => f.write_str("\\r"),
        '\\' if !plain => f.write_str("\\\\"),
        '\0'..='\x1f' | '\x7f' => write!(f, "\\x{:02x}", u32::from(c)),
        _ if is_unseen(c) => write!(f, "\\u{{{:x}}}", u32::from(c)),
        _ => f.write_char(c),
    }
}

/// Whether `c` acts on its neighbours or cannot be seen: what JSON lines escape, and two more.
fn is_unseen(c: char) -> bool {
    event::json::acts(c) || matches!(c, '\u{ad}' | '\u{180e}')
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn check(bytes: &[u8], expected: &str) {
        assert_eq!(Safe::bytes(bytes).to_string(), expected);
    }

    #[test]
    fn ordinary_text_is_unchanged() {
        check("/home/ana/Büro/日本 e\u{301}.txt".as_bytes(), "/home/ana/Büro/日本 e\u{301}.txt");
    }

    #[test]
    fn controls_are_named_and_do_not_act() {
        check(b"a\nb\tc\rd", "a\\nb\\tc\\rd");
        check(b"\x1b[31mred\x07\x7f\x00", "\\x1b[31mred\\x07\\x7f\\x00");
        check("\u{9b}31m".as_bytes(), "\\u{9b}31m");
        check("exe.\u{202e}gpj\u{2066}\u{200f}".as_bytes(), "exe.\\u{202e}gpj\\u{2066}\\u{200f}");
    }

    #[test]
    fn bytes_that_are_not_utf8_can_be_read_back() {
        check(b"caf\xe9 \x9b", "caf\\xe9 \\x9b");
        check(b"cut \xe2\x82", "cut \\xe2\\x82");
    }

    #[test]
    fn a_written_escape_differs_from_an_escaped_byte() {
        check(b"\\x1b", "\\\\x1b");
        check(b"\x1b", "\\x1b");
    }

    fn read_back(shown: &str) -> Vec<u8> {
        let mut bytes = Vec::new();
        let mut rest = shown.chars();
        while let Some(c) = rest.next() {
            if c != '\\' {
                bytes.extend(c.to_string().bytes());
                continue;
            }
            match rest.next() {
                Some('n') => bytes.push(b'\n'),
                Some('t') => bytes.push(b'\t'),
                Some('r') => bytes.push(b'\r'),
                Some('\\') => bytes.push(b'\\'),
                Some('x') => {
                    let hex: String = rest.by_ref().take(2).collect();
                    bytes.push(u8::from_str_radix(&hex, 16).expect("two digits"));
                }
                Some('u') => {
                    let hex: String = rest.by_ref().skip(1).take_while(|c| *c != '}').collect();
                    let number = u32::from_str_radix(&hex, 16).expect("digits");
                    bytes.extend(char::from_u32(number).expect("a character").to_string().bytes());
                }
                other => panic!("unknown escape {other:?}"),
            }
        }
        bytes
    }

    proptest! {
        #[test]
        fn no_control_survives(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
            let shown = Safe::bytes(&bytes).to_string();
            prop_assert!(!shown.chars().any(|c| c.is_control() || is_unseen(c)), "{shown:?}");
        }

        #[test]
        fn no_control_of_any_script_survives(text in "\\PC{0,20}[\u{0}-\u{a0}\u{61c}\u{2000}-\u{206f}\u{feff}]{0,20}") {
            let shown = Safe::new(&text).to_string();
            prop_assert!(!shown.chars().any(|c| c.is_control() || is_unseen(c)), "{shown:?}");
        }

        #[test]
        fn what_is_shown_can_be_read_back(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
            prop_assert_eq!(read_back(&Safe::bytes(&bytes).to_string()), bytes);
        }
    }
}
