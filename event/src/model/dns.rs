//! Names of hosts: DNS messages, and the name that a connection's client asked for.

use std::borrow::Cow;
use std::net::SocketAddr;

use super::Role;

/// `AF_INET`: protocols of IP have one set of numbers.
const INET: u16 = 2;

/// Which half of a DNS exchange.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum DnsOp {
    /// A question.
    Query,
    /// What came back.
    Answer,
}

impl DnsOp {
    /// Returns the `op` of its events.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            DnsOp::Query => "query",
            DnsOp::Answer => "answer",
        }
    }
}

/// A DNS message, at the end that the actor owns. Names are as RFC 1035, 5.1 writes them (a byte that
/// is no plain letter is `\DDD`), without the last dot.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Dns {
    /// Which half.
    pub op: DnsOp,
    /// `IPPROTO_*`.
    pub proto: u16,
    /// Own address, once it has one.
    pub local: Option<SocketAddr>,
    /// The other's address.
    pub peer: SocketAddr,
    /// The kernel's name of the socket.
    pub cookie: u64,
    /// Client: this end asks. Server: it is asked.
    pub role: Role,
    /// The message's number.
    pub id: u16,
    /// The name that is asked for.
    pub host: Option<String>,
    /// The type of record that is asked for: `A`, `AAAA`, `TYPE1234`.
    pub qtype: Option<String>,
    /// What became of it: `NOERROR`, `NXDOMAIN`, `RCODE12`. Only on answers.
    pub rcode: Option<String>,
    /// Records of the answer: `NAME TTL TYPE DATA`.
    pub answers: Vec<String>,
    /// Not all of them are told.
    pub answers_cut: bool,
    /// The server says that there would be more.
    pub truncated: bool,
    /// An answer to which the record has no question.
    pub unasked: bool,
    /// The message cannot be read, or not to its end.
    pub unreadable: bool,
}

impl Dns {
    /// Returns the name of its transport, `ip-N` for one without.
    #[must_use]
    pub fn proto_name(&self) -> Cow<'static, str> {
        super::socket::protocol_name(INET, self.proto)
    }
}

/// How the name of a connection's peer is known, the best last.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum HostSource {
    /// A DNS answer gave this address for the name, earlier in the run.
    Dns,
    /// `Host` of the connection's first HTTP request.
    HttpHost,
    /// The target of CONNECT: the peer is a proxy, the name is that of the host behind it.
    HttpConnect,
    /// Server name of the TLS ClientHello.
    TlsSni,
    /// The same in QUIC's Initial packets.
    QuicSni,
}

impl HostSource {
    /// Returns its name in events.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            HostSource::Dns => "dns",
            HostSource::HttpHost => "http_host",
            HostSource::HttpConnect => "http_connect",
            HostSource::TlsSni => "tls_sni",
            HostSource::QuicSni => "quic_sni",
        }
    }
}

/// The name of a connection's other end, and how it is known.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Host {
    /// The name, as it was said.
    pub name: Vec<u8>,
    /// By whom.
    pub source: HostSource,
    /// The ClientHello also holds an encrypted one (ECH): the name may be of a front only.
    pub ech: bool,
    /// Protocols that the client offered (ALPN).
    pub alpn: Vec<String>,
}
