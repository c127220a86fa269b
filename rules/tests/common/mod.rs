//! Events and sets for the tests.
#![allow(dead_code, reason = "each test file uses some of them")]

use std::sync::Arc;

use event::ProcId;
use event::model::{Actor, Event, Exec, File, FileOp, Net, NetOp, What};
use rules::{Judge, Layer, Loader, RuleSet, Surroundings};

/// An event of a process that runs `exe`.
pub(crate) fn by(exe: &str, what: What) -> Event {
    let actor = Actor {
        id: ProcId { pid: 100, start_ns: 1 },
        ppid: Some(50),
        uid: Some(1000),
        exe: Some(exe.as_bytes().into()),
    };
    Event { seq: 1, ts_ns: 1_795_305_600_000_000_000, boot_ns: 1, actor: Some(actor), what }
}

/// A program begins, with these words.
pub(crate) fn exec(line: &str) -> Event {
    let program = line.split(' ').next().unwrap_or_default();
    let argv: Vec<u8> =
        line.split(' ').flat_map(|word| [word.as_bytes(), b"\0"].concat()).collect();
    by(&format!("/usr/bin/{program}"), What::Exec(Box::new(Exec { argv, ..Exec::default() })))
}

/// Something is done to a file.
pub(crate) fn file(op: &str, path: &str) -> Event {
    let op = FileOp::ALL.into_iter().find(|one| one.name() == op).expect("it is an operation");
    by("/usr/bin/x", What::File(File { path: Some(path.into()), ..File::new(op) }))
}

/// A peer is contacted.
pub(crate) fn connect(peer: &str) -> Event {
    let net = Net { proto: 6, peer: peer.parse().ok(), ..Net::new(NetOp::Connect, 1) };
    by("/usr/bin/x", What::Net(net))
}

/// Rules of these files.
pub(crate) fn load(files: &[&str]) -> Arc<RuleSet> {
    let mut loader = Loader::default();
    for (at, text) in files.iter().enumerate() {
        loader.add(Layer::Given, &format!("file-{at}"), text);
    }
    Arc::new(loader.finish().unwrap_or_else(|problems| {
        panic!("{}", problems.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n"))
    }))
}

/// What is wrong with a file.
pub(crate) fn problems(text: &str) -> Vec<String> {
    let mut loader = Loader::default();
    loader.add(Layer::Given, "rules.yml", text);
    let found = match loader.finish() {
        Ok(set) => set.warnings,
        Err(problems) => problems,
    };
    found.iter().map(ToString::to_string).collect()
}

/// Titles of what is found, in order.
pub(crate) fn titles(set: &Arc<RuleSet>, events: &[Event]) -> Vec<String> {
    let mut judge = Judge::new(set.clone(), Surroundings::default());
    let mut found = Vec::new();
    let mut take = |event: Event| {
        if let What::Finding(finding) = event.what {
            found.push(finding.title.to_string());
        }
    };
    events.iter().for_each(|event| judge.see(event, &mut take));
    judge.finish(&mut take);
    found
}
