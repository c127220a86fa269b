//! Every way to touch a record that we could think of, on a real one.

use std::{
    fs,
    path::{Path, PathBuf},
};

use event::{
    frame::{
        control::{KIND_SEAL, KIND_START},
        signed::{KIND_KEYS, KIND_SIGNATURE},
    },
    sign::{Certificate, Secret},
};
use storage::{Verification, Weight};
use xtests::Lab;

use crate::{
    assert_verify,
    forge::{Piece, blocks, joined, pieces, signed},
    record, verified,
};

const SEGMENT: &str = "segments/000001.seg";
const FILES: [&str; 3] = [SEGMENT, "segments/seal", "segments/seal.sig"];

/// A real run, its bytes, and a copy to attack.
struct Case {
    lab: Lab,
    dir: PathBuf,
    id: String,
    whole: [Vec<u8>; 3],
}

impl Case {
    fn new() -> Case {
        let lab = Lab::new();
        let dir = record(&lab);
        let id = dir.file_name().and_then(|name| name.to_str()).expect("a name").to_owned();
        let whole = FILES.map(|name| fs::read(dir.join(name)).expect("it reads"));
        Case { lab, dir, id, whole }
    }

    fn write(&self, which: usize, bytes: &[u8]) {
        fs::write(self.dir.join(FILES[which]), bytes).expect("room");
    }

    fn restore(&self) {
        self.whole.iter().enumerate().for_each(|(which, bytes)| self.write(which, bytes));
    }

    fn verified(&self) -> Verification {
        verified(&self.lab, &self.dir)
    }

    /// The record is now `bytes`, its seal is as it was: it is altered, whatever else.
    fn assert_altered(&self, bytes: &[u8], what: &str) {
        self.write(0, bytes);
        let verification = self.verified();
        let findings = &verification.findings;
        assert_eq!(verification.weight(), Weight::Altered, "{what}: {findings:?}");
    }
}

/// Where the block ends that has the run's keys.
fn keys_end(bytes: &[u8]) -> usize {
    let blocks = blocks(bytes);
    let has_keys = |pieces: &[Piece]| pieces.iter().any(|piece| piece.kind == KIND_KEYS);
    blocks.iter().find(|(pieces, _)| has_keys(pieces)).expect("keys").1
}

/// Every byte in the long form; else so many that each frame is hit.
fn step() -> usize {
    if xtests::long() { 1 } else { 23 }
}

#[test]
fn every_flipped_byte_is_altered_and_named_where_it_is() {
    let case = Case::new();
    for (which, whole) in case.whole.iter().enumerate() {
        for at in (0..whole.len()).step_by(step()) {
            let mut bytes = whole.clone();
            bytes[at] ^= 1 << (at % 8);
            case.write(which, &bytes);
            let verification = case.verified();
            let findings = &verification.findings;
            assert_eq!(
                verification.weight(),
                Weight::Altered,
                "{} {at}: {findings:?}",
                FILES[which]
            );
            if which == 0 {
                // The frame in which it lies, or a link over it: never behind it by more than that.
                let offset = findings.iter().filter_map(|finding| finding.offset).min();
                assert!(
                    offset.is_some_and(|offset| offset <= at as u64),
                    "byte {at}: {findings:?}"
                );
            }
        }
        case.restore();
    }
    assert_eq!(case.verified().weight(), Weight::Note, "it is as it was");
}

#[test]
fn every_tail_that_is_cut_is_told() {
    let case = Case::new();
    let whole = &case.whole[0];
    for cut in (0..whole.len()).step_by(step()) {
        case.assert_altered(&whole[..cut], &format!("cut at {cut}, the seal lies there"));
    }
    for name in &FILES[1..] {
        fs::remove_file(case.dir.join(name)).expect("it is there");
    }
    for cut in (keys_end(whole)..whole.len()).step_by(step()) {
        case.write(0, &whole[..cut]);
        let verification = case.verified();
        let findings = &verification.findings;
        assert_eq!(verification.weight(), Weight::Unclean, "cut at {cut}: {findings:?}");
    }
    assert_verify(&case.lab, &[&case.id], 2, "no end");
}

#[test]
fn frames_removed_doubled_or_reordered_are_told_though_every_checksum_is_right() {
    let case = Case::new();
    let all = pieces(&case.whole[0]);
    let keep = |_: &mut Piece, _: [u8; 32], _: u64| {};
    case.write(0, &joined(&case.id, &all, keep));
    let damage = case.verified().consumed.damage;
    assert!(damage.is_empty(), "the forger's tools are sound: {damage:?}");
    let attack = |changed: &[Piece], what: String| {
        if changed != all {
            case.assert_altered(&joined(&case.id, changed, keep), &what);
        }
    };
    for at in 1..all.len() {
        let mut changed = all.clone();
        let kind = changed.remove(at).kind;
        attack(&changed, format!("frame {at} (kind {kind}) removed"));
        let mut changed = all.clone();
        changed.insert(at, all[at].clone());
        attack(&changed, format!("frame {at} (kind {kind}) doubled"));
        let mut changed = all.clone();
        changed.swap(at - 1, at);
        if at > 1 {
            attack(&changed, format!("frames {at} and the one before (kind {kind}) reordered"));
        }
    }
    let unsigned: Vec<Piece> = all
        .iter()
        .filter(|piece| ![KIND_KEYS, KIND_SIGNATURE].contains(&piece.kind))
        .cloned()
        .collect();
    attack(&unsigned, "all signatures removed".to_owned());
    // Without the seal's files too: a record of nobody, or one of which the signatures were taken out.
    for name in &FILES[1..] {
        fs::remove_file(case.dir.join(name)).expect("it is there");
    }
    attack(&unsigned, "everything that is signed removed".to_owned());
    let keyed: Vec<Piece> =
        all.iter().filter(|piece| piece.kind != KIND_SIGNATURE).cloned().collect();
    attack(&keyed, "the signatures on the way removed".to_owned());
}

#[test]
fn a_seal_or_a_segment_of_another_run_is_told() {
    let case = Case::new();
    let other = record(&case.lab);
    for (which, name) in FILES.iter().enumerate() {
        case.write(which, &fs::read(other.join(name)).expect("it reads"));
        assert_eq!(case.verified().weight(), Weight::Altered, "{name} of another run");
        case.restore();
    }
    for which in [1, 2] {
        case.write(which, &fs::read(other.join(FILES[which])).expect("it reads"));
    }
    assert_verify(&case.lab, &[&case.id], 1, "it is signed by other keys than the record's");
    for (which, name) in FILES.iter().enumerate() {
        case.write(which, &fs::read(other.join(name)).expect("it reads"));
    }
    assert_verify(&case.lab, &[&case.id], 1, "the record is of");
    case.restore();
    fs::remove_file(case.dir.join(SEGMENT)).expect("it is there");
    assert_verify(&case.lab, &[&case.id], 1, "the record was sealed, but its end is missing");
}

/// The thief has the store and everything in the directory of keys as it is when the run is over.
#[test]
fn the_host_key_of_today_cannot_sign_a_run_of_before() {
    let case = Case::new();
    let keys = case.lab.home().join("keys");
    let stolen = seeds(&keys);
    assert_eq!(stolen.len(), 1, "only the key of the next run is there");
    let (epoch, seed) = stolen[0];
    let host = Secret::from_seed(&seed);
    let old = pieces(&case.whole[0]);
    let old = old.iter().find(|piece| piece.kind == KIND_KEYS).expect("keys");
    let old = Certificate::parse(&old.payload).expect("a certificate");
    assert_eq!((old.next_host, old.epoch + 1), (host.public(), epoch));

    // At the time of the run, and as the epoch that it is, or as the run's own epoch.
    for (epoch, words) in [(epoch, "has not used it yet"), (old.epoch, "which is not known here")] {
        forge(&case, &host, (epoch, old.made_s));
        assert_verify(&case.lab, &[&case.id], 1, words);
    }
    // The thief can write the log as well, and waits for no next run.
    let forged = forge(&case, &host, (epoch, old.made_s + 86_400));
    let log = keys.join("epochs");
    let whole = fs::read_to_string(&log).expect("it reads");
    fs::write(&log, whole + &forged.line()).expect("room");
    assert_verify(&case.lab, &[&case.id], 1, "are of different times");
}

/// The seeds in the file of secrets, with their epochs.
fn seeds(keys: &Path) -> Vec<(u64, [u8; 32])> {
    let bytes = fs::read(keys.join("host.key")).expect("the thief is root");
    let found = bytes.windows(48).filter(|slot| slot.starts_with(b"AUDKEY01"));
    found
        .map(|slot| {
            let epoch = u64::from_le_bytes(slot[8..16].try_into().expect("eight"));
            (epoch, slot[16..48].try_into().expect("thirty-two"))
        })
        .collect()
}

/// Signs the whole record anew, with another exit status, every signature as it should be.
fn forge(case: &Case, host: &Secret, epoch: (u64, u64)) -> Certificate {
    let mut all = pieces(&case.whole[0]);
    assert!(all.iter().any(|piece| piece.kind == KIND_START));
    for piece in all.iter_mut().filter(|piece| piece.kind == KIND_SEAL) {
        piece.payload[56..60].copy_from_slice(&0x0700_i32.to_le_bytes());
    }
    let forged = signed(&case.id, all, host, epoch);
    let old = String::from_utf8(case.whole[1].clone()).expect("it is text");
    let [seal, signature] = forged.sealed(&old, &[("wait_status", 0x0700.to_string())]);
    for (which, bytes) in
        [&forged.segment[..], seal.as_bytes(), signature.as_bytes()].iter().enumerate()
    {
        case.write(which, bytes);
    }
    let said = case.verified();
    assert!(said.consumed.damage.is_empty() && said.seal_holds, "a good forger: {said:?}");
    forged.certificate
}
