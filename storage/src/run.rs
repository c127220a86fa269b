//! One run's directory, held by descriptor.

use std::{
    os::fd::{AsFd, BorrowedFd, OwnedFd},
    os::unix::{ffi::OsStrExt, fs::DirBuilderExt},
    path::{Path, PathBuf},
};

use event::sign::{Certificate, SEAL_NAME, sha256};

use crate::{Error, Meta, RunId, bundle::Held, files, meta::MAX_META, segments};

/// Name of the directory that holds the segments.
pub(crate) const SEGMENTS: &str = "segments";
/// The events, one JSON object a line, packed.
pub(crate) const EVENTS: &str = "events.jsonl.zst";
/// The same of a run that is being recorded, as they come.
pub(crate) const LIVE_EVENTS: &str = "events.jsonl";
/// The index over the events.
pub(crate) const INDEX: &str = "index.sqlite";
/// The run on one page, written last.
pub(crate) const META: &str = "meta.json";
/// Longest text of a seal: a hundred bytes for each segment.
pub(crate) const MAX_SEAL: u64 = 128 << 20;
/// Copies of the rules that the run was judged with, by their hashes.
pub(crate) const RULES: &str = "rules";
/// Longest file of rules that is kept or read.
pub(crate) const MAX_RULES: u64 = 1 << 20;
/// The log of keys of the host that recorded a run which came from elsewhere, up to the run's.
pub(crate) const EPOCHS: &str = "epochs";
/// Locked by the process that derives.
pub(crate) const LOCK: &str = "derive.lock";

/// Returns the hash by which a copy of rules is found again: BLAKE3, hexadecimal.
#[must_use]
pub fn rules_hash(text: &str) -> String {
    blake3::hash(text.as_bytes()).to_hex().to_string()
}

/// The directory of one run, open.
#[derive(Debug)]
pub struct RunDir {
    path: PathBuf,
    /// Where derived files are: the run's own directory, unless only its recorder may write there.
    derived: PathBuf,
    id: RunId,
    dir: OwnedFd,
    segments: OwnedFd,
    /// The bundle that it was unpacked from for reading.
    bundle: Option<Held>,
}

impl RunDir {
    /// Opens the run in `path`, wherever that is.
    ///
    /// # Errors
    /// [`Error::NotARun`] when it has no segments directory, or neither its name nor its first
    /// segment says which run it is; [`Error::File`] when it cannot be opened.
    pub fn open(path: &Path) -> Result<RunDir, Error> {
        RunDir::open_with(path, None)
    }

    /// Opens the run in `path`. When it belongs to somebody else, what is derived from it is kept in a
    /// directory of its own in `cache`, which is made.
    ///
    /// # Errors
    /// As [`RunDir::open`].
    pub fn open_with(path: &Path, cache: Option<&Path>) -> Result<RunDir, Error> {
        // SQLite is given a path and follows no link in it; nor does anything else from here on.
        let path = path.canonicalize().map_err(Error::file("open", path))?;
        let dir = files::open_dir(&path).map_err(Error::file("open", &path))?;
        let segments = files::open_sub_dir(&dir, SEGMENTS).map_err(|_| Error::NotARun {
            path: path.clone(),
            why: "it has no directory `segments`",
        })?;
        let named = path.file_name().and_then(|name| name.to_str()).and_then(RunId::parse);
        let id = named.or_else(|| segments::run_id(&segments)).ok_or_else(|| Error::NotARun {
            path: path.clone(),
            why: "neither its name nor its first segment has a run id",
        })?;
        let elsewhere = cache.and_then(|cache| elsewhere(&dir, &path, id.as_str(), cache));
        let (derived, dir) = elsewhere.unwrap_or_else(|| (path.clone(), dir));
        Ok(RunDir { path, derived, id, dir, segments, bundle: None })
    }

    /// Opens the same run once more.
    ///
    /// # Errors
    /// As [`RunDir::open`].
    pub fn again(&self) -> Result<RunDir, Error> {
        let cache = self.derived.parent().filter(|_| self.derived != self.path);
        RunDir::open_with(&self.path, cache)
    }

    /// The same run, of which `bundle` is the bundle.
    pub(crate) fn held(self, bundle: Held) -> RunDir {
        RunDir { bundle: Some(bundle), ..self }
    }

    /// The bundle that it was unpacked from for reading, and its hash.
    #[must_use]
    pub fn bundle(&self) -> Option<(&Path, &str)> {
        self.bundle.as_ref().map(|held| (held.path.as_path(), held.hash.as_str()))
    }

    /// Which run it is.
    #[must_use]
    pub fn id(&self) -> &RunId {
        &self.id
    }

    /// Where it is; without links.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Where its derived files are.
    #[must_use]
    pub fn derived_path(&self) -> &Path {
        &self.derived
    }

    /// The directory that the supervisor writes into.
    ///
    /// Hand over a descriptor of your own ([`RunDir::open_segments`]), not a copy of this one: a
    /// lock on a copy would be held by this one too.
    #[must_use]
    pub fn segments(&self) -> BorrowedFd<'_> {
        self.segments.as_fd()
    }

    /// Opens the segments directory once more, to be handed to the supervisor and closed.
    ///
    /// # Errors
    /// [`Error::File`].
    pub fn open_segments(&self) -> Result<OwnedFd, Error> {
        files::open_sub_dir(&self.segments, ".")
            .map_err(Error::file("open", self.path.join(SEGMENTS)))
    }

    /// Returns whether the supervisor still holds its lock on the segments.
    ///
    /// Anybody who can open the directory can hold such a lock: a run whose last frame is a seal is
    /// over all the same, see [`RunDir::is_live`].
    ///
    /// # Errors
    /// [`Error::File`].
    pub fn is_locked(&self) -> Result<bool, Error> {
        files::is_locked(self.open_segments()?)
            .map_err(Error::file("lock", self.path.join(SEGMENTS)))
    }

    /// Returns whether more frames may come: it is locked and has no seal.
    ///
    /// # Errors
    /// [`Error::File`].
    pub fn is_live(&self) -> Result<bool, Error> {
        // In this order: the seal is written before the lock goes.
        Ok(self.is_locked()? && segments::seal(&self.segments).is_none())
    }

    /// Reads `meta.json`; `None` when there is none.
    ///
    /// What it says is not compared with anything: [`RunDir::freshness`] does that.
    ///
    /// # Errors
    /// [`Error::File`], also when it is longer than [`MAX_META`] or not what it should be.
    pub fn meta(&self) -> Result<Option<Meta>, Error> {
        let bytes = match files::read_small(&self.dir, META, MAX_META) {
            Ok(bytes) => bytes,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(self.file("read", META)(error)),
        };
        let meta = serde_json::from_slice(&bytes).map_err(|e| self.file("read", META)(e.into()))?;
        Ok(Some(meta))
    }

    /// The run's keys, as its first frames have them; `None` when it is not signed.
    #[must_use]
    pub fn certificate(&self) -> Option<Certificate> {
        segments::first(&self.segments).certificate
    }

    /// SHA-256 of the seal's text; `None` when there is none.
    #[must_use]
    pub fn seal_sha256(&self) -> Option<[u8; 32]> {
        files::read_small(&self.segments, SEAL_NAME, MAX_SEAL).ok().map(|text| sha256(&text))
    }

    /// Keeps a copy of a file of rules. Returns its hash: BLAKE3, hexadecimal.
    ///
    /// # Errors
    /// [`Error::File`].
    pub fn keep_rules(&self, text: &str) -> Result<String, Error> {
        let hash = rules_hash(text);
        let keep = || {
            let dir = match files::make_sub_dir(&self.dir, RULES) {
                Err(error) if error.kind() == std::io::ErrorKind::AlreadyExists => {
                    files::open_sub_dir(&self.dir, RULES)
                }
                other => other,
            }?;
            files::replace(dir, &format!("{hash}.yml"), text.as_bytes())
        };
        keep().map_err(self.file("write", RULES))?;
        Ok(hash)
    }

    /// Reads the kept copy with this hash; one that is not what its hash says is none.
    ///
    /// # Errors
    /// [`Error::File`].
    pub fn kept_rules(&self, hash: &str) -> Result<String, Error> {
        let read = || {
            let dir = files::open_sub_dir(&self.dir, RULES)?;
            let is_hash = hash.len() == 64 && hash.bytes().all(|byte| byte.is_ascii_hexdigit());
            let wrong = || std::io::Error::new(std::io::ErrorKind::InvalidData, "it was changed");
            if !is_hash {
                return Err(wrong());
            }
            let bytes = files::read_small(dir, &format!("{hash}.yml"), MAX_RULES)?;
            let same = blake3::hash(&bytes).to_hex().as_str() == hash;
            String::from_utf8(bytes).ok().filter(|_| same).ok_or_else(wrong)
        };
        read().map_err(self.file("read", RULES))
    }

    pub(crate) fn dir(&self) -> BorrowedFd<'_> {
        self.dir.as_fd()
    }

    /// Wraps the system's answer to `verb` on the file `name` of the run.
    pub(crate) fn file(
        &self,
        verb: &'static str,
        name: &str,
    ) -> impl FnOnce(std::io::Error) -> Error + use<> {
        let of_segments = name == SEGMENTS;
        Error::file(verb, if of_segments { &self.path } else { &self.derived }.join(name))
    }
}

/// The place in `cache` for the run `id` at `path`.
pub(crate) fn place_in(cache: &Path, path: &Path, id: &str) -> PathBuf {
    let place = blake3::hash(path.as_os_str().as_bytes()).to_hex();
    cache.join(format!("{id}.{}", place.get(..8).unwrap_or_default()))
}

/// Opens the place in `cache` for what is derived from somebody else's run; `None` for an own one, and
/// where there can be no such place. Two runs of one name that lie in different places have two.
fn elsewhere(run: &OwnedFd, path: &Path, id: &str, cache: &Path) -> Option<(PathBuf, OwnedFd)> {
    if rustix::fs::fstat(run).ok()?.st_uid == rustix::process::geteuid().as_raw() {
        return None;
    }
    let derived = place_in(cache, path, id);
    let mut make = std::fs::DirBuilder::new();
    make.recursive(true).mode(files::DIR_MODE.as_raw_mode()).create(&derived).ok()?;
    let dir = files::open_dir(&derived).ok()?;
    let stat = rustix::fs::fstat(&dir).ok()?;
    let own = stat.st_uid == rustix::process::geteuid().as_raw() && stat.st_mode & 0o022 == 0;
    own.then_some((derived, dir))
}
