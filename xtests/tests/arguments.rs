//! Long arguments: the record keeps 128 KiB and the hash of the whole (docs/coverage.md).
#![forbid(unsafe_code)]

use std::{ffi::OsStr, path::Path};

use xtests::{Event, Lab};

fn name(path: &Path) -> &str {
    path.to_str().expect("the lab's names are text")
}

/// Arguments as they lie in memory: each ended by NUL.
fn in_memory<'a>(words: impl IntoIterator<Item = &'a [u8]>) -> Vec<u8> {
    words.into_iter().flat_map(|word| [word, b"\0"].concat()).collect()
}

fn hash_of(argv: &[u8]) -> String {
    blake3::hash(argv).to_hex().to_string()
}

/// What the tester `longargs` gives to `program`.
fn long_argv(program: &Path, count: usize, letter: u8) -> Vec<u8> {
    let word = |n: usize| [format!("{n:06}").into_bytes(), vec![letter; 1017]].concat();
    let words: Vec<Vec<u8>> = (1..=count).map(word).collect();
    let first = program.as_os_str().as_encoded_bytes();
    in_memory(std::iter::once(first).chain(words.iter().map(Vec::as_slice)))
}

/// Holds that an exec has the whole of `argv`: by its length, its first bytes and its hash.
fn assert_is(exec: &Event, argv: &[u8]) {
    assert_eq!(exec.number("argv_len"), Some(argv.len() as u64));
    assert!(exec.flag("argv_cut") && !exec.flag("argv_fault"));
    assert_eq!(exec.text("argv_hash_missing"), "", "why there is no hash");
    assert_eq!(exec.text("argv_hash"), hash_of(argv));
    let kept = in_memory(exec.bytes_of("argv").iter().map(Vec::as_slice));
    // The last one is cut, and here ended.
    assert_eq!(kept.len(), 128 * 1024 + 1, "bytes kept");
    assert!(argv.starts_with(kept.strip_suffix(b"\0").unwrap_or_default()));
}

#[test]
fn an_argv_of_100_kib_is_whole_and_needs_no_hash() {
    let lab = Lab::new();
    let (nothing, word) = (lab.nothing(), "x".repeat(100 * 1024));
    let run = lab.run([nothing.as_os_str(), word.as_ref()]).with(["--no-redact"]).succeed();
    run.assert_whole();
    let exec = run.execs_of(&nothing).next().expect("it was executed");
    assert_eq!(exec.list("argv"), [name(&nothing), &word]);
    assert!(!exec.flag("argv_cut") && exec.text("argv_hash").is_empty());
}

#[test]
fn the_longest_single_argument_has_the_hash_of_the_whole() {
    let lab = Lab::new();
    // MAX_ARG_STRLEN, include/uapi/linux/binfmts.h: 32 pages, the NUL among them.
    let (nothing, word) = (lab.nothing(), "x".repeat(32 * 4096 - 1));
    let run = lab.run([nothing.as_os_str(), word.as_ref()]).with(["--no-redact"]).succeed();
    let exec = run.execs_of(&nothing).next().expect("it was executed");
    assert_is(exec, &in_memory([nothing.as_os_str().as_encoded_bytes(), word.as_bytes()]));
}

#[test]
fn an_argv_of_1900_kib_has_the_hash_of_the_whole() {
    let lab = Lab::new();
    let nothing = lab.nothing();
    let words: Vec<String> = (0..1900).map(|n| format!("{n:04}{}", "y".repeat(1019))).collect();
    let all = std::iter::once(nothing.as_os_str()).chain(words.iter().map(OsStr::new));
    // As many as an ordinary stack limit of 8 MiB allows, with the environment: a quarter of it.
    let run = lab.run(all).with(["--no-redact"]).succeed();
    run.assert_adds_up();
    let exec = run.execs_of(&nothing).next().expect("it was executed");
    let words = words.iter().map(String::as_bytes);
    let first = nothing.as_os_str().as_encoded_bytes();
    assert_is(exec, &in_memory(std::iter::once(first).chain(words)));
}

#[test]
fn the_longest_argv_that_the_kernel_allows_has_the_hash_of_the_whole() {
    let lab = Lab::new();
    let (longargs, nothing) = (lab.tester("longargs"), lab.nothing());
    // 6 MiB with the pointers to them, and with the environment, which is empty.
    let count = 6 * 1024 - 80;
    let times = count.to_string();
    let words = [longargs.as_os_str(), times.as_ref(), nothing.as_os_str()];
    let run = lab.run(words).with(["--no-redact"]).succeed();
    run.assert_adds_up();
    let exec = run.execs_of(&nothing).next().expect("it was executed");
    // It fits into the half of the ring that it may take, however late the reader is.
    assert_is(exec, &long_argv(&nothing, count, b'a'));
}

#[test]
fn long_argvs_of_programs_started_at_once_are_not_mixed_up() {
    let lab = Lab::new();
    let (longargs, nothing) = (lab.tester("longargs"), lab.nothing());
    let letters = "abcdefgh";
    let words = [longargs.as_os_str(), "400".as_ref(), nothing.as_ref(), letters.as_ref()];
    let run = lab.run(words).with(["--no-redact"]).succeed();
    run.assert_adds_up();
    let mut left: Vec<u8> = letters.bytes().collect();
    for exec in run.execs_of(&nothing) {
        let letter = exec.list("argv").get(1).and_then(|word| word.bytes().last());
        let letter = letter.expect("a first argument");
        left.retain(|other| *other != letter);
        assert_is(exec, &long_argv(&nothing, 400, letter));
    }
    assert_eq!((run.execs_of(&nothing).count(), left), (8, vec![]));
}

#[test]
fn an_argv_for_which_the_ring_has_no_room_says_so_and_leaves_room_for_others() {
    let lab = Lab::new();
    let (longargs, nothing) = (lab.tester("longargs"), lab.nothing());
    let words = [longargs.as_os_str(), "1800".as_ref(), nothing.as_ref()];
    // The half that hashes may take is 256 KiB, and the reader comes last.
    let run = lab.run(words).with(["--ring-kib", "512,0,0", "--no-redact"]);
    let mut running = run.start_ungated();
    running.expect_end();
    let run = running.record();
    run.assert_adds_up();
    let exec = run.execs_of(&nothing).next().expect("it was executed");
    let argv = long_argv(&nothing, 1800, b'a');
    assert_eq!(exec.number("argv_len"), Some(argv.len() as u64));
    match exec.text("argv_hash_missing") {
        "no_room" => assert_eq!(exec.text("argv_hash"), ""),
        "" => assert_eq!(exec.text("argv_hash"), hash_of(&argv), "the reader was quick enough"),
        other => panic!("another reason: {other}"),
    }
    assert_eq!(run.tally("process").lost, 0, "nothing else was pushed out");
}
