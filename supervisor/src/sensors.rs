//! The BPF sources at work, by topic, and their counters as of the last look.

use std::{error::Error as _, io};

use bpf::{Counts, Left, Ring, Topic};
use event::{
    ProcId,
    frame::control::Source,
    protocol::{Begin, without},
    wire::{
        COUNT_CELLS, Cell, ForeignKey, ForeignUse, InheritedKey, InheritedUse, Kind, RECORD_KINDS,
    },
};

use crate::{cgroup::Leaf, sys};

/// Which topic is which source, and the bits that switch it off.
pub(crate) const TOPICS: [(Topic, Source, u32); 4] = [
    (Topic::Proc, Source::Process, without::PROCESS),
    (Topic::Net, Source::Network, without::NETWORK),
    (Topic::Calls, Source::Calls, 0),
    // Whose a socket is, the programs of the network know.
    (Topic::Names, Source::Hosts, without::HOSTS | without::NETWORK),
];

/// One topic.
#[derive(Debug)]
struct Sensor {
    source: bpf::Source,
    counts: Counts,
    missed: u64,
    /// Records that were read.
    read: u64,
}

impl Sensor {
    fn drain(&mut self, budget: usize, mut see: impl FnMut(&[u8])) -> Left {
        let Sensor { source, read, .. } = self;
        source.drain(budget, |bytes| {
            *read += 1;
            see(bytes);
        })
    }
}

/// All topics that are at work.
#[derive(Debug)]
pub(crate) struct Sensors {
    sensors: [Option<Sensor>; TOPICS.len()],
}

impl Sensors {
    /// Loads what `settings` asks for and attaches it to `leaf`; what goes beyond `owner` is held back. Returns also what was refused.
    ///
    /// # Errors
    /// When nothing can be loaded at all.
    pub(crate) fn load(
        settings: &Begin,
        owner: Option<bpf::Owner>,
        leaf: &Leaf,
    ) -> Result<(Sensors, Vec<(Topic, bpf::Error)>), bpf::Error> {
        let without = settings.without;
        let wanted = |(topic, _, bits): (Topic, Source, u32)| {
            // Who is of the run and how it ends must be known, even if nobody wants to read about it.
            (without & bits == 0 || topic == Topic::Proc).then_some(topic)
        };
        let default = bpf::Settings::default();
        let name_ring = default.name_ring;
        let [proc, net, open] = settings.ring_kib;
        let bytes =
            |kib: u32, default: u32| if kib == 0 { default } else { kib.saturating_mul(1024) };
        let asked = bpf::Settings {
            topics: TOPICS.into_iter().filter_map(wanted).collect(),
            proc_ring: bytes(proc, default.proc_ring),
            net_ring: bytes(net, default.net_ring),
            call_ring: bytes(open, default.call_ring),
            name_ring,
            count_opens: without & (without::OPENS | without::FILES) == 0,
            tell_unwatched: without & without::FILES == 0,
            tell_files: without & without::FILES == 0,
            failed_opens: settings.failed_opens,
            owner,
        };
        let leaf = std::os::fd::AsFd::as_fd(leaf);
        let loaded = sys::apart(|| bpf::load(&asked, leaf))?;
        let mut sensors = Sensors { sensors: [const { None }; TOPICS.len()] };
        for source in loaded.sources {
            if let Some(place) = sensors.sensors.get_mut(place(source.topic())) {
                let counts = [[0; COUNT_CELLS]; RECORD_KINDS];
                *place = Some(Sensor { source, counts, missed: 0, read: 0 });
            }
        }
        Ok((sensors, loaded.refused))
    }

    /// Returns what this kernel has no hook for: [`bpf::Source::absent`].
    pub(crate) fn absent(&self, topic: Topic) -> &[&'static str] {
        self.at(topic).map_or(&[], |sensor| sensor.source.absent())
    }

    /// Returns the ring of `topic`, if it is at work.
    pub(crate) fn ring(&self, topic: Topic) -> Option<&Ring> {
        Some(self.at(topic)?.source.ring())
    }

    /// Hands records of `topic` to `see`.
    pub(crate) fn drain(&mut self, topic: Topic, budget: usize, see: impl FnMut(&[u8])) -> Left {
        match self.sensors.get_mut(place(topic)) {
            Some(Some(sensor)) => sensor.drain(budget, see),
            _ => Left::Empty,
        }
    }

    /// Hands records of `topic` to `see`, and before each those of processes: whoever acts was forked, and executed its
    /// program, before, and the loop may be late. An empty ring costs two loads.
    pub(crate) fn drain_with_processes(
        &mut self,
        topic: Topic,
        budget: usize,
        mut see: impl FnMut(Topic, &[u8]),
    ) -> Left {
        let both = [place(Topic::Proc), place(topic)];
        let Ok([processes, Some(wanted)]) = self.sensors.get_disjoint_mut(both) else {
            return Left::Empty;
        };
        wanted.drain(budget, |bytes| {
            if let Some(processes) = processes {
                // At most what is there now; the budget only guards against a ring that fills as fast as it is read.
                processes.drain(1 << 16, |bytes| see(Topic::Proc, bytes));
            }
            see(topic, bytes);
        })
    }

    /// Marks watch this file system, or only the mount of that number: its opens need not be told.
    pub(crate) fn leave_to_marks(&mut self, dev: u32, mount: Option<u32>) {
        if let Some(Some(sensor)) = self.sensors.get_mut(place(Topic::Calls)) {
            // No more room: its opens are told twice, and counted once.
            let _ = sensor.source.leave_to_marks(dev, mount);
        }
    }

    /// Reads all counters. Once a checkpoint, not on the way of records: it may allocate.
    pub(crate) fn look(&mut self) {
        for sensor in self.sensors.iter_mut().flatten() {
            if let Ok(counts) = sensor.source.counters() {
                sensor.counts = counts;
            }
            sensor.missed = sensor.source.missed();
        }
    }

    /// How many records were read.
    pub(crate) fn read(&self) -> u64 {
        self.sensors.iter().flatten().map(|sensor| sensor.read).sum()
    }

    /// Has the next record of each ring wake us.
    pub(crate) fn rouse(&mut self) {
        for sensor in self.sensors.iter_mut().flatten() {
            // Never seen; each checkpoint looks all the same.
            let _ = sensor.source.rouse();
        }
    }

    /// Whether something is in a ring.
    pub(crate) fn is_waiting(&mut self) -> bool {
        self.sensors.iter_mut().flatten().any(|sensor| sensor.source.is_waiting())
    }

    /// Gives memory back that the rings are read through.
    pub(crate) fn rest(&mut self) {
        self.sensors.iter_mut().flatten().for_each(|sensor| sensor.source.rest());
    }

    /// Hands the use of sockets that no record tells of to `tell`: [`bpf::Source::foreign`].
    pub(crate) fn foreign(
        &mut self,
        is_over: impl Fn(ProcId) -> bool,
        tell: impl FnMut(&ForeignKey, &ForeignUse, bool),
    ) {
        if let Some(Some(sensor)) = self.sensors.get_mut(place(Topic::Net)) {
            sensor.source.foreign(is_over, tell);
        }
    }

    /// Hands the use of files that were open before the run to `tell`: [`bpf::Source::inherited`].
    pub(crate) fn inherited(
        &mut self,
        is_over: impl Fn(ProcId) -> bool,
        tell: impl FnMut(&InheritedKey, &InheritedUse, bool),
    ) {
        if let Some(Some(sensor)) = self.sensors.get_mut(place(Topic::Calls)) {
            sensor.source.inherited(is_over, tell);
        }
    }

    /// Has the totals of sockets that are still open told, then lets no program run any more; what is
    /// in the rings stays to be drained. Returns what the kernel refused of the first.
    pub(crate) fn detach(&mut self) -> Option<bpf::Error> {
        let net = self.sensors.get_mut(place(Topic::Net));
        let refused = net.and_then(|net| net.as_mut()?.source.settle().err());
        self.look();
        for sensor in self.sensors.iter_mut().flatten() {
            sensor.source.detach();
        }
        refused
    }

    /// A counter as of the last look.
    pub(crate) fn count(&self, topic: Topic, kind: Kind, cell: Cell) -> u64 {
        let row = self.at(topic).and_then(|sensor| sensor.counts.get(kind as usize));
        row.and_then(|row| row.get(cell as usize)).copied().unwrap_or(0)
    }

    /// Runs that the kernel left out, as of the last look.
    pub(crate) fn missed(&self, topic: Topic) -> u64 {
        self.at(topic).map_or(0, |sensor| sensor.missed)
    }

    fn at(&self, topic: Topic) -> Option<&Sensor> {
        self.sensors.get(place(topic))?.as_ref()
    }
}

fn place(topic: Topic) -> usize {
    TOPICS.iter().position(|(known, ..)| *known == topic).unwrap_or(TOPICS.len())
}

/// The errno behind an error of the loader, 0 where there is none.
pub(crate) fn errno(error: &bpf::Error) -> i32 {
    let mut cause = error.source();
    while let Some(source) = cause {
        if let Some(code) = source.downcast_ref::<io::Error>().and_then(io::Error::raw_os_error) {
            return code;
        }
        cause = source.source();
    }
    0
}
