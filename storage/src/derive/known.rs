//! What the rows of an index mean by number: texts, processes, kinds of events and peers, each once, in
//! the order in which they were seen first.

use std::hash::Hash;

use foldhash::HashMap;
use rusqlite::Connection;

use super::index::{bytes, number};
use crate::{Row, schema};

/// Everything that was seen. Holds each different path once, as the summary does.
#[derive(Debug, Default)]
pub(super) struct Known {
    words: HashMap<Box<[u8]>, i64>,
    /// How many events have each word: see the tables' columns.
    uses: Vec<[u64; 6]>,
    actors: HashMap<Actor, i64>,
    actor_events: Vec<u64>,
    peers: HashMap<Peer, i64>,
    peer_events: Vec<u64>,
    /// Few: looked through faster than hashed.
    kinds: Vec<(String, Option<String>, u64)>,
    /// Room for other names.
    joined: Vec<u8>,
}

/// A process with the program that it runs and the user that it is.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
struct Actor {
    pid: Option<u32>,
    ppid: Option<u32>,
    uid: Option<u32>,
    exe: Option<i64>,
}

/// A peer: the texts by number.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
struct Peer {
    proto: Option<i64>,
    host: Option<i64>,
    ip: Option<i64>,
    port: Option<u16>,
}

/// Columns that count events of words: two of the table of words, then those of roles.
#[derive(Debug, Clone, Copy)]
enum Use {
    Path,
    Path2,
    Exe,
    Host,
    Ip,
    Also,
}

impl Known {
    pub(super) fn kind(&mut self, row: &Row<'_>) -> i64 {
        let is = |(kind, op, _): &(String, Option<String>, u64)| {
            kind == row.kind && op.as_deref() == row.op
        };
        let at = self.kinds.iter().position(is).unwrap_or(self.kinds.len());
        match self.kinds.get_mut(at) {
            Some((_, _, events)) => *events += 1,
            None => self.kinds.push((row.kind.to_owned(), row.op.map(str::to_owned), 1)),
        }
        id(at)
    }

    pub(super) fn actor(&mut self, row: &Row<'_>) -> Option<i64> {
        let exe = row.exe.map(|exe| self.word(exe));
        let actor = Actor { pid: row.pid, ppid: row.ppid, uid: row.uid, exe };
        if actor == (Actor { pid: None, ppid: None, uid: None, exe: None }) {
            return None;
        }
        Some(counted(&mut self.actors, &mut self.actor_events, actor))
    }

    pub(super) fn peer(&mut self, row: &Row<'_>) -> Option<i64> {
        let mut word = |text: Option<&str>| text.map(|text| self.word(text.as_bytes()));
        let (proto, host, ip) = (word(row.proto), word(row.host), word(row.ip));
        let peer = Peer { proto, host, ip, port: row.port };
        if peer == (Peer { proto: None, host: None, ip: None, port: None }) {
            return None;
        }
        Some(counted(&mut self.peers, &mut self.peer_events, peer))
    }

    pub(super) fn path(&mut self, row: &Row<'_>) -> Option<i64> {
        self.used(row.path?, Use::Path)
    }

    pub(super) fn path2(&mut self, row: &Row<'_>) -> Option<i64> {
        self.used(row.path2?, Use::Path2)
    }

    /// The other names, as one text with a NUL before the first: so a name stands between two, wherever it is.
    pub(super) fn also(&mut self, row: &Row<'_>) -> Option<i64> {
        let names = row.also.filter(|names| !names.is_empty())?;
        self.joined.clear();
        self.joined.push(0);
        self.joined.extend_from_slice(names);
        let joined = std::mem::take(&mut self.joined);
        let word = self.used(&joined, Use::Also);
        self.joined = joined;
        word
    }

    fn used(&mut self, text: &[u8], column: Use) -> Option<i64> {
        let word = self.word(text);
        self.count(Some(word), column, 1);
        Some(word)
    }

    fn word(&mut self, text: &[u8]) -> i64 {
        if let Some(known) = self.words.get(text) {
            return *known;
        }
        let new = id(self.uses.len());
        self.words.insert(text.into(), new);
        self.uses.push([0; 6]);
        new
    }

    fn count(&mut self, word: Option<i64>, column: Use, events: u64) {
        let at = word.and_then(|word| usize::try_from(word - 1).ok());
        let uses = at.and_then(|at| self.uses.get_mut(at));
        if let Some(count) = uses.and_then(|uses| uses.get_mut(column as usize)) {
            *count += events;
        }
    }

    /// Writes the tables. A kind of no more than `rare` events is a rare one; returns those whose numbers
    /// are below 63, a bit each.
    pub(super) fn write(mut self, index: &Connection, rare: u64) -> rusqlite::Result<i64> {
        let actors = in_order(std::mem::take(&mut self.actors));
        for ((actor, _), events) in actors.iter().zip(std::mem::take(&mut self.actor_events)) {
            self.count(actor.exe, Use::Exe, events);
        }
        let peers = in_order(std::mem::take(&mut self.peers));
        for ((peer, _), events) in peers.iter().zip(std::mem::take(&mut self.peer_events)) {
            self.count(peer.host, Use::Host, events);
            self.count(peer.ip, Use::Ip, events);
        }
        let mut insert = index.prepare(schema::INSERT_ACTOR)?;
        for (actor, id) in &actors {
            insert.execute((id, actor.pid, actor.ppid, actor.uid, actor.exe))?;
        }
        let mut insert = index.prepare(schema::INSERT_PEER)?;
        for (peer, id) in &peers {
            insert.execute((id, peer.proto, peer.host, peer.ip, peer.port))?;
        }
        let mut insert = index.prepare(schema::INSERT_KIND)?;
        let mut bits = 0;
        for (at, (kind, op, events)) in self.kinds.iter().enumerate() {
            let (id, is_rare) = (id(at), *events <= rare);
            insert.execute((id, kind, op, number(*events), is_rare))?;
            bits |= i64::from(is_rare && id < 63) << (id & 63);
        }
        let mut insert = index.prepare(schema::INSERT_WORD)?;
        let mut insert_role = index.prepare(schema::INSERT_ROLE)?;
        for ((word, id), uses) in in_order(self.words).iter().zip(&self.uses) {
            let [path, path2, exe, host, ip, also] = uses.map(number);
            insert.execute((id, bytes(word), path, path2))?;
            let [_, _, roles @ ..] = uses;
            if *roles != [0; 4] {
                insert_role.execute((id, exe, host, ip, also))?;
            }
        }
        Ok(bits)
    }
}

/// The number of what is at a place in the order of first sight.
fn id(at: usize) -> i64 {
    i64::try_from(at).unwrap_or(i64::MAX).saturating_add(1)
}

/// The number of `one`, of which there is an event more.
fn counted<T: Hash + Eq>(known: &mut HashMap<T, i64>, events: &mut Vec<u64>, one: T) -> i64 {
    let new = id(events.len());
    let id = *known.entry(one).or_insert(new);
    if id == new {
        events.push(0);
    }
    let at = usize::try_from(id - 1).ok();
    if let Some(events) = at.and_then(|at| events.get_mut(at)) {
        *events += 1;
    }
    id
}

fn in_order<T>(known: HashMap<T, i64>) -> Vec<(T, i64)> {
    let mut all: Vec<(T, i64)> = known.into_iter().collect();
    all.sort_unstable_by_key(|(_, id)| *id);
    all
}
