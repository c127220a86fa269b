//! The segment form: frames in arrival order, each checked, all chained.
//!
//! A segment file of the first form is [`MAGIC`] and then frames; a frame is a [`FrameHead`], its payload, and
//! zeros up to a multiple of eight. In the second form, which is written now, the same frames stand with a
//! shorter head in packed blocks ([`BlockHead`]). Documented byte by byte in `docs/storage.md`. Payloads are BPF records as
//! they came (kinds below 64, see [`crate::wire`]) or the structures in [`control`] and [`files`].

mod block;
mod chain;
pub mod control;
pub mod files;
pub mod hash;
pub mod net;
mod pack;
mod read;
pub mod redact;
pub mod signed;
mod unpack;
mod words;

use zerocopy::{FromBytes, Immutable, IntoBytes, KnownLayout};

pub use block::{
    BLOCK_HEAD_LEN, BlockHead, MAGIC_BLOCKS, MAX_PLAIN, MAX_RATIO, MAX_STORED, SLIM_HEAD_LEN,
    SlimHead, WINDOW_LOG, block_flag, encode_slim, slim_len,
};
pub use chain::Chain;
pub use pack::{Ask, Packer};
pub use read::{AlignedBytes, Damage, Frame, Frames};
pub use unpack::{Block, NoBlock, Unpacker, unpacked};

/// First eight bytes of a segment file of the first form; the last two are the form's version.
pub const MAGIC: [u8; 8] = *b"AUDSEG01";

/// Version of the frames' contents, in [`control::Segment::version`].
pub const VERSION: u32 = 1;

/// Longest payload that a reader accepts. Writers stay far below: a record is at most 32 KiB
/// ([`crate::wire::MAX_RECORD`]), an [`control::KIND_ABOUT`] 64 KiB.
pub const MAX_PAYLOAD: usize = 1 << 20;

/// Bytes of a frame before its payload.
pub const HEAD_LEN: usize = size_of::<FrameHead>();

/// Head of a frame; little endian as all that the supported machines write.
#[derive(Debug, Clone, Copy, PartialEq, Eq, FromBytes, IntoBytes, KnownLayout, Immutable)]
#[repr(C)]
pub struct FrameHead {
    /// Bytes of payload, padding not counted.
    pub len: u32,
    /// Below 64 a [`crate::wire::Kind`], from 64 on a `KIND_*` of [`control`] or [`files`].
    pub kind: u16,
    /// Zero.
    pub flags: u16,
    /// 1, 2, … through all segments of a run.
    pub seq: u64,
    /// `CLOCK_BOOTTIME` nanoseconds: of the source where it has a time, else of reading it.
    pub boot_ns: u64,
    /// First 8 bytes of BLAKE3 over the 24 bytes above and the payload.
    pub check: u64,
}

/// Returns the bytes that a frame with `payload` bytes takes in a segment.
#[must_use]
pub const fn frame_len(payload: usize) -> usize {
    HEAD_LEN + payload.next_multiple_of(8)
}

/// Writes a frame of the first form, its payload given in `parts`, to the front of `out`.
///
/// Returns its length, or `None` when `out` is too small or the payload longer than
/// [`MAX_PAYLOAD`]; `out` is then unchanged but for scratch. Allocates nothing.
pub fn encode(out: &mut [u8], kind: u16, seq: u64, boot_ns: u64, parts: &[&[u8]]) -> Option<usize> {
    let payload: usize = parts.iter().map(|part| part.len()).sum();
    if payload > MAX_PAYLOAD {
        return None;
    }
    let len = u32::try_from(payload).ok()?;
    let total = frame_len(payload);
    let (head_out, mut rest) = out.get_mut(..total)?.split_at_mut(HEAD_LEN);
    let mut head = FrameHead { len, kind, flags: 0, seq, boot_ns, check: 0 };
    let mut hash = blake3::Hasher::new();
    hash.update(checked_part(&head.as_bytes().first_chunk().copied()?));
    for part in parts {
        let (here, after) = rest.split_at_mut_checked(part.len())?;
        here.copy_from_slice(part);
        hash.update(part);
        rest = after;
    }
    rest.fill(0);
    head.check = check_of(&hash);
    head_out.copy_from_slice(head.as_bytes());
    Some(total)
}

/// The bytes of a head that its check covers.
fn checked_part(head: &[u8; HEAD_LEN]) -> &[u8] {
    head.split_at(HEAD_LEN - size_of::<u64>()).0
}

fn check_of(hash: &blake3::Hasher) -> u64 {
    let bytes = hash.finalize();
    bytes.as_bytes().first_chunk().map_or(0, |first| u64::from_le_bytes(*first))
}

#[cfg(test)]
mod tests;
