//! Network events.

use std::borrow::Cow;
use std::net::SocketAddr;

use super::socket;

/// `AF_INET`.
const INET: u16 = 2;
/// `AF_INET6`.
const INET6: u16 = 10;

/// What was done with a socket.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum NetOp {
    /// connect(2) was called, or a TCP fast open send.
    Connect,
    /// UDP went to a peer other than the one before.
    Send,
    /// A TCP connection was accepted.
    Accept,
    /// bind(2) gave the socket its own address.
    Bind,
    /// The socket begins to take connections.
    Listen,
    /// A socket that is neither TCP nor UDP was made, or one from outside the run is used.
    Socket,
    /// What a socket exchanged with one peer, told when it is over.
    Flow,
}

impl NetOp {
    /// Every operation.
    pub const ALL: [NetOp; 7] = [
        NetOp::Connect,
        NetOp::Send,
        NetOp::Accept,
        NetOp::Bind,
        NetOp::Listen,
        NetOp::Socket,
        NetOp::Flow,
    ];

    /// Returns the `op` of its events.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            NetOp::Connect => "connect",
            NetOp::Send => "send",
            NetOp::Accept => "accept",
            NetOp::Bind => "bind",
            NetOp::Listen => "listen",
            NetOp::Socket => "socket",
            NetOp::Flow => "flow",
        }
    }
}

/// What became of a connect.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ConnectResult {
    /// The handshake ended well.
    Established,
    /// The other end refused.
    Refused,
    /// Nobody answered in time.
    TimedOut,
    /// There is no way there.
    Unreachable,
    /// The other end broke it off.
    Reset,
    /// The program closed the socket before there was an answer.
    Abandoned,
    /// Another error.
    Failed,
    /// It goes on; the flow's event knows the end.
    Pending,
}

impl ConnectResult {
    /// Every result.
    pub const ALL: [ConnectResult; 8] = [
        ConnectResult::Established,
        ConnectResult::Refused,
        ConnectResult::TimedOut,
        ConnectResult::Unreachable,
        ConnectResult::Reset,
        ConnectResult::Abandoned,
        ConnectResult::Failed,
        ConnectResult::Pending,
    ];

    /// Returns what an errno stands for; numbers of include/uapi/asm-generic/errno.h.
    #[must_use]
    pub fn of_errno(errno: u32) -> ConnectResult {
        match errno {
            111 => ConnectResult::Refused,
            110 => ConnectResult::TimedOut,
            101 | 113 => ConnectResult::Unreachable,
            104 => ConnectResult::Reset,
            _ => ConnectResult::Failed,
        }
    }

    /// Returns its name in events.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            ConnectResult::Established => "established",
            ConnectResult::Refused => "refused",
            ConnectResult::TimedOut => "timed_out",
            ConnectResult::Unreachable => "unreachable",
            ConnectResult::Reset => "reset",
            ConnectResult::Abandoned => "abandoned",
            ConnectResult::Failed => "failed",
            ConnectResult::Pending => "pending",
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
    /// `AF_*`.
    pub family: u16,
    /// In the numbers of its family: `IPPROTO_*` and others.
    pub proto: u16,
    /// `SOCK_*`, where it is not plain from the protocol.
    pub sock_type: Option<u16>,
    /// Made outside the run's cgroup.
    pub outside: bool,
    /// Numbers of the family's own kind of address: the other's of a connect, else its own.
    pub address: [u32; 2],
    /// How often it happened: sockets that were made.
    pub count: u64,
    /// Own address, once it has one.
    pub local: Option<SocketAddr>,
    /// The other's address; none for bind and listen.
    pub peer: Option<SocketAddr>,
    /// The kernel's name of the socket, unique while the machine is up.
    pub cookie: u64,
    /// The name of the other end, where one is known.
    pub host: Option<Box<super::Host>>,
    /// What became of a TCP connection: on connect, and on flows where it is known.
    pub result: Option<ConnectResult>,
    /// The error that ended the connect or the connection.
    pub errno: Option<u32>,
    /// Which end began: on TCP flows whose begin was seen.
    pub role: Option<Role>,
    /// What was exchanged: only on flows.
    pub traffic: Option<Traffic>,
    /// When the flow began, nanoseconds since 1970: only on flows.
    pub first_ts_ns: Option<i64>,
}

impl Net {
    /// Returns an event of `op` about the socket `cookie` of which nothing else is known.
    #[must_use]
    pub fn new(op: NetOp, cookie: u64) -> Net {
        Net {
            op,
            family: INET,
            proto: 0,
            sock_type: None,
            outside: false,
            address: [0; 2],
            count: 1,
            local: None,
            peer: None,
            cookie,
            host: None,
            result: None,
            errno: None,
            role: None,
            traffic: None,
            first_ts_ns: None,
        }
    }

    /// Returns the name of its protocol.
    #[must_use]
    pub fn proto_name(&self) -> Cow<'static, str> {
        socket::protocol_name(self.family, self.proto)
    }

    /// Returns 4 or 6 for a socket that speaks IP.
    #[must_use]
    pub fn ip_version(&self) -> Option<u8> {
        match self.family {
            INET => Some(4),
            INET6 => Some(6),
            _ => None,
        }
    }

    /// Returns its address in the numbers of its family, if it speaks no IP and has one.
    #[must_use]
    pub fn odd_address(&self) -> Option<String> {
        socket::address(self.family, self.address)
    }
}
