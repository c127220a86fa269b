//! Claims about what is written of argvs: no secret, every other byte, and as many frames as came.

use std::{fs, path::Path};

use event::{
    frame::{self, AlignedBytes, Frames, MAGIC_BLOCKS},
    protocol::Begin,
    wire::{Head, Record},
};
use proptest::prelude::*;
use zerocopy::FromZeros;

use super::*;

const PIECE: usize = 16_384;

fn writer(path: &Path) -> Writer {
    let flags = rustix::fs::OFlags::DIRECTORY | rustix::fs::OFlags::CLOEXEC;
    let dir = rustix::fs::open(path, flags, rustix::fs::Mode::empty()).expect("it opens");
    let mut begin = Begin::new_zeroed();
    begin.segment_bytes = 64 << 20;
    begin.run[..4].copy_from_slice(b"test");
    Writer::create(dir, &begin, 1).expect("a writer")
}

fn head(kind: Kind, pid: u32, size: usize) -> Head {
    let size = u32::try_from(size).expect("a short one");
    Head { pid, start_ns: u64::from(pid), kind: kind as u32, size, ..Head::new_zeroed() }
}

/// Sends an argv as the kernel's side does, but for the pieces in `lost`.
fn send(redaction: &mut Redaction, pid: u32, argv: &[u8], lost: &[usize], writer: &mut Writer) {
    let first = &argv[..argv.len().min(PIECE)];
    let mut exec = Exec::new_zeroed();
    let size = size_of_val(&exec) + 4 + first.len();
    exec.head = head(Kind::Exec, pid, size);
    (exec.argv_len, exec.argv_kept) = (argv.len() as u64, first.len() as u32);
    exec.exe_len = 4;
    let bytes = [exec.as_bytes(), b"exe\0", first].concat();
    redaction.exec(&exec, first, &bytes, writer);
    for (number, piece) in argv.chunks(PIECE).enumerate().skip(1) {
        if number * PIECE >= ARGV_CAP as usize || lost.contains(&number) {
            continue;
        }
        let mut head_of = Argv::new_zeroed();
        head_of.head = head(Kind::Argv, pid, size_of::<Argv>() + piece.len());
        (head_of.offset, head_of.len) = ((number * PIECE) as u32, piece.len() as u32);
        redaction.piece(&head_of, piece, writer);
    }
}

/// The frames of the first segment.
fn unpacked(path: &Path) -> AlignedBytes {
    let bytes = fs::read(path.join("000001.seg")).expect("a segment");
    frame::unpacked(bytes.strip_prefix(&MAGIC_BLOCKS).expect("magic"), usize::MAX)
}

/// What a reader puts together: argv without gaps, the places, and how many records there are.
fn read(path: &Path) -> (Vec<u8>, Vec<Redacted>, usize) {
    let plain = unpacked(path);
    let (mut argv, mut places, mut records) = (Vec::new(), Vec::new(), 0);
    for frame in Frames::in_block(plain.as_slice(), 1) {
        match frame.head.kind {
            KIND_REDACTED => places.push(*frame.body::<Redacted>().expect("whole").0),
            kind if kind < 64 => {
                records += 1;
                match Record::parse(frame.payload).expect("a record") {
                    Record::Exec(_, data) => argv.extend_from_slice(data.argv),
                    Record::Argv(piece, bytes) if piece.offset as usize == argv.len() => {
                        argv.extend_from_slice(bytes);
                    }
                    _ => {}
                }
            }
            _ => {}
        }
    }
    (argv, places, records)
}

fn recorded(argv: &[u8], lost: &[usize]) -> (Vec<u8>, Vec<Redacted>, usize) {
    let temp = tempfile::tempdir().expect("a directory");
    let mut writer = writer(temp.path());
    let mut redaction = Redaction::new(Key::new([1; 32]));
    send(&mut redaction, 7, argv, lost, &mut writer);
    redaction.finish(&mut writer);
    writer.finish(2);
    read(temp.path())
}

#[test]
fn a_secret_is_stars_and_a_mark_and_all_else_is_there() {
    let (argv, places, records) = recorded(b"x\0--password=hunter2\0y\0", &[]);
    assert_eq!(argv, b"x\0--password=*******\0y\0");
    assert_eq!(records, 1);
    let mark = Key::new([1; 32]).mark(b"hunter2");
    let told: Vec<_> = places.iter().map(|p| (p.pid, p.at, p.len, p.mark)).collect();
    assert_eq!(told, [(7, 13, 7, mark)]);
}

#[test]
fn a_secret_on_the_edge_of_two_pieces_is_one_place_wherever_it_lies() {
    for before in PIECE - 30..PIECE + 3 {
        let filler = "a".repeat(before);
        let tail = "b".repeat(PIECE);
        let argv = format!("x\0{filler}\0--password=hunter2\0{tail}\0").into_bytes();
        let (kept, places, records) = recorded(&argv, &[]);
        let mut expected = argv.clone();
        let mut spans = Spans::default();
        redact::scan(&argv, &mut spans);
        redact::blank(&mut expected, &spans);
        assert!(kept == expected, "{before}");
        assert_eq!(places.len(), 1, "{before}");
        assert_eq!(records, argv.len().div_ceil(PIECE), "{before}");
    }
}

#[test]
fn what_follows_a_lost_piece_is_hidden_and_counted() {
    let word = "c0mmon ".repeat(PIECE * 4 / 7);
    let argv = format!("x\0{word}--password=hunter2\0").into_bytes();
    let (kept, _, records) = recorded(&argv, &[2]);
    assert!(!kept.windows(7).any(|window| window == b"hunter2"));
    assert_eq!(records, argv.len().div_ceil(PIECE) - 1, "each that came is stored");
}

#[test]
fn more_long_argvs_at_once_than_there_is_room_for_show_no_secret() {
    let temp = tempfile::tempdir().expect("a directory");
    let mut writer = writer(temp.path());
    let mut redaction = Redaction::new(Key::new([1; 32]));
    let long = "d".repeat(PIECE - 10);
    let argv = format!("x\0{long}\0--password=hunter2hunter2hunter2\0").into_bytes();
    let ends: Vec<u32> = (1..=SLOTS as u32 * 2).collect();
    for pid in &ends {
        send(&mut redaction, *pid, &argv, &[1], &mut writer);
    }
    for pid in &ends {
        let piece = &argv[PIECE..];
        let mut rest = Argv::new_zeroed();
        rest.head = head(Kind::Argv, *pid, size_of::<Argv>() + piece.len());
        (rest.offset, rest.len) = (PIECE as u32, piece.len() as u32);
        redaction.piece(&rest, piece, &mut writer);
    }
    redaction.finish(&mut writer);
    writer.finish(2);
    let bytes = unpacked(temp.path());
    assert!(!bytes.as_slice().windows(7).any(|window| window == b"hunter2"));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]
    #[test]
    fn what_is_stored_is_what_a_scan_of_the_whole_leaves(
        parts in prop::collection::vec((0..40_000_usize, "[a-z=-]{0,9}", any::<bool>()), 1..5),
    ) {
        let mut argv = b"x\0".to_vec();
        for (len, word, secret) in parts {
            argv.extend(std::iter::repeat_n(b'e', len));
            argv.extend(word.bytes().chain([0]));
            if secret {
                argv.extend(b"--token\0hunter2hunter2\0");
            }
        }
        let (kept, _, records) = recorded(&argv, &[]);
        argv.truncate(ARGV_CAP as usize);
        let mut spans = Spans::default();
        redact::scan(&argv, &mut spans);
        redact::blank(&mut argv, &spans);
        prop_assert!(kept == argv);
        prop_assert_eq!(records, argv.len().div_ceil(PIECE));
    }
}
