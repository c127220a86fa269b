//! The server name, protocols and encrypted-hello mark of a TLS ClientHello (RFC 8446, 4.1.2).
//!
//! Works on what has come so far: a hello may be split over records and segments, and a name counts
//! as soon as all its bytes are there.

use crate::cursor::Cursor;

const CLIENT_HELLO: u8 = 1;
const HANDSHAKE: u8 = 22;
const SERVER_NAME: u16 = 0; // RFC 6066, 3
const ALPN: u16 = 16; // RFC 7301
const ENCRYPTED_HELLO: u16 = 0xfe0d; // RFC 9849

/// Protocols that are told.
const MAX_PROTOCOLS: usize = 16;

/// What a ClientHello says, as far as it has come.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Hello {
    pub(crate) name: Option<Vec<u8>>,
    pub(crate) alpn: Vec<String>,
    pub(crate) ech: bool,
    /// All of it was read: nothing more will be learned.
    pub(crate) whole: bool,
}

/// Joins the contents of handshake records; ends at what is none (RFC 8446, 5.1).
pub(crate) fn handshake(stream: &[u8]) -> Vec<u8> {
    let mut cursor = Cursor(stream);
    let mut joined = Vec::with_capacity(stream.len());
    while let (Some(HANDSHAKE), Some(3), Some(_)) = (cursor.u8(), cursor.u8(), cursor.u8()) {
        let Some(len) = cursor.u16() else { break };
        let len = usize::from(len).min(cursor.0.len());
        joined.extend_from_slice(cursor.take(len).unwrap_or_default());
    }
    joined
}

/// Reads the bytes of a handshake, which begin with a ClientHello or are none.
pub(crate) fn client_hello(bytes: &[u8]) -> Hello {
    let mut hello = Hello::default();
    hello.whole = read(bytes, &mut hello).is_some();
    hello
}

fn read(bytes: &[u8], hello: &mut Hello) -> Option<()> {
    let mut cursor = Cursor(bytes);
    if cursor.u8()? != CLIENT_HELLO {
        return None;
    }
    let len = usize::try_from(cursor.u24()?).ok()?;
    let come = cursor.0.len().min(len);
    let mut body = Cursor(cursor.take(come)?);
    body.take(2 + 32)?;
    body.short()?;
    body.long()?;
    body.short()?;
    let len = usize::from(body.u16()?);
    let come = body.0.len().min(len);
    let mut extensions = Cursor(body.take(come)?);
    while !extensions.is_empty() {
        let (kind, data) = (extensions.u16()?, extensions.long()?);
        extension(kind, Cursor(data), hello);
    }
    (come == len).then_some(())
}

/// Reads one extension; what is odd in it says nothing.
fn extension(kind: u16, mut data: Cursor<'_>, hello: &mut Hello) -> Option<()> {
    match kind {
        SERVER_NAME => {
            let mut list = Cursor(data.long()?);
            while let (Some(kind), Some(name)) = (list.u8(), list.long()) {
                if kind == 0 && !name.is_empty() && hello.name.is_none() {
                    hello.name = Some(name.to_vec());
                }
            }
        }
        ALPN => {
            let mut list = Cursor(data.long()?);
            while let Some(protocol) = list.short() {
                if hello.alpn.len() < MAX_PROTOCOLS {
                    hello.alpn.push(protocol.escape_ascii().to_string());
                }
            }
        }
        ENCRYPTED_HELLO => hello.ech = true,
        _ => {}
    }
    Some(())
}

#[cfg(test)]
pub(crate) mod tests;
