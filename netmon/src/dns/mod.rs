//! DNS messages (RFC 1035), as far as names and addresses go. Reads any bytes, and says so where they
//! are no message; what came before the odd place is kept.

mod data;
mod name;
mod words;

use std::net::IpAddr;

use crate::cursor::Cursor;
use data::Data;
pub(crate) use words::{code, record_type};

/// Records of an answer that are told; a list of addresses has a few.
const MAX_ANSWERS: usize = 64;

/// Bytes of the fixed part.
const HEAD: usize = 12;

/// A message, taken apart.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Message {
    pub(crate) id: u16,
    pub(crate) is_answer: bool,
    pub(crate) truncated: bool,
    pub(crate) code: u8,
    /// The first question: name and type.
    pub(crate) question: Option<(String, u16)>,
    pub(crate) answers: Vec<Record>,
    pub(crate) answers_cut: bool,
    /// Not a message, or not to the end of its answers.
    pub(crate) unreadable: bool,
}

/// A record of an answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Record {
    pub(crate) name: String,
    pub(crate) address: Option<IpAddr>,
    pub(crate) alias: Option<String>,
    /// `NAME TTL TYPE DATA`.
    pub(crate) text: String,
}

impl Message {
    /// Takes a message apart.
    pub(crate) fn parse(bytes: &[u8]) -> Message {
        let mut message = Message::default();
        message.unreadable = message.read(bytes).is_none();
        message
    }

    /// Returns the addresses that the answer gives for the name that was asked for: those of the name
    /// itself and of what its aliases lead to, which come in this order (RFC 1034, 4.3.2).
    pub(crate) fn addresses(&self) -> impl Iterator<Item = IpAddr> {
        let mut wanted = self.question.as_ref().map(|(name, _)| name.as_str()).unwrap_or_default();
        self.answers.iter().filter_map(move |record| {
            if !record.name.eq_ignore_ascii_case(wanted) {
                return None;
            }
            if let Some(alias) = &record.alias {
                wanted = alias;
            }
            record.address
        })
    }

    fn read(&mut self, bytes: &[u8]) -> Option<()> {
        let mut head = Cursor(bytes);
        self.id = head.u16()?;
        let flags = head.u16()?;
        self.is_answer = flags & 0x8000 != 0;
        self.truncated = flags & 0x0200 != 0;
        self.code = (flags & 15) as u8;
        let (questions, answers) = (head.u16()?, head.u16()?);
        head.u32()?;
        let mut at = HEAD;
        for number in 0..questions {
            let (name, next) = name::name(bytes, at)?;
            let mut rest = Cursor(bytes.get(next..)?);
            let kind = rest.u16()?;
            rest.u16()?;
            if number == 0 {
                self.question = Some((name, kind));
            }
            at = next + 4;
        }
        for _ in 0..answers {
            if self.answers.len() == MAX_ANSWERS {
                self.answers_cut = true;
                break;
            }
            at = self.read_record(bytes, at)?;
        }
        Some(())
    }

    fn read_record(&mut self, bytes: &[u8], at: usize) -> Option<usize> {
        let (name, next) = name::name(bytes, at)?;
        let mut rest = Cursor(bytes.get(next..)?);
        let kind = rest.u16()?;
        rest.u16()?;
        let ttl = rest.u32()?;
        let data = rest.long()?;
        let data = Data { message: bytes, at: next + 10, bytes: data };
        let text = format!("{name} {ttl} {} {}", record_type(kind), data.text(kind));
        let (address, alias) = (data.address(kind), data.alias(kind));
        self.answers.push(Record { name, address, alias, text });
        Some(next + 10 + data.bytes.len())
    }
}

#[cfg(test)]
pub(crate) mod tests;
