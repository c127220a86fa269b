//! One line of the events.

use serde_json::Value;

/// One event as it stands in the record.
#[derive(Debug, Clone)]
pub struct Event(pub Value);

impl Event {
    /// Its `type`.
    #[must_use]
    pub fn kind(&self) -> &str {
        self.text("type")
    }

    /// Its `op`; empty where its type has none.
    #[must_use]
    pub fn op(&self) -> &str {
        self.text("op")
    }

    /// A text field as it is shown; empty when it is not there.
    #[must_use]
    pub fn text(&self, name: &str) -> &str {
        self.0.get(name).and_then(Value::as_str).unwrap_or_default()
    }

    /// The exact bytes of a field: its `_b64` twin where it has one.
    ///
    /// # Panics
    /// When the twin is not base64.
    #[must_use]
    pub fn bytes(&self, name: &str) -> Option<Vec<u8>> {
        match self.0.get(format!("{name}_b64").as_str()).and_then(Value::as_str) {
            Some(encoded) => Some(base64(encoded).unwrap_or_else(|| panic!("base64: {encoded}"))),
            None => self.0.get(name).and_then(Value::as_str).map(|text| text.as_bytes().to_vec()),
        }
    }

    /// A number field.
    #[must_use]
    pub fn number(&self, name: &str) -> Option<u64> {
        self.0.get(name).and_then(Value::as_u64)
    }

    /// A flag; false when it is not there.
    #[must_use]
    pub fn flag(&self, name: &str) -> bool {
        self.0.get(name).and_then(Value::as_bool).unwrap_or_default()
    }

    /// The items of a list of texts.
    #[must_use]
    pub fn list(&self, name: &str) -> Vec<&str> {
        let items = self.0.get(name).and_then(Value::as_array);
        items.map(|items| items.iter().filter_map(Value::as_str).collect()).unwrap_or_default()
    }

    /// The exact bytes of the items of a list: its `_b64` twin where it has one.
    ///
    /// # Panics
    /// When the twin is not base64.
    #[must_use]
    pub fn bytes_of(&self, name: &str) -> Vec<Vec<u8>> {
        let twin = self.list(&format!("{name}_b64"));
        if twin.is_empty() {
            return self.list(name).iter().map(|item| item.as_bytes().to_vec()).collect();
        }
        twin.iter().map(|item| base64(item).unwrap_or_else(|| panic!("base64: {item}"))).collect()
    }

    /// How often it happened: its `count`, 1 where it has none.
    #[must_use]
    pub fn count(&self) -> u64 {
        self.number("count").unwrap_or(1)
    }

    /// Whether it is of this type, and of this operation unless that is empty.
    #[must_use]
    pub fn is(&self, kind: &str, op: &str) -> bool {
        self.kind() == kind && (op.is_empty() || self.op() == op)
    }
}

/// Decodes base64 as RFC 4648 has it, padding included.
fn base64(text: &str) -> Option<Vec<u8>> {
    let digit = |byte: u8| match byte {
        b'A'..=b'Z' => Some(byte - b'A'),
        b'a'..=b'z' => Some(byte - b'a' + 26),
        b'0'..=b'9' => Some(byte - b'0' + 52),
        b'+' => Some(62),
        b'/' => Some(63),
        _ => None,
    };
    let inner = text.trim_end_matches('=').as_bytes();
    let mut out = Vec::with_capacity(inner.len() * 3 / 4);
    for group in inner.chunks(4) {
        let mut bits = 0u32;
        for at in 0..4 {
            let six = group.get(at).map_or(Some(0), |byte| digit(*byte))?;
            bits = bits << 6 | u32::from(six);
        }
        let [_, bytes @ ..] = bits.to_be_bytes();
        out.extend_from_slice(bytes.get(..group.len().saturating_sub(1))?);
    }
    text.len().is_multiple_of(4).then_some(out)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn base64_is_decoded_as_the_rfc_shows_it() {
        for (text, bytes) in
            [("", ""), ("Zg==", "f"), ("Zm8=", "fo"), ("Zm9v", "foo"), ("Zm9vYg==", "foob")]
        {
            assert_eq!(base64(text).as_deref(), Some(bytes.as_bytes()), "{text}");
        }
        assert_eq!(base64("/+8="), Some(vec![0xff, 0xef]));
        assert_eq!(base64("Zg"), None);
        assert_eq!(base64("Z*=="), None);
    }

    #[test]
    fn exact_bytes_come_from_the_twin_where_there_is_one() {
        let event =
            Event(serde_json::json!({"path": "a\u{fffd}", "path_b64": "Yf8=", "exe": "/x"}));
        assert_eq!(event.bytes("path"), Some(b"a\xff".to_vec()));
        assert_eq!(event.bytes("exe"), Some(b"/x".to_vec()));
        assert_eq!(event.bytes("cwd"), None);
    }
}
