//! BLAKE3 of contents, piece by piece.

/// The hash of what was fed to it so far.
#[derive(Debug, Clone, Default)]
pub struct Digest(blake3::Hasher);

impl Digest {
    /// Adds bytes.
    pub fn update(&mut self, bytes: &[u8]) {
        self.0.update(bytes);
    }

    /// Returns the hash, and starts anew.
    pub fn finish(&mut self) -> [u8; 32] {
        let hash = *self.0.finalize().as_bytes();
        self.0.reset();
        hash
    }
}

/// Writes a hash as 64 digits.
#[must_use]
pub fn hex(hash: &[u8; 32]) -> String {
    hash.iter().map(|byte| format!("{byte:02x}")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_hash_of_nothing_is_that_of_the_specification() {
        let empty = "af1349b9f5f9a1a6a0404dea36dcc9499bcb25c9adc112b7cc9a93cae41f3262";
        let mut digest = Digest::default();
        assert_eq!(hex(&digest.finish()), empty);
        digest.update(b"abc");
        assert_ne!(hex(&digest.finish()), empty);
        assert_eq!(hex(&digest.finish()), empty, "it starts anew");
    }
}
