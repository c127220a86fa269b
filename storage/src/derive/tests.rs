//! Claims about derived files: what is written comes back, what is damaged is named and replaced.

use std::{fs, ops::ControlFlow};

use super::*;
use crate::{
    Freshness, Query,
    testing::{Bench, DERIVATION},
};

fn rows() -> [Row<'static>; 3] {
    let file = |seq, path| Row {
        seq,
        ts_ns: 1_795_292_130_000_000_000,
        kind: "file",
        op: Some("write"),
        pid: Some(7),
        exe: Some(b"/bin/\xff\xfesh"),
        path: Some(path),
        count: 2,
        ..Row::default()
    };
    [file(1, b"/tmp/a"), file(2, b"/tmp/\xff\n\x1b[31m"), file(5, b"")]
}

fn derived() -> (Bench, Meta) {
    let bench = Bench::recorded(2);
    let meta = bench.derive(How::Again(&[]), &rows());
    (bench, meta)
}

/// The paths of all events, by whatever way they are found.
fn paths(bench: &Bench, meta: Option<&Meta>) -> Vec<Vec<u8>> {
    let mut paths = Vec::new();
    let found = bench.events(meta).query(&Query::default(), &mut |_| true, &mut |row| {
        paths.push(row.path.unwrap_or_default().to_vec());
        ControlFlow::Continue(())
    });
    let found = found.expect("they read");
    assert_eq!((found.events, found.malformed), (paths.len(), 0));
    paths
}

fn problems(bench: &Bench) -> Vec<Problem> {
    match bench.run.freshness(DERIVATION).expect("it compares") {
        Freshness::Stale(problems) => problems,
        other => panic!("{other:?}"),
    }
}

#[test]
fn what_is_derived_comes_back_to_the_byte() {
    let (bench, meta) = derived();
    let fresh = bench.run.freshness(DERIVATION).expect("it compares");
    assert!(matches!(&fresh, Freshness::Fresh(same) if **same == meta), "{fresh:?}");
    let expected: Vec<Vec<u8>> =
        rows().iter().map(|row| row.path.unwrap_or_default().to_vec()).collect();
    assert_eq!(paths(&bench, Some(&meta)), expected);
    assert_eq!(paths(&bench, None), expected);
    assert_eq!(meta.events.lines, 3);
    assert_eq!(meta.events.blake3, blake3::hash(&bench.read(EVENTS)).to_hex().as_str());
    let index = meta.index.expect("an index");
    assert_eq!(index.blake3, blake3::hash(&bench.read(INDEX)).to_hex().as_str());
    assert!(
        !bench.path("events.jsonl.zst.new").exists() && !bench.path("index.sqlite.new").exists()
    );
}

/// Does `damage` to a derived run; the problem that is found must read `expected`.
fn check(damage: impl Fn(&Bench), expected: &str) {
    let (bench, meta) = derived();
    let segments = bench.consumed().segments;
    damage(&bench);
    let problems = problems(&bench);
    let texts: Vec<String> = problems.iter().map(ToString::to_string).collect();
    assert_eq!(texts, [expected]);
    let again = bench.derive(How::Again(&problems), &rows());
    assert_eq!(again.events.blake3, meta.events.blake3);
    let fresh = bench.run.freshness(DERIVATION).expect("it compares");
    assert!(matches!(fresh, Freshness::Fresh(_)), "{fresh:?}");
    assert_eq!(paths(&bench, Some(&again)).len(), 3);
    if !expected.contains("segments") {
        let hashes =
            |s: &[crate::SegmentFile]| s.iter().map(|s| s.blake3.clone()).collect::<Vec<_>>();
        assert_eq!(hashes(&bench.consumed().segments), hashes(&segments));
    }
}

fn flip(bench: &Bench, name: &str) {
    let mut bytes = bench.read(name);
    let middle = bytes.len() / 2;
    bytes[middle] ^= 1;
    bench.write(name, &bytes);
}

#[test]
fn every_damaged_file_is_named_and_derived_again() {
    for name in [EVENTS, INDEX, "segments/000002.seg"] {
        check(|bench| flip(bench, name), &format!("{name} was changed after it was written"));
        check(
            |bench| fs::remove_file(bench.path(name)).expect("it goes"),
            &format!("{name} is missing"),
        );
    }
    let whole = derived().0.read(INDEX).len();
    let short = format!("index.sqlite has 1 bytes instead of {whole}");
    check(|bench| bench.write(INDEX, b"x"), &short);
    check(|bench| bench.write("segments/000004.seg", b""), "segments/000004.seg came later");
    check(
        |bench| bench.write(META, b"{"),
        "cannot read meta.json: EOF while parsing an object at line 1 column 1",
    );
    check(
        |bench| bench.write(META, &vec![b' '; 2 << 20]),
        "cannot read meta.json: larger than it can be",
    );
    check(
        |bench| {
            let meta = bench.run.meta().expect("it reads").expect("it is there");
            let derived_from = DerivedFrom { derivation: 99, ..meta.derived_from.clone() };
            let text = serde_json::to_vec(&Meta { derived_from, ..meta }).expect("it serializes");
            bench.write(META, &text);
        },
        "meta.json was written by another version",
    );
}

#[test]
fn a_file_that_was_only_touched_is_not_derived_again() {
    let (bench, _) = derived();
    for name in [EVENTS, INDEX, "segments/000001.seg"] {
        let bytes = bench.read(name);
        bench.write(name, &bytes);
    }
    let fresh = bench.run.freshness(DERIVATION).expect("it compares");
    assert!(matches!(fresh, Freshness::Fresh(_)), "{fresh:?}");
}

#[test]
fn without_meta_a_run_was_never_derived() {
    let bench = Bench::recorded(1);
    let missing = bench.run.freshness(DERIVATION).expect("it compares");
    assert!(matches!(missing, Freshness::Missing), "{missing:?}");
}

#[test]
fn a_damaged_file_is_kept_and_a_good_one_is_not() {
    let (bench, _) = derived();
    flip(&bench, EVENTS);
    let damaged = bench.read(EVENTS);
    let lock = DeriveLock::take(&bench.run).expect("it locks").expect("it is free");
    let problems = problems(&bench);
    let writer = Writer::begin(&bench.run, lock, How::Again(&problems)).expect("a writer");
    assert_eq!(writer.kept(), ["kept events.jsonl.zst as events.jsonl.zst.old"]);
    assert_eq!(bench.read("events.jsonl.zst.old"), damaged);
    assert!(!bench.path("index.sqlite.old").exists());
}

#[test]
fn events_that_a_cut_segment_no_longer_has_are_kept() {
    let (bench, _) = derived();
    let events = bench.read(EVENTS);
    bench.write("segments/000003.seg", b"AUDSEG01");
    let problems = problems(&bench);
    bench.derive(How::Again(&problems), &rows()[..1]);
    assert_eq!(bench.read("events.jsonl.zst.old"), events);
    assert!(bench.path("meta.json.old").exists() && bench.path("index.sqlite.old").exists());
}

#[test]
fn what_was_kept_before_is_not_overwritten_and_does_not_fill_the_disk() {
    let (bench, _) = derived();
    let mut kept = Vec::new();
    for damage in 0..9u8 {
        bench.write(EVENTS, &[damage]);
        bench.derive(How::Again(&problems(&bench)), &rows());
        kept.push(bench.read("events.jsonl.zst.old"));
    }
    assert!(kept.iter().all(|kept| kept == &[0]));
    assert_eq!(bench.read("events.jsonl.zst.old2"), [1]);
    assert_eq!(bench.read("events.jsonl.zst.old8"), [7]);
    assert!(!bench.path("events.jsonl.zst.old9").exists());
}

#[test]
fn one_process_derives_at_a_time() {
    let bench = Bench::recorded(1);
    let held = DeriveLock::take(&bench.run).expect("it locks").expect("it is free");
    assert!(DeriveLock::take(&bench.run).expect("it answers").is_none());
    drop(held);
    assert!(DeriveLock::take(&bench.run).expect("it locks").is_some());
}

#[test]
fn a_live_run_is_read_while_it_is_written() {
    let bench = Bench::recorded(1);
    let lock = DeriveLock::take(&bench.run).expect("it locks").expect("it is free");
    let mut writer = Writer::begin(&bench.run, lock, How::Live).expect("a writer");
    let mut push = |seq| {
        let row = Row { seq, path: Some(b"/x"), kind: "file", ..Row::default() };
        let line = crate::testing::line("r", &row);
        writer.push(&Row { line: &line, ..row }).expect("it is taken");
        let before = paths(&bench, None).len();
        writer.flush().expect("it flushes");
        (before, paths(&bench, None).len())
    };
    assert_eq!([push(1), push(2)], [(0, 1), (1, 2)]);
    // Half a line, as a reader may find it, is not an event.
    let mut options = fs::OpenOptions::new();
    let mut file = options.append(true).open(bench.path("events.jsonl")).expect("it opens");
    std::io::Write::write_all(&mut file, b"{\"run\":\"r\",\"seq\":3").expect("it writes");
    assert_eq!(paths(&bench, None).len(), 2);
}

#[test]
fn the_supervisors_lock_makes_a_run_live_until_its_seal() {
    let bench = Bench::new();
    let mut recording = crate::testing::Recording::start(&bench.run);
    let supervisor = bench.run.open_segments().expect("it opens");
    let exclusive = rustix::fs::FlockOperation::NonBlockingLockExclusive;
    rustix::fs::flock(&supervisor, exclusive).expect("it locks");
    let state = || (bench.run.is_live().expect("it answers"), bench.run.listed().state);
    assert_eq!(state(), (true, crate::State::Running));
    let live = bench.run.freshness(DERIVATION).expect("it compares");
    assert!(matches!(live, Freshness::Live), "{live:?}");
    recording.seal();
    assert_eq!(state(), (false, crate::State::Sealed));
    let bench = Bench::new();
    crate::testing::Recording::start(&bench.run);
    assert_eq!(bench.run.listed().state, crate::State::Truncated);
}

#[test]
fn a_run_without_an_index_is_whole() {
    let bench = Bench::recorded(1);
    fs::create_dir(bench.path("index.sqlite.new")).expect("it is made");
    let meta = bench.derive(How::Again(&[]), &rows());
    assert_eq!(meta.index, None);
    assert_eq!(paths(&bench, Some(&meta)).len(), 3);
    let fresh = bench.run.freshness(DERIVATION).expect("it compares");
    assert!(matches!(fresh, Freshness::Fresh(_)), "{fresh:?}");
}

#[test]
fn what_is_no_line_or_out_of_order_is_refused() {
    let bench = Bench::recorded(1);
    let lock = DeriveLock::take(&bench.run).expect("it locks").expect("it is free");
    let mut writer = Writer::begin(&bench.run, lock, How::Again(&[])).expect("a writer");
    let mut push =
        |seq, line| writer.push(&Row { seq, line, ..Row::default() }).map_err(|e| e.to_string());
    assert_eq!(push(2, b"{}\n"), Ok(()));
    assert_eq!(
        push(2, b"{}"),
        Err("cannot write event 2: its number does not follow the one before".into())
    );
    assert_eq!(push(3, b"{\n}"), Err("cannot write event 3: it is not one line".into()));
    assert_eq!(push(3, b"\n"), Err("cannot write event 3: it is not one line".into()));
}

#[test]
fn a_run_is_listed_by_what_its_frames_say() {
    let bench = Bench::recorded(1);
    let listed = bench.run.listed();
    assert_eq!(listed.state, crate::State::Sealed);
    assert_eq!(listed.name.as_deref(), Some("nightly"));
    assert_eq!(listed.about.command, ["sh", "-c", "x"]);
    assert_eq!(listed.exit, Some(crate::Exit { code: Some(3), ..crate::Exit::default() }));
    assert_eq!(listed.started_ns, Some(1_795_292_130_000_000_000));
    assert_eq!(listed.ended_ns, Some(1_795_292_132_000_000_000));
    let store = crate::Store::open(bench.home.path());
    assert_eq!(store.select("@nightly").expect("it is found").id(), bench.run.id());
    assert!(store.select("@other").is_err());
}
