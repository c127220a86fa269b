//! Frames about sockets.

use zerocopy::{FromBytes, Immutable, IntoBytes, KnownLayout};

use crate::wire::{ForeignKey, ForeignUse};

/// A [`Foreign`].
pub const KIND_FOREIGN: u16 = 87;

/// Bit of [`ForeignUse::flags`]: the process has ended, these are its last numbers.
pub const FOREIGN_ENDED: u32 = 1 << 31;

/// What a process did so far with a socket that no cgroup program tells of. [`KIND_FOREIGN`]: each
/// replaces the one before it.
#[derive(Debug, Clone, Copy, FromBytes, IntoBytes, KnownLayout, Immutable)]
#[repr(C)]
pub struct Foreign {
    /// Who, and which socket.
    pub key: ForeignKey,
    /// How much.
    pub used: ForeignUse,
}
