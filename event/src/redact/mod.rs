//! Secrets in arguments: where they are, and the mark that stands in their place.
//!
//! A fixed table of shapes, no settings, no memory taken, time linear in the bytes: it runs in the
//! recorder, before anything is written (docs/decisions/0006). What it takes for a secret is replaced
//! by a keyed hash, so that the same secret gives the same mark as long as the key is the same.

mod names;
mod shapes;
mod spans;
mod text;
mod words;

#[cfg(test)]
mod tests;

pub use spans::{MAX_SPANS, Rule, Span, Spans};

use words::Words;

/// Bytes of a mark.
pub const MARK: usize = 6;

/// What makes the marks: who has it can try guesses, nobody else can.
#[derive(Clone, PartialEq, Eq)]
pub struct Key([u8; 32]);

impl std::fmt::Debug for Key {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Key({})", self.name())
    }
}

impl Key {
    /// Takes 32 random bytes for a key.
    #[must_use]
    pub fn new(bytes: [u8; 32]) -> Key {
        Key(bytes)
    }

    /// Returns the bytes, for whoever makes marks under the same key.
    #[must_use]
    pub fn bytes(&self) -> [u8; 32] {
        self.0
    }

    /// Returns the mark of a secret.
    #[must_use]
    pub fn mark(&self, secret: &[u8]) -> [u8; MARK] {
        let hash = blake3::keyed_hash(&self.0, secret);
        let mut mark = [0; MARK];
        mark.iter_mut().zip(hash.as_bytes()).for_each(|(to, from)| *to = *from);
        mark
    }

    /// Returns a hasher of longer bytes under this key.
    #[must_use]
    pub fn hasher(&self) -> blake3::Hasher {
        blake3::Hasher::new_keyed(&self.0)
    }

    /// Returns what tells this key from others and says nothing of it: marks of two records can be
    /// compared when these are equal.
    #[must_use]
    pub fn name(&self) -> String {
        let name = blake3::derive_key("audit-run redaction key name v1", &self.0);
        name.iter().take(4).map(|byte| format!("{byte:02x}")).collect()
    }
}

/// Finds the secrets in an argv, arguments ended by NUL (the last one may lack it).
pub fn scan(argv: &[u8], spans: &mut Spans) {
    spans.begin();
    let mut words = Words::default();
    let mut before: &[u8] = b"";
    for (at, argument) in arguments(argv) {
        words.next(at, argument, spans);
        if argument.iter().any(|byte| is_blank(*byte)) {
            sub_words(at, argument, spans);
        }
        // `sh -c`, `bash -ec`: a variable's value ends with its word there.
        let line = before.len() <= 4 && before.starts_with(b"-") && before.ends_with(b"c");
        text::scan(at, argument, line, spans);
        before = argument;
        shapes::scan(at, argument, spans);
        if spans.is_full() {
            return spans.add_rest(at..argv.len());
        }
    }
}

/// Overwrites what was found; the ends of arguments stay.
pub fn blank(argv: &mut [u8], spans: &Spans) {
    for span in spans.iter() {
        let bytes = argv.get_mut(span.range()).unwrap_or_default();
        bytes.iter_mut().filter(|byte| **byte != 0).for_each(|byte| *byte = b'*');
    }
}

/// Returns the mark as it stands in events.
#[must_use]
pub fn shown(mark: &[u8; MARK]) -> String {
    let digits: String = mark.iter().map(|byte| format!("{byte:02x}")).collect();
    format!("[redacted:{digits}]")
}

/// Returns `argv` with marks in place of its secrets, and how many.
#[must_use]
pub fn marked(argv: &[u8], key: &Key) -> (Vec<u8>, usize) {
    let mut spans = Spans::default();
    scan(argv, &mut spans);
    let marks = spans
        .iter()
        .map(|span| (span.range(), key.mark(argv.get(span.range()).unwrap_or_default())));
    let out = replaced(argv, marks);
    (out, spans.iter().count())
}

/// Returns `argv` with each of these ranges, in order, replaced by its mark. A range that is not in the
/// bytes, or not behind the one before it, is left out.
#[must_use]
pub fn replaced(
    argv: &[u8],
    marks: impl Iterator<Item = (std::ops::Range<usize>, [u8; MARK])>,
) -> Vec<u8> {
    let mut out = Vec::with_capacity(argv.len());
    let mut done = 0;
    for (range, mark) in marks {
        let Some(before) = argv.get(done..range.start) else { continue };
        if range.end > argv.len() || range.end < range.start {
            continue;
        }
        out.extend_from_slice(before);
        out.extend_from_slice(shown(&mark).as_bytes());
        done = range.end;
    }
    out.extend_from_slice(argv.get(done..).unwrap_or_default());
    out
}

/// The words of a text that is itself a command line (`sh -c`), with their places.
fn sub_words(at: usize, argument: &[u8], spans: &mut Spans) {
    let mut words = Words::of_shell();
    let mut start = 0;
    let quoted = |byte: u8| is_blank(byte) || matches!(byte, b'\'' | b'"' | b';' | b'|');
    for (end, byte) in argument.iter().copied().chain([b' ']).enumerate() {
        if quoted(byte) {
            let word = argument.get(start..end).unwrap_or_default();
            if !word.is_empty() {
                words.next(at + start, word, spans);
            }
            start = end + 1;
        }
    }
}

/// Arguments with their places, without their NULs.
fn arguments(argv: &[u8]) -> impl Iterator<Item = (usize, &[u8])> {
    let mut at = 0;
    argv.split(|byte| *byte == 0).map(move |argument| {
        let start = at;
        at += argument.len() + 1;
        (start, argument)
    })
}

fn is_blank(byte: u8) -> bool {
    byte.is_ascii_whitespace()
}
