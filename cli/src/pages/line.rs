//! One line of a record, as the pages read it: fields of any type, bytes exact, nothing trusted.

use std::borrow::Cow;

use event::json::base64;
use serde_json::{Map, Value};

/// A line of the events, taken apart.
#[derive(Debug, Clone)]
pub(crate) struct Line {
    fields: Map<String, Value>,
}

impl Line {
    /// Takes `line` apart; what is no JSON object is an event without fields.
    pub(crate) fn parse(line: &[u8]) -> Line {
        Line { fields: serde_json::from_slice(line).unwrap_or_default() }
    }

    /// A text of ours; empty where there is none.
    pub(crate) fn text(&self, name: &str) -> &str {
        self.fields.get(name).and_then(Value::as_str).unwrap_or_default()
    }

    /// Whether the field is there.
    pub(crate) fn has(&self, name: &str) -> bool {
        self.fields.contains_key(name)
    }

    /// All of it, as it was.
    pub(crate) fn object(&self) -> Value {
        Value::Object(self.fields.clone())
    }

    /// The value as JSON has it.
    pub(crate) fn value(&self, name: &str) -> Option<&Value> {
        self.fields.get(name)
    }

    /// A number.
    pub(crate) fn number(&self, name: &str) -> Option<u64> {
        self.fields.get(name).and_then(Value::as_u64)
    }

    /// A flag; false where there is none.
    pub(crate) fn flag(&self, name: &str) -> bool {
        self.fields.get(name).and_then(Value::as_bool).unwrap_or_default()
    }

    /// Bytes of others: from `NAME_b64` where the text does not say it all.
    pub(crate) fn bytes(&self, name: &str) -> Option<Cow<'_, [u8]>> {
        let text = self.fields.get(name)?.as_str()?;
        let exact = self.fields.get(&format!("{name}_b64")).and_then(Value::as_str);
        let exact = exact.and_then(|exact| base64::decode(exact.as_bytes()));
        Some(exact.map_or(Cow::Borrowed(text.as_bytes()), Cow::Owned))
    }

    /// A list of bytes of others.
    pub(crate) fn list(&self, name: &str) -> Vec<Vec<u8>> {
        let list = |name: &str| self.fields.get(name).and_then(Value::as_array);
        let exact = list(&format!("{name}_b64")).and_then(|items| {
            items.iter().map(|item| base64::decode(item.as_str()?.as_bytes())).collect()
        });
        let texts = || {
            let items = list(name).into_iter().flatten().filter_map(Value::as_str);
            items.map(|item| item.as_bytes().to_vec()).collect()
        };
        exact.unwrap_or_else(texts)
    }

    /// Returns whether `is` says so of a text in any field but the run's id and the time.
    pub(crate) fn any_text(&self, is: &mut dyn FnMut(&str) -> bool) -> bool {
        let asked = |name: &str| !matches!(name, "run" | "ts") && !name.ends_with("_b64");
        let mut values = self.fields.iter().filter(|(name, _)| asked(name)).map(|(_, value)| value);
        values.any(|value| match value {
            Value::String(text) => is(text),
            Value::Array(items) => items.iter().filter_map(Value::as_str).any(&mut *is),
            _ => false,
        })
    }

    /// A list of texts of ours.
    pub(crate) fn texts(&self, name: &str) -> Vec<&str> {
        let items = self.fields.get(name).and_then(Value::as_array);
        items.into_iter().flatten().filter_map(Value::as_str).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes_that_are_not_text_come_back_exactly() {
        let line = Line::parse(
            br#"{"path":"a?","path_b64":"Yf8=","argv":["x","?"],"argv_b64":["eA==","/w=="]}"#,
        );
        assert_eq!(line.bytes("path").as_deref(), Some(&b"a\xff"[..]));
        assert_eq!(line.list("argv"), [b"x".to_vec(), b"\xff".to_vec()]);
    }

    #[test]
    fn lines_of_any_shape_are_events_with_few_fields() {
        for text in ["", "[]", "3", "{", r#"{"path":3,"argv":{},"seq":"x","dir":1}"#] {
            let line = Line::parse(text.as_bytes());
            assert_eq!(line.bytes("path"), None, "{text}");
            assert!(
                line.list("argv").is_empty() && line.number("seq").is_none() && !line.flag("dir")
            );
        }
    }
}
