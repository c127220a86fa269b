//! Comma-separated values (RFC 4180): one line an event, the same columns for all types.

use std::io;

use event::json;
use serde_json::Value;

use crate::{
    Event, Run,
    event_line::put,
    format::{Output, Writer},
};

/// The columns: fields of events under their names.
pub(crate) const COLUMNS: &[&str] = &[
    "run",
    "seq",
    "ts",
    "type",
    "op",
    "pid",
    "start_ns",
    "ppid",
    "uid",
    "exe",
    "argv",
    "cwd",
    "path",
    "path2",
    "child_pid",
    "code",
    "signal",
    "proto",
    "local",
    "peer",
    "host",
    "host_source",
    "result",
    "errno",
    "count",
    "sent_bytes",
    "received_bytes",
    "size_before",
    "size_after",
    "blake3",
    "severity",
    "rule",
    "title",
    "cause",
    "redaction",
];

struct Table {
    out: Output,
    row: Vec<u8>,
    cell: Vec<u8>,
    begun: bool,
}

pub(crate) fn open(out: Output) -> Box<dyn Writer> {
    Box::new(Table { out, row: Vec::new(), cell: Vec::new(), begun: false })
}

impl Writer for Table {
    fn run(&mut self, _: &Run) -> io::Result<()> {
        if std::mem::replace(&mut self.begun, true) {
            return Ok(());
        }
        self.out.write_all(COLUMNS.join(",").as_bytes())?;
        self.out.write_all(b"\r\n")
    }

    fn event(&mut self, event: &Event<'_>) -> io::Result<()> {
        self.row.clear();
        for (at, name) in COLUMNS.iter().enumerate() {
            if at > 0 {
                self.row.push(b',');
            }
            if let Some(value) = event.value(name) {
                self.cell.clear();
                text(value, &mut self.cell);
                quote(&self.cell, &mut self.row);
            }
        }
        self.row.extend(b"\r\n");
        self.out.write_all(&self.row)
    }

    fn finish(mut self: Box<Self>) -> io::Result<()> {
        self.out.flush()
    }
}

/// A value as its cell says it: a text as in a JSON string but for quotation marks, so that a cell is one line
/// and does nothing to a terminal; anything else as JSON.
fn text(value: &Value, cell: &mut Vec<u8>) {
    let Value::String(text) = value else { return put(value, cell) };
    let mut quoted = Vec::with_capacity(text.len() + 2);
    for (at, part) in text.split('"').enumerate() {
        if at > 0 {
            cell.push(b'"');
        }
        quoted.clear();
        json::string(part.as_bytes(), &mut quoted);
        cell.extend(quoted.get(1..quoted.len() - 1).unwrap_or_default());
    }
    // A spreadsheet would take it for a formula (CWE-1236).
    if cell.first().is_some_and(|first| matches!(first, b'=' | b'+' | b'-' | b'@' | b'\'')) {
        cell.insert(0, b'\'');
    }
}

/// RFC 4180, 2.5 to 2.7.
fn quote(cell: &[u8], row: &mut Vec<u8>) {
    if !cell.iter().any(|byte| matches!(byte, b',' | b'"' | b' ' | b'\'')) {
        return row.extend(cell);
    }
    row.push(b'"');
    for byte in cell {
        if *byte == b'"' {
            row.push(b'"');
        }
        row.push(*byte);
    }
    row.push(b'"');
}
