//! Claims about the writer: what it gives back, what it does on a full disk.

use std::{fs, path::Path};

use event::frame::{Frames, Unpacker, control};

use super::{
    calls::{Fault, inject},
    *,
};

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
        heartbeat_ms: 10_000,
        pad: 0,
        redaction: [0; 32],
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
    let mut seq = 1;
    let mut all = Vec::new();
    for name in names {
        let bytes = fs::read(name).expect("a segment reads");
        // Begun on a disk that took nothing more: readers take it for the end.
        if bytes.is_empty() {
            break;
        }
        let mut rest = bytes.strip_prefix(&frame::MAGIC_BLOCKS).expect("magic first");
        let mut unpacker = Unpacker::new();
        while !rest.is_empty() {
            let block = unpacker.next(rest).expect("a whole block");
            assert_eq!(block.first, seq, "no frame is missing");
            let mut frames = Frames::in_block(block.plain.as_slice(), seq);
            all.extend(frames.by_ref().map(|f| (f.head.kind, f.payload.to_vec())));
            assert_eq!(frames.damage(), None);
            seq = frames.next_seq().expect("one at least");
            rest = &rest[block.len..];
        }
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

/// Frames that a run of the fault tests sends: bulk, and what is written into the reserve too.
const BULK: u64 = 550;
const BULK_KIND: u16 = 74;

/// Writes a run whose disk has `fault`; returns what it counted, if it began.
fn with_fault(path: &Path, fault: Option<Fault>) -> Option<(u64, u64, u64)> {
    inject(fault);
    let mut now = 1;
    let made = Writer::create(dir(path), &begin(1 << 16), now);
    let mut writer = made.ok()?;
    for number in 0..BULK {
        writer.record(100, BULK_KIND, now, &[&number.to_le_bytes().repeat(40)]);
        // Past the time of a sync: each round writes and syncs.
        now += 300_000_000;
        writer.flush(now);
    }
    writer.close();
    writer.control(control::KIND_LOST, now, &[&[7; 40]]);
    writer.settle(now);
    writer.finish(now);
    let account = writer.account();
    Some((account.stored(100).frames, account.lost(100), u64::from(writer.refusals())))
}

#[test]
fn whichever_call_of_the_disk_fails_all_that_counts_as_stored_is_there_and_the_rest_is_lost() {
    // In memory: what is shown does not depend on the disk, and there are a thousand runs.
    let shm = Path::new("/dev/shm");
    let root = if shm.is_dir() { tempfile::tempdir_in(shm) } else { tempfile::tempdir() };
    let root = root.expect("a directory");
    let whole = root.path().join("whole");
    fs::create_dir(&whole).expect("room");
    assert_eq!(with_fault(&whole, None), Some((BULK, 0, 0)));
    let calls = inject(None);
    assert!(calls >= 500, "{calls} calls, 500 are to fail one by one");
    let (mut refused, mut lost_some) = (0, 0);
    for (errno, for_ever) in [
        (rustix::io::Errno::IO, false),
        (rustix::io::Errno::IO, true),
        (rustix::io::Errno::NOSPC, true),
        (rustix::io::Errno::DQUOT, false),
    ] {
        for call in 1..=calls.min(500) {
            let path = root.path().join("run");
            fs::create_dir(&path).expect("room");
            let told = with_fault(&path, Some(Fault { call, for_ever, errno }));
            let what = format!("call {call}, {errno:?}, for ever: {for_ever}");
            match told {
                // Refused before anything ran.
                None => refused += 1,
                Some((stored, lost, refusals)) => {
                    assert_eq!(stored + lost, BULK, "{what}");
                    let back = payloads(&path);
                    let found = back.iter().filter(|(kind, _)| *kind == BULK_KIND).count() as u64;
                    // A sync that failed: what was written before it may still be there.
                    assert_eq!(found, stored, "{what}");
                    lost_some += u64::from(lost > 0 && refusals > 0);
                }
            }
            fs::remove_dir_all(&path).expect("it is ours");
        }
    }
    inject(None);
    eprintln!("{} faults: {refused} refusals, {lost_some} records with losses told", 4 * 500);
    assert!(refused >= 4 && lost_some >= 1000, "{refused} refusals, {lost_some} with losses");
}

/// What signing adds to a checkpoint is printed.
#[test]
fn a_signature_asks_for_no_memory() {
    const ROUNDS: usize = 1000;
    let shm = Path::new("/dev/shm");
    let root = if shm.is_dir() { tempfile::tempdir_in(shm) } else { tempfile::tempdir() };
    let root = root.expect("a directory");
    for name in ["keys", "segments"] {
        fs::create_dir(root.path().join(name)).expect("room");
    }
    let keys = crate::keys::next(&dir(&root.path().join("keys")), 1).expect("keys");
    let begin = begin(64 << 20);
    let mut writer =
        Writer::create(dir(&root.path().join("segments")), &begin, 1).expect("a writer");
    let start = control::Start {
        boot_ns: 1,
        real_ns: 1,
        leaf_id: 1,
        boot_id: [0; 16],
        uid: 0,
        trust: 2,
        release_len: 0,
        host_len: 4,
        pad: 0,
    };
    writer.sign_with(keys, start, b"host", 1);
    writer.settle(1);
    let (mut took, mut asked) = (Vec::with_capacity(ROUNDS), 0);
    for round in 0..ROUNDS as u64 {
        writer.record(100, BULK_KIND, round, &[&[7; 400]]);
        writer.settle(round);
        let before = (std::time::Instant::now(), crate::sys::counting::asked());
        writer.sign(round);
        took.push(before.0.elapsed());
        asked += crate::sys::counting::asked() - before.1;
    }
    took.sort();
    eprintln!(
        "{ROUNDS} signatures: {} allocations, {:?} at least, {:?} in the middle",
        asked,
        took[0],
        took[ROUNDS / 2]
    );
    assert_eq!(asked, 0, "allocations for {ROUNDS} signatures");
}
