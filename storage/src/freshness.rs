//! Whether what is derived still is what was derived from these segments, and if not, what is wrong.

use std::{fmt, fs::File, io, os::fd::AsFd, os::unix::fs::MetadataExt};

use crate::{
    Error, Meta, RunDir, SegmentFile, Stamp, files,
    meta::FORMAT,
    run::{EVENTS, INDEX, META, SEGMENTS},
    segments,
};

/// What can be done with a run's derived files.
#[derive(Debug)]
pub enum Freshness {
    /// The run is still recorded; what is derived follows it, or somebody will do it at the end.
    Live,
    /// They belong to the segments, and none was changed.
    Fresh(Box<Meta>),
    /// They were never finished: there is no `meta.json`.
    Missing,
    /// They must be derived again.
    Stale(Vec<Problem>),
}

/// Why a run's events must be derived again.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problem {
    /// The file, as seen from the run's directory.
    pub file: String,
    /// What is wrong with it.
    pub flaw: Flaw,
}

/// What is wrong with a file.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Flaw {
    /// It is not there.
    Gone,
    /// It is shorter or longer than it was.
    Length {
        /// Bytes it had.
        was: u64,
        /// Bytes it has.
        is: u64,
    },
    /// It has other bytes than it had.
    Content,
    /// It cannot be read.
    Unreadable(String),
    /// It was not there when the events were derived.
    New,
    /// It was written by another version.
    Version,
}

impl Problem {
    fn new(file: impl Into<String>, flaw: Flaw) -> Problem {
        Problem { file: file.into(), flaw }
    }

    /// Whether the file was damaged: what is derived anew from the segments may then lack, or the
    /// old one may tell, what happened. A segment that only grew and another version are not damage.
    #[must_use]
    pub fn is_damage(&self) -> bool {
        match &self.flaw {
            Flaw::New | Flaw::Version => false,
            Flaw::Length { was, is } => !self.is_segment() || is < was,
            Flaw::Gone | Flaw::Content | Flaw::Unreadable(_) => true,
        }
    }

    /// Whether it is a segment, not something that was derived.
    #[must_use]
    pub fn is_segment(&self) -> bool {
        self.file.starts_with(SEGMENTS)
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let file = &self.file;
        match &self.flaw {
            Flaw::Gone => write!(f, "{file} is missing"),
            Flaw::Length { was, is } => write!(f, "{file} has {is} bytes instead of {was}"),
            Flaw::Content => write!(f, "{file} was changed after it was written"),
            Flaw::Unreadable(why) => write!(f, "cannot read {file}: {why}"),
            Flaw::New => write!(f, "{file} came later"),
            Flaw::Version => write!(f, "{file} was written by another version"),
        }
    }
}

impl RunDir {
    /// Compares the derived files with what `meta.json` says of them, and the segments with those
    /// that they were derived from. `derivation` is the version of the derivation that would be done
    /// now.
    ///
    /// A file that has the same [`Stamp`] as when it was hashed is not hashed again.
    ///
    /// # Errors
    /// [`Error::File`] when the segments cannot be listed.
    pub fn freshness(&self, derivation: u32) -> Result<Freshness, Error> {
        if self.is_live()? {
            return Ok(Freshness::Live);
        }
        let meta = match self.meta() {
            Ok(Some(meta)) => meta,
            Ok(None) => return Ok(Freshness::Missing),
            Err(error) => {
                let why =
                    std::error::Error::source(&error).map_or_else(String::new, |s| s.to_string());
                return Ok(Freshness::Stale(vec![Problem::new(META, Flaw::Unreadable(why))]));
            }
        };
        if meta.format != FORMAT || meta.derived_from.derivation != derivation {
            return Ok(Freshness::Stale(vec![Problem::new(META, Flaw::Version)]));
        }
        let mut problems = self.changed_segments(&meta)?;
        let events = &meta.events;
        problems.extend(check(self.dir(), EVENTS, events.len, &events.blake3, events.stamp));
        if let Some(index) = &meta.index {
            problems.extend(check(self.dir(), INDEX, index.len, &index.blake3, index.stamp));
        }
        if problems.is_empty() {
            return Ok(Freshness::Fresh(Box::new(meta)));
        }
        Ok(Freshness::Stale(
            problems.into_iter().map(|(file, flaw)| Problem { file, flaw }).collect(),
        ))
    }

    fn changed_segments(&self, meta: &Meta) -> Result<Vec<(String, Flaw)>, Error> {
        let there = segments::numbers(self.segments()).map_err(self.file("read", SEGMENTS))?;
        let there: Vec<String> = there.into_iter().map(segments::name).collect();
        let known = &meta.derived_from.segments;
        let mut problems = Vec::new();
        for was in known {
            // A name from meta.json is not opened unless it is one of ours.
            if there.contains(&was.file) {
                problems.extend(check(self.segments(), &was.file, was.len, &was.blake3, was.stamp));
            } else {
                problems.push((was.file.clone(), Flaw::Gone));
            }
        }
        let new = there.into_iter().filter(|file| !known.iter().any(|was| was.file == *file));
        problems.extend(new.map(|file| (file, Flaw::New)));
        Ok(problems.into_iter().map(|(file, flaw)| (format!("{SEGMENTS}/{file}"), flaw)).collect())
    }
}

/// Returns what is wrong with `name` in `dir` if it is not what it was.
fn check(
    dir: impl AsFd,
    name: &str,
    len: u64,
    blake3: &str,
    stamp: Stamp,
) -> Option<(String, Flaw)> {
    compare(dir, name, len, blake3, stamp).err().map(|flaw| (name.to_owned(), flaw))
}

fn compare(dir: impl AsFd, name: &str, len: u64, blake3: &str, was: Stamp) -> Result<(), Flaw> {
    if blake3.is_empty() {
        // It could not be read then; that it cannot be read now is no news.
        let readable = !describe(dir, name.to_owned()).blake3.is_empty();
        return if readable { Err(Flaw::Content) } else { Ok(()) };
    }
    let failed = |error: io::Error| match error.kind() {
        io::ErrorKind::NotFound => Flaw::Gone,
        _ => Flaw::Unreadable(error.to_string()),
    };
    let file = files::open(dir, name).map_err(failed)?;
    let is = file.metadata().map_err(failed)?.len();
    if is != len {
        return Err(Flaw::Length { was: len, is });
    }
    if stamp(&file).map_err(failed)? == was {
        return Ok(());
    }
    let mut hash = blake3::Hasher::new();
    files::hash_from(&file, 0, &mut hash).map_err(failed)?;
    if hash.finalize().to_hex().as_str() == blake3 { Ok(()) } else { Err(Flaw::Content) }
}

/// Returns what identifies the file's content without reading it.
pub(crate) fn stamp(file: &File) -> io::Result<Stamp> {
    let meta = file.metadata()?;
    let ns = |seconds: i64, rest: i64| seconds.saturating_mul(1_000_000_000).saturating_add(rest);
    Ok(Stamp {
        dev: meta.dev(),
        ino: meta.ino(),
        mtime_ns: ns(meta.mtime(), meta.mtime_nsec()),
        ctime_ns: ns(meta.ctime(), meta.ctime_nsec()),
    })
}

/// Describes the whole file `name` in `dir`; without a hash when it cannot be read.
pub(crate) fn describe(dir: impl AsFd, name: String) -> SegmentFile {
    match files::open(dir, &name) {
        Ok(file) => describe_rest(&file, name, 0, blake3::Hasher::new()),
        Err(_) => SegmentFile { file: name, ..SegmentFile::default() },
    }
}

/// Describes a file of which the first `at` bytes are in `hash`.
pub(crate) fn describe_rest(
    file: &File,
    name: String,
    at: u64,
    mut hash: blake3::Hasher,
) -> SegmentFile {
    // First the stamp: a change while hashing then shows.
    let read = stamp(file).and_then(|stamp| Ok((stamp, files::hash_from(file, at, &mut hash)?)));
    match read {
        Ok((stamp, rest)) => {
            let blake3 = hash.finalize().to_hex().to_string();
            SegmentFile { file: name, len: at + rest, blake3, stamp }
        }
        Err(_) => SegmentFile { file: name, ..SegmentFile::default() },
    }
}
