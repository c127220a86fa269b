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
    waiting: Vec<Numbers>,
}

/// A row as numbers.
#[derive(Debug)]
struct Numbers {
    /// None: one more than the row before, the first 1. SQLite knows that it is not taken then.
    seq: Option<u64>,
    since_start_ns: i64,
    kind: i64,
    /// Actor, path, second path and peer.
    meant: [Option<i64>; 4],
    flow: [Option<u64>; 2],
    count: u64,
    offset: u64,
    len: usize,
    also: Option<i64>,
}

impl Numbers {
    /// Whether it has one path at most and no peer, as most have.
    fn is_plain(&self) -> bool {
        let [_, _, path2, peer] = self.meant;
        [path2, peer, self.also] == [None; 3] && self.flow == [None; 2]
    }
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
        self.waiting.push(Numbers {
            seq: Some(row.seq).filter(|seq| *seq != self.rows + 1),
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
            also: self.known.also(row),
        });
        self.rows += 1;
        if self.waiting.len() >= BATCH { self.write() } else { Ok(()) }
    }

    fn write(&mut self) -> rusqlite::Result<()> {
        let mut many = self.index.prepare_cached(&schema::insert_rows(TOGETHER))?;
        let (together, rest) = self.waiting.as_chunks::<TOGETHER>();
        let mut bound = [true; TOGETHER];
        for rows in together {
            insert(rows, &mut bound, &mut many)?;
        }
        let mut one = self.index.prepare_cached(&schema::insert_rows(1))?;
        for row in rest {
            insert(std::slice::from_ref(row), &mut [true], &mut one)?;
        }
        drop((many, one));
        self.waiting.clear();
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

/// Gives `statement` the values of so many rows as it has, and runs it. A value stays bound until there is another:
/// `bound` says for which rows one of those is that most rows have none of.
fn insert(
    rows: &[Numbers],
    bound: &mut [bool],
    statement: &mut Statement<'_>,
) -> rusqlite::Result<()> {
    let firsts = (1..).step_by(schema::OF_ROWS.len());
    for ((first, row), bound) in firsts.zip(rows).zip(bound) {
        let [actor, path, path2, peer] = row.meant;
        statement.raw_bind_parameter(first, row.seq.map(number))?;
        statement.raw_bind_parameter(first + 1, row.since_start_ns)?;
        statement.raw_bind_parameter(first + 2, row.kind)?;
        statement.raw_bind_parameter(first + 3, actor)?;
        statement.raw_bind_parameter(first + 4, path)?;
        statement.raw_bind_parameter(first + 9, number(row.count))?;
        statement.raw_bind_parameter(first + 10, number(row.offset))?;
        statement.raw_bind_parameter(first + 11, number(row.len as u64))?;
        if std::mem::replace(bound, !row.is_plain()) || *bound {
            let [sent, received] = row.flow.map(|bytes| bytes.map(number));
            statement.raw_bind_parameter(first + 5, path2)?;
            statement.raw_bind_parameter(first + 6, peer)?;
            statement.raw_bind_parameter(first + 7, sent)?;
            statement.raw_bind_parameter(first + 8, received)?;
            statement.raw_bind_parameter(first + 12, row.also)?;
        }
    }
    statement.raw_execute().map(|_| ())
}

/// SQLite's NULL.
pub(super) const NULL: ToSqlOutput<'static> = ToSqlOutput::Owned(Value::Null);

/// SQLite's numbers end at 2^63.
pub(super) fn number(value: u64) -> ToSqlOutput<'static> {
    ToSqlOutput::Owned(Value::Integer(i64::try_from(value).unwrap_or(i64::MAX)))
}

/// TEXT where it is UTF-8, so that people can read it, else BLOB, and where several stand between NULs.
pub(super) fn bytes(bytes: &[u8]) -> ToSqlOutput<'_> {
    ToSqlOutput::Borrowed(match std::str::from_utf8(bytes) {
        Ok(text) if !text.starts_with('\0') => ValueRef::Text(text.as_bytes()),
        _ => ValueRef::Blob(bytes),
    })
}
