//! Elastic Common Schema 9: one JSON object a line. What ECS has no field for is below `audit`.

use std::io;

use serde_json::{Value, json};

use crate::{
    Event, Run,
    fields::{self, Lines, name_of, set},
    format::{Output, Writer},
};

/// The version of ECS whose fields these are.
const VERSION: &str = "9.4.0";

struct Documents {
    lines: Lines,
    host: Value,
    run: Value,
    labels: Option<Value>,
}

pub(crate) fn open(out: Output) -> Box<dyn Writer> {
    Box::new(Documents {
        lines: Lines::new(out),
        host: Value::Null,
        run: Value::Null,
        labels: None,
    })
}

impl Writer for Documents {
    fn run(&mut self, run: &Run) -> io::Result<()> {
        let os = json!({ "type": "linux", "kernel": run.text("kernel") });
        self.host = json!({ "name": run.text("host"), "os": os });
        self.run = json!({ "type": "audit", "version": run.text("version") });
        // Labels are texts.
        self.labels = run.redaction.as_ref().map(|told| json!({ "redaction": told.to_string() }));
        Ok(())
    }

    fn event(&mut self, event: &Event<'_>) -> io::Result<()> {
        let mut object = json!({
            "@timestamp": event.text("ts"),
            "ecs": { "version": VERSION },
            "event": about(event),
            "host": self.host,
            "agent": self.run,
            "audit": fields::rest(event, &["ts", "type", "op", "seq"]),
        });
        set(&mut object, "labels", self.labels.clone());
        set(&mut object, "process", process(event));
        match event.text("type") {
            "file" | "hash" => set(&mut object, "file", file(event)),
            "net" => network(event, &mut object),
            "dns" => {
                network(event, &mut object);
                set(&mut object, "dns", Some(dns(event)));
            }
            "finding" => {
                let rule = json!({ "id": event.text("rule"), "name": event.text("title") });
                set(&mut object, "rule", Some(rule));
                set(&mut object, "message", event.some_text("title"));
            }
            _ => {}
        }
        self.lines.write(&object)
    }

    fn finish(self: Box<Self>) -> io::Result<()> {
        self.lines.finish()
    }
}

/// `event.*`: categories and types are of the lists that ECS allows.
fn about(event: &Event<'_>) -> Value {
    let (kind, op) = (event.text("type"), event.text("op"));
    let (categories, types): (&[&str], &[&str]) = match (kind, op) {
        ("exec", _) | ("process", "fork") => (&["process"], &["start"]),
        ("process", "exit") => (&["process"], &["end"]),
        ("process", _) => (&["process"], &["change"]),
        ("file", "create") => (&["file"], &["creation"]),
        ("file", "delete") => (&["file"], &["deletion"]),
        ("file", "read" | "open" | "exec" | "open_failed" | "exec_failed") => {
            (&["file"], &["access"])
        }
        ("file", _) => (&["file"], &["change"]),
        ("hash", _) => (&["file"], &["info"]),
        ("net" | "dns" | "unix", "flow") => (&["network"], &["connection", "end"]),
        ("net" | "unix", _) => (&["network"], &["connection", "start"]),
        ("dns", _) => (&["network"], &["protocol"]),
        _ => (&["host"], &["info"]),
    };
    let action = if op.is_empty() { kind.to_owned() } else { format!("{kind}-{op}") };
    let outcome = if fields::failed(event) { "failure" } else { "success" };
    let mut about = json!({
        "kind": if kind == "finding" { "alert" } else { "event" },
        "category": categories,
        "type": types,
        "action": action,
        "outcome": outcome,
        "module": "audit",
        "dataset": format!("audit.{kind}"),
        "provider": "audit",
        "id": format!("{}:{}", event.text("run"), event.number("seq").unwrap_or(0)),
        "sequence": event.number("seq").unwrap_or(0),
    });
    let severity = match event.text("severity") {
        "info" => Some(21),
        "low" => Some(37),
        "medium" => Some(47),
        "high" => Some(73),
        "critical" => Some(99),
        _ => None,
    };
    set(&mut about, "severity", severity);
    about
}

fn process(event: &Event<'_>) -> Option<Value> {
    let pid = event.number("pid")?;
    let mut process = json!({ "pid": pid });
    if let Some(start) = event.number("start_ns") {
        // A pid is used again; with its start it is one process of one run.
        let id = format!("{}:{pid}:{start}", event.text("run"));
        set(&mut process, "entity_id", Some(id));
    }
    set(&mut process, "parent", event.number("ppid").map(|pid| json!({ "pid": pid })));
    set(&mut process, "executable", event.some_text("exe"));
    set(&mut process, "name", event.some_text("exe").map(name_of));
    let user = event.number("uid").map(|uid| json!({ "id": uid.to_string() }));
    set(&mut process, "real_user", user);
    if event.text("type") == "exec" {
        set(&mut process, "args", event.value("argv").cloned());
        set(&mut process, "args_count", event.number("argc"));
        set(&mut process, "working_directory", event.some_text("cwd"));
    }
    set(&mut process, "exit_code", event.value("code").cloned());
    Some(process)
}

fn file(event: &Event<'_>) -> Option<Value> {
    let path = event.some_text("path2").or_else(|| event.some_text("path"))?;
    let mut file = json!({ "path": path, "name": name_of(path) });
    let directory = path.rsplit_once('/').map(|(directory, _)| directory);
    set(&mut file, "directory", directory.filter(|directory| !directory.is_empty()));
    set(&mut file, "inode", event.number("ino").map(|ino| ino.to_string()));
    set(&mut file, "size", event.number("size_after").or_else(|| event.number("size")));
    Some(file)
}

fn network(event: &Event<'_>, object: &mut Value) {
    // Who accepts is the destination of the connection.
    let (source, destination) = match event.text("role") {
        "server" => ("peer", "local"),
        _ => ("local", "peer"),
    };
    for (side, field) in [("source", source), ("destination", destination)] {
        let Some(address) = fields::address(event, field) else { continue };
        let ip = address.ip().to_string();
        let mut end = json!({ "address": ip, "ip": ip, "port": address.port() });
        if field == "peer" && event.text("type") == "net" {
            set(&mut end, "domain", event.some_text("host"));
        }
        let bytes = if field == "local" { "sent_bytes" } else { "received_bytes" };
        set(&mut end, "bytes", event.number(bytes));
        set(object, side, Some(end));
    }
    let mut network = json!({});
    set(&mut network, "transport", event.some_text("proto"));
    let family = match event.number("family") {
        Some(4) => Some("ipv4"),
        Some(6) => Some("ipv6"),
        _ => None,
    };
    set(&mut network, "type", family);
    set(object, "network", Some(network));
}

fn dns(event: &Event<'_>) -> Value {
    let mut question = json!({});
    set(&mut question, "name", event.some_text("host"));
    set(&mut question, "type", event.some_text("qtype"));
    let mut dns = json!({ "type": event.text("op"), "question": question });
    set(&mut dns, "response_code", event.some_text("rcode"));
    dns
}
