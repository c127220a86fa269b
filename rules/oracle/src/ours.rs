//! What happened as our events, and our engine.

use std::collections::BTreeSet;
use std::net::IpAddr;
use std::sync::Arc;

use event::ProcId;
use event::model::{
    Actor, Dns, DnsOp, Event, Exec, File, FileOp, Host, HostSource, Net, NetOp, Role, What,
};
use rules::{Judge, Layer, Loader, RuleSet, Surroundings};

use crate::happening::{BEGIN, FileDeed, Happening, Kind};

/// Our engine, with its rules.
pub struct Ours {
    /// The rules that it took, and those that it cannot evaluate.
    pub set: Arc<RuleSet>,
    stream: Judge,
    seq: u64,
}

impl Ours {
    /// Loads rules.
    ///
    /// # Panics
    /// When a rule cannot be read.
    #[must_use]
    pub fn load(texts: &[String]) -> Ours {
        let mut loader = Loader::default();
        for (at, text) in texts.iter().enumerate() {
            loader.add(Layer::Given, &format!("rule-{at}.yml"), text);
        }
        let set = Arc::new(loader.finish().expect("they are sound"));
        Ours { stream: Judge::new(set.clone(), around()), set, seq: 0 }
    }

    /// Ids of the rules that hold for what happened, when nothing happened before.
    #[must_use]
    pub fn hold(&self, happening: &Happening) -> BTreeSet<String> {
        let mut judge = Judge::new(self.set.clone(), around());
        found(&mut judge, &events(happening, 0))
    }

    /// Ids of the rules that hold now, in a stream.
    pub fn follow(&mut self, happening: &Happening) -> BTreeSet<String> {
        self.seq += 2;
        found(&mut self.stream, &events(happening, self.seq))
    }
}

fn around() -> Surroundings {
    Surroundings { home: b"/home/ana".to_vec(), user: Some((1000, "ana".to_owned())) }
}

/// What is found of the last of these events.
fn found(judge: &mut Judge, events: &[Event]) -> BTreeSet<String> {
    let last = events.last().map_or(0, |event| event.seq);
    let mut ids = BTreeSet::new();
    for event in events {
        judge.see(event, &mut |found| {
            if let What::Finding(finding) = found.what
                && finding.cause == last
                && !finding.repeat
            {
                ids.insert(finding.rule.to_string());
            }
        });
    }
    ids
}

/// The events: where the parent is known, first that it began.
fn events(happening: &Happening, seq: u64) -> Vec<Event> {
    let get = |name: &str| happening.get(name);
    let argv = |line: &str| -> Vec<u8> {
        line.split(' ').flat_map(|word| [word.as_bytes(), b"\0"].concat()).collect()
    };
    let pid: u32 = get("ProcessId").and_then(|it| it.parse().ok()).unwrap_or(100);
    // A process number is another process each time.
    let actor = |pid: u32, exe: Option<&str>| Actor {
        id: ProcId { pid, start_ns: seq + 1 },
        ppid: Some(2),
        uid: Some(if get("User") == Some("root") { 0 } else { 1000 }),
        exe: exe.map(|exe| exe.as_bytes().into()),
    };
    let event = |seq: u64, actor: Actor, what: What| Event {
        seq,
        ts_ns: (BEGIN + happening.at) * 1_000_000_000,
        boot_ns: seq,
        actor: Some(actor),
        what,
    };
    let exec = |exe: &str, line: &str, cwd: Option<&str>| {
        let cwd = cwd.map(|cwd| cwd.as_bytes().to_vec());
        let (file, argv) = (exe.as_bytes().to_vec(), argv(line));
        What::Exec(Box::new(Exec { file, argv, cwd, ..Exec::default() }))
    };
    let mut all = Vec::new();
    if let Some(exe) = get("ParentImage") {
        let line = get("ParentCommandLine").unwrap_or(exe);
        all.push(event(seq + 1, actor(2, Some(exe)), exec(exe, line, None)));
    }
    let what = match happening.kind {
        Kind::Exec => {
            let exe = get("Image").unwrap_or_default();
            exec(exe, get("CommandLine").unwrap_or_default(), get("CurrentDirectory"))
        }
        Kind::File(deed) => {
            let op = match deed {
                FileDeed::Create => FileOp::Create,
                FileDeed::Read => FileOp::Read,
                FileDeed::Delete => FileOp::Delete,
            };
            let path = get("TargetFilename").map(|path| path.as_bytes().to_vec());
            What::File(File { path, ..File::new(op) })
        }
        Kind::Connect => {
            let ip = get("DestinationIp").and_then(|ip| ip.parse::<IpAddr>().ok());
            let port = get("DestinationPort").and_then(|port| port.parse::<u16>().ok());
            let host = get("DestinationHostname").map(|name| {
                let (name, source, alpn) = (name.into(), HostSource::Dns, Vec::new());
                Host { name, source, ech: false, alpn }.into()
            });
            let peer = ip.zip(port).map(Into::into);
            What::Net(Net { proto: 6, peer, host, ..Net::new(NetOp::Connect, seq + 1) })
        }
        Kind::Ask => What::Dns(Box::new(Dns {
            op: DnsOp::Query,
            proto: 17,
            local: None,
            peer: ([192, 0, 2, 53], 53).into(),
            cookie: seq,
            role: Role::Client,
            id: 1,
            host: get("QueryName").map(str::to_owned),
            qtype: get("record_type").map(str::to_owned),
            rcode: None,
            answers: Vec::new(),
            answers_cut: false,
            truncated: false,
            unasked: false,
            unreadable: false,
        })),
    };
    all.push(event(seq + 2, actor(pid, get("Image")), what));
    all
}
