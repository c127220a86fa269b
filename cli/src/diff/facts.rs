//! From the events of a run to what can be compared.

use std::collections::{BTreeMap, BTreeSet, HashSet};

use serde::{Deserialize, Serialize};

use super::{
    Section,
    normal::{Normal, Notes, Rule},
};
use crate::{
    pages::Line,
    text::{Safe, command_line, program},
};

/// Something that a run did.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub(crate) struct Fact {
    /// What was done, in words: of a file its operations, of a source its state.
    #[serde(skip_serializing_if = "BTreeSet::is_empty")]
    pub(crate) words: BTreeSet<String>,
    /// Bytes of a file when it was last written.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) size: Option<u64>,
    /// Bytes that went to a peer.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) sent: Option<u64>,
    /// How long it took, milliseconds.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) millis: Option<u64>,
    /// Who did it first.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub(crate) by: String,
    /// The first event of it.
    pub(crate) seq: u64,
}

/// What a run did, by section and name. All text is safe to show.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub(crate) struct Facts {
    /// The facts.
    pub(crate) sections: BTreeMap<Section, BTreeMap<String, Fact>>,
    /// What was called alike.
    #[serde(skip)]
    pub(crate) notes: Notes,
}

/// Takes a run's events one by one.
#[derive(Debug, Default)]
pub(crate) struct Collector {
    sections: BTreeMap<Section, BTreeMap<Name, Fact>>,
    pids: HashSet<u64>,
    made: HashSet<String>,
    gone: HashSet<String>,
    start_ns: Option<i64>,
    end_ns: i64,
}

/// A name before anything in it is called alike.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
enum Name {
    Plain(String),
    Path(String),
    Command(String, Vec<String>),
    /// Words before, an address, a port.
    Peer(String, String),
}

impl Collector {
    fn fact(&mut self, section: Section, name: Name, line: &Line) -> &mut Fact {
        let facts = self.sections.entry(section).or_default();
        facts.entry(name).or_insert_with(|| Fact {
            by: line.bytes("exe").map(|exe| program(&exe)).unwrap_or_default(),
            seq: line.number("seq").unwrap_or(0),
            ..Fact::default()
        })
    }

    /// Takes an event.
    pub(crate) fn add(&mut self, ts_ns: i64, line: &Line) {
        self.start_ns.get_or_insert(ts_ns);
        self.end_ns = self.end_ns.max(ts_ns);
        self.pids
            .extend(["pid", "child_pid", "ppid", "ns_pid"].iter().filter_map(|n| line.number(n)));
        match line.text("type") {
            "exec" => self.exec(line),
            "process" if line.text("op") == "cred" => self.user(line),
            "file" => self.file(line),
            "net" => self.net(line),
            "dns" if line.text("op") == "query" && line.text("role") != "server" => {
                if let Some(host) = line.bytes("host") {
                    let name = format!("asked for {}", Safe::bytes(&host));
                    self.fact(Section::Network, Name::Plain(name), line);
                }
            }
            "unix" if matches!(line.text("op"), "connect" | "send") => self.unix(line),
            "unix" if line.has("passed") => self.passed(line),
            // A file or socket that it goes through is told as that.
            "delegation" if !line.has("path") => {
                let name = format!("work handed to {}", Safe::new(line.text("broker")));
                self.fact(Section::Unix, Name::Plain(name), line);
            }
            "finding" if !line.flag("repeat") => self.finding(line),
            "source" if line.has("seen") => self.source(line),
            "end" => self.end(line),
            _ => {}
        }
    }

    fn exec(&mut self, line: &Line) {
        let Some(exe) = line.bytes("exe") else { return };
        let exe = Safe::bytes(&exe).to_string();
        self.fact(Section::Programs, Name::Path(exe.clone()), line);
        let argv = line.list("argv").iter().map(|word| Safe::bytes(word).to_string()).collect();
        self.fact(Section::Arguments, Name::Command(exe, argv), line);
        self.user(line);
    }

    fn user(&mut self, line: &Line) {
        let Some(uid) = line.number("uid") else { return };
        let name = match line.number("euid") {
            Some(euid) if euid != uid => format!("uid {uid} as {euid}"),
            _ => format!("uid {uid}"),
        };
        self.fact(Section::Users, Name::Plain(name), line);
    }

    fn file(&mut self, line: &Line) {
        let op = match line.text("op") {
            // That it was executed is told among the programs; who merely opened a file may have read it.
            "exec" => return,
            "open" => "read",
            op => op,
        };
        let Some(path) = line.bytes("path").or_else(|| line.bytes("path_claimed")) else { return };
        let path = Safe::bytes(&path).to_string();
        if op == "create" {
            self.gone.remove(&path);
        }
        // Who made it and wrote is told at the close, which may be after the name has gone.
        if op == "create" || line.flag("created") {
            self.made.insert(path.clone());
        }
        if matches!(op, "delete" | "rename") && self.made.contains(&path) {
            self.gone.insert(path.clone());
        }
        if let Some(new) = line.bytes("path2") {
            let new = Safe::bytes(&new).to_string();
            self.made.insert(new.clone());
            self.gone.remove(&new);
            let size = self.file_known(&path).and_then(|fact| fact.size);
            let fact = self.fact(Section::Files, Name::Path(new), line);
            fact.words.insert("rename to".to_owned());
            fact.size = size.or(fact.size);
        }
        let size = line.number("size_after");
        // Written under another name that became this one: its size is what is compared.
        for other in line.list("also") {
            let other = Safe::bytes(&other).to_string();
            if let Some(fact) = self.file_known(&other) {
                fact.size = size.or(fact.size);
            }
        }
        let fact = self.fact(Section::Files, Name::Path(path), line);
        fact.words.insert(op.replace('_', " "));
        fact.size = size.or(fact.size);
    }

    /// What is known of a file.
    fn file_known(&mut self, path: &str) -> Option<&mut Fact> {
        self.sections.get_mut(&Section::Files)?.get_mut(&Name::Path(path.to_owned()))
    }

    fn net(&mut self, line: &Line) {
        let server = line.text("role") == "server";
        let (words, end) = match line.text("op") {
            "accept" => ("from", "peer"),
            "flow" if server => ("from", "peer"),
            "listen" => ("listen on", "local"),
            "connect" | "send" | "flow" => ("", "peer"),
            _ => return,
        };
        let Some((address, port)) = line.text(end).rsplit_once(':') else { return };
        let host = line.bytes("host").map(|host| Safe::bytes(&host).to_string());
        let address = host.unwrap_or_else(|| Safe::new(address).to_string());
        // The port of who came in is its own affair.
        let port = if words == "from" {
            line.text("local").rsplit_once(':').map_or("", |(_, port)| port)
        } else {
            port
        };
        let gap = if words.is_empty() { "" } else { " " };
        let name = format!("{words}{gap}{address}");
        let port = Safe::new(port).to_string();
        let sent = line.number("sent_bytes");
        let fact = self.fact(Section::Network, Name::Peer(name, port), line);
        if let Some(sent) = sent {
            fact.sent = Some(fact.sent.unwrap_or(0).saturating_add(sent));
        }
    }

    fn unix(&mut self, line: &Line) {
        let text = |name| line.bytes(name).map(|bytes| Safe::bytes(&bytes).to_string());
        let path = text("path").or_else(|| text("bound")).or_else(|| text("path_claimed"));
        let abstract_ = text("abstract").or_else(|| text("abstract_claimed"));
        let name = path.or_else(|| abstract_.map(|name| format!("@{name}")));
        if let Some(name) = name {
            self.fact(Section::Unix, Name::Path(name), line);
        }
    }

    fn passed(&mut self, line: &Line) {
        let how = if line.text("op") == "give" { "given away" } else { "received" };
        // The number of a pipe is another in each run.
        let what = line.text("passed").split(':').next().unwrap_or_default();
        let what = line
            .bytes("path")
            .map_or_else(|| Safe::new(what).to_string(), |path| Safe::bytes(&path).to_string());
        self.fact(Section::Unix, Name::Path(format!("{how} {what}")), line);
    }

    fn finding(&mut self, line: &Line) {
        let text = |name| line.bytes(name).map(|bytes| Safe::bytes(&bytes).to_string());
        let about = text("path").or_else(|| text("host")).or_else(|| text("peer"));
        let about = about.map(|about| format!(" {about}")).unwrap_or_default();
        let name =
            format!("{} {}{about}", Safe::new(line.text("severity")), Safe::new(line.text("rule")));
        self.fact(Section::Findings, Name::Path(name), line);
    }

    fn source(&mut self, line: &Line) {
        let name = Name::Plain(Safe::new(line.text("source")).to_string());
        let state = Safe::new(&line.text("state").replace('_', " ")).to_string();
        let lost = line.number("lost").unwrap_or(0) > 0;
        let words = if lost { format!("{state}, lost some") } else { state };
        self.fact(Section::Coverage, name, line).words.insert(words);
    }

    fn end(&mut self, line: &Line) {
        let code = crate::pages::outcome(line);
        self.fact(Section::Outcome, Name::Plain("ended".to_owned()), line).words.insert(code);
        // How much was folded says nothing of the job.
        let verdict = Safe::new(line.text("verdict")).to_string();
        let verdict = verdict.split(',').next().unwrap_or_default().to_owned();
        self.fact(Section::Coverage, Name::Plain("verdict".to_owned()), line).words.insert(verdict);
        let took = self.end_ns.saturating_sub(self.start_ns.unwrap_or(self.end_ns));
        let fact = self.fact(Section::Outcome, Name::Plain("duration".to_owned()), line);
        fact.millis = Some(u64::try_from(took / 1_000_000).unwrap_or(0));
    }

    /// Calls alike what `rules` say, and returns the facts.
    pub(crate) fn finish(self, rules: &[Rule]) -> Facts {
        let mut normal = Normal::new(rules, self.pids, self.made, self.gone);
        let executed = self.sections.get(&Section::Programs).cloned().unwrap_or_default();
        let mut sections: BTreeMap<Section, BTreeMap<String, Fact>> = BTreeMap::new();
        for (section, facts) in self.sections {
            let named = sections.entry(section).or_default();
            for (name, fact) in facts {
                // The kernel reads what it executes: that is told among the programs.
                let only_read = fact.words.iter().all(|word| word == "read");
                if section == Section::Files && only_read && executed.contains_key(&name) {
                    continue;
                }
                let used = section == Section::Programs || section == Section::Files && only_read;
                let name = match name {
                    Name::Plain(name) => name,
                    Name::Path(path) if used => normal.used_path(&path),
                    Name::Path(path) => normal.path(&path),
                    Name::Peer(before, port) => format!("{before}:{}", normal.port(&port)),
                    Name::Command(exe, argv) => {
                        let exe = normal.used_path(&exe);
                        let argv: Vec<String> =
                            argv.iter().map(|word| normal.argument(word)).collect();
                        let words = argv.iter().map(|word| word.replace("\\\\", "\\"));
                        format!("{exe}: {}", command_line(words))
                    }
                };
                merge(named, name, fact);
            }
        }
        Facts { sections, notes: normal.notes }
    }
}

/// Two that are called alike are one.
fn merge(named: &mut BTreeMap<String, Fact>, name: String, fact: Fact) {
    let Some(known) = named.get_mut(&name) else {
        named.insert(name, fact);
        return;
    };
    known.words.extend(fact.words);
    // Of many files under one name no size can be compared.
    known.size = None;
    known.sent = match (known.sent, fact.sent) {
        (Some(one), Some(other)) => Some(one.saturating_add(other)),
        (one, other) => one.or(other),
    };
    if fact.seq < known.seq {
        (known.seq, known.by) = (fact.seq, fact.by);
    }
}
