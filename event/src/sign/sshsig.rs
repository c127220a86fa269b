//! OpenSSH's form of a signature over a message (PROTOCOL.sshsig of OpenSSH 9.2).

use base64::{Engine, prelude::BASE64_STANDARD};
use sha2::{Digest, Sha512};

use super::{
    Certificate,
    key::ED25519,
    wire::{Reader, put},
};

/// Namespace of the signature over the seal.
pub const NAMESPACE_SEAL: &str = "audit-seal";
/// Namespace of the signatures over checkpoints.
pub const NAMESPACE_CHECKPOINT: &str = "audit-checkpoint";

const MAGIC: &[u8; 6] = b"SSHSIG";
const HASH: &str = "sha512";
const BEGIN: &str = "-----BEGIN SSH SIGNATURE-----";
const END: &str = "-----END SSH SIGNATURE-----";

/// Characters of base64 in a line, as ssh-keygen writes them.
const COLUMNS: usize = 70;

/// Longest armored signature that is read; ours has less than 1,100 bytes.
const MAX_ARMORED: usize = 8 * 1024;

/// The bytes that a key signs for a message: its hash and what it is for. On the stack, because
/// checkpoints are signed where nothing may allocate.
pub(super) struct ToSign {
    room: [u8; 160],
    len: usize,
}

impl ToSign {
    /// `namespace` is one of ours: at most 32 bytes.
    pub(super) fn new(namespace: &str, message: &[u8]) -> ToSign {
        let mut to_sign = ToSign { room: [0; 160], len: 0 };
        to_sign.add(MAGIC);
        to_sign.string(namespace.as_bytes());
        to_sign.string(b"");
        to_sign.string(HASH.as_bytes());
        to_sign.string(&Sha512::digest(message));
        to_sign
    }

    pub(super) fn bytes(&self) -> &[u8] {
        self.room.get(..self.len).unwrap_or_default()
    }

    fn string(&mut self, bytes: &[u8]) {
        self.add(&u32::try_from(bytes.len()).unwrap_or(u32::MAX).to_be_bytes());
        self.add(bytes);
    }

    fn add(&mut self, bytes: &[u8]) {
        if let Some(room) = self.room.get_mut(self.len..self.len + bytes.len()) {
            room.copy_from_slice(bytes);
            self.len += bytes.len();
        }
    }
}

/// Writes a signature by the certified seal key as a `.sig` file.
#[must_use]
pub fn armored(certificate: &[u8], namespace: &str, signature: &[u8; 64]) -> String {
    let mut blob = MAGIC.to_vec();
    blob.extend(1_u32.to_be_bytes());
    put(&mut blob, certificate);
    put(&mut blob, namespace.as_bytes());
    put(&mut blob, b"");
    put(&mut blob, HASH.as_bytes());
    put(&mut blob, &signature_blob(signature));
    let text = BASE64_STANDARD.encode(blob);
    let mut out = format!("{BEGIN}\n");
    let mut rest = text.as_str();
    while !rest.is_empty() {
        // Base64 is ASCII, so every byte is a boundary.
        let (line, after) = rest.split_at(rest.len().min(COLUMNS));
        out.push_str(line);
        out.push('\n');
        rest = after;
    }
    out.push_str(END);
    out.push('\n');
    out
}

/// Reads a `.sig` file of ours: the certificate of its key and the signature.
#[must_use]
pub fn opened(text: &[u8], namespace: &str) -> Option<(Certificate, [u8; 64])> {
    let text = std::str::from_utf8(text).ok().filter(|text| text.len() <= MAX_ARMORED)?;
    let body = text.strip_prefix(BEGIN)?.trim_end().strip_suffix(END)?;
    let body: String = body.split_ascii_whitespace().collect();
    let blob = BASE64_STANDARD.decode(body).ok()?;
    let mut reader = Reader(&blob);
    if reader.take(MAGIC.len())? != MAGIC || reader.u32()? != 1 {
        return None;
    }
    let certificate = Certificate::parse(reader.string()?)?;
    reader.expect(namespace.as_bytes())?;
    reader.expect(b"")?;
    reader.expect(HASH.as_bytes())?;
    let signature = signature_of(reader.string()?)?;
    // Written as we write it: two files never mean one signature.
    let same = armored(&certificate.encoded, namespace, &signature) == text;
    same.then_some((certificate, signature))
}

pub(super) fn signature_blob(signature: &[u8; 64]) -> Vec<u8> {
    let mut blob = Vec::new();
    put(&mut blob, ED25519.as_bytes());
    put(&mut blob, signature);
    blob
}

pub(super) fn signature_of(blob: &[u8]) -> Option<[u8; 64]> {
    let mut reader = Reader(blob);
    reader.expect(ED25519.as_bytes())?;
    let signature = reader.string()?.try_into().ok()?;
    reader.0.is_empty().then_some(signature)
}
