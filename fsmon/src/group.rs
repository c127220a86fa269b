//! The three groups and how they report.
//!
//! Two groups report by handle and name, because the `ONDIR` of a mark holds for all its events:
//! directory entries need it (mkdir, rmdir), opens must not have it, or each `find` would report
//! every directory it lists. The third reports by descriptor, for file systems that refuse handles.

use std::io;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, OwnedFd, RawFd};
use std::rc::Rc;

use fanotify::low_level as fan;

use crate::power::{Own, Power};
use crate::sys;

/// Bits of [`crate::Record::mask`], and what each kind of group is asked for.
pub mod mask {
    /// A file that was open for writing was closed.
    pub const CLOSE_WRITE: u64 = libc::FAN_CLOSE_WRITE;
    /// A file that was open for reading was closed.
    pub const CLOSE_NOWRITE: u64 = libc::FAN_CLOSE_NOWRITE;
    /// A file was opened to be executed: programs, scripts, interpreters, loaders.
    pub const OPEN_EXEC: u64 = libc::FAN_OPEN_EXEC;
    /// A directory entry was made: create, mkdir, link, symlink, mknod.
    pub const CREATE: u64 = libc::FAN_CREATE;
    /// A directory entry was removed.
    pub const DELETE: u64 = libc::FAN_DELETE;
    /// An entry was renamed; the record has both directories and names.
    pub const RENAME: u64 = libc::FAN_RENAME;
    /// The old half of a rename, only from kernels before 5.17.
    pub const MOVED_FROM: u64 = libc::FAN_MOVED_FROM;
    /// The new half of a rename, only from kernels before 5.17.
    pub const MOVED_TO: u64 = libc::FAN_MOVED_TO;
    /// Mode, owner, times, extended attributes or the number of links were changed.
    pub const ATTRIB: u64 = libc::FAN_ATTRIB;
    /// The object is a directory.
    pub const ONDIR: u64 = libc::FAN_ONDIR;
    /// The queue was full; the record has nothing else.
    pub const Q_OVERFLOW: u64 = libc::FAN_Q_OVERFLOW;

    /// Reads, writes, executions. Never `ACCESS` or `MODIFY`: they double the price of small writes,
    /// and a recorder on a marked file system would report its own log without end.
    pub(crate) const ACCESSES: u64 = CLOSE_WRITE | CLOSE_NOWRITE | OPEN_EXEC;
    /// Directory entries and attributes; free for all who do not change any. Not `DELETE_SELF`: it
    /// comes when the last descriptor of an unlinked file goes, and says only by whom, not where;
    /// `DELETE` has told who removed the name. Executions, so that what a process did before one is known
    /// from what it did after.
    pub(crate) const NAMES: u64 = CREATE | DELETE | RENAME | ATTRIB | ONDIR | OPEN_EXEC;
    /// The same where the kernel has no `FAN_RENAME`.
    pub(crate) const NAMES_BEFORE_5_17: u64 =
        CREATE | DELETE | MOVED_FROM | MOVED_TO | ATTRIB | ONDIR | OPEN_EXEC;
    /// Only what was written: for the kernel's own trees.
    pub(crate) const WRITES: u64 = CLOSE_WRITE;
}

/// `FAN_REPORT_FD_ERROR` (include/uapi/linux/fanotify.h, v6.13); libc has no name for it.
const REPORT_FD_ERROR: u32 = 0x2000;

/// What a group reports and how.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Kind {
    /// Directory entries and attributes, by handle and name; and executions, to have an order.
    Names,
    /// Reads, writes, executions, by handle and name.
    Access,
    /// Reads, writes, executions, by descriptor.
    AccessFd,
}

/// One fanotify group. Non-blocking, closed on exec. To be registered with an event loop.
#[derive(Debug)]
pub struct Group {
    fd: OwnedFd,
    kind: Kind,
}

impl Group {
    /// Makes a group without limits on its queue and its marks.
    ///
    /// # Errors
    /// `EPERM` without `CAP_SYS_ADMIN`, `EMFILE` at 128 groups of one user, `EINVAL` before 5.9.
    pub fn new(kind: Kind) -> io::Result<Group> {
        Group::with(kind, fan::FAN_UNLIMITED_QUEUE | fan::FAN_UNLIMITED_MARKS)
    }

    /// Makes a group with the kernel's limits (16,384 events), to see what an overflow looks like.
    ///
    /// # Errors
    /// As [`Group::new`].
    pub fn limited(kind: Kind) -> io::Result<Group> {
        Group::with(kind, 0)
    }

    fn with(kind: Kind, limits: u32) -> io::Result<Group> {
        let common = fan::FAN_CLASS_NOTIF | fan::FAN_CLOEXEC | fan::FAN_NONBLOCK | limits;
        // The second of each pair is for older kernels: TARGET_FID is of 5.17, FD_ERROR of 6.13.
        let by_handle = libc::FAN_REPORT_DFID_NAME | libc::FAN_REPORT_FID;
        let reports = match kind {
            Kind::Names | Kind::Access => [by_handle | libc::FAN_REPORT_TARGET_FID, by_handle],
            Kind::AccessFd => [REPORT_FD_ERROR, 0],
        };
        let make = |report: u32| sys::init(common | report, file_flags());
        let [best, older] = reports;
        let fd = match make(best) {
            Err(error) if error.raw_os_error() == Some(libc::EINVAL) => make(older)?,
            other => other?,
        };
        Ok(Group { fd, kind })
    }

    /// Returns what the group reports.
    #[must_use]
    pub fn kind(&self) -> Kind {
        self.kind
    }
}

/// How the kernel opens the files of a descriptor group. Without `NONBLOCK` a named pipe would stop
/// the reader until somebody writes.
fn file_flags() -> u32 {
    let flags =
        libc::O_RDONLY | libc::O_LARGEFILE | libc::O_CLOEXEC | libc::O_NOATIME | libc::O_NONBLOCK;
    flags.cast_unsigned()
}

impl AsFd for Group {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.fd.as_fd()
    }
}

impl AsRawFd for Group {
    fn as_raw_fd(&self) -> RawFd {
        self.fd.as_raw_fd()
    }
}

/// The three groups of a run.
#[derive(Debug)]
pub struct Groups {
    /// See [`Kind::Names`].
    pub names: Group,
    /// See [`Kind::Access`].
    pub access: Group,
    /// See [`Kind::AccessFd`].
    pub access_fd: Group,
    /// Who marks.
    pub power: Rc<dyn Power>,
}

impl Groups {
    /// Makes the three groups, with no marks.
    ///
    /// # Errors
    /// As [`Group::new`].
    pub fn new() -> io::Result<Groups> {
        Groups::with(Rc::new(Own))
    }

    /// Makes the three groups, which `power` will mark.
    ///
    /// # Errors
    /// As [`Group::new`].
    pub fn with(power: Rc<dyn Power>) -> io::Result<Groups> {
        Ok(Groups {
            power,
            names: Group::new(Kind::Names)?,
            access: Group::new(Kind::Access)?,
            access_fd: Group::new(Kind::AccessFd)?,
        })
    }
}
