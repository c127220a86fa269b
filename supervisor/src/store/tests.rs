//! Claims about a user's share of the store. They need root, whose the directories are.

use std::{fs, os::unix::fs::MetadataExt, path::Path, sync::Barrier, thread};

use event::{
    frame::{
        self, Frames,
        control::{Ending, KIND_SEAL, Seal},
    },
    protocol::Begin,
};

use super::*;
use crate::segment::{RESERVE, Writer};

const STEP: u64 = 4 << 20;
const BUDGET: u64 = 5 * STEP;

/// Less than one round of writing of all runs beyond the budget: directories, and what a file system
/// rounds up.
const SLACK: u64 = 64 << 10;

fn caller() -> Caller {
    let owner = bpf::Owner { uid: 4242, groups: vec![4242], caps: 0 };
    Caller { uid: 4242, gid: 4242, front: 1, owner }
}

fn begin(id: &str) -> Begin {
    let mut run = [0; 64];
    run.get_mut(..id.len()).expect("short").copy_from_slice(id.as_bytes());
    Begin {
        linger_ms: 0,
        segment_bytes: 1 << 20,
        run,
        ring_kib: [0; 3],
        without: 0,
        trust: 1,
        failed_opens: 0,
        heartbeat_ms: 10_000,
        pad: 0,
        redaction: [0; 32],
    }
}

fn room(store: Store<'_>, id: &str) -> Result<(Room, OwnedFd), Refusal> {
    Room::make(store, &caller(), id, &Powers::own())
}

/// Writes until there is no room, then the end; returns whether the disk was said to be full.
fn fill(room: &Room, segments: OwnedFd, id: &str) -> bool {
    let mut writer = Writer::create(segments, &begin(id), 1).expect("a writer");
    let (lease, budget) = room.lease().expect("a lease");
    writer.limit(budget, lease);
    let mut now = 1;
    while writer.is_whole() {
        writer.record(100, 74, now, &[&[7; 16 << 10]]);
        now += 1_000_000;
        writer.flush(now);
    }
    writer.close();
    let seal = Seal {
        chain: writer.link(),
        boot_ns: now,
        real_ns: 0,
        frames: writer.frames() + 1,
        main_code: 0,
        main_known: 1,
        ending: Ending::Empty as u32,
        alive: 0,
    };
    writer.seal(seal);
    writer.settle(now);
    writer.finish(now);
    writer.has_room()
}

fn taken(path: &Path) -> u64 {
    let runs = path.join("4242/runs");
    let all = fs::read_dir(runs).expect("runs").flatten();
    let files = all.flat_map(|run| fs::read_dir(run.path().join("segments")).expect("segments"));
    files.map(|file| file.expect("a file").metadata().expect("there").blocks() * 512).sum()
}

/// Whether the last frame of the last segment is a seal.
fn is_sealed(path: &Path, id: &str) -> bool {
    let segments = path.join("4242/runs").join(id).join("segments");
    let mut names: Vec<_> =
        fs::read_dir(segments).expect("segments").flatten().map(|it| it.path()).collect();
    names.retain(|name| name.extension().is_some_and(|it| it == "seg"));
    names.sort();
    let bytes = fs::read(names.last().expect("one")).expect("it reads");
    let blocks = bytes.strip_prefix(&frame::MAGIC_BLOCKS).expect("magic first");
    let plain = frame::unpacked(blocks, usize::MAX);
    let mut frames = Frames::in_block(plain.as_slice(), 1);
    let last = frames.by_ref().last().map(|it| it.head.kind);
    frames.damage().is_none() && last == Some(KIND_SEAL)
}

#[test]
fn runs_at_once_take_no_more_together_than_their_user_may_and_each_gets_its_seal() {
    let temp = tempfile::tempdir().expect("a directory");
    let path = temp.path().to_str().expect("UTF-8");
    let store = Store { path, budget: BUDGET, step: STEP };
    let barrier = Barrier::new(3);
    let full = thread::scope(|scope| {
        let one = |id: &'static str| {
            let barrier = &barrier;
            scope.spawn(move || {
                let (room, segments) = room(store, id).map_err(|why| why.text).expect("room");
                barrier.wait();
                fill(&room, segments, id)
            })
        };
        ["one", "two", "three"].map(one).map(|it| it.join().expect("no panic"))
    });
    assert_eq!(full, [true; 3], "each had its reserve to end in");
    let total = taken(temp.path());
    assert!(total <= BUDGET + SLACK, "{total} of {BUDGET}");
    assert!(total >= BUDGET - 3 * STEP, "{total} of {BUDGET}: they were held to less");
    for id in ["one", "two", "three"] {
        assert!(is_sealed(temp.path(), id), "{id}");
    }
    // Who gets which step is chance, so there may be room for one more to end in. The next one is told so
    // before anything runs, and what is removed is free again.
    let refused = ["four", "six", "seven", "eight"].into_iter().find_map(|id| {
        let (room, segments) = match room(store, id) {
            Ok(begun) => begun,
            Err(why) => return Some(why),
        };
        fill(&room, segments, id);
        assert!(taken(temp.path()) <= BUDGET + SLACK, "{id}");
        None
    });
    let refused = refused.expect("no room");
    assert!(refused.errno == libc::EDQUOT && refused.text.contains("20 MiB"), "{}", refused.text);
    for id in ["one", "two"] {
        prune(store, &caller(), id).map_err(|why| why.text).expect("it is gone");
    }
    let (room, segments) = room(store, "five").map_err(|why| why.text).expect("room again");
    assert!(fill(&room, segments, "five"));
    assert!(taken(temp.path()) <= BUDGET + SLACK);
}

#[test]
fn a_run_alone_gets_all_of_it_step_by_step() {
    let temp = tempfile::tempdir().expect("a directory");
    let path = temp.path().to_str().expect("UTF-8");
    let store = Store { path, budget: BUDGET, step: STEP };
    let (room, segments) = room(store, "alone").map_err(|why| why.text).expect("room");
    fill(&room, segments, "alone");
    let total = taken(temp.path());
    assert!(total <= BUDGET + SLACK && total + STEP + RESERVE >= BUDGET, "{total} of {BUDGET}");
}
