//! What is built when it is asked first: most fields of most runs never are.

use std::sync::OnceLock;

use aho_corasick::AhoCorasick;
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

/// Words that are looked for together, in either case of ASCII letters.
#[derive(Debug, Default)]
pub(super) struct Words {
    words: Vec<Vec<u8>>,
    built: OnceLock<Option<AhoCorasick>>,
}

impl Words {
    /// Takes the words.
    ///
    /// # Errors
    /// When they are so many that an automaton of them has to be built to know whether it can be.
    pub(super) fn new(words: Vec<Vec<u8>>) -> Result<Words, String> {
        let bytes: usize = words.iter().map(Vec::len).sum();
        let words = Words { words, built: OnceLock::new() };
        if bytes > SURE {
            let built = Some(words.build().map_err(|why| why.to_string())?);
            words.built.get_or_init(|| built);
        }
        Ok(words)
    }

    pub(super) fn is_empty(&self) -> bool {
        self.words.is_empty()
    }

    /// The automaton; nothing where there are no words.
    pub(super) fn get(&self) -> Option<&AhoCorasick> {
        if self.is_empty() {
            return None;
        }
        self.built.get_or_init(|| self.build().ok()).as_ref()
    }

    fn build(&self) -> Result<AhoCorasick, aho_corasick::BuildError> {
        // What the crate chooses: a DFA for up to 100 words. One for more is faster by a little, and takes a fifth
        // of the time of loading.
        AhoCorasick::builder().ascii_case_insensitive(true).build(&self.words)
    }
}
