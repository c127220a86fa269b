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
