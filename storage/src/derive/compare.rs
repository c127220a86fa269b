//! Holds derived files against what is derived now: nothing of the run is written to.

use std::{
    fs::File,
    io::{self, Read},
    os::unix::fs::{DirBuilderExt, FileExt},
    path::{Path, PathBuf},
};

use rustix::rand::{GetRandomFlags, getrandom};

use super::{IndexWriter, derived_from};
use crate::{
    Consumed, Error, EventsFile, Finding, IndexFile, Lens, Meta, Row, RunDir, Weight, files,
    freshness,
    meta::FORMAT,
    packed::{Packed, Reader},
    query::{LISTED, summary::Counts},
    run::{EVENTS, INDEX, META},
};

/// Bytes that are compared at once.
const CHUNK: usize = 256 * 1024;

/// Parts of an SQLite file's head that say by which version it was written, and how often: two indexes
/// of the same rows may differ there (sqlite.org/fileformat2.html, 1.3).
const OF_WRITER: [std::ops::Range<usize>; 2] = [24..28, 92..100];

/// Compares as events come.
#[derive(Debug)]
pub struct Comparison<'r> {
    run: &'r RunDir,
    events: Option<Reader>,
    at: u64,
    lines: u64,
    index: IndexWriter,
    counts: Counts,
    is_secret: fn(&[u8]) -> bool,
    scratch: Scratch,
    room: Vec<u8>,
    findings: Vec<Finding>,
}

impl<'r> Comparison<'r> {
    /// Begins before the first event; `is_secret` says which paths the summary lists as those of secrets.
    ///
    /// # Errors
    /// [`Error::File`] and [`Error::Index`] when there is no room for a temporary index.
    pub fn begin(run: &'r RunDir, is_secret: fn(&[u8]) -> bool) -> Result<Comparison<'r>, Error> {
        let scratch = Scratch::new()?;
        let dir = files::open_dir(&scratch.0).map_err(Error::file("open", &scratch.0))?;
        let index = IndexWriter::create_in(dir, &scratch.0, INDEX)?;
        let mut comparison = Comparison {
            run,
            events: None,
            at: 0,
            lines: 0,
            index,
            counts: Counts::default(),
            is_secret,
            scratch,
            room: Vec::new(),
            findings: Vec::new(),
        };
        match files::open(run.dir(), EVENTS).and_then(Packed::open) {
            Ok(packed) => comparison.events = Some(Reader::new(packed)),
            Err(why) => comparison.unreadable(EVENTS, &why),
        }
        Ok(comparison)
    }

    /// Takes the next event, as [`crate::Writer::push`] does.
    ///
    /// # Errors
    /// [`Error::Index`] when there is no room for a temporary index.
    pub fn push(&mut self, row: &Row<'_>) -> Result<(), Error> {
        let line = row.line.strip_suffix(b"\n").unwrap_or(row.line);
        let failed = |error| Error::index("write", self.scratch.0.join(INDEX))(error);
        self.index.push(row, self.at).map_err(failed)?;
        self.counts.add(row);
        self.compare(line);
        self.at += line.len() as u64 + 1;
        self.lines += 1;
        Ok(())
    }

    /// Compares what is left: `derived`, the page as it is derived now, with `meta`, the one that is there.
    ///
    /// # Errors
    /// [`Error::Index`] when there is no room for a temporary index.
    pub fn finish(
        mut self,
        mut derived: Meta,
        consumed: &Consumed,
        derivation: u32,
        meta: &Meta,
    ) -> Result<Vec<Finding>, Error> {
        if let Some(mut events) = self.events.take()
            && !matches!(events.read(&mut [0]), Ok(0))
        {
            self.altered(EVENTS, Some(self.at), "there is more than the segments tell");
        }
        let made = self.scratch.0.join(INDEX);
        let lens = Lens { project: derived.about.cwd(), is_secret: self.is_secret };
        let summary = self.counts.finish(LISTED, &lens);
        self.index.finish(&summary).map_err(Error::index("write", &made))?;
        let index = same_index(self.run, meta, &made);
        self.findings.extend(index);
        derived.format = FORMAT;
        derived.id = self.run.id().to_string();
        derived.derived_from = derived_from(consumed, derivation);
        // Another version may pack the same lines otherwise: they were compared, and the file is what the
        // page says that it is.
        let events = freshness::describe(self.run.dir(), EVENTS.to_owned());
        let (len, blake3) = (events.len, events.blake3);
        derived.events = EventsFile { len, blake3, lines: self.lines, ..EventsFile::default() };
        derived.index = meta.index.as_ref().and_then(|_| described(self.run));
        self.findings.extend(same_page(derived, meta));
        Ok(self.findings)
    }

    fn compare(&mut self, line: &[u8]) {
        let Some(events) = &mut self.events else { return };
        self.room.resize(line.len() + 1, 0);
        let expected = line.iter().chain(b"\n");
        let (mut filled, mut failed) = (0, None);
        while let Some(rest) = self.room.get_mut(filled..).filter(|rest| !rest.is_empty()) {
            match events.read(rest) {
                Ok(0) => break,
                Ok(got) => filled += got,
                Err(why) if why.kind() == io::ErrorKind::Interrupted => {}
                Err(why) => {
                    failed = Some(why);
                    break;
                }
            }
        }
        let found = self.room.get(..filled).unwrap_or_default();
        let same = expected.zip(found).take_while(|(one, other)| one == other).count();
        if same == line.len() + 1 {
            return;
        }
        self.events = None;
        match failed {
            Some(why) => self.unreadable(EVENTS, &why),
            None if same == filled => {
                self.altered(EVENTS, Some(self.at + same as u64), "it ends before the segments do");
            }
            None => {
                let at = self.at + same as u64;
                self.altered(EVENTS, Some(at), "it is not what the segments tell");
            }
        }
    }

    fn altered(&mut self, file: &str, at: Option<u64>, what: &str) {
        let finding = Finding { offset: at, ..Finding::new(Weight::Altered, what).of(file) };
        self.findings.push(finding);
    }

    fn unreadable(&mut self, file: &str, why: &io::Error) {
        if why.kind() == io::ErrorKind::InvalidData {
            let what = format!("it is not what the segments tell: {why}");
            return self.altered(file, None, &what);
        }
        let gone = why.kind() == io::ErrorKind::NotFound;
        let weight = if gone { Weight::Altered } else { Weight::Unreadable };
        let what = if gone { "it is missing".to_owned() } else { format!("cannot read it: {why}") };
        self.findings.push(Finding::new(weight, what).of(file));
    }
}

/// Compares the index byte by byte with the one in `made`.
fn same_index(run: &RunDir, meta: &Meta, made: &Path) -> Option<Finding> {
    let altered = |what: &str| Some(Finding::new(Weight::Altered, what).of(INDEX));
    let there = match files::open(run.dir(), INDEX) {
        Ok(there) => there,
        // A run can do without.
        Err(_) if meta.index.is_none() => return None,
        Err(why) if why.kind() == io::ErrorKind::NotFound => return altered("it is missing"),
        Err(why) => {
            let what = format!("cannot read it: {why}");
            return Some(Finding::new(Weight::Unreadable, what).of(INDEX));
        }
    };
    let compared = File::open(made).and_then(|made| first_difference(&there, &made));
    match compared {
        Ok(None) => None,
        Ok(Some(at)) => altered("it is not what the segments tell").map(|finding| finding.at(at)),
        Err(why) => {
            Some(Finding::new(Weight::Unreadable, format!("cannot read it: {why}")).of(INDEX))
        }
    }
}

fn first_difference(one: &File, other: &File) -> io::Result<Option<u64>> {
    let (len, other_len) = (one.metadata()?.len(), other.metadata()?.len());
    let (mut a, mut b) = (vec![0; CHUNK], vec![0; CHUNK]);
    let mut at = 0;
    while at < len.min(other_len) {
        let step = usize::try_from(len.min(other_len) - at).unwrap_or(CHUNK).min(CHUNK);
        let (Some(a), Some(b)) = (a.get_mut(..step), b.get_mut(..step)) else { break };
        one.read_exact_at(a, at)?;
        other.read_exact_at(b, at)?;
        if at == 0 {
            for range in OF_WRITER {
                [&mut *a, &mut *b]
                    .into_iter()
                    .filter_map(|x| x.get_mut(range.clone()))
                    .for_each(|x| x.fill(0));
            }
        }
        if let Some(first) = a.iter().zip(&*b).position(|(a, b)| a != b) {
            return Ok(Some(at + first as u64));
        }
        at += step as u64;
    }
    Ok((len != other_len).then_some(at))
}

/// The index as `meta.json` would have it now.
fn described(run: &RunDir) -> Option<IndexFile> {
    let file = freshness::describe(run.dir(), INDEX.to_owned());
    (!file.blake3.is_empty()).then_some(IndexFile {
        len: file.len,
        blake3: file.blake3,
        stamp: file.stamp,
    })
}

/// Compares the two pages field by field. Which files they were when they were hashed is nothing that
/// can be derived.
fn same_page(mut derived: Meta, meta: &Meta) -> Vec<Finding> {
    let mut there = meta.clone();
    for meta in [&mut derived, &mut there] {
        meta.events.stamp = Default::default();
        meta.index.iter_mut().for_each(|index| index.stamp = Default::default());
        meta.derived_from.segments.iter_mut().for_each(|it| it.stamp = Default::default());
    }
    let objects = (serde_json::to_value(&derived), serde_json::to_value(&there));
    let (Ok(serde_json::Value::Object(derived)), Ok(serde_json::Value::Object(there))) = objects
    else {
        return vec![Finding::new(Weight::Unreadable, "it is no page of a run").of(META)];
    };
    let names = derived.keys().chain(there.keys().filter(|name| !derived.contains_key(*name)));
    names
        .filter(|name| derived.get(*name) != there.get(*name))
        .map(|name| format!("its field {name} is not what the segments tell"))
        .map(|what| Finding::new(Weight::Altered, what).of(META))
        .collect()
}

/// A directory of our own for a moment.
#[derive(Debug)]
struct Scratch(PathBuf);

impl Scratch {
    fn new() -> Result<Scratch, Error> {
        let mut random = [0; 8];
        let parent = std::env::temp_dir();
        getrandom(&mut random, GetRandomFlags::empty())
            .map_err(|errno| Error::file("make", &parent)(errno.into()))?;
        let path = parent.join(format!("audit-verify-{:016x}", u64::from_ne_bytes(random)));
        std::fs::DirBuilder::new().mode(0o700).create(&path).map_err(Error::file("make", &path))?;
        // SQLite is given the path and follows no link in it.
        Ok(Scratch(path.canonicalize().unwrap_or(path)))
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        // Left behind it would be a file in the directory for temporary files.
        let _ = std::fs::remove_dir_all(&self.0);
    }
}
