//! The summary that was made with the index, kept in it.

use rusqlite::{Connection, OptionalExtension};

use super::Summary;

/// Writes it.
pub(crate) fn write(index: &Connection, summary: &Summary) -> rusqlite::Result<()> {
    let text = serde_json::to_string(summary).unwrap_or_default();
    index.execute("INSERT INTO summary VALUES(1, ?1)", [text]).map(|_| ())
}

/// Reads it; `None` when it is none.
pub(super) fn read(index: &Connection) -> Option<Summary> {
    let text = index.query_row("SELECT json FROM summary WHERE id = 1", [], |row| {
        row.get_ref(0).map(|value| value.as_str().map(str::to_owned).unwrap_or_default())
    });
    serde_json::from_str(&text.optional().ok()??).ok()
}
