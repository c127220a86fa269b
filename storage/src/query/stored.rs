//! The summary that was made with the index, kept in it.

use rusqlite::{Connection, OptionalExtension};

use super::Summary;

/// Writes it, and when the times of the rows begin.
pub(crate) fn write(index: &Connection, summary: &Summary, start_ns: i64) -> rusqlite::Result<()> {
    let text = serde_json::to_string(summary).unwrap_or_default();
    index.execute("INSERT INTO summary VALUES(1, ?1, ?2)", (text, start_ns)).map(|_| ())
}

/// Reads when the times of the rows begin, nanoseconds since 1970.
pub(super) fn start_ns(index: &Connection) -> rusqlite::Result<i64> {
    index.query_row("SELECT ts FROM summary WHERE id = 1", [], |row| row.get(0))
}

/// Reads it; `None` when it is none.
pub(super) fn read(index: &Connection) -> Option<Summary> {
    let text = index.query_row("SELECT json FROM summary WHERE id = 1", [], |row| {
        row.get_ref(0).map(|value| value.as_str().map(str::to_owned).unwrap_or_default())
    });
    serde_json::from_str(&text.optional().ok()??).ok()
}
