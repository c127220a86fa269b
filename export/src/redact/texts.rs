//! The texts of a field, exact: a field that is not UTF-8 has a twin in base64.

use event::{json::base64, model};
use serde_json::Value;

/// Texts of a field.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Texts {
    One(Vec<u8>),
    Many(Vec<Vec<u8>>),
    /// Something else that has texts within.
    Other(Value),
}

impl Texts {
    /// Takes a field apart; `None` where it is no text and no list of texts.
    pub(super) fn of(value: &Value, twin: Option<&Value>) -> Option<Texts> {
        match value {
            Value::String(text) => Some(Texts::One(exact(text, twin))),
            Value::Array(items) => {
                let twins = twin.and_then(Value::as_array);
                let item = |(at, item): (usize, &Value)| {
                    Some(exact(item.as_str()?, twins.and_then(|twins| twins.get(at))))
                };
                items.iter().enumerate().map(item).collect::<Option<_>>().map(Texts::Many)
            }
            _ => None,
        }
    }

    /// Has `hide` change each text, or all at once with NULs between them. Returns whether anything changed.
    pub(super) fn change(
        &mut self,
        at_once: bool,
        hide: &mut dyn FnMut(&[u8]) -> Option<Vec<u8>>,
    ) -> bool {
        match self {
            Texts::One(text) => hide(text).map(|new| *text = new).is_some(),
            Texts::Many(items) if at_once => {
                let hidden = hide(&items.join(&0));
                hidden
                    .map(|new| *items = new.split(|byte| *byte == 0).map(<[u8]>::to_vec).collect())
                    .is_some()
            }
            Texts::Many(items) => {
                let mut changed = false;
                for text in items {
                    if let Some(new) = hide(text) {
                        *text = new;
                        changed = true;
                    }
                }
                changed
            }
            Texts::Other(_) => false,
        }
    }

    /// Appends the field with its twin.
    pub(super) fn put(&self, name: &str, out: &mut Vec<u8>) {
        match self {
            Texts::One(text) => event::json::field(name, model::Value::Bytes(text), out),
            Texts::Many(items) => {
                let ended: Vec<u8> =
                    items.iter().flat_map(|item| item.iter().chain(&[0])).copied().collect();
                event::json::field(name, model::Value::List(&ended), out);
            }
            Texts::Other(value) => super::key(name, value, out),
        }
    }

    /// The value of the field.
    pub(super) fn value(&self) -> Value {
        let lossy = |text: &[u8]| Value::from(String::from_utf8_lossy(text));
        match self {
            Texts::One(text) => lossy(text),
            Texts::Many(items) => items.iter().map(|item| lossy(item)).collect(),
            Texts::Other(value) => value.clone(),
        }
    }

    /// The value of its twin, where it needs one.
    pub(super) fn twin(&self) -> Option<Value> {
        let encoded = |text: &[u8]| {
            let mut out = Vec::new();
            base64::encode(text, &mut out);
            Value::from(String::from_utf8_lossy(&out))
        };
        let is_text = |text: &[u8]| std::str::from_utf8(text).is_ok();
        match self {
            Texts::One(text) => (!is_text(text)).then(|| encoded(text)),
            Texts::Many(items) => {
                let whole = items.iter().all(|item| is_text(item));
                (!whole).then(|| items.iter().map(|item| encoded(item)).collect())
            }
            Texts::Other(_) => None,
        }
    }
}

/// The bytes of a text. A twin that is no base64 says nothing.
fn exact(text: &str, twin: Option<&Value>) -> Vec<u8> {
    let bytes = twin.and_then(Value::as_str).and_then(|twin| base64::decode(twin.as_bytes()));
    bytes.unwrap_or_else(|| text.as_bytes().to_vec())
}

/// Has `hide` change all texts within; `None` where none changed.
pub(super) fn nested(
    value: &Value,
    hide: &mut dyn FnMut(&[u8]) -> Option<Vec<u8>>,
) -> Option<Value> {
    match value {
        Value::String(text) => {
            hide(text.as_bytes()).map(|new| String::from_utf8_lossy(&new).into_owned().into())
        }
        Value::Array(items) => {
            let new: Vec<Option<Value>> = items.iter().map(|item| nested(item, hide)).collect();
            let both = |(old, new): (&Value, Option<Value>)| new.unwrap_or_else(|| old.clone());
            new.iter().any(Option::is_some).then(|| items.iter().zip(new).map(both).collect())
        }
        Value::Object(fields) => {
            let mut changed = fields.clone();
            let mut any = false;
            for (name, value) in fields {
                if let Some(new) = nested(value, hide) {
                    changed.insert(name.clone(), new);
                    any = true;
                }
            }
            any.then(|| changed.into())
        }
        _ => None,
    }
}
