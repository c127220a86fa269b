//! Unix sockets.

use zerocopy::{FromBytes, Immutable, IntoBytes, KnownLayout};

use super::{Head, Malformed};
use crate::ProcId;

/// What was done: `enum unix_op`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[repr(u32)]
pub enum UnixOp {
    /// connect(2) came back.
    Connect = 1,
    /// A datagram went to a name that was given with it.
    Send = 2,
    /// A connection was accepted.
    Accept = 3,
    /// An open file came with a message.
    Receive = 4,
    /// One went to a process outside the run.
    Give = 5,
    /// What went to and came from a peer.
    Flow = 6,
}

impl UnixOp {
    /// Every operation, in the order of their numbers.
    pub const ALL: [UnixOp; 6] = [
        UnixOp::Connect,
        UnixOp::Send,
        UnixOp::Accept,
        UnixOp::Receive,
        UnixOp::Give,
        UnixOp::Flow,
    ];

    /// Returns the operation that `number` stands for.
    #[must_use]
    pub fn from_wire(number: u32) -> Option<UnixOp> {
        UnixOp::ALL.into_iter().find(|op| *op as u32 == number)
    }
}

/// Bits of [`Unix::flags`] (`enum unix_flag`).
pub mod unix_flag {
    /// The name is what the caller's memory held.
    pub const CLAIMED: u32 = 1;
    /// The path is cut.
    pub const PATH_CUT: u32 = 2;
    /// The path of the peer's program is cut.
    pub const EXE_CUT: u32 = 4;
    /// The caller's memory could not be read.
    pub const NAME_FAULT: u32 = 8;
    /// The descriptor too comes from the caller's memory (32-bit socketcall).
    pub const ARGS_CLAIMED: u32 = 16;
}

/// A unix socket was connected, accepted, or sent from (`struct rec_unix`); [`UnixData`] follows.
#[derive(Debug, Clone, Copy, FromBytes, IntoBytes, KnownLayout, Immutable)]
#[repr(C)]
pub struct Unix {
    /// Who called.
    pub head: Head,
    /// Inode of the caller's socket.
    pub socket: u64,
    /// Start of the peer.
    pub peer_start_ns: u64,
    /// A [`UnixOp`].
    pub op: u32,
    /// errno, 0 if it did what was asked.
    pub error: u32,
    /// The process that listened, or that connected; 0 when the socket does not know.
    pub peer_pid: u32,
    /// See [`unix_flag`].
    pub flags: u32,
    /// 1 stream, 2 datagram, 5 seqpacket.
    pub kind: u16,
    /// Bytes of [`UnixData::name`].
    pub name_len: u16,
    /// Bytes of [`UnixData::path`].
    pub path_len: u16,
    /// Bytes of [`UnixData::exe`].
    pub exe_len: u16,
    /// The peer's name for itself, padded with NUL.
    pub peer_comm: [u8; 16],
}

impl Unix {
    /// Returns the peer, where the socket knows it.
    #[must_use]
    pub fn peer(&self) -> Option<ProcId> {
        let id = ProcId { pid: self.peer_pid, start_ns: self.peer_start_ns };
        (id.pid != 0).then_some(id)
    }
}

/// What follows a [`Unix`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct UnixData<'a> {
    /// The address without its family: a path, perhaps ended by NUL, or NUL and an abstract name.
    pub name: &'a [u8],
    /// Components, last first, of the socket's file: from the kernel's object.
    pub path: &'a [u8],
    /// Components of the program that the peer runs.
    pub exe: &'a [u8],
}

impl<'a> UnixData<'a> {
    pub(super) fn split(unix: &Unix, data: &'a [u8]) -> Result<Self, Malformed> {
        let (name, rest) = data.split_at_checked(unix.name_len.into()).ok_or(Malformed::Length)?;
        let (path, rest) = rest.split_at_checked(unix.path_len.into()).ok_or(Malformed::Length)?;
        let exe = rest.get(..unix.exe_len.into()).ok_or(Malformed::Length)?;
        Ok(UnixData { name, path, exe })
    }
}
