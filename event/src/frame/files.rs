//! Frames about files: mounts, directories, what was done, and how often.

use zerocopy::{FromBytes, Immutable, IntoBytes, KnownLayout};

use crate::wire::{InheritedKey, InheritedUse};

/// A [`Mount`], then file system type, mount point, reason and root.
pub const KIND_MOUNT: u16 = 72;
/// A [`Dir`], then its handle and path.
pub const KIND_DIR: u16 = 73;
/// A [`File`], then target handle, name, new name and path.
pub const KIND_FILE: u16 = 74;
/// A [`FileRepeat`].
pub const KIND_FILE_REPEAT: u16 = 75;
/// An [`Opens`].
pub const KIND_OPENS: u16 = 76;
/// A [`Uses`].
pub const KIND_USES: u16 = 82;
/// An [`InheritedTold`].
pub const KIND_INHERITED_USE: u16 = 110;
/// A [`Within`].
pub const KIND_WITHIN: u16 = 113;
/// A [`Settled`].
pub const KIND_SETTLED: u16 = 114;

/// How a mount is watched ([`Mount::coverage`]).
pub mod coverage {
    /// Not at all; the reason says why.
    pub const NONE: u32 = 0;
    /// By handles and names.
    pub const FID: u32 = 1;
    /// By descriptors: no creates, deletes, renames.
    pub const FD: u32 = 2;
}

/// A mount of the run's namespace. [`KIND_MOUNT`].
#[derive(Debug, Clone, Copy, FromBytes, IntoBytes, KnownLayout, Immutable)]
#[repr(C)]
pub struct Mount {
    /// Number in mountinfo.
    pub mount_id: u64,
    /// As in fanotify's info records.
    pub fsid: [u32; 2],
    /// Device, `major << 20 | minor`.
    pub dev: u32,
    /// See [`coverage`].
    pub coverage: u32,
    /// Bytes of the file system's type that follow.
    pub fs_type_len: u16,
    /// Bytes of the mount point that follow.
    pub point_len: u16,
    /// Bytes of the reason that follow.
    pub reason_len: u16,
    /// Bytes that follow of the path, within its file system, of what is mounted; 0 in early records.
    pub root_len: u16,
}

/// A directory that [`File`]s refer to. [`KIND_DIR`].
#[derive(Debug, Clone, Copy, FromBytes, IntoBytes, KnownLayout, Immutable)]
#[repr(C)]
pub struct Dir {
    /// File system of the handle.
    pub fsid: [u32; 2],
    /// Number of the directory in this run; told again when its path may have changed.
    pub id: u32,
    /// 0, or why there is no path (`ESTALE`: removed before it could be asked).
    pub errno: i32,
    /// See [`dir_flag`].
    pub flags: u32,
    /// Type of the handle.
    pub handle_kind: i32,
    /// Bytes of the handle that follow.
    pub handle_len: u16,
    /// Bytes of the path that follow.
    pub path_len: u16,
    /// Zero.
    pub pad: u32,
}

/// Bits of [`Dir::flags`].
pub mod dir_flag {
    /// The directory had been removed when it was asked; the path is its last one.
    pub const DELETED: u32 = 1;
    /// The path was longer than the recorder's buffer and is cut.
    pub const CUT: u32 = 2;
    /// The directory was moved, by whomever, since the last [`super::Settled`].
    pub const MOVED: u32 = 4;
}

/// Where a directory is: which other one holds it. Its name there is the last one of its path.
/// [`KIND_WITHIN`].
#[derive(Debug, Clone, Copy, FromBytes, IntoBytes, KnownLayout, Immutable)]
#[repr(C)]
pub struct Within {
    /// [`Dir::id`] of the directory.
    pub dir: u32,
    /// [`Dir::id`] of the one that holds it.
    pub parent: u32,
}

/// Directories were moved, by whomever, and all that was done before is in earlier frames: until here
/// an access may be told after a move that it came before. [`KIND_SETTLED`].
#[derive(Debug, Clone, Copy, FromBytes, IntoBytes, KnownLayout, Immutable)]
#[repr(C)]
pub struct Settled {
    /// Moves since the last one.
    pub moves: u64,
}

/// Something was done to a file. [`KIND_FILE`].
#[derive(Debug, Clone, Copy, FromBytes, IntoBytes, KnownLayout, Immutable)]
#[repr(C)]
pub struct File {
    /// Start of the process that did it; 0 where it is not known.
    pub start_ns: u64,
    /// `FAN_*` bits, as fanotify gave them (several may be merged).
    pub mask: u64,
    /// Inode, only with [`file_flag::FD`].
    pub ino: u64,
    /// File system of the target's handle.
    pub fsid: [u32; 2],
    /// The process that did it.
    pub pid: u32,
    /// [`Dir::id`] of the directory, 0 for none.
    pub dir: u32,
    /// [`Dir::id`] of the new directory of a rename, 0 for none.
    pub new_dir: u32,
    /// Device, only with [`file_flag::FD`].
    pub dev: u32,
    /// See [`file_flag`].
    pub flags: u32,
    /// Type of the target's handle.
    pub target_kind: i32,
    /// Bytes of the target's handle that follow.
    pub target_len: u16,
    /// Bytes of the name that follow.
    pub name_len: u16,
    /// Bytes of the new name that follow.
    pub new_name_len: u16,
    /// Bytes of the whole path that follow, only with [`file_flag::FD`].
    pub path_len: u16,
}

/// Bits of [`File::flags`].
pub mod file_flag {
    /// From a descriptor group: path, device and inode are given, no handle and no name.
    pub const FD: u32 = 1;
    /// The process is not in the recorder's table.
    pub const UNKNOWN_PROCESS: u32 = 2;
    /// The path could not be read or is cut.
    pub const PATH_CUT: u32 = 4;
    /// The path may be that of another mount namespace, or of a mount that is gone.
    pub const PATH_DOUBTFUL: u32 = 8;
    /// How many programs the process has executed since it did this, by the frames so far, at most 15:
    /// `flags >> LATER_SHIFT & LATER_MASK`.
    pub const LATER_SHIFT: u32 = 8;
    /// See [`LATER_SHIFT`].
    pub const LATER_MASK: u32 = 15;
}

/// An access was seen again, `count` times. [`KIND_FILE_REPEAT`].
#[derive(Debug, Clone, Copy, FromBytes, IntoBytes, KnownLayout, Immutable)]
#[repr(C)]
pub struct FileRepeat {
    /// [`super::FrameHead::seq`] of the first [`File`] frame.
    pub first_seq: u64,
    /// Time of the last repeat, `CLOCK_BOOTTIME` nanoseconds.
    pub last_ns: u64,
    /// Repeats, the first not counted.
    pub count: u64,
}

/// How often a process opened a file since the last such frame. [`KIND_OPENS`].
#[derive(Debug, Clone, Copy, FromBytes, IntoBytes, KnownLayout, Immutable)]
#[repr(C)]
pub struct Opens {
    /// Start of the process.
    pub start_ns: u64,
    /// First open, `CLOCK_BOOTTIME` nanoseconds.
    pub first_ns: u64,
    /// Last open.
    pub last_ns: u64,
    /// Inode number.
    pub ino: u64,
    /// Opens.
    pub count: u64,
    /// The process.
    pub pid: u32,
    /// Device, `major << 20 | minor`.
    pub dev: u32,
    /// Inode generation.
    pub generation: u32,
    /// See [`crate::wire::open_mode`].
    pub mode: u32,
}

/// How a process used a file, as the descriptors that went since the last such frame show.
/// [`KIND_USES`].
#[derive(Debug, Clone, Copy, FromBytes, IntoBytes, KnownLayout, Immutable)]
#[repr(C)]
pub struct Uses {
    /// Start of the process.
    pub start_ns: u64,
    /// The earliest open among those closed, `CLOCK_BOOTTIME` nanoseconds; with
    /// [`uses_flag::SIZE_BEFORE`].
    pub opened_ns: u64,
    /// The last close, or other sign of use.
    pub last_ns: u64,
    /// Inode number.
    pub ino: u64,
    /// Size at the earliest open, bytes; with [`uses_flag::SIZE_BEFORE`].
    pub size_before: u64,
    /// Size at the last close, bytes; with [`uses_flag::SIZE_AFTER`].
    pub size_after: u64,
    /// Closes.
    pub closes: u64,
    /// Of these, where reading is not excluded.
    pub read: u64,
    /// Of these, where writing is not excluded.
    pub written: u64,
    /// The process that closed it.
    pub pid: u32,
    /// Device, `major << 20 | minor`.
    pub dev: u32,
    /// Inode generation.
    pub generation: u32,
    /// See [`crate::wire::open_mode`].
    pub mode: u32,
    /// See [`uses_flag`].
    pub flags: u32,
    /// Zero.
    pub pad: u32,
}

/// Bits of [`Uses::flags`].
pub mod uses_flag {
    /// One of these opens made the file.
    pub const CREATED: u32 = 1;
    /// One of these opens cut what was there (`O_TRUNC`).
    pub const TRUNCATED: u32 = 2;
    /// It was mapped into memory.
    pub const MAPPED: u32 = 4;
    /// [`super::Uses::size_before`] is known.
    pub const SIZE_BEFORE: u32 = 8;
    /// [`super::Uses::size_after`] is known.
    pub const SIZE_AFTER: u32 = 16;
    /// It had no name any more at one of these closes.
    pub const UNLINKED: u32 = 32;
}

/// Bit of [`InheritedUse::flags`]: the process has ended, these are its last numbers.
pub const INHERITED_ENDED: u32 = 1 << 31;

/// What a process did so far with a file that was open before the run. [`KIND_INHERITED_USE`]: each
/// replaces the one before it.
#[derive(Debug, Clone, Copy, FromBytes, IntoBytes, KnownLayout, Immutable)]
#[repr(C)]
pub struct InheritedTold {
    /// Who, and which file.
    pub key: InheritedKey,
    /// How much.
    pub used: InheritedUse,
}
