//! What the rows of an index mean by number: texts, processes, kinds of events and peers, each once, in
//! the order in which they were seen first.

use std::hash::Hash;

use foldhash::HashMap;
use rusqlite::{
    Connection, params_from_iter,
    types::{ToSqlOutput, ValueRef},
};

use super::index::{NULL, TOGETHER, bytes, number};
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
    kinds: Vec<Kind>,
    /// Room for other names.
    joined: Vec<u8>,
}

/// A type with an operation.
#[derive(Debug)]
struct Kind {
    name: String,
    op: Option<String>,
    events: u64,
    /// Their numbers, as long as they may be few.
    seqs: Vec<u64>,
}

/// A kind is rare when no more than one event of so many is of it.
const RARE: u64 = 32;

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
        let is = |kind: &Kind| kind.name == row.kind && kind.op.as_deref() == row.op;
        let at = self.kinds.iter().position(is).unwrap_or(self.kinds.len());
        if at == self.kinds.len() {
            let (name, op) = (row.kind.to_owned(), row.op.map(str::to_owned));
            self.kinds.push(Kind { name, op, events: 0, seqs: Vec::new() });
        }
        if let Some(kind) = self.kinds.get_mut(at) {
            kind.events += 1;
            if kind.events <= schema::FEW / RARE {
                kind.seqs.push(row.seq);
            } else {
                kind.seqs = Vec::new();
            }
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

    /// Writes the tables, for so many `rows`. Returns the rare kinds whose numbers are below 63, a bit each.
    pub(super) fn write(mut self, index: &Connection, rows: u64) -> rusqlite::Result<i64> {
        let actors = in_order(std::mem::take(&mut self.actors));
        for ((actor, _), events) in actors.iter().zip(std::mem::take(&mut self.actor_events)) {
            self.count(actor.exe, Use::Exe, events);
        }
        let peers = in_order(std::mem::take(&mut self.peers));
        for ((peer, _), events) in peers.iter().zip(std::mem::take(&mut self.peer_events)) {
            self.count(peer.host, Use::Host, events);
            self.count(peer.ip, Use::Ip, events);
        }
        fill(index, "actors", actors.iter().map(|(actor, _)| actor.row()))?;
        fill(index, "peers", peers.iter().map(|(peer, _)| peer.row()))?;
        let rare = self.write_kinds(index, rows)?;
        self.write_words(index)?;
        Ok(rare)
    }

    fn write_kinds(&self, index: &Connection, rows: u64) -> rusqlite::Result<i64> {
        let mut bits = 0;
        let is_rare = |kind: &Kind| kind.events <= rows / RARE;
        let kinds = self.kinds.iter().enumerate().map(|(at, kind)| {
            let (id, is_rare) = (id(at), is_rare(kind));
            bits |= i64::from(is_rare && id < 63) << (id & 63);
            let op = kind.op.as_deref().map_or(NULL, |op| bytes(op.as_bytes()));
            [NULL, bytes(kind.name.as_bytes()), op, number(kind.events), is_rare.into()]
        });
        fill(index, "kinds", kinds)?;
        // Of more rows, what is rare may be too much to be kept here: `schema::complete`.
        let rare = self.kinds.iter().enumerate().filter(|(_, kind)| is_rare(kind));
        let rare = rare
            .flat_map(|(at, kind)| kind.seqs.iter().map(move |seq| [id(at).into(), number(*seq)]));
        if rows <= schema::FEW {
            fill(index, "rare", rare)?;
        }
        Ok(bits)
    }

    fn write_words(self, index: &Connection) -> rusqlite::Result<()> {
        let words = in_order(self.words);
        let mut dirs = HashMap::<&[u8], i64>::default();
        let of_words = words.iter().zip(&self.uses).map(|((word, _), uses)| {
            let (dir, name) = apart(word);
            let next = id(dirs.len());
            let dir = *dirs.entry(dir).or_insert(next);
            let [path, path2, ..] = uses.map(number);
            [NULL, dir.into(), as_whole(name, word), path, path2]
        });
        fill(index, "words", of_words)?;
        fill(index, "dirs", in_order(dirs).into_iter().map(|(dir, _)| [NULL, bytes(dir)]))?;
        let roles = words.iter().zip(&self.uses).filter(|(_, [_, _, roles @ ..])| *roles != [0; 4]);
        let roles = roles.map(|((_, id), uses)| {
            let [_, _, exe, host, ip, also] = uses.map(number);
            [(*id).into(), exe, host, ip, also]
        });
        fill(index, "roles", roles)
    }
}

impl Actor {
    fn row(&self) -> [ToSqlOutput<'static>; 5] {
        [NULL, optional(self.pid), optional(self.ppid), optional(self.uid), optional(self.exe)]
    }
}

impl Peer {
    fn row(&self) -> [ToSqlOutput<'static>; 5] {
        [NULL, optional(self.proto), optional(self.host), optional(self.ip), optional(self.port)]
    }
}

/// Fills a table; NULL as a row's number is the one after the row's before it, the first of all 1.
fn fill<'v, const COLUMNS: usize>(
    index: &Connection,
    table: &str,
    mut rows: impl Iterator<Item = [ToSqlOutput<'v>; COLUMNS]>,
) -> rusqlite::Result<()> {
    let mut many = index.prepare(&schema::insert(table, COLUMNS, TOGETHER))?;
    let mut one = index.prepare(&schema::insert(table, COLUMNS, 1))?;
    let mut waiting = Vec::with_capacity(TOGETHER);
    loop {
        waiting.extend(rows.by_ref().take(TOGETHER));
        if waiting.len() < TOGETHER {
            break;
        }
        many.execute(params_from_iter(waiting.drain(..).flatten()))?;
    }
    waiting.into_iter().try_for_each(|row| one.execute(params_from_iter(row)).map(drop))
}

/// A word up to its last slash, which belongs to the first part, and the rest; all is rest where the first would be
/// too long.
fn apart(word: &[u8]) -> (&[u8], &[u8]) {
    let dir = memchr::memrchr(b'/', word).map_or(0, |slash| slash + 1);
    word.split_at(if dir > schema::LONGEST_DIR { 0 } else { dir })
}

/// A part of a word as it would be in a column, if the word were there as a whole.
fn as_whole<'p>(part: &'p [u8], word: &[u8]) -> ToSqlOutput<'p> {
    ToSqlOutput::Borrowed(match bytes(word) {
        ToSqlOutput::Borrowed(ValueRef::Text(_)) => ValueRef::Text(part),
        _ => ValueRef::Blob(part),
    })
}

fn optional(value: Option<impl Into<i64>>) -> ToSqlOutput<'static> {
    value.map_or(NULL, |value| value.into().into())
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
