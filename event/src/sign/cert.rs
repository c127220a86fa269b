//! What the host's key signs for a run: an OpenSSH certificate of the run's keys and of the host's next.
//!
//! One key of the host signs just one of these and is erased. To OpenSSH it is a user certificate of
//! the seal key (PROTOCOL.certkeys of OpenSSH 9.2); the two other keys are extensions, which it passes
//! over.

use base64::{Engine, prelude::BASE64_STANDARD};

use super::{
    Public, Secret,
    sshsig::{signature_blob, signature_of},
    wire::{Reader, put},
};

/// For whom the certificates are: what `ssh-keygen -Y verify -I` is given.
pub const PRINCIPAL: &str = "audit-run";

const NAME: &str = "ssh-ed25519-cert-v01@openssh.com";
const USER: u32 = 1;
const FOREVER: u64 = u64::MAX;
const EXT_CHECKPOINT: &str = "checkpoint@audit-run";
const EXT_HOST: &str = "next-host@audit-run";

/// Bytes of a certificate's line in the log of epochs, newline included: all are of one length.
pub const LINE_LEN: usize = NAME.len() + 1 + ENCODED_LEN.div_ceil(3) * 4 + 1;

/// Bytes of a certificate.
const ENCODED_LEN: usize = 432;

/// The keys of one run, certified by the host's key of that epoch.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Certificate {
    /// How many runs the host's keys certified before.
    pub epoch: u64,
    /// When it was made, seconds since 1970; never before the epoch before.
    pub made_s: u64,
    /// Signs the seal.
    pub seal: Public,
    /// Signs the first checkpoint, which names the key of the second.
    pub checkpoint: Public,
    /// The host's key of the next epoch.
    pub next_host: Public,
    /// The host's key of this epoch.
    pub host: Public,
    /// All of it as OpenSSH encodes it, signature included.
    pub encoded: Vec<u8>,
}

impl Certificate {
    /// Makes and signs a certificate by the host's secret of `epoch`.
    #[must_use]
    pub fn make(
        host: &Secret,
        (epoch, made_s): (u64, u64),
        [seal, checkpoint, next_host]: [Public; 3],
    ) -> Certificate {
        let encoded = Vec::new();
        let host_key = host.public();
        let mut certificate =
            Certificate { epoch, made_s, seal, checkpoint, next_host, host: host_key, encoded };
        let mut encoded = certificate.unsigned();
        let signature = host.sign_raw(&encoded);
        put(&mut encoded, &signature_blob(&signature));
        certificate.encoded = encoded;
        certificate
    }

    /// Reads a certificate. `None` unless every byte is as we write it and the signature holds.
    #[must_use]
    pub fn parse(encoded: &[u8]) -> Option<Certificate> {
        let mut reader = Reader(encoded);
        reader.expect(NAME.as_bytes())?;
        reader.expect(b"")?;
        let seal = Public(reader.string()?.try_into().ok()?);
        let epoch = reader.u64()?;
        let _user = reader.u32()?;
        let _id = reader.string()?;
        let _principals = reader.string()?;
        let made_s = reader.u64()?;
        let _forever = reader.u64()?;
        reader.expect(b"")?;
        let (checkpoint, next_host) = extensions(reader.string()?)?;
        reader.expect(b"")?;
        let host = Public::from_blob(reader.string()?)?;
        let signature = signature_of(reader.string()?)?;
        let encoded = reader.0.is_empty().then(|| encoded.to_vec())?;
        let certificate = Certificate { epoch, made_s, seal, checkpoint, next_host, host, encoded };
        // What was passed over above is compared here.
        let unsigned = certificate.unsigned();
        let mut again = unsigned.clone();
        put(&mut again, &signature_blob(&signature));
        let good = again == certificate.encoded && host.verifies_raw(&unsigned, &signature);
        good.then_some(certificate)
    }

    /// Its line in the log of epochs, as a certificate file has it, with its newline.
    #[must_use]
    pub fn line(&self) -> String {
        format!("{NAME} {}\n", BASE64_STANDARD.encode(&self.encoded))
    }

    /// Reads what [`Certificate::line`] writes.
    #[must_use]
    pub fn from_line(line: &[u8]) -> Option<Certificate> {
        let line = std::str::from_utf8(line).ok()?;
        let text = line.strip_suffix('\n')?.strip_prefix(NAME)?.strip_prefix(' ')?;
        Certificate::parse(&BASE64_STANDARD.decode(text).ok()?)
    }

    fn unsigned(&self) -> Vec<u8> {
        let mut out = Vec::with_capacity(ENCODED_LEN);
        put(&mut out, NAME.as_bytes());
        // The nonce guards an authority that signs what others ask for; this one signs random keys.
        put(&mut out, b"");
        put(&mut out, &self.seal.0);
        out.extend(self.epoch.to_be_bytes());
        out.extend(USER.to_be_bytes());
        put(&mut out, format!("audit-run epoch {:010}", self.epoch).as_bytes());
        let mut principals = Vec::new();
        put(&mut principals, PRINCIPAL.as_bytes());
        put(&mut out, &principals);
        out.extend(self.made_s.to_be_bytes());
        out.extend(FOREVER.to_be_bytes());
        put(&mut out, b"");
        let mut extensions = Vec::new();
        extension(&mut extensions, EXT_CHECKPOINT, &self.checkpoint);
        extension(&mut extensions, EXT_HOST, &self.next_host);
        put(&mut out, &extensions);
        put(&mut out, b"");
        put(&mut out, &self.host.blob());
        out
    }
}

/// The value of an extension is a string in a string.
fn extension(out: &mut Vec<u8>, name: &str, key: &Public) {
    put(out, name.as_bytes());
    let mut value = Vec::new();
    put(&mut value, &key.0);
    put(out, &value);
}

fn extensions(bytes: &[u8]) -> Option<(Public, Public)> {
    let mut reader = Reader(bytes);
    let mut key = |name: &str| {
        reader.expect(name.as_bytes())?;
        let mut value = Reader(reader.string()?);
        Some(Public(value.string()?.try_into().ok()?))
    };
    Some((key(EXT_CHECKPOINT)?, key(EXT_HOST)?))
}
