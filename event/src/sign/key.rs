//! Ed25519 keys.

use std::fmt;

use base64::{Engine, prelude::BASE64_STANDARD};
use ed25519_dalek::{Signature, Signer, SigningKey, VerifyingKey};

use super::{
    sha256,
    sshsig::ToSign,
    wire::{Reader, put},
};

/// Name of the algorithm, of a key and of a signature.
pub(super) const ED25519: &str = "ssh-ed25519";

/// A secret key; its memory is overwritten when it is dropped.
pub struct Secret(SigningKey);

impl Secret {
    /// Makes the key of 32 random bytes, which the caller overwrites.
    #[must_use]
    pub fn from_seed(seed: &[u8; 32]) -> Secret {
        Secret(SigningKey::from_bytes(seed))
    }

    /// The public half.
    #[must_use]
    pub fn public(&self) -> Public {
        Public(self.0.verifying_key().to_bytes())
    }

    /// Signs `message` for `namespace` as `ssh-keygen -Y sign` would. Allocates nothing.
    #[must_use]
    pub fn sign(&self, namespace: &str, message: &[u8]) -> [u8; 64] {
        self.sign_raw(ToSign::new(namespace, message).bytes())
    }

    pub(super) fn sign_raw(&self, bytes: &[u8]) -> [u8; 64] {
        self.0.sign(bytes).to_bytes()
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Secret of {}", self.public())
    }
}

/// A public key.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Public(pub [u8; 32]);

impl Public {
    /// Whether `signature` is one of `message` for `namespace` by this key.
    #[must_use]
    pub fn verifies(&self, namespace: &str, message: &[u8], signature: &[u8; 64]) -> bool {
        self.verifies_raw(ToSign::new(namespace, message).bytes(), signature)
    }

    pub(super) fn verifies_raw(&self, bytes: &[u8], signature: &[u8; 64]) -> bool {
        let signature = Signature::from_bytes(signature);
        VerifyingKey::from_bytes(&self.0)
            .is_ok_and(|key| key.verify_strict(bytes, &signature).is_ok())
    }

    /// The key as SSH encodes it.
    #[must_use]
    pub fn blob(&self) -> Vec<u8> {
        let mut blob = Vec::new();
        put(&mut blob, ED25519.as_bytes());
        put(&mut blob, &self.0);
        blob
    }

    /// Reads what [`Public::blob`] writes.
    #[must_use]
    pub fn from_blob(blob: &[u8]) -> Option<Public> {
        let mut reader = Reader(blob);
        reader.expect(ED25519.as_bytes())?;
        let key = reader.string()?.try_into().ok()?;
        reader.0.is_empty().then_some(Public(key))
    }

    /// The two words of a public key file: algorithm and base64.
    #[must_use]
    pub fn line(&self) -> String {
        format!("{ED25519} {}", BASE64_STANDARD.encode(self.blob()))
    }

    /// Reads a public key file's line: algorithm, base64, whatever follows.
    #[must_use]
    pub fn from_line(line: &str) -> Option<Public> {
        let mut words = line.split_ascii_whitespace();
        if words.next()? != ED25519 {
            return None;
        }
        Public::from_blob(&BASE64_STANDARD.decode(words.next()?).ok()?)
    }
}

/// The fingerprint, as `ssh-keygen -l` prints it.
impl fmt::Display for Public {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let hash = BASE64_STANDARD.encode(sha256(&self.blob()));
        write!(f, "SHA256:{}", hash.trim_end_matches('='))
    }
}
