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

use event::{
    frame::control::{Seal, Start},
    sign::Certificate,
};
use rustix::fs::Dir;

pub use damage::{Damage, Wrong};
pub(crate) use peek::{first, run_id, seal};
pub use tail::Tail;

use crate::SegmentFile;

/// More files than this are not a record of ours (64 MiB each).
const MAX_SEGMENTS: usize = 1 << 20;

/// What a [`Tail`] has read, when nothing more will come.
#[derive(Debug, Clone, Default)]
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
    /// What the frames say of the whole.
    pub said: Said,
}

/// What a record says of itself, as far as it was read.
#[derive(Debug, Clone, Default)]
pub struct Said {
    /// The run's id, as the segments have it.
    pub run: Vec<u8>,
    /// How the recording began.
    pub begun: Option<Begun>,
    /// How it ended.
    pub seal: Option<Seal>,
    /// By whom it is signed.
    pub signed: Option<Signed>,
}

/// How a recording began.
#[derive(Debug, Clone)]
pub struct Begun {
    /// The frame.
    pub start: Start,
    /// The host's name.
    pub host: Vec<u8>,
}

/// Signatures in a record.
#[derive(Debug, Clone)]
pub struct Signed {
    /// The run's keys. Whether its host is one to be trusted is not known here.
    pub certificate: Certificate,
    /// How many signatures hold.
    pub checkpoints: u64,
    /// Number of the frame with the last of them: everything before it is signed.
    pub frame: u64,
    /// When that was, `CLOCK_BOOTTIME` nanoseconds.
    pub boot_ns: u64,
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
