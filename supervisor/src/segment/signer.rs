//! The run's signatures: of each checkpoint on the way, of the seal at the end.

use event::{
    frame::{
        control::{Seal, Start},
        signed::{Message, Signature},
    },
    sign::{
        Certificate, NAMESPACE_CHECKPOINT, NAMESPACE_SEAL, Public, SealText, Secret, SegmentSum,
        armored, seal_text,
    },
};
use rustix::rand::{GetRandomFlags, getrandom};
use zerocopy::IntoBytes;
use zeroize::Zeroizing;

use crate::keys::RunKeys;

/// Signs checkpoints, each with a key of its own that the one before named.
#[derive(Debug)]
pub(super) struct Signer {
    certificate: Certificate,
    seal: Secret,
    current: Secret,
    /// Takes over once the frame that names it is written; until then the old one may have to sign again.
    next: Option<Secret>,
    number: u64,
    start: Start,
    host: Box<[u8]>,
}

impl Signer {
    pub(super) fn new(keys: RunKeys, start: Start, host: &[u8]) -> Signer {
        let RunKeys { certificate, seal, checkpoint } = keys;
        let host = host.into();
        Signer { certificate, seal, current: checkpoint, next: None, number: 0, start, host }
    }

    /// The run's keys as a frame has them.
    pub(super) fn certificate(&self) -> &[u8] {
        &self.certificate.encoded
    }

    /// Signs everything before frame `frame`. `None` when the kernel has no randomness to give.
    pub(super) fn sign(&mut self, run: [u8; 64], frame: u64, chain: [u8; 32]) -> Option<Signature> {
        let mut seed = Zeroizing::new([0; 32]);
        getrandom(&mut *seed, GetRandomFlags::empty()).ok()?;
        let secret = Secret::from_seed(&seed);
        let (number, Public(next)) = (self.number + 1, secret.public());
        self.next = Some(secret);
        let message = Message { run, number, frame, chain, next };
        let signature = self.current.sign(NAMESPACE_CHECKPOINT, message.as_bytes());
        Some(Signature { number, chain, next, signature })
    }

    /// What was signed is written: its key is erased.
    pub(super) fn written(&mut self) {
        if let Some(next) = self.next.take() {
            self.current = next;
            self.number += 1;
        }
    }

    /// What was signed is lost.
    pub(super) fn refused(&mut self) {
        self.next = None;
    }

    /// The seal's text and the signature over it.
    pub(super) fn seal(
        &self,
        run: &[u8],
        seal: &Seal,
        segments: &[SegmentSum],
    ) -> (Vec<u8>, String) {
        let text = seal_text(&SealText {
            run,
            host: &self.host,
            start: &self.start,
            seal,
            epoch: self.certificate.epoch,
            key: &self.certificate.host,
            segments,
        });
        let signature = self.seal.sign(NAMESPACE_SEAL, &text);
        let signature = armored(self.certificate(), NAMESPACE_SEAL, &signature);
        (text, signature)
    }
}
