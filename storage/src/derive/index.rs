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

/// Rows in a statement: beginning and ending one costs as much as a row does.
pub(super) const TOGETHER: usize = 32;

/// Adds rows.
#[derive(Debug)]
pub(super) struct IndexWriter {
    index: Connection,
    known: Known,
    /// The time of the first row: those of the others are small numbers from there.
    start_ns: Option<i64>,
    rows: u64,
    /// Rows as the table has them.
    waiting: Vec<[Option<i64>; 7]>,
    /// What few of them have.
    more: Vec<[Option<i64>; 6]>,
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
        Ok(IndexWriter { index, known, start_ns: None, rows: 0, waiting, more: Vec::new() })
    }

    /// Adds `row`, whose line begins at `offset`.
    pub(super) fn push(&mut self, row: &Row<'_>, offset: u64) -> rusqlite::Result<()> {
        let start_ns = *self.start_ns.get_or_insert(row.ts_ns);
        self.rows += 1;
        let seq = Some(integer(row.seq));
        self.waiting.push([
            // None: one more than the row before, the first 1. SQLite knows that it is not taken then.
            seq.filter(|_| row.seq != self.rows),
            Some(row.ts_ns.wrapping_sub(start_ns)),
            Some(self.known.kind(row)),
            self.known.actor(row),
            self.known.path(row),
            Some(integer(row.count)),
            Some(integer(offset)),
        ]);
        let (path2, peer) = (self.known.path2(row), self.known.peer(row));
        let (sent, received) = (row.sent.map(integer), row.received.map(integer));
        let more = [seq, path2, peer, sent, received, self.known.also(row)];
        if more.iter().skip(1).any(Option::is_some) {
            self.more.push(more);
        }
        if self.waiting.len() >= BATCH { self.write() } else { Ok(()) }
    }

    fn write(&mut self) -> rusqlite::Result<()> {
        insert(&self.index, "rows", &self.waiting)?;
        insert(&self.index, "more", &self.more)?;
        self.waiting.clear();
        self.more.clear();
        self.index.execute_batch("COMMIT; BEGIN")
    }

    pub(super) fn finish(mut self, summary: &Summary) -> rusqlite::Result<()> {
        self.write()?;
        let rare = self.known.write(&self.index, self.rows)?;
        stored::write(&self.index, summary, self.start_ns.unwrap_or(0))?;
        self.index.flush_prepared_statement_cache();
        schema::complete(self.index, self.rows, rare)
    }
}

/// Adds `rows` to a table, many with each statement.
fn insert<const COLUMNS: usize>(
    index: &Connection,
    table: &str,
    rows: &[[Option<i64>; COLUMNS]],
) -> rusqlite::Result<()> {
    let (together, rest) = rows.as_chunks::<TOGETHER>();
    let mut many = index.prepare_cached(&schema::insert(table, COLUMNS, TOGETHER))?;
    together.iter().try_for_each(|rows| add(rows, &mut many))?;
    let mut one = index.prepare_cached(&schema::insert(table, COLUMNS, 1))?;
    rest.chunks(1).try_for_each(|row| add(row, &mut one))
}

/// Runs `statement` with as many rows as it has parameters for.
fn add<const COLUMNS: usize>(
    rows: &[[Option<i64>; COLUMNS]],
    statement: &mut Statement<'_>,
) -> rusqlite::Result<()> {
    for (at, value) in (1..).zip(rows.as_flattened()) {
        statement.raw_bind_parameter(at, value)?;
    }
    statement.raw_execute().map(drop)
}

/// SQLite's NULL.
pub(super) const NULL: ToSqlOutput<'static> = ToSqlOutput::Owned(Value::Null);

/// SQLite's numbers end at 2^63.
fn integer(value: u64) -> i64 {
    i64::try_from(value).unwrap_or(i64::MAX)
}

/// The same as a value.
pub(super) fn number(value: u64) -> ToSqlOutput<'static> {
    ToSqlOutput::Owned(Value::Integer(integer(value)))
}

/// TEXT where it is UTF-8, so that people can read it, else BLOB, and where several stand between NULs.
pub(super) fn bytes(bytes: &[u8]) -> ToSqlOutput<'_> {
    ToSqlOutput::Borrowed(match std::str::from_utf8(bytes) {
        Ok(text) if !text.starts_with('\0') => ValueRef::Text(text.as_bytes()),
        _ => ValueRef::Blob(bytes),
    })
}
