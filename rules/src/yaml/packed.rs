//! A tree as bytes: the rules that come with the program are read as YAML when it is built, not when it starts.
//!
//! The number of documents, then each node: its line, a mark, and the number of bytes, items or entries that
//! follow. A key is a word in quotes. Numbers have four bytes, the lowest first. `build.rs` writes it.

use super::{Key, Node, Value};

/// Marks.
pub(crate) const QUOTED: u8 = b'q';
pub(crate) const PLAIN: u8 = b'p';
pub(crate) const LIST: u8 = b'l';
pub(crate) const MAP: u8 = b'm';

/// Reads what `build.rs` wrote; nothing of anything else.
pub(crate) fn read(bytes: &[u8]) -> Option<Vec<Node>> {
    let mut rest = Rest(bytes);
    let documents = (0..rest.number()?).map(|_| rest.node()).collect::<Option<_>>()?;
    rest.0.is_empty().then_some(documents)
}

struct Rest<'b>(&'b [u8]);

impl Rest<'_> {
    fn number(&mut self) -> Option<usize> {
        let (number, rest) = self.0.split_first_chunk()?;
        self.0 = rest;
        usize::try_from(u32::from_le_bytes(*number)).ok()
    }

    fn text(&mut self, len: usize) -> Option<String> {
        let (text, rest) = self.0.split_at_checked(len)?;
        self.0 = rest;
        Some(std::str::from_utf8(text).ok()?.to_owned())
    }

    fn head(&mut self) -> Option<(usize, u8, usize)> {
        let line = self.number()?;
        let (mark, rest) = self.0.split_first()?;
        self.0 = rest;
        Some((line, *mark, self.number()?))
    }

    fn node(&mut self) -> Option<Node> {
        let (line, mark, len) = self.head()?;
        let value = match mark {
            QUOTED | PLAIN => Value::Scalar { text: self.text(len)?, plain: mark == PLAIN },
            LIST => Value::List((0..len).map(|_| self.node()).collect::<Option<_>>()?),
            MAP => Value::Map((0..len).map(|_| self.entry()).collect::<Option<_>>()?),
            _ => return None,
        };
        Some(Node { line, value })
    }

    fn entry(&mut self) -> Option<(Key, Node)> {
        let (line, _, len) = self.head()?;
        Some((Key { line, text: self.text(len)? }, self.node()?))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Layer, Loader, RuleSet, builtin::FILES, yaml};

    #[test]
    fn the_built_in_rules_are_those_of_their_files() {
        for (name, text, packed) in FILES {
            assert_eq!(read(packed), yaml::parse(text).ok(), "{name}");
        }
    }

    #[test]
    fn what_is_taken_for_tried_is_sound() {
        // As a user's, all that is built at first use is built at once.
        let mut loader = Loader::default();
        for (name, text, _) in FILES {
            loader.add(Layer::User, name, text);
        }
        let set = loader.finish().expect("all of it can be compiled");
        assert_eq!(set.rules.len(), RuleSet::builtin().rules.len());
    }

    #[test]
    fn what_was_cut_or_goes_on_is_nothing() {
        let (_, _, packed) = FILES[0];
        for len in (0..packed.len()).step_by(97).chain([packed.len() - 1]) {
            assert_eq!(read(&packed[..len]), None, "{len}");
        }
        assert_eq!(read(&[packed, b"x"].concat()), None);
    }
}
