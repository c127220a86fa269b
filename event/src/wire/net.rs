//! Sockets: what they connect to and how much flows.

use std::net::{IpAddr, Ipv6Addr, SocketAddr};

use zerocopy::{FromBytes, Immutable, IntoBytes, KnownLayout};

use super::Head;

/// Bits of [`Sock::flags`] (`enum sock_flag`).
pub mod sock_flag {
    /// Closed before the handshake ended: refused, reset or timed out.
    pub const NEVER_ESTABLISHED: u32 = 1;
    /// The owner is the listening socket's.
    pub const OWNER_LISTENER: u32 = 2;
    /// Closed: the last connect failed before it sent anything.
    pub const NOT_BEGUN: u32 = 4;
}

/// Bits of [`Flow::flags`] (`enum flow_flag`).
pub mod flow_flag {
    /// The last descriptor of the socket was closed.
    pub const RELEASED: u32 = 1;
    /// The TCP state went to CLOSE.
    pub const CLOSED: u32 = 2;
    /// Another peer took the socket's slot.
    pub const PEER_CHANGED: u32 = 4;
}

/// Both ends of a socket (`struct net_ends`); IPv4 is v4-mapped.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, FromBytes, IntoBytes, KnownLayout, Immutable)]
#[repr(C)]
pub struct Ends {
    /// Own address.
    pub local: [u8; 16],
    /// The other's address.
    pub peer: [u8; 16],
    /// Own port.
    pub local_port: u16,
    /// The other's port.
    pub peer_port: u16,
    /// `AF_INET` or `AF_INET6`.
    pub family: u16,
    /// `IPPROTO_*`.
    pub proto: u16,
}

impl Ends {
    /// Returns the own end; `0.0.0.0:0` or `[::]:0` while it has none.
    #[must_use]
    pub fn local(&self) -> SocketAddr {
        address(self.local, self.local_port)
    }

    /// Returns the other end.
    #[must_use]
    pub fn peer(&self) -> SocketAddr {
        address(self.peer, self.peer_port)
    }
}

fn address(bytes: [u8; 16], port: u16) -> SocketAddr {
    let v6 = Ipv6Addr::from(bytes);
    let ip = v6.to_ipv4_mapped().map_or(IpAddr::V6(v6), IpAddr::V4);
    SocketAddr::new(ip, port)
}

/// Something happened to a socket (`struct rec_sock`).
#[derive(Debug, Clone, Copy, FromBytes, IntoBytes, KnownLayout, Immutable)]
#[repr(C)]
pub struct Sock {
    /// The socket's owner.
    pub head: Head,
    /// The kernel's name of the socket, never used again.
    pub cookie: u64,
    /// Addresses and ports.
    pub ends: Ends,
    /// See [`sock_flag`].
    pub flags: u32,
    /// Closed: errno that the socket had by then, 0 for none.
    pub error: u32,
}

/// connect(2) failed (`struct rec_result`).
#[derive(Debug, Clone, Copy, FromBytes, IntoBytes, KnownLayout, Immutable)]
#[repr(C)]
pub struct ConnectError {
    /// The caller.
    pub head: Head,
    /// The kernel's name of the socket.
    pub cookie: u64,
    /// errno.
    pub error: u32,
    /// `AF_INET` or `AF_INET6`.
    pub family: u16,
    /// `IPPROTO_*`.
    pub proto: u16,
}

/// What a socket exchanged with one peer since its last record (`struct rec_flow`).
#[derive(Debug, Clone, Copy, FromBytes, IntoBytes, KnownLayout, Immutable)]
#[repr(C)]
pub struct Flow {
    /// The socket's owner.
    pub head: Head,
    /// The kernel's name of the socket.
    pub cookie: u64,
    /// Payload bytes out; TCP: each once, however often it was sent.
    pub sent_bytes: u64,
    /// Payload bytes in.
    pub received_bytes: u64,
    /// TCP: segments out, as on the wire; UDP: datagrams before segmentation.
    pub sent_packets: u64,
    /// TCP: segments in; UDP: datagrams.
    pub received_packets: u64,
    /// Addresses and ports.
    pub ends: Ends,
    /// See [`flow_flag`].
    pub flags: u32,
    /// Zero.
    pub pad: u32,
}
