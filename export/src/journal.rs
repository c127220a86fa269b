//! Findings in the Journal Export Format, which `systemd-journal-remote` reads.

use std::io;

use serde_json::Value;

use crate::{
    Event, Run,
    format::{Output, Writer},
    syslog::severity,
};

struct Entries {
    out: Output,
    host: String,
    redaction: Option<Value>,
    entry: Vec<u8>,
}

pub(crate) fn open(out: Output) -> Box<dyn Writer> {
    Box::new(Entries { out, host: String::new(), redaction: None, entry: Vec::new() })
}

impl Writer for Entries {
    fn run(&mut self, run: &Run) -> io::Result<()> {
        run.text("host").clone_into(&mut self.host);
        self.redaction.clone_from(&run.redaction);
        Ok(())
    }

    fn event(&mut self, event: &Event<'_>) -> io::Result<()> {
        if event.text("type") != "finding" {
            return Ok(());
        }
        self.entry.clear();
        let entry = &mut self.entry;
        let micros = event.ts_ns().max(0) / 1000;
        field(entry, "__REALTIME_TIMESTAMP", &micros.to_string());
        field(entry, "MESSAGE", event.text("title"));
        field(entry, "PRIORITY", &severity(event).to_string());
        field(entry, "SYSLOG_IDENTIFIER", "audit");
        field(entry, "AUDIT_HOST", &self.host);
        if let Some(told) = &self.redaction {
            field(entry, "AUDIT_REDACTION", &told.to_string());
        }
        for (name, value) in event.fields() {
            let text = value.as_str().map_or_else(|| value.to_string(), ToOwned::to_owned);
            field(entry, &format!("AUDIT_{}", name.to_ascii_uppercase()), &text);
        }
        self.entry.push(b'\n');
        self.out.write_all(&self.entry)
    }

    fn finish(mut self: Box<Self>) -> io::Result<()> {
        self.out.flush()
    }
}

/// A field. What is not printable goes in the binary form: its length in 8 bytes before it.
fn field(entry: &mut Vec<u8>, name: &str, value: &str) {
    // Names in the journal are of these letters.
    if !name.bytes().all(|byte| byte.is_ascii_uppercase() || byte.is_ascii_digit() || byte == b'_')
    {
        return;
    }
    entry.extend(name.bytes());
    if value.chars().any(event::json::acts) {
        entry.push(b'\n');
        entry.extend((value.len() as u64).to_le_bytes());
    } else {
        entry.push(b'=');
    }
    entry.extend(value.bytes());
    entry.push(b'\n');
}
