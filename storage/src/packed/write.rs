//! Packs lines as they come.

use std::{
    fmt,
    io::{self, Write},
};

use zstd::{bulk::Compressor, zstd_safe::CParameter};

use super::{BLOCK, FOOT, MOST_BLOCKS, RATIO, SEEKABLE, TABLE, ZEROS};

/// Fast, and still a twentieth of the lines.
const LEVEL: i32 = 1;

/// Writes blocks, and at the end their table.
pub(crate) struct Packing<W> {
    out: W,
    packer: Compressor<'static>,
    plain: Vec<u8>,
    packed: Vec<u8>,
    table: Vec<u8>,
    blocks: usize,
}

impl<W> fmt::Debug for Packing<W> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Packing").field("blocks", &self.blocks).finish_non_exhaustive()
    }
}

impl<W: Write> Packing<W> {
    pub(crate) fn new(out: W) -> io::Result<Packing<W>> {
        let mut packer = Compressor::new(LEVEL)?;
        packer.set_parameter(CParameter::ChecksumFlag(true))?;
        let packed = Vec::with_capacity(zstd::zstd_safe::compress_bound(BLOCK));
        let plain = Vec::with_capacity(BLOCK);
        Ok(Packing { out, packer, plain, packed, table: Vec::new(), blocks: 0 })
    }

    /// Takes bytes; what fills a block is written.
    pub(crate) fn push(&mut self, mut bytes: &[u8]) -> io::Result<()> {
        while !bytes.is_empty() {
            let room = BLOCK.saturating_sub(self.plain.len()).min(bytes.len());
            let (now, later) = bytes.split_at(room);
            self.plain.extend_from_slice(now);
            bytes = later;
            if self.plain.len() >= BLOCK {
                self.block()?;
            }
        }
        Ok(())
    }

    /// Writes the rest and the table.
    pub(crate) fn finish(&mut self) -> io::Result<()> {
        if !self.plain.is_empty() {
            self.block()?;
        }
        let blocks = u32::try_from(self.blocks).map_err(io::Error::other)?;
        let rest = u32::try_from(self.table.len() + FOOT).map_err(io::Error::other)?;
        self.out.write_all(&[TABLE.to_le_bytes(), rest.to_le_bytes()].concat())?;
        self.out.write_all(&self.table)?;
        let foot = [&blocks.to_le_bytes()[..], &[0], &SEEKABLE.to_le_bytes()].concat();
        self.out.write_all(&foot)?;
        self.out.flush()
    }

    /// What is written to.
    pub(crate) fn out(&self) -> &W {
        &self.out
    }

    fn block(&mut self) -> io::Result<()> {
        if self.blocks >= MOST_BLOCKS {
            return Err(io::Error::other("there are more lines than a file of them may have"));
        }
        self.packer.compress_to_buffer(&self.plain, &mut self.packed)?;
        let least = self.plain.len().div_ceil(RATIO);
        if self.packed.len() < least {
            let zeros = least.saturating_sub(self.packed.len() + 8);
            self.packed.extend(ZEROS.to_le_bytes());
            self.packed.extend(u32::try_from(zeros).map_err(io::Error::other)?.to_le_bytes());
            self.packed.resize(self.packed.len() + zeros, 0);
        }
        self.out.write_all(&self.packed)?;
        for len in [self.packed.len(), self.plain.len()] {
            self.table.extend(u32::try_from(len).map_err(io::Error::other)?.to_le_bytes());
        }
        self.blocks += 1;
        self.plain.clear();
        Ok(())
    }
}
