//! Packs frames into blocks: one stream of zstd that goes on from block to block, so that few frames pack well.
//!
//! All memory is asked for when the writer is made, and by zstd with the first block.

use std::io;

use zerocopy::IntoBytes;
use zstd_safe::{
    CCtx, CParameter, InBuffer, OutBuffer, ResetDirective,
    zstd_sys::ZSTD_EndDirective::ZSTD_e_flush,
};

use super::{
    BLOCK_HEAD_LEN, BlockHead, MAGIC_BLOCKS, MAX_RATIO, MAX_STORED, WINDOW_LOG, block_flag,
};

/// How zstd looks for what was there before: as its level 5 does, for repeats of six bytes and more, in four places
/// of a table of 128 KiB. What these save and take is in docs/decisions/0014.
const SEARCH: [CParameter; 5] = [
    CParameter::CompressionLevel(5),
    CParameter::HashLog(15),
    CParameter::ChainLog(15),
    CParameter::SearchLog(2),
    CParameter::MinMatch(6),
];

/// Makes the blocks of a run, one after the other.
pub struct Packer {
    stream: CCtx<'static>,
    /// Magic, head and what zstd makes, one behind the other.
    room: Box<[u8]>,
    /// The next block begins the stream anew.
    anew: bool,
}

/// A block to be made.
#[derive(Debug, Clone, Copy)]
pub struct Ask<'a> {
    /// Whole frames.
    pub plain: &'a [u8],
    /// Number of the first.
    pub first: u64,
    /// The file begins with it: its magic comes first.
    pub begins: bool,
    /// It is the seal, which readers look for at the end without unpacking the rest.
    pub bare: bool,
}

impl std::fmt::Debug for Packer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Packer").field("anew", &self.anew).finish_non_exhaustive()
    }
}

impl Packer {
    /// Begins before the first block of a file.
    ///
    /// # Errors
    /// When there is no memory.
    pub fn new() -> io::Result<Packer> {
        let mut stream = CCtx::try_create().ok_or(io::ErrorKind::OutOfMemory)?;
        let form = [
            CParameter::WindowLog(WINDOW_LOG),
            CParameter::ContentSizeFlag(false),
            CParameter::ChecksumFlag(false),
        ];
        for parameter in SEARCH.into_iter().chain(form) {
            stream.set_parameter(parameter).map_err(|_| io::ErrorKind::Unsupported)?;
        }
        let room = vec![0; MAGIC_BLOCKS.len() + BLOCK_HEAD_LEN + MAX_STORED].into_boxed_slice();
        Ok(Packer { stream, room, anew: true })
    }

    /// The next block refers to nothing before it: a file begins, or the disk did not take the last one.
    pub fn begin_anew(&mut self) {
        self.anew = true;
    }

    /// Makes a block, with the file's magic where it begins one.
    ///
    /// # Errors
    /// When zstd has no memory.
    pub fn pack(&mut self, ask: &Ask<'_>) -> io::Result<&[u8]> {
        let Ask { plain, first, begins, bare } = *ask;
        let from = if begins { MAGIC_BLOCKS.len() } else { 0 };
        let (magic, room) = self.room.split_at_mut(from);
        magic.copy_from_slice(MAGIC_BLOCKS.get(..from).unwrap_or_default());
        let (head, room) = room.split_at_mut(BLOCK_HEAD_LEN);
        let packed = match bare {
            true => None,
            false => Some(stream(&mut self.stream, self.anew, plain, room)?),
        };
        // What packs better than readers believe is left as it is.
        let packed = packed.filter(|len| plain.len() / MAX_RATIO < len + BLOCK_HEAD_LEN);
        let (len, flags) = match packed {
            Some(len) => (len, if self.anew { block_flag::ANEW } else { 0 }),
            None => {
                let place = room.get_mut(..plain.len()).ok_or(io::ErrorKind::InvalidInput)?;
                place.copy_from_slice(plain);
                (plain.len(), block_flag::PLAIN)
            }
        };
        self.anew = packed.is_none();
        let stored = room.get(..len).unwrap_or_default();
        head.copy_from_slice(BlockHead::over(stored, plain.len(), first, flags).as_bytes());
        Ok(self.room.get(..from + BLOCK_HEAD_LEN + len).unwrap_or_default())
    }
}

/// Packs `plain` to the front of `room` so that it can be unpacked without what comes next; returns the length.
fn stream(
    stream: &mut CCtx<'static>,
    anew: bool,
    plain: &[u8],
    room: &mut [u8],
) -> io::Result<usize> {
    let failed = |_| io::Error::from(io::ErrorKind::OutOfMemory);
    if anew {
        stream.reset(ResetDirective::SessionOnly).map_err(failed)?;
    }
    let (mut from, mut to) = (InBuffer::around(plain), OutBuffer::around(room));
    // The room is that of the worst case: one call is enough.
    let left = stream.compress_stream2(&mut to, &mut from, ZSTD_e_flush).map_err(failed)?;
    let whole = left == 0 && from.pos() == plain.len();
    whole.then_some(to.pos()).ok_or(io::ErrorKind::InvalidInput.into())
}
