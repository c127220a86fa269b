//! A run counted once over: what a page about it shows.

use std::collections::{BTreeMap, HashMap};

use crate::Row;

/// How many events of a type and operation there are.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct TypeCount {
    /// `type`.
    pub kind: String,
    /// `op`.
    pub op: Option<String>,
    /// Events.
    pub events: u64,
    /// How often it happened: the sum of the events' counts.
    pub times: u64,
}

/// How often something happened to a path, or was executed from it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct PathCount {
    /// Exact bytes.
    pub path: Vec<u8>,
    /// How often.
    pub times: u64,
    /// The first event.
    pub first_seq: u64,
}

/// Who was talked to.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Destination {
    /// Its address.
    pub ip: String,
    /// Its port.
    pub port: u16,
    /// `tcp`, `udp`, ….
    pub proto: String,
    /// Its name, where one is known: the first.
    pub host: Option<String>,
    /// The event that has it.
    pub host_seq: Option<u64>,
    /// Connects, sends and accepts.
    pub contacts: u64,
    /// Payload bytes out.
    pub sent: u64,
    /// Payload bytes in.
    pub received: u64,
    /// The program that was first to.
    pub exe: Option<Vec<u8>>,
    /// The first event.
    pub first_seq: u64,
}

/// A list, the most frequent first, and how long it would be in full.
pub type Top<T> = (Vec<T>, usize);

/// A run counted once over.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Summary {
    /// Events by type and operation, in the order of their names.
    pub types: Vec<TypeCount>,
    /// What was executed (`type` exec).
    pub executed: Top<PathCount>,
    /// Files read.
    pub read: Top<PathCount>,
    /// Files written.
    pub written: Top<PathCount>,
    /// Files and directories created.
    pub created: Top<PathCount>,
    /// Files and directories deleted.
    pub deleted: Top<PathCount>,
    /// Files and directories renamed, by their new paths.
    pub renamed: Top<PathCount>,
    /// Who was talked to, the most bytes first.
    pub destinations: Top<Destination>,
    /// First and last time of an event, nanoseconds since 1970.
    pub span_ns: Option<(i64, i64)>,
    /// Lines that are no events; only known when all lines were read.
    pub malformed: u64,
}

impl Summary {
    /// Returns how often `op` of `kind` happened; without `op`, all of that type.
    #[must_use]
    pub fn times(&self, kind: &str, op: Option<&str>) -> u64 {
        let is = |t: &&TypeCount| t.kind == kind && (op.is_none() || t.op.as_deref() == op);
        self.types.iter().filter(is).map(|t| t.times).fold(0, u64::saturating_add)
    }
}

type Paths = HashMap<Box<[u8]>, (u64, u64)>;

/// Counts while rows go by. Holds every distinct path once.
#[derive(Debug, Default)]
pub(super) struct Counts {
    /// By type, then by operation (empty for none): looked up without making a key.
    types: BTreeMap<String, BTreeMap<String, (u64, u64)>>,
    paths: [Paths; 6],
    destinations: HashMap<(String, u16, String), Destination>,
    span_ns: Option<(i64, i64)>,
}

impl Counts {
    pub(super) fn add(&mut self, row: &Row<'_>) {
        let span = self.span_ns.get_or_insert((row.ts_ns, row.ts_ns));
        *span = (span.0.min(row.ts_ns), span.1.max(row.ts_ns));
        self.count_type(row);
        let [executed, read, written, created, deleted, renamed] = &mut self.paths;
        match (row.kind, row.op) {
            ("exec", _) => count(executed, row.exe, row),
            ("file", Some("read")) => count(read, row.path, row),
            ("file", Some("write")) => count(written, row.path, row),
            ("file", Some("create")) => count(created, row.path, row),
            ("file", Some("delete")) => count(deleted, row.path, row),
            ("file", Some("rename")) => count(renamed, row.path2.or(row.path), row),
            ("net", op) => self.contact(op, row),
            _ => {}
        }
    }

    fn count_type(&mut self, row: &Row<'_>) {
        let op = row.op.unwrap_or_default();
        let known = self.types.get_mut(row.kind).and_then(|ops| ops.get_mut(op));
        if let Some((events, times)) = known {
            (*events, *times) = (*events + 1, times.saturating_add(row.count));
        } else {
            let ops = self.types.entry(row.kind.to_owned()).or_default();
            ops.insert(op.to_owned(), (1, row.count));
        }
    }

    fn contact(&mut self, op: Option<&str>, row: &Row<'_>) {
        let (Some(ip), Some(port)) = (row.ip, row.port) else { return };
        let proto = row.proto.unwrap_or_default();
        let key = (ip.to_owned(), port, proto.to_owned());
        let to = self.destinations.entry(key).or_insert_with(|| Destination {
            ip: ip.to_owned(),
            port,
            proto: proto.to_owned(),
            exe: row.exe.map(<[u8]>::to_vec),
            first_seq: row.seq,
            ..Destination::default()
        });
        if op != Some("flow") {
            to.contacts = to.contacts.saturating_add(row.count);
        }
        to.sent = to.sent.saturating_add(row.sent.unwrap_or(0));
        to.received = to.received.saturating_add(row.received.unwrap_or(0));
        if let (None, Some(host)) = (&to.host, row.host) {
            (to.host, to.host_seq) = (Some(host.to_owned()), Some(row.seq));
        }
    }

    pub(super) fn finish(self, top: usize) -> Summary {
        let named = |op: String| Some(op).filter(|op| !op.is_empty());
        let types = self.types.into_iter().flat_map(|(kind, ops)| {
            ops.into_iter().map(move |(op, (events, times))| TypeCount {
                kind: kind.clone(),
                op: named(op),
                events,
                times,
            })
        });
        let types = types.collect();
        let [executed, read, written, created, deleted, renamed] =
            self.paths.map(|paths| top_paths(paths, top));
        let mut destinations: Vec<Destination> = self.destinations.into_values().collect();
        let all = destinations.len();
        destinations
            .sort_by_key(|d| (std::cmp::Reverse(d.sent.saturating_add(d.received)), d.first_seq));
        destinations.truncate(top);
        let span_ns = self.span_ns;
        let destinations = (destinations, all);
        let malformed = 0;
        Summary {
            types,
            executed,
            read,
            written,
            created,
            deleted,
            renamed,
            destinations,
            span_ns,
            malformed,
        }
    }
}

fn count(paths: &mut Paths, path: Option<&[u8]>, row: &Row<'_>) {
    let Some(path) = path else { return };
    match paths.get_mut(path) {
        Some((times, _)) => *times = times.saturating_add(row.count),
        None => {
            paths.insert(path.into(), (row.count, row.seq));
        }
    }
}

fn top_paths(paths: Paths, top: usize) -> Top<PathCount> {
    let all = paths.len();
    let mut list: Vec<PathCount> = paths
        .into_iter()
        .map(|(path, (times, first_seq))| PathCount { path: path.into(), times, first_seq })
        .collect();
    list.sort_by_key(|one| (std::cmp::Reverse(one.times), one.first_seq));
    list.truncate(top);
    (list, all)
}
