/* SPDX-License-Identifier: MIT OR Apache-2.0 OR GPL-2.0-only
 *
 * Use of sockets that no cgroup program tells of: those made outside the leaf (inherited, passed, or
 * made by a process that left) and those of families without such programs. Counted by socket and
 * process in a map that the recorder reads at the end of each window, so that a flood of sends costs
 * no records. Used by net.bpf.c.
 */
#ifndef AUDIT_FOREIGN_H
#define AUDIT_FOREIGN_H

#include "sock.h"
#include "begun.h"
#include "tracked.h"

/* Pairs of socket and process at a time; one more is counted as lost. The recorder takes out those
 * whose process has ended. */
#define MAX_FOREIGN 8192

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, MAX_FOREIGN);
	__type(key, struct foreign_key);
	__type(value, struct foreign_use);
} foreign SEC(".maps");

#define MSG_PEEK 2	/* include/linux/socket.h */

/* Who made the other end of a unix socket: called listen(2), connect(2) or socketpair(2). */
INLINE u32 peer_pid(struct sock *sk)
{
	struct numbering it = { .pid = BPF_CORE_READ(sk, sk_peer_pid) };
	struct upid *upid = upid_at(it.pid, 0);

	if (!it.pid)
		return 0;
	if (pid_ns == PID_NS_INIT)
		return BPF_CORE_READ(upid, nr);
	bpf_loop(MAX_PID_NS_LEVEL + 1, number_at, &it, 0);
	return it.found;
}

/* Netlink sockets come in numbers (each look-up of a host name opens one): those of a protocol are one
 * for each process. No cookie is so large: they count from 1. */
INLINE u64 foreign_cookie(struct sock *sk, u16 family)
{
	if (family == AF_NETLINK)
		return FOREIGN_MANY | (u32)family << 16 | sk->sk_protocol;
	/* Unix sockets too: those of a type with the same peer are one. No pid has more than 22 bits. */
	if (family == AF_UNIX)
		return FOREIGN_MANY | (u64)peer_pid(sk) << 32 | (u32)family << 16 | sk->sk_type;
	return bpf_get_socket_cookie(sk);
}

INLINE struct foreign_use *begin_use(struct sock *sk, u16 family, bool outside,
				     struct foreign_key *key)
{
	struct foreign_use use = {};

	use.first_ns = bpf_ktime_get_boot_ns();
	use.sock_type = sk->sk_type;
	use.flags = outside ? FOREIGN_OUTSIDE : 0;
	ends_of_sock(sk, family, &use.ends);
	/* Another CPU may have been quicker. */
	bpf_map_update_elem(&foreign, key, &use, BPF_NOEXIST);
	return bpf_map_lookup_elem(&foreign, key);
}

/* Those of the leaf's IP sockets see more than this. */
INLINE bool is_foreign(struct sock *sk, u16 family, bool *outside)
{
	*outside = false;
	if (family == AF_UNIX)
		return true;
	*outside = !below_leaf(BPF_CORE_READ(sk, sk_cgrp_data.cgroup));
	return *outside || (family != AF_INET && family != AF_INET6);
}

INLINE int on_use(struct sock *sk, s64 bytes, bool out)
{
	u16 family = sk->__sk_common.skc_family;
	struct foreign_key key = {};
	struct foreign_use *use;
	struct owner owner;
	bool outside;

	if (bytes < 0 || !is_foreign(sk, family, &outside) || !current_in_run())
		return 0;
	current_owner(&owner);
	if (holds_back(&owner, REC_FLOW))
		return 0;
	key.cookie = foreign_cookie(sk, family);
	key.start_ns = owner.start_ns;
	key.pid = owner.pid;
	use = bpf_map_lookup_elem(&foreign, &key);
	if (!use)
		use = begin_use(sk, family, outside, &key);
	if (!use) {
		count(REC_FLOW, COUNT_FAULT);
		return 0;
	}
	__sync_fetch_and_add(out ? &use->sent_bytes : &use->received_bytes, bytes);
	__sync_fetch_and_add(out ? &use->sent_packets : &use->received_packets, 1);
	use->last_ns = bpf_ktime_get_boot_ns();
	return 0;
}

#endif
