//! A loaded topic: its ring, its counters, its attached programs.

use std::os::fd::{AsFd, AsRawFd, BorrowedFd, RawFd};

use aya::maps::{Array, HashMap, Map, MapData, MapError, PerCpuArray};
use event::ProcId;
use event::wire::{COUNT_CELLS, ForeignKey, ForeignUse, InheritedKey, InheritedUse, RECORD_KINDS};

use crate::error::Error;
use crate::held::{Foreign, Held, Inherited};
use crate::links::Links;
use crate::memory::Reader;
use crate::programs::{Hook, Topic};

/// Cells by record kind: `counts[Kind::Exec as usize][Cell::Lost as usize]`. They only grow.
pub type Counts = [[u64; COUNT_CELLS]; RECORD_KINDS];

/// Whether a drain ended because nothing was left or because its budget was used up.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Left {
    /// The ring was empty for a moment.
    Empty,
    /// There may be more: call again before waiting, the wake-up is edge-triggered.
    More,
}

/// The ring of one topic. Register its descriptor for reading.
#[derive(Debug)]
pub struct Ring(Reader<RingMap>);

#[derive(Debug)]
struct RingMap(MapData);

impl AsFd for RingMap {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.0.fd().as_fd()
    }
}

impl Ring {
    /// A reader of the ring that `map` is.
    pub(crate) fn of(map: Map) -> Result<Ring, MapError> {
        let Map::RingBuf(data) = map else {
            return Err(MapError::InvalidMapType { map_type: 0 });
        };
        let size = data.info()?.max_entries();
        Ok(Ring(Reader::new(RingMap(data), size).map_err(MapError::IoError)?))
    }

    /// Hands at most `budget` records to `see`, each where it lies in the ring.
    pub fn drain(&mut self, budget: usize, mut see: impl FnMut(&[u8])) -> Left {
        for _ in 0..budget {
            if !self.0.next(&mut see) {
                return Left::Empty;
            }
        }
        Left::More
    }
}

impl AsFd for Ring {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.0.as_fd()
    }
}

impl AsRawFd for Ring {
    fn as_raw_fd(&self) -> RawFd {
        self.0.as_fd().as_raw_fd()
    }
}

/// One topic at work. Dropping it detaches its programs.
pub struct Source {
    pub(crate) topic: Topic,
    pub(crate) ring: Ring,
    /// Whether we look by ourselves: `attention` of progs/common.h.
    pub(crate) attention: Array<MapData, u32>,
    pub(crate) counters: PerCpuArray<MapData, [u64; COUNT_CELLS]>,
    /// What needs no telling, where the topic asks for it.
    pub(crate) watched: Option<HashMap<MapData, u64, u32>>,
    pub(crate) foreign: Option<Held<Foreign>>,
    pub(crate) inherited: Option<Held<Inherited>>,
    /// Programs at work, until [`Source::detach`].
    pub(crate) links: Option<Links>,
    /// [`Source::missed`] at the moment of detaching.
    pub(crate) missed: u64,
    /// [`Source::absent`].
    pub(crate) absent: Vec<&'static str>,
}

impl std::fmt::Debug for Source {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Source")
            .field("topic", &self.topic)
            .field("ring", &self.ring)
            .finish_non_exhaustive()
    }
}

impl Source {
    /// Returns which one it is.
    #[must_use]
    pub fn topic(&self) -> Topic {
        self.topic
    }

    /// Returns its ring, for registering.
    #[must_use]
    pub fn ring(&self) -> &Ring {
        &self.ring
    }

    /// Returns what this kernel has no hook for, of what should be told.
    #[must_use]
    pub fn absent(&self) -> &[&'static str] {
        &self.absent
    }

    /// Hands records to `see`: [`Ring::drain`].
    pub fn drain(&mut self, budget: usize, see: impl FnMut(&[u8])) -> Left {
        self.ring.drain(budget, see)
    }

    /// Has the next record wake the reader. The first one of a while does, and those behind it do not: who was
    /// woken looks from time to time, until nothing came any more; calls this; and looks once more, for what
    /// was on its way.
    ///
    /// # Errors
    /// Those of bpf(2): then nothing wakes the reader.
    pub fn rouse(&mut self) -> Result<(), Error> {
        let wrong = |e| Error::Map(self.topic, "attention", Box::new(e));
        self.attention.set(0, 0, 0).map_err(wrong)
    }

    /// Whether something is in its ring, be it written or not.
    #[must_use]
    pub fn is_waiting(&mut self) -> bool {
        self.ring.0.is_waiting()
    }

    /// Gives the memory back that its ring was read through; the next [`Source::drain`] takes some again.
    pub fn rest(&mut self) {
        self.ring.0.rest();
    }

    /// Returns the counters, summed over CPUs. Reads only rows that its kinds can move.
    ///
    /// # Errors
    /// [`Error::Map`] when the kernel refuses the look-up.
    pub fn counters(&self) -> Result<Counts, Error> {
        let mut counts: Counts = [[0; COUNT_CELLS]; RECORD_KINDS];
        for kind in self.topic.kinds() {
            let cpus = self
                .counters
                .get(&(*kind as u32), 0)
                .map_err(|e| Error::Map(self.topic, "counters", Box::new(e)))?;
            let Some(row) = counts.get_mut(*kind as usize) else { continue };
            for cells in cpus.iter() {
                for (sum, cell) in row.iter_mut().zip(cells) {
                    *sum = sum.saturating_add(*cell);
                }
            }
        }
        Ok(counts)
    }

    /// From now on opens on this file system need not be told: marks watch it, all of it or only the
    /// mount of that number.
    ///
    /// # Errors
    /// [`Error::Map`] when there is no more room: its opens are told twice then.
    pub fn leave_to_marks(&mut self, dev: u32, mount: Option<u32>) -> Result<(), Error> {
        let Some(watched) = &mut self.watched else { return Ok(()) };
        let key = u64::from(dev) << 32 | u64::from(mount.unwrap_or(0));
        watched.insert(key, 1, 0).map_err(|e| Error::Map(self.topic, "watched", Box::new(e)))
    }

    /// Hands the use of sockets that no cgroup program tells of to `tell`, where it changed since the
    /// last call, and a last time, with `true`, where `is_over` says so. Reads maps: once a window, not
    /// for each record.
    pub fn foreign(
        &mut self,
        is_over: impl Fn(ProcId) -> bool,
        tell: impl FnMut(&ForeignKey, &ForeignUse, bool),
    ) {
        if let Some(foreign) = &mut self.foreign {
            foreign.look(is_over, tell);
        }
    }

    /// The same for files that were open before the run.
    pub fn inherited(
        &mut self,
        is_over: impl Fn(ProcId) -> bool,
        tell: impl FnMut(&InheritedKey, &InheritedUse, bool),
    ) {
        if let Some(inherited) = &mut self.inherited {
            inherited.look(is_over, tell);
        }
    }

    /// Has the totals of all open sockets of the run told, as flow records in the ring.
    ///
    /// # Errors
    /// When the kernel refuses the iteration.
    pub fn settle(&mut self) -> Result<(), Error> {
        let program = self.topic.programs().find(|it| it.hook == Hook::TaskFiles);
        let (Some(program), Some(links)) = (program, &mut self.links) else { return Ok(()) };
        links.settle().map_err(|e| Error::Attach(self.topic, program.name, Box::new(e)))
    }

    /// Stops the programs; what they sent stays in the ring. After it no counter moves.
    pub fn detach(&mut self) {
        self.missed = self.missed();
        if let Some(mut links) = self.links.take() {
            links.close();
        }
    }

    /// Returns how often the kernel left out a run of one of its programs, because one was running
    /// on that CPU already. Such a run is in no counter. 0 where the kernel does not tell.
    #[must_use]
    pub fn missed(&self) -> u64 {
        self.links.as_ref().map_or(self.missed, Links::missed)
    }
}
