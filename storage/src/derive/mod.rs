//! Writing what is derived: events as they come, the index in batches, `meta.json` last.
//!
//! Everything but the events of a live run is written under a name that ends in `.new` and takes its
//! place when it is whole. Nothing here touches a segment.

mod compare;
mod events;
mod index;
mod known;
#[cfg(test)]
mod tests;

use std::os::fd::OwnedFd;

use crate::{
    Consumed, DerivedFrom, Error, IndexFile, Lens, Meta, Problem, Row, RunDir, files, freshness,
    meta::FORMAT,
    query::{LISTED, summary::Counts},
    run::{EVENTS, INDEX, LIVE_EVENTS, LOCK, META},
};
pub use compare::Comparison;
use events::EventsWriter;
use index::IndexWriter;

/// Added to the name of a file that is not whole yet.
const NEW: &str = ".new";

/// Added to the name of a damaged file that was replaced.
const OLD: &str = ".old";

/// Damaged files of one name that are kept.
const MOST_OLD: u32 = 8;

/// The right to derive: held by one process at a time.
#[derive(Debug)]
pub struct DeriveLock {
    _file: OwnedFd,
}

impl DeriveLock {
    /// Takes the lock of `run`; `None` while another process derives.
    ///
    /// Look at the freshness again once it is held: somebody may just have been done.
    ///
    /// # Errors
    /// [`Error::File`]: the directory is not ours to write to. The run can be read all the same.
    pub fn take(run: &RunDir) -> Result<Option<DeriveLock>, Error> {
        let file = files::lock(run.dir(), LOCK).map_err(run.file("lock", LOCK))?;
        Ok(file.map(|file| DeriveLock { _file: file }))
    }
}

/// Why events are derived.
#[derive(Debug, Clone, Copy)]
pub enum How<'a> {
    /// While the run goes on: its plain lines can be read as they come.
    Live,
    /// Again, because of these problems, or for the first time.
    Again(&'a [Problem]),
}

/// Writes the derived files of one run.
#[derive(Debug)]
pub struct Writer<'r> {
    run: &'r RunDir,
    events: EventsWriter,
    index: Option<IndexWriter>,
    index_error: Option<Error>,
    counts: Counts,
    is_secret: fn(&[u8]) -> bool,
    kept: Vec<String>,
    last_seq: u64,
    _lock: DeriveLock,
}

impl<'r> Writer<'r> {
    /// Begins anew. Files that `how` names as damaged are kept as `NAME.old`, `NAME.old2`, …, see [`Writer::kept`].
    ///
    /// # Errors
    /// [`Error::File`].
    pub fn begin(run: &'r RunDir, lock: DeriveLock, how: How<'_>) -> Result<Writer<'r>, Error> {
        let kept = match how {
            How::Live => Vec::new(),
            How::Again(problems) => keep_damaged(run, problems)?,
        };
        let is_live = matches!(how, How::Live);
        // A live reader finds the old file or the new one, never a shortened one.
        let events = EventsWriter::create(run, is_live)?;
        if is_live {
            // What an earlier attempt left would speak of other events.
            files::remove(run.dir(), META).map_err(run.file("remove", META))?;
            take_place(run, LIVE_EVENTS)?;
        }
        let (index, index_error) = match IndexWriter::create(run, &format!("{INDEX}{NEW}")) {
            Ok(index) => (Some(index), None),
            Err(error) => (None, Some(error)),
        };
        Ok(Writer {
            run,
            events,
            index,
            index_error,
            counts: Counts::default(),
            is_secret: |_| false,
            kept,
            last_seq: 0,
            _lock: lock,
        })
    }

    /// Says which paths the summary lists as those of secrets.
    #[must_use]
    pub fn with_secrets(self, is_secret: fn(&[u8]) -> bool) -> Writer<'r> {
        Writer { is_secret, ..self }
    }

    /// Returns what was done to files that were there, as sentences.
    #[must_use]
    pub fn kept(&self) -> &[String] {
        &self.kept
    }

    /// Returns why there is no index, if so: a run can do without, more slowly.
    #[must_use]
    pub fn index_error(&self) -> Option<&Error> {
        self.index_error.as_ref()
    }

    /// Appends an event. Its line may end in its newline, and has no other.
    ///
    /// # Errors
    /// [`Error::Row`] when it does not follow the one before or is no line, [`Error::File`] when the
    /// disk refuses; the events so far are then all there will be.
    pub fn push(&mut self, row: &Row<'_>) -> Result<(), Error> {
        let line = row.line.strip_suffix(b"\n").unwrap_or(row.line);
        let wrong = |why| Err(Error::Row { seq: row.seq, why });
        if row.seq <= self.last_seq {
            return wrong("its number does not follow the one before");
        }
        // Without a way out: the compiler looks at 16 bytes at once.
        let has_newline = line.iter().fold(false, |has, byte| has | (*byte == b'\n'));
        if line.is_empty() || has_newline {
            return wrong("it is not one line");
        }
        let pushed = self.events.push(line);
        let offset = pushed.map_err(|error| self.run.file("write", EVENTS)(error))?;
        self.last_seq = row.seq;
        self.counts.add(row);
        if let Some(index) = &mut self.index
            && let Err(error) = index.push(row, offset)
        {
            self.index_failed(error);
        }
        Ok(())
    }

    /// Hands everything to the system, so that a reader of a live run sees it.
    ///
    /// # Errors
    /// [`Error::File`].
    pub fn flush(&mut self) -> Result<(), Error> {
        self.events.flush().map_err(self.run.file("write", EVENTS))
    }

    /// Puts the files in place and writes `meta.json`: `meta`, with what it was derived from
    /// (`consumed`, by version `derivation`) and the derived files added. Returns it.
    ///
    /// # Errors
    /// [`Error::File`]; the old files, if any, are then still in place, or `meta.json` does not match
    /// them and they count as stale.
    pub fn finish(
        mut self,
        mut meta: Meta,
        consumed: &Consumed,
        derivation: u32,
    ) -> Result<Meta, Error> {
        self.events.finish().map_err(self.run.file("write", EVENTS))?;
        let lens = Lens { project: meta.about.cwd(), is_secret: self.is_secret };
        let summary = std::mem::take(&mut self.counts).finish(LISTED, &lens);
        if let Some(index) = self.index.take()
            && let Err(error) = index.finish(&summary)
        {
            self.index_failed(error);
        }
        take_place(self.run, EVENTS)?;
        meta.format = FORMAT;
        meta.id = self.run.id().to_string();
        meta.derived_from = derived_from(consumed, derivation);
        meta.events = self.events.describe().map_err(self.run.file("read", EVENTS))?;
        meta.index = self.place_index()?;
        let text = serde_json::to_vec_pretty(&meta)
            .map_err(|error| self.run.file("write", META)(error.into()))?;
        files::replace(self.run.dir(), META, &text).map_err(self.run.file("write", META))?;
        // Those of the run while it was recorded, or of a version that packed none.
        files::remove(self.run.dir(), LIVE_EVENTS).map_err(self.run.file("remove", LIVE_EVENTS))?;
        Ok(meta)
    }

    fn place_index(&self) -> Result<Option<IndexFile>, Error> {
        if self.index_error.is_some() {
            // An index of other events would be worse than none.
            files::remove(self.run.dir(), INDEX).map_err(self.run.file("remove", INDEX))?;
            return Ok(None);
        }
        take_place(self.run, INDEX)?;
        let file = freshness::describe(self.run.dir(), INDEX.to_owned());
        Ok(Some(IndexFile { len: file.len, blake3: file.blake3, stamp: file.stamp }))
    }

    fn index_failed(&mut self, source: rusqlite::Error) {
        let path = self.run.derived_path().join(INDEX);
        self.index = None;
        self.index_error = Some(Error::Index { verb: "write", path, source });
        // What is left of it is of no use; the next derivation removes it if this cannot.
        let _ = files::remove(self.run.dir(), &format!("{INDEX}{NEW}"));
    }
}

fn derived_from(consumed: &Consumed, derivation: u32) -> DerivedFrom {
    DerivedFrom {
        derivation,
        segments: consumed.segments.clone(),
        chain: consumed
            .chain
            .map_or_else(String::new, |c| blake3::Hash::from(c).to_hex().to_string()),
        frames: consumed.frames,
        damage: consumed.damage.iter().map(ToString::to_string).collect(),
    }
}

fn take_place(run: &RunDir, name: &str) -> Result<(), Error> {
    files::rename(run.dir(), &format!("{name}{NEW}"), name).map_err(run.file("write", name))
}

/// Renames what is damaged, and everything derived when a segment is: it may tell of events that the
/// segments no longer have.
fn keep_damaged(run: &RunDir, problems: &[Problem]) -> Result<Vec<String>, Error> {
    let damaged = |name: &str| {
        let about = |problem: &&Problem| problem.is_segment() || problem.file == name;
        problems.iter().filter(about).any(Problem::is_damage)
    };
    let mut kept = Vec::new();
    for name in [EVENTS, INDEX, META].into_iter().filter(|name| damaged(name)) {
        let Some(old) = free_name(run, name).filter(|_| files::exists(run.dir(), name)) else {
            continue;
        };
        files::rename(run.dir(), name, &old).map_err(run.file("rename", name))?;
        kept.push(format!("kept {name} as {old}"));
    }
    Ok(kept)
}

/// The first of `NAME.old`, `NAME.old2`, … that is free; `None` when so many were kept already that
/// one more damage is somebody's way to fill the disk.
fn free_name(run: &RunDir, name: &str) -> Option<String> {
    let numbers = std::iter::once(String::new()).chain((2..=MOST_OLD).map(|n| n.to_string()));
    numbers.map(|n| format!("{name}{OLD}{n}")).find(|old| !files::exists(run.dir(), old))
}
