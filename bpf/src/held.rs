//! Sums that programs keep in a map by what is used and by whom: sockets and files from outside the run.

use std::collections::HashMap;

use aya::Pod;
use aya::maps::{HashMap as BpfMap, Map, MapData};
use event::ProcId;
use event::wire::{ForeignKey, ForeignUse, InheritedKey, InheritedUse};
use zerocopy::{FromBytes, Immutable, IntoBytes, KnownLayout};

use crate::error::Error;
use crate::programs::Topic;

/// Pairs at a time: `MAX_FOREIGN` in `foreign.h`, `MAX_INHERITED_USES` in `inherited.h`.
const MAX: usize = 8192;

/// What such a map has.
pub(crate) trait Sums {
    /// Its key, and the same as the map's words.
    type Key: FromBytes + IntoBytes + KnownLayout + Immutable;
    /// See [`Sums::Key`].
    type RawKey: Pod + std::hash::Hash + Eq + IntoBytes + Immutable;
    /// Its value.
    type Use: FromBytes + IntoBytes + KnownLayout + Immutable;
    /// See [`Sums::Use`].
    type RawUse: Pod + IntoBytes + Immutable;
    /// Name of the map.
    const MAP: &'static str;
    /// When it was used last.
    fn last_ns(used: &Self::Use) -> u64;
    /// Who uses it.
    fn user(key: &Self::Key) -> ProcId;
}

/// Sockets that no cgroup program tells of.
#[derive(Debug)]
pub(crate) struct Foreign;

impl Sums for Foreign {
    type Key = ForeignKey;
    type RawKey = [u64; size_of::<ForeignKey>() / 8];
    type Use = ForeignUse;
    type RawUse = [u64; size_of::<ForeignUse>() / 8];
    const MAP: &'static str = "foreign";

    fn last_ns(used: &ForeignUse) -> u64 {
        used.last_ns
    }

    fn user(key: &ForeignKey) -> ProcId {
        ProcId { pid: key.pid, start_ns: key.start_ns }
    }
}

/// Files that were open before the run.
#[derive(Debug)]
pub(crate) struct Inherited;

impl Sums for Inherited {
    type Key = InheritedKey;
    type RawKey = [u64; size_of::<InheritedKey>() / 8];
    type Use = InheritedUse;
    type RawUse = [u64; size_of::<InheritedUse>() / 8];
    const MAP: &'static str = "inherited_uses";

    fn last_ns(used: &InheritedUse) -> u64 {
        used.last_ns
    }

    fn user(key: &InheritedKey) -> ProcId {
        ProcId { pid: key.pid, start_ns: key.start_ns }
    }
}

/// Such a map, and what was told of each entry.
#[derive(Debug)]
pub(crate) struct Held<S: Sums> {
    map: BpfMap<MapData, S::RawKey, S::RawUse>,
    /// [`Sums::last_ns`] when it was told.
    told: HashMap<S::RawKey, u64>,
}

impl<S: Sums> Held<S> {
    pub(crate) fn of(topic: Topic, map: Map) -> Result<Held<S>, Error> {
        let map = BpfMap::try_from(map).map_err(|e| Error::Map(topic, S::MAP, Box::new(e)))?;
        Ok(Held { map, told: HashMap::with_capacity(MAX) })
    }

    /// Hands each entry that changed since the last call to `tell`, and those whose process `is_over`
    /// a last time, with `true`; these are taken out.
    pub(crate) fn look(
        &mut self,
        is_over: impl Fn(ProcId) -> bool,
        mut tell: impl FnMut(&S::Key, &S::Use, bool),
    ) {
        let mut over = Vec::new();
        for (raw, value) in self.map.iter().filter_map(Result::ok) {
            let (Ok(key), Ok(used)) =
                (S::Key::ref_from_bytes(raw.as_bytes()), S::Use::ref_from_bytes(value.as_bytes()))
            else {
                continue;
            };
            let ended = is_over(S::user(key));
            let last_ns = S::last_ns(used);
            if ended || self.told.insert(raw, last_ns) != Some(last_ns) {
                tell(key, used, ended);
            }
            if ended {
                over.push(raw);
            }
        }
        for raw in over {
            self.told.remove(&raw);
            // Nothing else takes entries out, so it is there.
            let _ = self.map.remove(&raw);
        }
    }
}
