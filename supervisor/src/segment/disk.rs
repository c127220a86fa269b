//! The segment files in a directory that was handed over by descriptor.

use std::{io, os::fd::OwnedFd, sync::Arc};

use rustix::fs::{AtFlags, FlockOperation, Mode, OFlags};

use super::{calls, syncer::Syncer};

/// Name of the file that holds the reserve while a run goes on.
const RESERVE_NAME: &str = "reserve";

/// The open segment and the reserve.
#[derive(Debug)]
pub(super) struct Disk {
    dir: OwnedFd,
    /// Shared with the thread that syncs it.
    file: Arc<OwnedFd>,
    syncer: Option<Syncer>,
    number: u32,
    written: u64,
    unsynced: u64,
    /// Room of ours on the disk, in a file of its own until it is needed.
    reserve: Option<OwnedFd>,
}

impl Disk {
    /// Locks `dir`, makes the reserve and the first segment.
    pub(super) fn create(dir: OwnedFd, reserve: u64) -> io::Result<Disk> {
        // Held until this process ends: readers take a locked directory for a run that goes on.
        rustix::fs::flock(&dir, FlockOperation::NonBlockingLockExclusive)?;
        let kept = set_aside(&dir, reserve)?;
        let file = Arc::new(open(&dir, name(1).as_str())?);
        Ok(Disk { dir, file, syncer: None, number: 1, written: 0, unsynced: 0, reserve: kept })
    }

    /// Syncs in a thread from now on. Where there is no room for one, the loop goes on to wait itself.
    pub(super) fn sync_beside(&mut self) {
        self.syncer = Syncer::start().ok();
    }

    pub(super) fn number(&self) -> u32 {
        self.number
    }

    /// Bytes in the open segment.
    pub(super) fn written(&self) -> u64 {
        self.written
    }

    /// Bytes written since the last sync.
    pub(super) fn unsynced(&self) -> u64 {
        self.unsynced
    }

    /// Writes `bytes` whole or not at all: what a refused write left is cut off again.
    pub(super) fn append(&mut self, bytes: &[u8]) -> io::Result<()> {
        let mut rest = bytes;
        let mut at = self.written;
        while !rest.is_empty() {
            match calls::write(&self.file, rest, at) {
                Ok(0) => return self.cut(io::ErrorKind::WriteZero.into()),
                Ok(len) => {
                    rest = rest.get(len..).unwrap_or_default();
                    at += len as u64;
                }
                Err(rustix::io::Errno::INTR) => {}
                Err(errno) => return self.cut(errno.into()),
            }
        }
        self.unsynced += at - self.written;
        self.written = at;
        Ok(())
    }

    /// Whether a sync goes on: another one has to wait.
    pub(super) fn is_syncing(&self) -> bool {
        self.syncer.as_ref().is_some_and(Syncer::is_busy)
    }

    /// How the syncs went that have ended.
    pub(super) fn synced(&mut self) -> io::Result<()> {
        self.syncer.as_mut().map_or(Ok(()), Syncer::hear)
    }

    /// Has what was written synced, beside the loop where there is a thread for it.
    pub(super) fn sync_soon(&mut self) -> io::Result<()> {
        self.unsynced = 0;
        calls::may_fail()?;
        if self.syncer.as_mut().is_some_and(|syncer| syncer.ask(&self.file)) {
            return Ok(());
        }
        Ok(rustix::fs::fdatasync(&*self.file)?)
    }

    /// Syncs what was written and waits for it.
    pub(super) fn sync_now(&mut self) -> io::Result<()> {
        self.unsynced = 0;
        self.syncer.as_mut().map_or(Ok(()), Syncer::wait)?;
        Ok(calls::sync(&self.file)?)
    }

    /// Begins segment `number`.
    pub(super) fn next(&mut self, number: u32) -> io::Result<()> {
        self.file = Arc::new(open(&self.dir, name(number).as_str())?);
        (self.number, self.written, self.unsynced) = (number, 0, 0);
        Ok(())
    }

    /// Goes on in the reserve, which becomes the next segment: its blocks are ours already, and whoever
    /// is filling the disk cannot take them. Returns whether there was one.
    pub(super) fn use_reserve(&mut self) -> bool {
        let Some(kept) = self.reserve.take() else { return false };
        // A segment that was just begun and took nothing is replaced.
        let number = self.number.saturating_add(u32::from(self.written > 0));
        if calls::rename(&self.dir, RESERVE_NAME, name(number).as_str()).is_err() {
            return false;
        }
        self.file = Arc::new(kept);
        (self.number, self.written, self.unsynced) = (number, 0, 0);
        true
    }

    /// Writes a file beside the segments, whole or not at all.
    pub(super) fn put(&self, name: &str, bytes: &[u8]) -> io::Result<()> {
        let new = format!("{name}.new");
        let mut file = std::fs::File::from(open(&self.dir, &new)?);
        io::Write::write_all(&mut file, bytes)?;
        file.sync_data()?;
        Ok(rustix::fs::renameat(&self.dir, new.as_str(), &self.dir, name)?)
    }

    /// The record is whole: readers may take it for that, while this process still lets go of the kernel.
    pub(super) fn unlock(&self) {
        let _ = rustix::fs::flock(&self.dir, FlockOperation::Unlock);
    }

    /// Gives back to the disk what of the reserve was not needed.
    pub(super) fn release_reserve(&mut self) {
        // At the end of a run: what cannot be given back is a megabyte, and nobody is left to tell.
        let _ = match self.reserve.take() {
            Some(_) => rustix::fs::unlinkat(&self.dir, RESERVE_NAME, AtFlags::empty()),
            None => rustix::fs::ftruncate(&*self.file, self.written),
        };
    }

    fn cut(&self, why: io::Error) -> io::Result<()> {
        let _ = rustix::fs::ftruncate(&*self.file, self.written);
        Err(why)
    }
}

/// Makes the reserve; `None` on a file system that cannot set bytes aside, which is not a full one.
fn set_aside(dir: &OwnedFd, len: u64) -> io::Result<Option<OwnedFd>> {
    let kept = open(dir, RESERVE_NAME)?;
    // The file stays empty: what is not written must not be read as a segment.
    match calls::set_aside(&kept, len) {
        Ok(()) => return Ok(Some(kept)),
        Err(rustix::io::Errno::OPNOTSUPP) => {}
        Err(errno) => {
            let _ = rustix::fs::unlinkat(dir, RESERVE_NAME, AtFlags::empty());
            return Err(errno.into());
        }
    }
    rustix::fs::unlinkat(dir, RESERVE_NAME, AtFlags::empty())?;
    Ok(None)
}

fn open(dir: &OwnedFd, name: &str) -> rustix::io::Result<OwnedFd> {
    let flags = OFlags::WRONLY | OFlags::CREATE | OFlags::EXCL | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    // The umask takes the group's part away; where the directory's ACL rules instead, it is what the ACL
    // lets the user do (acl(5), "object creation and default ACLs").
    calls::open(dir, name, flags, Mode::from_raw_mode(0o640))
}

/// `000001.seg`: sorts as it counts.
fn name(number: u32) -> String {
    format!("{number:06}.seg")
}
