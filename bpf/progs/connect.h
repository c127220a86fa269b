/* SPDX-License-Identifier: MIT OR Apache-2.0 OR GPL-2.0-only
 *
 * connect(2), bind(2) and socket(2) came back. IP sockets themselves tell of connects and how they end
 * (net.bpf.c), but not of one that failed before it began: no route, no right, no address. Sockets of
 * other families tell nothing. Used by calls.bpf.c.
 */
#ifndef AUDIT_CONNECT_H
#define AUDIT_CONNECT_H

#include "call_ring.h"
#include "begun.h"

#define S_IFSOCK 0140000

/* include/uapi/asm-generic/errno.h: not the end of this connect, or not of a first one */
enum {
	NOT_YET_INPROGRESS = 115,
	NOT_YET_ALREADY = 114,
	NOT_YET_CONNECTED = 106,
	MAX_ERRNO = 133,	/* beyond are those that restart the call (ERESTARTSYS) */
};

/* The socket behind a descriptor of the current task, 0 if it is another file. */
APART u64 place_of_sock(u64 fd)
{
	struct file *file = file_of(fd);
	struct socket *socket;

	if (!file || (BPF_CORE_READ(file, f_inode, i_mode) & S_IFMT) != S_IFSOCK)
		return 0;
	socket = BPF_CORE_READ(file, private_data);
	/* A socket's name in a folder can be opened as well (O_PATH). */
	if (!socket || BPF_CORE_READ(socket, file) != file)
		return 0;
	return (u64)BPF_CORE_READ(socket, sk);
}

INLINE struct sock *sock_of(u64 fd)
{
	return (struct sock *)place_of_sock(fd);
}

/* Returns whether a connect of the current thread was told where it began, and forgets it. */
INLINE bool forget_begun(void)
{
	u32 thread = BPF_CORE_READ(bpf_get_current_task_btf(), pid);

	return !bpf_map_delete_elem(&begun, &thread);
}

/* Of a socket from outside the leaf: returns whether its connect began, and is told by its states. What is
 * not TCP has its peer by now, unless it failed. */
APART int outside_began(u64 place, u32 family, u64 cookie, s64 ret)
{
	struct sock *sk = (void *)place;
	bool tcp = BPF_CORE_READ(sk, sk_protocol) == NET_TCP && BPF_CORE_READ(sk, sk_type) == SOCK_TYPE_STREAM;
	struct rec_sock *rec;

	if (forget_begun())
		return true;
	/* a second look at a connect that goes on, or went on */
	if ((tcp && (!ret || ret == -NOT_YET_ALREADY || ret == -NOT_YET_CONNECTED)) || ret < -MAX_ERRNO)
		return false;
	rec = reserve_rare(REC_OUTSIDE, sizeof(*rec));
	if (!rec)
		return false;
	__builtin_memset(rec, 0, sizeof(*rec));
	fill_own_head(&rec->head, REC_OUTSIDE, sizeof(*rec));
	rec->cookie = cookie;
	rec->flags = SOCK_OUTSIDE;
	rec->error = -ret;
	ends_of_sock(sk, family, &rec->ends);
	bpf_ringbuf_submit(rec, wake_flag(false));
	return false;
}

/* A socket without a cookie was never seen to connect. */
INLINE int inet_connect_exit(struct sock *sk, u16 family, s64 ret)
{
	u64 cookie = BPF_CORE_READ(sk, __sk_common.skc_cookie.counter);
	struct rec_result *rec;
	s64 error = -ret;

	if (!below_leaf(BPF_CORE_READ(sk, sk_cgrp_data.cgroup)) &&
	    !outside_began((u64)sk, family, cookie, ret))
		return 0;

	if (!cookie || error <= 0 || error > MAX_ERRNO || error == NOT_YET_INPROGRESS ||
	    error == NOT_YET_ALREADY || error == NOT_YET_CONNECTED)
		return 0;
	rec = reserve_rare(REC_RESULT, sizeof(*rec));
	if (!rec)
		return 0;
	fill_own_head(&rec->head, REC_RESULT, sizeof(*rec));
	rec->cookie = cookie;
	rec->error = error;
	rec->family = family;
	rec->proto = BPF_CORE_READ(sk, sk_protocol);
	bpf_ringbuf_submit(rec, wake_flag(false));
	return 0;
}

INLINE bool is_odd(u16 family)
{
	return family != AF_UNIX && family != AF_INET && family != AF_INET6;
}

/* What the kernel has, not what the caller passed. */
INLINE void read_address(struct sock *sk, u16 family, bool other, u32 *to)
{
	struct vsock_sock *vsock = (struct vsock_sock *)sk;
	struct netlink_sock *netlink = (struct netlink_sock *)sk;

	to[0] = 0;
	to[1] = 0;
	if (family == AF_VSOCK && bpf_core_type_exists(struct vsock_sock)) {
		to[0] = other ? BPF_CORE_READ(vsock, remote_addr.svm_cid)
			      : BPF_CORE_READ(vsock, local_addr.svm_cid);
		to[1] = other ? BPF_CORE_READ(vsock, remote_addr.svm_port)
			      : BPF_CORE_READ(vsock, local_addr.svm_port);
	} else if (family == AF_NETLINK) {
		to[0] = other ? BPF_CORE_READ(netlink, dst_portid) : BPF_CORE_READ(netlink, portid);
		to[1] = other ? BPF_CORE_READ(netlink, dst_group) : 0;
	}
}

/* Programs open netlink sockets in numbers (each look-up of a host name one), so these are many. */
APART int tell_odd(u64 place, u32 call, s64 ret)
{
	struct sock *sk = (void *)place;
	u16 family = BPF_CORE_READ(sk, __sk_common.skc_family);
	struct rec_odd *rec = reserve_bulk(REC_ODD, sizeof(*rec));

	if (!rec)
		return 0;
	fill_own_head(&rec->head, REC_ODD, sizeof(*rec));
	rec->cookie = 0;
	rec->call = call;
	rec->error = ret < 0 && ret >= -MAX_ERRNO ? -ret : 0;
	read_address(sk, family, call == ODD_CONNECT, rec->address);
	rec->family = family;
	rec->sock_type = BPF_CORE_READ(sk, sk_type);
	rec->proto = BPF_CORE_READ(sk, sk_protocol);
	rec->pad = 0;
	bpf_ringbuf_submit(rec, bulk_flag(sizeof(*rec)));
	return 0;
}

APART int on_connect(u64 fd, s64 ret)
{
	struct sock *sk = sock_of(fd);
	u16 family;

	if (!sk)
		return 0;
	family = BPF_CORE_READ(sk, __sk_common.skc_family);
	if (family == AF_INET || family == AF_INET6)
		return inet_connect_exit(sk, family, ret);
	return is_odd(family) ? tell_odd((u64)sk, ODD_CONNECT, ret) : 0;
}

APART int on_bind(u64 fd, s64 ret)
{
	struct sock *sk = sock_of(fd);
	u16 family;

	if (!sk || ret)
		return 0;
	family = BPF_CORE_READ(sk, __sk_common.skc_family);
	/* Each netlink socket is bound before it is used. */
	return is_odd(family) && family != AF_NETLINK ? tell_odd((u64)sk, ODD_BIND, ret) : 0;
}

APART int on_made(s64 fd)
{
	struct sock *sk = fd >= 0 ? sock_of(fd) : 0;
	u16 family;

	if (!sk)
		return 0;
	family = BPF_CORE_READ(sk, __sk_common.skc_family);
	return is_odd(family) ? tell_odd((u64)sk, ODD_SOCKET, 0) : 0;
}

#endif
