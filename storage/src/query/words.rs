//! The different values of a column: a pattern is asked of these instead of every event.

use rusqlite::{Connection, types::ValueRef};

use crate::schema::{MOST_VALUES, WHOLE_WORDS, WITH_ROLES, WORD};

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
    /// Where its words are.
    pub(super) fn tables(self) -> &'static str {
        match self {
            Field::Path => WHOLE_WORDS,
            Field::Exe | Field::Ip | Field::Host => WITH_ROLES,
        }
    }

    /// How many events have a word so.
    pub(super) fn events(self) -> &'static str {
        match self {
            Field::Path => "path + path2",
            Field::Exe => "exe",
            Field::Ip => "ip",
            Field::Host => "host",
        }
    }
}

/// Every value, in their order; `None` when the index fails.
pub(super) fn all(index: &Connection, field: Field) -> Option<Vec<Vec<u8>>> {
    let mut found = Vec::new();
    each(index, field, &mut |value, _| {
        found.push(value.to_vec());
        Some(())
    })?;
    found.sort_unstable();
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
    each(index, field, &mut |value, more| {
        if !is(value) {
            return Some(());
        }
        events = events.saturating_add(more);
        if found.len() >= WORDS || events.saturating_mul(DENSE) > lines {
            return None;
        }
        found.push(value.to_vec());
        Some(())
    })?;
    Some(found)
}

/// Gives each value and how many events have it to `take`, until it says `None`.
fn each(
    index: &Connection,
    field: Field,
    take: &mut dyn FnMut(&[u8], u64) -> Option<()>,
) -> Option<()> {
    let (tables, events) = (field.tables(), field.events());
    let text = format!("SELECT {WORD}, {events} FROM {tables} WHERE {events} > 0");
    let mut statement = index.prepare(&text).ok()?;
    let mut rows = statement.query([]).ok()?;
    while let Some(row) = rows.next().ok()? {
        let (ValueRef::Text(value) | ValueRef::Blob(value)) = row.get_ref(0).ok()? else {
            return None;
        };
        let events: i64 = row.get(1).ok()?;
        take(value, u64::try_from(events).ok()?)?;
    }
    Some(())
}
