/* SPDX-License-Identifier: MIT OR Apache-2.0 OR GPL-2.0-only
 *
 * What is known of a socket, kept with it: owner, ends, totals not yet sent. One map for all objects
 * that include this; net.bpf.c fills it. Everything is read and changed under the lock, because
 * packets come in on any CPU while the owner sends.
 */
#ifndef AUDIT_SOCKET_H
#define AUDIT_SOCKET_H

#include "tracked.h"

#include <bpf/bpf_endian.h>

struct owner {
	u64 start_ns;
	u32 pid;
	u32 tid;
	u64 held;		/* what it does is held back */
};

struct totals {
	u64 sent_bytes;
	u64 received_bytes;
	u64 sent_packets;
	u64 received_packets;
};

struct peer {
	u64 addr[2];
	u64 port;
};

struct state {
	struct bpf_spin_lock lock;
	u16 established;
	u16 connecting;		/* TCP: connect(2) was called and has not begun */
	u64 cookie;
	u64 tcp;		/* struct tcp_sock between connect or handshake and CLOSE, else 0 */
	struct owner owner;
	struct totals totals;	/* UDP: not yet sent; TCP: sent already */
	struct net_ends ends;
	struct peer last_sent;	/* of the last REC_SEND */
};

/* BPF_F_CLONE: an accepted socket begins with a copy of its listener's state, and so with its
 * owner. */
struct {
	__uint(type, BPF_MAP_TYPE_SK_STORAGE);
	__uint(map_flags, BPF_F_NO_PREALLOC | BPF_F_CLONE);
	__type(key, int);
	__type(value, struct state);
} sockets SEC(".maps");

/* enum sock_type of include/linux/net.h */
enum {
	SOCK_TYPE_STREAM = 1,
	SOCK_TYPE_RAW = 3,
};

INLINE void put_v4(u8 *to, u32 address)
{
	((u64 *)to)[0] = 0;
	((u32 *)to)[2] = bpf_htonl(0xffff);
	((u32 *)to)[3] = address;
}

/* The verifier allows loads from a context or socket at fixed offsets only, not through a pointer
 * into it, which the compiler likes to make for neighbours. */
#define LOAD(field) (*(volatile typeof(field) *)&(field))
#define LOAD4(field) LOAD((field)[0]), LOAD((field)[1]), LOAD((field)[2]), LOAD((field)[3])

INLINE void put_v6(u8 *to, u32 a, u32 b, u32 c, u32 d)
{
	((u32 *)to)[0] = a;
	((u32 *)to)[1] = b;
	((u32 *)to)[2] = c;
	((u32 *)to)[3] = d;
}

/* The socket's own view of its ends: not what a NAT made of the packet. An unconnected one has no
 * peer, and a local address only if it was bound to one. */
INLINE void ends_of(struct bpf_sock *sk, struct net_ends *ends)
{
	ends->family = sk->family;
	ends->proto = sk->protocol;
	ends->local_port = sk->src_port;
	ends->peer_port = bpf_ntohs(sk->dst_port);
	if (sk->family == AF_INET6) {
		put_v6(ends->local, LOAD4(sk->src_ip6));
		put_v6(ends->peer, LOAD4(sk->dst_ip6));
	} else {
		put_v4(ends->local, sk->src_ip4);
		put_v4(ends->peer, sk->dst_ip4);
	}
}

INLINE void current_owner(struct owner *owner)
{
	struct task_struct *task = bpf_get_current_task_btf();

	owner->start_ns = BPF_CORE_READ(task, group_leader, start_boottime);
	numbers_of(task, &owner->pid, &owner->tid);
	owner->held = is_held(task);
}

/* Counts a record that is not made because of its owner. */
INLINE bool holds_back(const struct owner *owner, u32 kind)
{
	if (!hold_back || !owner->held)
		return false;
	count(kind, COUNT_HELD);
	return true;
}

/* Records of sockets are about their owner, whoever runs now: packets come in softirqs. */
INLINE void owner_head(struct rec_head *head, u32 kind, u32 size, const struct owner *owner)
{
	head->boot_ns = bpf_ktime_get_boot_ns();
	head->start_ns = owner->start_ns;
	head->kind = kind;
	head->size = size;
	head->pid = owner->pid;
	head->tid = owner->tid;
}

#endif
