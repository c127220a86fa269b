/* SPDX-License-Identifier: MIT OR Apache-2.0 OR GPL-2.0-only
 *
 * Where a UDP packet goes and how much payload it has. Used by net.bpf.c and names.bpf.c.
 *
 * skb->len is the length from the IP header on, of the whole super-packet before segmentation
 * (GSO) or fragmentation, and after coalescing (GRO): one header, so the payload is exact for
 * these too.
 */
#ifndef AUDIT_PACKET_H
#define AUDIT_PACKET_H

#include "socket.h"

#define ALLOW 1	/* the verdict "go on" of cgroup programs */

struct packet {
	struct net_ends ends;	/* local and peer as this socket sees them */
	u32 payload;
	u32 at;			/* of the payload within the packet */
};

struct ip4 {
	u8 ihl_version;
	u8 tos;
	u16 len;
	u16 id;
	u16 fragment;
	u8 ttl;
	u8 protocol;
	u16 check;
	u32 source;
	u32 target;
};

struct ip6 {
	u32 flow;
	u16 len;
	u8 next;
	u8 hops;
	u32 source[4];
	u32 target[4];
};

#define UDP_HEADER 8

/* Headers between IPv6's and the transport's that hosts send to themselves or others in practice:
 * more than these and the packet is not counted. RFC 8200, section 4. */
#define MAX_EXTENSIONS 4
enum {
	IP6_HOP_BY_HOP = 0,
	IP6_FRAGMENT = 44,
	IP6_TARGET = 60,
};

/* Returns the offset of the header of `proto`, 0 if it was not found. */
INLINE u32 skip_extensions(struct __sk_buff *skb, u8 next, u8 proto)
{
	u32 at = sizeof(struct ip6);
	u8 extension[2];
	int i;

	for (i = 0; i < MAX_EXTENSIONS && next != proto; i++) {
		if (next != IP6_HOP_BY_HOP && next != IP6_FRAGMENT && next != IP6_TARGET)
			return 0;
		if (bpf_skb_load_bytes(skb, at, extension, sizeof(extension)))
			return 0;
		at += next == IP6_FRAGMENT ? 8 : (extension[1] + 1) * 8;
		next = extension[0];
	}
	return next == proto ? at : 0;
}

/* Puts the packet's addresses where the socket would have them. */
INLINE u32 read_ip(struct __sk_buff *skb, struct packet *packet, bool out)
{
	u8 *source = out ? packet->ends.local : packet->ends.peer;
	u8 *target = out ? packet->ends.peer : packet->ends.local;
	struct ip4 v4;
	struct ip6 v6;

	if (skb->protocol == bpf_htons(0x0800)) {
		if (bpf_skb_load_bytes(skb, 0, &v4, sizeof(v4)) || v4.protocol != NET_UDP)
			return 0;
		put_v4(source, v4.source);
		put_v4(target, v4.target);
		return (v4.ihl_version & 15) * 4;
	}
	if (bpf_skb_load_bytes(skb, 0, &v6, sizeof(v6)))
		return 0;
	put_v6(source, v6.source[0], v6.source[1], v6.source[2], v6.source[3]);
	put_v6(target, v6.target[0], v6.target[1], v6.target[2], v6.target[3]);
	return skip_extensions(skb, v6.next, NET_UDP);
}

/* A raw or ping socket: all behind the IP header is payload, the ICMP header and IPv6's extension
 * headers too. There are no ports. */
INLINE bool read_raw(struct __sk_buff *skb, struct bpf_sock *sk, struct packet *packet, bool out)
{
	u8 *source = out ? packet->ends.local : packet->ends.peer;
	u8 *target = out ? packet->ends.peer : packet->ends.local;
	u32 header = sizeof(struct ip6);
	struct ip4 v4;
	struct ip6 v6;

	packet->ends.family = sk->family;
	packet->ends.proto = sk->protocol | (sk->type == SOCK_TYPE_RAW ? NET_RAW : 0);
	if (skb->protocol == bpf_htons(0x0800)) {
		if (bpf_skb_load_bytes(skb, 0, &v4, sizeof(v4)))
			return false;
		put_v4(source, v4.source);
		put_v4(target, v4.target);
		header = (v4.ihl_version & 15) * 4;
	} else {
		if (bpf_skb_load_bytes(skb, 0, &v6, sizeof(v6)))
			return false;
		put_v6(source, v6.source[0], v6.source[1], v6.source[2], v6.source[3]);
		put_v6(target, v6.target[0], v6.target[1], v6.target[2], v6.target[3]);
	}
	packet->payload = skb->len > header ? skb->len - header : 0;
	return true;
}

/* Returns false for what is not UDP of this socket (an ICMP error, say). A connected socket knows
 * its ends better: a NAT may have changed those in the packet. */
INLINE bool read_packet(struct __sk_buff *skb, struct bpf_sock *sk, struct packet *packet, bool out)
{
	u16 ports[2];
	u32 at;

	packet->ends.family = sk->family;
	packet->ends.proto = NET_UDP;
	at = read_ip(skb, packet, out);
	if (!at || bpf_skb_load_bytes(skb, at, ports, sizeof(ports)))
		return false;
	packet->ends.local_port = bpf_ntohs(ports[out ? 0 : 1]);
	packet->ends.peer_port = bpf_ntohs(ports[out ? 1 : 0]);
	packet->at = at + UDP_HEADER;
	packet->payload = skb->len > at + UDP_HEADER ? skb->len - at - UDP_HEADER : 0;
	if (sk->dst_port)
		ends_of(sk, &packet->ends);
	return true;
}

#endif
