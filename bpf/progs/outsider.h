/* SPDX-License-Identifier: MIT OR Apache-2.0 OR GPL-2.0-only
 *
 * Connects of sockets that were made outside the leaf. Used by net.bpf.c.
 */
#ifndef AUDIT_OUTSIDER_H
#define AUDIT_OUTSIDER_H

#include "begun.h"
#include "foreign.h"

/* Who connects a socket from outside the leaf, until that connection is over. */
struct connecting {
	struct owner owner;
};

struct {
	__uint(type, BPF_MAP_TYPE_SK_STORAGE);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__type(key, int);
	__type(value, struct connecting);
} outsiders SEC(".maps");

/* The peer is the kernel's: it stands in the socket before the state changes (net/ipv4/tcp_ipv4.c,
 * tcp_v4_connect). Runs in the caller. */
INLINE int outsider_connects(struct sock *sk)
{
	struct task_struct *task = bpf_get_current_task_btf();
	u32 thread = task->pid, one = 1;
	struct connecting *connecting;
	struct net_ends ends = {};

	if (!current_in_run() || below_leaf(BPF_CORE_READ(sk, sk_cgrp_data.cgroup)))
		return 0;
	connecting = bpf_sk_storage_get(&outsiders, sk, 0, BPF_LOCAL_STORAGE_GET_F_CREATE);
	if (!connecting) {
		count(REC_FLOW, COUNT_FAULT);
		return 0;
	}
	bpf_map_update_elem(&begun, &thread, &one, BPF_ANY);
	current_owner(&connecting->owner);
	ends_of_sock(sk, sk->__sk_common.skc_family, &ends);
	send_sock(REC_CONNECT, bpf_get_socket_cookie(sk), &connecting->owner, &ends, SOCK_OUTSIDE, 0);
	return 0;
}

#endif
