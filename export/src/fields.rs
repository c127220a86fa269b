//! What several formats take out of an event in the same way.

use std::{io, net::SocketAddr};

use serde_json::{Map, Value, json};

use crate::{Event, event_line::put, format::Output};

/// Writes objects as JSON lines that do nothing to a terminal.
pub(crate) struct Lines {
    out: Output,
    line: Vec<u8>,
}

impl Lines {
    pub(crate) fn new(out: Output) -> Lines {
        Lines { out, line: Vec::new() }
    }

    pub(crate) fn write(&mut self, object: &Value) -> io::Result<()> {
        self.line.clear();
        put(object, &mut self.line);
        self.line.push(b'\n');
        self.out.write_all(&self.line)
    }

    pub(crate) fn finish(mut self) -> io::Result<()> {
        self.out.flush()
    }
}

/// The fields of `event` that are not among `told`.
pub(crate) fn rest(event: &Event<'_>, told: &[&str]) -> Map<String, Value> {
    let fields = event.fields().filter(|(name, _)| !told.contains(name));
    fields.map(|(name, value)| (name.to_owned(), value.clone())).collect()
}

/// An address with its port.
pub(crate) fn address(event: &Event<'_>, name: &str) -> Option<SocketAddr> {
    event.text(name).parse().ok()
}

/// The last part of a path; the path where it has none.
pub(crate) fn name_of(path: &str) -> &str {
    path.rsplit('/').find(|part| !part.is_empty()).unwrap_or(path)
}

/// Puts `value` below `name` when it is there.
pub(crate) fn set(object: &mut Value, name: &str, value: Option<impl Into<Value>>) {
    if let (Some(fields), Some(value)) = (object.as_object_mut(), value) {
        fields.insert(name.to_owned(), value.into());
    }
}

/// Whether what was tried came about: an errno or a result that says otherwise.
pub(crate) fn failed(event: &Event<'_>) -> bool {
    event.some_text("errno").is_some() && event.text("errno") != "EINPROGRESS"
        || matches!(
            event.text("result"),
            "refused" | "timed_out" | "unreachable" | "reset" | "abandoned" | "failed"
        )
}

/// A number as JSON, where it is one.
pub(crate) fn number(event: &Event<'_>, name: &str) -> Option<Value> {
    event.number(name).map(|number| json!(number))
}
