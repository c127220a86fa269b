//! Lines of a run: one after the other, or by their place.

use std::io::{self, BufRead, BufReader};

use super::text::Text;

/// Longest line that is read: an exec with 128 KiB of arguments, each byte escaped, is below 2 MiB.
pub(super) const MAX_LINE: usize = 8 << 20;

/// Bytes read at once; queries go forward, so the next line is mostly in it.
const WINDOW: usize = 128 * 1024;

/// Bytes read at once for a line that is far from the one before.
const NARROW: usize = 4 * 1024;

/// Bytes read at once where a word is looked for in all lines.
const SWEEP: usize = 1024 * 1024;

/// Reads lines by where they begin.
#[derive(Debug)]
pub(super) struct Lines<'f> {
    text: &'f Text,
    window: Vec<u8>,
    start: u64,
}

impl<'f> Lines<'f> {
    pub(super) fn new(text: &'f Text) -> Lines<'f> {
        Lines { text, window: Vec::new(), start: 0 }
    }

    /// Returns the line that begins at `offset`, or `None` when none begins there.
    pub(super) fn get(&mut self, offset: u64) -> io::Result<Option<&[u8]>> {
        // With the newlines around it, which must be there.
        let from = offset.saturating_sub(1);
        let before = usize::from(offset > 0);
        let mut wanted = before + 2;
        let whole = loop {
            if !self.holds(from, wanted) {
                self.fill(from, wanted)?;
            }
            let rest = self.from(from);
            let line = rest.get(before..).unwrap_or_default();
            match memchr::memchr(b'\n', line) {
                Some(len) => break before + len,
                None if rest.len() < wanted || line.len() > MAX_LINE => return Ok(None),
                None => wanted = rest.len() * 2,
            }
        };
        let (front, line) = self.from(from).get(..whole).unwrap_or_default().split_at(before);
        let is_one = front.iter().all(|byte| *byte == b'\n') && !line.is_empty();
        Ok(is_one.then_some(line).filter(|line| line.len() <= MAX_LINE))
    }

    /// What is held from there on.
    fn from(&self, from: u64) -> &[u8] {
        let at = from.checked_sub(self.start).and_then(|at| usize::try_from(at).ok());
        at.and_then(|at| self.window.get(at..)).unwrap_or_default()
    }

    fn holds(&self, from: u64, len: usize) -> bool {
        let end = self.start.saturating_add(self.window.len() as u64);
        from >= self.start && from.saturating_add(len as u64) <= end
    }

    fn fill(&mut self, from: u64, len: usize) -> io::Result<()> {
        let end = self.start.saturating_add(self.window.len() as u64);
        let near = from >= self.start && from.saturating_sub(end) < NARROW as u64;
        self.window.resize(len.max(if near { WINDOW } else { NARROW }), 0);
        self.start = from;
        let mut filled = 0;
        while let Some(rest) = self.window.get_mut(filled..).filter(|rest| !rest.is_empty()) {
            match self.text.read_at(rest, from.saturating_add(filled as u64))? {
                0 => break,
                got => filled += got,
            }
        }
        self.window.truncate(filled);
        Ok(())
    }
}

/// Gives every whole line of `text` from its start to `each` until it returns false. Returns how many
/// were too long and passed over. A last line without newline is still being written.
pub(super) fn forward(text: &Text, mut each: impl FnMut(&[u8]) -> bool) -> io::Result<u64> {
    let mut reader = BufReader::with_capacity(WINDOW, At { text, at: 0 });
    let (mut line, mut too_long, mut skip) = (Vec::new(), 0, false);
    loop {
        let bytes = reader.fill_buf()?;
        if bytes.is_empty() {
            return Ok(too_long);
        }
        let end = bytes.iter().position(|byte| *byte == b'\n');
        let part = bytes.get(..end.unwrap_or(bytes.len())).unwrap_or_default();
        let used = part.len() + usize::from(end.is_some());
        skip |= line.len() + part.len() > MAX_LINE;
        if !skip {
            line.extend_from_slice(part);
        }
        reader.consume(used);
        if end.is_some() {
            too_long += u64::from(skip);
            if !skip && !each(&line) {
                return Ok(too_long);
            }
            line.clear();
            skip = false;
        }
    }
}

/// Gives every whole line of `text` that has `word` in it to `each` until it returns false. Returns how
/// many were too long and passed over.
pub(super) fn having(
    text: &Text,
    word: &[u8],
    mut each: impl FnMut(&[u8]) -> bool,
) -> io::Result<u64> {
    let finder = memchr::memmem::Finder::new(word);
    let (mut bytes, mut filled, mut at, mut too_long) = (vec![0; SWEEP], 0, 0_u64, 0);
    loop {
        let Some(room) = bytes.get_mut(filled..).filter(|room| !room.is_empty()) else {
            // A line that fills all of it: its end is looked for in what comes next.
            too_long += u64::from(bytes.len() >= MAX_LINE);
            (filled, bytes) = if bytes.len() >= MAX_LINE { (0, bytes) } else { doubled(bytes) };
            continue;
        };
        let got = text.read_at(room, at)?;
        if got == 0 {
            return Ok(too_long);
        }
        (at, filled) = (at + got as u64, filled + got);
        let read = bytes.get(..filled).unwrap_or_default();
        let whole = memchr::memrchr(b'\n', read).map_or(0, |end| end + 1);
        let lines = read.get(..whole).unwrap_or_default();
        let mut from = 0;
        while let Some(found) = lines.get(from..).and_then(|rest| finder.find(rest)) {
            let found = from + found;
            let before = lines.get(..found).unwrap_or_default();
            let start = memchr::memrchr(b'\n', before).map_or(0, |end| end + 1);
            let end = lines.get(found..).and_then(|rest| memchr::memchr(b'\n', rest));
            let end = found + end.unwrap_or(0);
            if !lines.get(start..end).is_none_or(&mut each) {
                return Ok(too_long);
            }
            from = end + 1;
        }
        bytes.copy_within(whole..filled, 0);
        filled -= whole;
    }
}

/// Twice the room, what is in it kept.
fn doubled(mut bytes: Vec<u8>) -> (usize, Vec<u8>) {
    let filled = bytes.len();
    bytes.resize(filled * 2, 0);
    (filled, bytes)
}

/// Reads from a place of its own, whatever others do with the descriptor.
struct At<'f> {
    text: &'f Text,
    at: u64,
}

impl io::Read for At<'_> {
    fn read(&mut self, room: &mut [u8]) -> io::Result<usize> {
        let got = self.text.read_at(room, self.at)?;
        self.at += got as u64;
        Ok(got)
    }
}
