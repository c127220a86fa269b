//! Names and addresses of machines in texts.

use std::{net::IpAddr, ops::Range};

/// Gives each IP address in a text to `take` that is one of some machine.
pub(super) fn addresses(text: &[u8], mut take: impl FnMut(Range<usize>)) {
    let inside = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b':' | b'_');
    let mut at = 0;
    while at < text.len() {
        let run = text.get(at..).unwrap_or_default();
        let len = run.iter().position(|byte| !inside(*byte)).unwrap_or(run.len());
        if let Some(len) = run.get(..len).and_then(address) {
            take(at..at + len);
        }
        at += len + 1;
    }
}

/// How many bytes of the text are an address, which a port may follow.
fn address(text: &[u8]) -> Option<usize> {
    // The longest has 45 letters (RFC 4291, 2.2), a port 6 more.
    let text = std::str::from_utf8(text.get(..text.len().min(64))?).ok()?;
    let text = text.trim_end_matches(['.', ':']);
    let bare = text.rsplit_once(':').map_or(text, |(bare, _)| bare);
    let found = [text, bare].into_iter().find_map(|one| Some((one, one.parse().ok()?)));
    found.filter(|(_, ip)| is_of_a_machine(*ip)).map(|(one, _)| one.len())
}

/// Whether an address is one of a certain machine.
fn is_of_a_machine(ip: IpAddr) -> bool {
    let ip = ip.to_canonical();
    let broadcast = matches!(ip, IpAddr::V4(ip) if ip.is_broadcast());
    !(ip.is_loopback() || ip.is_unspecified() || ip.is_multicast() || broadcast)
}

/// Whether what stands where a machine's name belongs says which one it is, and is no address.
pub(super) fn is_told(text: &[u8]) -> bool {
    let ip = std::str::from_utf8(text).is_ok_and(|text| text.parse::<IpAddr>().is_ok());
    !text.is_empty() && !ip && !text.eq_ignore_ascii_case(b"localhost")
}

/// Whether a text is the name of a machine as far as letters tell.
pub(super) fn is_name(text: &[u8]) -> bool {
    let letter = |byte: &u8| byte.is_ascii_alphabetic() || *byte >= 0x80;
    let inside = |byte: &u8| letter(byte) || byte.is_ascii_digit() || b".-_".contains(byte);
    text.len() > 1 && is_told(text) && text.iter().any(letter) && text.iter().all(inside)
}

/// Gives the hosts of URLs in a text to `take`.
pub(super) fn authorities(text: &[u8], mut take: impl FnMut(&[u8])) {
    for (at, _) in text.windows(3).enumerate().filter(|(_, window)| window == b"://") {
        let rest = text.get(at + 3..).unwrap_or_default();
        let ends = |byte: &u8| *byte <= b' ' || b"/?#'\"`<>|;,()".contains(byte);
        let whole = rest.split(ends).next().unwrap_or_default();
        let host = whole.rsplit(|byte| *byte == b'@').next().unwrap_or_default();
        take(host.split(|byte| *byte == b':').next().unwrap_or_default());
    }
}

/// Gives the user of each `USER@HOST` in a text to `take`, by its place.
pub(super) fn users_at(text: &[u8], mut take: impl FnMut(Range<usize>)) {
    let letter = |byte: &u8| byte.is_ascii_alphanumeric() || b"._+-".contains(byte);
    for (at, _) in text.iter().enumerate().filter(|(_, byte)| **byte == b'@') {
        let before = text.get(..at).unwrap_or_default();
        let len = before.iter().rev().take(64).take_while(|byte| letter(byte)).count();
        let host = text.get(at + 1).is_some_and(u8::is_ascii_alphabetic);
        if len > 0 && host {
            take(at - len..at);
        }
    }
}
