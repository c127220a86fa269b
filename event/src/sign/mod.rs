//! Signatures of a record: keys, OpenSSH's forms of them, and what exactly is signed.
//!
//! Everything is Ed25519 in the forms of OpenSSH (PROTOCOL.sshsig, PROTOCOL.certkeys), so that
//! `ssh-keygen` can check it without us. Pure: random seeds and times come in as values. What each key
//! is for, and when it is erased, is in `docs/storage.md`.

mod cert;
mod dsse;
mod key;
mod openssh;
mod seal;
mod sshsig;
#[cfg(test)]
mod tests;
mod wire;

pub use cert::{Certificate, LINE_LEN, PRINCIPAL};
pub use key::{Public, Secret};
pub use openssh::NoKey;
pub use seal::{SEAL_NAME, SEAL_SIG_NAME, SealText, SegmentSum, seal_text};
pub use sshsig::{NAMESPACE_CHECKPOINT, NAMESPACE_SEAL, armored, opened};

use sha2::{Digest, Sha256};

/// Hash of bytes that come piece by piece, as `sha256sum` prints it.
#[derive(Debug, Clone, Default)]
pub struct Sum(Sha256);

impl Sum {
    /// Adds bytes.
    pub fn update(&mut self, bytes: &[u8]) {
        self.0.update(bytes);
    }

    /// Returns the hash and starts anew.
    pub fn finish(&mut self) -> [u8; 32] {
        self.0.finalize_reset().into()
    }
}

/// Returns the SHA-256 of `bytes`.
#[must_use]
pub fn sha256(bytes: &[u8]) -> [u8; 32] {
    Sha256::digest(bytes).into()
}
