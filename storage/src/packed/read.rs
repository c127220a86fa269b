//! Reads packed lines by place. The file may be the work of somebody who wants its reader harm: the
//! table is held against the file before it is believed, and no block unpacks to more than its share.

use std::{
    cell::RefCell,
    collections::VecDeque,
    fmt,
    fs::File,
    io::{self, Read},
    os::unix::fs::FileExt,
};

use zstd::bulk::Decompressor;

use super::{BLOCK, ENTRY, FOOT, HEAD, MOST_BLOCKS, RATIO, SEEKABLE, TABLE};

/// Unpacked blocks that are kept: questions go forward, and over a border of blocks and back.
const KEPT: usize = 8;

/// A file of packed lines.
pub(crate) struct Packed {
    file: File,
    /// Where each block ends in the file.
    ends: Vec<u64>,
    /// Plain bytes of all blocks.
    len: u64,
    unpacked: RefCell<Unpacked>,
}

struct Unpacked {
    unpacker: Decompressor<'static>,
    packed: Vec<u8>,
    blocks: VecDeque<(usize, Vec<u8>)>,
}

impl fmt::Debug for Packed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Packed").field("len", &self.len).finish_non_exhaustive()
    }
}

impl Packed {
    /// Reads the table of `file`. An error of [`io::ErrorKind::InvalidData`] says what is wrong with it.
    pub(crate) fn open(file: File) -> io::Result<Packed> {
        let bytes = file.metadata()?.len();
        let mut foot = [0; FOOT];
        file.read_exact_at(&mut foot, bytes.checked_sub(FOOT as u64).ok_or_else(no_table)?)?;
        let [a, b, c, d, 0, seekable @ ..] = foot else { return Err(no_table()) };
        let blocks = usize::try_from(u32::from_le_bytes([a, b, c, d])).unwrap_or(usize::MAX);
        if u32::from_le_bytes(seekable) != SEEKABLE || blocks > MOST_BLOCKS {
            return Err(no_table());
        }
        let table = HEAD + blocks * ENTRY + FOOT;
        let at = bytes.checked_sub(table as u64).ok_or_else(no_table)?;
        let mut table = vec![0; table];
        file.read_exact_at(&mut table, at)?;
        let rest = u32::try_from(table.len() - HEAD).unwrap_or(u32::MAX);
        let entries = table
            .strip_prefix(&TABLE.to_le_bytes())
            .and_then(|table| table.strip_prefix(&rest.to_le_bytes()))
            .and_then(|table| table.get(..blocks * ENTRY))
            .ok_or_else(no_table)?;
        let (ends, len) = sizes(entries, blocks).ok_or_else(no_table)?;
        if ends.last().copied().unwrap_or(0) != at {
            return Err(no_table());
        }
        let unpacked = Unpacked {
            unpacker: Decompressor::new()?,
            packed: Vec::new(),
            blocks: VecDeque::with_capacity(KEPT),
        };
        Ok(Packed { file, ends, len, unpacked: RefCell::new(unpacked) })
    }

    /// Reads plain bytes from `at` on, some at least; none behind the end.
    pub(crate) fn read_at(&self, room: &mut [u8], at: u64) -> io::Result<usize> {
        if at >= self.len || room.is_empty() {
            return Ok(0);
        }
        let block = usize::try_from(at / BLOCK as u64).map_err(io::Error::other)?;
        let mut unpacked = self.unpacked.borrow_mut();
        let bytes = unpacked.block(self, block)?;
        let within = usize::try_from(at % BLOCK as u64).map_err(io::Error::other)?;
        let bytes = bytes.get(within..).unwrap_or_default();
        let len = bytes.len().min(room.len());
        if let (Some(to), Some(from)) = (room.get_mut(..len), bytes.get(..len)) {
            to.copy_from_slice(from);
        }
        Ok(len)
    }

    /// Where a block is in the file, and how many plain bytes it has.
    fn place(&self, block: usize) -> Option<(u64, usize, usize)> {
        let before = block.checked_sub(1).map_or(Some(0), |at| self.ends.get(at).copied())?;
        let packed = usize::try_from(self.ends.get(block)?.checked_sub(before)?).ok()?;
        let left = self.len.checked_sub(block as u64 * BLOCK as u64)?;
        Some((before, packed, usize::try_from(left).unwrap_or(BLOCK).min(BLOCK)))
    }
}

impl Unpacked {
    fn block(&mut self, file: &Packed, block: usize) -> io::Result<&[u8]> {
        if let Some(known) = self.blocks.iter().position(|(number, _)| *number == block) {
            return Ok(self.blocks.get(known).map_or(&[], |(_, bytes)| bytes));
        }
        let damaged = || {
            let what = format!("its block {} does not unpack", block + 1);
            io::Error::new(io::ErrorKind::InvalidData, what)
        };
        let (at, packed, plain) = file.place(block).ok_or_else(damaged)?;
        self.packed.resize(packed, 0);
        file.file.read_exact_at(&mut self.packed, at)?;
        let oldest = if self.blocks.len() < KEPT { None } else { self.blocks.pop_front() };
        let mut bytes = oldest.map_or_else(Vec::new, |(_, bytes)| bytes);
        bytes.clear();
        bytes.reserve_exact(plain);
        let unpacked = self.unpacker.decompress_to_buffer(&self.packed, &mut bytes);
        if unpacked.map_err(|_| damaged())? != plain {
            return Err(damaged());
        }
        self.blocks.push_back((block, bytes));
        Ok(self.blocks.back().map_or(&[], |(_, bytes)| bytes))
    }
}

/// Reads plain bytes from the first on.
#[derive(Debug)]
pub(crate) struct Reader {
    packed: Packed,
    at: u64,
}

impl Reader {
    pub(crate) fn new(packed: Packed) -> Reader {
        Reader { packed, at: 0 }
    }
}

impl Read for Reader {
    fn read(&mut self, room: &mut [u8]) -> io::Result<usize> {
        let got = self.packed.read_at(room, self.at)?;
        self.at += got as u64;
        Ok(got)
    }
}

/// Where each block ends and how many plain bytes all have; `None` where they are none of ours: all but
/// the last are full, and none is more than its share.
fn sizes(entries: &[u8], blocks: usize) -> Option<(Vec<u64>, u64)> {
    let (mut ends, mut end, mut len) = (Vec::with_capacity(blocks), 0_u64, 0_u64);
    let (entries, _) = entries.as_chunks::<ENTRY>();
    for (at, entry) in entries.iter().enumerate() {
        let [a, b, c, d, e, f, g, h] = *entry;
        let packed = u32::from_le_bytes([a, b, c, d]);
        let plain = usize::try_from(u32::from_le_bytes([e, f, g, h])).ok()?;
        let is_last = at + 1 == blocks;
        let fits = if is_last { plain > 0 && plain <= BLOCK } else { plain == BLOCK };
        let share = usize::try_from(packed).ok()?;
        if !fits || plain.div_ceil(RATIO) > share || share > 2 * BLOCK {
            return None;
        }
        end += u64::from(packed);
        len += plain as u64;
        ends.push(end);
    }
    Some((ends, len))
}

fn no_table() -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, "it does not end as packed lines do")
}
