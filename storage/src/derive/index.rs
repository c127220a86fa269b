//! `index.sqlite` while it is written: one table, rows in batches, indexes at the end.

use std::{os::fd::AsFd, path::Path};

use rusqlite::{
    Connection,
    types::{ToSqlOutput, Value, ValueRef},
};

use crate::{Error, Row, RunDir, Summary, files, query::stored, schema};

/// Rows in a transaction.
const BATCH: u32 = 4096;

/// Adds rows.
#[derive(Debug)]
pub(super) struct IndexWriter {
    index: Connection,
    in_batch: u32,
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
        Ok(IndexWriter { index, in_batch: 0 })
    }

    /// Adds `row`, whose line of `len` bytes is at `offset`.
    pub(super) fn push(&mut self, row: &Row<'_>, offset: u64, len: usize) -> rusqlite::Result<()> {
        if self.in_batch >= BATCH {
            self.index.execute_batch("COMMIT; BEGIN")?;
            self.in_batch = 0;
        }
        let mut insert = self.index.prepare_cached(schema::INSERT)?;
        insert.execute(rusqlite::params![
            number(row.seq),
            row.ts_ns,
            row.kind,
            row.op,
            row.pid,
            row.ppid,
            row.uid,
            row.exe.map(bytes),
            row.path.map(bytes),
            row.path2.map(bytes),
            row.proto,
            row.host,
            row.ip,
            row.port,
            row.sent.map(number),
            row.received.map(number),
            number(row.count),
            number(offset),
            number(len as u64),
            row.also.filter(|also| !also.is_empty()).map(|also| [b"\0", also].concat()),
        ])?;
        self.in_batch += 1;
        Ok(())
    }

    pub(super) fn finish(self, summary: &Summary) -> rusqlite::Result<()> {
        stored::write(&self.index, summary)?;
        self.index.flush_prepared_statement_cache();
        schema::complete(self.index)
    }
}

/// SQLite's numbers end at 2^63.
fn number(value: u64) -> ToSqlOutput<'static> {
    ToSqlOutput::Owned(Value::Integer(i64::try_from(value).unwrap_or(i64::MAX)))
}

/// TEXT where it is UTF-8, so that people can read it, else BLOB.
fn bytes(bytes: &[u8]) -> ToSqlOutput<'_> {
    ToSqlOutput::Borrowed(match std::str::from_utf8(bytes) {
        Ok(text) => ValueRef::Text(text.as_bytes()),
        Err(_) => ValueRef::Blob(bytes),
    })
}
