//! The places of one text that are hidden.

use std::{cmp::Reverse, ops::Range};

use event::redact::{self, Key};

use super::{Counts, What};

/// A mark's words before and its bytes in all: `[redacted:` and 12 digits and `]`.
const MARK: &[u8] = b"[redacted:";
const MARK_LEN: usize = 23;

/// Places, and marks that are there already: those stay.
#[derive(Debug, Default)]
pub(super) struct Places {
    list: Vec<(Range<usize>, What)>,
    marks: Vec<Range<usize>>,
}

/// Whether the text is a mark.
pub(super) fn is_mark(text: &[u8]) -> bool {
    let digits = text.strip_prefix(MARK).and_then(|rest| rest.strip_suffix(b"]"));
    text.len() == MARK_LEN && digits.is_some_and(|digits| digits.iter().all(u8::is_ascii_hexdigit))
}

impl Places {
    /// Starts on a text.
    pub(super) fn begin(&mut self, text: &[u8]) {
        self.list.clear();
        self.marks.clear();
        for (at, _) in text.iter().enumerate().filter(|(_, byte)| **byte == b'[') {
            if text.get(at..at + MARK_LEN).is_some_and(is_mark) {
                self.marks.push(at..at + MARK_LEN);
            }
        }
    }

    /// Notes a place.
    pub(super) fn add(&mut self, range: Range<usize>, what: What) {
        let marked = |mark: &Range<usize>| mark.start <= range.start && range.end <= mark.end;
        if !range.is_empty() && !self.marks.iter().any(marked) {
            self.list.push((range, what));
        }
    }

    /// Returns the text with marks in the places, and counts them; `None` where there are none. Places that share
    /// bytes are one.
    pub(super) fn hide(&mut self, text: &[u8], key: &Key, counts: &mut Counts) -> Option<Vec<u8>> {
        if self.list.is_empty() {
            return None;
        }
        self.list.sort_by_key(|(range, what)| (range.start, Reverse(range.end), *what));
        let mut whole: Vec<(Range<usize>, What)> = Vec::new();
        for (range, what) in self.list.drain(..) {
            match whole.last_mut() {
                Some((last, first)) if range.start < last.end => {
                    last.end = last.end.max(range.end);
                    *first = (*first).min(what);
                }
                _ => whole.push((range, what)),
            }
        }
        for (_, what) in &whole {
            counts[*what as usize] += 1;
        }
        let marks = whole.into_iter().map(|(range, _)| {
            let mark = key.mark(text.get(range.clone()).unwrap_or_default());
            (range, mark)
        });
        Some(redact::replaced(text, marks))
    }
}
