//! The end of a bundle: a frame that zstd passes over, with the hash of everything before it.

use event::sign::Sum;

/// Bytes of the whole frame.
pub(super) const LEN: usize = 72;
/// Bytes of it that the hash covers.
pub(super) const COVERED: usize = LEN - 32;

/// First byte of the sixteen numbers of skippable frames (RFC 8878, 3.1.2), and the bytes that follow.
const SKIPPABLE: [u8; 8] = [0x5a, 0x2a, 0x4d, 0x18, 64, 0, 0, 0];
/// The last two are the version of this form.
const MAGIC: &[u8; 8] = b"AUDBUN01";

/// What it says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Trailer {
    /// Bytes of the unpacked tar.
    pub(super) tar_len: u64,
    /// Files in it.
    pub(super) members: u64,
    /// SHA-256 over every byte of the bundle before it.
    pub(super) sha256: [u8; 32],
}

impl Trailer {
    /// The bytes that the hash covers.
    pub(super) fn covered(tar_len: u64, members: u64) -> [u8; COVERED] {
        let mut bytes = [0; COVERED];
        let (start, rest) = bytes.split_at_mut(8);
        start.copy_from_slice(&SKIPPABLE);
        let (magic, rest) = rest.split_at_mut(8);
        magic.copy_from_slice(MAGIC);
        let (first, rest) = rest.split_at_mut(8);
        first.copy_from_slice(&tar_len.to_le_bytes());
        let (second, _zeros) = rest.split_at_mut(8);
        second.copy_from_slice(&members.to_le_bytes());
        bytes
    }

    /// Reads the last bytes of a file; `None` when it is no bundle of a version that is known here.
    pub(super) fn parse(bytes: &[u8; LEN]) -> Option<Trailer> {
        let (covered, sha256) = bytes.split_at(COVERED);
        let number = |at: usize| Some(u64::from_le_bytes(*covered.get(at..)?.first_chunk()?));
        let (tar_len, members) = (number(16)?, number(24)?);
        let same = covered == Trailer::covered(tar_len, members);
        same.then_some(Trailer { tar_len, members, sha256: sha256.try_into().ok()? })
    }

    /// Whether `before` with this trailer's own bytes has its hash.
    pub(super) fn holds(&self, mut before: Sum) -> bool {
        before.update(&Trailer::covered(self.tar_len, self.members));
        before.finish() == self.sha256
    }
}
