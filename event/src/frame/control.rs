//! Frames that the supervisor writes about the recording itself.

use zerocopy::{FromBytes, Immutable, IntoBytes, KnownLayout};

pub use super::words::{Cause, Ending, Hashed, Source, State};

/// First frame of each segment file: a [`Segment`].
pub const KIND_SEGMENT: u16 = 64;
/// What the front said of the run: JSON, opaque to the supervisor, at most 64 KiB.
pub const KIND_ABOUT: u16 = 65;
/// A [`Start`], then two strings: kernel release and host name.
pub const KIND_START: u16 = 66;
/// A [`Checkpoint`], then [`Tally`]s.
pub const KIND_CHECKPOINT: u16 = 67;
/// A [`Seal`]: the last frame of a run that ended well.
pub const KIND_SEAL: u16 = 68;
/// A [`Lost`].
pub const KIND_LOST: u16 = 69;
/// A [`SourceState`], then a text.
pub const KIND_SOURCE: u16 = 71;
/// A [`Main`].
pub const KIND_MAIN: u16 = 77;
/// An [`ArgvHash`].
pub const KIND_ARGV_HASH: u16 = 78;

/// Longest [`KIND_ABOUT`] payload, bytes.
pub const MAX_ABOUT: usize = 64 * 1024;

/// Which file this is. [`KIND_SEGMENT`].
#[derive(Debug, Clone, Copy, FromBytes, IntoBytes, KnownLayout, Immutable)]
#[repr(C)]
pub struct Segment {
    /// Link of the chain before this segment; the bare start for the first.
    pub chain: [u8; 32],
    /// The run's id, padded with NUL.
    pub run: [u8; 64],
    /// [`super::VERSION`].
    pub version: u32,
    /// 1, 2, …
    pub number: u32,
}

/// How the recording began. [`KIND_START`].
#[derive(Debug, Clone, Copy, FromBytes, IntoBytes, KnownLayout, Immutable)]
#[repr(C)]
pub struct Start {
    /// `CLOCK_BOOTTIME` nanoseconds.
    pub boot_ns: u64,
    /// `CLOCK_REALTIME` nanoseconds since 1970 at the same moment.
    pub real_ns: i64,
    /// cgroup id of the leaf.
    pub leaf_id: u64,
    /// Number of the kernel's boot (`/proc/sys/kernel/random/boot_id`).
    pub boot_id: [u8; 16],
    /// uid of the process that started the recording.
    pub uid: u32,
    /// 1 `sealed`, 2 `direct`, 3 `local`.
    pub trust: u32,
    /// Bytes of the kernel release that follows.
    pub release_len: u16,
    /// Bytes of the host name that follows.
    pub host_len: u16,
    /// Zero.
    pub pad: u32,
}

/// Milliseconds between two checkpoints while nothing happens, where the time between heartbeats is a multiple of it (0,
/// none, is): elsewhere they are a second apart, as where something happens.
pub const QUIET_MS: u32 = 5_000;

/// At most a second after something was read, else each [`QUIET_MS`], and before the seal. [`KIND_CHECKPOINT`]; `tallies` [`Tally`]s follow.
#[derive(Debug, Clone, Copy, FromBytes, IntoBytes, KnownLayout, Immutable)]
#[repr(C)]
pub struct Checkpoint {
    /// Link of the chain over all bytes before this frame.
    pub chain: [u8; 32],
    /// `CLOCK_BOOTTIME` nanoseconds.
    pub boot_ns: u64,
    /// `CLOCK_REALTIME` nanoseconds since 1970 at the same moment.
    pub real_ns: i64,
    /// How many [`Tally`]s follow.
    pub tallies: u32,
    /// Processes of the run that are alive.
    pub alive: u32,
}

/// Totals since the start, of one kind of record: `seen = stored + folded + lost`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, FromBytes, IntoBytes, KnownLayout, Immutable)]
#[repr(C)]
pub struct Tally {
    /// A [`crate::wire::Kind`] below 64, else [`TALLY_ACCESS`] or [`TALLY_NAMES`].
    pub id: u32,
    /// A [`Source`].
    pub source: u32,
    /// What happened, as far as the source can count it.
    pub seen: u64,
    /// Frames written, one each.
    pub stored: u64,
    /// Repeats that are in the count of a stored frame.
    pub folded: u64,
    /// What is gone, by all causes together.
    pub lost: u64,
}

/// [`Tally::id`] of file accesses that fanotify told.
pub const TALLY_ACCESS: u32 = 100;
/// [`Tally::id`] of directory entry changes that fanotify told.
pub const TALLY_NAMES: u32 = 101;

/// The end of the record. [`KIND_SEAL`].
#[derive(Debug, Clone, Copy, FromBytes, IntoBytes, KnownLayout, Immutable)]
#[repr(C)]
pub struct Seal {
    /// Link of the chain over all bytes before this frame.
    pub chain: [u8; 32],
    /// `CLOCK_BOOTTIME` nanoseconds.
    pub boot_ns: u64,
    /// `CLOCK_REALTIME` nanoseconds since 1970 at the same moment.
    pub real_ns: i64,
    /// Frames of the run, this one included.
    pub frames: u64,
    /// How the command ended, as wait(2) gives it; valid if `main_known` is 1.
    pub main_code: i32,
    /// 1 when the command's end was seen.
    pub main_known: u32,
    /// An [`Ending`].
    pub ending: u32,
    /// Processes of the run still alive.
    pub alive: u32,
}

/// Something is gone. [`KIND_LOST`].
#[derive(Debug, Clone, Copy, FromBytes, IntoBytes, KnownLayout, Immutable)]
#[repr(C)]
pub struct Lost {
    /// How many, since the last such frame of the same source, kind and cause.
    pub count: u64,
    /// Begin of the time in which it happened, `CLOCK_BOOTTIME` nanoseconds.
    pub from_ns: u64,
    /// End of that time.
    pub to_ns: u64,
    /// A [`Source`].
    pub source: u32,
    /// A [`Cause`].
    pub cause: u32,
    /// The [`Tally::id`] it belongs to, 0 where that is not known.
    pub id: u32,
    /// Zero.
    pub pad: u32,
}

/// A statement of a source about itself. [`KIND_SOURCE`]; a text of `text_len` bytes follows.
#[derive(Debug, Clone, Copy, FromBytes, IntoBytes, KnownLayout, Immutable)]
#[repr(C)]
pub struct SourceState {
    /// A [`Source`].
    pub source: u32,
    /// A [`State`].
    pub state: u32,
    /// Bytes of text that follow.
    pub text_len: u32,
    /// Zero.
    pub pad: u32,
}

/// The command's process. [`KIND_MAIN`].
#[derive(Debug, Clone, Copy, FromBytes, IntoBytes, KnownLayout, Immutable)]
#[repr(C)]
pub struct Main {
    /// Its pid.
    pub pid: u32,
    /// 1 mount marks in the command's own mount namespace, 2 filesystem marks.
    pub scope: u32,
}

/// The hash of an argv of which the record keeps only the first bytes. [`KIND_ARGV_HASH`].
#[derive(Debug, Clone, Copy, FromBytes, IntoBytes, KnownLayout, Immutable)]
#[repr(C)]
pub struct ArgvHash {
    /// Start of the process, `CLOCK_BOOTTIME` nanoseconds.
    pub start_ns: u64,
    /// Bytes of the whole argv.
    pub argv_len: u64,
    /// Bytes that were hashed.
    pub hashed: u64,
    /// BLAKE3 over the whole; zeros unless `state` is [`Hashed::Whole`].
    pub hash: [u8; 32],
    /// The process.
    pub pid: u32,
    /// A [`Hashed`].
    pub state: u32,
}
