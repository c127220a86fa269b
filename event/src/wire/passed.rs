//! Open files that go over unix sockets.

use zerocopy::{FromBytes, Immutable, IntoBytes, KnownLayout};

use super::Head;
use crate::ProcId;

/// Bits of [`Passed::flags`] (`enum passed_flag`).
pub mod passed_flag {
    /// The path lacks its first components.
    pub const CUT: u32 = 1;
    /// The sender is known by the kernel's credentials in the message.
    pub const BY_MESSAGE: u32 = 2;
    /// The sender is who of the run began last to send control data through that socket.
    pub const BY_LAST: u32 = 4;
    /// It is not known whether the receiver kept it.
    pub const UNSURE: u32 = 8;
}

/// An open file went with a message over a unix socket (`struct rec_passed`); the components of its path
/// follow.
#[derive(Debug, Clone, Copy, FromBytes, IntoBytes, KnownLayout, Immutable)]
#[repr(C)]
pub struct Passed {
    /// Who received it; of [`super::UnixOp::Give`] who sent it.
    pub head: Head,
    /// Inode of the receiver's socket, 0 where it is not known.
    pub socket: u64,
    /// Inode of the file.
    pub ino: u64,
    /// Start of the other process.
    pub peer_start_ns: u64,
    /// Device of the file, `major << 20 | minor`.
    pub dev: u32,
    /// Its generation.
    pub generation: u32,
    /// [`super::UnixOp::Receive`] or [`super::UnixOp::Give`].
    pub op: u32,
    /// See [`passed_flag`].
    pub flags: u32,
    /// See [`super::open_mode`].
    pub mode: u32,
    /// The other process, 0 where it is not known.
    pub peer_pid: u32,
    /// The sender's real user.
    pub uid: u32,
    /// Bytes of the path that follow.
    pub path_len: u32,
    /// The file's type: `S_IFMT` of stat(2).
    pub file_type: u16,
    /// Address family of a socket.
    pub family: u16,
    /// Type of the socket that it came by: 1 stream, 2 datagram, 5 seqpacket.
    pub kind: u16,
    /// Zero.
    pub pad: u16,
    /// The other process's name for itself, padded with NUL.
    pub peer_comm: [u8; 16],
}

impl Passed {
    /// Returns the other process, where it is known.
    #[must_use]
    pub fn peer(&self) -> Option<ProcId> {
        let id = ProcId { pid: self.peer_pid, start_ns: self.peer_start_ns };
        (id.pid != 0).then_some(id)
    }
}
