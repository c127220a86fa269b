//! A run that was recorded elsewhere, put into the store as a run of its own.

use std::{
    fs::{self, File},
    io,
    os::unix::fs::DirBuilderExt,
    path::Path,
};

use event::sign::{SEAL_NAME, SEAL_SIG_NAME};
use rustix::fs::RenameFlags;
use serde::{Deserialize, Serialize};

use crate::{
    Error, RunDir, Store, files,
    run::{EPOCHS, MAX_SEAL, RULES, SEGMENTS},
    segments,
};

/// Where a run came from.
pub(crate) const IMPORTED: &str = "imported.json";

/// Longest text of that which is read.
const MAX_IMPORTED: u64 = 64 * 1024;

/// Where a run came from, as whoever imported it says: it is no evidence.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Imported {
    /// `audit.imported`.
    pub schema: String,
    /// 1.
    pub version: u32,
    /// The bundle's path then.
    pub bundle: String,
    /// SHA-256 of it but for its last 32 bytes, which are that.
    pub sha256: String,
    /// When it was imported, RFC 3339.
    pub at: String,
    /// Who did it.
    pub uid: u32,
    /// The machine that recorded it, as its record says.
    pub host: String,
    /// The host's key of that time, as `ssh-keygen -l` prints it; none where it is not signed.
    pub key: Option<String>,
    /// What `audit verify` said of it then: `verified`, `no_end`, `unknown_key`.
    pub result: String,
}

/// What came of an import.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Arrival {
    /// It is in the store now.
    New,
    /// It was there already.
    Known,
}

impl RunDir {
    /// Where the run came from; `None` of one that was recorded here.
    #[must_use]
    pub fn imported(&self) -> Option<Imported> {
        let dir = files::open_dir(self.path()).ok()?;
        serde_json::from_slice(&files::read_small(dir, IMPORTED, MAX_IMPORTED).ok()?).ok()
    }
}

impl Store {
    /// Copies `run`, which was unpacked, into the store. One that is there already with the same seal, or
    /// without one with the same segments, stays as it is.
    ///
    /// # Errors
    /// [`Error::Import`] when another run has its id, [`Error::Exposed`] and [`Error::File`] as for a new run.
    pub fn import(&self, run: &RunDir, told: &Imported) -> Result<Arrival, Error> {
        let place = self.path().join(run.id().as_str());
        self.make()?;
        if place.symlink_metadata().is_ok() {
            return same(run, &self.run(run.id())?);
        }
        let temporary = self.path().join(format!(".import.{}", std::process::id()));
        let _ = fs::remove_dir_all(&temporary);
        let copied = copy(run, told, &temporary).map_err(Error::file("write", &temporary));
        let named = copied.and_then(|()| {
            let (cwd, flags) = (rustix::fs::CWD, RenameFlags::NOREPLACE);
            let named = rustix::fs::renameat_with(cwd, &temporary, cwd, &place, flags);
            named.map_err(|errno| Error::file("make", &place)(errno.into()))
        });
        named.map(|()| Arrival::New).inspect_err(|_| {
            let _ = fs::remove_dir_all(&temporary);
        })
    }
}

/// Whether two runs of one id are one.
fn same(new: &RunDir, old: &RunDir) -> Result<Arrival, Error> {
    let read = |run: &RunDir, name: &str| match files::read_small(run.segments(), name, MAX_SEAL) {
        Ok(bytes) => Ok(Some(bytes)),
        Err(why) if why.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(why) => Err(Error::file("read", run.path().join(name))(why)),
    };
    let mut equal = read(new, SEAL_NAME)? == read(old, SEAL_NAME)?
        && read(new, SEAL_SIG_NAME)? == read(old, SEAL_SIG_NAME)?;
    if equal && new.seal_sha256().is_none() {
        equal = sums(new).map_err(Error::file("read", new.path()))?
            == sums(old).map_err(Error::file("read", old.path()))?;
    }
    match equal {
        true => Ok(Arrival::Known),
        false => Err(Error::Import { run: new.id().clone() }),
    }
}

/// The hash of each segment.
fn sums(run: &RunDir) -> io::Result<Vec<(u32, u64, [u8; 32])>> {
    let each = |number: u32| {
        let file = files::open(run.segments(), &segments::name(number))?;
        let mut hash = blake3::Hasher::new();
        let len = files::hash_from(&file, 0, &mut hash)?;
        Ok((number, len, *hash.finalize().as_bytes()))
    };
    segments::numbers(run.segments())?.into_iter().map(each).collect()
}

/// Copies what a bundle has, and nothing else that lies beside it.
fn copy(run: &RunDir, told: &Imported, to: &Path) -> io::Result<()> {
    let make = |dir: &Path| {
        fs::DirBuilder::new().mode(files::DIR_MODE.as_raw_mode()).create(dir)?;
        files::open_dir(dir)
    };
    let top = make(to)?;
    let segments_dir = make(&to.join(SEGMENTS))?;
    let names = segments::numbers(run.segments())?.into_iter().map(segments::name);
    for name in names.chain([SEAL_NAME.to_owned(), SEAL_SIG_NAME.to_owned()]) {
        one(files::open(run.segments(), &name), &name, &segments_dir)?;
    }
    one(files::open(run.dir(), EPOCHS), EPOCHS, &top)?;
    if let Ok(rules) = fs::read_dir(run.path().join(RULES)) {
        let dir = make(&to.join(RULES))?;
        for name in rules.flatten().filter_map(|entry| entry.file_name().into_string().ok()) {
            if super::member::hash_of(&name).is_some() {
                let from = files::open_sub_dir(run.dir(), RULES)?;
                one(files::open(from, &name), &name, &dir)?;
            }
        }
    }
    let text = serde_json::to_vec_pretty(told)?;
    files::replace(&top, IMPORTED, &text)?;
    rustix::fs::fsync(&segments_dir)?;
    Ok(rustix::fs::fsync(&top)?)
}

/// Copies one file, if it is there.
fn one(from: io::Result<File>, name: &str, dir: impl std::os::fd::AsFd) -> io::Result<()> {
    let mut from = match from {
        Err(why) if why.kind() == io::ErrorKind::NotFound => return Ok(()),
        other => other?,
    };
    let mut to = files::create(dir, name)?;
    io::copy(&mut from, &mut to)?;
    to.sync_all()
}
