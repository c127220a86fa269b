//! Opens that failed, and opens on file systems that marks do not reach.

use zerocopy::{FromBytes, Immutable, IntoBytes, KnownLayout};

use super::{Head, Malformed};

/// Bits of [`Named::flags`] (`enum named_flag`).
pub mod named_flag {
    /// The path lacks its first components.
    pub const CUT: u32 = 1;
    /// The caller's string could not be read.
    pub const FAULT: u32 = 2;
    /// The user wants every failed open told.
    pub const ALL: u32 = 4;
    /// Failed: it would have been executed.
    pub const EXEC: u32 = 8;
    /// One of many names, whose failures are counted together (set by the recorder).
    pub const MANY: u32 = 16;
}

/// Which failed opens are told (`enum failed_opens`).
pub mod failed_opens {
    /// Those that were denied, and those of hidden names that are not there.
    pub const DENIED: u32 = 0;
    /// All.
    pub const ALL: u32 = 1;
    /// None.
    pub const NONE: u32 = 2;
}

/// An open by name (`struct rec_named`).
#[derive(Debug, Clone, Copy, FromBytes, IntoBytes, KnownLayout, Immutable)]
#[repr(C)]
pub struct Named {
    /// Who did it.
    pub head: Head,
    /// Inode number, of an open that succeeded.
    pub ino: u64,
    /// Device likewise, `major << 20 | minor`.
    pub dev: u32,
    /// See [`super::open_mode`]: as it was opened or was to be.
    pub mode: u32,
    /// errno of one that failed.
    pub error: u32,
    /// See [`named_flag`].
    pub flags: u32,
    /// Bytes of the path that follow: components from the last to the first, each ended by NUL.
    pub path_len: u16,
    /// Bytes of the caller's string that follow.
    pub text_len: u16,
    /// Zero.
    pub pad: u32,
}

/// What follows a [`Named`].
#[derive(Debug, Clone, Copy)]
pub struct NamedData<'a> {
    /// Components of the file, or of the directory from which `text` begins.
    pub path: &'a [u8],
    /// What the caller asked for.
    pub text: &'a [u8],
}

impl<'a> NamedData<'a> {
    pub(super) fn split(named: &Named, tail: &'a [u8]) -> Result<Self, Malformed> {
        let (path, rest) = tail.split_at_checked(named.path_len.into()).ok_or(Malformed::Length)?;
        let text = rest.get(..named.text_len.into()).ok_or(Malformed::Length)?;
        Ok(NamedData { path, text })
    }
}
