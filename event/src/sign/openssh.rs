//! Private key files of OpenSSH (PROTOCOL.key), as `ssh-keygen -t ed25519` writes them.

use base64::{Engine, prelude::BASE64_STANDARD};

use super::{Public, Secret, key::ED25519, wire::Reader};

const BEGIN: &str = "-----BEGIN OPENSSH PRIVATE KEY-----";
const END: &str = "-----END OPENSSH PRIVATE KEY-----";
const MAGIC: &[u8] = b"openssh-key-v1\0";

/// Why a private key cannot be taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NoKey {
    /// It is no private key file of OpenSSH, or a damaged one.
    Form,
    /// A passphrase guards it.
    Passphrase,
    /// It is no Ed25519 key.
    Algorithm,
}

impl std::fmt::Display for NoKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            NoKey::Form => "it is no private key file of OpenSSH",
            NoKey::Passphrase => "a passphrase guards it",
            NoKey::Algorithm => "it is no Ed25519 key",
        })
    }
}

impl std::error::Error for NoKey {}

impl Secret {
    /// Reads a private key file.
    ///
    /// # Errors
    /// [`NoKey`] says what it is instead.
    pub fn from_openssh(text: &str) -> Result<Secret, NoKey> {
        let body = text.trim().strip_prefix(BEGIN).and_then(|rest| rest.strip_suffix(END));
        let body: String = body.ok_or(NoKey::Form)?.split_ascii_whitespace().collect();
        let blob = BASE64_STANDARD.decode(body).map_err(|_| NoKey::Form)?;
        let mut reader = Reader(blob.strip_prefix(MAGIC).ok_or(NoKey::Form)?);
        let (cipher, _kdf, _options) = three(&mut reader).ok_or(NoKey::Form)?;
        if cipher != b"none" {
            return Err(NoKey::Passphrase);
        }
        let public = match (reader.u32(), reader.string()) {
            (Some(1), Some(public)) => public,
            _ => return Err(NoKey::Form),
        };
        let public = Public::from_blob(public).ok_or(NoKey::Algorithm)?;
        let mut private = Reader(reader.string().ok_or(NoKey::Form)?);
        let secret = seed(&mut private).map(Secret::from_seed).ok_or(NoKey::Form)?;
        // The halves are of one key.
        (secret.public() == public).then_some(secret).ok_or(NoKey::Form)
    }
}

fn three<'a>(reader: &mut Reader<'a>) -> Option<(&'a [u8], &'a [u8], &'a [u8])> {
    Some((reader.string()?, reader.string()?, reader.string()?))
}

/// The first half of the private key; the second is the public key once more.
fn seed<'a>(private: &mut Reader<'a>) -> Option<&'a [u8; 32]> {
    let (check, again) = (private.u32()?, private.u32()?);
    private.expect(ED25519.as_bytes())?;
    let _public = private.string()?;
    let (seed, _) = private.string()?.split_first_chunk::<32>()?;
    (check == again).then_some(seed)
}
