//! The run that events are of, as its page (`meta.json`) tells.

use serde_json::{Map, Value};

/// A run. Texts are as hostile as file names.
#[derive(Debug, Clone, Default)]
pub struct Run {
    /// Its id.
    pub id: String,
    /// The fields of its page: docs/storage.md, `meta.json`.
    pub page: Map<String, Value>,
    /// SHA-256 of its seal's text, where it has one.
    pub seal_sha256: Option<[u8; 32]>,
    /// What was hidden of it before it came here, and by which key: `redaction` in docs/export.md.
    pub redaction: Option<Value>,
}

impl Run {
    /// A text of the page; empty where there is none.
    #[must_use]
    pub fn text(&self, name: &str) -> &str {
        self.page.get(name).and_then(Value::as_str).unwrap_or_default()
    }

    /// A number of the page.
    #[must_use]
    pub fn number(&self, name: &str) -> Option<u64> {
        self.page.get(name).and_then(Value::as_u64)
    }

    /// A value of the page.
    #[must_use]
    pub fn value(&self, name: &str) -> Option<&Value> {
        self.page.get(name)
    }
}
