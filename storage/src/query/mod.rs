//! Asking a run for its events: by index where there is a sound one, by reading all lines where not.
//!
//! Both ways give the same answer, in the order of sequence numbers.

mod collect;
mod conditions;
mod device;
mod indexed;
mod lines;
mod names;
mod scan;
mod sql;
pub(crate) mod stored;
pub(crate) mod summary;
#[cfg(test)]
mod tests;
mod text;
mod words;

use std::{collections::BTreeSet, ops::ControlFlow};

use rusqlite::Connection;

use crate::{
    Error, Meta, Row, RunDir,
    run::{EVENTS, INDEX},
    schema,
};
use collect::Collector;
pub use collect::Found;
pub use sql::{Cell, TakeRow};
pub use summary::LISTED;
pub use summary::{Activity, Destination, Lens, PathCount, Summary, Top, TypeCount};
use text::Text;
pub use words::{Field, WORDS};

/// What events are wanted. All conditions must hold; an empty list or `None` is none.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Query {
    /// One of these types.
    pub types: Vec<String>,
    /// One of these operations.
    pub ops: Vec<String>,
    /// Done by this process.
    pub pid: Option<u32>,
    /// Not before, nanoseconds since 1970.
    pub since_ns: Option<i64>,
    /// Not after, nanoseconds since 1970.
    pub until_ns: Option<i64>,
    /// `path` or `path2` is so.
    pub path: Option<Match>,
    /// Or one of `also` is: other names of the file. With [`Match::OneOf`] it is enough to have any: the
    /// values that a pattern means are those of `path` alone.
    pub other_names: bool,
    /// `exe` is so.
    pub exe: Option<Match>,
    /// The peer's address is so.
    pub ip: Option<Match>,
    /// The peer's name is so.
    pub host: Option<Match>,
    /// The peer has this port.
    pub port: Option<u16>,
    /// The line has these bytes in it.
    pub contains: Option<Vec<u8>>,
    /// One of these events, by number.
    pub among: Option<Vec<u64>>,
    /// Only events after this one.
    pub after_seq: Option<u64>,
    /// At most so many, counted after every other condition; `None` for all.
    pub limit: Option<usize>,
    /// Of each event its number, time, type and line will do: with an index nothing else is looked up. For
    /// queries without conditions.
    pub only_lines: bool,
}

/// A condition on bytes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Match {
    /// Just these.
    Exact(Vec<u8>),
    /// These first.
    Prefix(Vec<u8>),
    /// Just one of these.
    OneOf(Vec<Vec<u8>>),
}

impl Match {
    /// Returns whether `bytes` are so.
    #[must_use]
    pub fn holds(&self, bytes: &[u8]) -> bool {
        match self {
            Match::Exact(wanted) => bytes == wanted,
            Match::Prefix(wanted) => bytes.starts_with(wanted),
            Match::OneOf(wanted) => wanted.iter().any(|one| one == bytes),
        }
    }
}

impl Query {
    /// Returns whether every condition but the limit holds for `row`.
    #[must_use]
    pub fn matches(&self, row: &Row<'_>) -> bool {
        let in_list = |list: &[String], value: Option<&str>| {
            list.is_empty() || value.is_some_and(|value| list.iter().any(|one| one == value))
        };
        let bytes = |wanted: &Option<Match>, values: &[Option<&[u8]>]| {
            wanted.as_ref().is_none_or(|m| values.iter().flatten().any(|value| m.holds(value)))
        };
        in_list(&self.types, Some(row.kind))
            && in_list(&self.ops, row.op)
            && self.pid.is_none_or(|pid| row.pid == Some(pid))
            && self.since_ns.is_none_or(|since| row.ts_ns >= since)
            && self.until_ns.is_none_or(|until| row.ts_ns <= until)
            && (bytes(&self.path, &[row.path, row.path2]) || self.has_name(row))
            && bytes(&self.exe, &[row.exe])
            && bytes(&self.ip, &[row.ip.map(str::as_bytes)])
            && bytes(&self.host, &[row.host.map(str::as_bytes)])
            && self.port.is_none_or(|port| row.port == Some(port))
            && self.after_seq.is_none_or(|seq| row.seq > seq)
            && self.among.as_ref().is_none_or(|list| list.contains(&row.seq))
            && self.has_word(row.line)
    }

    fn has_name(&self, row: &Row<'_>) -> bool {
        self.other_names
            && match &self.path {
                Some(Match::OneOf(_)) => row.other_names().next().is_some(),
                Some(wanted) => row.other_names().any(|name| wanted.holds(name)),
                None => true,
            }
    }

    /// Returns whether the line has the wanted bytes in it.
    fn has_word(&self, line: &[u8]) -> bool {
        self.contains.as_deref().is_none_or(|word| memchr::memmem::find(line, word).is_some())
    }

    /// Returns whether the index leads to few events.
    fn is_narrow(&self) -> bool {
        [&self.path, &self.exe, &self.ip, &self.host].iter().any(|it| it.is_some())
            || self.pid.is_some()
            || self.among.is_some()
    }

    /// Returns whether all lines must be looked through for a word: where nothing else is known of the
    /// event, that is faster than asking the index where each line is.
    fn is_for_a_word(&self) -> bool {
        self.contains.as_ref().is_some_and(|word| !word.is_empty()) && !self.is_narrow()
    }
}

/// The value of a column.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum OfColumn<'r> {
    /// None.
    Absent,
    /// A number.
    Number(u64),
    /// Exact bytes.
    Bytes(&'r [u8]),
}

/// The events of a run, open for questions.
#[derive(Debug)]
pub struct Events<'r> {
    run: &'r RunDir,
    text: Text,
    index: Option<Connection>,
    /// Lines that `meta.json` counts.
    lines: u64,
    why_scan: Option<String>,
}

impl<'r> Events<'r> {
    /// Opens the lines of `run`, and the index when `meta`, which must be of a fresh run
    /// ([`crate::Freshness::Fresh`]), names one. Without `meta` all lines are read: those of a live
    /// run.
    ///
    /// # Errors
    /// [`Error::File`] when there are none. An index that cannot be used is no error, see
    /// [`Events::why_scan`].
    pub fn open(run: &'r RunDir, meta: Option<&Meta>) -> Result<Events<'r>, Error> {
        let text = if meta.is_some() { Text::packed(run) } else { Text::growing(run) };
        let text = text.map_err(run.file("open", EVENTS))?;
        let lines = meta.map_or(0, |meta| meta.events.lines);
        let (index, why_scan) = match meta.and_then(|meta| meta.index.as_ref()) {
            None => (None, None),
            Some(_) => match schema::open(&run.derived_path().join(INDEX), lines) {
                Ok(index) => (Some(index), None),
                Err(error) => (None, Some(error.to_string())),
            },
        };
        Ok(Events { run, text, index, lines, why_scan })
    }

    /// Returns why the index is not used although there should be one.
    #[must_use]
    pub fn why_scan(&self) -> Option<&str> {
        self.why_scan.as_deref()
    }

    /// Gives the events of `query` to `each`, in their order, until it breaks or the limit is reached.
    ///
    /// `keep` decides what columns cannot say (patterns, networks, words in the line); the limit
    /// counts what it keeps. `row.line` is the event's JSON without newline.
    ///
    /// # Errors
    /// [`Error::File`] when the events cannot be read.
    pub fn query(
        &self,
        query: &Query,
        keep: &mut dyn FnMut(&Row<'_>) -> bool,
        each: &mut dyn FnMut(&Row<'_>) -> ControlFlow<()>,
    ) -> Result<Found, Error> {
        self.filtered(query, &mut |_| true, keep, each)
    }

    /// As [`Events::query`]; `columns` is asked first and looks at no line, which then need not be
    /// read: `row.line` may be empty there.
    ///
    /// # Errors
    /// [`Error::File`] when the events cannot be read.
    pub fn filtered(
        &self,
        query: &Query,
        columns: &mut dyn FnMut(&Row<'_>) -> bool,
        keep: &mut dyn FnMut(&Row<'_>) -> bool,
        each: &mut dyn FnMut(&Row<'_>) -> ControlFlow<()>,
    ) -> Result<Found, Error> {
        let mut collector = Collector::new(query.limit, columns, keep, each);
        let is_looked_up =
            |index: &&Connection| !query.is_for_a_word() || indexed::is_rare(index, query);
        if let Some(index) = self.index.as_ref().filter(is_looked_up) {
            match indexed::query(index, query, self.lines, &self.text, &mut collector) {
                Ok(()) => return Ok(collector.found),
                // What was found so far is sound: it was looked up in the events. Go on after it.
                Err(damage) => collector.found.index_damage = Some(damage),
            }
        }
        let after_seq = query.after_seq.max(collector.last_seq());
        let rest = Query { after_seq, ..query.clone() };
        scan::query(&self.text, &rest, &mut collector).map_err(self.run.file("read", EVENTS))?;
        Ok(collector.found)
    }

    /// Counts everything once over; lists hold at most `top` entries, and no more than
    /// [`LISTED`]. Where there is an index, this was done when it was made.
    ///
    /// # Errors
    /// [`Error::File`] when the events cannot be read.
    pub fn summary(&self, top: usize, lens: &Lens) -> Result<Summary, Error> {
        if let Some(summary) = self.index.as_ref().and_then(stored::read) {
            return Ok(summary.cut(top));
        }
        let mut summary = summary::Counts::default();
        let malformed = scan::each(&self.text, &mut |row| {
            summary.add(row);
            ControlFlow::Continue(())
        })
        .map_err(self.run.file("read", EVENTS))?;
        Ok(Summary { malformed, ..summary.finish(top, lens) })
    }

    /// Returns every program that did something, each once, in the order of their paths.
    ///
    /// # Errors
    /// [`Error::File`] when the events cannot be read.
    pub fn programs(&self) -> Result<Vec<Vec<u8>>, Error> {
        if let Some(all) = self.index.as_ref().and_then(|index| words::all(index, Field::Exe)) {
            return Ok(all);
        }
        let mut all = BTreeSet::new();
        self.each_row(&Query::default(), &mut |row| {
            if let Some(exe) = row.exe.filter(|exe| !all.contains(*exe)) {
                all.insert(exe.to_vec());
            }
        })?;
        Ok(all.into_iter().collect())
    }

    /// Returns everyone who was talked to, however many.
    ///
    /// # Errors
    /// [`Error::File`] when the events cannot be read.
    pub fn contacts(&self) -> Result<Vec<Destination>, Error> {
        let stored = self.index.as_ref().and_then(stored::read);
        if let Some((list, all)) = stored.map(|summary| summary.destinations)
            && list.len() == all
        {
            return Ok(list);
        }
        let mut counts = summary::Counts::default();
        let net = Query { types: vec!["net".to_owned()], ..Query::default() };
        self.each_row(&net, &mut |row| counts.add(row))?;
        Ok(counts.into_contacts())
    }

    /// Gives the columns of each event of `query` to `take`: no line is read where there is an index, and
    /// `row.line` is empty then.
    ///
    /// # Errors
    /// [`Error::File`] when the events cannot be read.
    pub fn each_row(&self, query: &Query, take: &mut dyn FnMut(&Row<'_>)) -> Result<Found, Error> {
        let mut seen = |row: &Row<'_>| {
            take(row);
            false
        };
        self.filtered(query, &mut seen, &mut |_| true, &mut |_| ControlFlow::Continue(()))
    }

    /// Gives the column `name` of each event of `query`, and how often it happened, in no order. Returns
    /// false where that cannot be said: without an index, of another column, or when the index fails on the
    /// way; what was given then is worth nothing.
    pub fn values(
        &self,
        query: &Query,
        name: &str,
        take: &mut dyn FnMut(OfColumn<'_>, u64),
    ) -> bool {
        let known = schema::COLUMNS.split(", ").any(|column| column == name);
        let Some(index) = self.index.as_ref().filter(|_| known && query.contains.is_none()) else {
            return false;
        };
        indexed::values(index, query, name, self.lines, take).is_ok()
    }

    /// Gives each different value of a column that is as `is` says, if there are few of them and few
    /// events that have them: then it pays to look for just these. Otherwise, and without an index, `None`.
    #[must_use]
    pub fn words(&self, field: Field, is: &mut dyn FnMut(&[u8]) -> bool) -> Option<Vec<Vec<u8>>> {
        words::few(self.index.as_ref()?, field, self.lines, is)
    }

    /// Asks the index in SQL. Nothing but reading is let through; see docs/storage.md for the columns.
    /// `each` is given the names of the columns and a row.
    ///
    /// # Errors
    /// A sentence: there is no index, or what SQLite says of the statement.
    pub fn sql(&self, text: &str, each: &mut TakeRow<'_>) -> Result<(), String> {
        if self.index.is_none() {
            return Err("this run has no index (it is still recorded, or it is damaged)".to_owned());
        }
        sql::ask(&self.run.derived_path().join(INDEX), self.lines, text, each)
    }
}
