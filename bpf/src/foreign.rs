//! Who uses which socket that no cgroup program tells of: the map `foreign` of the net object.

use std::collections::HashMap;

use aya::maps::{HashMap as BpfMap, Map, MapData};
use event::wire::{ForeignKey, ForeignUse};
use zerocopy::{FromBytes, IntoBytes};

use crate::error::Error;
use crate::programs::Topic;

/// Pairs of socket and process at a time: `MAX_FOREIGN` in `foreign.h`.
const MAX: usize = 8192;

type Key = [u64; size_of::<ForeignKey>() / 8];
type Value = [u64; size_of::<ForeignUse>() / 8];

/// The map, and what was told of each entry.
#[derive(Debug)]
pub(crate) struct Foreign {
    map: BpfMap<MapData, Key, Value>,
    /// `last_ns` when it was told.
    told: HashMap<Key, u64>,
}

impl Foreign {
    pub(crate) fn of(map: Map) -> Result<Foreign, Error> {
        let map = BpfMap::try_from(map);
        let map = map.map_err(|e| Error::Map(Topic::Net, "foreign", Box::new(e)))?;
        Ok(Foreign { map, told: HashMap::with_capacity(MAX) })
    }

    /// Hands each entry that changed since the last call to `tell`, and those of which `is_over` says
    /// that nobody will use them any more a last time, with `true`; these are taken out.
    pub(crate) fn look(
        &mut self,
        is_over: impl Fn(&ForeignKey) -> bool,
        mut tell: impl FnMut(&ForeignKey, &ForeignUse, bool),
    ) {
        let mut over = Vec::new();
        for (raw, value) in self.map.iter().filter_map(Result::ok) {
            let (Ok(key), Ok(used)) = (
                ForeignKey::ref_from_bytes(raw.as_bytes()),
                ForeignUse::ref_from_bytes(value.as_bytes()),
            ) else {
                continue;
            };
            let ended = is_over(key);
            if ended || self.told.insert(raw, used.last_ns) != Some(used.last_ns) {
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
