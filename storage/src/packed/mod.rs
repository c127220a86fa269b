//! Lines at rest: packed by zstd in blocks of which each can be read alone.
//!
//! The form is that of the "zstd seekable format" 0.1.0: frames one behind the other, and their sizes in a
//! skippable frame at the end, so that `zstdcat` gives the lines. docs/storage.md has the bytes.

mod read;
#[cfg(test)]
mod tests;
mod write;

pub(crate) use read::{Packed, Reader};
pub(crate) use write::Packing;

/// Plain bytes of each block but the last. Lines go over from one to the next.
const BLOCK: usize = 256 * 1024;

/// A block has at most so many times the bytes that it takes in the file: what packs better is followed
/// by a frame of zeros that unpackers pass over. So a small file cannot stand for a huge one.
const RATIO: usize = 64;

/// Most blocks of a file: 256 GiB of lines, of which the table is held in memory while it is read.
const MOST_BLOCKS: usize = 1 << 20;

/// Begins a frame that unpackers pass over (RFC 8878, 3.1.2): the zeros, and the table.
const ZEROS: u32 = 0x184d_2a50;
const TABLE: u32 = 0x184d_2a5e;

/// Ends the table.
const SEEKABLE: u32 = 0x8f92_eab1;

/// Bytes before and behind the entries of the table, and of an entry.
const HEAD: usize = 8;
const FOOT: usize = 9;
const ENTRY: usize = 8;
