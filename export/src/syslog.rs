//! Findings as lines of syslog (RFC 5424), one each, with structured data.

use std::io;

use event::json;
use serde_json::Value;

use crate::{
    Event, Run,
    format::{Output, Writer},
};

/// Facility "log audit".
const FACILITY: u32 = 13;
/// Structured data of private form needs an enterprise number; this one is for documents (RFC 5612).
const SD_ID: &str = "audit@32473";
/// The element that says what was hidden, where something was.
const SD_REDACTION: &str = "redaction@32473";
/// Fields of the structured data.
const FIELDS: &[&str] = &[
    "run", "seq", "rule", "severity", "cause", "count", "pid", "start_ns", "uid", "exe", "path",
    "peer", "host",
];

struct Messages {
    out: Output,
    host: String,
    redaction: Option<Value>,
    line: Vec<u8>,
}

pub(crate) fn open(out: Output) -> Box<dyn Writer> {
    Box::new(Messages { out, host: String::new(), redaction: None, line: Vec::new() })
}

/// Number of syslog's severities.
pub(crate) fn severity(event: &Event<'_>) -> u32 {
    match event.text("severity") {
        "critical" => 2,
        "high" => 3,
        "medium" => 4,
        "low" => 5,
        _ => 6,
    }
}

impl Writer for Messages {
    fn run(&mut self, run: &Run) -> io::Result<()> {
        self.host = name(run.text("host"), 255);
        self.redaction.clone_from(&run.redaction);
        Ok(())
    }

    fn event(&mut self, event: &Event<'_>) -> io::Result<()> {
        if event.text("type") != "finding" {
            return Ok(());
        }
        self.line.clear();
        let priority = FACILITY * 8 + severity(event);
        let (at, rule) = (time(event), name(event.text("rule"), 32));
        let head = format!("<{priority}>1 {at} {} audit - {rule} [{SD_ID}", self.host);
        self.line.extend(head.bytes());
        for field in FIELDS {
            let Some(value) = event.value(field) else { continue };
            parameter(field, value, &mut self.line);
        }
        if let Some(told) = self.redaction.as_ref().and_then(Value::as_object) {
            self.line.extend(format!("][{SD_REDACTION}").bytes());
            for (field, value) in told {
                parameter(field, value, &mut self.line);
            }
        }
        self.line.extend(b"] ");
        self.line.extend(shown(event.text("title")));
        self.line.push(b'\n');
        self.out.write_all(&self.line)
    }

    fn finish(mut self: Box<Self>) -> io::Result<()> {
        self.out.flush()
    }
}

/// A parameter of structured data.
fn parameter(name: &str, value: &Value, line: &mut Vec<u8>) {
    let text = value.as_str().map_or_else(|| value.to_string(), ToOwned::to_owned);
    line.extend(format!(" {name}=\"").bytes());
    for byte in shown(&text) {
        // RFC 5424, 6.3.3.
        if matches!(byte, b'"' | b'\\' | b']') {
            line.push(b'\\');
        }
        line.push(byte);
    }
    line.push(b'"');
}

/// A name of the head: printable ASCII without blanks, `_` for what is not; `-` for none.
fn name(text: &str, most: usize) -> String {
    let shown = |char: char| if char.is_ascii_graphic() { char } else { '_' };
    let name: String = text.chars().take(most).map(shown).collect();
    if name.is_empty() { "-".to_owned() } else { name }
}

/// The time with six digits of a second, which is what the form allows.
fn time(event: &Event<'_>) -> String {
    let at = event.text("ts").parse::<jiff::Timestamp>();
    at.map_or_else(|_| "-".to_owned(), |at| format!("{at:.6}"))
}

/// A text as inside a JSON string, but for quotation marks: it is one line and does nothing to a terminal.
fn shown(text: &str) -> Vec<u8> {
    let mut shown = Vec::new();
    for (at, part) in text.split('"').enumerate() {
        if at > 0 {
            shown.push(b'"');
        }
        let mut quoted = Vec::new();
        json::string(part.as_bytes(), &mut quoted);
        shown.extend(quoted.get(1..quoted.len() - 1).unwrap_or_default());
    }
    shown
}
