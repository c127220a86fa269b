//! Names of what the kernel has as numbers: families of sockets, their types and protocols.

use std::borrow::Cow;

/// `AF_NETLINK`.
const NETLINK: u16 = 16;
/// `AF_PACKET`.
const PACKET: u16 = 17;
/// `AF_VSOCK`.
const VSOCK: u16 = 40;

fn of(names: &[(u16, &'static str)], number: u16) -> Option<&'static str> {
    names.iter().find(|(known, _)| *known == number).map(|(_, name)| *name)
}

fn named(names: &[(u16, &'static str)], number: u16, other: &str) -> Cow<'static, str> {
    match of(names, number) {
        Some(name) => Cow::Borrowed(name),
        None => Cow::Owned(format!("{other}-{number}")),
    }
}

/// Returns the name of a family; numbers of include/linux/socket.h.
pub(super) fn domain_name(family: u16) -> Cow<'static, str> {
    const NAMES: &[(u16, &str)] = &[
        (2, "inet"),
        (10, "inet6"),
        (15, "key"),
        (NETLINK, "netlink"),
        (PACKET, "packet"),
        (21, "rds"),
        (24, "pppox"),
        (29, "can"),
        (30, "tipc"),
        (31, "bluetooth"),
        (33, "rxrpc"),
        (38, "alg"),
        (39, "nfc"),
        (VSOCK, "vsock"),
        (41, "kcm"),
        (42, "qipcrtr"),
        (43, "smc"),
        (44, "xdp"),
        (45, "mctp"),
    ];
    named(NAMES, family, "af")
}

/// Returns the name of a type; numbers of include/linux/net.h.
pub(super) fn type_name(number: u16) -> Cow<'static, str> {
    const NAMES: &[(u16, &str)] =
        &[(1, "stream"), (2, "dgram"), (3, "raw"), (4, "rdm"), (5, "seqpacket"), (10, "packet")];
    named(NAMES, number, "type")
}

/// Returns the name of a protocol in the numbers of its family.
pub(super) fn protocol_name(family: u16, number: u16) -> Cow<'static, str> {
    // include/uapi/linux/{in,netlink,if_ether}.h
    const IP: &[(u16, &str)] = &[
        (1, "icmp"),
        (2, "igmp"),
        (6, "tcp"),
        (17, "udp"),
        (33, "dccp"),
        (58, "icmpv6"),
        (89, "ospf"),
        (132, "sctp"),
        (136, "udplite"),
        (255, "raw"),
        (262, "mptcp"),
    ];
    const OF_NETLINK: &[(u16, &str)] = &[
        (0, "route"),
        (2, "usersock"),
        (4, "sock_diag"),
        (6, "xfrm"),
        (9, "audit"),
        (10, "fib_lookup"),
        (11, "connector"),
        (12, "netfilter"),
        (15, "kobject_uevent"),
        (16, "generic"),
        (20, "rdma"),
        (21, "crypto"),
    ];
    const OF_PACKET: &[(u16, &str)] =
        &[(0, "none"), (0x0003, "all"), (0x0800, "ip"), (0x0806, "arp"), (0x86dd, "ipv6")];
    match family {
        2 | 10 => named(IP, number, "ip"),
        NETLINK => named(OF_NETLINK, number, "netlink"),
        // The kernel has it in network order.
        PACKET => named(OF_PACKET, number.swap_bytes(), "ethertype"),
        other => Cow::Owned(format!("{}-{number}", domain_name(other))),
    }
}

/// Returns an address in the numbers of its family, where it says something.
pub(super) fn address(family: u16, of: [u32; 2]) -> Option<String> {
    /// `VMADDR_CID_ANY`, also `VMADDR_PORT_ANY`.
    const ANY: u32 = u32::MAX;
    let number = |number: u32| if number == ANY { "any".to_owned() } else { number.to_string() };
    match (family, of) {
        (VSOCK, [cid, port]) => Some(format!("{}:{}", number(cid), number(port))),
        (NETLINK, [port, groups]) if (port, groups) != (0, 0) => Some(format!("{port}:{groups}")),
        _ => None,
    }
}
