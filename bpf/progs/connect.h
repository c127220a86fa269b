/* SPDX-License-Identifier: MIT OR Apache-2.0 OR GPL-2.0-only
 *
 * connect(2) came back. The sockets themselves tell of connects and how they end (net.bpf.c), but
 * not of one that failed before it began: no route, no right, no address. Used by calls.bpf.c.
 */
#ifndef AUDIT_CONNECT_H
#define AUDIT_CONNECT_H

#include "call_ring.h"

#define S_IFSOCK 0140000

/* include/uapi/asm-generic/errno.h: not the end of this connect, or not of a first one */
enum {
	NOT_YET_INPROGRESS = 115,
	NOT_YET_ALREADY = 114,
	NOT_YET_CONNECTED = 106,
	MAX_ERRNO = 133,	/* beyond are those that restart the call (ERESTARTSYS) */
};

/* The socket behind a descriptor of the current task, 0 if it is another file. */
INLINE struct sock *sock_of(u64 fd)
{
	struct file *file = file_of(bpf_get_current_task_btf(), fd);
	struct socket *socket;

	if (!file || (BPF_CORE_READ(file, f_inode, i_mode) & S_IFMT) != S_IFSOCK)
		return 0;
	socket = BPF_CORE_READ(file, private_data);
	/* A socket's name in a folder can be opened as well (O_PATH). */
	if (!socket || BPF_CORE_READ(socket, file) != file)
		return 0;
	return BPF_CORE_READ(socket, sk);
}

/* A socket without a cookie was never seen to connect. */
INLINE int inet_connect_exit(struct sock *sk, u16 family, s64 ret)
{
	u64 cookie = BPF_CORE_READ(sk, __sk_common.skc_cookie.counter);
	struct rec_result *rec;
	s64 error = -ret;

	if (!cookie || error <= 0 || error > MAX_ERRNO || error == NOT_YET_INPROGRESS ||
	    error == NOT_YET_ALREADY || error == NOT_YET_CONNECTED)
		return 0;
	rec = reserve_rare(REC_RESULT, sizeof(*rec));
	if (!rec)
		return 0;
	fill_head(&rec->head, REC_RESULT, sizeof(*rec), bpf_get_current_task_btf());
	rec->cookie = cookie;
	rec->error = error;
	rec->family = family;
	rec->proto = BPF_CORE_READ(sk, sk_protocol);
	bpf_ringbuf_submit(rec, 0);
	return 0;
}

INLINE int on_connect(u64 fd, s64 ret)
{
	struct sock *sk = ret ? sock_of(fd) : 0;
	u16 family;

	if (!sk)
		return 0;
	family = BPF_CORE_READ(sk, __sk_common.skc_family);
	if (family == AF_INET || family == AF_INET6)
		return inet_connect_exit(sk, family, ret);
	return 0;
}

#endif
