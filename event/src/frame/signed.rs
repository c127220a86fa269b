//! Frames that hold signatures, and what exactly a checkpoint's signature is of.

use zerocopy::{FromBytes, Immutable, IntoBytes, KnownLayout};

/// The run's keys: a [`crate::sign::Certificate`] as it is encoded, once, among the first frames.
pub const KIND_KEYS: u16 = 95;
/// A [`Signature`], behind each checkpoint.
pub const KIND_SIGNATURE: u16 = 96;

/// A signature over everything before this frame. [`KIND_SIGNATURE`].
#[derive(Debug, Clone, Copy, FromBytes, IntoBytes, KnownLayout, Immutable)]
#[repr(C)]
pub struct Signature {
    /// 1, 2, … within the run.
    pub number: u64,
    /// Value of the chain's state over all bytes before this frame; ends no link.
    pub chain: [u8; 32],
    /// The key that signs the next one. The secret of this one is erased once this frame is written.
    pub next: [u8; 32],
    /// Over a [`Message`], in the form of OpenSSH.
    pub signature: [u8; 64],
}

/// What a [`Signature`] signs.
#[derive(Debug, Clone, Copy, FromBytes, IntoBytes, KnownLayout, Immutable)]
#[repr(C)]
pub struct Message {
    /// The run's id, padded with NUL.
    pub run: [u8; 64],
    /// [`Signature::number`].
    pub number: u64,
    /// Number of the frame that holds the signature.
    pub frame: u64,
    /// [`Signature::chain`].
    pub chain: [u8; 32],
    /// [`Signature::next`].
    pub next: [u8; 32],
}
