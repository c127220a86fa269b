//! Claims about reading segments: what is whole comes back, what is not is named.

use std::{fs, path::PathBuf};

use proptest::prelude::*;

use super::*;
use crate::{
    RunDir,
    testing::{Bench, Recording},
};

/// Kind and payload of every frame that can be read, and what reading gave.
fn read(run: &RunDir) -> (Vec<(u16, Vec<u8>)>, Consumed) {
    let mut tail = Tail::open(run).expect("a tail");
    let mut frames = Vec::new();
    tail.read_all(|frame| {
        frames.push((frame.head.kind, frame.payload.to_vec()));
        Ok::<(), ()>(())
    })
    .expect("they read");
    (frames, tail.finish().expect("it ends"))
}

fn segment_files(run: &RunDir) -> Vec<PathBuf> {
    let numbers = numbers(run.segments()).expect("they list");
    numbers.into_iter().map(|number| run.path().join("segments").join(name(number))).collect()
}

/// Where each frame of a file ends.
fn ends(bytes: &[u8]) -> Vec<usize> {
    let mut at = 8;
    let mut ends = Vec::new();
    while let Some(len) = bytes.get(at..at + 4) {
        let len = u32::from_le_bytes(len.try_into().expect("four bytes"));
        at += 32 + (len as usize).next_multiple_of(8);
        ends.push(at);
    }
    ends
}

fn texts(consumed: &Consumed) -> Vec<String> {
    consumed.damage.iter().map(ToString::to_string).collect()
}

#[test]
fn frames_come_back_in_order_through_several_segments() {
    let bench = Bench::recorded(4);
    let (frames, consumed) = read(&bench.run);
    let kinds: Vec<u16> = frames.iter().map(|(kind, _)| *kind).collect();
    assert_eq!(
        kinds,
        [64, 66, 65, 74, 74, 74, 74, 67, 64, 74, 74, 74, 74, 67, 64, 74, 74, 74, 74, 67, 68]
    );
    assert_eq!(texts(&consumed), [""; 0]);
    assert!(consumed.sealed && consumed.chain.is_some());
    assert_eq!((consumed.frames, consumed.segments.len()), (21, 3));
    for (file, segment) in segment_files(&bench.run).iter().zip(&consumed.segments) {
        let bytes = fs::read(file).expect("it reads");
        assert_eq!(segment.len, bytes.len() as u64);
        assert_eq!(segment.blake3, blake3::hash(&bytes).to_hex().as_str());
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(150))]

    #[test]
    fn a_run_cut_anywhere_opens_with_the_frames_before_the_cut(
        which in 0usize..3, at in any::<prop::sample::Index>(),
    ) {
        let bench = Bench::recorded(3);
        let (whole, _) = read(&bench.run);
        let files = segment_files(&bench.run);
        let bytes = fs::read(&files[which]).expect("it reads");
        let cut = at.index(bytes.len());
        fs::write(&files[which], &bytes[..cut]).expect("it writes");

        let before: usize = files[..which].iter().map(|f| ends(&fs::read(f).expect("it reads")).len()).sum();
        let here = ends(&bytes);
        let expected = before + here.iter().filter(|end| **end <= cut).count();
        let (frames, consumed) = read(&bench.run);
        prop_assert_eq!(&frames, &whole[..expected]);
        prop_assert!(!consumed.sealed);
        // A last file that ends where a frame does is a recorder that died: no damage, no seal.
        let clean = which == 2 && here.contains(&cut);
        prop_assert_eq!(consumed.damage.is_empty(), clean, "{:?}", texts(&consumed));
    }

    #[test]
    fn a_changed_bit_is_named_and_everything_before_it_opens(
        which in 0usize..3, at in any::<prop::sample::Index>(), bit in 0u8..8,
    ) {
        let bench = Bench::recorded(3);
        let (whole, _) = read(&bench.run);
        let files = segment_files(&bench.run);
        let mut bytes = fs::read(&files[which]).expect("it reads");
        let at = at.index(bytes.len());
        bytes[at] ^= 1 << bit;
        fs::write(&files[which], &bytes).expect("it writes");

        let (frames, consumed) = read(&bench.run);
        prop_assert!(whole.starts_with(&frames));
        let before: usize = files[..which].iter().map(|f| ends(&fs::read(f).expect("it reads")).len()).sum();
        prop_assert!(frames.len() >= before);
        let first = consumed.damage.first().expect("it is found");
        let later = first.what == Wrong::Chain;
        prop_assert!(later || first.file == name(which as u32 + 1), "{}", first);
    }

    #[test]
    fn no_bytes_make_the_reader_panic(bytes in prop::collection::vec(any::<u8>(), 0..600), with_magic: bool) {
        let bench = Bench::new();
        let magic: &[u8] = if with_magic { b"AUDSEG01" } else { b"" };
        bench.write("segments/000001.seg", &[magic, &bytes].concat());
        let (frames, consumed) = read(&bench.run);
        prop_assert!(frames.is_empty() && !consumed.damage.is_empty());
        let _ = bench.run.listed();
    }
}

#[test]
fn a_segment_that_is_missing_is_named() {
    for (gone, expected) in [
        (1, "segments/000001.seg at byte 0: the file is missing (0 frames before it)"),
        (2, "segments/000002.seg at byte 0: the file is missing (6 frames before it)"),
    ] {
        let bench = Bench::recorded(2);
        fs::remove_file(bench.path(&format!("segments/{}", name(gone)))).expect("it goes");
        let (_, consumed) = read(&bench.run);
        assert_eq!(texts(&consumed), [expected]);
        assert_eq!(consumed.segments.len(), 2);
    }
}

#[test]
fn a_segment_of_another_run_is_not_read() {
    let (bench, other) = (Bench::recorded(2), Bench::recorded(2));
    bench.write("segments/000002.seg", &other.read("segments/000002.seg"));
    let (frames, consumed) = read(&bench.run);
    assert_eq!(frames.len(), 6);
    let damage = "segments/000002.seg at byte 0: it is not the segment that belongs here (6 frames before it)";
    assert_eq!(texts(&consumed), [damage]);
}

#[test]
fn whole_frames_exchanged_for_others_break_the_chain() {
    let bench = Bench::new();
    let mut recording = Recording::start(&bench.run);
    let at = fs::metadata(recording.file()).expect("it is there").len() as usize;
    let other = recording.framed(74, b"other");
    recording.frame(74, b"mine!");
    recording.seal();
    let mut bytes = bench.read("segments/000001.seg");
    bytes[at..at + other.len()].copy_from_slice(&other);
    bench.write("segments/000001.seg", &bytes);
    let (frames, consumed) = read(&bench.run);
    assert_eq!(frames.len(), 5);
    let [damage] = consumed.damage.as_slice() else { panic!("{:?}", consumed.damage) };
    assert_eq!((&damage.what, damage.frames_before), (&Wrong::Chain, 4));
}

#[test]
fn what_follows_the_seal_is_damage() {
    let bench = Bench::new();
    let mut recording = Recording::start(&bench.run);
    recording.seal();
    recording.append(b"more");
    let (_, consumed) = read(&bench.run);
    assert_eq!(consumed.damage.first().map(|damage| &damage.what), Some(&Wrong::AfterSeal));
    assert!(consumed.sealed);
}

#[test]
fn a_link_or_a_pipe_in_place_of_a_segment_is_not_opened() {
    for make in ["ln -s /etc/passwd", "mkfifo"] {
        let bench = Bench::new();
        let command = format!("{make} '{}'", bench.path("segments/000001.seg").display());
        let made = std::process::Command::new("sh").args(["-c", &command]).status();
        assert!(made.expect("sh runs").success());
        let (frames, consumed) = read(&bench.run);
        assert!(frames.is_empty());
        assert!(matches!(consumed.damage[0].what, Wrong::Unreadable(_)), "{:?}", consumed.damage);
    }
}

#[test]
fn a_run_is_followed_while_it_is_written() {
    let bench = Bench::new();
    let mut tail = Tail::open(&bench.run).expect("a tail");
    let mut next = || {
        let mut kinds = Vec::new();
        tail.read_all(|frame| {
            kinds.push(frame.head.kind);
            Ok::<(), ()>(())
        })
        .expect("it reads");
        (kinds, tail.damage().len(), tail.is_sealed())
    };
    assert_eq!(next(), (vec![], 0, false));
    let mut recording = Recording::start(&bench.run);
    assert_eq!(next(), (vec![64, 66, 65], 0, false));
    // Half a frame that the writer takes back, as it does on a full disk.
    let len = fs::metadata(recording.file()).expect("it is there").len();
    recording.append(&recording.framed(74, b"refused")[..20]);
    assert_eq!(next(), (vec![], 0, false));
    let file = fs::OpenOptions::new().write(true).open(recording.file()).expect("it opens");
    file.set_len(len).expect("it shrinks");
    recording.frame(74, &vec![7; 900_000]);
    recording.rotate();
    assert_eq!(next(), (vec![74, 64], 0, false));
    recording.checkpoint();
    recording.seal();
    assert_eq!(next(), (vec![67, 68], 0, true));
    let consumed = tail.finish().expect("it ends");
    assert_eq!((consumed.damage, consumed.frames), (vec![], 7));
}

/// The record of a small shell script as version 1 wrote it; never to be edited.
#[test]
fn a_segment_of_version_1_is_read_for_ever() {
    let bench = Bench::new();
    bench.write("segments/000001.seg", include_bytes!("../../fixtures/v1/segments/000001.seg"));
    let (frames, consumed) = read(&bench.run);
    assert_eq!(texts(&consumed), [""; 0]);
    assert!(consumed.sealed && consumed.chain.is_some());
    let mut kinds = std::collections::BTreeMap::new();
    for (kind, _) in &frames {
        *kinds.entry(*kind).or_insert(0) += 1;
    }
    let expected = [
        (1, 6),
        (2, 5),
        (4, 6),
        (16, 1),
        (20, 1),
        (21, 1),
        (64, 1),
        (65, 1),
        (66, 1),
        (67, 1),
        (68, 1),
        (71, 5),
        (72, 5),
        (73, 4),
        (74, 39),
        (76, 20),
        (77, 1),
    ];
    assert_eq!(kinds.into_iter().collect::<Vec<_>>(), expected);
    let listed = bench.run.listed();
    assert_eq!(listed.name.as_deref(), Some("fixture"));
    assert_eq!(listed.about.command.first().map(String::as_str), Some("/bin/sh"));
    assert_eq!(listed.exit.and_then(|exit| exit.code), Some(3));
    assert!(frames.iter().any(|(kind, payload)| {
        *kind == 74 && payload.windows(2).any(|bytes| bytes == b"b\xff")
    }));
}
