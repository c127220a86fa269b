//! First bytes of conversations: what names of hosts are read from.

use zerocopy::{FromBytes, Immutable, IntoBytes, KnownLayout};

use super::{Ends, Head};

/// What was seen to be spoken ([`Payload::kind`], `enum payload_kind`).
pub mod payload_kind {
    /// A DNS message, or a piece of a TCP stream of them.
    pub const DNS: u32 = 1;
    /// A piece of a TLS ClientHello.
    pub const TLS: u32 = 2;
    /// Of the head of an HTTP request: method, target of CONNECT, line `Host`.
    pub const HTTP: u32 = 3;
    /// A datagram that begins with a client's Initial packet of QUIC.
    pub const QUIC: u32 = 4;
}

/// Bits of [`Payload::flags`] (`enum payload_flag`).
pub mod payload_flag {
    /// Sent; received without.
    pub const OUT: u32 = 1;
    /// There was more in the packet.
    pub const CUT: u32 = 2;
}

/// First bytes of a conversation (`struct rec_payload`); [`Payload::len`] bytes follow.
#[derive(Debug, Clone, Copy, FromBytes, IntoBytes, KnownLayout, Immutable)]
#[repr(C)]
pub struct Payload {
    /// The socket's owner; pid 0 where it is not known.
    pub head: Head,
    /// The kernel's name of the socket.
    pub cookie: u64,
    /// Addresses and ports.
    pub ends: Ends,
    /// TCP: where these bytes begin within what is copied of this direction.
    pub offset: u32,
    /// Bytes that follow.
    pub len: u32,
    /// See [`payload_kind`].
    pub kind: u32,
    /// See [`payload_flag`].
    pub flags: u32,
}
