//! Bundles that are read are unpacked once, below the user's cache: `bundles/<hash>/<id>/…`.
//!
//! Whoever reads one holds a shared lock on its place; what is not held goes when places are too many or too
//! large, the one that was read longest ago first.

use std::{
    fs::{self, File},
    io::{self, Write},
    os::{fd::OwnedFd, unix::fs::DirBuilderExt, unix::fs::MetadataExt},
    path::{Path, PathBuf},
};

use rustix::fs::{FlockOperation, RenameFlags, Timespec, Timestamps, UTIME_NOW};

use super::{
    member::Member,
    unpack::{Bundle, Piece},
};
use crate::{Error, RunDir, RunId, files};

/// Name of the directory in the cache.
const BUNDLES: &str = "bundles";

/// Most places that are kept, and most bytes of them; one that is in use stays in any case.
const MOST_PLACES: usize = 32;
const MOST_BYTES: u64 = 8 << 30;

/// The place of an unpacked bundle: as long as this lives, it stays.
#[derive(Debug)]
pub(crate) struct Held {
    /// The bundle.
    pub(crate) path: PathBuf,
    /// Its hash.
    pub(crate) hash: String,
    _lock: OwnedFd,
}

/// Opens the bundle at `path`; unpacks it when that was not done yet. With `again` what was unpacked is held
/// against the bundle, and unpacked anew where it differs: nobody but this user could have changed it, but what
/// they record may.
pub(crate) fn open(path: &Path, cache: &Path, again: bool) -> Result<RunDir, Error> {
    let path = path.canonicalize().map_err(Error::file("open", path))?;
    let bundle = Bundle::open(&path)?;
    let bundles = cache.join(BUNDLES);
    make(&bundles)?;
    let place = bundles.join(bundle.hash());
    let held = match lock(&place) {
        Some(lock) if is_whole(&bundle, &place, again)? => lock,
        Some(lock) => {
            drop(lock);
            // Who still reads what was changed must not find a half-new one at its path.
            let away = temporary(&bundles, "old");
            fs::rename(&place, &away).map_err(Error::file("rename", &place))?;
            let _ = fs::remove_dir_all(&away);
            unpack(&bundle, &bundles, &place)?
        }
        None => unpack(&bundle, &bundles, &place)?,
    };
    let run = RunDir::open(&place.join(id_in(&place)?.as_str()))?;
    // So that the last one read is known. Where the cache cannot be written to, nothing is removed either.
    let now = Timespec { tv_sec: 0, tv_nsec: UTIME_NOW };
    let _ = rustix::fs::futimens(&held, &Timestamps { last_access: now, last_modification: now });
    prune(&bundles);
    Ok(run.held(Held { path, hash: bundle.hash(), _lock: held }))
}

/// Makes the directory of all places. One that others may write to is theirs.
fn make(bundles: &Path) -> Result<(), Error> {
    let mode = files::DIR_MODE.as_raw_mode();
    let made = fs::DirBuilder::new().recursive(true).mode(mode).create(bundles);
    made.map_err(Error::file("make", bundles))?;
    let meta = bundles.symlink_metadata().map_err(Error::file("open", bundles))?;
    let own = rustix::process::geteuid().as_raw();
    if meta.is_dir() && meta.uid() == own && meta.mode() & 0o022 == 0 {
        return Ok(());
    }
    let why = "somebody else could change what is unpacked there".to_owned();
    Err(Error::Exposed { path: bundles.to_owned(), why })
}

/// Holds the place if it is there.
fn lock(place: &Path) -> Option<OwnedFd> {
    loop {
        let dir = files::open_dir(place).ok()?;
        rustix::fs::flock(&dir, FlockOperation::LockShared).ok()?;
        // Somebody may have removed it while this waited.
        let here = rustix::fs::fstat(&dir).ok()?;
        match place.symlink_metadata() {
            Ok(meta) if meta.ino() == here.st_ino && meta.dev() == here.st_dev => return Some(dir),
            Ok(_) => {}
            Err(_) => return None,
        }
    }
}

/// Whether the bundle has the hash of this place, and with `again` the same files.
fn is_whole(bundle: &Bundle, place: &Path, again: bool) -> Result<bool, Error> {
    if !again {
        return bundle.check_hash().map(|()| true);
    }
    let Ok(id) = id_in(place) else { return bundle.check_hash().map(|()| false) };
    let mut same = Same { run: place.join(id.as_str()), file: None, members: 0, same: true };
    bundle.each(&mut |piece| same.take(piece))?;
    Ok(same.same && same.members == files_in(&same.run))
}

/// How many files of a bundle lie in the directory: one more is not of it.
fn files_in(run: &Path) -> usize {
    let of = |dir: PathBuf| {
        let names = fs::read_dir(dir).into_iter().flatten().flatten();
        names.filter(|entry| entry.file_type().is_ok_and(|kind| !kind.is_dir())).count()
    };
    let epochs = usize::from(run.join(crate::run::EPOCHS).exists());
    of(run.join(crate::run::SEGMENTS)) + of(run.join(crate::run::RULES)) + epochs
}

/// Holds what was unpacked against what is in the bundle.
struct Same {
    run: PathBuf,
    file: Option<File>,
    members: usize,
    same: bool,
}

impl Same {
    fn take(&mut self, piece: Piece<'_>) -> io::Result<()> {
        match piece {
            Piece::Begin(_, member) => {
                self.members += 1;
                let (dir, name) = member.place();
                let dir = files::open_dir(&dir.map_or(self.run.clone(), |dir| self.run.join(dir)));
                self.file = dir.and_then(|dir| files::open(dir, &name)).ok();
            }
            Piece::Data(bytes) => {
                let mut there = vec![0; bytes.len()];
                let read = self.file.as_mut().map(|file| io::Read::read_exact(file, &mut there));
                self.same &= matches!(read, Some(Ok(()))) && there == bytes;
            }
            Piece::End => {
                let rest = self.file.take().map(|mut file| io::Read::read(&mut file, &mut [0; 1]));
                self.same &= matches!(rest, Some(Ok(0)));
            }
        }
        Ok(())
    }
}

/// Unpacks into a place of its own, which gets its name once all of it was held to the hash.
fn unpack(bundle: &Bundle, bundles: &Path, place: &Path) -> Result<OwnedFd, Error> {
    let temporary = temporary(bundles, "new");
    let _ = fs::remove_dir_all(&temporary);
    let mode = files::DIR_MODE.as_raw_mode();
    let made = fs::DirBuilder::new().mode(mode).create(&temporary);
    made.map_err(Error::file("make", &temporary))?;
    let dir = files::open_dir(&temporary).map_err(Error::file("open", &temporary))?;
    let locked = rustix::fs::flock(&dir, FlockOperation::LockShared);
    locked.map_err(|errno| Error::file("lock", &temporary)(errno.into()))?;
    let mut disk = Disk { place: temporary.clone(), file: None };
    let unpacked = bundle.each(&mut |piece| disk.take(piece));
    let flags = RenameFlags::NOREPLACE;
    let cwd = rustix::fs::CWD;
    let named = unpacked.map(|_| rustix::fs::renameat_with(cwd, &temporary, cwd, place, flags));
    match named {
        Ok(Ok(())) => Ok(dir),
        // Another process was faster; what it unpacked has the same hash.
        Ok(Err(rustix::io::Errno::EXIST)) => {
            let _ = fs::remove_dir_all(&temporary);
            lock(place).ok_or_else(|| Error::file("open", place)(io::ErrorKind::NotFound.into()))
        }
        Ok(Err(errno)) => {
            let _ = fs::remove_dir_all(&temporary);
            Err(Error::file("make", place)(errno.into()))
        }
        Err(why) => {
            let _ = fs::remove_dir_all(&temporary);
            Err(why)
        }
    }
}

/// Writes the files below a directory that nobody else knows yet.
struct Disk {
    place: PathBuf,
    file: Option<File>,
}

impl Disk {
    fn take(&mut self, piece: Piece<'_>) -> io::Result<()> {
        match piece {
            Piece::Begin(id, member) => self.file = Some(self.create(id, member)?),
            Piece::Data(bytes) => {
                if let Some(file) = &mut self.file {
                    file.write_all(bytes)?;
                }
            }
            Piece::End => self.file = None,
        }
        Ok(())
    }

    fn create(&self, id: &RunId, member: &Member) -> io::Result<File> {
        let (dir, name) = member.place();
        let run = self.place.join(id.as_str());
        let dir = dir.map_or(run.clone(), |dir| run.join(dir));
        // A run has segments, even where a hostile bundle has none.
        for dir in [&run.join(crate::run::SEGMENTS), &dir] {
            let mode = files::DIR_MODE.as_raw_mode();
            fs::DirBuilder::new().recursive(true).mode(mode).create(dir)?;
        }
        files::create(files::open_dir(&dir)?, &name)
    }
}

fn temporary(bundles: &Path, what: &str) -> PathBuf {
    bundles.join(format!("{}.{what}", std::process::id()))
}

/// The run that lies in a place.
fn id_in(place: &Path) -> Result<RunId, Error> {
    let entries = fs::read_dir(place).map_err(Error::file("read", place))?;
    let mut ids = entries.flatten().filter_map(|entry| RunId::parse(entry.file_name().to_str()?));
    let wrong = || Error::NotARun { path: place.to_owned(), why: "no run was unpacked there" };
    ids.next().ok_or_else(wrong)
}

/// Removes what was read longest ago while there is too much, and what a dead process left half done.
fn prune(bundles: &Path) {
    let Ok(entries) = fs::read_dir(bundles) else { return };
    let mut places: Vec<(i64, i64, PathBuf, u64)> = entries
        .flatten()
        .filter_map(|entry| {
            let meta = entry.metadata().ok().filter(fs::Metadata::is_dir)?;
            Some((meta.mtime(), meta.mtime_nsec(), entry.path(), size(&entry.path(), 0)))
        })
        .collect();
    places.sort_unstable();
    let (mut count, mut bytes) = (places.len(), places.iter().map(|place| place.3).sum::<u64>());
    for (_, _, path, size) in places {
        let half = path.extension().is_some();
        if !half && count <= MOST_PLACES && bytes <= MOST_BYTES {
            continue;
        }
        let free = files::open_dir(&path).is_ok_and(|dir| {
            let lock = FlockOperation::NonBlockingLockExclusive;
            rustix::fs::flock(&dir, lock).is_ok() && fs::remove_dir_all(&path).is_ok()
        });
        if free {
            (count, bytes) = (count.saturating_sub(1), bytes.saturating_sub(size));
        }
    }
}

/// Bytes of the files below `dir`; ours are three directories deep.
fn size(dir: &Path, depth: u32) -> u64 {
    let entries = fs::read_dir(dir).into_iter().flatten().flatten();
    let each = entries.map(|entry| match entry.metadata() {
        Ok(meta) if meta.is_dir() && depth < 4 => size(&entry.path(), depth + 1),
        Ok(meta) => meta.len(),
        Err(_) => 0,
    });
    each.sum()
}
