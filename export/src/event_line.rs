//! One event as its line has it: fields in their order, nothing trusted.

use std::{cell::OnceCell, fmt};

use event::json;
use serde::de::{Deserialize, Deserializer, MapAccess, Visitor};
use serde_json::Value;

/// An event: its line, taken apart when a field is asked for first: some formats never do.
#[derive(Debug, Clone, Default)]
pub struct Event<'l> {
    /// The line, without its newline.
    pub line: &'l [u8],
    fields: OnceCell<Vec<(String, Value)>>,
}

impl<'l> Event<'l> {
    /// The event of `line`; what is no JSON object is an event without fields.
    #[must_use]
    pub fn parse(line: &'l [u8]) -> Event<'l> {
        Event { line, fields: OnceCell::new() }
    }

    fn parsed(&self) -> &[(String, Value)] {
        let parse = || serde_json::from_slice(self.line).map(|Fields(fields)| fields);
        self.fields.get_or_init(|| parse().unwrap_or_default())
    }

    /// All fields in the order of the line.
    pub fn fields(&self) -> impl Iterator<Item = (&str, &Value)> {
        self.parsed().iter().map(|(name, value)| (name.as_str(), value))
    }

    /// The value of a field.
    #[must_use]
    pub fn value(&self, name: &str) -> Option<&Value> {
        self.parsed().iter().find(|(field, _)| field == name).map(|(_, value)| value)
    }

    /// A text; empty where there is none.
    #[must_use]
    pub fn text(&self, name: &str) -> &str {
        self.value(name).and_then(Value::as_str).unwrap_or_default()
    }

    /// A text that is there and not empty.
    #[must_use]
    pub fn some_text(&self, name: &str) -> Option<&str> {
        Some(self.text(name)).filter(|text| !text.is_empty())
    }

    /// A number.
    #[must_use]
    pub fn number(&self, name: &str) -> Option<u64> {
        self.value(name).and_then(Value::as_u64)
    }

    /// Texts of a list.
    #[must_use]
    pub fn texts(&self, name: &str) -> Vec<&str> {
        let items = self.value(name).and_then(Value::as_array);
        items.into_iter().flatten().filter_map(Value::as_str).collect()
    }

    /// When it happened, nanoseconds since 1970; 0 where the line does not say.
    #[must_use]
    pub fn ts_ns(&self) -> i64 {
        let instant = self.text("ts").parse::<jiff::Timestamp>();
        instant.ok().and_then(|at| i64::try_from(at.as_nanosecond()).ok()).unwrap_or(0)
    }
}

/// Appends `value` as JSON in the form of our lines: what would do something to a terminal is escaped.
pub(crate) fn put(value: &Value, out: &mut Vec<u8>) {
    match value {
        Value::String(text) => {
            json::string(text.as_bytes(), out);
        }
        Value::Array(items) => {
            out.push(b'[');
            for (at, item) in items.iter().enumerate() {
                out.extend(if at == 0 { "" } else { "," }.bytes());
                put(item, out);
            }
            out.push(b']');
        }
        Value::Object(fields) => {
            out.push(b'{');
            for (at, (name, item)) in fields.iter().enumerate() {
                out.extend(if at == 0 { "" } else { "," }.bytes());
                json::string(name.as_bytes(), out);
                out.push(b':');
                put(item, out);
            }
            out.push(b'}');
        }
        plain => out.extend(plain.to_string().bytes()),
    }
}

/// The fields of an object, in their order.
struct Fields(Vec<(String, Value)>);

impl<'de> Deserialize<'de> for Fields {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        from.deserialize_map(InOrder)
    }
}

struct InOrder;

impl<'de> Visitor<'de> for InOrder {
    type Value = Fields;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Fields, A::Error> {
        let mut fields = Vec::new();
        while let Some(field) = map.next_entry()? {
            fields.push(field);
        }
        Ok(Fields(fields))
    }
}
