//! The summary that was made with the index, kept in it.

use rusqlite::{Connection, OptionalExtension};

use super::Summary;

/// Of zstd: the fastest; level 3 made it no smaller.
const LEVEL: i32 = 1;

/// Longest that a summary is, unpacked: nine lists of [`super::summary::LISTED`] paths of the longest there are,
/// each byte written in two.
const LONGEST: usize = 9 * super::summary::LISTED * 8192;

/// Writes it, and when the times of the rows begin.
pub(crate) fn write(index: &Connection, summary: &Summary, start_ns: i64) -> rusqlite::Result<()> {
    let text = serde_json::to_vec(summary).unwrap_or_default();
    // Refused memory is the only reason: the reader counts then.
    let packed = zstd::bulk::compress(&text, LEVEL).unwrap_or_default();
    index.execute("INSERT INTO summary VALUES(1, ?1, ?2)", (packed, start_ns)).map(|_| ())
}

/// Reads when the times of the rows begin, nanoseconds since 1970.
pub(super) fn start_ns(index: &Connection) -> rusqlite::Result<i64> {
    index.query_row("SELECT ts FROM summary WHERE id = 1", [], |row| row.get(0))
}

/// Reads it; `None` when it is none.
pub(super) fn read(index: &Connection) -> Option<Summary> {
    let packed = index.query_row("SELECT packed FROM summary WHERE id = 1", [], |row| {
        row.get_ref(0).map(|value| value.as_blob().map(<[u8]>::to_vec).unwrap_or_default())
    });
    let text = zstd::bulk::decompress(&packed.optional().ok()??, LONGEST).ok()?;
    serde_json::from_slice(&text).ok()
}
