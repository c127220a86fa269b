//! A run counted once over: what a page about it shows.

use std::collections::BTreeMap;

use foldhash::{HashMap, HashSet};

use serde::{Deserialize, Serialize};

use super::device::is_device;
use crate::Row;

/// Longest that a list of a summary is kept: pages show less, and name the query for the rest.
pub const LISTED: usize = 500;

/// Parts of time that a run's activity is counted in, at most.
const SLOTS: usize = 128;

/// What makes some paths worth a list of their own.
#[derive(Debug, Clone)]
pub struct Lens {
    /// What is written elsewhere is outside: the project's directory.
    pub project: Vec<u8>,
    /// Whether a path is one where secrets are kept.
    pub is_secret: fn(&[u8]) -> bool,
}

/// How much happened when: events in equal parts of time.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Activity {
    /// When the first part begins, nanoseconds since 1970.
    pub start_ns: i64,
    /// How long each is.
    pub width_ns: i64,
    /// Events in each.
    pub events: Vec<u64>,
}

impl Activity {
    /// Parts become twice as long when there would be too many.
    fn add(&mut self, ts_ns: i64) {
        if self.width_ns == 0 {
            (self.start_ns, self.width_ns) = (ts_ns, 1_000_000);
        }
        // A clock that was set back is at the beginning.
        let since = ts_ns.saturating_sub(self.start_ns).max(0);
        let mut at = usize::try_from(since / self.width_ns).unwrap_or(usize::MAX);
        while at >= SLOTS {
            self.width_ns = self.width_ns.saturating_mul(2);
            self.events = self.events.chunks(2).map(|pair| pair.iter().sum()).collect();
            at = usize::try_from(since / self.width_ns).unwrap_or(usize::MAX);
        }
        if self.events.len() <= at {
            self.events.resize(at + 1, 0);
        }
        if let Some(slot) = self.events.get_mut(at) {
            *slot += 1;
        }
    }
}

/// How many events of a type and operation there are.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
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
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(from = "Kept", into = "Kept")]
pub struct PathCount {
    /// Exact bytes.
    pub path: Vec<u8>,
    /// How often.
    pub times: u64,
    /// The first event.
    pub first_seq: u64,
}

/// The same as it is stored: there are thousands of them, and what names them would be half of it.
#[derive(Serialize, Deserialize)]
struct Kept(Path, u64, u64);

/// A path that is text is stored as such, another one as its bytes.
#[derive(Serialize, Deserialize)]
#[serde(untagged)]
enum Path {
    Text(String),
    Bytes(Vec<u8>),
}

impl From<PathCount> for Kept {
    fn from(PathCount { path, times, first_seq }: PathCount) -> Kept {
        let path =
            String::from_utf8(path).map_or_else(|not| Path::Bytes(not.into_bytes()), Path::Text);
        Kept(path, times, first_seq)
    }
}

impl From<Kept> for PathCount {
    fn from(Kept(path, times, first_seq): Kept) -> PathCount {
        let path = match path {
            Path::Text(text) => text.into_bytes(),
            Path::Bytes(bytes) => bytes,
        };
        PathCount { path, times, first_seq }
    }
}

/// Who was talked to.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Destination {
    /// Its address.
    pub ip: String,
    /// Its port; 0 for all who came from there, each by a port of its own.
    pub port: u16,
    /// It came to us: all connections accepted from this address.
    #[serde(default)]
    pub accepted: bool,
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
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
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
    /// Files written, created, deleted or renamed to outside the project.
    pub outside: Top<PathCount>,
    /// Files opened from where secrets are kept.
    pub secrets: Top<PathCount>,
    /// Devices without contents of their own that were read or written (`/dev/null`, terminals): they are
    /// in no other list.
    pub devices: Top<PathCount>,
    /// Who was talked to, the most bytes first.
    pub destinations: Top<Destination>,
    /// Payload bytes of all of them, out and in.
    pub traffic: (u64, u64),
    /// How much happened when.
    pub activity: Activity,
    /// First and last time of an event, nanoseconds since 1970.
    pub span_ns: Option<(i64, i64)>,
    /// Lines that are no events; only known when all lines were read.
    pub malformed: u64,
}

impl Summary {
    /// Cuts every list to `top` entries.
    #[must_use]
    pub(crate) fn cut(mut self, top: usize) -> Summary {
        let lists = [
            &mut self.executed,
            &mut self.read,
            &mut self.written,
            &mut self.created,
            &mut self.deleted,
            &mut self.renamed,
            &mut self.outside,
            &mut self.secrets,
            &mut self.devices,
        ];
        lists.into_iter().for_each(|list| list.0.truncate(top));
        self.destinations.0.truncate(top);
        self
    }

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
pub(crate) struct Counts {
    /// By type, then by operation (empty for none): looked up without making a key.
    types: BTreeMap<String, BTreeMap<String, (u64, u64)>>,
    paths: [Paths; 6],
    devices: Paths,
    destinations: HashMap<Peer, Destination>,
    /// Who came to us: what flows to and from there is counted by address.
    accepted: HashSet<Peer>,
    span_ns: Option<(i64, i64)>,
    activity: Activity,
}

/// Address, port and protocol.
type Peer = (String, u16, String);

impl Counts {
    pub(crate) fn add(&mut self, row: &Row<'_>) {
        let span = self.span_ns.get_or_insert((row.ts_ns, row.ts_ns));
        *span = (span.0.min(row.ts_ns), span.1.max(row.ts_ns));
        self.activity.add(row.ts_ns);
        self.count_type(row);
        let [executed, read, written, created, deleted, renamed] = &mut self.paths;
        match (row.kind, row.op) {
            ("file", Some("read" | "write")) if row.path.is_some_and(is_device) => {
                count(&mut self.devices, row.path, row);
            }
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
        let mut key = (ip.to_owned(), port, proto.to_owned());
        if op == Some("accept") {
            self.accepted.insert(key.clone());
        }
        let accepted = self.accepted.contains(&key);
        if accepted {
            key.1 = 0;
        }
        let to = self.destinations.entry(key).or_insert_with(|| Destination {
            ip: ip.to_owned(),
            port: if accepted { 0 } else { port },
            accepted,
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

    /// Everyone who was talked to.
    pub(crate) fn into_contacts(self) -> Vec<Destination> {
        let mut all: Vec<Destination> = self.destinations.into_values().collect();
        all.sort_by_key(|to| to.first_seq);
        all
    }

    pub(crate) fn finish(self, top: usize, lens: &Lens) -> Summary {
        let top = top.min(LISTED);
        let outside = self.outside(top, lens);
        let secrets = self.secrets(top, lens);
        let devices = top_paths(self.devices, top);
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
        let sum =
            |of: fn(&Destination) -> u64| destinations.iter().map(of).fold(0, u64::saturating_add);
        let traffic = (sum(|to| to.sent), sum(|to| to.received));
        destinations
            .sort_by_key(|d| (std::cmp::Reverse(d.sent.saturating_add(d.received)), d.first_seq));
        destinations.truncate(top);
        Summary {
            types,
            executed,
            read,
            written,
            created,
            deleted,
            renamed,
            outside,
            secrets,
            devices,
            destinations: (destinations, all),
            traffic,
            activity: self.activity,
            span_ns: self.span_ns,
            malformed: 0,
        }
    }

    fn outside(&self, top: usize, lens: &Lens) -> Top<PathCount> {
        let inside = |path: &[u8]| {
            let rest = path.strip_prefix(lens.project.as_slice());
            rest.is_some_and(|rest| rest.is_empty() || rest.starts_with(b"/"))
                || lens.project == b"/"
        };
        let [_, _, written, created, deleted, renamed] = &self.paths;
        chosen([written, created, deleted, renamed], top, &|path| !inside(path))
    }

    fn secrets(&self, top: usize, lens: &Lens) -> Top<PathCount> {
        let [_, read, written, created, ..] = &self.paths;
        chosen([read, written, created], top, &lens.is_secret)
    }
}

/// Paths of several lists that `are` so, each once.
fn chosen<const N: usize>(
    lists: [&Paths; N],
    top: usize,
    are: &dyn Fn(&[u8]) -> bool,
) -> Top<PathCount> {
    let mut found = Paths::default();
    for (path, (times, first)) in lists.into_iter().flatten().filter(|(path, _)| are(path)) {
        let known = found.entry(path.clone()).or_insert((0, *first));
        *known = (known.0.saturating_add(*times), known.1.min(*first));
    }
    top_paths(found, top)
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
