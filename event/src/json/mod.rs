//! The JSON form of events: one flat object a line, `run, seq, ts, type` first, bytes exact.
//!
//! Text from the observed programs is any bytes. It is written as a string in which what is not
//! UTF-8 shows as U+FFFD, and then, only then, a second time in base64 under `NAME_b64`. Control
//! characters, line separators and bidirectional controls are escaped, so that a line shown on a
//! terminal does nothing (CWE-150).

pub mod base64;

use crate::model::{Event, Value, arguments};
use crate::time;

/// Appends the line of `event`, newline included, to `out`.
pub fn line(run: &str, event: &Event, out: &mut Vec<u8>) {
    out.extend_from_slice(b"{\"run\":");
    string(run.as_bytes(), out);
    out.extend_from_slice(b",\"seq\":");
    number(event.seq, out);
    out.extend_from_slice(b",\"ts\":");
    timestamp(event.ts_ns, out);
    out.extend_from_slice(b",\"type\":\"");
    out.extend_from_slice(event.what.kind().as_bytes());
    out.push(b'"');
    event.fields(&mut |name, value| field(name, value, out));
    out.extend_from_slice(b"}\n");
}

/// Appends `,"name":value`, and the `_b64` twin where the value needs one.
pub fn field(name: &str, value: Value<'_>, out: &mut Vec<u8>) {
    key(name, "", out);
    match value {
        Value::Bool(true) => out.extend_from_slice(b"true"),
        Value::Bool(false) => out.extend_from_slice(b"false"),
        Value::Number(value) => number(value, out),
        Value::Signed(value) => signed(value, out),
        Value::Text(text) => ours(text, out),
        Value::Time(ts_ns) => timestamp(ts_ns, out),
        Value::Address(address) => ours(&address.to_string(), out),
        Value::Texts(texts) => array(texts.iter(), out, |text, out| ours(text, out)),
        Value::Bytes(bytes) => {
            if string(bytes, out) == Kept::InPart {
                key(name, "_b64", out);
                encoded(bytes, out);
            }
        }
        Value::List(bytes) => {
            let mut kept = Kept::Whole;
            array(arguments(bytes), out, |item, out| {
                if string(item, out) == Kept::InPart {
                    kept = Kept::InPart;
                }
            });
            if kept == Kept::InPart {
                key(name, "_b64", out);
                array(arguments(bytes), out, encoded);
            }
        }
    }
}

/// Whether a string holds all that its bytes say.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kept {
    /// They were UTF-8.
    Whole,
    /// Some were not and show as U+FFFD.
    InPart,
}

/// Appends `bytes` as a JSON string; what is not UTF-8 becomes U+FFFD.
pub fn string(bytes: &[u8], out: &mut Vec<u8>) -> Kept {
    out.push(b'"');
    // Without a way out: the compiler looks at 16 bytes at once.
    let kept = if bytes.iter().fold(true, |all, byte| all & is_plain(*byte)) {
        out.extend_from_slice(bytes);
        Kept::Whole
    } else {
        escaped(bytes, out)
    };
    out.push(b'"');
    kept
}

/// Text that is UTF-8 for sure.
fn ours(text: &str, out: &mut Vec<u8>) {
    string(text.as_bytes(), out);
}

fn key(name: &str, suffix: &str, out: &mut Vec<u8>) {
    out.extend_from_slice(b",\"");
    out.extend_from_slice(name.as_bytes());
    out.extend_from_slice(suffix.as_bytes());
    out.extend_from_slice(b"\":");
}

fn array<T>(
    items: impl Iterator<Item = T>,
    out: &mut Vec<u8>,
    mut one: impl FnMut(T, &mut Vec<u8>),
) {
    out.push(b'[');
    for (index, item) in items.enumerate() {
        if index > 0 {
            out.push(b',');
        }
        one(item, out);
    }
    out.push(b']');
}

fn encoded(bytes: &[u8], out: &mut Vec<u8>) {
    out.push(b'"');
    base64::encode(bytes, out);
    out.push(b'"');
}

fn timestamp(ts_ns: i64, out: &mut Vec<u8>) {
    out.push(b'"');
    time::rfc3339(ts_ns, out);
    out.push(b'"');
}

/// ASCII that stands in a JSON string as it is.
fn is_plain(byte: u8) -> bool {
    matches!(byte, 0x20..=0x7e) && byte != b'"' && byte != b'\\'
}

fn escaped(bytes: &[u8], out: &mut Vec<u8>) -> Kept {
    let mut kept = Kept::Whole;
    for chunk in bytes.utf8_chunks() {
        for char in chunk.valid().chars() {
            character(char, out);
        }
        if !chunk.invalid().is_empty() {
            out.extend_from_slice("\u{fffd}".as_bytes());
            kept = Kept::InPart;
        }
    }
    kept
}

fn character(char: char, out: &mut Vec<u8>) {
    match char {
        '"' => out.extend_from_slice(b"\\\""),
        '\\' => out.extend_from_slice(b"\\\\"),
        '\n' => out.extend_from_slice(b"\\n"),
        '\r' => out.extend_from_slice(b"\\r"),
        '\t' => out.extend_from_slice(b"\\t"),
        char if acts(char) => {
            let mut units = [0; 2];
            for unit in char.encode_utf16(&mut units) {
                out.extend_from_slice(b"\\u");
                for shift in [12, 8, 4, 0] {
                    let digit = u32::from(*unit >> shift) & 0xf;
                    out.push(char::from_digit(digit, 16).map_or(b'0', |c| c as u8));
                }
            }
        }
        char => {
            let mut room = [0; 4];
            out.extend_from_slice(char.encode_utf8(&mut room).as_bytes());
        }
    }
}

/// Returns whether a character does something to a terminal or to the order of text: C0, DEL, C1,
/// line and paragraph separators, bidirectional controls, zero-width ones, tags.
#[must_use]
pub fn acts(char: char) -> bool {
    char.is_control()
        || matches!(
            char,
            '\u{061c}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}'
                | '\u{feff}' | '\u{fff9}'..='\u{fffb}' | '\u{e0000}'..='\u{e007f}'
        )
}

/// Appends a number in decimal.
pub(crate) fn number(value: u64, out: &mut Vec<u8>) {
    out.extend_from_slice(itoa::Buffer::new().format(value).as_bytes());
}

fn signed(value: i64, out: &mut Vec<u8>) {
    out.extend_from_slice(itoa::Buffer::new().format(value).as_bytes());
}

#[cfg(test)]
mod tests;
