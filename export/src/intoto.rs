//! An in-toto Statement (v1) with the runtime-trace predicate (v0.1) for each run: what ran, with whom it spoke,
//! which files it used, and how complete that is. One JSON line a run.

use std::{collections::BTreeMap, io};

use serde_json::{Map, Value, json};

use crate::{
    Event, Run,
    fields::{Lines, set},
    format::{Output, Writer},
};

/// Media type of a statement in an envelope.
pub(crate) const PAYLOAD_TYPE: &str = "application/vnd.in-toto+json";
const STATEMENT: &str = "https://in-toto.io/Statement/v1";
const PREDICATE: &str = "https://in-toto.io/attestation/runtime-trace/v0.1";

/// Bytes of names that each list keeps; a statement is read by policy engines whole.
const ROOM: usize = 4 << 20;
/// Entries that each list keeps.
const ENTRIES: usize = 10_000;

/// What is told once, however often it happened.
#[derive(Default)]
struct List {
    entries: BTreeMap<String, Value>,
    room: usize,
    /// Uses of what is not in the list, as it was full.
    cut: u64,
}

#[derive(Default)]
struct Trace {
    processes: List,
    peers: List,
    files: List,
    subjects: List,
    lost: Vec<Value>,
    lost_cut: u64,
}

struct Statements {
    lines: Lines,
    run: Option<Run>,
    trace: Trace,
}

pub(crate) fn open(out: Output) -> Box<dyn Writer> {
    Box::new(Statements { lines: Lines::new(out), run: None, trace: Trace::default() })
}

impl Writer for Statements {
    fn run(&mut self, run: &Run) -> io::Result<()> {
        self.end_of_run()?;
        if run.seal_sha256.is_none() {
            let words =
                format!("{} has no seal, so there is nothing to make a statement about", run.id);
            return Err(io::Error::other(words));
        }
        self.run = Some(run.clone());
        Ok(())
    }

    fn event(&mut self, event: &Event<'_>) -> io::Result<()> {
        self.trace.take(event);
        Ok(())
    }

    fn finish(mut self: Box<Self>) -> io::Result<()> {
        self.end_of_run()?;
        self.lines.finish()
    }
}

impl Statements {
    fn end_of_run(&mut self) -> io::Result<()> {
        let trace = std::mem::take(&mut self.trace);
        match self.run.take() {
            Some(run) => self.lines.write(&statement(&run, trace)),
            None => Ok(()),
        }
    }
}

impl List {
    /// The entry of this key, made by `make` where it is new; `None` where there is no room.
    fn entry(&mut self, key: String, make: impl FnOnce() -> Value) -> Option<&mut Value> {
        if !self.entries.contains_key(&key) {
            let value = make();
            let bytes = key.len() + value.to_string().len();
            if self.entries.len() >= ENTRIES || self.room + bytes > ROOM {
                self.cut += 1;
                return None;
            }
            self.room += bytes;
            self.entries.insert(key.clone(), value);
        }
        self.entries.get_mut(&key)
    }

    fn values(self) -> Vec<Value> {
        self.entries.into_values().collect()
    }
}

impl Trace {
    fn take(&mut self, event: &Event<'_>) {
        match (event.text("type"), event.text("op")) {
            ("exec", _) => self.execution(event),
            ("net", op) => self.connection(event, op),
            ("file", op) => self.file(event, op),
            ("hash", "write") => self.content(event),
            // Few: one for each source and second.
            ("lost", _) if self.lost.len() >= ENTRIES => self.lost_cut += 1,
            ("lost", _) => self.lost.push(parts(event, &["source", "cause", "count"])),
            _ => {}
        }
    }

    /// Each execution is one entry, in the order in which they came.
    fn execution(&mut self, event: &Event<'_>) {
        let key = format!("{:020}", event.number("seq").unwrap_or(0));
        let fields =
            ["seq", "ts", "pid", "start_ns", "ppid", "uid", "exe", "argv", "argv_b64", "cwd"];
        self.processes.entry(key, || parts(event, &fields));
    }

    fn connection(&mut self, event: &Event<'_>, op: &str) {
        let key =
            ["exe", "proto", "peer", "host", "result"].map(|name| event.text(name)).join("\0");
        let fields = ["exe", "proto", "peer", "host", "host_source", "result", "errno"];
        let entry = self.peers.entry(key, || {
            let mut made = parts(event, &fields);
            set(&mut made, "operations", Some(json!([])));
            made
        });
        if let Some(entry) = entry {
            operation(entry, op);
        }
    }

    /// A `ResourceDescriptor` for each path.
    fn file(&mut self, event: &Event<'_>, op: &str) {
        for (name, exact) in [("path", "path_b64"), ("path2", "path2_b64")] {
            let Some(path) = event.some_text(name) else { continue };
            // Names that are not UTF-8 may look alike.
            let key = format!("{path}\0{}", event.text(exact));
            let made = || {
                let mut notes = json!({ "operations": [] });
                set(&mut notes, "path_b64", event.some_text(exact));
                json!({ "name": path, "annotations": notes })
            };
            let notes = self.files.entry(key, made).and_then(|entry| entry.get_mut("annotations"));
            if let Some(notes) = notes {
                operation(notes, op);
            }
        }
    }

    /// What was written is a subject, by its last contents.
    fn content(&mut self, event: &Event<'_>) {
        let (Some(path), Some(hash)) = (event.some_text("path"), event.some_text("blake3")) else {
            return;
        };
        let key = format!("{path}\0{}", event.text("path_b64"));
        let made = || json!({ "name": path, "digest": {} });
        let Some(entry) = self.subjects.entry(key, made) else { return };
        set(entry, "digest", Some(json!({ "blake3": hash })));
    }
}

fn statement(run: &Run, trace: Trace) -> Value {
    let seal = run.seal_sha256.as_ref().map(event::digest::hex);
    let mut subjects =
        vec![json!({ "name": format!("{}/seal", run.id), "digest": { "sha256": seal } })];
    let cut = json!({
        "process": trace.processes.cut, "network": trace.peers.cut,
        "fileAccess": trace.files.cut, "subject": trace.subjects.cut, "lost": trace.lost_cut,
    });
    subjects.extend(trace.subjects.values());
    let mut policy = Map::new();
    if let Some(name) = run.value("name").filter(|name| name.is_string()) {
        policy.insert("name".to_owned(), name.clone());
    }
    let mut statement = json!({
        "_type": STATEMENT,
        "subject": subjects,
        "predicateType": PREDICATE,
        "predicate": {
            "monitor": {
                "type": format!("urn:audit-run:monitor:{}", run.text("version")),
                "configSource": {},
                "tracePolicy": policy,
            },
            "monitoredProcess": {
                "hostID": format!("urn:audit-run:host:{}", crate::place::percent(run.text("host"))),
                "type": "urn:audit-run:command",
                "event": run.id,
                "command": run.value("command"),
                "cwd": run.value("cwd"),
                "exit": run.value("exit"),
            },
            "monitorLog": {
                "process": trace.processes.values(),
                "network": trace.peers.values(),
                "fileAccess": trace.files.values(),
            },
            "metadata": {
                "buildStartedOn": run.value("started"),
                "buildFinishedOn": run.value("ended"),
            },
            "completeness": {
                "verdict": run.value("verdict"),
                "reasons": run.value("reasons"),
                "trust": run.value("trust"),
                "effectsOutside": run.value("effects_outside"),
                "coverage": run.value("coverage"),
                "lost": trace.lost,
                "cut": cut,
            },
        },
    });
    if let Some(predicate) = statement.get_mut("predicate") {
        set(predicate, "redaction", run.redaction.clone());
    }
    statement
}

/// The fields of these names that the event has.
fn parts(event: &Event<'_>, names: &[&str]) -> Value {
    let fields =
        names.iter().filter_map(|name| Some(((*name).to_owned(), event.value(name)?.clone())));
    Value::Object(fields.collect())
}

/// Adds to the list of operations, which are few, what is not in it yet.
fn operation(entry: &mut Value, op: &str) {
    let Some(operations) = entry.get_mut("operations").and_then(Value::as_array_mut) else {
        return;
    };
    if !operations.iter().any(|other| other == op) {
        operations.push(op.into());
    }
}
