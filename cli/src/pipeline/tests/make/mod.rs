//! Makes records: frames as the recorder writes them, and the lines that come of them.

mod files;
mod network;
mod processes;

use event::frame::control::*;
use event::frame::files::*;
use event::frame::{self, AlignedBytes, Frames};
use event::json;
use event::model::Event;
use event::wire::{Head, Kind};
use serde_json::Value as Json;
use zerocopy::{Immutable, IntoBytes};

use super::super::Pipeline;

pub(super) const RUN: &str = "20261121-201530-sh-7k2m";
pub(super) const ESTALE: i32 = 116;
/// Times of the made-up machine: it was started at this moment.
const BOOTED: i64 = 1_795_378_530_000_000_000;

/// Of what a record is.
#[derive(Clone, Copy)]
pub(super) struct Told<'t> {
    pub(super) run: &'t str,
    pub(super) host: &'t str,
    /// When the machine was started: nanoseconds since 1970.
    pub(super) booted: i64,
    /// What the front said of the run, but for its last brace.
    pub(super) about: &'t str,
}

/// What most records are of.
pub(super) const USUAL: Told<'_> = Told {
    run: RUN,
    host: "build-3",
    booted: BOOTED,
    about: r#"{"command":["sh","-c","make"],"cwd":"/src","user":"ana","uid":1000,"version":"0.1.0""#,
};

/// A record in the making; each frame is a millisecond later than the one before.
#[derive(Default)]
pub(super) struct Maker {
    booted: i64,
    /// How far the world's clock was set forward meanwhile, nanoseconds.
    pub(super) step_ns: i64,
    pub(super) bytes: AlignedBytes,
    pub(super) seq: u64,
    tallies: Vec<Tally>,
    /// Where a frame is put together.
    room: Vec<u8>,
}

/// The process with this pid; it was started at ten times that.
pub(super) fn start_of(pid: u32) -> u64 {
    u64::from(pid) * 10
}

/// Bytes of a handle on the ext4 with fsid (8, 1).
pub(super) fn handle(ino: u32) -> Vec<u8> {
    [ino.to_ne_bytes(), 1u32.to_ne_bytes()].concat()
}

pub(super) fn components(path: &str) -> Vec<u8> {
    path.split('/')
        .rev()
        .filter(|part| !part.is_empty())
        .flat_map(|p| [p.as_bytes(), b"\0"].concat())
        .collect()
}

impl Maker {
    /// A record that has begun: segment, start, description, sources, one ext4.
    pub(super) fn begun() -> Maker {
        Maker::of(USUAL)
    }

    /// The same of another run.
    pub(super) fn of(told: Told<'_>) -> Maker {
        let mut maker = Maker { booted: told.booted, ..Maker::default() };
        let mut run = [0; 64];
        run[..told.run.len()].copy_from_slice(told.run.as_bytes());
        let version = frame::VERSION;
        maker
            .frame(KIND_SEGMENT, &[Segment { chain: [0; 32], run, version, number: 1 }.as_bytes()]);
        let release = b"6.18.44";
        let start = Start {
            boot_ns: 0,
            real_ns: told.booted,
            leaf_id: 9,
            boot_id: [0; 16],
            uid: 0,
            trust: 2,
            release_len: release.len() as u16,
            host_len: told.host.len() as u16,
            pad: 0,
        };
        maker.frame(KIND_START, &[start.as_bytes(), release, told.host.as_bytes()]);
        maker.frame(KIND_ABOUT, &[told.about.as_bytes(), b"}"]);
        for source in Source::ALL.into_iter().filter(|source| *source != Source::Record) {
            maker.source(source, State::On, "");
        }
        maker.mount([8, 1], 0x80_0001, coverage::FID, "ext4", "/");
        maker
    }

    /// The front said more of the run; `fields` go on after those of [`Maker::begun`].
    pub(super) fn about(&mut self, fields: &str) {
        let about = format!("{},{fields}}}", USUAL.about);
        self.frame(KIND_ABOUT, &[about.as_bytes()]);
    }

    pub(super) fn now(&self) -> u64 {
        (self.seq + 1) * 1_000_000
    }

    pub(super) fn frame(&mut self, kind: u16, parts: &[&[u8]]) -> u64 {
        self.room.resize(200_000, 0);
        self.seq += 1;
        let len = frame::encode(&mut self.room, kind, self.seq, self.seq * 1_000_000, parts)
            .expect("room");
        self.bytes.extend(&self.room[..len]);
        self.seq
    }

    pub(super) fn source(&mut self, source: Source, state: State, text: &str) {
        let told = SourceState {
            source: source as u32,
            state: state as u32,
            text_len: text.len() as u32,
            pad: 0,
        };
        self.frame(KIND_SOURCE, &[told.as_bytes(), text.as_bytes()]);
    }

    pub(super) fn mount(
        &mut self,
        fsid: [u32; 2],
        dev: u32,
        coverage: u32,
        fs_type: &str,
        point: &str,
    ) {
        let mount = Mount {
            mount_id: 1,
            fsid,
            dev,
            coverage,
            fs_type_len: fs_type.len() as u16,
            point_len: point.len() as u16,
            reason_len: 0,
            root_len: 0,
        };
        self.frame(KIND_MOUNT, &[mount.as_bytes(), fs_type.as_bytes(), point.as_bytes()]);
    }

    pub(super) fn head(&self, kind: Kind, pid: u32) -> Head {
        Head {
            boot_ns: self.now(),
            start_ns: start_of(pid),
            kind: kind as u32,
            size: 0,
            pid,
            tid: pid,
        }
    }

    /// Stores a record and counts it as seen and stored.
    pub(super) fn record<T: IntoBytes + Immutable>(
        &mut self,
        kind: Kind,
        fixed: T,
        data: &[&[u8]],
    ) {
        let source = match kind as u16 {
            0..16 => Source::Process,
            27 => Source::Hosts,
            16..25 | 28..32 => Source::Network,
            25 | 26 | 37 | 40.. => Source::Calls,
            _ => Source::Opens,
        };
        let mut bytes = [&[fixed.as_bytes()], data].concat().concat();
        let size = bytes.len() as u32;
        bytes[20..24].copy_from_slice(&size.to_ne_bytes());
        self.frame(kind as u16, &[&bytes]);
        self.count(kind as u32, source, [1, 1, 0, 0]);
    }

    /// Adds to the totals that the next checkpoint tells.
    pub(super) fn count(
        &mut self,
        id: u32,
        source: Source,
        [seen, stored, folded, lost]: [u64; 4],
    ) {
        if !self.tallies.iter().any(|tally| tally.id == id) {
            self.tallies.push(Tally {
                id,
                source: source as u32,
                seen: 0,
                stored: 0,
                folded: 0,
                lost: 0,
            });
        }
        for tally in self.tallies.iter_mut().filter(|tally| tally.id == id) {
            tally.seen += seen;
            tally.stored += stored;
            tally.folded += folded;
            tally.lost += lost;
        }
    }

    pub(super) fn lost(&mut self, source: Source, id: u32, count: u64) {
        let lost = Lost {
            count,
            from_ns: 0,
            to_ns: self.now(),
            source: source as u32,
            cause: Cause::RingFull as u32,
            id,
            pad: 0,
        };
        self.frame(KIND_LOST, &[lost.as_bytes()]);
        self.count(id, source, [count, 0, 0, count]);
    }

    pub(super) fn checkpoint(&mut self) {
        let boot_ns = self.now();
        let (tallies, real_ns) =
            (self.tallies.clone(), self.booted + self.step_ns + boot_ns as i64);
        let checkpoint = Checkpoint {
            chain: [0; 32],
            boot_ns,
            real_ns,
            tallies: tallies.len() as u32,
            alive: 1,
        };
        self.frame(KIND_CHECKPOINT, &[checkpoint.as_bytes(), tallies.as_bytes()]);
    }

    /// Ends the record as one that went well, of a command that ended with 3.
    pub(super) fn sealed(self) -> Maker {
        self.sealed_with(3)
    }

    /// The same with another exit status.
    pub(super) fn sealed_with(mut self, status: i32) -> Maker {
        self.checkpoint();
        let boot_ns = self.now();
        let seal = Seal {
            chain: [0; 32],
            boot_ns,
            real_ns: self.booted + self.step_ns + boot_ns as i64,
            frames: self.seq + 1,
            main_code: status << 8,
            main_known: 1,
            ending: Ending::Empty as u32,
            alive: 0,
        };
        self.frame(KIND_SEAL, &[seal.as_bytes()]);
        self
    }

    /// The events of the record, and the pipeline after it.
    pub(super) fn events(&self) -> (Vec<Event>, Pipeline) {
        let (mut pipeline, mut events) = (Pipeline::new(RUN), Vec::new());
        let mut frames = Frames::new(self.bytes.as_slice(), Some(1));
        for frame in frames.by_ref() {
            pipeline.feed(&frame, &mut |event| events.push(event.clone()));
        }
        pipeline.finish(frames.damage().is_some(), &mut |event| events.push(event.clone()));
        (events, pipeline)
    }

    /// The lines of the record, judged by the built-in rules.
    pub(super) fn judged(&self) -> String {
        let set = std::sync::Arc::new(rules::RuleSet::builtin());
        let judge = rules::Judge::new(set, rules::Surroundings::default());
        let (mut pipeline, mut out) = (Pipeline::new(RUN).judged_by(judge), Vec::new());
        let mut frames = Frames::new(self.bytes.as_slice(), Some(1));
        for frame in frames.by_ref() {
            pipeline.feed(&frame, &mut |event| json::line(RUN, event, &mut out));
        }
        pipeline.finish(frames.damage().is_some(), &mut |event| json::line(RUN, event, &mut out));
        String::from_utf8(out).expect("lines are UTF-8")
    }

    /// The lines of the record.
    pub(super) fn lines(&self) -> String {
        let mut out = Vec::new();
        self.events().0.iter().for_each(|event| json::line(RUN, event, &mut out));
        String::from_utf8(out).expect("lines are UTF-8")
    }
}

/// The events of a record as JSON, those of `kind` only, without the fields that all have.
pub(super) fn played(maker: &Maker, kind: &str) -> Vec<Json> {
    let objects = maker
        .lines()
        .lines()
        .map(|line| serde_json::from_str(line).expect("JSON"))
        .collect::<Vec<Json>>();
    let seqs: Vec<_> = objects.iter().filter_map(|object| object["seq"].as_u64()).collect();
    assert_eq!(seqs, (1..=objects.len() as u64).collect::<Vec<_>>(), "numbers are dense");
    objects.into_iter().filter(|object| object["type"] == kind).collect()
}
