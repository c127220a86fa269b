//! Files are called what they are called: the right directory, the exact bytes.
#![forbid(unsafe_code)]

use std::{
    collections::BTreeSet,
    ffi::OsStr,
    fs,
    os::unix::ffi::OsStrExt,
    path::{Path, PathBuf},
};

use xtests::{Lab, Recorded, odd_names};

const TIMES: usize = 1_000;

#[test]
fn cd_dir_and_cat_file_a_thousand_times_gives_a_thousand_right_paths() {
    let lab = Lab::new();
    let mut expected = BTreeSet::new();
    for number in 0..TIMES {
        let dir = lab.work().join(format!("d{number:06}"));
        fs::create_dir(&dir).and_then(|()| fs::write(dir.join("file"), "x")).expect("room");
        expected.insert(dir.join("file"));
    }
    let run =
        lab.run(["sh", "-c", "for d in d*; do (cd $d && cat file >/dev/null); done"]).succeed();
    run.assert_whole();
    check_reads(&run, &lab.work(), &expected);
    for event in run.of("file", "read").filter(|event| is_below(event, &lab.work())) {
        assert!(event.text("exe").ends_with("/cat"), "read by another: {event:?}");
    }
}

#[test]
fn directories_made_and_removed_within_the_run_have_their_paths() {
    let lab = Lab::new();
    let base = lab.work().join("base");
    fs::create_dir(&base).expect("room");
    let catdir = lab.program("catdir");
    let times = TIMES.to_string();
    let run =
        lab.run([catdir.as_os_str(), times.as_ref(), base.as_ref(), "make".as_ref()]).succeed();
    run.assert_whole();
    let dirs: BTreeSet<PathBuf> = (0..TIMES).map(|n| base.join(format!("d{n:06}"))).collect();
    let files: BTreeSet<PathBuf> = dirs.iter().map(|dir| dir.join("file")).collect();
    check_reads(&run, &base, &files);
    let both: BTreeSet<PathBuf> = dirs.union(&files).cloned().collect();
    for op in ["create", "delete"] {
        let found: Vec<PathBuf> = paths(&run, op, &base);
        assert_eq!(found.len(), both.len(), "{op}");
        let found: BTreeSet<PathBuf> = found.into_iter().collect();
        assert_eq!(found, both, "{op}");
    }
    assert_eq!(fs::read_dir(&base).expect("it is there").count(), 0, "the job removed all");
}

#[test]
fn names_that_are_no_text_come_back_byte_for_byte() {
    let lab = Lab::new();
    let dir = lab.work().join("odd");
    fs::create_dir(&dir).expect("room");
    let run = lab.run([lab.program("names").as_os_str(), dir.as_ref()]).succeed();
    run.assert_whole();
    let names: BTreeSet<PathBuf> =
        odd_names().iter().map(|name| dir.join(OsStr::from_bytes(name))).collect();
    for op in ["create", "write", "read", "rename"] {
        let found: BTreeSet<PathBuf> = paths(&run, op, &dir).into_iter().collect();
        assert_eq!(found, names, "{op}");
    }
    let gone: BTreeSet<PathBuf> = paths(&run, "delete", &dir).into_iter().collect();
    let moved: BTreeSet<PathBuf> = run
        .of("file", "rename")
        .filter_map(|event| event.bytes("path2"))
        .map(|path| PathBuf::from(OsStr::from_bytes(&path)))
        .collect();
    assert_eq!((gone.len(), &gone), (names.len(), &moved), "moved, then removed");
    check_pages(&lab, &run, &names);
}

#[test]
fn arguments_and_directories_that_are_no_text_come_back_byte_for_byte() {
    let lab = Lab::new();
    let dir = lab.work().join(OsStr::from_bytes(b"here \xff\n\x1b[1m"));
    fs::create_dir(&dir).expect("room");
    let arguments: [&[u8]; 4] = [b"\xfe\xff", b"", b"two\nlines\x1b]0;x\x07", b"\xe2\x82"];
    let nothing = lab.nothing();
    let words = std::iter::once(nothing.as_os_str()).chain(arguments.map(OsStr::from_bytes));
    let mut start = lab.run(words);
    start.process.current_dir(&dir);
    let run = start.succeed();
    run.assert_whole();
    let exec = run.execs_of(&nothing).next().expect("it was executed");
    assert_eq!(exec.bytes("cwd").as_deref(), Some(dir.as_os_str().as_bytes()), "{exec:?}");
    assert_eq!(exec.number("argc"), Some(5), "{exec:?}");
    let mut expected = vec![nothing.as_os_str().as_bytes()];
    expected.extend(arguments);
    assert_eq!(exec.bytes_of("argv"), expected, "{exec:?}");
    let page = lab.told(["view", run.id()]);
    assert!(!page.contains('\u{1b}'), "an escape sequence on the page: {page:?}");
}

#[test]
fn an_argument_list_of_100_kib_is_recorded_whole_and_a_longer_one_says_that_it_is_cut() {
    let lab = Lab::new();
    let nothing = lab.nothing();
    for (kib, whole) in [(100, true), (300, false)] {
        let words: Vec<String> = (0..kib).map(|n| format!("{n:04}-{}", "a".repeat(1018))).collect();
        let bytes: usize = words.iter().map(|word| word.len() + 1).sum();
        let all = std::iter::once(nothing.as_os_str()).chain(words.iter().map(OsStr::new));
        let run = lab.run(all).succeed();
        let exec = run.execs_of(&nothing).next().expect("it was executed");
        let length = exec.number("argv_len").expect("a length");
        assert_eq!(length as usize, bytes + nothing.as_os_str().len() + 1, "argv_len");
        assert_eq!(exec.flag("argv_cut"), !whole, "argv_cut with {kib} KiB");
        let kept = exec.list("argv");
        let same = kept.iter().skip(1).zip(&words).take_while(|(a, b)| *a == *b).count();
        if whole {
            assert_eq!((kept.len(), same), (words.len() + 1, words.len()), "arguments kept");
        } else {
            assert!(same >= 120, "of a cut list the first 128 KiB stay: {same} arguments");
        }
    }
}

fn check_reads(run: &Recorded, base: &Path, expected: &BTreeSet<PathBuf>) {
    let found = paths(run, "read", base);
    let right = found.iter().filter(|path| expected.contains(*path)).count();
    let wrong: Vec<_> = found.iter().filter(|path| !expected.contains(*path)).take(5).collect();
    assert_eq!((found.len(), right), (expected.len(), expected.len()), "wrong: {wrong:?}");
    let missing: Vec<_> =
        run.of("file", "read").filter(|event| event.bytes("path").is_none()).collect();
    assert!(missing.is_empty(), "{} reads without a path: {missing:?}", missing.len());
}

fn is_below(event: &xtests::Event, dir: &Path) -> bool {
    let path = event.bytes("path").unwrap_or_default();
    Path::new(OsStr::from_bytes(&path)).starts_with(dir)
}

fn paths(run: &Recorded, op: &str, dir: &Path) -> Vec<PathBuf> {
    run.of("file", op)
        .filter(|event| is_below(event, dir))
        .filter_map(|event| event.bytes("path"))
        .map(|path| PathBuf::from(OsStr::from_bytes(&path)))
        .collect()
}

/// What a query gives as JSON has the same bytes; what is shown as text does nothing to a terminal.
fn check_pages(lab: &Lab, run: &Recorded, names: &BTreeSet<PathBuf>) {
    let lines =
        lab.told(["query", run.id(), "--op", "delete,create", "--all", "--format", "jsonl"]);
    let mut found = BTreeSet::new();
    for line in lines.lines() {
        let event = xtests::Event(serde_json::from_str(line).expect("a JSON line"));
        let path = event.bytes("path").unwrap_or_default();
        if event.op() == "create" {
            found.insert(PathBuf::from(OsStr::from_bytes(&path)));
        }
    }
    found.retain(|path| path.starts_with(lab.work()));
    assert_eq!(&found, names, "paths of created files by query");
    for page in [
        vec!["view", run.id()],
        vec!["view", run.id(), "--timeline"],
        vec!["query", run.id(), "--all"],
        vec!["query", run.id(), "--all", "--format", "jsonl"],
    ] {
        let text = lab.told(&page);
        let acts = |c: char| (c.is_control() && c != '\n') || c == '\u{202e}' || c == '\u{feff}';
        let bad: Vec<_> = text.lines().filter(|line| line.contains(acts)).take(3).collect();
        assert!(bad.is_empty(), "audit {page:?} prints characters that act: {bad:?}");
    }
}
