//! Events that follow one another.

use foldhash::HashMap;
use std::net::IpAddr;

use event::ProcId;
use event::model::{Event, What};

use super::cleared::Cleared;
use super::fire::Seen;
use crate::lineage::Node;
use crate::rule::Same;

/// Beginnings that one rule remembers.
const BEGUN: usize = 16_384;

/// Sequences that have begun, by rule and next step.
#[derive(Debug, Default)]
pub(super) struct Sequences {
    begun: HashMap<(u32, u32), Waiting>,
}

/// Those that wait for one step.
#[derive(Debug, Default)]
struct Waiting {
    begun: HashMap<Key, Begun>,
    cleared: Cleared,
}

impl Waiting {
    /// Whether one more can be remembered; those that are too old go first.
    fn has_room(&mut self, now: i64, within_ns: i64) -> bool {
        if self.begun.len() >= BEGUN && self.cleared.is_due(now, within_ns) {
            self.begun.retain(|_, begun| now.saturating_sub(begun.since_ns) <= within_ns);
        }
        self.begun.len() < BEGUN
    }
}

/// A sequence that waits for its next event.
#[derive(Debug, Clone)]
pub(super) struct Begun {
    since_ns: i64,
    /// Numbers of its events so far.
    pub(super) causes: Vec<u64>,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash)]
enum Key {
    Run,
    Process(ProcId),
    Inode(u32, u64),
    Path(Vec<u8>),
    Peer(IpAddr),
}

impl Sequences {
    /// Returns the sequence that an event goes on with.
    pub(super) fn find(
        &self,
        (rule, step): (u32, u32),
        (same, within_ns): (Same, i64),
        seen: &Seen<'_>,
    ) -> Option<Begun> {
        let begun = &self.begun.get(&(rule, step))?.begun;
        let keys = match same {
            Same::Lineage | Same::Family => lineage(seen),
            _ => keys(same, seen),
        };
        let now = seen.event.ts_ns;
        let young = |begun: &&Begun| now.saturating_sub(begun.since_ns) <= within_ns;
        keys.iter().filter_map(|key| begun.get(key)).find(young).cloned()
    }

    /// Remembers that a sequence waits for `step`. Returns how many had to be forgotten.
    pub(super) fn wait(
        &mut self,
        (rule, step): (u32, u32),
        (same, within_ns): (Same, i64),
        seen: &Seen<'_>,
        before: Option<Begun>,
    ) -> u64 {
        let waiting = self.begun.entry((rule, step)).or_default();
        let now = seen.event.ts_ns;
        if !waiting.has_room(now, within_ns) {
            return 1;
        }
        let mut begun = before.unwrap_or(Begun { since_ns: now, causes: Vec::new() });
        begun.causes.push(seen.event.seq);
        for key in keys(same, seen) {
            waiting.begun.insert(key, begun.clone());
        }
        0
    }
}

/// What an event leaves for the next, or looks for.
fn keys(same: Same, seen: &Seen<'_>) -> Vec<Key> {
    let who = seen.who.as_deref();
    let of = |node: Option<&Node>| node.map(|node| Key::Process(node.id)).into_iter().collect();
    match same {
        Same::Run => vec![Key::Run],
        Same::Process | Same::Lineage => of(who),
        Same::Family => of(who.and_then(|who| who.parent.as_deref()).or(who)),
        Same::File => files(seen.event),
        Same::Peer => match &seen.event.what {
            What::Net(net) => net.peer.map(|peer| Key::Peer(peer.ip().to_canonical())),
            What::Dns(dns) => Some(Key::Peer(dns.peer.ip().to_canonical())),
            _ => None,
        }
        .into_iter()
        .collect(),
    }
}

fn lineage(seen: &Seen<'_>) -> Vec<Key> {
    let Some(who) = seen.who.as_deref() else { return Vec::new() };
    std::iter::once(who).chain(who.ancestors()).map(|node| Key::Process(node.id)).collect()
}

fn files(event: &Event) -> Vec<Key> {
    let inode = |dev: Option<u32>, ino: Option<u64>| {
        dev.zip(ino).filter(|(_, ino)| *ino != 0).map(|(dev, ino)| Key::Inode(dev, ino))
    };
    let path = |path: Option<&[u8]>| path.map(|path| Key::Path(path.to_vec()));
    let found = match &event.what {
        What::File(file) => {
            vec![inode(file.dev, file.ino), path(file.path2.as_deref().or(file.path.as_deref()))]
        }
        What::Exec(exec) => vec![
            inode(Some(exec.exe_dev), Some(exec.exe_ino)),
            path(event.actor.as_ref().and_then(|actor| actor.exe.as_deref())),
        ],
        What::Hash(hash) => vec![inode(hash.dev, hash.ino), path(hash.path.as_deref())],
        _ => Vec::new(),
    };
    found.into_iter().flatten().collect()
}
