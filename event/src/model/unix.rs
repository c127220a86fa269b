//! Unix sockets.

use super::{Other, Traffic};
use crate::wire::UnixOp;

impl UnixOp {
    /// Returns the `op` of its events.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            UnixOp::Connect => "connect",
            UnixOp::Send => "send",
            UnixOp::Accept => "accept",
            UnixOp::Receive => "receive",
            UnixOp::Give => "give",
            UnixOp::Flow => "flow",
        }
    }
}

/// A unix socket was connected, accepted, or sent from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unix {
    /// What.
    pub op: UnixOp,
    /// 1 stream, 2 datagram, 5 seqpacket.
    pub kind: u16,
    /// Inode of the caller's socket.
    pub socket: u64,
    /// errno, 0 if it did what was asked.
    pub error: u32,
    /// The file of the name that the listener is bound to.
    pub path: Option<Vec<u8>>,
    /// The path lacks its first components.
    pub path_cut: bool,
    /// The name as it was bound, where `path` is another.
    pub bound: Option<Vec<u8>>,
    /// An abstract name, without its leading NUL.
    pub abstract_name: Option<Vec<u8>>,
    /// The path that the caller's memory held.
    pub path_claimed: Option<Vec<u8>>,
    /// The abstract name that it held.
    pub abstract_claimed: Option<Vec<u8>>,
    /// The descriptor too comes from the caller's memory.
    pub args_claimed: bool,
    /// Who listens, or who connected; of what was passed, who is at the other end.
    pub peer: Option<Other>,
    /// The open file that was passed.
    pub passed: Option<Passed>,
    /// What went to and came from the peer, and since when (nanoseconds since 1970).
    pub flow: Option<(Traffic, i64)>,
}

/// How the sender of an open file is known.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PeerBasis {
    /// By the kernel's credentials in the message.
    Message,
    /// It began last, of the run, to send control data through the socket that the message came from.
    Last,
    /// It made the other end of the connection.
    Connection,
    /// It is who received.
    Receiver,
}

impl PeerBasis {
    /// Every basis.
    pub const ALL: [PeerBasis; 4] =
        [PeerBasis::Message, PeerBasis::Last, PeerBasis::Connection, PeerBasis::Receiver];

    /// Returns its word.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            PeerBasis::Message => "message",
            PeerBasis::Last => "last_sender",
            PeerBasis::Connection => "connection",
            PeerBasis::Receiver => "receiver",
        }
    }
}

/// An open file that went with a message. Its path is that of the event.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Passed {
    /// What it is: `file`, `pipe:INODE`, …
    pub what: String,
    /// Device, `major << 20 | minor`.
    pub dev: u32,
    /// Inode.
    pub ino: u64,
    /// Generation.
    pub generation: u32,
    /// How it is open: `read`, `write`, `read_write`, `path`.
    pub access: &'static str,
    /// How the peer is known, where there is one.
    pub basis: Option<PeerBasis>,
    /// The sender's real user.
    pub sender_uid: u32,
    /// It is not known whether the receiver kept it.
    pub unsure: bool,
    /// How often it went over.
    pub count: u64,
}

impl Unix {
    /// Returns the name of the socket's type.
    #[must_use]
    pub fn kind_name(&self) -> &'static str {
        match self.kind {
            1 => "stream",
            2 => "dgram",
            5 => "seqpacket",
            _ => "other",
        }
    }

    /// Returns the best path there is.
    #[must_use]
    pub fn best_path(&self) -> Option<&[u8]> {
        self.path.as_deref().or(self.bound.as_deref()).or(self.path_claimed.as_deref())
    }
}
