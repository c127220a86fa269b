//! Base64 with padding (RFC 4648, section 4), for bytes that JSON cannot hold.

const LETTERS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

/// Appends `bytes` in base64.
pub fn encode(bytes: &[u8], out: &mut Vec<u8>) {
    for chunk in bytes.chunks(3) {
        let mut group = 0u32;
        for index in 0..3 {
            group = group << 8 | u32::from(chunk.get(index).copied().unwrap_or(0));
        }
        for index in 0..4 {
            let six = (group >> (18 - 6 * index)) & 63;
            let letter = LETTERS.get(six as usize).copied().unwrap_or(b'=');
            out.push(if index <= chunk.len() { letter } else { b'=' });
        }
    }
}

/// Returns the bytes that `text` stands for, or `None` when it is not canonical base64.
#[must_use]
pub fn decode(text: &[u8]) -> Option<Vec<u8>> {
    let mut out = Vec::with_capacity(text.len() / 4 * 3);
    if !text.len().is_multiple_of(4) {
        return None;
    }
    let mut chunks = text.chunks_exact(4).peekable();
    while let Some(chunk) = chunks.next() {
        let pads = chunk.iter().rev().take_while(|byte| **byte == b'=').count();
        if pads > 2 || (pads > 0 && chunks.peek().is_some()) {
            return None;
        }
        let mut group = 0u32;
        for byte in chunk.iter().take(4 - pads) {
            let six = LETTERS.iter().position(|letter| letter == byte)?;
            group = group << 6 | u32::try_from(six).ok()?;
        }
        group <<= 6 * pads;
        let [_, first, second, third] = group.to_be_bytes();
        let whole = [first, second, third];
        let (used, unused) = whole.split_at_checked(3 - pads)?;
        if unused.iter().any(|byte| *byte != 0) {
            return None;
        }
        out.extend_from_slice(used);
    }
    Some(out)
}
