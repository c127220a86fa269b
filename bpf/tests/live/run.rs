//! One recorded run: a leaf, the loaded programs, and the records that came.

use std::io::{BufRead, BufReader};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::{Duration, Instant};

use bpf::{Counts, Left, Loaded, Ring, Settings, Source, Topic, load};
use event::wire::{Cell, Kind, Record};
use rustix::event::{PollFd, PollFlags, poll};
use zerocopy::IntoBytes;

use crate::leaf::Leaf;

/// Whether the tests can run at all; says so where they cannot.
pub(crate) fn able() -> bool {
    let root = rustix::process::geteuid().is_root();
    if !root {
        eprintln!("NOT TESTED: loading BPF programs and making cgroups needs root");
    }
    root
}

pub(crate) struct Run {
    loaded: Loaded,
    records: Vec<Owned>,
    pub(crate) leaf: Leaf,
}

/// A record out of the ring, aligned as it was in there.
struct Owned(Vec<u64>, usize);

impl Owned {
    fn copy(bytes: &[u8]) -> Owned {
        let mut words = vec![0_u64; bytes.len().div_ceil(8)];
        words.as_mut_bytes()[..bytes.len()].copy_from_slice(bytes);
        Owned(words, bytes.len())
    }

    fn view(&self) -> Record<'_> {
        Record::parse(&self.0.as_bytes()[..self.1]).expect("a whole record")
    }
}

impl Run {
    pub(crate) fn begin() -> Run {
        Run::with(&Settings::default())
    }

    pub(crate) fn with(settings: &Settings) -> Run {
        let leaf = Leaf::make();
        let start = Instant::now();
        let loaded = load(settings, leaf.fd()).expect("load");
        eprintln!("loaded in {:?}", start.elapsed());
        let refused: Vec<String> = loaded.refused.iter().map(|(_, e)| e.reason()).collect();
        assert_eq!(refused, Vec::<String>::new());
        Run { loaded, records: Vec::new(), leaf }
    }

    /// Runs one of `actor`'s parts inside the leaf, and returns its pid and how it ended.
    pub(crate) fn act(&mut self, part: &str) -> (u32, ExitStatus) {
        let mut child = self.start(part);
        let status = child.wait().expect("wait");
        assert!(status.success(), "{part}: {status}");
        self.drain();
        (child.id(), status)
    }

    pub(crate) fn start(&self, part: &str) -> Child {
        self.command(part).env("ACT_PROCS", self.leaf.procs()).spawn().expect("start the actor")
    }

    fn command(&self, part: &str) -> Command {
        let mut command = Command::new(std::env::current_exe().expect("own path"));
        command
            .args(["--ignored", "--exact", "actor::actor", "--nocapture"])
            .env("ACT", part)
            .env("ACT_OUTSIDE", self.leaf.parent_procs())
            .stdout(Stdio::null());
        command
    }

    /// Runs a part outside the leaf.
    pub(crate) fn act_outside(&self, part: &str) {
        let status = self.command(part).status().expect("run the actor");
        assert!(status.success(), "{part}: {status}");
    }

    /// Runs a part whose first line of output is of interest.
    pub(crate) fn tell(&mut self, part: &str) -> String {
        let mut command = self.command(part);
        command.env("ACT_PROCS", self.leaf.procs()).stdout(Stdio::piped());
        let mut child = command.spawn().expect("start the actor");
        let lines = BufReader::new(child.stdout.take().expect("piped")).lines();
        let told: Vec<String> = lines.map_while(Result::ok).collect();
        assert!(child.wait().expect("wait").success(), "{part}");
        self.drain();
        told.iter()
            .find_map(|line| line.split("TOLD ").nth(1))
            .expect("the actor tells something")
            .to_owned()
    }

    pub(crate) fn detach(&mut self) {
        for source in &mut self.loaded.sources {
            source.detach();
        }
    }

    fn source(&mut self, topic: Topic) -> &mut Source {
        let found = self.loaded.sources.iter_mut().find(|source| source.topic() == topic);
        found.expect("loaded")
    }

    pub(crate) fn ring(&self, topic: Topic) -> &Ring {
        let found = self.loaded.sources.iter().find(|source| source.topic() == topic);
        found.expect("loaded").ring()
    }

    pub(crate) fn is_waiting(&mut self, topic: Topic) -> bool {
        self.source(topic).is_waiting()
    }

    /// Has the next record of processes wake us.
    pub(crate) fn rouse(&mut self) {
        self.source(Topic::Proc).rouse().expect("it is noted");
    }

    pub(crate) fn drain(&mut self) {
        for source in &mut self.loaded.sources {
            let records = &mut self.records;
            while source.drain(64, |bytes| records.push(Owned::copy(bytes))) == Left::More {}
        }
    }

    /// Drains until `enough`, waiting for wake-ups of the rings, or a while.
    pub(crate) fn until(&mut self, enough: impl Fn(&Run) -> bool) {
        let end = Instant::now() + Duration::from_secs(20);
        loop {
            self.drain();
            if enough(self) {
                return;
            }
            assert!(Instant::now() < end, "the records did not come");
            let rings = self.loaded.sources.iter();
            let mut fds: Vec<PollFd<'_>> =
                rings.map(|source| PollFd::new(source.ring(), PollFlags::IN)).collect();
            let tick = rustix::time::Timespec { tv_sec: 0, tv_nsec: 50_000_000 };
            poll(&mut fds, Some(&tick)).expect("poll");
        }
    }

    pub(crate) fn records(&self) -> impl Iterator<Item = Record<'_>> {
        self.records.iter().map(Owned::view)
    }

    pub(crate) fn counts(&self, topic: Topic) -> Counts {
        let found = self.loaded.sources.iter().find(|source| source.topic() == topic);
        let source = found.expect("loaded");
        assert_eq!(source.missed(), 0, "the kernel left out runs of a program");
        source.counters().expect("counters")
    }

    /// Checks that every run of a hook ended as a record or as a counted loss.
    pub(crate) fn assert_nothing_is_silent(&self) {
        for source in &self.loaded.sources {
            let counts = self.counts(source.topic());
            for kind in source.topic().kinds() {
                let row = counts[*kind as usize];
                let came = self.records().filter(|r| r.head().kind == *kind as u32).count();
                let told = came as u64 + row[Cell::Lost as usize];
                assert_eq!(row[Cell::Seen as usize], told, "{kind:?}");
            }
        }
    }

    pub(crate) fn lost(&self, topic: Topic, kind: Kind) -> u64 {
        self.counts(topic)[kind as usize][Cell::Lost as usize]
    }
}
