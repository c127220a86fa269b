//! Unpacks the blocks of a segment. They may be anybody's: every length is bounded before anything is done.

use zstd_safe::{DCtx, DParameter, InBuffer, OutBuffer, ResetDirective};

use zerocopy::FromBytes;

use super::{AlignedBytes, BLOCK_HEAD_LEN, BlockHead, WINDOW_LOG, block_flag};

/// Unpacks blocks in the order of their file.
pub struct Unpacker {
    stream: DCtx<'static>,
    /// What comes next may go on from what came before.
    goes_on: bool,
}

/// A block, unpacked.
#[derive(Debug)]
pub struct Block {
    /// Its frames, for [`super::Frames::in_block`].
    pub plain: AlignedBytes,
    /// Number of the first.
    pub first: u64,
    /// Bytes of the block in the file.
    pub len: usize,
}

/// Why there is no block.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NoBlock {
    /// The bytes end before it does.
    Torn,
    /// No writer makes one of such lengths.
    Length,
    /// Its check does not match.
    Check,
    /// It does not hold what its head says.
    Content,
}

/// Unpacks `blocks`, what stands behind a file's magic, up to the first that is not whole, or until there are
/// `enough` bytes of frames.
#[must_use]
pub fn unpacked(blocks: &[u8], enough: usize) -> AlignedBytes {
    let (mut plain, mut rest, mut unpacker) = (AlignedBytes::new(), blocks, Unpacker::new());
    while plain.as_slice().len() < enough
        && let Ok(block) = unpacker.next(rest)
    {
        plain.extend(block.plain.as_slice());
        rest = rest.get(block.len..).unwrap_or_default();
    }
    plain
}

impl std::fmt::Debug for Unpacker {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Unpacker").field("goes_on", &self.goes_on).finish_non_exhaustive()
    }
}

impl Default for Unpacker {
    fn default() -> Self {
        Unpacker::new()
    }
}

impl Unpacker {
    /// Begins before the first block of a file.
    #[must_use]
    pub fn new() -> Unpacker {
        let mut stream = DCtx::create();
        // What zstd would ask for otherwise is up to the file. It knows this parameter.
        let _ = stream.set_parameter(DParameter::WindowLogMax(WINDOW_LOG));
        Unpacker { stream, goes_on: false }
    }

    /// Unpacks the block that `bytes` begin with.
    ///
    /// # Errors
    /// [`NoBlock`]; of a torn one nothing was taken, so that it can be asked for again when more is there.
    pub fn next(&mut self, bytes: &[u8]) -> Result<Block, NoBlock> {
        let (head, behind) = BlockHead::read_from_prefix(bytes).map_err(|_| NoBlock::Torn)?;
        let len = |len: u32| usize::try_from(len).map_err(|_| NoBlock::Length);
        let (stored, plain) = (len(head.stored)?, len(head.plain)?);
        if !head.is_possible() {
            return Err(NoBlock::Length);
        }
        let stored = behind.get(..stored).ok_or(NoBlock::Torn)?;
        if !head.is_over(stored) {
            return Err(NoBlock::Check);
        }
        let bare = head.flags & block_flag::PLAIN != 0;
        let mut frames = AlignedBytes::new();
        if bare {
            frames.extend(stored);
        } else {
            // One more than there should be: what goes beyond shows.
            frames.grow(plain + 1);
            self.unpack(head.flags, stored, frames.as_mut_slice())?;
            frames.truncate(plain);
        }
        self.goes_on = !bare;
        Ok(Block { plain: frames, first: head.first, len: BLOCK_HEAD_LEN + stored.len() })
    }

    /// Fills `room` but for its last byte.
    fn unpack(&mut self, flags: u32, stored: &[u8], room: &mut [u8]) -> Result<(), NoBlock> {
        if flags & block_flag::ANEW != 0 {
            self.stream.reset(ResetDirective::SessionOnly).map_err(|_| NoBlock::Content)?;
        } else if !self.goes_on {
            return Err(NoBlock::Content);
        }
        let plain = room.len().saturating_sub(1);
        let (mut from, mut to) = (InBuffer::around(stored), OutBuffer::around(room));
        loop {
            let before = (from.pos(), to.pos());
            self.stream.decompress_stream(&mut to, &mut from).map_err(|_| NoBlock::Content)?;
            if before == (from.pos(), to.pos()) || to.pos() > plain {
                break;
            }
        }
        let whole = from.pos() == stored.len() && to.pos() == plain;
        whole.then_some(()).ok_or(NoBlock::Content)
    }
}
