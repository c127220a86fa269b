//! What is wrong with a segment, in words that name the file and the place.

use std::fmt;

use event::frame::{self, NoBlock};

/// A place where the segments are not what was written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Damage {
    /// Name of the file in `segments/`.
    pub file: String,
    /// Byte at which it shows.
    pub offset: u64,
    /// What is wrong.
    pub what: Wrong,
    /// Whole frames before it, in all segments.
    pub frames_before: u64,
}

/// Kinds of damage.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Wrong {
    /// The file ends inside a frame or block: the recorder died, or the file was cut.
    Torn,
    /// The checksum of a frame, or of a block of them, does not match its bytes.
    Checksum,
    /// A frame or block claims an impossible length.
    Length,
    /// A block does not unpack to the frames that its head says.
    Packing,
    /// Frames are missing or out of order.
    Sequence {
        /// The number that should be there.
        expected: u64,
        /// The number that is.
        found: u64,
    },
    /// The file does not begin as a segment does.
    NotASegment,
    /// It was written by a later version.
    Version(u32),
    /// It is the segment of another run, or another segment of this one.
    Foreign,
    /// The hash over everything before does not match: something whole was changed or exchanged.
    Chain,
    /// A file between others is missing.
    Missing,
    /// The system could not read it.
    Unreadable(String),
    /// The file is shorter than what was read from it before.
    Shrunk,
    /// The seal counts other frames than there are.
    SealCount {
        /// What the seal says.
        said: u64,
    },
    /// There is more after the seal.
    AfterSeal,
    /// Bytes between frames are not zero.
    Padding,
    /// The counters of a source do not add up.
    Counters {
        /// The tally.
        id: u32,
    },
    /// The run's keys are not certified, or a signature comes without keys.
    Keys,
    /// A checkpoint's signature is not of what was read.
    Signature,
    /// A checkpoint, or what is before the seal, is not signed in a record that is.
    Unsigned,
}

impl Wrong {
    /// Returns whether nothing behind it is read: everything but what whole frames say of others.
    #[must_use]
    pub fn ends_reading(&self) -> bool {
        !matches!(
            self,
            Wrong::Chain
                | Wrong::SealCount { .. }
                | Wrong::Padding
                | Wrong::Counters { .. }
                | Wrong::Keys
                | Wrong::Signature
                | Wrong::Unsigned
        )
    }
}

impl fmt::Display for Wrong {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Wrong::Torn => f.write_str("it ends inside a frame"),
            Wrong::Checksum => f.write_str("the frame's checksum does not match"),
            Wrong::Length => f.write_str("the frame has an impossible length"),
            Wrong::Packing => f.write_str("the block does not unpack to what it says"),
            Wrong::Sequence { expected, found } => {
                write!(f, "frame {found} stands where frame {expected} should")
            }
            Wrong::NotASegment => f.write_str("it does not begin as a segment does"),
            Wrong::Version(version) => write!(f, "format {version} is not known here"),
            Wrong::Foreign => f.write_str("it is not the segment that belongs here"),
            Wrong::Chain => f.write_str("the chain over everything before does not match"),
            Wrong::Missing => f.write_str("the file is missing"),
            Wrong::Unreadable(why) => write!(f, "cannot read it: {why}"),
            Wrong::Shrunk => f.write_str("it is shorter than it was"),
            Wrong::SealCount { said } => write!(f, "the seal counts {said} frames"),
            Wrong::AfterSeal => f.write_str("there is more after the seal"),
            Wrong::Padding => f.write_str("the bytes behind the frame are not zero"),
            Wrong::Counters { id } => write!(f, "the counters of kind {id} do not add up"),
            Wrong::Keys => f.write_str("the run's keys are not certified"),
            Wrong::Unsigned => f.write_str("the checkpoint before it is not signed"),
            Wrong::Signature => f.write_str("the signature is not of what was read before it"),
        }
    }
}

impl fmt::Display for Damage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Damage { file, offset, what, frames_before } = self;
        write!(f, "segments/{file} at byte {offset}: {what} ({frames_before} frames before it)")
    }
}

/// Returns what `damage` is, and how far behind the start of the bytes.
pub(crate) fn placed(damage: frame::Damage) -> (Wrong, usize) {
    match damage {
        frame::Damage::Torn { at } => (Wrong::Torn, at),
        frame::Damage::Check { at } => (Wrong::Checksum, at),
        frame::Damage::Length { at } => (Wrong::Length, at),
        frame::Damage::Sequence { at, expected, found } => {
            (Wrong::Sequence { expected, found }, at)
        }
    }
}

/// Returns what it is that there is no block.
pub(crate) fn no_block(damage: NoBlock) -> Wrong {
    match damage {
        NoBlock::Torn => Wrong::Torn,
        NoBlock::Length => Wrong::Length,
        NoBlock::Check => Wrong::Checksum,
        NoBlock::Content => Wrong::Packing,
    }
}
