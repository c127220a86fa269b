//! What was found out about texts: a path is matched once, not for each event that has it.
//!
//! Which conditions hold for a text is the same each time, for the same matchers; a path of a run comes many
//! times, from other processes and for other operations.

use foldhash::HashMap;

use crate::program::{Look, TestId};

/// Bytes that are remembered at most, about: beyond, all is forgotten.
const MOST: usize = 8 << 20;

/// Longest text that is remembered.
const LONGEST: usize = 1024;

/// What an entry takes beside its bytes, about.
const EACH: usize = 80;

type Texts = HashMap<Box<[u8]>, Box<[TestId]>>;

/// The conditions that hold for texts, by who looks at them.
#[derive(Debug, Default)]
pub(super) struct Verdicts {
    known: Vec<Texts>,
    bytes: usize,
}

impl Verdicts {
    /// Tells each condition that holds for `text`; asks `find` for them when they are not known.
    pub(super) fn each(
        &mut self,
        look: Look,
        text: &[u8],
        find: impl FnOnce(&mut dyn FnMut(TestId)),
        hold: &mut dyn FnMut(TestId),
    ) {
        if self.known.len() <= look.0 {
            self.known.resize_with(look.0 + 1, HashMap::default);
        }
        let Some(known) = self.known.get_mut(look.0).filter(|_| text.len() <= LONGEST) else {
            return find(hold);
        };
        if let Some(tests) = known.get(text) {
            return tests.iter().for_each(|test| hold(*test));
        }
        let mut tests = Vec::new();
        find(&mut |test| {
            hold(test);
            if !tests.contains(&test) {
                tests.push(test);
            }
        });
        self.bytes += EACH + text.len() + size_of_val(tests.as_slice());
        known.insert(text.into(), tests.into_boxed_slice());
        if self.bytes > MOST {
            *self = Verdicts::default();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_is_looked_at_once_and_memory_is_bounded() {
        let (mut verdicts, mut looks) = (Verdicts::default(), 0);
        let mut ask = |look, text: &[u8]| {
            let mut told = Vec::new();
            let find = |hold: &mut dyn FnMut(TestId)| {
                looks += 1;
                [4, look as TestId, 4].into_iter().for_each(hold);
            };
            verdicts.each(Look(look), text, find, &mut |test| told.push(test));
            told.dedup();
            told
        };
        assert_eq!(ask(0, b"/a"), [4, 0, 4]);
        assert_eq!(ask(0, b"/a"), [4, 0]);
        assert_eq!(ask(1, b"/a"), [4, 1, 4], "another one looks for something else");
        assert_eq!(ask(0, &[b'x'; LONGEST + 1]), ask(0, &[b'x'; LONGEST + 1]));
        (0..200_000_u32).for_each(|number| drop(ask(0, &number.to_le_bytes())));
        assert_eq!(looks, 4 + 200_000);
        assert!(verdicts.bytes <= MOST);
        let held: usize = verdicts.known.iter().map(HashMap::len).sum();
        assert!(held > 0 && held * EACH <= MOST, "{held}");
    }
}
