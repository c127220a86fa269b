//! The segment files in a directory that was handed over by descriptor.

use std::{io, os::fd::OwnedFd};

use rustix::fs::{AtFlags, FallocateFlags, FlockOperation, Mode, OFlags};

/// Name of the file that holds the reserve while a run goes on.
const RESERVE_NAME: &str = "reserve";

/// The open segment and the reserve.
#[derive(Debug)]
pub(super) struct Disk {
    dir: OwnedFd,
    file: OwnedFd,
    number: u32,
    written: u64,
    unsynced: u64,
    reserve: bool,
}

impl Disk {
    /// Locks `dir`, makes the reserve and the first segment.
    pub(super) fn create(dir: OwnedFd, reserve: u64) -> io::Result<Disk> {
        // Held until this process ends: readers take a locked directory for a run that goes on.
        rustix::fs::flock(&dir, FlockOperation::NonBlockingLockExclusive)?;
        let kept = open(&dir, RESERVE_NAME)?;
        if let Err(errno) = rustix::fs::fallocate(&kept, FallocateFlags::empty(), 0, reserve) {
            let _ = rustix::fs::unlinkat(&dir, RESERVE_NAME, AtFlags::empty());
            // A file system that cannot set bytes aside is not a full one: go on without.
            if errno != rustix::io::Errno::OPNOTSUPP {
                return Err(errno.into());
            }
        }
        let file = open(&dir, name(1).as_str())?;
        Ok(Disk { dir, file, number: 1, written: 0, unsynced: 0, reserve: true })
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
            match rustix::io::pwrite(&self.file, rest, at) {
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

    pub(super) fn sync(&mut self) -> io::Result<()> {
        self.unsynced = 0;
        Ok(rustix::fs::fdatasync(&self.file)?)
    }

    /// Begins segment `number`.
    pub(super) fn next(&mut self, number: u32) -> io::Result<()> {
        self.file = open(&self.dir, name(number).as_str())?;
        (self.number, self.written, self.unsynced) = (number, 0, 0);
        Ok(())
    }

    /// Gives the reserve back to the disk. Returns whether there was one.
    pub(super) fn drop_reserve(&mut self) -> bool {
        std::mem::take(&mut self.reserve)
            && rustix::fs::unlinkat(&self.dir, RESERVE_NAME, AtFlags::empty()).is_ok()
    }

    fn cut(&self, why: io::Error) -> io::Result<()> {
        let _ = rustix::fs::ftruncate(&self.file, self.written);
        Err(why)
    }
}

fn open(dir: &OwnedFd, name: &str) -> rustix::io::Result<OwnedFd> {
    let flags = OFlags::WRONLY | OFlags::CREATE | OFlags::EXCL | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    rustix::fs::openat(dir, name, flags, Mode::from_raw_mode(0o600))
}

/// `000001.seg`: sorts as it counts.
fn name(number: u32) -> String {
    format!("{number:06}.seg")
}
