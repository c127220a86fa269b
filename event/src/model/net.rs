//! Network events.

use std::borrow::Cow;
use std::net::SocketAddr;

/// What was done with a socket.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum NetOp {
    /// connect(2) was called, or a TCP fast open send.
    Connect,
    /// UDP went to a peer other than the one before.
    Send,
    /// A TCP connection was accepted.
    Accept,
    /// What a socket exchanged with one peer, told when it is over.
    Flow,
}

impl NetOp {
    /// Every operation.
    pub const ALL: [NetOp; 4] = [NetOp::Connect, NetOp::Send, NetOp::Accept, NetOp::Flow];

    /// Returns the `op` of its events.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            NetOp::Connect => "connect",
            NetOp::Send => "send",
            NetOp::Accept => "accept",
            NetOp::Flow => "flow",
        }
    }
}

/// What became of a TCP connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ConnectResult {
    /// The handshake ended well.
    Established,
    /// Refused, reset or timed out before that.
    Failed,
    /// Not known when the event was written; the flow's event knows it.
    Unknown,
}

impl ConnectResult {
    /// Returns its name in events.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            ConnectResult::Established => "established",
            ConnectResult::Failed => "failed",
            ConnectResult::Unknown => "unknown",
        }
    }
}

/// Which end began a connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Role {
    /// This end.
    Client,
    /// The other end.
    Server,
}

impl Role {
    /// Returns its name in events.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Role::Client => "client",
            Role::Server => "server",
        }
    }
}

/// Payload and packets of a flow.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Traffic {
    /// Payload bytes out, retransmissions included.
    pub sent_bytes: u64,
    /// Payload bytes in.
    pub received_bytes: u64,
    /// Packets out, before segmentation.
    pub sent_packets: u64,
    /// Packets in, after coalescing.
    pub received_packets: u64,
}

/// Something was done with a socket; the actor owns it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Net {
    /// What.
    pub op: NetOp,
    /// `IPPROTO_*`.
    pub proto: u16,
    /// 6 for an IPv6 socket, else 4.
    pub family: u8,
    /// Own address, once it has one.
    pub local: Option<SocketAddr>,
    /// The other's address.
    pub peer: SocketAddr,
    /// The kernel's name of the socket, unique while the machine is up.
    pub cookie: u64,
    /// What became of a TCP connection: on connect, and on flows where it is known.
    pub result: Option<ConnectResult>,
    /// Which end began: on TCP flows whose begin was seen.
    pub role: Option<Role>,
    /// What was exchanged: only on flows.
    pub traffic: Option<Traffic>,
    /// When the flow began, nanoseconds since 1970: only on flows.
    pub first_ts_ns: Option<i64>,
}

impl Net {
    /// Returns the name of its protocol, `ip-N` for one without.
    #[must_use]
    pub fn proto_name(&self) -> Cow<'static, str> {
        Cow::Borrowed(match self.proto {
            6 => "tcp",
            17 => "udp",
            other => return Cow::Owned(format!("ip-{other}")),
        })
    }
}
