//! Names in DNS messages: labels, pointers, and the text that says each byte.

use std::fmt::Write;

/// Longest name in a message, bytes (RFC 1035, 2.3.4).
const MAX_NAME: usize = 255;

/// Reads the name at `at`; returns it and where the next field begins. `None` for what is no name: cut,
/// too long, or with a pointer that does not lead back.
pub(crate) fn name(message: &[u8], at: usize) -> Option<(String, usize)> {
    let (mut text, mut next, mut at, mut len) = (String::new(), None, at, 0);
    loop {
        let first = *message.get(at)?;
        match first >> 6 {
            0 if first == 0 => {
                let text = if text.is_empty() { ".".to_owned() } else { text };
                return Some((text, next.unwrap_or(at + 1)));
            }
            0 => {
                let label = message.get(at + 1..at + 1 + usize::from(first))?;
                len += label.len() + 1;
                if len >= MAX_NAME {
                    return None;
                }
                if !text.is_empty() {
                    text.push('.');
                }
                put(label, &mut text);
                at += 1 + label.len();
            }
            3 => {
                let low = *message.get(at + 1)?;
                let target = usize::from(first & 0x3f) << 8 | usize::from(low);
                next.get_or_insert(at + 2);
                // Each pointer leads to what came before: so this ends.
                if target >= at {
                    return None;
                }
                at = target;
            }
            _ => return None,
        }
    }
}

/// Writes a label: `\.` and `\\` for these two, `\DDD` for what is no visible ASCII.
fn put(label: &[u8], text: &mut String) {
    for byte in label {
        match byte {
            b'.' | b'\\' => text.extend(['\\', char::from(*byte)]),
            0x21..=0x7e => text.push(char::from(*byte)),
            _ => drop(write!(text, "\\{byte:03}")),
        }
    }
}
