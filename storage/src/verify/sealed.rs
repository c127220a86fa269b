//! The seal's text and its signature, held against what was read.

use std::{io, os::fd::AsFd};

use event::sign::{
    NAMESPACE_SEAL, SEAL_NAME, SEAL_SIG_NAME, SealText, SegmentSum, Sum, opened, seal_text, sha256,
};

use super::{Finding, Weight};
use crate::{
    Consumed, RunDir, files,
    run::{MAX_SEAL, SEGMENTS},
};

/// Longest signature that is read.
const MAX_SIGNATURE: u64 = 8 * 1024;

/// What there is to say of the seal.
#[derive(Debug, Default)]
pub(super) struct Sealed {
    pub(super) sha256: Option<[u8; 32]>,
    pub(super) holds: bool,
    pub(super) findings: Vec<Finding>,
}

impl Sealed {
    fn add(&mut self, weight: Weight, name: &str, what: impl Into<String>) {
        self.findings.push(Finding::new(weight, what).of(format!("{SEGMENTS}/{name}")));
    }
}

pub(super) fn check(run: &RunDir, consumed: &Consumed) -> Sealed {
    let mut sealed = Sealed::default();
    let text = read(run, SEAL_NAME, MAX_SEAL, &mut sealed);
    let signature = read(run, SEAL_SIG_NAME, MAX_SIGNATURE, &mut sealed);
    sealed.sha256 = text.as_deref().map(sha256);
    let has_seal = consumed.said.seal.is_some();
    match (text, signature) {
        (Some(text), Some(signature)) => compare(run, consumed, (&text, &signature), &mut sealed),
        // Unsigned records have neither; that they are unsigned is said.
        (None, None) if has_seal && consumed.said.signed.is_some() => {
            let what = "it is missing: the end of the record is not signed";
            sealed.add(Weight::Unclean, SEAL_SIG_NAME, what);
        }
        (None, None) => {}
        // A recorder that dies between the two leaves the first.
        (Some(_), None) => {
            let what = "it is missing: the end of the record is not signed";
            sealed.add(Weight::Unclean, SEAL_SIG_NAME, what);
        }
        (None, Some(_)) => {
            sealed.add(Weight::Altered, SEAL_NAME, "it is missing, its signature is there");
        }
    }
    sealed
}

fn read(run: &RunDir, name: &str, limit: u64, sealed: &mut Sealed) -> Option<Vec<u8>> {
    match files::read_small(run.segments(), name, limit) {
        Ok(bytes) => Some(bytes),
        Err(why) if why.kind() == io::ErrorKind::NotFound => None,
        Err(why) => {
            sealed.add(Weight::Unreadable, name, format!("cannot read it: {why}"));
            None
        }
    }
}

fn compare(
    run: &RunDir,
    consumed: &Consumed,
    (text, signature): (&[u8], &[u8]),
    sealed: &mut Sealed,
) {
    let altered = Weight::Altered;
    let Some((certificate, signature)) = opened(signature, NAMESPACE_SEAL) else {
        return sealed.add(altered, SEAL_SIG_NAME, "it is no signature of a seal");
    };
    if !certificate.seal.verifies(NAMESPACE_SEAL, text, &signature) {
        return sealed.add(
            altered,
            SEAL_NAME,
            "its signature does not match: one of both was changed",
        );
    }
    let said = &consumed.said;
    let (Some(begun), Some(seal)) = (&said.begun, &said.seal) else {
        return sealed.add(altered, SEAL_NAME, "the record was sealed, but its end is missing");
    };
    if said.signed.as_ref().is_none_or(|signed| signed.certificate != certificate) {
        return sealed.add(altered, SEAL_SIG_NAME, "it is signed by other keys than the record's");
    }
    let segments = sums(run, consumed);
    let expected = seal_text(&SealText {
        run: &said.run,
        host: &begun.host,
        start: &begun.start,
        seal,
        epoch: certificate.epoch,
        key: &certificate.host,
        segments: &segments,
    });
    sealed.holds = expected == text;
    if !sealed.holds {
        for segment in &segments {
            let entry = SealText::entry(segment);
            if !text.windows(entry.len()).any(|part| part == entry.as_bytes()) {
                let name = format!("{:06}.seg", segment.number);
                sealed.add(altered, &name, "it is not the file that was sealed");
            }
        }
        sealed.add(altered, SEAL_NAME, "the record is not the one that was sealed");
    }
}

/// Hashes every segment. One that cannot be read is left out, which no seal says.
fn sums(run: &RunDir, consumed: &Consumed) -> Vec<SegmentSum> {
    let files = (1..).zip(&consumed.segments);
    files.filter_map(|(number, segment)| sum(run.segments(), number, &segment.file).ok()).collect()
}

fn sum(dir: impl AsFd, number: u32, name: &str) -> io::Result<SegmentSum> {
    let mut file = files::open(dir, name)?;
    let mut sum = Sum::default();
    let mut room = vec![0; 256 * 1024];
    let mut len = 0;
    loop {
        match io::Read::read(&mut file, &mut room) {
            Ok(0) => return Ok(SegmentSum { number, len, sha256: sum.finish() }),
            Ok(got) => {
                let bytes = room.get(..got).unwrap_or_default();
                if bytes.first() == Some(&0) && files::hole_at(&file, len)?.is_some() {
                    // No recorder leaves holes; hashing them could take for ever.
                    return Err(io::ErrorKind::InvalidData.into());
                }
                io::Seek::seek(&mut file, io::SeekFrom::Start(len + got as u64))?;
                sum.update(bytes);
                len += got as u64;
            }
            Err(why) if why.kind() == io::ErrorKind::Interrupted => {}
            Err(why) => return Err(why),
        }
    }
}
