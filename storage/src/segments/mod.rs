//! Reading segments: which files there are, their frames in order, and what is wrong with them.

mod chunk;
mod damage;
#[cfg(test)]
mod documented;
mod peek;
mod tail;
#[cfg(test)]
mod tests;
mod verify;

use std::{io, os::fd::AsFd};

use rustix::fs::Dir;

pub use damage::{Damage, Wrong};
pub(crate) use peek::{first, run_id, seal};
pub use tail::Tail;

use crate::SegmentFile;

/// More files than this are not a record of ours (64 MiB each).
const MAX_SEGMENTS: usize = 1 << 20;

/// What a [`Tail`] has read, when nothing more will come.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Consumed {
    /// Every segment file, those behind a damage included.
    pub segments: Vec<SegmentFile>,
    /// Last link of the chain that was verified.
    pub chain: Option<[u8; 32]>,
    /// Whole frames.
    pub frames: u64,
    /// The last of them is a seal.
    pub sealed: bool,
    /// Where the segments are not what was written.
    pub damage: Vec<Damage>,
}

/// Returns the name of segment `number`.
pub(crate) fn name(number: u32) -> String {
    format!("{number:06}.seg")
}

/// Returns the numbers of the segments in `dir`, in order. Other names are passed over.
pub(crate) fn numbers(dir: impl AsFd) -> io::Result<Vec<u32>> {
    let mut numbers = Vec::new();
    for entry in Dir::read_from(dir)? {
        let entry = entry?;
        let text = entry.file_name().to_str().ok();
        let number = text.and_then(|text| text.strip_suffix(".seg")?.parse::<u32>().ok());
        // Written as we write it, or it is not ours: `1.seg`, `+00001.seg`.
        let number = number.filter(|number| text == Some(name(*number).as_str()) && *number > 0);
        numbers.extend(number);
        if numbers.len() > MAX_SEGMENTS {
            return Err(io::Error::new(io::ErrorKind::FileTooLarge, "more segments than can be"));
        }
    }
    numbers.sort_unstable();
    Ok(numbers)
}
