//! Claims about verification: what nobody touched is verified, and whoever touches it is named.

use std::{fs, os::unix::fs::PermissionsExt};

use event::{
    frame::signed::{KIND_KEYS, KIND_SIGNATURE, Message},
    sign::{
        NAMESPACE_CHECKPOINT, NAMESPACE_SEAL, SealText, Secret, SegmentSum, armored, seal_text,
        sha256,
    },
};
use proptest::prelude::*;
use zerocopy::IntoBytes;

use super::*;
use crate::testing::{Bench, Recording};

pub(crate) fn secret(byte: u8) -> Secret {
    Secret::from_seed(&[byte; 32])
}

/// The certificate of `epoch`, whose host key is `20 + epoch`.
fn certificate(epoch: u8) -> Certificate {
    let keys = [secret(1).public(), secret(2).public(), secret(21 + epoch).public()];
    Certificate::make(&secret(20 + epoch), (epoch.into(), 1_795_292_130), keys)
}

/// A signed record of two segments, as docs/storage.md has it, and the host's log.
fn signed_by(certificate: &Certificate) -> Bench {
    let bench = Bench::new();
    let mut recording = Recording::start(&bench.run);
    recording.frame(KIND_KEYS, &certificate.encoded);
    for number in 1..=3_u8 {
        recording.frame(74, &[number; 13]);
        if number == 2 {
            recording.rotate();
        }
        recording.checkpoint();
        let next = secret(2 + number).public().0;
        let mut run = [0; 64];
        let id = bench.run.id().as_str();
        run[..id.len()].copy_from_slice(id.as_bytes());
        let (frame, chain) = (recording.seq + 1, recording.chain.peek());
        let message = Message { run, number: number.into(), frame, chain, next };
        let signature = secret(1 + number).sign(NAMESPACE_CHECKPOINT, message.as_bytes());
        let parts = [&u64::from(number).to_le_bytes()[..], &chain, &next, &signature];
        recording.frame(KIND_SIGNATURE, &parts.concat());
    }
    recording.seal();
    seal(&bench, certificate);
    fs::create_dir(bench.home.path().join("keys")).expect("room");
    let log: String = (0..2).map(|epoch| self::certificate(epoch).line()).collect();
    fs::write(bench.home.path().join("keys/epochs"), log).expect("room");
    bench
}

/// Writes the seal's text and signature of what the segments hold now.
fn seal(bench: &Bench, certificate: &Certificate) {
    let said = bench.consumed().said;
    let (begun, seal) = (said.begun.expect("a start"), said.seal.expect("a seal"));
    let sum = |number: u32| {
        let bytes = bench.read(&format!("segments/{number:06}.seg"));
        SegmentSum { number, len: bytes.len() as u64, sha256: sha256(&bytes) }
    };
    let text = seal_text(&SealText {
        run: &said.run,
        host: &begun.host,
        start: &begun.start,
        seal: &seal,
        epoch: certificate.epoch,
        key: &certificate.host,
        segments: &[sum(1), sum(2)],
    });
    let signature = secret(1).sign(NAMESPACE_SEAL, &text);
    bench.write("segments/seal", &text);
    let signature = armored(&certificate.encoded, NAMESPACE_SEAL, &signature);
    bench.write("segments/seal.sig", signature.as_bytes());
}

pub(crate) fn bench() -> Bench {
    signed_by(&certificate(1))
}

pub(crate) fn here(bench: &Bench) -> Trusted {
    let place = bench.home.path().join("keys");
    let log = HostLog::open(&place).expect("it opens").expect("it is there");
    Trusted { hosts: vec![log], ..Trusted::default() }
}

fn verified(bench: &Bench) -> Verification {
    verify(&bench.run, &here(bench)).expect("it is looked at")
}

fn words(verification: &Verification) -> Vec<String> {
    verification.findings.iter().map(ToString::to_string).collect()
}

#[test]
fn what_nobody_touched_is_verified() {
    let bench = bench();
    let verification = verified(&bench);
    assert_eq!(words(&verification), [""; 0]);
    assert!(verification.seal_holds && !verification.live);
    assert_eq!(verification.known, Some(Known::Host(bench.home.path().join("keys"))));
    let signed = verification.consumed.said.signed.expect("it is signed");
    assert_eq!((signed.checkpoints, signed.frame), (3, verification.consumed.frames - 1));
}

const FILES: [&str; 4] =
    ["segments/000001.seg", "segments/000002.seg", "segments/seal", "segments/seal.sig"];

proptest! {
    #![proptest_config(ProptestConfig::with_cases(150))]

    #[test]
    fn a_changed_bit_is_altered_and_named(
        which in 0..FILES.len(), at in any::<prop::sample::Index>(), bit in 0u8..8,
    ) {
        let bench = bench();
        let mut bytes = bench.read(FILES[which]);
        let at = at.index(bytes.len());
        bytes[at] ^= 1 << bit;
        bench.write(FILES[which], &bytes);
        let verification = verified(&bench);
        prop_assert_eq!(verification.weight(), Weight::Altered, "{:?}", words(&verification));
    }

    #[test]
    fn a_cut_tail_is_altered_while_its_seal_lies_there_and_has_no_end_without(
        which in 0..2usize, at in any::<prop::sample::Index>(), with_seal: bool,
    ) {
        let bench = bench();
        let bytes = bench.read(FILES[which]);
        bench.write(FILES[which], &bytes[..at.index(bytes.len())]);
        if which == 0 {
            fs::remove_file(bench.path(FILES[1])).expect("it is there");
        }
        if !with_seal {
            fs::remove_file(bench.path(FILES[2])).expect("it is there");
            fs::remove_file(bench.path(FILES[3])).expect("it is there");
        }
        let weight = verified(&bench).weight();
        if with_seal {
            prop_assert_eq!(weight, Weight::Altered);
        } else {
            // Cut before its keys a record is one that nobody signed.
            prop_assert!(weight == Weight::Unclean || (which == 0 && weight == Weight::Altered));
        }
    }
}

#[test]
fn files_that_are_gone_are_told_by_what_that_proves() {
    let check = |gone: &[&str], weight: Weight, word: &str| {
        let bench = bench();
        for name in gone {
            fs::remove_file(bench.path(name)).expect("it is there");
        }
        let verification = verified(&bench);
        assert_eq!(verification.weight(), weight, "{:?}", words(&verification));
        assert!(words(&verification).iter().any(|it| it == word), "{:?}", words(&verification));
    };
    let unsigned = "segments/seal.sig: it is missing: the end of the record is not signed";
    check(&FILES[2..], Weight::Unclean, unsigned);
    check(&FILES[3..], Weight::Unclean, unsigned);
    check(&FILES[2..3], Weight::Altered, "segments/seal: it is missing, its signature is there");
    let sealed = "segments/seal: the record was sealed, but its end is missing";
    check(&FILES[1..2], Weight::Altered, sealed);
    let first = "segments/000001.seg at byte 0: the file is missing (0 whole frames before it)";
    check(&FILES[..1], Weight::Altered, first);
    check(&FILES, Weight::Unreadable, first);
}

#[test]
fn a_record_that_nobody_signed_is_not_verified() {
    let verification = verify(&Bench::recorded(2).run, &Trusted::default()).expect("it reads");
    let unsigned = "the record is not signed: whoever could write it can have made it";
    assert_eq!(words(&verification), [unsigned]);
    assert_eq!(verification.weight(), Weight::Altered);
}

#[test]
fn the_key_must_be_known_and_used_for_this_run() {
    let bench = bench();
    let unknown = verify(&bench.run, &Trusted::default()).expect("it reads");
    assert!(words(&unknown)[0].contains("which is not known here"), "{:?}", words(&unknown));

    let keyed = |keys: Vec<Public>, hosts: Vec<HostLog>| {
        let trusted = Trusted { keys, hosts, ..Trusted::default() };
        verify(&bench.run, &trusted).expect("it reads").known
    };
    assert_eq!(keyed(vec![secret(21).public()], Vec::new()), Some(Known::Key));
    assert_eq!(keyed(vec![secret(20).public()], Vec::new()), None, "nothing says what came of it");
    assert_eq!(keyed(vec![secret(20).public()], here(&bench).hosts), Some(Known::Key));
    assert_eq!(
        keyed(vec![secret(19).public()], here(&bench).hosts),
        None,
        "named keys count alone"
    );

    // The same key of the host certifies other keys for the run: whoever stole it did.
    let keys = [secret(1).public(), secret(2).public(), secret(22).public()];
    let forged = Certificate::make(&secret(21), (1, 1_795_292_131), keys);
    let verification = verified(&signed_by(&forged));
    assert!(words(&verification)[0].contains("used a second time"), "{:?}", words(&verification));
    // The key of today signs a run of before.
    let later = Certificate::make(&secret(22), (2, 1_795_292_130), keys);
    let verification = verified(&signed_by(&later));
    assert!(words(&verification)[0].contains("has not used it yet"), "{:?}", words(&verification));
    let other_day = Certificate::make(&secret(21), (1, 1_795_999_999), keys);
    let verification = verified(&signed_by(&other_day));
    assert!(words(&verification)[0].contains("of different times"), "{:?}", words(&verification));
}

#[test]
fn a_log_that_others_could_have_written_is_refused() {
    let bench = bench();
    let place = bench.home.path().join("keys");
    fs::set_permissions(&place, fs::Permissions::from_mode(0o777)).expect("it is ours");
    assert!(matches!(HostLog::open(&place), Err(Error::Exposed { .. })));
}

#[test]
fn allowed_signers_are_read_as_ssh_keygen_reads_them() {
    let host = certificate(1);
    let line = Signer::line(&host, Some(1_795_299_999));
    assert!(line.starts_with(
        "audit-run cert-authority,namespaces=\"audit-seal\",valid-after=\"20261121201530Z\",\
         valid-before=\"20261121222639Z\" ssh-ed25519 "
    ));
    let allows = |text: &str| {
        let signers = Signer::parse(text).expect("it parses");
        signers.iter().any(|signer| signer.allows(&host))
    };
    assert!(allows(&format!("# hosts\n\n{line}")));
    assert!(!allows(&line.replace("valid-after=\"20261121201530Z\"", "valid-after=\"20271121Z\"")));
    assert!(!allows(&line.replace("cert-authority,", "")));
    assert!(!allows(&line.replace("audit-seal", "file")));
    assert!(!allows(&line.replace("audit-run ", "someone@example.org ")));
    for wrong in ["verify-required,", "valid-before=\"20261121\","] {
        let text = line.replace("cert-authority,", &format!("cert-authority,{wrong}"));
        assert!(Signer::parse(&text).is_err(), "{text}");
    }
    let bench = bench();
    let signers = Signer::parse(&line).expect("it parses");
    let trusted = Trusted { signers, ..Trusted::default() };
    assert_eq!(verify(&bench.run, &trusted).expect("it reads").known, Some(Known::Signer));
}

#[test]
fn a_record_in_another_runs_directory_is_named() {
    let bench = bench();
    let other = bench.run.path().with_file_name("20261121-201530-other-7k2m");
    fs::rename(bench.run.path(), &other).expect("it moves");
    let moved = RunDir::open(&other).expect("it opens");
    let verification = verify(&moved, &here(&bench)).expect("it reads");
    assert_eq!(verification.weight(), Weight::Altered);
    assert!(words(&verification)[0].starts_with("the directory is that of 20261121-201530-other"));
}
