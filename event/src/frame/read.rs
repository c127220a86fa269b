//! Reading frames back: everything up to the first damage, and what the damage is.

use zerocopy::{FromBytes, IntoBytes};

use super::{
    FrameHead, HEAD_LEN, MAX_PAYLOAD, SLIM_HEAD_LEN, SlimHead, check_of, checked_part, frame_len,
    slim_len,
};
use crate::wire::{Malformed, view};

/// One frame, borrowed and checked.
#[derive(Debug, Clone, Copy)]
pub struct Frame<'a> {
    /// Its head; of a frame in a block with the number that follows from the block's, and without a check.
    pub head: FrameHead,
    /// Its payload without padding.
    pub payload: &'a [u8],
    /// All its bytes, as the chain counts them.
    pub bytes: &'a [u8],
}

impl<'a> Frame<'a> {
    /// The bytes behind its payload, zeros unless somebody changed them.
    #[must_use]
    pub fn padding(&self) -> &'a [u8] {
        let padding = self.payload.len().next_multiple_of(8) - self.payload.len();
        self.bytes.get(self.bytes.len().saturating_sub(padding)..).unwrap_or_default()
    }

    /// Views the payload's front as a `T` and returns it with the bytes behind it.
    ///
    /// # Errors
    /// [`Malformed::Short`] when the payload is shorter than a `T` or not aligned for it.
    pub fn body<T>(&self) -> Result<(&'a T, &'a [u8]), Malformed>
    where
        T: FromBytes + zerocopy::KnownLayout + zerocopy::Immutable,
    {
        let body = view(self.payload)?;
        Ok((body, self.payload.get(size_of::<T>()..).unwrap_or_default()))
    }
}

/// Why reading stopped before the end of the bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Damage {
    /// The bytes end inside a frame: a writer that died, or one that is still writing.
    Torn {
        /// Where the frame starts.
        at: usize,
    },
    /// A frame whose check does not match its bytes.
    Check {
        /// Where the frame starts.
        at: usize,
    },
    /// A frame that claims more than [`MAX_PAYLOAD`].
    Length {
        /// Where the frame starts.
        at: usize,
    },
    /// A frame whose sequence number does not follow the one before.
    Sequence {
        /// Where the frame starts.
        at: usize,
        /// The number that should be there.
        expected: u64,
        /// The number that is.
        found: u64,
    },
}

impl std::fmt::Display for Damage {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Damage::Torn { at } => write!(f, "cut inside the frame at byte {at}"),
            Damage::Check { at } => write!(f, "checksum of the frame at byte {at} does not match"),
            Damage::Length { at } => write!(f, "impossible length of the frame at byte {at}"),
            Damage::Sequence { at, expected, found } => {
                write!(f, "frame at byte {at} has number {found} instead of {expected}")
            }
        }
    }
}

/// Iterator over the frames in some bytes of a segment or in a block; ends at the first damage.
#[derive(Debug, Clone)]
pub struct Frames<'a> {
    bytes: &'a [u8],
    at: usize,
    /// Of a block: with short heads.
    slim: bool,
    next_seq: Option<u64>,
    damage: Option<Damage>,
}

impl<'a> Frames<'a> {
    /// Reads `bytes`, which begin with a frame (after the file's magic). `next_seq` is the number that the first frame must have, where it is known.
    #[must_use]
    pub fn new(bytes: &'a [u8], next_seq: Option<u64>) -> Self {
        Frames { bytes, at: 0, slim: false, next_seq, damage: None }
    }

    /// Reads `bytes` of a block, unpacked, from the frame with the number `seq` on.
    #[must_use]
    pub fn in_block(bytes: &'a [u8], seq: u64) -> Self {
        Frames { bytes, at: 0, slim: true, next_seq: Some(seq), damage: None }
    }

    /// Bytes of whole, good frames read so far.
    #[must_use]
    pub fn consumed(&self) -> usize {
        self.at
    }

    /// The number that the next frame must have, once one was read.
    #[must_use]
    pub fn next_seq(&self) -> Option<u64> {
        self.next_seq
    }

    /// Why the iterator ended before the end of the bytes, if it did.
    #[must_use]
    pub fn damage(&self) -> Option<Damage> {
        self.damage
    }

    fn read(&self) -> Result<Option<Frame<'a>>, Damage> {
        let at = self.at;
        let rest = self.bytes.get(at..).unwrap_or_default();
        if rest.is_empty() {
            return Ok(None);
        }
        if self.slim {
            return self.read_slim(rest).map(Some);
        }
        let raw: &[u8; HEAD_LEN] = rest.first_chunk().ok_or(Damage::Torn { at })?;
        let head = FrameHead::read_from_bytes(raw).map_err(|_| Damage::Torn { at })?;
        let len = usize::try_from(head.len).map_err(|_| Damage::Length { at })?;
        if len > MAX_PAYLOAD {
            return Err(Damage::Length { at });
        }
        let bytes = rest.get(..frame_len(len)).ok_or(Damage::Torn { at })?;
        let payload = bytes.get(HEAD_LEN..HEAD_LEN + len).ok_or(Damage::Torn { at })?;
        let mut hash = blake3::Hasher::new();
        hash.update(checked_part(raw));
        hash.update(payload);
        if check_of(&hash) != head.check {
            return Err(Damage::Check { at });
        }
        match self.next_seq {
            Some(expected) if expected != head.seq => {
                Err(Damage::Sequence { at, expected, found: head.seq })
            }
            _ => Ok(Some(Frame { head, payload, bytes })),
        }
    }

    fn read_slim(&self, rest: &'a [u8]) -> Result<Frame<'a>, Damage> {
        let at = self.at;
        let (slim, _) = SlimHead::read_from_prefix(rest).map_err(|_| Damage::Torn { at })?;
        let SlimHead { len, kind, flags, boot_ns } = slim;
        let payload = usize::try_from(len).map_err(|_| Damage::Length { at })?;
        if payload > MAX_PAYLOAD {
            return Err(Damage::Length { at });
        }
        let bytes = rest.get(..slim_len(payload)).ok_or(Damage::Torn { at })?;
        let payload = bytes.get(SLIM_HEAD_LEN..SLIM_HEAD_LEN + payload);
        let payload = payload.ok_or(Damage::Torn { at })?;
        let seq = self.next_seq.unwrap_or_default();
        let head = FrameHead { len, kind, flags, seq, boot_ns, check: 0 };
        Ok(Frame { head, payload, bytes })
    }
}

impl<'a> Iterator for Frames<'a> {
    type Item = Frame<'a>;

    fn next(&mut self) -> Option<Frame<'a>> {
        if self.damage.is_some() {
            return None;
        }
        match self.read() {
            Ok(frame) => {
                let frame = frame?;
                self.at += frame.bytes.len();
                self.next_seq = frame.head.seq.checked_add(1);
                Some(frame)
            }
            Err(damage) => {
                self.damage = Some(damage);
                None
            }
        }
    }
}

/// A growing buffer whose bytes start at a multiple of eight, as the views need it.
#[derive(Debug, Default, Clone)]
pub struct AlignedBytes {
    words: Vec<u64>,
    len: usize,
}

impl AlignedBytes {
    /// Returns an empty buffer.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Appends `bytes`.
    pub fn extend(&mut self, bytes: &[u8]) {
        let begin = self.len;
        self.grow(bytes.len());
        if let Some(room) = self.as_mut_slice().get_mut(begin..) {
            room.copy_from_slice(bytes);
        }
    }

    /// Appends so many bytes, to be written over.
    pub(super) fn grow(&mut self, count: usize) {
        self.len += count;
        self.words.resize(self.len.div_ceil(8), 0);
    }

    /// Forgets what is behind the first `len` bytes.
    pub(super) fn truncate(&mut self, len: usize) {
        self.len = self.len.min(len);
        self.words.truncate(self.len.div_ceil(8));
    }

    /// The bytes, to be written over.
    pub(super) fn as_mut_slice(&mut self) -> &mut [u8] {
        self.words.as_mut_slice().as_mut_bytes().get_mut(..self.len).unwrap_or_default()
    }

    /// Forgets the first `count` bytes, rounded down to a multiple of eight (frames always are).
    pub fn consume(&mut self, count: usize) {
        let count = count.min(self.len) / 8;
        self.words.drain(..count);
        self.len -= count * 8;
    }

    /// The bytes, starting at a multiple of eight.
    #[must_use]
    pub fn as_slice(&self) -> &[u8] {
        self.words.as_slice().as_bytes().get(..self.len).unwrap_or_default()
    }
}
