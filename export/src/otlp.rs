//! OpenTelemetry logs as JSON lines: each line a `LogsData` (OTLP 1.x, "OTLP JSON File"), so that a collector's
//! file receiver takes it.

use std::io;

use serde_json::{Value, json};

use crate::{
    Event, Run,
    fields::Lines,
    format::{Output, Writer},
};

/// Events in a line.
const BATCH: usize = 256;

/// Fields that have a name in the semantic conventions of OpenTelemetry.
const NAMES: &[(&str, &str)] = &[
    ("pid", "process.pid"),
    ("ppid", "process.parent_pid"),
    ("uid", "process.real_user.id"),
    ("exe", "process.executable.path"),
    ("argv", "process.command_args"),
    ("cwd", "process.working_directory"),
    ("code", "process.exit.code"),
    ("path", "file.path"),
    ("host", "server.address"),
];

struct Logs {
    lines: Lines,
    resource: Value,
    scope: Value,
    batch: Vec<Value>,
}

pub(crate) fn open(out: Output) -> Box<dyn Writer> {
    let (resource, scope) = (Value::Null, Value::Null);
    Box::new(Logs { lines: Lines::new(out), resource, scope, batch: Vec::new() })
}

impl Writer for Logs {
    fn run(&mut self, run: &Run) -> io::Result<()> {
        self.flush()?;
        let mut attributes = vec![text("service.name", "audit"), text("audit.run", &run.id)];
        for (name, field) in [
            ("host.name", "host"),
            ("os.version", "kernel"),
            ("audit.name", "name"),
            ("audit.verdict", "verdict"),
            ("audit.trust", "trust"),
        ] {
            if !run.text(field).is_empty() {
                attributes.push(text(name, run.text(field)));
            }
        }
        attributes.push(text("os.type", "linux"));
        if let Some(hash) = run.seal_sha256 {
            attributes.push(text("audit.seal_sha256", &event::digest::hex(&hash)));
        }
        if let Some(told) = &run.redaction {
            attributes.push(text("audit.redaction", &told.to_string()));
        }
        self.resource = json!({ "attributes": attributes });
        self.scope = json!({ "name": "audit", "version": run.text("version") });
        Ok(())
    }

    fn event(&mut self, event: &Event<'_>) -> io::Result<()> {
        self.batch.push(record(event));
        if self.batch.len() < BATCH { Ok(()) } else { self.flush() }
    }

    fn finish(mut self: Box<Self>) -> io::Result<()> {
        self.flush()?;
        self.lines.finish()
    }
}

impl Logs {
    fn flush(&mut self) -> io::Result<()> {
        if self.batch.is_empty() {
            return Ok(());
        }
        let records = std::mem::take(&mut self.batch);
        self.lines.write(&json!({ "resourceLogs": [{
            "resource": self.resource,
            "scopeLogs": [{ "scope": self.scope, "logRecords": records }],
        }] }))
    }
}

fn record(event: &Event<'_>) -> Value {
    let kind = event.text("type");
    let name = match event.some_text("op") {
        Some(op) => format!("audit.{kind}.{op}"),
        None => format!("audit.{kind}"),
    };
    let (number, word) = severity(event);
    // The run is that of the resource, the time that of the record.
    let told = ["run", "ts", "type"];
    let fields = event.fields().filter(|(field, _)| !told.contains(field));
    let attributes: Vec<Value> = fields
        .map(|(field, value)| {
            let known = NAMES.iter().find(|(ours, _)| *ours == field);
            let name =
                known.map_or_else(|| format!("audit.{field}"), |(_, theirs)| (*theirs).into());
            json!({ "key": name, "value": any(value) })
        })
        .collect();
    let nanos = event.ts_ns().max(0).to_string();
    json!({
        "timeUnixNano": nanos,
        "observedTimeUnixNano": nanos,
        "severityNumber": number,
        "severityText": word,
        "eventName": name,
        "body": { "stringValue": name },
        "attributes": attributes,
    })
}

/// OpenTelemetry's numbers: 9 to 12 are INFO, 13 to 16 WARN, 17 to 20 ERROR.
fn severity(event: &Event<'_>) -> (u32, &'static str) {
    match (event.text("type"), event.text("severity")) {
        ("finding", "critical") => (20, "critical"),
        ("finding", "high") => (17, "high"),
        ("finding", "medium") => (14, "medium"),
        ("finding", "low") => (13, "low"),
        ("lost", _) => (13, "lost"),
        _ => (9, "info"),
    }
}

fn text(key: &str, value: &str) -> Value {
    json!({ "key": key, "value": { "stringValue": value } })
}

/// A value as OTLP has it: 64-bit numbers are decimal text (the JSON mapping of protobuf).
fn any(value: &Value) -> Value {
    match value {
        Value::String(text) => json!({ "stringValue": text }),
        Value::Bool(flag) => json!({ "boolValue": flag }),
        Value::Number(number) => match number.as_i64() {
            Some(number) => json!({ "intValue": number.to_string() }),
            None => json!({ "stringValue": number.to_string() }),
        },
        Value::Array(items) => {
            let items: Vec<Value> = items.iter().map(any).collect();
            json!({ "arrayValue": { "values": items } })
        }
        other => json!({ "stringValue": other.to_string() }),
    }
}
