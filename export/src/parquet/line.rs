//! A line of the events taken apart into columns.

use std::{borrow::Cow, collections::HashMap, fmt, net::SocketAddr};

use serde::de::{Deserializer as _, MapAccess, Visitor};
use serde_json::value::RawValue;

use super::{
    buffer::Buffer,
    table::{COLUMNS, From, Kind, position},
};

/// Where the fields of the types of events go.
#[derive(Debug)]
pub(super) struct Roads {
    columns: HashMap<&'static str, Road>,
    peer: Option<(usize, usize)>,
    rest: Option<usize>,
}

/// Where a field goes.
#[derive(Debug, Default)]
struct Road {
    /// By the type of the event.
    typed: Vec<(&'static str, usize)>,
    /// Of all other types.
    any: Option<usize>,
}

impl Roads {
    pub(super) fn new() -> Roads {
        let mut columns: HashMap<&'static str, Road> = HashMap::new();
        for (at, column) in COLUMNS.iter().enumerate() {
            let From::Fields(fields) = column.from else { continue };
            for field in fields {
                match field.split_once('.') {
                    Some((kind, field)) => {
                        columns.entry(field).or_default().typed.push((kind, at));
                    }
                    None => columns.entry(field).or_default().any = Some(at),
                }
            }
        }
        let peer = position("dest_ip").zip(position("dest_port"));
        Roads { columns, peer, rest: position("more") }
    }

    fn of(&self, kind: &str, field: &str) -> Option<usize> {
        let road = self.columns.get(field)?;
        let typed = road.typed.iter().find(|(of, _)| *of == kind);
        // The start event's `host` is the machine, which each row has.
        typed.map(|(_, at)| *at).or(road.any.filter(|_| !(kind == "start" && field == "host")))
    }

    /// Puts the fields of `line` into `row`; `more` is scratch. Returns false when it is no event.
    pub(super) fn take(&self, line: &[u8], row: &mut [Buffer], more: &mut Vec<u8>) -> bool {
        more.clear();
        let mut reader = serde_json::Deserializer::from_slice(line);
        let taken = reader.deserialize_map(Taking { roads: self, row, more }).is_ok();
        if !taken || reader.end().is_err() {
            return false;
        }
        if let Some(rest) = self.rest.and_then(|at| row.get_mut(at))
            && !more.is_empty()
        {
            more.push(b'}');
            rest.text(&String::from_utf8_lossy(more));
        }
        true
    }
}

struct Taking<'t> {
    roads: &'t Roads,
    row: &'t mut [Buffer],
    more: &'t mut Vec<u8>,
}

impl<'de> Visitor<'de> for Taking<'_> {
    type Value = ();

    fn expecting(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("an event")
    }

    fn visit_map<A: MapAccess<'de>>(mut self, mut map: A) -> Result<(), A::Error> {
        // `type` is the fourth field of every line (docs/events.md); those before it are of all types.
        let mut kind: Cow<'de, str> = Cow::Borrowed("");
        while let Some((key, value)) = map.next_entry::<Name<'de>, &'de RawValue>()? {
            let Name(key) = key;
            if key == "type"
                && let Ok(Name(text)) = serde_json::from_str(value.get())
            {
                kind = text;
            }
            if !self.place(&kind, &key, value.get()) {
                self.keep(&key, value.get());
            }
        }
        Ok(())
    }
}

impl Taking<'_> {
    /// Returns whether the value is in a column now.
    fn place(&mut self, kind: &str, key: &str, value: &str) -> bool {
        if key == "run" || (kind == "start" && matches!(key, "name" | "user" | "host")) {
            // They are in the columns of the run, unless an event says otherwise than its run.
            return true;
        }
        if key == "peer" {
            return self.place_peer(value);
        }
        let Some(at) = self.roads.of(kind, key) else { return false };
        let Some((column, buffer)) = COLUMNS.get(at).zip(self.row.get_mut(at)) else {
            return false;
        };
        !buffer.is_filled() && put(column.kind, value, buffer)
    }

    fn place_peer(&mut self, value: &str) -> bool {
        let Some((ip, port)) = self.roads.peer else { return false };
        let Ok(Name(text)) = serde_json::from_str::<Name<'_>>(value) else { return false };
        let Ok(address) = text.parse::<SocketAddr>() else { return false };
        if let Some(buffer) = self.row.get_mut(ip).filter(|buffer| !buffer.is_filled()) {
            buffer.text(&address.ip().to_string());
        }
        if let Some(buffer) = self.row.get_mut(port).filter(|buffer| !buffer.is_filled()) {
            buffer.number(i64::from(address.port()));
        }
        true
    }

    fn keep(&mut self, key: &str, value: &str) {
        self.more.push(if self.more.is_empty() { b'{' } else { b',' });
        event::json::string(key.as_bytes(), self.more);
        self.more.push(b':');
        self.more.extend_from_slice(value.as_bytes());
    }
}

/// Puts a JSON value into the column. Returns false where it is not of the column's kind.
fn put(kind: Kind, value: &str, buffer: &mut Buffer) -> bool {
    match kind {
        Kind::Text => match serde_json::from_str(value) {
            Ok(Name(text)) => buffer.text(&text),
            Err(_) => return false,
        },
        Kind::Texts => match serde_json::from_str::<Vec<Name<'_>>>(value) {
            Ok(list) => buffer.texts(list.iter().map(|Name(text)| &**text)),
            Err(_) => return false,
        },
        Kind::Int => match value.parse() {
            Ok(number) => buffer.number(number),
            Err(_) => return false,
        },
        Kind::Bool => match value {
            "true" => buffer.number(1),
            "false" => buffer.number(0),
            _ => return false,
        },
        Kind::Time => match serde_json::from_str(value) {
            Ok(Name(text)) => match nanoseconds(&text) {
                Some(ns) => buffer.number(ns),
                None => return false,
            },
            Err(_) => return false,
        },
        Kind::Day => return false,
    }
    true
}

/// Nanoseconds since 1970 of a time in the form of our lines.
fn nanoseconds(text: &str) -> Option<i64> {
    i64::try_from(text.parse::<jiff::Timestamp>().ok()?.as_nanosecond()).ok()
}

/// A JSON string, borrowed where it has no escapes.
#[derive(serde::Deserialize)]
struct Name<'a>(#[serde(borrow)] Cow<'a, str>);
