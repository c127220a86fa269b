//! Frames about what is not stored on purpose.

use zerocopy::{FromBytes, Immutable, IntoBytes, KnownLayout};

use crate::redact::MARK;

/// A [`Redacted`].
pub const KIND_REDACTED: u16 = 100;

/// A secret in the argv of the exec that comes next, or in the piece of argv that does: its bytes are
/// `*` there. [`KIND_REDACTED`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, FromBytes, IntoBytes, KnownLayout, Immutable)]
#[repr(C)]
pub struct Redacted {
    /// Start of the process, `CLOCK_BOOTTIME` nanoseconds.
    pub start_ns: u64,
    /// Where in the whole argv it begins.
    pub at: u64,
    /// The process.
    pub pid: u32,
    /// Its bytes.
    pub len: u32,
    /// A [`crate::redact::Rule`].
    pub rule: u32,
    /// Keyed hash of its bytes.
    pub mark: [u8; MARK],
    /// Zero.
    pub pad: [u8; 6],
}
