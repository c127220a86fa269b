//! Claims about the writer: what it gives back, what it does on a full disk.

use std::{fs, path::Path};

use event::frame::{AlignedBytes, Frames, control};

use super::*;

fn begin(segment_bytes: u64) -> Begin {
    let mut run = [0; 64];
    run.get_mut(..4).expect("64 is more than 4").copy_from_slice(b"test");
    Begin {
        linger_ms: 0,
        segment_bytes,
        run,
        ring_kib: [0; 3],
        without: 0,
        trust: 2,
        failed_opens: 0,
    }
}

fn dir(path: &Path) -> OwnedFd {
    let flags = rustix::fs::OFlags::DIRECTORY | rustix::fs::OFlags::CLOEXEC;
    rustix::fs::open(path, flags, rustix::fs::Mode::empty()).expect("the directory opens")
}

/// Reads all segments back; fails on any damage.
fn payloads(path: &Path) -> Vec<(u16, Vec<u8>)> {
    let mut names: Vec<_> = fs::read_dir(path)
        .expect("the directory reads")
        .map(|entry| entry.expect("an entry").path())
        .filter(|path| path.extension().is_some_and(|e| e == "seg"))
        .collect();
    names.sort();
    let mut seq = Some(1);
    let mut all = Vec::new();
    for name in names {
        let bytes = fs::read(name).expect("a segment reads");
        let mut aligned = AlignedBytes::new();
        aligned.extend(bytes.strip_prefix(&frame::MAGIC).expect("magic first"));
        let mut frames = Frames::new(aligned.as_slice(), seq);
        all.extend(frames.by_ref().map(|f| (f.head.kind, f.payload.to_vec())));
        assert_eq!(frames.damage(), None);
        seq = frames.next_seq();
    }
    all
}

#[test]
fn frames_go_through_several_segments_and_come_back_in_order() {
    let temp = tempfile::tempdir().expect("a directory");
    let mut writer = Writer::create(dir(temp.path()), &begin(1 << 16), 1).expect("a writer");
    let sent: Vec<Vec<u8>> = (0..400u32).map(|n| n.to_le_bytes().repeat(200)).collect();
    for payload in &sent {
        assert_ne!(writer.record(100, 74, 5, &[payload]), 0);
        writer.flush(2);
    }
    writer.finish(3);
    let back = payloads(temp.path());
    let files: Vec<_> =
        back.iter().filter(|(kind, _)| *kind == 74).map(|(_, p)| p.clone()).collect();
    assert_eq!(files, sent);
    let heads = back.iter().filter(|(kind, _)| *kind == control::KIND_SEGMENT).count();
    assert!(heads > 3, "{heads} segments");
    assert_eq!(writer.account().stored(100).frames, 400);
    assert!(!temp.path().join("reserve").exists());
}
