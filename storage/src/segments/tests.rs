//! Claims about reading segments: what is whole comes back, what is not is named.

use std::{fs, path::PathBuf};

use proptest::prelude::*;

use super::*;
use crate::{
    RunDir,
    testing::{Bench, Form, Recording},
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

/// Where each block of a file ends, and how many frames there are up to there.
fn block_ends(bytes: &[u8]) -> Vec<(usize, usize)> {
    let (mut at, mut frames, mut ends) = (8, 0, Vec::new());
    let mut unpacker = event::frame::Unpacker::new();
    while at < bytes.len() {
        let block = unpacker.next(&bytes[at..]).expect("a block");
        frames += event::frame::Frames::in_block(block.plain.as_slice(), 1).count();
        at += block.len;
        ends.push((at, frames));
    }
    ends
}

#[test]
fn frames_come_back_in_order_through_several_segments() {
    for form in [Form::Frames, Form::Blocks] {
        come_back_in_order(form);
    }
}

fn come_back_in_order(form: Form) {
    let bench = Bench::recorded_as(4, form);
    assert!(crate::segments::seal(bench.run.segments()).is_some(), "it is found from the end");
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
    fn a_run_of_blocks_cut_anywhere_opens_with_the_blocks_before_the_cut(
        which in 0usize..3, at in any::<prop::sample::Index>(),
    ) {
        let bench = Bench::recorded_as(6, Form::Blocks);
        let (whole, _) = read(&bench.run);
        let files = segment_files(&bench.run);
        let bytes = fs::read(&files[which]).expect("it reads");
        let cut = at.index(bytes.len());
        fs::write(&files[which], &bytes[..cut]).expect("it writes");

        let of = |file: &PathBuf| block_ends(&fs::read(file).expect("it reads"));
        let before: usize = files[..which].iter().map(|f| of(f).last().expect("one").1).sum();
        let here = block_ends(&bytes);
        let expected = here.iter().rfind(|(end, _)| *end <= cut).map_or(0, |(_, frames)| *frames);
        let (frames, consumed) = read(&bench.run);
        prop_assert_eq!(&frames, &whole[..before + expected]);
        prop_assert!(!consumed.sealed);
        let clean = which == 2 && here.iter().any(|(end, _)| *end == cut);
        prop_assert_eq!(consumed.damage.is_empty(), clean, "{:?}", texts(&consumed));
        let _ = bench.run.listed();
    }

    #[test]
    fn a_changed_bit_of_a_block_is_named_where_it_is_and_everything_before_it_opens(
        which in 0usize..3, at in any::<prop::sample::Index>(), bit in 0u8..8,
    ) {
        let bench = Bench::recorded_as(6, Form::Blocks);
        let (whole, _) = read(&bench.run);
        let files = segment_files(&bench.run);
        let mut bytes = fs::read(&files[which]).expect("it reads");
        let here = block_ends(&bytes);
        let at = at.index(bytes.len());
        bytes[at] ^= 1 << bit;
        fs::write(&files[which], &bytes).expect("it writes");

        let (frames, consumed) = read(&bench.run);
        let first = consumed.damage.first().expect("it is found");
        // The block in which it lies; in the magic, the file.
        let block = here.iter().map(|(end, _)| *end).rfind(|end| *end <= at);
        let start = if at < here[0].0 { 0 } else { block.unwrap_or(0) };
        prop_assert_eq!(&first.file, &name(which as u32 + 1));
        prop_assert_eq!(first.offset, start as u64, "{}", first);
        prop_assert_eq!(&frames, &whole[..first.frames_before as usize]);
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
    fn no_bytes_make_the_reader_panic(bytes in prop::collection::vec(any::<u8>(), 0..600), magic in 0_usize..3) {
        let bench = Bench::new();
        let magic: &[u8] = [&b"AUDSEG01"[..], b"AUDSEG02", b""][magic];
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
fn blocks_left_out_doubled_or_reordered_are_told_though_every_check_is_right() {
    let bench = Bench::recorded_as(8, Form::Blocks);
    let (whole, _) = read(&bench.run);
    let path = bench.path("segments/000002.seg");
    let bytes = fs::read(&path).expect("it reads");
    let ends: Vec<usize> =
        [8].into_iter().chain(block_ends(&bytes).iter().map(|it| it.0)).collect();
    let blocks: Vec<&[u8]> = ends.windows(2).map(|ends| &bytes[ends[0]..ends[1]]).collect();
    for at in 1..blocks.len() {
        let mut without = blocks.clone();
        without.remove(at);
        let mut doubled = blocks.clone();
        doubled.insert(at, blocks[at]);
        let mut swapped = blocks.clone();
        swapped.swap(at - 1, at);
        for changed in [without, doubled, swapped] {
            fs::write(&path, [&bytes[..8], &changed.concat()].concat()).expect("it writes");
            let (frames, consumed) = read(&bench.run);
            assert!(!consumed.damage.is_empty() && frames.len() < whole.len(), "block {at}");
            assert!(whole.starts_with(&frames));
        }
    }
}

/// What somebody makes who knows the form but not what was recorded: the chain says so.
#[test]
fn a_block_exchanged_for_another_breaks_the_chain() {
    let bench = Bench::new();
    let mut recording = Recording::start_as(&bench.run, Form::Blocks);
    recording.frame(74, b"mine!");
    recording.seal();
    let bytes = bench.read("segments/000001.seg");
    let ends = block_ends(&bytes);
    let [.., (from, _), (to, _), _] = ends.as_slice() else { panic!("{ends:?}") };
    let mut other = vec![0; event::frame::slim_len(5)];
    event::frame::encode_slim(&mut other, 74, 1_003, &[b"other"]).expect("it fits");
    let mut packer = event::frame::Packer::new().expect("memory");
    let plain = {
        // The frame before it in the same block is as it was.
        let mut about = vec![0; event::frame::slim_len(54)];
        let text = br#"{"command":["sh","-c","x"],"cwd":"/","name":"nightly"}"#;
        event::frame::encode_slim(&mut about, 65, 1_002, &[text]).expect("it fits");
        [about, other].concat()
    };
    let ask = event::frame::Ask { plain: &plain, first: 3, begins: false, bare: false };
    let block = packer.pack(&ask).expect("memory").to_vec();
    bench.write("segments/000001.seg", &[&bytes[..*from], &block, &bytes[*to..]].concat());
    let (frames, consumed) = read(&bench.run);
    assert_eq!(frames.len(), 5);
    let [damage] = consumed.damage.as_slice() else { panic!("{:?}", consumed.damage) };
    assert_eq!((&damage.what, damage.frames_before), (&Wrong::Chain, 4));
}

/// The reader has enough in the middle of a block: the next time it is given the rest.
#[test]
fn a_reader_that_stops_inside_a_block_goes_on_there() {
    let bench = Bench::recorded_as(7, Form::Blocks);
    let (whole, _) = read(&bench.run);
    let mut tail = Tail::open(&bench.run).expect("a tail");
    let mut frames = Vec::new();
    loop {
        let told = tail.read(|frame| {
            frames.push((frame.head.kind, frame.payload.to_vec()));
            Err(())
        });
        if told == Ok(false) {
            break;
        }
    }
    assert_eq!(frames, whole);
    assert_eq!(tail.finish().expect("it ends").damage, vec![]);
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

/// The record of a small shell script in blocks, as it was first written; never to be edited.
#[test]
fn a_segment_of_version_2_is_read_for_ever() {
    let bench = Bench::new();
    bench.write("segments/000001.seg", include_bytes!("../../fixtures/v2/segments/000001.seg"));
    let (frames, consumed) = read(&bench.run);
    assert_eq!(texts(&consumed), [""; 0]);
    assert!(consumed.sealed && consumed.chain.is_some() && consumed.said.signed.is_some());
    let of = |wanted: u16| frames.iter().filter(|(kind, _)| *kind == wanted).count();
    assert_eq!((of(1), of(2), of(4), of(64), of(68)), (9, 7, 9, 1, 1));
    let listed = bench.run.listed();
    assert_eq!(listed.name.as_deref(), Some("fixture"));
    assert_eq!(listed.exit.and_then(|exit| exit.code), Some(3));
    assert!(frames.iter().any(|(kind, payload)| {
        *kind == 74 && payload.windows(2).any(|bytes| bytes == b"b\xff")
    }));
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
