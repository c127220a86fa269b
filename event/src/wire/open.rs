//! Opens of regular files, for exact counts.

use zerocopy::{FromBytes, Immutable, IntoBytes, KnownLayout};

use super::Head;

/// Bits of [`Open::mode`] (`enum open_mode`).
pub mod open_mode {
    /// Opened for reading.
    pub const READ: u32 = 1;
    /// Opened for writing.
    pub const WRITE: u32 = 2;
}

/// A regular file was opened (`struct rec_open`).
#[derive(Debug, Clone, Copy, FromBytes, IntoBytes, KnownLayout, Immutable)]
#[repr(C)]
pub struct Open {
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
    /// Zero.
    pub pad: u32,
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
