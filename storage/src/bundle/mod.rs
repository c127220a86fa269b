//! A run as one file: what strangers unpack with zstd and tar, and what every reading command takes for a run.
//!
//! `docs/storage.md`, "Bundles", has the form. Every bundle is the work of somebody hostile: names, sizes and
//! their sum are held to limits before anything is written, and nothing is taken for a run before the last
//! byte was held to the hash.

mod cache;
mod import;
mod member;
mod pack;
mod tar;
#[cfg(test)]
mod tests;
mod trailer;
mod unpack;

pub(crate) use cache::{Held, open};
pub use import::{Arrival, Imported};
pub use pack::{Packed, pack};
pub use unpack::Bundle;

/// Most bytes of the unpacked tar.
const MAX_TAR: u64 = 16 << 30;

/// Most files: as many segments as that has when each is a MiB.
const MAX_MEMBERS: usize = 16_384 + 256;

/// Each frame of a segment has a hash of eight bytes, which no packer makes shorter: records pack to a
/// hundredth at best. What unpacks to a thousand times its size is a bomb.
const MOST_TIMES: u64 = 1_000;

/// Room beside that for the smallest.
const SOME: u64 = 1 << 20;

/// Whether a bundle of `len` bytes may unpack to `tar_len`.
fn is_plausible(tar_len: u64, len: u64) -> bool {
    tar_len <= len.saturating_mul(MOST_TIMES).saturating_add(SOME)
}
