//! What the rows of an index mean by number, looked up once each.

use foldhash::HashMap;
use rusqlite::{
    Connection,
    types::{Type, ValueRef},
};

use crate::{
    Row,
    schema::{OF_ROWS, WHOLE_WORDS, WORD},
};

/// Bytes that are kept at most: beyond, all is looked up anew.
const MOST: usize = 32 << 20;

/// What a number costs beside the bytes of its texts, about.
const EACH: usize = 64;

/// A row as its numbers.
#[derive(Debug, Clone, Copy)]
pub(super) struct Numbers {
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
    pub(super) also: Option<i64>,
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
    seen: Seen,
}

/// What was looked up.
#[derive(Debug, Default)]
struct Seen {
    words: HashMap<i64, Box<[u8]>>,
    actors: HashMap<i64, Actor>,
    kinds: HashMap<i64, (Box<str>, Option<Box<str>>)>,
    peers: HashMap<i64, Peer>,
    /// What all of it takes, about.
    bytes: usize,
}

impl<'i> Names<'i> {
    /// `start_ns` is when the times of the rows begin.
    pub(super) fn new(index: &'i Connection, start_ns: i64) -> Names<'i> {
        Names { index, start_ns, seen: Seen::default() }
    }

    /// Puts a row together. The error says what is wrong with the index.
    pub(super) fn row(&mut self, numbers: &Numbers) -> rusqlite::Result<Row<'_>> {
        if self.seen.bytes > MOST {
            self.seen = Seen::default();
        }
        self.load_kind(numbers.kind)?;
        let actor = numbers.actor.map(|id| self.actor(id)).transpose()?;
        let peer = numbers.peer.map(|id| self.peer(id)).transpose()?;
        let exe = actor.and_then(|actor| actor.exe);
        let (proto, host, ip) = peer.map_or((None, None, None), |it| (it.proto, it.host, it.ip));
        let words = [exe, numbers.path, numbers.path2, numbers.also, proto, host, ip];
        for word in words.into_iter().flatten() {
            self.load_word(word)?;
        }
        let bytes =
            |id: Option<i64>| id.and_then(|id| self.seen.words.get(&id)).map(|word| &**word);
        let text = |id| bytes(id).and_then(|bytes| std::str::from_utf8(bytes).ok());
        let kind = self.seen.kinds.get(&numbers.kind);
        Ok(Row {
            seq: numbers.seq,
            ts_ns: numbers.since_start_ns.wrapping_add(self.start_ns),
            kind: kind.map_or("", |(kind, _)| &**kind),
            op: kind.and_then(|(_, op)| op.as_deref()),
            pid: actor.and_then(|actor| actor.pid),
            ppid: actor.and_then(|actor| actor.ppid),
            uid: actor.and_then(|actor| actor.uid),
            exe: bytes(exe),
            path: bytes(numbers.path),
            path2: bytes(numbers.path2),
            // Each name stands between two NULs.
            also: bytes(numbers.also).and_then(|also| also.strip_prefix(b"\0")),
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
        if self.seen.words.contains_key(&id) {
            return Ok(());
        }
        let text = format!("SELECT {WORD} FROM {WHOLE_WORDS} WHERE words.id = ?1");
        let mut look = self.index.prepare_cached(&text)?;
        let word: Box<[u8]> = look.query_row([id], |row| match row.get_ref(0)? {
            ValueRef::Text(bytes) | ValueRef::Blob(bytes) => Ok(bytes.into()),
            _ => Err(rusqlite::Error::InvalidQuery),
        })?;
        self.seen.bytes += word.len() + EACH;
        self.seen.words.insert(id, word);
        Ok(())
    }

    fn load_kind(&mut self, id: i64) -> rusqlite::Result<()> {
        if self.seen.kinds.contains_key(&id) {
            return Ok(());
        }
        let mut look = self.index.prepare_cached("SELECT type, op FROM kinds WHERE id = ?1")?;
        let kind: (Box<str>, Option<Box<str>>) =
            look.query_row([id], |row| Ok((row.get(0)?, row.get(1)?)))?;
        self.seen.bytes += kind.0.len() + kind.1.as_ref().map_or(0, |op| op.len()) + EACH;
        self.seen.kinds.insert(id, kind);
        Ok(())
    }

    fn actor(&mut self, id: i64) -> rusqlite::Result<Actor> {
        if let Some(known) = self.seen.actors.get(&id) {
            return Ok(*known);
        }
        let text = "SELECT pid, ppid, uid, exe FROM actors WHERE id = ?1";
        let actor = self.index.prepare_cached(text)?.query_row([id], |row| {
            Ok(Actor { pid: row.get(0)?, ppid: row.get(1)?, uid: row.get(2)?, exe: row.get(3)? })
        })?;
        self.seen.bytes += EACH;
        self.seen.actors.insert(id, actor);
        Ok(actor)
    }

    fn peer(&mut self, id: i64) -> rusqlite::Result<Peer> {
        if let Some(known) = self.seen.peers.get(&id) {
            return Ok(*known);
        }
        let text = "SELECT proto, host, ip, port FROM peers WHERE id = ?1";
        let peer = self.index.prepare_cached(text)?.query_row([id], |row| {
            Ok(Peer { proto: row.get(0)?, host: row.get(1)?, ip: row.get(2)?, port: row.get(3)? })
        })?;
        self.seen.bytes += EACH;
        self.seen.peers.insert(id, peer);
        Ok(peer)
    }
}

/// Reads a row as the table has its columns; an error when a value is of the wrong kind.
pub(super) fn read(row: &rusqlite::Row<'_>) -> rusqlite::Result<Numbers> {
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
        count: there(5)?,
        offset: there(6)?,
        path2: row.get(7)?,
        peer: row.get(8)?,
        sent: unsigned(9)?,
        received: unsigned(10)?,
        also: row.get(11)?,
    })
}

fn wrong(at: usize) -> rusqlite::Error {
    let name = OF_ROWS.get(at).copied().unwrap_or_default();
    rusqlite::Error::InvalidColumnType(at, name.to_owned(), Type::Integer)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_kept_of_a_hostile_index_is_bounded() {
        // As many kinds and peers as rows, which no run has: 48 kinds of 1 MiB, half of it the op.
        let index = Connection::open_in_memory().expect("memory");
        let made = "CREATE TABLE kinds(id INTEGER PRIMARY KEY, type TEXT, op TEXT); \
             CREATE TABLE peers(id INTEGER PRIMARY KEY, proto, host, ip, port); \
             WITH n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 48) \
             INSERT INTO kinds SELECT i, printf('%.*c', 524288, 'k'), printf('%.*c', 524288, 'o') FROM n; \
             WITH n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 48) \
             INSERT INTO peers SELECT i, NULL, NULL, NULL, i FROM n";
        index.execute_batch(made).expect("tables");
        let mut names = Names::new(&index, 0);
        let (mut most, mut cleared) = (0, 0);
        for number in 1..=48 {
            let before = names.seen.bytes;
            let row = names.row(&numbers(number)).expect("they are there");
            assert_eq!((row.kind.len(), row.port), (1 << 19, Some(number as u16)));
            let seen = &names.seen;
            let kinds: usize = seen
                .kinds
                .values()
                .map(|(kind, op)| kind.len() + op.as_ref().map_or(0, |op| op.len()))
                .sum();
            assert_eq!(seen.bytes, kinds + (seen.kinds.len() + seen.peers.len()) * EACH);
            most = most.max(kinds);
            cleared += usize::from(seen.bytes < before);
        }
        assert_eq!((most >> 20, cleared), ((MOST >> 20), 1), "once over, and not at each row");
    }

    fn numbers(number: i64) -> Numbers {
        Numbers {
            seq: 1,
            since_start_ns: 0,
            kind: number,
            actor: None,
            path: None,
            path2: None,
            peer: Some(number),
            sent: None,
            received: None,
            count: 1,
            offset: 0,
            also: None,
        }
    }
}
