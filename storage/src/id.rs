//! Run ids: `YYYYMMDD-HHMMSS-<label>-<4 characters>`.
//!
//! An id is a directory's name, a cgroup's name and what a user types: it has only `[a-z0-9-]`, at
//! most [`RunId::MAX`] bytes, and nothing that was not made here gets through [`RunId::parse`].

use std::{ffi::OsStr, fmt, os::unix::ffi::OsStrExt, path::Path};

use rustix::rand::{GetRandomFlags, getrandom};

use crate::time;

/// Letters of the suffix: Crockford's base32, without those that are mistaken for digits.
const LETTERS: &[u8; 32] = b"0123456789abcdefghjkmnpqrstvwxyz";

/// Characters of the suffix.
const SUFFIX: usize = 4;

/// Longest label.
const LABEL: usize = 24;

/// Bytes of `YYYYMMDD-HHMMSS`.
const STAMP: usize = 15;

/// The name of a run.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct RunId(String);

impl RunId {
    /// Longest id; fits with its NUL into the 64 bytes that the segments and the leaf have for it.
    pub const MAX: usize = STAMP + 1 + LABEL + 1 + SUFFIX;

    /// Makes an id from a time (seconds since 1970), the run's name or else its command, and some
    /// random bits of which 20 are used.
    #[must_use]
    pub fn make(unix: u64, name: Option<&OsStr>, command: &OsStr, random: u32) -> RunId {
        let file = Path::new(command).file_name().unwrap_or(command);
        let label = label(name.unwrap_or(file).as_bytes());
        let mut id = format!("{}-{label}-", time::stamp(unix));
        id.extend((0..SUFFIX).map(|place| letter(random >> (5 * place))));
        RunId(id)
    }

    /// Makes an id with random bits of the kernel's.
    ///
    /// # Errors
    /// Those of getrandom(2).
    pub fn draw(unix: u64, name: Option<&OsStr>, command: &OsStr) -> std::io::Result<RunId> {
        let mut random = [0; 4];
        getrandom(&mut random, GetRandomFlags::empty())?;
        Ok(RunId::make(unix, name, command, u32::from_ne_bytes(random)))
    }

    /// Returns the id that `text` is, if it is one in every character.
    #[must_use]
    pub fn parse(text: &str) -> Option<RunId> {
        let bytes = text.as_bytes();
        let (stamp, rest) = bytes.split_at_checked(STAMP)?;
        let is_stamp = stamp.iter().enumerate().all(|(at, byte)| match at {
            8 => *byte == b'-',
            _ => byte.is_ascii_digit(),
        });
        let label_len = rest.len().checked_sub(2 + SUFFIX)?;
        let (label, suffix) = rest.strip_prefix(b"-")?.split_at_checked(label_len)?;
        let suffix = suffix.strip_prefix(b"-")?;
        let good = is_stamp
            && (1..=LABEL).contains(&label.len())
            && label.iter().all(|byte| is_plain(*byte) || *byte == b'-')
            && suffix.iter().all(|byte| LETTERS.contains(byte));
        good.then(|| RunId(text.to_owned()))
    }

    /// The id as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The last four characters, by which users call a run.
    #[must_use]
    pub fn suffix(&self) -> &str {
        self.0.get(self.0.len().saturating_sub(SUFFIX)..).unwrap_or_default()
    }

    /// When it was made, seconds since 1970; `None` for a time that no calendar has.
    #[must_use]
    pub(crate) fn unix(&self) -> Option<u64> {
        time::of_stamp(&self.stamp().replace('-', ""))
    }

    /// What it was made of besides: the run's name, or its program, in lower case and cut.
    #[must_use]
    pub fn label(&self) -> &str {
        self.0.get(STAMP + 1..self.0.len().saturating_sub(SUFFIX + 1)).unwrap_or_default()
    }

    /// When it was made, `YYYYMMDD-HHMMSS`.
    #[must_use]
    pub fn stamp(&self) -> &str {
        self.0.get(..STAMP).unwrap_or_default()
    }
}

impl fmt::Display for RunId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

fn letter(random: u32) -> char {
    LETTERS.get((random & 31) as usize).copied().map_or('0', char::from)
}

fn is_plain(byte: u8) -> bool {
    byte.is_ascii_lowercase() || byte.is_ascii_digit()
}

/// Lower case, everything but letters and digits as one dash, none at the ends.
fn label(text: &[u8]) -> String {
    let mut label = String::new();
    for byte in text.iter().map(u8::to_ascii_lowercase) {
        if label.len() == LABEL {
            break;
        }
        if is_plain(byte) {
            label.push(char::from(byte));
        } else if !label.is_empty() && !label.ends_with('-') {
            label.push('-');
        }
    }
    let label = label.trim_end_matches('-');
    if label.is_empty() { "run".to_owned() } else { label.to_owned() }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn made(name: Option<&str>, command: &str) -> String {
        RunId::make(
            1_795_292_130,
            name.map(OsStr::new),
            OsStr::new(command),
            0b00010_10011_00000_00111,
        )
        .to_string()
    }

    #[test]
    fn an_id_says_when_and_what() {
        assert_eq!(made(None, "/usr/bin/claude"), "20261121-201530-claude-70k2");
        assert_eq!(made(Some("Nightly  Backup!"), "x"), "20261121-201530-nightly-backup-70k2");
        assert_eq!(made(None, "/"), "20261121-201530-run-70k2");
        assert_eq!(made(None, ".."), "20261121-201530-run-70k2");
    }

    #[test]
    fn what_is_no_id_is_refused() {
        for text in [
            "",
            "..",
            "last",
            "20261121-201530-claude",
            "20261121-201530--7k2m",
            "20261121-201530-7k2m",
            "20261121-201530-cla/de-7k2m",
            "20261121-201530-..-7k2m",
            "20261121-201530-claude-7k2i",
            "20261121-201530-Claude-7k2m",
            "20261121_201530-claude-7k2m",
            "20261121-201530-claude-7k2m\n",
            "20261121-201530-aaaaaaaaaaaaaaaaaaaaaaaaa-7k2m",
        ] {
            assert_eq!(RunId::parse(text), None, "{text:?}");
        }
    }

    proptest! {
        #[test]
        fn every_made_id_is_read_back_and_is_safe(
            unix: u64, command in prop::collection::vec(any::<u8>(), 0..80),
            name in prop::option::of("\\PC{0,60}"), random: u32,
        ) {
            let id = RunId::make(unix, name.as_deref().map(OsStr::new), OsStr::from_bytes(&command), random);
            prop_assert!(id.as_str().len() <= RunId::MAX && RunId::MAX < 64);
            prop_assert!(id.as_str().bytes().all(|b| is_plain(b) || b == b'-'), "{}", id);
            prop_assert_eq!(RunId::parse(id.as_str()), Some(id));
        }

        #[test]
        fn no_text_makes_the_parser_panic_or_leave_the_directory(text in "\\PC{0,70}") {
            if let Some(id) = RunId::parse(&text) {
                prop_assert!(!id.as_str().contains(['/', '.']));
            }
        }
    }
}
