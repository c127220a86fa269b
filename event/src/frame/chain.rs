//! The chain over frames: what was written before a checkpoint cannot change without it.

/// Hash over all bytes of a run's segments so far, link by link.
///
/// The first link starts from the run's id. `seal` ends a link and starts the next from its value, so
/// that link n is `BLAKE3(link n-1 || bytes written since, the checkpoint's own frame first)`.
#[derive(Clone)]
pub struct Chain {
    hash: blake3::Hasher,
}

impl Chain {
    /// Starts the chain of the run `id`.
    #[must_use]
    pub fn new(id: &[u8]) -> Self {
        let mut hash = blake3::Hasher::new();
        hash.update(b"audit chain 1\0");
        hash.update(id);
        Chain { hash }
    }

    /// Adds bytes as they stand in the file, magic and padding included.
    pub fn update(&mut self, bytes: &[u8]) {
        self.hash.update(bytes);
    }

    /// Returns what [`Chain::link`] would, and ends nothing.
    #[must_use]
    pub fn peek(&self) -> [u8; 32] {
        *self.hash.finalize().as_bytes()
    }

    /// Ends the link and returns its value; the next link starts from it.
    pub fn link(&mut self) -> [u8; 32] {
        let value = *self.hash.finalize().as_bytes();
        self.hash.reset();
        self.hash.update(&value);
        value
    }
}

impl std::fmt::Debug for Chain {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Chain").finish_non_exhaustive()
    }
}
