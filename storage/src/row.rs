//! A row of the index: the columns of one event, and its line.

use std::{borrow::Cow, net::SocketAddr};

use serde::Deserialize;

use crate::{text, time};

/// One event: what can be asked of it without reading its line, and the line.
///
/// The columns are those of the JSON line under the same names, so that an index and a scan of
/// the lines give the same answer; `ip` and `port` are the two halves of `peer`, `sent` and
/// `received` are `sent_bytes` and `received_bytes`.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Row<'a> {
    /// 1, 2, … in arrival order.
    pub seq: u64,
    /// Nanoseconds since 1970, UTC.
    pub ts_ns: i64,
    /// `type`.
    pub kind: &'a str,
    /// `op`, where the type has one.
    pub op: Option<&'a str>,
    /// The process that did it.
    pub pid: Option<u32>,
    /// Its parent.
    pub ppid: Option<u32>,
    /// Its real user.
    pub uid: Option<u32>,
    /// The file it runs, exact bytes.
    pub exe: Option<&'a [u8]>,
    /// `path`, exact bytes.
    pub path: Option<&'a [u8]>,
    /// `path2`, exact bytes.
    pub path2: Option<&'a [u8]>,
    /// `also`: other names of the file, exact bytes, each ended by NUL.
    pub also: Option<&'a [u8]>,
    /// `tcp`, `udp`, ….
    pub proto: Option<&'a str>,
    /// `host`, the peer's name.
    pub host: Option<&'a str>,
    /// The peer's address, without brackets.
    pub ip: Option<&'a str>,
    /// The peer's port.
    pub port: Option<u16>,
    /// Payload bytes out.
    pub sent: Option<u64>,
    /// Payload bytes in.
    pub received: Option<u64>,
    /// How often it happened; 1 where the line does not say.
    pub count: u64,
    /// The line without its newline; empty where it was not asked for.
    pub line: &'a [u8],
}

/// Takes a line of the events apart, wherever it comes from, and gives its row to `each`. Returns
/// false when it is no event.
pub fn read_row(line: &[u8], each: &mut dyn FnMut(&Row<'_>)) -> bool {
    match Parsed::parse(line) {
        Some(parsed) => {
            each(&parsed.row());
            true
        }
        None => false,
    }
}

impl<'a> Row<'a> {
    /// Returns the other names of the file.
    pub fn other_names(&self) -> impl Iterator<Item = &'a [u8]> + use<'a> {
        let names = self.also.unwrap_or_default().split(|byte| *byte == 0);
        names.filter(|name| !name.is_empty())
    }
}

/// The fields of a line that make a [`Row`].
#[derive(Debug, Deserialize)]
pub(crate) struct Fields<'a> {
    seq: u64,
    #[serde(borrow)]
    ts: Cow<'a, str>,
    #[serde(borrow, rename = "type")]
    kind: Cow<'a, str>,
    op: Option<String>,
    pid: Option<u32>,
    ppid: Option<u32>,
    uid: Option<u32>,
    exe: Option<String>,
    exe_b64: Option<String>,
    path: Option<String>,
    path_b64: Option<String>,
    path2: Option<String>,
    path2_b64: Option<String>,
    also: Option<Vec<String>>,
    also_b64: Option<Vec<String>>,
    proto: Option<String>,
    host: Option<String>,
    host_b64: Option<String>,
    peer: Option<String>,
    sent_bytes: Option<u64>,
    received_bytes: Option<u64>,
    count: Option<u64>,
}

/// A line of the events, taken apart.
#[derive(Debug)]
pub(crate) struct Parsed<'a> {
    fields: Fields<'a>,
    ts_ns: i64,
    exe: Option<Vec<u8>>,
    path: Option<Vec<u8>>,
    path2: Option<Vec<u8>>,
    also: Option<Vec<u8>>,
    ip: Option<String>,
    port: Option<u16>,
    line: &'a [u8],
}

impl<'a> Parsed<'a> {
    /// Takes `line` apart; `None` when it is not an event's.
    pub(crate) fn parse(line: &'a [u8]) -> Option<Parsed<'a>> {
        let fields: Fields<'a> = serde_json::from_slice(line).ok()?;
        let ts_ns = time::nanoseconds(&fields.ts)?;
        let bytes = |text: &Option<String>, base64: &Option<String>| {
            text.as_deref().map(|text| text::join(text, base64.as_deref()))
        };
        let peer: Option<SocketAddr> = fields.peer.as_deref().and_then(|peer| peer.parse().ok());
        Some(Parsed {
            ts_ns,
            exe: bytes(&fields.exe, &fields.exe_b64),
            path: bytes(&fields.path, &fields.path_b64),
            path2: bytes(&fields.path2, &fields.path2_b64),
            also: names(fields.also.as_deref(), fields.also_b64.as_deref()),
            ip: peer.map(|peer| peer.ip().to_string()),
            port: peer.map(|peer| peer.port()),
            line,
            fields,
        })
    }

    /// Borrows it as a row.
    pub(crate) fn row(&self) -> Row<'_> {
        let fields = &self.fields;
        Row {
            seq: fields.seq,
            ts_ns: self.ts_ns,
            kind: &fields.kind,
            op: fields.op.as_deref(),
            pid: fields.pid,
            ppid: fields.ppid,
            uid: fields.uid,
            exe: self.exe.as_deref(),
            path: self.path.as_deref(),
            path2: self.path2.as_deref(),
            also: self.also.as_deref(),
            proto: fields.proto.as_deref(),
            // The start event's `host` is the machine; bytes that are no text are no name to ask for.
            host: fields
                .host
                .as_deref()
                .filter(|_| matches!(&*fields.kind, "net" | "dns") && fields.host_b64.is_none()),
            ip: self.ip.as_deref(),
            port: self.port,
            sent: fields.sent_bytes,
            received: fields.received_bytes,
            count: fields.count.unwrap_or(1),
            line: self.line,
        }
    }
}

/// A list of names, each ended by NUL.
fn names(texts: Option<&[String]>, base64: Option<&[String]>) -> Option<Vec<u8>> {
    let mut names = Vec::new();
    for (at, text) in texts?.iter().enumerate() {
        let exact = base64.and_then(|list| list.get(at)).map(String::as_str);
        names.extend(text::join(text, exact));
        names.push(0);
    }
    Some(names)
}
