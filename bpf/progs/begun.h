/* SPDX-License-Identifier: MIT OR Apache-2.0 OR GPL-2.0-only
 *
 * Connects of sockets from outside the leaf, of which no cgroup program tells. A TCP connection that
 * begins is told where the state of the socket changes (net.bpf.c), others where connect(2) comes back
 * (calls.bpf.c). One map for both: the first tells the second that it is told.
 */
#ifndef AUDIT_BEGUN_H
#define AUDIT_BEGUN_H

#include "leaf.h"
#include "socket.h"

/* By the kernel's number of the thread that called. */
struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, 1024);
	__type(key, u32);
	__type(value, u32);
} begun SEC(".maps");

INLINE void ends_of_sock(struct sock *sk, u16 family, struct net_ends *ends)
{
	ends->family = family;
	ends->proto = BPF_CORE_READ(sk, sk_protocol);
	if (family != AF_INET && family != AF_INET6)
		return;
	if (BPF_CORE_READ(sk, sk_type) == SOCK_TYPE_RAW)
		ends->proto |= NET_RAW;
	ends->local_port = BPF_CORE_READ(sk, __sk_common.skc_num);
	ends->peer_port = bpf_ntohs(BPF_CORE_READ(sk, __sk_common.skc_dport));
	if (family == AF_INET6) {
		BPF_CORE_READ_INTO(&ends->local, sk, __sk_common.skc_v6_rcv_saddr);
		BPF_CORE_READ_INTO(&ends->peer, sk, __sk_common.skc_v6_daddr);
	} else {
		put_v4(ends->local, BPF_CORE_READ(sk, __sk_common.skc_rcv_saddr));
		put_v4(ends->peer, BPF_CORE_READ(sk, __sk_common.skc_daddr));
	}
}

#endif
