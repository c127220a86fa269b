//! The different values of a column: a pattern is asked of these instead of every event.

use rusqlite::Connection;

use crate::schema::MOST_VALUES;

/// Values that are worth being looked for one by one; where a pattern means more, most events are asked.
pub const WORDS: usize = MOST_VALUES.unsigned_abs() as usize;

/// One event of so many: where more have the values, reading all in order finds the first ones as fast,
/// and needs no sorting.
const DENSE: u64 = 8;

/// A column whose values are known.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Field {
    /// `path` and `path2`.
    Path,
    /// `exe`.
    Exe,
    /// The peer's address.
    Ip,
    /// The peer's name.
    Host,
}

impl Field {
    fn columns(self) -> &'static [&'static str] {
        match self {
            Field::Path => &["path", "path2"],
            Field::Exe => &["exe"],
            Field::Ip => &["ip"],
            Field::Host => &["host"],
        }
    }
}

/// Every value; `None` when the index fails.
pub(super) fn all(index: &Connection, field: Field) -> Option<Vec<Vec<u8>>> {
    let mut found = Vec::new();
    let mut statement =
        index.prepare("SELECT value FROM words WHERE field = ?1 ORDER BY value").ok()?;
    for column in field.columns() {
        let mut rows = statement.query([column]).ok()?;
        while let Some(row) = rows.next().ok()? {
            found.push(row.get_ref(0).ok()?.as_blob().ok()?.to_vec());
        }
    }
    Some(found)
}

/// The values that are so; `None` when they are many, or many events have them, or the index fails:
/// then nothing is gained by them.
pub(super) fn few(
    index: &Connection,
    field: Field,
    lines: u64,
    is: &mut dyn FnMut(&[u8]) -> bool,
) -> Option<Vec<Vec<u8>>> {
    let mut found: Vec<Vec<u8>> = Vec::new();
    let mut events = 0_u64;
    let mut statement =
        index.prepare("SELECT value, events FROM words WHERE field = ?1 ORDER BY value").ok()?;
    for column in field.columns() {
        let mut rows = statement.query([column]).ok()?;
        while let Some(row) = rows.next().ok()? {
            let value = row.get_ref(0).ok()?.as_blob().ok()?;
            if !is(value) {
                continue;
            }
            let more: i64 = row.get(1).ok()?;
            events = events.saturating_add(u64::try_from(more).unwrap_or(u64::MAX));
            if found.len() >= WORDS || events.saturating_mul(DENSE) > lines {
                return None;
            }
            found.push(value.to_vec());
        }
    }
    Some(found)
}
