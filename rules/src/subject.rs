//! What a condition looks at: the fields of an event, borrowed from wherever it is.

use std::net::{IpAddr, SocketAddr};

use event::model::{Event, Value, What, arguments};
use memchr::memmem::Finder;

/// An event as conditions see it.
#[derive(Debug, Clone, Copy)]
pub struct Subject<'a> {
    /// Its `type`.
    pub kind: &'a str,
    /// Its `op`.
    pub op: Option<&'a str>,
    /// The process that did it.
    pub pid: Option<u32>,
    /// The file that process runs.
    pub exe: Option<&'a [u8]>,
    /// The path, and for a rename the new one.
    pub paths: [Option<&'a [u8]>; 2],
    /// Other names of the file, each ended by NUL.
    pub also: &'a [u8],
    /// The peer's address.
    pub ip: Option<IpAddr>,
    /// The peer's port.
    pub port: Option<u16>,
    /// The peer's name.
    pub host: Option<&'a str>,
    /// When, nanoseconds since 1970.
    pub ts_ns: i64,
    /// Where words are looked for.
    pub text: Text<'a>,
}

/// Where words are looked for.
#[derive(Debug, Clone, Copy)]
pub enum Text<'a> {
    /// In the values of an event: names, arguments, paths, addresses, each by itself.
    Event(&'a Event),
    /// In its JSON line.
    Line(&'a [u8]),
}

impl<'a> Subject<'a> {
    /// Borrows an event.
    #[must_use]
    pub fn of(event: &'a Event) -> Subject<'a> {
        let actor = event.actor.as_ref();
        let host = match &event.what {
            What::Net(net) => net.host.as_ref().and_then(|it| std::str::from_utf8(&it.name).ok()),
            What::Dns(dns) => dns.host.as_deref(),
            _ => None,
        };
        let (paths, peer): (_, Option<SocketAddr>) = match &event.what {
            What::File(file) => ([file.path.as_deref(), file.path2.as_deref()], None),
            What::Net(net) => ([None, None], net.peer),
            What::Dns(dns) => ([None, None], Some(dns.peer)),
            _ => ([None, None], None),
        };
        let also = match &event.what {
            What::File(file) => file.also.as_slice(),
            _ => &[],
        };
        Subject {
            also,
            kind: event.what.kind(),
            op: event.what.op(),
            pid: actor.map(|actor| actor.id.pid),
            exe: actor.and_then(|actor| actor.exe.as_deref()),
            paths,
            ip: peer.map(|peer| peer.ip()),
            port: peer.map(|peer| peer.port()),
            host,
            ts_ns: event.ts_ns,
            text: Text::Event(event),
        }
    }
}

impl Text<'_> {
    /// Returns whether the word is there.
    #[must_use]
    pub(crate) fn holds(&self, word: &Finder<'_>) -> bool {
        match self {
            Text::Line(line) => word.find(line).is_some(),
            Text::Event(event) => {
                let mut found = word.find(event.what.kind().as_bytes()).is_some();
                event.fields(&mut |_, value| found = found || in_value(value, word));
                found
            }
        }
    }
}

fn in_value(value: Value<'_>, word: &Finder<'_>) -> bool {
    match value {
        Value::Text(text) => word.find(text.as_bytes()).is_some(),
        Value::Bytes(bytes) => word.find(bytes).is_some(),
        Value::List(bytes) => arguments(bytes).any(|argument| word.find(argument).is_some()),
        Value::Texts(texts) => texts.iter().any(|text| word.find(text.as_bytes()).is_some()),
        Value::Address(address) => word.find(address.to_string().as_bytes()).is_some(),
        Value::Bool(_) | Value::Number(_) | Value::Signed(_) | Value::Time(_) => false,
    }
}
