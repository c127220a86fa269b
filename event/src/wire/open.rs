//! Opens of regular files, and what shows how they were used.

use zerocopy::{FromBytes, Immutable, IntoBytes, KnownLayout};

use super::Head;

/// Bits of [`Open::mode`] (`enum open_mode`).
pub mod open_mode {
    /// Opened for reading.
    pub const READ: u32 = 1;
    /// Opened for writing.
    pub const WRITE: u32 = 2;
}

/// Bits of [`Open::flags`] in a record of kind `Open` (`enum open_how`).
pub mod open_how {
    /// The open made the file.
    pub const CREATED: u32 = 1;
    /// `O_TRUNC` cut what was there.
    pub const TRUNCATED: u32 = 2;
    /// `O_DIRECT`: reads leave no trace.
    pub const DIRECT: u32 = 4;
}

/// Bits of [`Open::flags`] in a record of kind `Use` (`enum use_flag`).
pub mod use_flag {
    /// A descriptor is closed, or goes with its process.
    pub const CLOSED: u32 = 1;
    /// It is the last one, and nobody can use it any more.
    pub const LAST: u32 = 2;
    /// No read(2) or alike took a byte through it.
    pub const UNREAD: u32 = 4;
    /// Each change of this file shows in [`super::Open::ctime_ns`].
    pub const TIMED: u32 = 8;
    /// It was mapped into memory.
    pub const MAPPED: u32 = 16;
    /// So that stores reach the file.
    pub const SHARED: u32 = 32;
    /// `O_DIRECT` was switched on: reads leave no trace.
    pub const DIRECT: u32 = 64;
    /// The file has no name any more.
    pub const UNLINKED: u32 = 128;
}

/// A regular file was opened, or shows how it was used (`struct rec_open`).
#[derive(Debug, Clone, Copy, FromBytes, IntoBytes, KnownLayout, Immutable)]
#[repr(C)]
pub struct Open {
    /// Who did it.
    pub head: Head,
    /// Inode number.
    pub ino: u64,
    /// The kernel's open file: one number from its open to its end, then perhaps another's.
    pub file: u64,
    /// Size of the file at this moment, bytes.
    pub size: u64,
    /// Its last change, nanoseconds since 1970.
    pub ctime_ns: i64,
    /// Device, `major << 20 | minor`.
    pub dev: u32,
    /// Inode generation.
    pub generation: u32,
    /// See [`open_mode`].
    pub mode: u32,
    /// See [`open_how`] and [`use_flag`].
    pub flags: u32,
}

/// Bits of [`OpenPath::flags`] (`enum open_flag`).
pub mod open_flag {
    /// The first components of the path are missing.
    pub const PATH_CUT: u32 = 1;
    /// The path begins at a mount that is not in the caller's namespace.
    pub const ELSEWHERE: u32 = 2;
}

/// A regular file that no mark watches was opened (`struct rec_open_path`). The components of its path
/// follow, last first.
#[derive(Debug, Clone, Copy, FromBytes, IntoBytes, KnownLayout, Immutable)]
#[repr(C)]
pub struct OpenPath {
    /// Who opened it.
    pub head: Head,
    /// Inode number.
    pub ino: u64,
    /// Device, `major << 20 | minor`.
    pub dev: u32,
    /// Inode generation.
    pub generation: u32,
    /// See [`open_mode`].
    pub mode: u32,
    /// See [`open_flag`].
    pub flags: u32,
    /// Number of the mount.
    pub mnt_id: u32,
    /// Bytes of components that follow.
    pub path_len: u32,
}

/// Bits of [`InheritedUse::flags`] (`enum inherited_flag`).
pub mod inherited_flag {
    /// It was read.
    pub const READ: u32 = 1;
    /// It was written.
    pub const WRITTEN: u32 = 2;
    /// It was mapped into memory: what is read and written there is in no number of bytes.
    pub const MAPPED: u32 = 4;
}

/// The command begins with a descriptor of a regular file, or a ring of io_uring has one
/// (`struct rec_inherited`). The components of its path follow, last first.
#[derive(Debug, Clone, Copy, FromBytes, IntoBytes, KnownLayout, Immutable)]
#[repr(C)]
pub struct Inherited {
    /// The command, or who lets go of the ring.
    pub head: Head,
    /// The kernel's open file.
    pub file: u64,
    /// Inode number.
    pub ino: u64,
    /// Size of the file at this moment, bytes.
    pub size: u64,
    /// Device, `major << 20 | minor`.
    pub dev: u32,
    /// Inode generation.
    pub generation: u32,
    /// See [`open_mode`].
    pub mode: u32,
    /// See [`open_flag`].
    pub flags: u32,
    /// The lowest of its descriptors, or its slot.
    pub fd: u32,
    /// Bytes of components that follow.
    pub path_len: u32,
}

/// Which process uses which such file (`struct inherited_key`).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, FromBytes, IntoBytes, KnownLayout, Immutable)]
#[repr(C)]
pub struct InheritedKey {
    /// [`Inherited::file`].
    pub file: u64,
    /// Start of the process.
    pub start_ns: u64,
    /// The process.
    pub pid: u32,
    /// Zero.
    pub pad: u32,
}

/// How it was used: what calls returned, whatever the call (`struct inherited_use`).
#[derive(Debug, Clone, Copy, FromBytes, IntoBytes, KnownLayout, Immutable)]
#[repr(C)]
pub struct InheritedUse {
    /// The first use, `CLOCK_BOOTTIME` nanoseconds.
    pub first_ns: u64,
    /// The last one.
    pub last_ns: u64,
    /// Bytes that were read.
    pub read_bytes: u64,
    /// Bytes that were written.
    pub written_bytes: u64,
    /// Size of the file after the last call that wrote, bytes.
    pub size_after: u64,
    /// See [`inherited_flag`].
    pub flags: u32,
    /// Zero.
    pub pad: u32,
}
