//! Open Cybersecurity Schema Framework 1.7: one JSON object a line. Processes, files, network and DNS activity,
//! findings; every other event is a base event, so that none is missing. What has no attribute is in `unmapped`.

use std::io;

use serde_json::{Value, json};

use crate::{
    Event, Run,
    fields::{self, Lines, name_of, set},
    format::{Output, Writer},
};

/// The version of the schema.
const VERSION: &str = "1.7.0";

struct Activities {
    lines: Lines,
    device: Value,
    product: Value,
    labels: Option<Value>,
}

pub(crate) fn open(out: Output) -> Box<dyn Writer> {
    Box::new(Activities {
        lines: Lines::new(out),
        device: Value::Null,
        product: Value::Null,
        labels: None,
    })
}

/// A class of events: its number, that of its category, and of what happened.
struct Class {
    class: u64,
    category: u64,
    activity: u64,
}

const fn class(class: u64, category: u64, activity: u64) -> Class {
    Class { class, category, activity }
}

/// Number of "none of these".
const OTHER: u64 = 99;

impl Class {
    fn of(event: &Event<'_>) -> Class {
        match (event.text("type"), event.text("op")) {
            ("exec", _) | ("process", "fork") => class(1007, 1, 1),
            ("process", "exit") => class(1007, 1, 2),
            ("process", "cred") => class(1007, 1, 5),
            ("process", _) => class(1007, 1, OTHER),
            ("file", op) => class(1001, 1, of_file(op)),
            ("net", op) => class(4001, 4, of_net(op, event)),
            ("dns", op) => class(4003, 4, if op == "query" { 1 } else { 2 }),
            ("finding", _) => class(2004, 2, 1),
            _ => class(0, 0, OTHER),
        }
    }
}

/// Activities of class 1001.
fn of_file(op: &str) -> u64 {
    match op {
        "create" => 1,
        "read" => 2,
        "write" | "truncate" => 3,
        "delete" => 4,
        "rename" => 5,
        "attrib" => 6,
        "open" | "open_failed" => 14,
        _ => OTHER,
    }
}

/// Activities of class 4001.
fn of_net(op: &str, event: &Event<'_>) -> u64 {
    match (op, event.text("result")) {
        ("connect", "refused") => 5,
        ("connect", _) if fields::failed(event) => 4,
        ("connect" | "accept", _) => 1,
        ("send" | "flow", _) => 6,
        ("listen", _) => 7,
        _ => OTHER,
    }
}

impl Writer for Activities {
    fn run(&mut self, run: &Run) -> io::Result<()> {
        let os = json!({ "name": "Linux", "type_id": 200, "kernel_release": run.text("kernel") });
        self.device = json!({ "hostname": run.text("host"), "type_id": 0, "os": os });
        self.product =
            json!({ "name": "audit", "vendor_name": "audit", "version": run.text("version") });
        self.labels = run.redaction.as_ref().map(|told| json!([format!("redaction: {told}")]));
        Ok(())
    }

    fn event(&mut self, event: &Event<'_>) -> io::Result<()> {
        let Class { class, category, activity } = Class::of(event);
        let mut object = json!({
            "class_uid": class,
            "category_uid": category,
            "activity_id": activity,
            "type_uid": class * 100 + activity,
            "time": event.ts_ns() / 1_000_000,
            "severity_id": severity(event),
            "status_id": if fields::failed(event) { 2 } else { 1 },
            "metadata": self.metadata(event),
            "device": self.device,
            "unmapped": fields::rest(event, &["run", "seq", "ts"]),
        });
        if activity == OTHER {
            set(&mut object, "activity_name", Some(named(event)));
        }
        set(&mut object, "count", event.number("count").filter(|count| *count > 1));
        match class {
            1007 => {
                set(&mut object, "process", Some(subject(event)));
                set(&mut object, "actor", Some(actor(event)));
            }
            1001 => {
                set(&mut object, "actor", Some(actor(event)));
                set(&mut object, "file", Some(file(event.text("path"), event)));
                let result = event.some_text("path2").map(|path| file(path, event));
                set(&mut object, "file_result", result);
            }
            4001 => network(event, &mut object),
            4003 => dns(event, &mut object),
            2004 => set(&mut object, "finding_info", Some(finding(event))),
            _ => {}
        }
        self.lines.write(&object)
    }

    fn finish(self: Box<Self>) -> io::Result<()> {
        self.lines.finish()
    }
}

impl Activities {
    fn metadata(&self, event: &Event<'_>) -> Value {
        let seq = event.number("seq").unwrap_or(0);
        let mut metadata = json!({
            "version": VERSION,
            "profiles": ["host"],
            "product": self.product,
            "uid": format!("{}:{seq}", event.text("run")),
            "correlation_uid": event.text("run"),
            "sequence": seq,
            "original_time": event.text("ts"),
        });
        set(&mut metadata, "labels", self.labels.clone());
        metadata
    }
}

fn named(event: &Event<'_>) -> String {
    match event.some_text("op") {
        Some(op) => format!("{}.{op}", event.text("type")),
        None => event.text("type").to_owned(),
    }
}

fn severity(event: &Event<'_>) -> u64 {
    match event.text("severity") {
        "low" => 2,
        "medium" => 3,
        "high" => 4,
        "critical" => 5,
        _ => 1,
    }
}

/// A process by pid and start: a pid alone is used again.
fn process(event: &Event<'_>, pid: &str, start: &str) -> Value {
    let mut process = json!({});
    set(&mut process, "pid", fields::number(event, pid));
    if let (Some(pid), Some(start)) = (event.number(pid), event.number(start)) {
        set(&mut process, "uid", Some(format!("{}:{pid}:{start}", event.text("run"))));
    }
    process
}

/// Who did it.
fn acting(event: &Event<'_>) -> Value {
    let mut process = process(event, "pid", "start_ns");
    set(&mut process, "name", event.some_text("exe").map(name_of));
    set(&mut process, "file", event.some_text("exe").map(|exe| file(exe, event)));
    let parent = event.number("ppid").map(|pid| json!({ "pid": pid }));
    set(&mut process, "parent_process", parent);
    let user = event.number("uid").map(|uid| json!({ "uid": uid.to_string() }));
    set(&mut process, "user", user);
    process
}

fn actor(event: &Event<'_>) -> Value {
    json!({ "process": acting(event) })
}

/// The process that an event is about: of a fork the child, else who did it.
fn subject(event: &Event<'_>) -> Value {
    if event.text("op") == "fork" {
        return process(event, "child_pid", "child_start_ns");
    }
    let mut process = acting(event);
    if event.text("type") == "exec" {
        let words = event.texts("argv").join(" ");
        set(&mut process, "cmd_line", Some(words).filter(|words| !words.is_empty()));
        set(&mut process, "working_directory", event.some_text("cwd"));
    }
    process
}

fn file(path: &str, event: &Event<'_>) -> Value {
    let is_dir = event.value("dir").and_then(Value::as_bool) == Some(true);
    let mut file = json!({ "name": name_of(path), "type_id": if is_dir { 2 } else { 0 } });
    set(&mut file, "path", Some(path).filter(|path| !path.is_empty()));
    file
}

fn endpoint(event: &Event<'_>, name: &str) -> Option<Value> {
    let address = fields::address(event, name)?;
    let mut end = json!({ "ip": address.ip().to_string(), "port": address.port() });
    if name == "peer" && event.text("type") == "net" {
        set(&mut end, "hostname", event.some_text("host"));
    }
    Some(end)
}

fn network(event: &Event<'_>, object: &mut Value) {
    set(object, "actor", Some(actor(event)));
    let server = event.text("role") == "server";
    let (source, destination) = if server { ("peer", "local") } else { ("local", "peer") };
    set(object, "src_endpoint", endpoint(event, source));
    // One of the two must be there; of a socket that talks to nobody neither is known.
    let other = endpoint(event, destination).or_else(|| Some(json!({ "name": "unknown" })));
    set(object, "dst_endpoint", other);
    let version = match event.number("family") {
        Some(4) => 4,
        Some(6) => 6,
        _ => 0,
    };
    let direction = if server { 1 } else { 2 };
    let mut info = json!({ "direction_id": direction, "protocol_ver_id": version });
    set(&mut info, "protocol_name", event.some_text("proto"));
    set(object, "connection_info", Some(info));
    if event.number("sent_bytes").is_some() {
        let mut traffic = json!({});
        set(&mut traffic, "bytes_out", event.number("sent_bytes"));
        set(&mut traffic, "bytes_in", event.number("received_bytes"));
        set(object, "traffic", Some(traffic));
    }
}

fn dns(event: &Event<'_>, object: &mut Value) {
    set(object, "actor", Some(actor(event)));
    set(object, "src_endpoint", endpoint(event, "local"));
    set(object, "dst_endpoint", endpoint(event, "peer"));
    let mut query = json!({ "hostname": event.text("host") });
    set(&mut query, "type", event.some_text("qtype"));
    set(object, "query", Some(query));
}

fn finding(event: &Event<'_>) -> Value {
    let seq = event.number("seq").unwrap_or(0);
    json!({
        "uid": format!("{}:{seq}", event.text("run")),
        "title": event.text("title"),
        "analytic": { "uid": event.text("rule"), "name": event.text("title"), "type_id": 1 },
        "data_sources": ["audit"],
    })
}
