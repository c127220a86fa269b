//! Events written in rules, as examples and near misses.

mod what;

use event::ProcId;
use event::model::{Actor, Event, Exec, What};

use crate::problem::Complaints;
use crate::yaml::{Node, Value};

/// When the first event of a sample is, nanoseconds since 1970.
const BEGIN_NS: i64 = 1_795_305_600_000_000_000;

/// Most events that one sample stands for.
const MOST: u64 = 100_000;

/// Words of a sample that are not fields of its event.
const WORDS: &[&str] = &["type", "op", "at", "times", "parent", "each"];

/// Fields that a sample may have.
const FIELDS: &[&str] = &[
    "pid",
    "ppid",
    "uid",
    "exe",
    "argv",
    "cwd",
    "path",
    "path2",
    "also",
    "peer",
    "host",
    "name",
    "local",
    "ret",
    "target",
    "flags",
    "label",
    "broker",
    "domain",
    "sock_type",
    "stdin",
    "stdout",
    "unlinked",
    "secure",
    "file",
    "size_after",
    "sent_bytes",
    "received_bytes",
    "count",
    "created",
    "truncated",
    "dev",
    "ino",
    "answers",
    "qtype",
    "child_pid",
    "cmd",
    "errno",
    "code",
    "euid",
    "proto",
];

/// One event, or the same several times.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Sample {
    fields: Vec<(String, Vec<String>)>,
    line: usize,
}

impl Sample {
    /// Reads one sample or a list of them.
    pub(crate) fn read(node: &Node, complaints: &mut Complaints<'_>) -> Vec<Sample> {
        let mut all = Vec::new();
        for item in node.items() {
            let mut sample = Sample { fields: Vec::new(), line: item.line };
            for (key, value) in item.entries().unwrap_or_default() {
                let name = key.text.as_str();
                if !WORDS.contains(&name) && !FIELDS.contains(&name) {
                    complaints.error(key.line, format!("a sample has no '{name}'"));
                }
                let words = match &value.value {
                    // A command line in one text.
                    Value::Scalar { text, .. } if name == "argv" => {
                        text.split_whitespace().map(str::to_owned).collect()
                    }
                    _ => value.items().iter().filter_map(Node::text).map(str::to_owned).collect(),
                };
                sample.fields.push((name.to_owned(), words));
            }
            if sample.what(0).is_none() {
                let kind = sample.text("type");
                complaints.error(item.line, format!("no event '{kind}' can be made of this"));
            }
            all.push(sample);
        }
        all
    }

    fn text(&self, name: &str) -> &str {
        let found = self.fields.iter().find(|(known, _)| known == name);
        found.and_then(|(_, values)| values.first()).map_or("", String::as_str)
    }

    fn has(&self, name: &str) -> bool {
        self.fields.iter().any(|(known, _)| known == name)
    }

    fn bytes(&self, name: &str, round: u64) -> Option<Vec<u8>> {
        // `%` in a value is the number of the repetition.
        self.has(name).then(|| self.text(name).replace('%', &round.to_string()).into_bytes())
    }

    fn number<T: std::str::FromStr>(&self, name: &str) -> Option<T> {
        self.text(name).parse().ok()
    }

    fn list(&self, name: &str) -> Vec<u8> {
        let found = self.fields.iter().find(|(known, _)| known == name);
        let words = found.map(|(_, words)| words.as_slice()).unwrap_or_default();
        words.iter().flat_map(|word| [word.as_bytes(), b"\0"].concat()).collect()
    }

    /// The events, numbered from `seq` on: first those that say who the processes are.
    pub(crate) fn events(samples: &[Sample]) -> Vec<Event> {
        let mut all: Vec<Event> = Vec::new();
        let mut at_ns = BEGIN_NS;
        for sample in samples {
            let (pid, ppid) = (sample.number("pid").unwrap_or(100), sample.number("ppid"));
            let ppid = ppid.unwrap_or(50);
            if sample.has("at") {
                at_ns = BEGIN_NS + sample.number::<i64>("at").unwrap_or(0) * 1_000_000_000;
            }
            let actor = |pid: u32, ppid: u32, exe: &str| Actor {
                id: ProcId { pid, start_ns: u64::from(pid) },
                ppid: Some(ppid),
                uid: sample.number("uid").or(Some(1000)),
                exe: (!exe.is_empty()).then(|| exe.as_bytes().into()),
            };
            let mut put = |actor: Actor, what: What| {
                let seq = all.len() as u64 + 1;
                let boot_ns = u64::try_from(at_ns - BEGIN_NS).unwrap_or(0);
                all.push(Event { seq, ts_ns: at_ns, boot_ns, actor: Some(actor), what });
            };
            let exec = |exe: &str, argv: Vec<u8>| Exec {
                argc: 1,
                argv_len: argv.len() as u64,
                file: exe.as_bytes().to_vec(),
                cwd: sample.bytes("cwd", 0),
                argv,
                ..Exec::default()
            };
            if sample.has("parent") {
                let parent = sample.text("parent");
                let argv = [parent.as_bytes(), b"\0"].concat();
                put(actor(ppid, 1, parent), What::Exec(Box::new(exec(parent, argv))));
            }
            let exe = sample.text("exe");
            if sample.text("type") != "exec" && sample.has("argv") {
                put(actor(pid, ppid, exe), What::Exec(Box::new(exec(exe, sample.list("argv")))));
            }
            let times = sample.number("times").unwrap_or(1).min(MOST);
            for round in 0..times {
                if let Some(what) = sample.what(round) {
                    put(actor(pid, ppid, exe), what);
                }
            }
            at_ns += 1_000_000;
        }
        all
    }
}
