//! The places that were found: a fixed number of them, none over another.

use std::ops::Range;

/// Places that are kept apart; of an argv with more secrets all the rest is one place.
pub const MAX_SPANS: usize = 64;

/// By what a secret was recognised; frozen numbers.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
#[repr(u32)]
pub enum Rule {
    /// Not looked at any more: there were too many, or pieces were missing.
    #[default]
    Unknown = 0,
    /// The value of an option that is called like a secret.
    Flag = 1,
    /// The value of a variable, parameter or header that is called like one.
    Named = 2,
    /// The password of an URL.
    Url = 3,
    /// The form of a token that is known.
    Token = 4,
    /// A private key.
    Key = 5,
    /// Letters and digits that look drawn by lot.
    Random = 6,
}

/// One place.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Span {
    /// Where it begins.
    pub at: usize,
    /// Bytes.
    pub len: usize,
    /// Why.
    pub rule: Rule,
}

impl Span {
    /// Returns the place as a range.
    #[must_use]
    pub fn range(&self) -> Range<usize> {
        self.at..self.at + self.len
    }
}

/// What was found in one argv, in order.
#[derive(Debug, Clone)]
pub struct Spans {
    list: [Span; MAX_SPANS],
    len: usize,
    full: bool,
}

impl Default for Spans {
    fn default() -> Self {
        Spans { list: [Span::default(); MAX_SPANS], len: 0, full: false }
    }
}

impl Spans {
    /// Returns the places in order.
    pub fn iter(&self) -> impl Iterator<Item = &Span> {
        self.list.iter().take(self.len)
    }

    /// Returns whether nothing was found.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len == 0
    }

    pub(super) fn begin(&mut self) {
        (self.len, self.full) = (0, false);
    }

    pub(super) fn is_full(&self) -> bool {
        self.full
    }

    /// Notes a place; what it shares bytes with becomes one place with it.
    pub(super) fn add(&mut self, range: Range<usize>, rule: Rule) {
        if range.is_empty() || self.full {
            return;
        }
        self.put(range, rule);
    }

    /// Notes everything from here on: it was not looked at.
    pub(super) fn add_rest(&mut self, range: Range<usize>) {
        self.put(range, Rule::Unknown);
    }

    fn put(&mut self, range: Range<usize>, rule: Rule) {
        let kept = self.list.get(..self.len).unwrap_or_default();
        let first = kept.partition_point(|span| span.range().end <= range.start);
        let over = kept.iter().skip(first).take_while(|span| span.at < range.end).count();
        let (mut start, mut end, mut why) = (range.start, range.end, rule);
        for span in kept.iter().skip(first).take(over) {
            if span.at <= start && span.range().end >= end {
                why = span.rule;
            }
            (start, end) = (start.min(span.at), end.max(span.range().end));
        }
        // The last place is for the rest, if there is one.
        if over == 0 && self.len + usize::from(rule != Rule::Unknown) >= MAX_SPANS {
            self.full = true;
            return;
        }
        let merged = Span { at: start, len: end - start, rule: why };
        match over {
            0 => {
                self.list.copy_within(first..self.len, first + 1);
                self.len += 1;
            }
            _ => {
                self.list.copy_within(first + over..self.len, first + 1);
                self.len -= over - 1;
            }
        }
        if let Some(place) = self.list.get_mut(first) {
            *place = merged;
        }
    }
}
