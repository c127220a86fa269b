//! `index.sqlite` while it is written: rows in batches, what they mean and the indexes at the end.

use std::{os::fd::AsFd, path::Path};

use rusqlite::{
    Connection, Statement,
    types::{ToSqlOutput, Value, ValueRef},
};

use super::known::Known;
use crate::{Error, Row, RunDir, Summary, files, query::stored, schema};

/// Rows in a transaction.
const BATCH: usize = 4096;

/// A kind is rare when no more than one event of so many is of it.
const RARE: u64 = 32;

/// Adds rows.
#[derive(Debug)]
pub(super) struct IndexWriter {
    index: Connection,
    known: Known,
    /// The time of the first row: those of the others are small numbers from there.
    start_ns: Option<i64>,
    rows: u64,
    waiting: Vec<Numbers>,
}

/// A row as numbers.
#[derive(Debug)]
struct Numbers {
    seq: u64,
    since_start_ns: i64,
    kind: i64,
    /// Actor, path, second path and peer.
    meant: [Option<i64>; 4],
    flow: [Option<u64>; 2],
    count: u64,
    offset: u64,
    len: usize,
    also: Option<Box<[u8]>>,
}

impl IndexWriter {
    pub(super) fn create(run: &RunDir, name: &str) -> Result<IndexWriter, Error> {
        IndexWriter::create_in(run.dir(), run.derived_path(), name)
    }

    /// Begins an index in `dir`, which is at `path`.
    pub(super) fn create_in(dir: impl AsFd, path: &Path, name: &str) -> Result<IndexWriter, Error> {
        let path = path.join(name);
        // Made here, so that SQLite finds a file that is ours and only ours to read.
        files::create(dir, name).map_err(Error::file("make", &path))?;
        let index = schema::create(&path).map_err(Error::index("make", path))?;
        let (known, waiting) = (Known::default(), Vec::with_capacity(BATCH));
        Ok(IndexWriter { index, known, start_ns: None, rows: 0, waiting })
    }

    /// Adds `row`, whose line of `len` bytes is at `offset`.
    pub(super) fn push(&mut self, row: &Row<'_>, offset: u64, len: usize) -> rusqlite::Result<()> {
        let start_ns = *self.start_ns.get_or_insert(row.ts_ns);
        let also = row.also.filter(|also| !also.is_empty());
        self.waiting.push(Numbers {
            seq: row.seq,
            since_start_ns: row.ts_ns.wrapping_sub(start_ns),
            kind: self.known.kind(row),
            meant: [
                self.known.actor(row),
                self.known.path(row),
                self.known.path2(row),
                self.known.peer(row),
            ],
            flow: [row.sent, row.received],
            count: row.count,
            offset,
            len,
            also: also.map(|also| [b"\0", also].concat().into()),
        });
        self.rows += 1;
        if self.waiting.len() >= BATCH { self.write() } else { Ok(()) }
    }

    fn write(&mut self) -> rusqlite::Result<()> {
        let mut insert = self.index.prepare_cached(schema::INSERT_ROW)?;
        for row in self.waiting.drain(..) {
            row.insert(&mut insert)?;
        }
        drop(insert);
        self.index.execute_batch("COMMIT; BEGIN")
    }

    pub(super) fn finish(mut self, summary: &Summary) -> rusqlite::Result<()> {
        self.write()?;
        self.known.write(&self.index, self.rows / RARE)?;
        stored::write(&self.index, summary, self.start_ns.unwrap_or(0))?;
        self.index.flush_prepared_statement_cache();
        schema::complete(self.index)
    }
}

impl Numbers {
    fn insert(&self, insert: &mut Statement<'_>) -> rusqlite::Result<()> {
        let [actor, path, path2, peer] = self.meant;
        let [sent, received] = self.flow.map(|bytes| bytes.map(number));
        insert.raw_bind_parameter(1, number(self.seq))?;
        insert.raw_bind_parameter(2, self.since_start_ns)?;
        insert.raw_bind_parameter(3, self.kind)?;
        insert.raw_bind_parameter(4, actor)?;
        insert.raw_bind_parameter(5, path)?;
        insert.raw_bind_parameter(6, path2)?;
        insert.raw_bind_parameter(7, peer)?;
        insert.raw_bind_parameter(8, sent)?;
        insert.raw_bind_parameter(9, received)?;
        insert.raw_bind_parameter(10, number(self.count))?;
        insert.raw_bind_parameter(11, number(self.offset))?;
        insert.raw_bind_parameter(12, number(self.len as u64))?;
        insert.raw_bind_parameter(13, self.also.as_deref())?;
        insert.raw_execute().map(|_| ())
    }
}

/// SQLite's numbers end at 2^63.
pub(super) fn number(value: u64) -> ToSqlOutput<'static> {
    ToSqlOutput::Owned(Value::Integer(i64::try_from(value).unwrap_or(i64::MAX)))
}

/// TEXT where it is UTF-8, so that people can read it, else BLOB.
pub(super) fn bytes(bytes: &[u8]) -> ToSqlOutput<'_> {
    ToSqlOutput::Borrowed(match std::str::from_utf8(bytes) {
        Ok(text) => ValueRef::Text(text.as_bytes()),
        Err(_) => ValueRef::Blob(bytes),
    })
}
