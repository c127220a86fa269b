//! A store in a temporary directory, with runs whose segments and events are written by hand.

use std::{fs, path::Path};

use event::{
    ProcId,
    frame::{
        Chain, MAGIC, VERSION,
        control::{KIND_ABOUT, KIND_SEAL, KIND_SEGMENT, KIND_START, Seal, Segment, Start},
        encode, frame_len,
    },
    json,
    model::{Actor, Event, What},
};
use storage::{About, DeriveLock, How, Meta, RunDir, Store, Tail, Writer};
use zerocopy::IntoBytes;

use crate::pipeline::{self, DERIVATION};

/// 2026-11-21T20:15:30Z.
pub(super) const START_NS: i64 = 1_795_292_130_000_000_000;

/// Wait status of a command that ended well.
pub(super) const FINE: Option<i32> = Some(0);

/// A store that is gone with the value.
pub(super) struct Bench {
    pub(super) home: tempfile::TempDir,
}

impl Bench {
    pub(super) fn new() -> Bench {
        Bench { home: tempfile::tempdir().expect("a directory") }
    }

    pub(super) fn store(&self) -> Store {
        Store::open(self.home.path())
    }

    /// Writes the segments of the run `id`: its beginning, and its end with the command's wait status
    /// unless the recorder is to have died.
    pub(super) fn record(
        &self,
        id: &str,
        about: &About,
        seconds: i64,
        seal: Option<Option<i32>>,
    ) -> RunDir {
        let path = self.home.path().join("runs").join(id);
        fs::create_dir_all(path.join("segments")).expect("a run");
        let mut segment =
            Frames { bytes: MAGIC.to_vec(), chain: Chain::new(id.as_bytes()), seq: 0 };
        segment.chain.update(&MAGIC);
        segment.begin(id, about);
        if let Some(status) = seal {
            segment.seal(START_NS + seconds * 1_000_000_000, status);
        }
        fs::write(path.join("segments/000001.seg"), &segment.bytes).expect("it writes");
        RunDir::open(&path).expect("it is a run")
    }

    /// Derives by hand: these events, this page.
    pub(super) fn derive(run: &RunDir, events: Vec<Event>, meta: Meta) {
        let mut tail = Tail::open(run).expect("a tail");
        tail.read_all(|_| Ok::<(), ()>(())).expect("they read");
        let consumed = tail.finish().expect("it ends");
        assert_eq!(consumed.damage, [], "the bench writes sound segments");
        let lock = DeriveLock::take(run).expect("it locks").expect("it is free");
        let mut writer = Writer::begin(run, lock, How::Again(&[])).expect("a writer");
        for event in events {
            let mut line = Vec::new();
            json::line(run.id().as_str(), &event, &mut line);
            pipeline::row(&event, &line, |row| writer.push(row)).expect("it is taken");
        }
        writer.finish(meta, &consumed, DERIVATION).expect("it is written");
    }

    pub(super) fn path(&self, id: &str) -> std::path::PathBuf {
        Path::new(self.home.path()).join("runs").join(id)
    }
}

/// Bytes of a segment in the making.
struct Frames {
    bytes: Vec<u8>,
    chain: Chain,
    seq: u64,
}

impl Frames {
    fn push(&mut self, kind: u16, parts: &[&[u8]]) {
        let len = parts.iter().map(|part| part.len()).sum();
        let mut frame = vec![0; frame_len(len)];
        self.seq += 1;
        encode(&mut frame, kind, self.seq, 1_000 + self.seq, parts).expect("it fits");
        self.chain.update(&frame);
        self.bytes.extend(frame);
    }

    fn begin(&mut self, id: &str, about: &About) {
        let mut run = [0; 64];
        run[..id.len()].copy_from_slice(id.as_bytes());
        let segment = Segment { chain: self.chain.peek(), run, version: VERSION, number: 1 };
        // The head frame holds the chain before this segment, its own magic not counted.
        let segment = Segment { chain: Chain::new(id.as_bytes()).peek(), ..segment };
        self.push(KIND_SEGMENT, &[segment.as_bytes()]);
        let mut start: Start = zerocopy::FromZeros::new_zeroed();
        (start.boot_ns, start.real_ns, start.trust) = (1_000, START_NS, 2);
        (start.release_len, start.host_len) = (7, 7);
        self.push(KIND_START, &[start.as_bytes(), b"6.18.44", b"build-3"]);
        self.push(KIND_ABOUT, &[&about.encode()]);
    }

    fn seal(&mut self, real_ns: i64, status: Option<i32>) {
        let seal = Seal {
            chain: self.chain.link(),
            boot_ns: 1_000 + u64::try_from(real_ns - START_NS).expect("it ends later"),
            real_ns,
            frames: self.seq + 1,
            main_code: status.unwrap_or(0),
            main_known: u32::from(status.is_some()),
            ending: 1,
            alive: 0,
        };
        self.push(KIND_SEAL, &[seal.as_bytes()]);
    }
}

/// What the front says of a run of `command`.
pub(super) fn about(command: &[&[u8]], cwd: &[u8], name: Option<&str>) -> About {
    let about = About::new(command.iter().copied(), cwd);
    About { name: name.map(str::to_owned), user: "ana".to_owned(), uid: 1000, ..about }
}

/// Numbers events and sets their times, some milliseconds after the start.
#[derive(Default)]
pub(super) struct Script {
    pub(super) events: Vec<Event>,
}

impl Script {
    pub(super) fn at(&mut self, millis: i64, who: Option<(u32, &[u8])>, what: What) -> &mut Self {
        let actor = who.map(|(pid, exe)| Actor {
            id: process(pid),
            ppid: Some(pid - 1),
            uid: Some(1000),
            exe: (!exe.is_empty()).then(|| exe.into()),
        });
        let seq = self.events.len() as u64 + 1;
        let ts_ns = START_NS + millis * 1_000_000;
        self.events.push(Event { seq, ts_ns, boot_ns: 0, actor, what });
        self
    }
}

/// The process `pid`, which started some time.
pub(super) fn process(pid: u32) -> ProcId {
    ProcId { pid, start_ns: u64::from(pid) * 1_000 }
}
