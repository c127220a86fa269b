//! Names of hosts over time: what was asked of DNS, what came back, and whom connections ask for.

use std::net::{IpAddr, SocketAddr};

use event::ProcId;
use event::model::{Dns, DnsOp, Host, HostSource, Role};
use event::wire::{Ends, Payload, payload_flag, payload_kind};

use crate::aged::Aged;
use crate::assembler::Assembler;
use crate::conversation::local;
use crate::dns::{self, Message};
use crate::{http, quic, tls};

/// Conversations whose first bytes are held: up to 16 KiB each (DNS over TCP: 256 KiB), as long as
/// their names are not whole. Honest ones are whole after a packet or two.
const MAX_TALKS: usize = 1 << 10;
/// Conversations with a name, addresses with names, questions without answer: at most so many of each.
const MAX_SAID: usize = 1 << 16;
const MAX_ADDRESSES: usize = 1 << 16;
const MAX_QUESTIONS: usize = 1 << 14;

/// Names of one address that are remembered: the last ones.
const MAX_NAMES: usize = 16;

/// Bytes of a hello or request that are put together: more than the recorder copies.
const MAX_FIRST: usize = 8 << 10;
/// Bytes of one direction of DNS over TCP, likewise.
const MAX_DNS: usize = 128 << 10;

/// Ports on which DNS is spoken: itself, mDNS, LLMNR.
const DNS_PORTS: [u16; 3] = [53, 5353, 5355];

/// A socket with one peer, and whether it is what was sent.
type Key = (u64, SocketAddr, bool);

/// First bytes of one conversation.
#[derive(Debug, Default)]
struct Talk {
    bytes: Assembler,
    keys: Option<quic::Keys>,
}

/// The name that a conversation's client asked for.
#[derive(Debug)]
struct Asked {
    host: Host,
    /// Nothing more is to be learned of it.
    whole: bool,
}

/// A DNS answer gave this name for an address.
#[derive(Debug)]
struct Named {
    name: String,
    who: ProcId,
    at_ns: u64,
}

/// All that is known of names so far.
#[derive(Debug)]
pub struct Hosts {
    talks: Aged<Key, Talk>,
    said: Aged<(u64, SocketAddr), Asked>,
    addresses: Aged<IpAddr, Vec<Named>>,
    questions: Aged<(u64, u16), (String, u16)>,
}

impl Default for Hosts {
    fn default() -> Self {
        Hosts {
            talks: Aged::new(MAX_TALKS),
            said: Aged::new(MAX_SAID),
            addresses: Aged::new(MAX_ADDRESSES),
            questions: Aged::new(MAX_QUESTIONS),
        }
    }
}

impl Hosts {
    /// Takes first bytes of a conversation; DNS messages that are whole by now go to `tell`.
    pub fn payload(
        &mut self,
        payload: &Payload,
        data: &[u8],
        at_ns: u64,
        tell: &mut dyn FnMut(Dns),
    ) {
        match payload.kind {
            payload_kind::DNS if payload.ends.proto == crate::conversation::TCP => {
                self.dns_stream(payload, data, at_ns, tell);
            }
            payload_kind::DNS => {
                let cut = payload.flags & payload_flag::CUT != 0;
                let dns = self.message(payload, data, at_ns);
                tell(Dns { unreadable: dns.unreadable || cut, ..dns });
            }
            _ => self.hello(payload, data),
        }
    }

    /// Returns the name of a socket's peer: the one that it asked for itself, else the last one that a
    /// DNS answer gave for the address before `at_ns`, to this process if there is one.
    #[must_use]
    pub fn of(&self, cookie: u64, peer: SocketAddr, who: ProcId, at_ns: u64) -> Option<Host> {
        let said = self.said.get(&(cookie, peer)).map(|asked| asked.host.clone());
        said.or_else(|| {
            let known = self.addresses.get(&peer.ip())?;
            let before = || known.iter().rev().filter(|named| named.at_ns <= at_ns);
            let named = before().find(|named| named.who == who).or_else(|| before().next())?;
            let name = named.name.clone().into_bytes();
            Some(Host { name, source: HostSource::Dns, ech: false, alpn: Vec::new() })
        })
    }

    /// The conversation is over.
    pub fn forget(&mut self, cookie: u64, peer: SocketAddr) {
        self.said.remove(&(cookie, peer));
        for out in [false, true] {
            self.talks.remove(&(cookie, peer, out));
        }
    }

    fn talk(&mut self, payload: &Payload) -> &mut Talk {
        let out = payload.flags & payload_flag::OUT != 0;
        self.talks.entry((payload.cookie, payload.ends.peer(), out), Talk::default)
    }

    /// Adds to what a client said first, and looks for a name in it.
    fn hello(&mut self, payload: &Payload, data: &[u8]) {
        let key = (payload.cookie, payload.ends.peer());
        if self.said.get(&key).is_some_and(|asked| asked.whole) {
            return;
        }
        let Some(asked) = self.talk(payload).hear(payload, data) else { return };
        if asked.whole {
            self.talks.remove(&(key.0, key.1, true));
        }
        if !asked.host.name.is_empty() {
            self.said.remove(&key);
            self.said.entry(key, || asked);
        }
    }

    /// Adds to a stream of DNS messages, each behind its length (RFC 1035, 4.2.2).
    fn dns_stream(
        &mut self,
        payload: &Payload,
        data: &[u8],
        at_ns: u64,
        tell: &mut dyn FnMut(Dns),
    ) {
        let talk = self.talk(payload);
        talk.bytes.add(payload.offset, data, MAX_DNS);
        let mut messages = Vec::new();
        while let Some((len, rest)) = talk.bytes.bytes().split_first_chunk::<2>() {
            let Some(message) = rest.get(..u16::from_be_bytes(*len).into()) else { break };
            messages.push(message.to_vec());
            talk.bytes.drop_front(2 + messages.last().map_or(0, Vec::len));
        }
        for message in messages {
            tell(self.message(payload, &message, at_ns));
        }
        if payload.flags & payload_flag::CUT != 0 {
            let dns = self.message(payload, &[], at_ns);
            tell(Dns { op: half(payload), ..dns });
        }
    }

    fn message(&mut self, payload: &Payload, bytes: &[u8], at_ns: u64) -> Dns {
        let message = Message::parse(bytes);
        let is_answer =
            if bytes.len() < 4 { half(payload) == DnsOp::Answer } else { message.is_answer };
        let role = role(&payload.ends, payload.flags & payload_flag::OUT != 0, is_answer);
        let question = message.question.clone();
        let mut unasked = false;
        if role == Role::Client && !is_answer {
            if let Some((name, kind)) = &question {
                let asked = (name.to_ascii_lowercase(), *kind);
                *self.questions.entry((payload.cookie, message.id), Default::default) = asked;
            }
        } else if role == Role::Client {
            let asked = self.questions.get(&(payload.cookie, message.id));
            let same = question.as_ref().zip(asked);
            let is = |((name, kind), (asked, of)): (&(String, u16), &(String, u16))| {
                name.eq_ignore_ascii_case(asked) && kind == of
            };
            unasked = !same.is_some_and(is);
            if !unasked && message.code == 0 {
                self.learn(&message, payload.head.process(), at_ns);
            }
        }
        Dns {
            op: if is_answer { DnsOp::Answer } else { DnsOp::Query },
            proto: payload.ends.proto,
            local: local(&payload.ends),
            peer: payload.ends.peer(),
            cookie: payload.cookie,
            role,
            id: message.id,
            host: question.as_ref().map(|(name, _)| name.clone()),
            qtype: question.map(|(_, kind)| dns::record_type(kind)),
            rcode: (is_answer && bytes.len() >= 4).then(|| dns::code(message.code)),
            answers: message.answers.into_iter().map(|record| record.text).collect(),
            answers_cut: message.answers_cut,
            truncated: message.truncated,
            unasked,
            unreadable: message.unreadable,
        }
    }

    fn learn(&mut self, message: &Message, who: ProcId, at_ns: u64) {
        let Some((name, _)) = &message.question else { return };
        for address in message.addresses() {
            let known = self.addresses.entry(address, Vec::new);
            known.retain(|named| named.who != who || named.name != *name);
            if known.len() >= MAX_NAMES {
                known.remove(0);
            }
            known.push(Named { name: name.clone(), who, at_ns });
        }
    }
}

impl Talk {
    /// Adds a piece; returns what all pieces say by now. An empty name is none.
    fn hear(&mut self, payload: &Payload, data: &[u8]) -> Option<Asked> {
        let (hello, source) = match payload.kind {
            payload_kind::TLS => {
                self.bytes.add(payload.offset, data, MAX_FIRST);
                let handshake = tls::handshake(self.bytes.bytes());
                (tls::client_hello(&handshake), HostSource::TlsSni)
            }
            payload_kind::QUIC => {
                let Talk { bytes, keys } = self;
                quic::crypto(data, keys, |offset, piece| bytes.add(offset, piece, MAX_FIRST));
                (tls::client_hello(self.bytes.bytes()), HostSource::QuicSni)
            }
            payload_kind::HTTP => {
                self.bytes.add(payload.offset, data, MAX_FIRST);
                let (name, source) = http::host(self.bytes.bytes())?;
                (tls::Hello { name: Some(name), whole: true, ..Default::default() }, source)
            }
            _ => return None,
        };
        let tls::Hello { name, alpn, ech, whole } = hello;
        let host = Host { name: name.unwrap_or_default(), source, ech, alpn };
        Some(Asked { host, whole })
    }
}

/// What a message that cannot be read is, by its direction and ports.
fn half(payload: &Payload) -> DnsOp {
    let asks = DNS_PORTS.contains(&payload.ends.peer_port);
    let out = payload.flags & payload_flag::OUT != 0;
    if asks == out { DnsOp::Query } else { DnsOp::Answer }
}

/// Who asks: by the ports, and where both ends have one, by what the message is.
fn role(ends: &Ends, out: bool, is_answer: bool) -> Role {
    let [own, other] = [ends.local_port, ends.peer_port].map(|port| DNS_PORTS.contains(&port));
    let asks = match (own, other) {
        (false, true) => true,
        (true, false) => false,
        _ => out != is_answer,
    };
    if asks { Role::Client } else { Role::Server }
}

#[cfg(test)]
mod tests;
