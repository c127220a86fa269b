//! What is built when it is asked first: most fields of most runs never are.

use std::ops::Range;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicUsize, Ordering};

use aho_corasick::AhoCorasick;
use memchr::memmem;
use regex::bytes::Regex;

use super::regex;

/// A pattern.
#[derive(Debug)]
pub(super) struct Late {
    pattern: String,
    built: OnceLock<Option<Regex>>,
}

impl Late {
    /// One that is known to be sound: until it is asked, nothing is built.
    pub(super) fn sound(pattern: &str) -> Late {
        Late { pattern: pattern.to_owned(), built: OnceLock::new() }
    }

    /// Builds it now.
    ///
    /// # Errors
    /// Why it cannot be built.
    pub(super) fn tried(pattern: &str) -> Result<Late, String> {
        let late = Late::sound(pattern);
        let built = Some(regex(pattern)?);
        late.built.get_or_init(|| built);
        Ok(late)
    }

    pub(super) fn is_match(&self, bytes: &[u8]) -> bool {
        let built = self.built.get_or_init(|| regex(&self.pattern).ok());
        built.as_ref().is_some_and(|regex| regex.is_match(bytes))
    }
}

/// Bytes of words up to which an automaton of them cannot fail: it has a state for a byte at most, and room for
/// 2^31 of them.
const SURE: usize = 64 << 20;

/// Bytes of values that are looked through word by word before an automaton is built: by then that has taken a
/// quarter of what building one for some hundred words takes, and most short runs have fewer.
const BY_WORD: usize = 1024;

/// Words that are looked for together, in either case of ASCII letters.
#[derive(Debug, Default)]
pub(super) struct Words {
    /// In small letters.
    words: Vec<Vec<u8>>,
    /// Bytes that were looked through so far.
    looked: AtomicUsize,
    built: OnceLock<Option<AhoCorasick>>,
}

impl Words {
    /// Takes the words, none of which is empty.
    ///
    /// # Errors
    /// When they are so many that an automaton of them has to be built to know whether it can be.
    pub(super) fn new(mut words: Vec<Vec<u8>>) -> Result<Words, String> {
        words.iter_mut().for_each(|word| word.make_ascii_lowercase());
        let bytes: usize = words.iter().map(Vec::len).sum();
        let words = Words { words, looked: AtomicUsize::new(0), built: OnceLock::new() };
        if bytes > SURE {
            let built = Some(words.build().map_err(|why| why.to_string())?);
            words.built.get_or_init(|| built);
        }
        Ok(words)
    }

    pub(super) fn is_empty(&self) -> bool {
        self.words.is_empty()
    }

    /// Tells each word that is in `bytes`, by its number, and where; again for each place.
    pub(super) fn each(&self, bytes: &[u8], found: &mut dyn FnMut(usize, Range<usize>)) {
        if self.is_empty() {
            return;
        }
        if self.built.get().is_none()
            && self.looked.fetch_add(bytes.len(), Ordering::Relaxed) < BY_WORD
            && bytes.len() < BY_WORD
        {
            return self.by_word(bytes, found);
        }
        if let Some(all) = self.built.get_or_init(|| self.build().ok()) {
            for one in all.find_overlapping_iter(bytes) {
                found(one.pattern().as_usize(), one.range());
            }
        }
    }

    /// The same without an automaton.
    fn by_word(&self, bytes: &[u8], found: &mut dyn FnMut(usize, Range<usize>)) {
        let bytes = bytes.to_ascii_lowercase();
        for (number, word) in self.words.iter().enumerate() {
            let mut from = 0;
            while let Some(at) = bytes.get(from..).and_then(|rest| memmem::find(rest, word)) {
                found(number, from + at..from + at + word.len());
                from += at + 1;
            }
        }
    }

    fn build(&self) -> Result<AhoCorasick, aho_corasick::BuildError> {
        // What the crate chooses: a DFA for up to 100 words. One for more is faster by a little, and takes a fifth
        // of the time of loading.
        AhoCorasick::builder().ascii_case_insensitive(true).build(&self.words)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn told(each: impl FnOnce(&mut dyn FnMut(usize, Range<usize>))) -> Vec<(usize, usize, usize)> {
        let mut all = Vec::new();
        each(&mut |word, at| all.push((word, at.start, at.end)));
        all.sort_unstable();
        all
    }

    proptest! {
        #[test]
        fn words_are_found_one_by_one_as_an_automaton_finds_them(
            words in prop::collection::btree_set("[abAB\u{e9}]{1,3}", 0..9),
            text in "[abABx\u{e9}]{0,40}",
        ) {
            let words = words.into_iter().map(String::into_bytes).collect();
            let words = Words::new(words).expect("few");
            let first = told(|found| words.each(text.as_bytes(), found));
            prop_assert!(words.built.get().is_none(), "a short value needs none");
            words.looked.store(BY_WORD, Ordering::Relaxed);
            prop_assert_eq!(first, told(|found| words.each(text.as_bytes(), found)));
            prop_assert_eq!(words.built.get().is_some(), !words.is_empty());
        }
    }

    #[test]
    fn a_long_value_is_looked_through_once() {
        let words = Words::new(vec![b"needle".to_vec()]).expect("one");
        let text = [&b"x".repeat(BY_WORD)[..], b"NEEDLE"].concat();
        assert_eq!(told(|found| words.each(&text, found)), [(0, BY_WORD, BY_WORD + 6)]);
        assert!(words.built.get().is_some());
    }
}
