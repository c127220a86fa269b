//! One conversation: a socket and one peer, from its first record to its last.

use std::net::SocketAddr;

use event::ProcId;
use event::model::{ConnectResult, Net, NetOp, Role, Traffic};
use event::wire::{Ends, Flow, NET_RAW};

/// `IPPROTO_TCP`.
pub(crate) const TCP: u16 = 6;
/// `SOCK_RAW`.
const RAW: u16 = 3;

/// A conversation that is over: its `flow` event, and when it was.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Done {
    /// Who last owned the socket.
    pub owner: ProcId,
    /// Time of the first record, `CLOCK_BOOTTIME` nanoseconds.
    pub first_ns: u64,
    /// Time of the last record.
    pub last_ns: u64,
    /// The event; its `first_ts_ns` is left to the caller, who knows the clocks.
    pub net: Net,
}

#[derive(Debug, Clone)]
pub(crate) struct Conversation {
    /// Order of beginning, over all sockets.
    pub(crate) order: u64,
    pub(crate) cookie: u64,
    pub(crate) owner: ProcId,
    pub(crate) ends: Ends,
    pub(crate) first_ns: u64,
    pub(crate) last_ns: u64,
    pub(crate) role: Option<Role>,
    pub(crate) result: Option<ConnectResult>,
    pub(crate) errno: Option<u32>,
    pub(crate) closed: bool,
    /// The socket was made outside the run.
    pub(crate) outside: bool,
    traffic: Traffic,
}

impl Conversation {
    pub(crate) fn new(order: u64, cookie: u64, owner: ProcId, ends: Ends, at_ns: u64) -> Self {
        Conversation {
            order,
            cookie,
            owner,
            ends,
            first_ns: at_ns,
            last_ns: at_ns,
            role: None,
            result: None,
            errno: None,
            closed: false,
            outside: false,
            traffic: Traffic::default(),
        }
    }

    /// A record of it came: whoever owns the socket now is its owner, and the last ends that say
    /// something are its ends (at connect the own address is not chosen yet).
    pub(crate) fn heard(&mut self, owner: ProcId, ends: &Ends, at_ns: u64) {
        self.owner = owner;
        self.first_ns = self.first_ns.min(at_ns);
        self.last_ns = self.last_ns.max(at_ns);
        if ends.local_port != 0 {
            self.ends.local = ends.local;
            self.ends.local_port = ends.local_port;
        }
        if ends.peer_port != 0 {
            self.ends.peer = ends.peer;
            self.ends.peer_port = ends.peer_port;
        }
    }

    /// Whether it is not known yet, or not why, what became of the connect.
    pub(crate) fn lacks_result(&self) -> bool {
        use ConnectResult::{Abandoned, Failed, Pending};
        self.errno.is_none() && matches!(self.result, None | Some(Abandoned | Failed | Pending))
    }

    /// Whether what went over it is told of the processes that used it.
    pub(crate) fn is_told_by_use(&self) -> bool {
        self.outside && self.result == Some(ConnectResult::Established)
    }

    /// The connect failed.
    pub(crate) fn fail(&mut self, errno: u32, at_ns: u64) {
        self.result = Some(ConnectResult::of_errno(errno));
        self.errno = Some(errno);
        self.closed = true;
        self.last_ns = self.last_ns.max(at_ns);
    }

    pub(crate) fn add(&mut self, flow: &Flow) {
        let sum = &mut self.traffic;
        sum.sent_bytes = sum.sent_bytes.saturating_add(flow.sent_bytes);
        sum.received_bytes = sum.received_bytes.saturating_add(flow.received_bytes);
        sum.sent_packets = sum.sent_packets.saturating_add(flow.sent_packets);
        sum.received_packets = sum.received_packets.saturating_add(flow.received_packets);
    }

    pub(crate) fn done(self) -> Done {
        let net = Net {
            result: self.result,
            errno: self.errno,
            outside: self.outside,
            role: self.role,
            traffic: Some(self.traffic),
            ..net(NetOp::Flow, self.cookie, &self.ends)
        };
        Done { owner: self.owner, first_ns: self.first_ns, last_ns: self.last_ns, net }
    }
}

/// Returns the event of `op` with the addresses in `ends`, nothing else filled in.
pub(crate) fn net(op: NetOp, cookie: u64, ends: &Ends) -> Net {
    Net {
        family: ends.family,
        proto: ends.proto & !NET_RAW,
        sock_type: (ends.proto & NET_RAW != 0).then_some(RAW),
        local: local(ends),
        peer: Some(ends.peer()),
        ..Net::new(op, cookie)
    }
}

/// The own address, once the socket has one.
pub(crate) fn local(ends: &Ends) -> Option<SocketAddr> {
    let local = ends.local();
    (local.port() != 0 || !local.ip().is_unspecified()).then_some(local)
}
