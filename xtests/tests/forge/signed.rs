//! The signatures of a record, all by one person: what each of them is of stands in docs/storage.md.

use event::{
    digest::hex,
    frame::{
        control::KIND_SEAL,
        signed::{KIND_KEYS, KIND_SIGNATURE},
    },
    sign::{Certificate, NAMESPACE_CHECKPOINT, NAMESPACE_SEAL, Secret, armored, sha256},
};

use super::{Piece, joined, pieces};

/// A segment whose keys are the forger's.
#[derive(Debug)]
pub(crate) struct Signed {
    pub(crate) certificate: Certificate,
    pub(crate) segment: Vec<u8>,
}

/// The forger's keys: the seal's, then each checkpoint's.
fn own(number: u8) -> Secret {
    Secret::from_seed(&[number; 32])
}

/// Puts a segment together with keys of its own, which `host` certifies as those of `epoch` (its
/// number, its second since 1970); every signature is as it should be.
pub(crate) fn signed(run: &str, mut all: Vec<Piece>, host: &Secret, epoch: (u64, u64)) -> Signed {
    let keys = [own(1).public(), own(2).public(), own(0).public()];
    let certificate = Certificate::make(host, epoch, keys);
    for piece in all.iter_mut().filter(|piece| piece.kind == KIND_KEYS) {
        piece.payload.clone_from(&certificate.encoded);
    }
    let mut number = 0_u8;
    let mut name = [0; 64];
    name[..run.len()].copy_from_slice(run.as_bytes());
    let segment = joined(run, &all, |piece, chain, frame| {
        if piece.kind == KIND_SIGNATURE {
            number += 1;
            let next = own(2 + number).public().0;
            let count = u64::from(number).to_le_bytes();
            let message = [&name[..], &count, &frame.to_le_bytes(), &chain, &next].concat();
            let signature = own(1 + number).sign(NAMESPACE_CHECKPOINT, &message);
            piece.payload = [&count[..], &chain, &next, &signature].concat();
        }
    });
    Signed { certificate, segment }
}

impl Signed {
    /// The seal, which is `old` with these fields as JSON, and its signature.
    pub(crate) fn sealed(&self, old: &str, changed: &[(&str, String)]) -> [String; 2] {
        let all = pieces(&self.segment);
        let last = all.last().filter(|piece| piece.kind == KIND_SEAL).expect("a seal");
        let chain: [u8; 32] = last.payload[..32].try_into().expect("a link");
        let own_fields = [
            ("chain", format!("\"{}\"", hex(&chain))),
            ("epoch", self.certificate.epoch.to_string()),
            ("key", format!("\"{}\"", self.certificate.host)),
            ("len", self.segment.len().to_string()),
            ("sha256", format!("\"{}\"", hex(&sha256(&self.segment)))),
        ];
        let mut text = old.to_owned();
        for (name, value) in own_fields.iter().chain(changed) {
            let was = format!("\"{name}\":{}", field(name, old));
            text = text.replace(&was, &format!("\"{name}\":{value}"));
        }
        let signature = own(1).sign(NAMESPACE_SEAL, text.as_bytes());
        let signature = armored(&self.certificate.encoded, NAMESPACE_SEAL, &signature);
        [text, signature]
    }
}

/// A value as the text of a seal has it.
fn field<'t>(name: &str, seal: &'t str) -> &'t str {
    let (_, rest) = seal.split_once(&format!("\"{name}\":")).expect("it is there");
    rest.split([',', '}']).next().expect("a value")
}
