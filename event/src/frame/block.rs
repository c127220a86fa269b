//! The second form of a segment: frames in packed blocks.
//!
//! A file is [`MAGIC_BLOCKS`] and then blocks; a block is a [`BlockHead`] and what it holds: frames, packed
//! by zstd as one stream that goes on from block to block. A frame there is a [`SlimHead`], its payload, and
//! zeros up to a multiple of eight: its number follows from the block's, and one check is over the whole block.

use zerocopy::{FromBytes, Immutable, IntoBytes, KnownLayout};

use super::{MAX_PAYLOAD, check_of};

/// First eight bytes of a segment file of blocks.
pub const MAGIC_BLOCKS: [u8; 8] = *b"AUDSEG02";

/// Most bytes of frames in a block.
pub const MAX_PLAIN: usize = 1 << 20;

/// Most bytes behind a block's head: what zstd makes of [`MAX_PLAIN`] bytes that it cannot pack, rounded up.
pub const MAX_STORED: usize = MAX_PLAIN + (1 << 14);

/// How many times more a block may hold than it takes in the file, its head included. What the recorder
/// writes is packed to a tenth; a forger's file must not keep a reader busy for hours.
pub const MAX_RATIO: usize = 64;

/// log2 of the bytes that the packed stream refers back to.
pub const WINDOW_LOG: u32 = 17;

/// What is special about a block, in [`BlockHead::flags`].
pub mod block_flag {
    /// The packed stream begins anew: nothing before is referred to.
    pub const ANEW: u32 = 1;
    /// The frames are not packed. The next block begins the stream anew.
    pub const PLAIN: u32 = 2;
}

/// Head of a block.
#[derive(Debug, Clone, Copy, PartialEq, Eq, FromBytes, IntoBytes, KnownLayout, Immutable)]
#[repr(C)]
pub struct BlockHead {
    /// Bytes behind this head.
    pub stored: u32,
    /// Bytes of frames in it.
    pub plain: u32,
    /// Number of its first frame.
    pub first: u64,
    /// [`block_flag`].
    pub flags: u32,
    /// First 4 bytes of BLAKE3 over the 20 bytes above and all behind the head.
    pub check: u32,
}

/// Bytes of a block before what it holds.
pub const BLOCK_HEAD_LEN: usize = size_of::<BlockHead>();

impl BlockHead {
    /// Makes the head of a block that holds `plain` bytes of frames as `stored`. Longer ones than fit into a
    /// number are cut there; they are too long for any reader.
    #[must_use]
    pub fn over(stored: &[u8], plain: usize, first: u64, flags: u32) -> BlockHead {
        let word = |len: usize| u32::try_from(len).unwrap_or(u32::MAX);
        let head =
            BlockHead { stored: word(stored.len()), plain: word(plain), first, flags, check: 0 };
        BlockHead { check: head.sum(stored), ..head }
    }

    /// Whether the check is of this head and `stored`.
    #[must_use]
    pub fn is_over(&self, stored: &[u8]) -> bool {
        self.check == self.sum(stored)
    }

    /// Whether its lengths are such as a writer makes.
    #[must_use]
    pub fn is_possible(&self) -> bool {
        let len = |len: u32| usize::try_from(len).unwrap_or(usize::MAX);
        let (stored, plain) = (len(self.stored), len(self.plain));
        let unpacked = self.flags & block_flag::PLAIN != 0;
        stored <= MAX_STORED
            && (1..=MAX_PLAIN).contains(&plain)
            && plain / MAX_RATIO <= stored + BLOCK_HEAD_LEN
            && (!unpacked || stored == plain)
            && self.flags & !(block_flag::ANEW | block_flag::PLAIN) == 0
    }

    fn sum(&self, stored: &[u8]) -> u32 {
        let mut hash = blake3::Hasher::new();
        hash.update(self.as_bytes().split_at(BLOCK_HEAD_LEN - size_of::<u32>()).0);
        hash.update(stored);
        // Four bytes: the whole is bound by the chain, this is against accidents.
        (check_of(&hash) & u64::from(u32::MAX)) as u32
    }
}

/// Head of a frame in a block.
#[derive(Debug, Clone, Copy, PartialEq, Eq, FromBytes, IntoBytes, KnownLayout, Immutable)]
#[repr(C)]
pub struct SlimHead {
    /// Bytes of payload, padding not counted.
    pub len: u32,
    /// As in [`super::FrameHead`].
    pub kind: u16,
    /// Zero.
    pub flags: u16,
    /// As in [`super::FrameHead`].
    pub boot_ns: u64,
}

/// Bytes of a frame in a block before its payload.
pub const SLIM_HEAD_LEN: usize = size_of::<SlimHead>();

/// Returns the bytes that a frame with `payload` bytes takes in a block.
#[must_use]
pub const fn slim_len(payload: usize) -> usize {
    SLIM_HEAD_LEN + payload.next_multiple_of(8)
}

/// Writes a frame of a block, its payload given in `parts`, to the front of `out`.
///
/// Returns its length, or `None` when `out` is too small or the payload longer than [`MAX_PAYLOAD`].
/// Allocates nothing.
pub fn encode_slim(out: &mut [u8], kind: u16, boot_ns: u64, parts: &[&[u8]]) -> Option<usize> {
    let payload: usize = parts.iter().map(|part| part.len()).sum();
    if payload > MAX_PAYLOAD {
        return None;
    }
    let len = u32::try_from(payload).ok()?;
    let total = slim_len(payload);
    let (head_out, mut rest) = out.get_mut(..total)?.split_at_mut(SLIM_HEAD_LEN);
    head_out.copy_from_slice(SlimHead { len, kind, flags: 0, boot_ns }.as_bytes());
    for part in parts {
        let (here, after) = rest.split_at_mut_checked(part.len())?;
        here.copy_from_slice(part);
        rest = after;
    }
    rest.fill(0);
    Some(total)
}
