//! What a record says, as text: addresses, names, and whatever else in the form of RFC 3597.

use std::fmt::Write;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use super::name::name;
use crate::cursor::Cursor;

/// Bytes of data without a form of its own that are told.
const MAX_RAW: usize = 128;

/// Where the data lies: names in it may point to what came before.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Data<'a> {
    pub(crate) message: &'a [u8],
    pub(crate) at: usize,
    pub(crate) bytes: &'a [u8],
}

impl Data<'_> {
    /// Returns the address of an A or AAAA record.
    pub(crate) fn address(&self, kind: u16) -> Option<IpAddr> {
        match kind {
            1 => <[u8; 4]>::try_from(self.bytes).ok().map(|it| Ipv4Addr::from(it).into()),
            28 => <[u8; 16]>::try_from(self.bytes).ok().map(|it| Ipv6Addr::from(it).into()),
            _ => None,
        }
    }

    /// Returns the name that a CNAME record leads to.
    pub(crate) fn alias(&self, kind: u16) -> Option<String> {
        if kind == 5 { self.name_at(0) } else { None }
    }

    /// Returns the text.
    pub(crate) fn text(&self, kind: u16) -> String {
        let known = match kind {
            1 | 28 => self.address(kind).map(|address| address.to_string()),
            2 | 5 | 12 | 39 => self.name_at(0),
            15 => self.numbers_and_name(1),
            33 => self.numbers_and_name(3),
            16 => self.strings(),
            64 | 65 => self.service(),
            _ => None,
        };
        known.unwrap_or_else(|| self.raw())
    }

    /// The name at an offset; it must end within the data.
    fn name_at(&self, offset: usize) -> Option<String> {
        let (name, next) = name(self.message, self.at + offset)?;
        (next <= self.at + self.bytes.len()).then_some(name)
    }

    fn numbers_and_name(&self, count: usize) -> Option<String> {
        let mut cursor = Cursor(self.bytes);
        let mut text = String::new();
        for _ in 0..count {
            let _ = write!(text, "{} ", cursor.u16()?);
        }
        Some(text + &self.name_at(2 * count)?)
    }

    fn strings(&self) -> Option<String> {
        let mut cursor = Cursor(self.bytes);
        let mut parts = Vec::new();
        while !cursor.is_empty() {
            parts.push(format!("\"{}\"", cursor.short()?.escape_ascii()));
        }
        Some(parts.join(" "))
    }

    /// SVCB and HTTPS (RFC 9460): priority, target, parameters.
    fn service(&self) -> Option<String> {
        let mut cursor = Cursor(self.bytes);
        let priority = cursor.u16()?;
        let (target, next) = name(self.message, self.at + 2)?;
        let mut text = format!("{priority} {target}");
        let mut rest = Cursor(self.bytes.get(next.checked_sub(self.at)?..)?);
        while !rest.is_empty() {
            let (key, value) = (rest.u16()?, rest.long()?);
            let _ = write!(text, " {}", parameter(key, value)?);
        }
        Some(text)
    }

    /// `\# LENGTH HEX` (RFC 3597, 5).
    fn raw(&self) -> String {
        let mut text = format!("\\# {}", self.bytes.len());
        let told = self.bytes.get(..self.bytes.len().min(MAX_RAW)).unwrap_or_default();
        if !told.is_empty() {
            text.push(' ');
        }
        for byte in told {
            let _ = write!(text, "{byte:02x}");
        }
        if told.len() < self.bytes.len() {
            text.push_str("...");
        }
        text
    }
}

fn parameter(key: u16, value: &[u8]) -> Option<String> {
    let mut cursor = Cursor(value);
    let mut list = Vec::new();
    match key {
        1 => {
            while !cursor.is_empty() {
                list.push(cursor.short()?.escape_ascii().to_string());
            }
            Some(format!("alpn={}", list.join(",")))
        }
        3 => Some(format!("port={}", cursor.u16()?)),
        4 => {
            let (addresses, rest) = value.as_chunks::<4>();
            let all = addresses.iter().map(|it| Ipv4Addr::from(*it).to_string());
            list.extend(all);
            rest.is_empty().then(|| format!("ipv4hint={}", list.join(",")))
        }
        5 => Some("ech".to_owned()),
        6 => {
            let (addresses, rest) = value.as_chunks::<16>();
            let all = addresses.iter().map(|it| Ipv6Addr::from(*it).to_string());
            list.extend(all);
            rest.is_empty().then(|| format!("ipv6hint={}", list.join(",")))
        }
        other => Some(format!("key{other}")),
    }
}
