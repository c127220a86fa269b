//! The system calls of the writer, each of which a test can make fail.

use std::os::fd::OwnedFd;

use rustix::{
    fs::{FallocateFlags, Mode, OFlags},
    io::Result,
};

/// Opens a file of the record.
pub(super) fn open(dir: &OwnedFd, name: &str, flags: OFlags, mode: Mode) -> Result<OwnedFd> {
    may_fail()?;
    rustix::fs::openat(dir, name, flags, mode)
}

/// Writes at a place.
pub(super) fn write(file: &OwnedFd, bytes: &[u8], at: u64) -> Result<usize> {
    may_fail()?;
    rustix::io::pwrite(file, bytes, at)
}

/// Makes what was written firm.
pub(super) fn sync(file: &OwnedFd) -> Result<()> {
    may_fail()?;
    rustix::fs::fdatasync(file)
}

/// Sets room aside.
pub(super) fn set_aside(file: &OwnedFd, len: u64) -> Result<()> {
    may_fail()?;
    rustix::fs::fallocate(file, FallocateFlags::KEEP_SIZE, 0, len)
}

/// Gives a file of the record another name.
pub(super) fn rename(dir: &OwnedFd, from: &str, to: &str) -> Result<()> {
    may_fail()?;
    rustix::fs::renameat(dir, from, dir, to)
}

/// Fails where a test wants it to.
#[cfg(not(test))]
pub(super) fn may_fail() -> Result<()> {
    Ok(())
}

#[cfg(test)]
pub(super) use faults::{Fault, inject, may_fail};

#[cfg(test)]
mod faults {
    use std::cell::Cell;

    use rustix::io::{Errno, Result};

    /// Which call fails.
    #[derive(Debug, Clone, Copy)]
    pub(in crate::segment) struct Fault {
        /// The first is 1.
        pub(in crate::segment) call: u64,
        /// All after it fail too.
        pub(in crate::segment) for_ever: bool,
        /// How.
        pub(in crate::segment) errno: Errno,
    }

    thread_local! {
        static FAULT: Cell<Option<Fault>> = const { Cell::new(None) };
        static CALLS: Cell<u64> = const { Cell::new(0) };
    }

    /// Sets the fault of this thread and counts anew; returns how many calls there were.
    pub(in crate::segment) fn inject(fault: Option<Fault>) -> u64 {
        FAULT.set(fault);
        CALLS.replace(0)
    }

    /// Fails when it is time.
    pub(in crate::segment) fn may_fail() -> Result<()> {
        let call = CALLS.get() + 1;
        CALLS.set(call);
        match FAULT.get() {
            Some(fault) if call == fault.call || call > fault.call && fault.for_ever => {
                Err(fault.errno)
            }
            _ => Ok(()),
        }
    }
}
