//! What the writer signs: each checkpoint, and the seal with the sums of all segments.

use event::{
    frame::{
        control::{self, Seal, Start},
        signed,
    },
    sign::{SEAL_NAME, SEAL_SIG_NAME, SegmentSum},
};
use zerocopy::IntoBytes;

use super::{Writer, full::Health, signer::Signer};
use crate::keys::RunKeys;

impl Writer {
    /// From now on checkpoints are signed, and the seal at the end; `start` and `host` are for its text.
    pub(crate) fn sign_with(&mut self, keys: RunKeys, start: Start, host: &[u8], now_ns: u64) {
        let signer = Signer::new(keys, start, host);
        self.control(signed::KIND_KEYS, now_ns, &[signer.certificate()]);
        self.signer = Some(signer);
    }

    /// Signs everything so far. Twenty microseconds and as much again for the next key, so this is for
    /// the end of a window, not for a record.
    pub(crate) fn sign(&mut self, now_ns: u64) {
        // What is refused takes what was signed with it: first the ground, then the signature.
        self.write_out(now_ns);
        let (run, frame, chain) = (self.run, self.seq + 1, self.chain.peek());
        let Some(signature) = self.signer.as_mut().and_then(|it| it.sign(run, frame, chain)) else {
            return;
        };
        if self.control(signed::KIND_SIGNATURE, now_ns, &[signature.as_bytes()]) == 0 {
            self.signing(Signer::refused);
        }
    }

    /// Appends the seal, after which nothing comes, as a block of its own.
    pub(crate) fn seal(&mut self, seal: Seal) {
        self.write_out(seal.boot_ns);
        self.control(control::KIND_SEAL, seal.boot_ns, &[seal.as_bytes()]);
        self.seal = Some(seal);
    }

    pub(super) fn signing(&mut self, tell: impl FnOnce(&mut Signer)) {
        if let Some(signer) = &mut self.signer {
            tell(signer);
        }
    }

    /// The open segment will not grow. One that took nothing is replaced by the next.
    pub(super) fn end_sum(&mut self) {
        let (number, len) = (self.disk.number(), self.disk.written());
        let sha256 = self.sum.finish();
        if len > 0 && self.sums.last().is_none_or(|last| last.number < number) {
            self.sums.push(SegmentSum { number, len, sha256 });
        }
    }

    /// Writes the seal's text and the signature over it, if the seal itself was written.
    pub(super) fn write_seal(&mut self) {
        self.end_sum();
        let (Some(signer), Some(seal)) = (&self.signer, &self.seal) else { return };
        if seal.frames != self.safe.0 || self.health == Health::Dead {
            return;
        }
        let run = self.run.split(|byte| *byte == 0).next().unwrap_or_default();
        let (text, signature) = signer.seal(run, seal, &self.sums);
        // A seal without its signature is one that was not finished: verification says so.
        if self.disk.put(SEAL_NAME, &text).is_ok() {
            let _ = self.disk.put(SEAL_SIG_NAME, signature.as_bytes());
        }
    }
}
