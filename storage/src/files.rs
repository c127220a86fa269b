//! Opening, making and replacing files inside a directory that somebody else may have prepared.
//!
//! Everything goes through the directory's descriptor, follows no link, opens nothing but regular
//! files (a FIFO would hang the reader) and makes nothing that others can read.

use std::{
    fs::File,
    io::{self, Read, Write},
    os::fd::{AsFd, OwnedFd},
    path::Path,
};

use rustix::{
    fs::{AtFlags, FileType, FlockOperation, Mode, OFlags},
    io::Errno,
};

/// Rights of the directories that are made.
pub(crate) const DIR_MODE: Mode = Mode::RWXU;
const FILE_MODE: Mode = Mode::RUSR.union(Mode::WUSR);

/// Opens the directory `path`, links followed: the user named it.
pub(crate) fn open_dir(path: &Path) -> io::Result<OwnedFd> {
    let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC;
    Ok(rustix::fs::open(path, flags, Mode::empty())?)
}

/// Opens the directory `name` in `dir`.
pub(crate) fn open_sub_dir(dir: impl AsFd, name: &str) -> io::Result<OwnedFd> {
    let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    Ok(rustix::fs::openat(dir, name, flags, Mode::empty())?)
}

/// Makes the directory `name` in `dir` and opens it.
pub(crate) fn make_sub_dir(dir: impl AsFd, name: &str) -> io::Result<OwnedFd> {
    rustix::fs::mkdirat(&dir, name, DIR_MODE)?;
    open_sub_dir(dir, name)
}

/// Opens the regular file `name` in `dir` for reading.
pub(crate) fn open(dir: impl AsFd, name: &str) -> io::Result<File> {
    let flags =
        OFlags::RDONLY | OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::NOCTTY | OFlags::CLOEXEC;
    let file = rustix::fs::openat(dir, name, flags, Mode::empty())?;
    if FileType::from_raw_mode(rustix::fs::fstat(&file)?.st_mode) != FileType::RegularFile {
        return Err(io::Error::new(io::ErrorKind::InvalidInput, "not a regular file"));
    }
    Ok(file.into())
}

/// Reads the whole file `name` in `dir`, which may have at most `limit` bytes.
pub(crate) fn read_small(dir: impl AsFd, name: &str, limit: u64) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    open(dir, name)?.take(limit + 1).read_to_end(&mut bytes)?;
    if bytes.len() as u64 > limit {
        return Err(io::Error::new(io::ErrorKind::FileTooLarge, "larger than it can be"));
    }
    Ok(bytes)
}

/// Makes the file `name` in `dir` for writing; an old one of that name goes first.
pub(crate) fn create(dir: impl AsFd, name: &str) -> io::Result<File> {
    remove(&dir, name)?;
    let flags = OFlags::RDWR | OFlags::CREATE | OFlags::EXCL | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    Ok(rustix::fs::openat(dir, name, flags, FILE_MODE)?.into())
}

/// Removes the file `name` in `dir` if there is one.
pub(crate) fn remove(dir: impl AsFd, name: &str) -> io::Result<()> {
    match rustix::fs::unlinkat(dir, name, AtFlags::empty()) {
        Ok(()) | Err(Errno::NOENT) => Ok(()),
        Err(errno) => Err(errno.into()),
    }
}

/// Renames `from` to `to`, both in `dir`.
pub(crate) fn rename(dir: impl AsFd, from: &str, to: &str) -> io::Result<()> {
    Ok(rustix::fs::renameat(&dir, from, &dir, to)?)
}

/// Returns whether `dir` has anything called `name`.
pub(crate) fn exists(dir: impl AsFd, name: &str) -> bool {
    rustix::fs::statat(dir, name, AtFlags::SYMLINK_NOFOLLOW).is_ok()
}

/// Writes `name` in `dir` so that a reader sees the old bytes or the new ones.
pub(crate) fn replace(dir: impl AsFd, name: &str, bytes: &[u8]) -> io::Result<()> {
    let temporary = format!("{name}.new");
    let mut file = create(&dir, &temporary)?;
    file.write_all(bytes)?;
    drop(file);
    rename(dir, &temporary, name)
}

/// Opens or makes the file `name` in `dir` and locks it; `None` while another process holds it.
pub(crate) fn lock(dir: impl AsFd, name: &str) -> io::Result<Option<OwnedFd>> {
    let flags = OFlags::RDWR
        | OFlags::CREATE
        | OFlags::NOFOLLOW
        | OFlags::NONBLOCK
        | OFlags::NOCTTY
        | OFlags::CLOEXEC;
    let file = rustix::fs::openat(dir, name, flags, FILE_MODE)?;
    match rustix::fs::flock(&file, FlockOperation::NonBlockingLockExclusive) {
        Ok(()) => Ok(Some(file)),
        Err(Errno::WOULDBLOCK) => Ok(None),
        Err(errno) => Err(errno.into()),
    }
}

/// Returns whether somebody holds an exclusive lock on `file`.
pub(crate) fn is_locked(file: impl AsFd) -> io::Result<bool> {
    match rustix::fs::flock(&file, FlockOperation::NonBlockingLockShared) {
        Ok(()) => {
            rustix::fs::flock(&file, FlockOperation::Unlock)?;
            Ok(false)
        }
        Err(Errno::WOULDBLOCK) => Ok(true),
        Err(errno) => Err(errno.into()),
    }
}

/// Holes from this size on are passed over when a file is hashed: nothing that is written here has any, and
/// a file may claim to have terabytes of them.
const HOLE: u64 = 1 << 20;

/// Returns how long the large hole is that begins at `at`, where there is one and the file system tells.
pub(crate) fn hole_at(file: &File, at: u64) -> io::Result<Option<u64>> {
    let len = match rustix::fs::seek(file, rustix::fs::SeekFrom::Data(at)) {
        Ok(data) => data.saturating_sub(at),
        // Nothing but a hole up to the end.
        Err(Errno::NXIO) => file.metadata()?.len().saturating_sub(at),
        Err(_) => 0,
    };
    Ok((len >= HOLE).then_some(len))
}

/// Feeds everything from `from` on to `hash`, a large hole as the word `hole` and its length; returns how
/// many bytes that were.
pub(crate) fn hash_from(file: &File, from: u64, hash: &mut blake3::Hasher) -> io::Result<u64> {
    let mut room = vec![0; 256 * 1024];
    let mut at = from;
    loop {
        let got = match rustix::io::pread(file, &mut room, at) {
            Ok(0) => return Ok(at - from),
            Ok(got) => got,
            Err(Errno::INTR) => continue,
            Err(errno) => return Err(errno.into()),
        };
        let bytes = room.get(..got).unwrap_or_default();
        if bytes.first() == Some(&0)
            && let Some(hole) = hole_at(file, at)?
        {
            hash.update(b"hole").update(&hole.to_le_bytes());
            at += hole;
            continue;
        }
        hash.update(bytes);
        at += got as u64;
    }
}
