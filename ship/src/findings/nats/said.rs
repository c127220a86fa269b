//! What a server says, read with bounds.

use std::io::{self, BufRead, Read};

/// Longest line of the protocol; INFO of a large cluster names all its servers.
const MAX_LINE: u64 = 64 << 10;
/// Longest answer that is read.
const MAX_ANSWER: usize = 64 << 10;

/// Something that the server sent.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Said {
    Ping,
    Pong,
    Error(String),
    /// Subject, headers, payload.
    Message(String, Vec<u8>, Vec<u8>),
    Other,
}

/// Reads one thing.
pub(super) fn read(stream: &mut impl BufRead) -> io::Result<Said> {
    let line = line(stream)?;
    let (verb, rest) = line.split_once(' ').unwrap_or((&line, ""));
    let words: Vec<&str> = rest.split_whitespace().collect();
    Ok(match (verb, words.as_slice()) {
        ("PING", _) => Said::Ping,
        ("PONG", _) => Said::Pong,
        ("-ERR", _) => Said::Error(rest.to_owned()),
        ("MSG", [subject, .., size]) => {
            Said::Message((*subject).to_owned(), Vec::new(), body(stream, number(size)?)?)
        }
        ("HMSG", [subject, .., head, size]) => {
            let mut all = body(stream, number(size)?)?;
            let rest = all.split_off(number(head)?.min(all.len()));
            Said::Message((*subject).to_owned(), all, rest)
        }
        _ => Said::Other,
    })
}

fn number(word: &str) -> io::Result<usize> {
    let number = word.parse().ok().filter(|size| *size <= MAX_ANSWER);
    number.ok_or_else(|| io::Error::new(io::ErrorKind::InvalidData, "a size that is none"))
}

/// `size` bytes and the end of the line.
fn body(stream: &mut impl Read, size: usize) -> io::Result<Vec<u8>> {
    let mut bytes = vec![0; size + 2];
    stream.read_exact(&mut bytes)?;
    bytes.truncate(size);
    Ok(bytes)
}

/// Reads a line of the protocol.
pub(super) fn line(stream: &mut impl BufRead) -> io::Result<String> {
    let mut line = Vec::new();
    stream.take(MAX_LINE).read_until(b'\n', &mut line)?;
    if line.pop() != Some(b'\n') {
        return Err(io::ErrorKind::UnexpectedEof.into());
    }
    Ok(String::from_utf8_lossy(&line).trim_end().to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_server_says_is_read_with_bounds() {
        let said = |text: &str| read(&mut text.as_bytes()).map_err(|why| why.kind());
        assert_eq!(said("PING\r\n"), Ok(Said::Ping));
        assert_eq!(said("+OK\r\n"), Ok(Said::Other));
        assert_eq!(said("-ERR 'Stale'\r\n"), Ok(Said::Error("'Stale'".to_owned())));
        let message =
            |head: &str, body: &str| Ok(Said::Message("in.1".to_owned(), head.into(), body.into()));
        assert_eq!(said("MSG in.1 1 2\r\nhi\r\n"), message("", "hi"));
        assert_eq!(said("HMSG in.1 1 3 5\r\nabchi\r\n"), message("abc", "hi"));
        assert_eq!(said("HMSG in.1 1 9 5\r\nabchi\r\n"), message("abchi", ""));
        assert_eq!(said("MSG in.1 1 99999999\r\n"), Err(io::ErrorKind::InvalidData));
        assert_eq!(said("MSG in.1 1 5\r\nhi"), Err(io::ErrorKind::UnexpectedEof));
        assert_eq!(said("PIN"), Err(io::ErrorKind::UnexpectedEof));
    }
}
