//! What needs more rights than reading records does: done by the caller itself, or by who has them.

use std::fmt::Debug;
use std::io;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, OwnedFd};

use fanotify::low_level as fan;

use crate::view;

/// Takes the steps that need rights.
pub trait Power: Debug {
    /// fanotify_mark(2) on what `point` is open on; `flags` without `FAN_MARK_ADD`.
    ///
    /// # Errors
    /// Those of the call.
    fn mark(
        &self,
        group: BorrowedFd<'_>,
        flags: u32,
        mask: u64,
        point: BorrowedFd<'_>,
    ) -> io::Result<()>;

    /// Opens the root directory of a process; `process` is its directory in /proc.
    ///
    /// # Errors
    /// Those of openat(2).
    fn root_of(&self, process: BorrowedFd<'_>) -> io::Result<OwnedFd>;

    /// Opens the program of a process for reading.
    ///
    /// # Errors
    /// Those of openat(2).
    fn program_of(&self, process: BorrowedFd<'_>) -> io::Result<OwnedFd>;
}

/// With the rights of the caller.
#[derive(Debug, Clone, Copy)]
pub struct Own;

impl Power for Own {
    fn mark(
        &self,
        group: BorrowedFd<'_>,
        flags: u32,
        mask: u64,
        point: BorrowedFd<'_>,
    ) -> io::Result<()> {
        add_mark(group, flags, mask, point)
    }

    fn root_of(&self, process: BorrowedFd<'_>) -> io::Result<OwnedFd> {
        Ok(view::enter(process, c"root")?)
    }

    fn program_of(&self, process: BorrowedFd<'_>) -> io::Result<OwnedFd> {
        use rustix::fs::{Mode, OFlags};
        Ok(rustix::fs::openat(process, c"exe", OFlags::RDONLY | OFlags::CLOEXEC, Mode::empty())?)
    }
}

/// See [`Power::mark`]. By way of `/proc/self/fd`, for `point` may be a file.
///
/// # Errors
/// Those of fanotify_mark(2).
pub fn add_mark(
    group: BorrowedFd<'_>,
    flags: u32,
    mask: u64,
    point: BorrowedFd<'_>,
) -> io::Result<()> {
    let path = format!("/proc/self/fd/{}", point.as_fd().as_raw_fd());
    let flags = fan::FAN_MARK_ADD | flags;
    fan::fanotify_mark(group.as_raw_fd(), flags, mask, fan::AT_FDCWD, path.as_str())
}
