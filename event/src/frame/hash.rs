//! Frames about the contents of files.

use zerocopy::{FromBytes, Immutable, IntoBytes, KnownLayout};

/// A [`Hash`], then a path.
pub const KIND_HASH: u16 = 80;

/// What a file was hashed for ([`Hash::what`]).
pub mod what {
    /// It was executed.
    pub const EXEC: u32 = 1;
    /// It was written.
    pub const WRITE: u32 = 2;
}

/// What the hash is of ([`Hash::basis`]).
pub mod basis {
    /// There is no hash; [`super::Hash::missing`] says why.
    pub const NONE: u32 = 0;
    /// The program while it ran: nobody could write to it.
    pub const RUNNING: u32 = 1;
    /// The file as it was when the recorder read of its close; it did not change while it was hashed.
    pub const CLOSE: u32 = 2;
    /// The file at a later time: it had changed since.
    pub const LATER: u32 = 3;
    /// The file as it was when the recorder read that it was opened to be executed; it did not change
    /// while it was hashed.
    pub const OPENED: u32 = 4;
}

/// Why there is no hash ([`Hash::missing`]).
pub mod missing {
    /// There is one.
    pub const NOTHING: u32 = 0;
    /// The file is larger than the limit.
    pub const TOO_LARGE: u32 = 1;
    /// Too many files waited.
    pub const QUEUE_FULL: u32 = 2;
    /// The process or the file was gone.
    pub const GONE: u32 = 3;
    /// The file changed while it was hashed.
    pub const CHANGING: u32 = 4;
    /// The file could not be read.
    pub const UNREADABLE: u32 = 5;
    /// The recording ended before.
    pub const NOT_DONE: u32 = 6;
    /// The process runs another program by now.
    pub const OTHER: u32 = 7;
}

/// The contents of a file. [`KIND_HASH`]; a path of `path_len` bytes follows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, FromBytes, IntoBytes, KnownLayout, Immutable)]
#[repr(C)]
pub struct Hash {
    /// BLAKE3; zeros where `missing` says why.
    pub blake3: [u8; 32],
    /// Bytes of the file.
    pub size: u64,
    /// Inode; 0 where the file could not be reached.
    pub ino: u64,
    /// Start of the process that executed or wrote it.
    pub start_ns: u64,
    /// Frame of the exec or of the first report of the write.
    pub frame: u64,
    /// That process.
    pub pid: u32,
    /// Device, `major << 20 | minor`.
    pub dev: u32,
    /// See [`what`].
    pub what: u32,
    /// See [`basis`].
    pub basis: u32,
    /// See [`missing`].
    pub missing: u32,
    /// Bytes of the path that follow.
    pub path_len: u32,
}
