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
    /// The socket was made outside the run.
    pub const OUTSIDE: u32 = 8;
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

/// Bit of [`Ends::proto`] beside the protocol of a raw socket.
pub const NET_RAW: u16 = 0x8000;

/// What was done with a socket ([`Odd::call`], `enum odd_call`).
pub mod odd_call {
    /// It was made.
    pub const SOCKET: u32 = 0;
    /// connect(2).
    pub const CONNECT: u32 = 1;
    /// bind(2).
    pub const BIND: u32 = 2;
}

/// A socket that is neither TCP nor UDP (`struct rec_odd`).
#[derive(Debug, Clone, Copy, FromBytes, IntoBytes, KnownLayout, Immutable)]
#[repr(C)]
pub struct Odd {
    /// The caller.
    pub head: Head,
    /// The kernel's name of the socket; 0 where it has none yet.
    pub cookie: u64,
    /// See [`odd_call`].
    pub call: u32,
    /// errno, 0: it went well.
    pub error: u32,
    /// vsock: cid and port; netlink: port id and groups; else 0.
    pub address: [u32; 2],
    /// `AF_*`.
    pub family: u16,
    /// `SOCK_*`.
    pub sock_type: u16,
    /// In the numbers of its family.
    pub proto: u16,
    /// Zero.
    pub pad: u16,
}

/// Bit of [`ForeignKey::cookie`]: it is not a cookie, and stands for several sockets.
pub const FOREIGN_MANY: u64 = 1 << 63;

/// Bit of [`ForeignUse::flags`]: the socket was made outside the run's cgroup.
pub const FOREIGN_OUTSIDE: u32 = 1;

/// A process and a socket that no cgroup program tells of (`struct foreign_key`).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, FromBytes, IntoBytes, KnownLayout, Immutable)]
#[repr(C)]
pub struct ForeignKey {
    /// The kernel's name of the socket; with [`FOREIGN_MANY`] several.
    pub cookie: u64,
    /// Start of the process.
    pub start_ns: u64,
    /// The process.
    pub pid: u32,
    /// Zero.
    pub pad: u32,
}

/// What it sent and received, so far (`struct foreign_use`).
#[derive(Debug, Clone, Copy, FromBytes, IntoBytes, KnownLayout, Immutable)]
#[repr(C)]
pub struct ForeignUse {
    /// First use, `CLOCK_BOOTTIME` nanoseconds.
    pub first_ns: u64,
    /// Last use.
    pub last_ns: u64,
    /// Bytes that calls sent.
    pub sent_bytes: u64,
    /// Bytes that calls received.
    pub received_bytes: u64,
    /// Calls that sent.
    pub sent_packets: u64,
    /// Calls that received.
    pub received_packets: u64,
    /// Addresses of IP sockets at the first use; family and protocol of all.
    pub ends: Ends,
    /// `SOCK_*`.
    pub sock_type: u32,
    /// [`FOREIGN_OUTSIDE`].
    pub flags: u32,
}
