/* SPDX-License-Identifier: MIT OR Apache-2.0 OR GPL-2.0-only
 *
 * Records of sockets, of what goes through them, and of first bytes of conversations. Part of abi.h.
 */
#ifndef AUDIT_ABI_NET_H
#define AUDIT_ABI_NET_H

enum net_proto {
	NET_TCP = 6,
	NET_UDP = 17,
	NET_RAW = 0x8000,	/* beside the protocol of a raw socket, whichever that is */
};

/* IPv4 is stored v4-mapped (::ffff:a.b.c.d) so that one form serves both; ports in host order. */
struct net_ends {
	u8 local[16];
	u8 peer[16];
	u16 local_port;
	u16 peer_port;
	u16 family;		/* of the socket: AF_INET or AF_INET6 */
	u16 proto;		/* IPPROTO_* */
};

/* CONNECT: connect(2) or a TCP fast open send was called, result not known. SEND: a UDP send to a peer that
 * the socket had not sent to just before. ESTABLISHED, ACCEPTED: a TCP handshake ended (active,
 * passive). CLOSED: the TCP state went to CLOSE. BIND: bind(2) gave the socket its local end.
 * LISTEN: it begins to take connections. OUTSIDE: connect(2) of a socket from outside the leaf came back
 * that no CONNECT tells of: it failed before it began, or is not of TCP. The head is the socket's owner: who last connected, sent
 * to a named peer, bound it, made it listen, or created it. */
struct rec_sock {
	struct rec_head head;
	u64 cookie;
	struct net_ends ends;
	u32 flags;		/* SOCK_* */
	u32 error;		/* CLOSED: errno that the socket has by then, OUTSIDE: of the call; 0: none */
};

enum sock_flag {
	SOCK_NEVER_ESTABLISHED = 1,	/* CLOSED only: the handshake did not end (refused, timed out) */
	SOCK_OWNER_LISTENER = 2,	/* the owner is the listening socket's */
	SOCK_NOT_BEGUN = 4,		/* CLOSED only: the last connect failed before it sent anything */
	SOCK_OUTSIDE = 8,		/* the socket was made outside the leaf */
};

/* SOCKET: an IP socket that is neither TCP nor UDP was made. ODD: something was done with a socket of
 * another family, but for unix sockets. */
struct rec_odd {
	struct rec_head head;
	u64 cookie;		/* SOCKET only */
	u32 call;		/* ODD_* */
	u32 error;		/* errno, 0: it went well */
	u32 address[2];		/* vsock: cid and port; netlink: port id and groups; else 0 */
	u16 family;
	u16 sock_type;		/* SOCK_* of the kernel: 1 stream, 2 datagram, 3 raw, 5 sequenced packets */
	u16 proto;
	u16 pad;
};

enum odd_call {
	ODD_SOCKET = 0,
	ODD_CONNECT = 1,	/* address: the other's */
	ODD_BIND = 2,		/* address: its own */
};

/* Who uses which socket that no cgroup program tells of: the key of a map, not a record. */
struct foreign_key {
	u64 cookie;		/* with FOREIGN_MANY: not a cookie, several sockets */
	u64 start_ns;
	u32 pid;
	u32 pad;
};

/* Bits 16 to 31 are then the family, and of unix sockets 32 to 62 the pid of who made their other end (0:
 * nobody that the kernel knows) and 0 to 15 the type. */
#define FOREIGN_MANY (1ULL << 63)

/* Its value. Bytes and calls since first_ns: what sendmsg and recvmsg returned, whatever the call. */
struct foreign_use {
	u64 first_ns;
	u64 last_ns;
	u64 sent_bytes;
	u64 received_bytes;
	u64 sent_packets;
	u64 received_packets;
	struct net_ends ends;	/* addresses of IP sockets only; of first_ns */
	u32 sock_type;		/* as in rec_odd */
	u32 flags;		/* FOREIGN_* */
};

enum foreign_flag {
	FOREIGN_OUTSIDE = 1,	/* the socket was made outside the leaf */
};

/* connect(2) failed. The socket may have said so by REC_CLOSED already. The head is the caller. */
struct rec_result {
	struct rec_head head;
	u64 cookie;
	u32 error;		/* errno */
	u16 family;
	u16 proto;		/* IPPROTO_* */
};

/* Payload bytes (without IP, TCP, UDP headers) and packets of one socket with one peer since the
 * last rec_flow of it. TCP: what the kernel counts for the connection, each byte once however often
 * it was sent, and segments as on the wire. UDP: datagrams before segmentation and fragmentation. */
struct rec_flow {
	struct rec_head head;
	u64 cookie;
	u64 sent_bytes;
	u64 received_bytes;
	u64 sent_packets;
	u64 received_packets;
	struct net_ends ends;
	u32 flags;		/* FLOW_* */
	u32 pad;
};

enum flow_flag {
	FLOW_RELEASED = 1,	/* the last descriptor was closed */
	FLOW_CLOSED = 2,	/* the TCP state went to CLOSE */
	FLOW_PEER_CHANGED = 4,	/* another peer took the socket's slot */
};

enum payload_kind {
	PAYLOAD_DNS = 1,	/* a DNS message, or a piece of a TCP stream of them */
	PAYLOAD_TLS = 2,	/* a piece of a ClientHello */
	PAYLOAD_HTTP = 3,	/* of a request's head: method, target of CONNECT, `Host` line */
	PAYLOAD_QUIC = 4,	/* a datagram that begins with a client's Initial packet */
};

enum payload_flag {
	PAYLOAD_OUT = 1,	/* sent; received without */
	PAYLOAD_CUT = 2,	/* there was more in the packet */
};

/* First bytes of a conversation, copied for the names of hosts in them. Followed by len bytes. The
 * head is the socket's owner, as in rec_sock; pid 0 where it is not known. */
struct rec_payload {
	struct rec_head head;
	u64 cookie;
	struct net_ends ends;
	u32 offset;		/* TCP: of these bytes, within what is copied of this direction */
	u32 len;
	u32 kind;		/* PAYLOAD_DNS, ... */
	u32 flags;		/* PAYLOAD_OUT, PAYLOAD_CUT */
};

#endif
