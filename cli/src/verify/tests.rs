//! Claims about the pages of `audit verify`.

use event::{
    frame::control::{Seal, Start},
    sign::{Certificate, Secret},
};
use storage::{Begun, Consumed, Known, SegmentFile, Signed};
use zerocopy::FromZeros;

use super::*;

/// A run of which everything is as it was recorded.
fn verified() -> Report {
    let key = |byte| Secret::from_seed(&[byte; 32]);
    let keys = [key(2).public(), key(3).public(), key(4).public()];
    let certificate = Certificate::make(&key(1), (17, 1_795_292_130), keys);
    let mut consumed = Consumed { frames: 41_207, sealed: true, ..Consumed::default() };
    consumed.segments = vec![SegmentFile::default(); 2];
    let signed = Signed { certificate, checkpoints: 83, frame: 41_206, boot_ns: 0 };
    consumed.said.signed = Some(signed);
    let start = Start { trust: 2, ..Start::new_zeroed() };
    consumed.said.begun = Some(Begun { start, host: b"build-3\x1b[31m".to_vec() });
    let seal = Seal { real_ns: 1_795_292_382_000_000_000, ..Seal::new_zeroed() };
    consumed.said.seal = Some(seal);
    let verification = Verification {
        consumed,
        live: false,
        known: Some(Known::Host("/var/lib/audit-run/keys".into())),
        is_strangers: false,
        seal_sha256: Some([0xab; 32]),
        seal_holds: true,
        findings: Vec::new(),
    };
    let name = "20261121-201530-claude-7k2m".to_owned();
    Report { name, verification: Some(verification), findings: Vec::new(), derived: true }
}

/// The same run, of which something is wrong.
fn wrong(findings: Vec<Finding>) -> Report {
    let mut report = verified();
    report.findings = findings;
    report.derived = false;
    let verification = report.verification.as_mut().expect("it was opened");
    (verification.known, verification.seal_holds) = (None, false);
    report
}

fn damaged() -> Report {
    let at = |weight, what: &str, file: &str, at| Finding::new(weight, what).of(file).at(at);
    wrong(vec![
        at(Weight::Altered, "the frame's checksum does not match", "segments/000001.seg", 1_234),
        Finding::new(Weight::Note, "what is derived is not compared: \u{202e}\x1b]0;x\x07"),
    ])
}

fn unreadable() -> Report {
    let finding = Finding::new(Weight::Unreadable, "cannot find run zzzz: no run is recorded yet");
    Report { name: "zzzz".to_owned(), verification: None, findings: vec![finding], derived: false }
}

fn page(report: &Report) -> String {
    let mut out = Vec::new();
    page::text(report, &mut out).expect("memory takes it");
    anstream::adapter::strip_str(&String::from_utf8(out).expect("pages are text")).to_string()
}

#[test]
fn pages_say_what_was_found_and_what_the_record_is() {
    insta::assert_snapshot!("verified", page(&verified()));
    insta::assert_snapshot!("damaged", page(&damaged()));
    let no_end =
        Finding::new(Weight::Unclean, "it has no seal: the recorder died, or the end was cut off");
    insta::assert_snapshot!("no_end", page(&wrong(vec![no_end])));
    insta::assert_snapshot!("unreadable", page(&unreadable()));
    let many = wrong(vec![Finding::new(Weight::Altered, "again"); SHOWN_AND_MORE]);
    assert!(page(&many).contains("and 5 more"), "{}", page(&many));
}

const SHOWN_AND_MORE: usize = 25;

#[test]
fn json_has_every_run_and_the_worst_status() {
    let object = page::object(&[verified(), damaged(), unreadable()]);
    insta::assert_snapshot!("json", serde_json::to_string_pretty(&object).expect("it is JSON"));
}

#[test]
fn the_worst_of_several_runs_counts() {
    let statuses = [Weight::Note, Weight::Unclean, Weight::Unreadable, Weight::Altered];
    assert!(statuses.is_sorted(), "a sealed run that was altered is worse than all");
    assert_eq!(statuses.map(status), [0, 2, 3, 1]);
}
