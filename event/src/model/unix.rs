//! Unix sockets.

use super::Other;
use crate::wire::UnixOp;

impl UnixOp {
    /// Returns the `op` of its events.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            UnixOp::Connect => "connect",
            UnixOp::Send => "send",
            UnixOp::Accept => "accept",
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
    /// Who listens, or who connected.
    pub peer: Option<Other>,
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
