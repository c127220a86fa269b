//! What the rows of an index mean by number, looked up once each.

use std::collections::HashMap;

use rusqlite::{
    Connection,
    types::{Type, ValueRef},
};

use crate::{Row, schema::OF_ROWS};

/// Bytes of texts that are kept at most: beyond, they are looked up anew.
const MOST: usize = 32 << 20;

/// What a text costs beside its bytes, about.
const EACH: usize = 64;

/// A row as its numbers.
#[derive(Debug, Clone, Copy)]
pub(super) struct Numbers<'r> {
    pub(super) seq: u64,
    pub(super) since_start_ns: i64,
    pub(super) kind: i64,
    pub(super) actor: Option<i64>,
    pub(super) path: Option<i64>,
    pub(super) path2: Option<i64>,
    pub(super) peer: Option<i64>,
    pub(super) sent: Option<u64>,
    pub(super) received: Option<u64>,
    pub(super) count: u64,
    pub(super) offset: u64,
    pub(super) len: usize,
    pub(super) also: Option<&'r [u8]>,
}

#[derive(Debug, Clone, Copy)]
struct Actor {
    pid: Option<u32>,
    ppid: Option<u32>,
    uid: Option<u32>,
    exe: Option<i64>,
}

#[derive(Debug, Clone, Copy)]
struct Peer {
    proto: Option<i64>,
    host: Option<i64>,
    ip: Option<i64>,
    port: Option<u16>,
}

/// Looks numbers up in an index that somebody else may have made.
#[derive(Debug)]
pub(super) struct Names<'i> {
    index: &'i Connection,
    start_ns: i64,
    words: HashMap<i64, Box<[u8]>>,
    /// Bytes of them.
    held: usize,
    actors: HashMap<i64, Actor>,
    kinds: HashMap<i64, (String, Option<String>)>,
    peers: HashMap<i64, Peer>,
}

impl<'i> Names<'i> {
    /// `start_ns` is when the times of the rows begin.
    pub(super) fn new(index: &'i Connection, start_ns: i64) -> Names<'i> {
        Names {
            index,
            start_ns,
            words: HashMap::new(),
            held: 0,
            actors: HashMap::new(),
            kinds: HashMap::new(),
            peers: HashMap::new(),
        }
    }

    /// Puts a row together. The error says what is wrong with the index.
    pub(super) fn row<'n>(&'n mut self, numbers: &Numbers<'n>) -> rusqlite::Result<Row<'n>> {
        if self.held > MOST || self.actors.len() + self.peers.len() > MOST / EACH {
            (self.held, self.words, self.actors) = (0, HashMap::new(), HashMap::new());
            self.peers = HashMap::new();
        }
        self.load_kind(numbers.kind)?;
        let actor = numbers.actor.map(|id| self.actor(id)).transpose()?;
        let peer = numbers.peer.map(|id| self.peer(id)).transpose()?;
        let exe = actor.and_then(|actor| actor.exe);
        let (proto, host, ip) = peer.map_or((None, None, None), |it| (it.proto, it.host, it.ip));
        for word in [exe, numbers.path, numbers.path2, proto, host, ip].into_iter().flatten() {
            self.load_word(word)?;
        }
        let bytes = |id: Option<i64>| id.and_then(|id| self.words.get(&id)).map(|word| &**word);
        let text = |id| bytes(id).and_then(|bytes| std::str::from_utf8(bytes).ok());
        let kind = self.kinds.get(&numbers.kind);
        Ok(Row {
            seq: numbers.seq,
            ts_ns: numbers.since_start_ns.wrapping_add(self.start_ns),
            kind: kind.map_or("", |(kind, _)| kind),
            op: kind.and_then(|(_, op)| op.as_deref()),
            pid: actor.and_then(|actor| actor.pid),
            ppid: actor.and_then(|actor| actor.ppid),
            uid: actor.and_then(|actor| actor.uid),
            exe: bytes(exe),
            path: bytes(numbers.path),
            path2: bytes(numbers.path2),
            // Each name stands between two NULs.
            also: numbers.also.and_then(|also| also.strip_prefix(b"\0")),
            proto: text(proto),
            host: text(host),
            ip: text(ip),
            port: peer.and_then(|peer| peer.port),
            sent: numbers.sent,
            received: numbers.received,
            count: numbers.count,
            line: &[],
        })
    }

    fn load_word(&mut self, id: i64) -> rusqlite::Result<()> {
        if self.words.contains_key(&id) {
            return Ok(());
        }
        let mut look = self.index.prepare_cached("SELECT value FROM words WHERE id = ?1")?;
        let word: Box<[u8]> = look.query_row([id], |row| match row.get_ref(0)? {
            ValueRef::Text(bytes) | ValueRef::Blob(bytes) => Ok(bytes.into()),
            _ => Err(rusqlite::Error::InvalidQuery),
        })?;
        self.held += word.len() + EACH;
        self.words.insert(id, word);
        Ok(())
    }

    fn load_kind(&mut self, id: i64) -> rusqlite::Result<()> {
        if self.kinds.contains_key(&id) {
            return Ok(());
        }
        let mut look = self.index.prepare_cached("SELECT type, op FROM kinds WHERE id = ?1")?;
        let kind: (String, Option<String>) =
            look.query_row([id], |row| Ok((row.get(0)?, row.get(1)?)))?;
        self.held += kind.0.len() + EACH;
        self.kinds.insert(id, kind);
        Ok(())
    }

    fn actor(&mut self, id: i64) -> rusqlite::Result<Actor> {
        if let Some(known) = self.actors.get(&id) {
            return Ok(*known);
        }
        let text = "SELECT pid, ppid, uid, exe FROM actors WHERE id = ?1";
        let actor = self.index.prepare_cached(text)?.query_row([id], |row| {
            Ok(Actor { pid: row.get(0)?, ppid: row.get(1)?, uid: row.get(2)?, exe: row.get(3)? })
        })?;
        self.actors.insert(id, actor);
        Ok(actor)
    }

    fn peer(&mut self, id: i64) -> rusqlite::Result<Peer> {
        if let Some(known) = self.peers.get(&id) {
            return Ok(*known);
        }
        let text = "SELECT proto, host, ip, port FROM peers WHERE id = ?1";
        let peer = self.index.prepare_cached(text)?.query_row([id], |row| {
            Ok(Peer { proto: row.get(0)?, host: row.get(1)?, ip: row.get(2)?, port: row.get(3)? })
        })?;
        self.peers.insert(id, peer);
        Ok(peer)
    }
}

/// Reads a row as the table has its columns; an error when a value is of the wrong kind.
pub(super) fn read<'r>(row: &'r rusqlite::Row<'_>) -> rusqlite::Result<Numbers<'r>> {
    let unsigned = |at: usize| -> rusqlite::Result<Option<u64>> {
        let number: Option<i64> = row.get(at)?;
        number.map(|number| u64::try_from(number).map_err(|_| wrong(at))).transpose()
    };
    let there = |at: usize| unsigned(at)?.ok_or_else(|| wrong(at));
    Ok(Numbers {
        seq: there(0)?,
        since_start_ns: row.get(1)?,
        kind: row.get(2)?,
        actor: row.get(3)?,
        path: row.get(4)?,
        path2: row.get(5)?,
        peer: row.get(6)?,
        sent: unsigned(7)?,
        received: unsigned(8)?,
        count: there(9)?,
        offset: there(10)?,
        len: usize::try_from(there(11)?).map_err(|_| wrong(11))?,
        also: row.get_ref(12)?.as_blob_or_null()?,
    })
}

fn wrong(at: usize) -> rusqlite::Error {
    let name = OF_ROWS.get(at).copied().unwrap_or_default();
    rusqlite::Error::InvalidColumnType(at, name.to_owned(), Type::Integer)
}
