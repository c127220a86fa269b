//! The JSON form of events: one flat object a line, `run, seq, ts, type` first, bytes exact.
//!
//! Text from the observed programs is any bytes. It is written as a string in which what is not
//! UTF-8 shows as U+FFFD, and then, only then, a second time in base64 under `NAME_b64`. Control
//! characters, line separators and bidirectional controls are escaped, so that a line shown on a
//! terminal does nothing (CWE-150).

pub mod base64;

use crate::model::{Actor, Event, Value, arguments};
use crate::time::{self, NANOS};

/// Bytes of `2026-11-20T15:30:00.`.
const UP_TO_SECONDS: usize = 20;

/// Appends the line of `event`, newline included, to `out`.
pub fn line(run: &str, event: &Event, out: &mut Vec<u8>) {
    Lines::new(run).line(event, out);
}

/// Makes the lines of a run. What they begin with is written once, and so are a second and who did something, for as
/// long as they are the same.
#[derive(Debug)]
pub struct Lines {
    head: Vec<u8>,
    /// Since 1970.
    second: i64,
    /// Its date and time, and the fractions of the event for which it was written.
    time: Vec<u8>,
    actor: Actor,
    /// Its fields.
    who: Vec<u8>,
}

impl Lines {
    /// Begins the lines of the run `id`.
    #[must_use]
    pub fn new(id: &str) -> Lines {
        let mut head = b"{\"run\":".to_vec();
        string(id.as_bytes(), &mut head);
        head.extend_from_slice(b",\"seq\":");
        Lines { head, second: 0, time: Vec::new(), actor: Actor::default(), who: Vec::new() }
    }

    /// Appends the line of `event`, newline included, to `out`.
    pub fn line(&mut self, event: &Event, out: &mut Vec<u8>) {
        out.extend_from_slice(&self.head);
        number(event.seq, out);
        out.extend_from_slice(b",\"ts\":\"");
        self.time(event.ts_ns, out);
        out.extend_from_slice(b"\",\"type\":\"");
        out.extend_from_slice(event.what.kind().as_bytes());
        out.push(b'"');
        if let Some(op) = event.what.op() {
            field("op", Value::Text(op), out);
        }
        if let Some(actor) = &event.actor {
            out.extend_from_slice(self.who(actor));
        }
        event.what.fields(&mut |name, value| field(name, value, out));
        out.extend_from_slice(b"}\n");
    }

    fn time(&mut self, ts_ns: i64, out: &mut Vec<u8>) {
        let second = ts_ns.div_euclid(NANOS);
        if second != self.second || self.time.is_empty() {
            self.second = second;
            self.time.clear();
            time::rfc3339(ts_ns, &mut self.time);
        }
        out.extend_from_slice(self.time.get(..UP_TO_SECONDS).unwrap_or_default());
        // With a digit before them: nine, zeros included.
        let mut digits = itoa::Buffer::new();
        let digits = digits.format(NANOS + ts_ns.rem_euclid(NANOS)).as_bytes();
        out.extend_from_slice(digits.get(1..).unwrap_or_default());
        out.push(b'Z');
    }

    fn who(&mut self, actor: &Actor) -> &[u8] {
        let Lines { actor: known, who, .. } = self;
        // Nothing is written of one that nothing is known of, but its number.
        if known != actor || who.is_empty() {
            who.clear();
            actor.fields(&mut |name, value| field(name, value, who));
            known.clone_from(actor);
        }
        who
    }
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
