//! Damaged and hostile run directories: all that can be read is shown, and the rest is named.

use std::fs;

use super::{
    bench::{Bench, FINE, about},
    open, stories, view_of,
};
use crate::derive::{Progress, ensure_derived};

#[test]
fn derived_files_that_were_changed_are_derived_again() {
    for file in ["events.jsonl.zst", "index.sqlite", "meta.json"] {
        for bytes in [&b""[..], b"garbage\n\xff\x00{}"] {
            let bench = Bench::new();
            let run = stories::shop(&bench);
            fs::write(run.path().join(file), bytes).expect("it writes");
            let opened = open(run);
            // Of the segments of this bench only the beginning and the end are left.
            assert!(view_of(&opened, None).contains("exit 0"), "{file}");
            let again = open(storage::RunDir::open(opened.run.path()).expect("it is a run"));
            assert_eq!(
                again.meta.events, opened.meta.events,
                "{file}: a second look finds it fresh"
            );
        }
    }
}

#[test]
fn derived_files_that_are_gone_are_derived_again() {
    for file in ["events.jsonl.zst", "index.sqlite", "meta.json"] {
        let bench = Bench::new();
        let run = stories::shop(&bench);
        fs::remove_file(run.path().join(file)).expect("it is there");
        let opened = open(run);
        assert!(opened.run.path().join(file).exists(), "{file}");
    }
}

#[test]
fn a_segment_cut_anywhere_opens_and_names_the_damage() {
    let bench = Bench::new();
    let run = bench.record(stories::CI, &about(&[b"make"], b"/", None), 1, Some(FINE));
    let segment = run.path().join("segments/000001.seg");
    let whole = fs::read(&segment).expect("it reads");
    for cut in (0..whole.len()).step_by(7) {
        fs::write(&segment, &whole[..cut]).expect("it writes");
        let opened = open(storage::RunDir::open(run.path()).expect("it is a run"));
        assert_eq!(opened.meta.verdict, "truncated", "cut at {cut}");
        let page = view_of(&opened, None);
        assert!(page.contains("truncated"), "cut at {cut}: {page}");
    }
}

#[test]
fn a_flipped_byte_is_named_and_the_record_is_not_complete() {
    let bench = Bench::new();
    let run = bench.record(stories::CI, &about(&[b"make"], b"/", None), 1, Some(FINE));
    let segment = run.path().join("segments/000001.seg");
    let whole = fs::read(&segment).expect("it reads");
    for at in (8..whole.len()).step_by(11) {
        let mut bytes = whole.clone();
        bytes[at] ^= 0x40;
        fs::write(&segment, &bytes).expect("it writes");
        let opened = open(storage::RunDir::open(run.path()).expect("it is a run"));
        let verdict = opened.meta.verdict.as_str();
        assert!(["truncated", "partial"].contains(&verdict), "flipped at {at}: {verdict}");
        assert!(!opened.meta.reasons.is_empty(), "flipped at {at}");
        view_of(&opened, None);
    }
}

#[test]
fn a_directory_full_of_nonsense_is_an_error_or_a_page() {
    for name in ["segments/000001.seg", "segments/000002.seg", "meta.json", "events.jsonl.zst", "x"]
    {
        let bench = Bench::new();
        let path = bench.path(stories::CI);
        // A directory in place of a file.
        fs::create_dir_all(path.join("segments")).expect("a directory");
        fs::create_dir_all(path.join(name)).expect("a directory");
        let run = storage::RunDir::open(&path).expect("its name is one of a run");
        if let Ok(opened) = ensure_derived(run) {
            view_of(&opened, None);
        }
    }
}

#[test]
fn a_deriver_takes_step_after_step_to_the_seal() {
    let bench = Bench::new();
    let run = bench.record(stories::CI, &about(&[b"make"], b"/", None), 1, Some(FINE));
    let mut deriver =
        crate::derive::Deriver::live(&run, Default::default(), None).expect("it begins");
    let mut steps = 0;
    while deriver.step().expect("it reads") == Progress::New {
        steps += 1;
        assert!(steps < 100, "it ends");
    }
    assert_eq!(deriver.step().expect("it reads"), Progress::Ended);
    let meta = deriver.finish().expect("it writes");
    assert_eq!(meta.exit.and_then(|exit| exit.code), Some(0));
    let fresh = run.freshness(crate::pipeline::DERIVATION).expect("it reads");
    assert!(matches!(fresh, storage::Freshness::Fresh(_)), "{fresh:?}");
}
