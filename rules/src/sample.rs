//! Events written in rules, as examples and near misses.

use std::net::SocketAddr;

use event::ProcId;
use event::model::{
    Actor, Call, Dns, DnsOp, Event, Exec, Exit, File, FileOp, Fork, Host, HostSource, Left, Net,
    NetOp, Other, Role, Traffic, Unix, What,
};
use event::wire::{CallName, UnixOp};

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

    fn what(&self, round: u64) -> Option<What> {
        let op = self.text("op");
        Some(match self.text("type") {
            "exec" => What::Exec(Box::new(Exec {
                argv: self.list("argv"),
                argv_len: self.list("argv").len() as u64,
                file: self.bytes("file", 0).or(self.bytes("exe", 0)).unwrap_or_default(),
                cwd: self.bytes("cwd", 0),
                exe_dev: self.number("dev").unwrap_or(0),
                exe_ino: self.number("ino").unwrap_or(0),
                euid: self.number("euid").or(self.number("uid")).unwrap_or(1000),
                unlinked: self.text("unlinked") == "true",
                secure: self.text("secure") == "true",
                stdin: self.has("stdin").then(|| self.text("stdin").to_owned()),
                stdout: self.has("stdout").then(|| self.text("stdout").to_owned()),
                ..Exec::default()
            })),
            "file" => {
                let op = FileOp::ALL.into_iter().find(|one| one.name() == op)?;
                let mut file = File::new(op);
                file.path = self.bytes("path", round);
                file.path2 = self.bytes("path2", round);
                file.also = self.list("also");
                (file.dev, file.ino) = (self.number("dev"), self.number("ino"));
                file.count = self.number("count").unwrap_or(1);
                file.usage.size_after = self.number("size_after");
                file.usage.created = self.text("created") == "true";
                file.usage.truncated = self.text("truncated") == "true";
                What::File(file)
            }
            "net" => {
                let op = NetOp::ALL.into_iter().find(|one| one.name() == op)?;
                let mut net = Net::new(op, round + 1);
                net.proto = if self.text("proto") == "udp" { 17 } else { 6 };
                net.peer = self.address("peer");
                net.local = self.address("local");
                net.host = self.bytes("host", round).map(|name| {
                    let (source, alpn) = (HostSource::Dns, Vec::new());
                    Host { name, source, ech: false, alpn }.into()
                });
                if self.has("sent_bytes") || self.has("received_bytes") {
                    net.traffic = Some(Traffic {
                        sent_bytes: self.number("sent_bytes").unwrap_or(0),
                        received_bytes: self.number("received_bytes").unwrap_or(0),
                        sent_packets: 1,
                        received_packets: 1,
                    });
                }
                What::Net(net)
            }
            "dns" => What::Dns(Box::new(Dns {
                op: if op == "answer" { DnsOp::Answer } else { DnsOp::Query },
                proto: 17,
                local: None,
                peer: self.address("peer").unwrap_or_else(|| ([192, 0, 2, 53], 53).into()),
                cookie: 1,
                role: Role::Client,
                id: 1,
                host: self.bytes("host", round).and_then(|host| String::from_utf8(host).ok()),
                qtype: Some(if self.has("qtype") { self.text("qtype") } else { "A" }.to_owned()),
                rcode: None,
                answers: arguments_of(&self.list("answers")),
                answers_cut: false,
                truncated: false,
                unasked: false,
                unreadable: false,
            })),
            "unix" => What::Unix(Box::new(Unix {
                op: match op {
                    "send" => UnixOp::Send,
                    "accept" => UnixOp::Accept,
                    "receive" => UnixOp::Receive,
                    "give" => UnixOp::Give,
                    _ => UnixOp::Connect,
                },
                kind: 1,
                socket: 1,
                error: 0,
                path: self.bytes("path", round),
                path_cut: false,
                bound: None,
                abstract_name: None,
                path_claimed: None,
                abstract_claimed: None,
                args_claimed: false,
                peer: None,
                passed: None,
            })),
            "call" => {
                let name = self.text("name");
                let name = CallName::ALL.into_iter().find(|one| one.name() == name)?;
                let mut call = Call::new(name, self.number("ret").unwrap_or(0));
                call.path = self.bytes("path", 0);
                call.label = self.bytes("label", 0);
                call.cmd = self.has("cmd").then(|| self.text("cmd").to_owned());
                call.flags = self.has("flags").then(|| self.text("flags").to_owned());
                call.target = self.bytes("target", 0).map(|exe| Other {
                    id: ProcId { pid: 7, start_ns: 7 },
                    exe: Some(exe.into()),
                    ..Other::default()
                });
                What::Call(Box::new(call))
            }
            "process" => match op {
                "fork" => What::Fork(Fork {
                    child: ProcId { pid: 1_000 + round as u32, start_ns: 1 + round },
                    parent_pid: self.number("pid").unwrap_or(100),
                    new_mount_namespace: false,
                    inner: None,
                }),
                "exit" => What::Exit(Exit {
                    status: self.number("code").unwrap_or(0),
                    utime_ns: 0,
                    stime_ns: 0,
                }),
                "left" => What::Left(Left { cgroup_id: 1 }),
                _ => return None,
            },
            _ => return None,
        })
    }

    fn address(&self, name: &str) -> Option<SocketAddr> {
        self.text(name).parse().ok()
    }
}

fn arguments_of(list: &[u8]) -> Vec<String> {
    let texts = event::model::arguments(list);
    texts.map(|text| String::from_utf8_lossy(text).into_owned()).collect()
}
