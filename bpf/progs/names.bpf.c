/* SPDX-License-Identifier: MIT OR Apache-2.0 OR GPL-2.0-only
 *
 * Names of hosts: copies of the first bytes that say one. DNS messages, TLS ClientHellos, the heads
 * of HTTP requests (only what names the host), and the Initial packets of QUIC. They are taken apart
 * by netmon, not here.
 *
 * What is copied is what anybody between the two ends could read. Nothing is copied of other
 * conversations, and nothing after the other end has answered but DNS.
 */
#include "request.h"

enum {
	PORT_DNS = 53,
	PORT_MDNS = 5353,	/* RFC 6762 */
	PORT_LLMNR = 5355,	/* RFC 4795 */
};

INLINE bool speaks_dns(u16 port)
{
	return port == PORT_DNS || port == PORT_MDNS || port == PORT_LLMNR;
}

/* Segments of one direction that are copied at most: a ClientHello of 517 bytes in pieces of 9. */
#define MAX_SEGMENTS 64
/* Longest ClientHello: more than any in use; one with post-quantum keys has 1,800 bytes. */
#define MAX_HELLO 8192
/* Of a TCP connection that speaks DNS, each way; the last piece says that it is the last. */
#define MAX_DNS_STREAM 65536
/* Pieces that one packet gives at most: TCP's may be coalesced to 64 KiB. */
#define MAX_PIECES 4

struct way {
	u32 begun;
	u32 base;		/* sequence number of the first byte */
	u32 next;		/* of the first byte that was not looked at */
	u32 segments;
};

/* What was copied of a TCP connection so far. */
struct stream {
	u8 first[24];		/* bytes that did not tell yet what is spoken */
	u32 held;		/* of them */
	u32 kind;		/* PAYLOAD_*, 0 not known yet */
	u32 want;		/* no more than so many bytes */
	u32 done;
	struct way ways[2];	/* in, out */
};

struct {
	__uint(type, BPF_MAP_TYPE_SK_STORAGE);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__type(key, int);
	__type(value, struct stream);
} streams SEC(".maps");

/* First bytes of TCP's header. */
struct tcp_head {
	u16 ports[2];
	u32 seq;
	u32 ack;
	u8 length;
	u8 flags;
};
#define TCP_SYN 2

INLINE u32 tcp_at(struct __sk_buff *skb)
{
	u8 first = 0, next = 0;

	if (skb->protocol == bpf_htons(0x0800)) {
		if (bpf_skb_load_bytes(skb, 0, &first, 1))
			return 0;
		return (first & 15) * 4;
	}
	if (bpf_skb_load_bytes(skb, 6, &next, 1))
		return 0;
	return skip_extensions(skb, next, NET_TCP);
}

/* Finds the payload; `seq` is that of its first byte. Returns false where there is none. */
INLINE bool read_segment(struct __sk_buff *skb, struct way *way, struct piece *piece, u32 *seq)
{
	u32 at = tcp_at(skb);
	struct tcp_head tcp;

	if (!at || bpf_skb_load_bytes(skb, at, &tcp, sizeof(tcp)))
		return false;
	at += (tcp.length >> 4) * 4;
	*seq = bpf_ntohl(tcp.seq);
	piece->at = at;
	piece->len = skb->len > at ? skb->len - at : 0;
	if (tcp.flags & TCP_SYN) {
		(*seq)++;
		way->begun = 0;
	}
	if (!way->begun) {
		way->begun = 1;
		way->base = *seq;
		way->next = *seq;
	}
	return piece->len;
}

/* Returns whether the first bytes of a request could stand there: RFC 9110, 9.3 and RFC 5789. */
INLINE bool is_method(const u8 *first)
{
	u32 four = *(u32 *)first;

	switch (bpf_htonl(four)) {
	case 0x47455420:	/* "GET " */
	case 0x48454144:	/* "HEAD" */
	case 0x504f5354:	/* "POST" */
	case 0x50555420:	/* "PUT " */
	case 0x44454c45:	/* "DELE" */
	case 0x434f4e4e:	/* "CONN" */
	case 0x4f505449:	/* "OPTI" */
	case 0x50415443:	/* "PATC" */
	case 0x54524143:	/* "TRAC" */
		return true;
	}
	return false;
}

#define DECIDED 6
#define HELLO_HEAD 9	/* record header, type and length of the handshake message */

/* A handshake message may be split over records: each has a header of 5 bytes (RFC 8446, 5.1). */
INLINE u32 hello_bytes(const u8 *first, u32 known)
{
	u32 record = first[3] << 8 | first[4];
	u32 hello = (first[6] << 16 | first[7] << 8 | first[8]) + 4;

	if (known < HELLO_HEAD || !record || hello > MAX_HELLO)
		return MAX_HELLO;
	hello += 5 * ((hello + record - 1) / record);
	return hello > MAX_HELLO ? MAX_HELLO : hello;
}

/* Looks at the first bytes of what a client says. Returns false while they do not tell. */
INLINE bool decide(struct __sk_buff *skb, struct stream *stream, struct piece *piece)
{
	u32 held = stream->held & (HELD - 1);
	u8 *first = stream->first;
	u32 len;

	piece->held = *(u64 *)first;
	piece->held_len = held;
	len = load_piece(skb, piece, first + held, HELLO_HEAD);
	if (!len) {
		stream->done = 1;
		return false;
	}
	if (held + len < DECIDED) {
		stream->held = held + len;
		return false;
	}
	stream->want = MAX_HELLO;
	if (first[0] == 0x16 && first[1] == 3 && first[5] == 1) {
		stream->kind = PAYLOAD_TLS;
		stream->want = hello_bytes(first, held + len);
	} else if (is_method(first)) {
		stream->kind = PAYLOAD_HTTP;
	} else {
		stream->done = 1;
		return false;
	}
	piece->offset -= held;
	return true;
}

INLINE void send_pieces(struct __sk_buff *skb, struct piece *piece, u32 len)
{
	int i;

	for (i = 0; i < MAX_PIECES && len; i++) {
		piece->len = len > ROOM_LARGE ? ROOM_LARGE : len;
		if (i == MAX_PIECES - 1 && len > ROOM_LARGE)
			piece->flags |= PAYLOAD_CUT;
		send_piece(skb, piece);
		piece->offset += piece->held_len + piece->len;
		piece->at += piece->len;
		len -= piece->len;
		piece->held_len = 0;
	}
}

INLINE void on_said(struct __sk_buff *skb, struct bpf_sock *sk, struct stream *stream,
		    struct piece *piece)
{
	u32 left;

	if (!stream->kind && !decide(skb, stream, piece))
		return;
	piece->kind = stream->kind;
	if (stream->kind == PAYLOAD_HTTP) {
		stream->done = !on_request(skb, piece, stream->first[0] == 'C');
		return;
	}
	left = stream->want - piece->offset - piece->held_len;
	if (piece->offset + piece->held_len >= stream->want) {
		stream->done = 1;
		return;
	}
	send_pieces(skb, piece, piece->len > left ? left : piece->len);
}

INLINE void on_stream(struct __sk_buff *skb, struct bpf_sock *sk, bool out)
{
	bool dns = speaks_dns(sk->src_port) || speaks_dns(bpf_ntohs(sk->dst_port));
	struct stream *stream = bpf_sk_storage_get(
		&streams, sk, 0, out || dns ? BPF_LOCAL_STORAGE_GET_F_CREATE : 0);
	struct piece piece = { .flags = out ? PAYLOAD_OUT : 0 };
	struct way *way;
	u32 seq, before;

	if (!stream) {
		if (out || dns)
			count(REC_PAYLOAD, COUNT_FAULT);
		return;
	}
	way = out ? &stream->ways[1] : &stream->ways[0];
	if (stream->done || !read_segment(skb, way, &piece, &seq))
		return;
	/* Whoever is answered has said its name, and who speaks second is a server. */
	if (!out && !dns) {
		stream->done = 1;
		return;
	}
	if (way->segments >= MAX_SEGMENTS)
		return;
	ends_of(sk, &piece.ends);
	piece.offset = seq - way->base;
	if (dns) {
		piece.kind = PAYLOAD_DNS;
		if (piece.offset + piece.len > MAX_DNS_STREAM) {
			piece.flags |= PAYLOAD_CUT;
			way->segments = MAX_SEGMENTS;
		}
		send_pieces(skb, &piece, piece.len);
		return;
	}
	way->segments++;
	/* What is sent again was looked at before. */
	before = way->next - seq;
	if (before >= piece.len)
		return;
	piece.at += before;
	piece.len -= before;
	piece.offset += before;
	way->next += piece.len;
	on_said(skb, sk, stream, &piece);
}

/* Initials that are copied of one socket: in a row to one peer, and at all. A handshake has two to
 * four; a program with one socket for many peers has as many for each. */
#define MAX_IN_A_ROW 8
#define MAX_INITIALS 1024

struct initials {
	u64 peer[2];
	u32 port;
	u32 in_a_row;
	u32 all;
	u32 pad;
};

struct {
	__uint(type, BPF_MAP_TYPE_SK_STORAGE);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__type(key, int);
	__type(value, struct initials);
} initials SEC(".maps");

/* First bytes of a QUIC long header: RFC 8999, 5.1. */
struct long_header {
	u8 first;
	u8 version[4];
};

/* Version 1: RFC 9000, 17.2.2; version 2: RFC 9369, 3.2. */
INLINE bool is_initial(const struct long_header *head)
{
	u32 version = (u32)head->version[0] << 24 | head->version[1] << 16 | head->version[2] << 8 |
		      head->version[3];

	return (version == 1 && (head->first & 0xf0) == 0xc0) ||
	       (version == 0x6b3343cf && (head->first & 0xf0) == 0xd0);
}

INLINE bool is_one_of_few(struct bpf_sock *sk, const struct net_ends *ends)
{
	struct initials *it =
		bpf_sk_storage_get(&initials, sk, 0, BPF_LOCAL_STORAGE_GET_F_CREATE);
	const u64 *peer = (const u64 *)ends->peer;

	if (!it) {
		count(REC_PAYLOAD, COUNT_FAULT);
		return false;
	}
	if (it->peer[0] != peer[0] || it->peer[1] != peer[1] || it->port != ends->peer_port) {
		it->peer[0] = peer[0];
		it->peer[1] = peer[1];
		it->port = ends->peer_port;
		it->in_a_row = 0;
	}
	it->all++;
	return it->in_a_row++ < MAX_IN_A_ROW && it->all <= MAX_INITIALS;
}

INLINE void on_datagram(struct __sk_buff *skb, struct bpf_sock *sk, bool out)
{
	struct piece piece = { .flags = out ? PAYLOAD_OUT : 0 };
	struct packet packet = {};
	struct long_header head;

	if (!read_packet(skb, sk, &packet, out) || !packet.payload)
		return;
	if (speaks_dns(packet.ends.local_port) || speaks_dns(packet.ends.peer_port)) {
		piece.kind = PAYLOAD_DNS;
	} else {
		if (!out || bpf_skb_load_bytes(skb, packet.at, &head, sizeof(head)) ||
		    !is_initial(&head) || !is_one_of_few(sk, &packet.ends))
			return;
		piece.kind = PAYLOAD_QUIC;
	}
	piece.ends = packet.ends;
	piece.at = packet.at;
	piece.len = packet.payload;
	send_piece(skb, &piece);
}

INLINE int on_packet(struct __sk_buff *skb, bool out)
{
	struct bpf_sock *sk = sock_of_packet(skb);

	if (!sk)
		return ALLOW;
	if (sk->protocol == NET_UDP)
		on_datagram(skb, sk, out);
	else if (sk->protocol == NET_TCP)
		on_stream(skb, sk, out);
	return ALLOW;
}

SEC("cgroup_skb/egress")
int on_name_egress(struct __sk_buff *skb)
{
	return on_packet(skb, true);
}

SEC("cgroup_skb/ingress")
int on_name_ingress(struct __sk_buff *skb)
{
	return on_packet(skb, false);
}
