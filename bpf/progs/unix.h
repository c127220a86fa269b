/* SPDX-License-Identifier: MIT OR Apache-2.0 OR GPL-2.0-only
 *
 * Unix sockets: who was connected to, and who connected. Used by calls.bpf.c.
 *
 * After connect(2) the kernel's socket knows its peer: the name that the peer was bound to, the file
 * of that name, and the process that called listen(2) (net/unix/af_unix.c, unix_stream_connect).
 * That is what a record says. Only where there is no peer, as the call failed or sent a single
 * datagram, it has what the caller's memory holds, marked as claimed.
 */
#ifndef AUDIT_UNIX_H
#define AUDIT_UNIX_H

#include "call_args.h"
#include "connect.h"
#include "target.h"

#define SOCK_DGRAM 2

/* sizeof(struct sockaddr_un) without the family: a path need not end with NUL */
#define UNIX_NAME 108
#define UNIX_FAMILY 2

/* One call on a socket, by whichever way it came. */
struct sock_call {
	u64 fd;
	u64 address;		/* in the caller's memory */
	u32 len;
	u32 flags;		/* UNIX_* */
	s64 ret;
};

/* The last destination of each socket that has no peer, so that a flood of datagrams to one is one
 * record. Keyed by the socket's inode number, which is not used again soon. */
struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, 4096);
	__type(key, u64);
	__type(value, u64);
} unix_last SEC(".maps");

INLINE bool is_unix(struct sock *sk)
{
	return sk && BPF_CORE_READ(sk, __sk_common.skc_family) == AF_UNIX;
}

INLINE u64 socket_inode(struct sock *sk)
{
	return BPF_CORE_READ(sk, sk_socket, file, f_inode, i_ino);
}

INLINE struct rec_unix *begin_unix(u32 op, struct sock *sk, struct sock_call *call)
{
	struct rec_unix *rec = (void *)scratch();

	if (!rec) {
		count(REC_UNIX, COUNT_SEEN);
		count(REC_UNIX, COUNT_LOST);
		return 0;
	}
	__builtin_memset(rec, 0, sizeof(*rec));
	fill_own_head(&rec->head, REC_UNIX, 0);
	rec->op = op;
	rec->flags = call->flags;
	rec->error = call->ret < 0 ? -call->ret : 0;
	rec->kind = BPF_CORE_READ(sk, sk_type);
	rec->socket = socket_inode(sk);
	return rec;
}

/* The name that `named` is bound to, and the file of that name. */
INLINE u32 put_bound(struct rec_unix *rec, struct sock *named, u32 at)
{
	struct unix_sock *own = (void *)named;
	struct unix_address *address = BPF_CORE_READ(own, addr);
	u32 flags = rec->flags, from = at;
	u64 last;

	if (address) {
		last = (s64)BPF_CORE_READ(address, len) - UNIX_FAMILY - 1;
		KNOWN_AS_CHECKED(last);
		if (last <= UNIX_NAME &&
		    !bpf_probe_read_kernel((u8 *)rec + sizeof(*rec), last + 1,
					   (void *)address + bpf_core_field_offset(struct unix_address, name) +
						   UNIX_FAMILY)) {
			rec->name_len = last + 1;
			at += last + 1;
		}
	}
	if (BPF_CORE_READ(own, path.dentry))
		rec->path_len = put_path(&own->path, at, &flags, UNIX_PATH_CUT);
	rec->flags = flags;
	return at + rec->path_len - from;
}

/* What the caller's memory holds as the address. */
INLINE u32 put_claimed(struct rec_unix *rec, struct sock_call *call)
{
	u64 last = (u64)call->len - UNIX_FAMILY - 1;
	u16 family = 0;

	rec->flags |= UNIX_CLAIMED;
	KNOWN_AS_CHECKED(last);
	if (last >= UNIX_NAME)
		return 0;
	if (bpf_probe_read_user(&family, sizeof(family), (void *)call->address) ||
	    bpf_probe_read_user((u8 *)rec + sizeof(*rec), last + 1,
				(void *)call->address + UNIX_FAMILY)) {
		rec->flags |= UNIX_NAME_FAULT;
		return 0;
	}
	if (family == AF_UNIX)
		rec->name_len = last + 1;
	return rec->name_len;
}

/* Who the socket's peer was when it called listen(2) or connect(2), and what it runs now. */
INLINE u32 put_peer(struct rec_unix *rec, struct sock *sk, u32 at)
{
	struct pid *pid = BPF_CORE_READ(sk, sk_peer_pid);
	struct task_struct *task = task_of_pid(pid, PIDTYPE_TGID);
	u32 flags = rec->flags;

	rec->peer_pid = number_of_pid((u64)pid);
	if (!task)
		return 0;
	rec->peer_start_ns = BPF_CORE_READ(task, start_boottime);
	bpf_core_read(&rec->peer_comm, sizeof(rec->peer_comm), &task->comm);
	rec->exe_len = put_program(task, at, &flags, UNIX_EXE_CUT);
	rec->flags = flags;
	return rec->exe_len;
}

APART int send_unix(u32 at)
{
	struct rec_unix *rec = (void *)scratch();

	if (!rec)
		return 0;
	rec->head.size = at;
	if (rec->flags & (UNIX_PATH_CUT | UNIX_EXE_CUT | UNIX_NAME_FAULT))
		count(REC_UNIX, COUNT_FAULT);
	if (rec->error)	/* can be repeated at will */
		output_bulk(REC_UNIX, rec, at & (SCRATCH - 1));
	else
		output(&call_ring, REC_UNIX, rec, at & (SCRATCH - 1));
	return 0;
}

APART int unix_connect(u64 place, struct sock_call *call)
{
	struct sock *sk = (void *)place;
	struct unix_sock *own = (void *)sk;
	struct sock *peer = BPF_CORE_READ(own, peer);
	struct rec_unix *rec;
	u32 at = sizeof(*rec);

	/* no peer after success: a datagram socket that let its peer go (AF_UNSPEC) */
	if (!call || call->ret < -MAX_ERRNO || (!call->ret && !peer))
		return 0;
	rec = begin_unix(UNIX_CONNECT, sk, call);
	if (!rec)
		return 0;
	if (call->ret < 0) {
		at += put_claimed(rec, call);
	} else {
		at += put_bound(rec, peer, at);
		at += put_peer(rec, sk, at);
	}
	return send_unix(at);
}

APART int unix_accept(u64 place, struct sock_call *call)
{
	struct rec_unix *rec = call ? begin_unix(UNIX_ACCEPT, (void *)place, call) : 0;
	u32 at = sizeof(*rec);

	if (!rec)
		return 0;
	at += put_bound(rec, (void *)place, at);
	at += put_peer(rec, (void *)place, at);
	return send_unix(at);
}

struct hashing {
	u64 sum;
	u8 *from;
};

static long hash_byte(u32 i, struct hashing *it)
{
	u8 byte = 0;

	bpf_probe_read_kernel(&byte, 1, it->from + i);
	it->sum = (it->sum ^ byte) * 0x100000001b3;	/* FNV-1a */
	return 0;
}

/* Whether the socket sent to this name just before, with the same result. */
INLINE bool is_again(struct rec_unix *rec)
{
	struct hashing it = { .sum = 0xcbf29ce484222325 ^ rec->error, .from = (u8 *)(rec + 1) };
	u64 socket = rec->socket, *last;

	bpf_loop(rec->name_len, hash_byte, &it, 0);
	last = bpf_map_lookup_elem(&unix_last, &socket);
	if (last && *last == it.sum)
		return true;
	bpf_map_update_elem(&unix_last, &socket, &it.sum, BPF_ANY);
	return false;
}

/* A datagram to a name that was given with it. */
APART int unix_send(u64 place, struct sock_call *call)
{
	struct sock *sk = (void *)place;
	struct rec_unix *rec;
	u32 at = sizeof(*rec);

	if (!call || !call->address || !call->len || call->ret < -MAX_ERRNO ||
	    BPF_CORE_READ(sk, sk_type) != SOCK_DGRAM)
		return 0;
	rec = begin_unix(UNIX_SEND, sk, call);
	if (!rec)
		return 0;
	at += put_claimed(rec, call);
	if (rec->name_len && is_again(rec))
		return 0;
	return send_unix(at);
}

INLINE int any_connect(struct sock_call *call)
{
	struct sock *sk = sock_of(call->fd);

	if (is_unix(sk))
		return unix_connect((u64)sk, call);
	/* An error must not be told of a socket that may be another one. */
	if (call->flags & UNIX_ARGS_CLAIMED && call->ret < 0)
		return 0;
	return on_connect(call->fd, call->ret);
}

INLINE int any_accept(struct sock_call *call)
{
	struct sock *sk = call->ret < 0 ? 0 : sock_of(call->ret);

	return is_unix(sk) ? unix_accept((u64)sk, call) : 0;
}

/* struct user_msghdr begins with the address and its length; so does the 32-bit one. */
INLINE void read_message(struct sock_call *call, u64 message, bool compat)
{
	u32 small[2] = {};
	u64 large[2] = {};

	if (compat && !bpf_probe_read_user(small, sizeof(small), (void *)message)) {
		call->address = small[0];
		call->len = small[1];
	} else if (!compat && !bpf_probe_read_user(large, sizeof(large), (void *)message)) {
		call->address = large[0];
		call->len = large[1];
	}
}

struct messages {
	struct sock *sk;
	struct sock_call call;
	u64 at;
	u32 size;
	u32 compat;
};

static long each_message(u32 i, struct messages *it)
{
	it->call.address = 0;
	it->call.len = 0;
	read_message(&it->call, it->at + (u64)i * it->size, it->compat);
	unix_send((u64)it->sk, &it->call);
	return 0;
}

#define MAX_MESSAGES 1024	/* UIO_MAXIOV, include/uapi/linux/uio.h */

/* sendmsg (count 1) and sendmmsg: `ret` of them were sent, or the first failed. */
INLINE int any_messages(struct sock_call *call, u64 at, u32 size, bool compat)
{
	struct messages it = { .at = at, .size = size, .compat = compat, .call = *call };
	u32 count = size && call->ret > 0 ? call->ret : 1;

	it.sk = sock_of(call->fd);
	if (!is_unix(it.sk))
		return 0;
	bpf_loop(count > MAX_MESSAGES ? MAX_MESSAGES : count, each_message, &it, 0);
	return 0;
}

INLINE int any_send(struct sock_call *call)
{
	struct sock *sk = call->address ? sock_of(call->fd) : 0;

	return is_unix(sk) ? unix_send((u64)sk, call) : 0;
}

/* bytes of struct mmsghdr */
INLINE u32 message_size(bool compat)
{
	return compat ? 32 : 64;
}

/* What a call on a socket is given. */
struct sock_args {
	u64 at[6];
};

APART int on_socket_call(u32 look, struct sock_args *args, s64 ret, u32 compat, u32 flags)
{
	struct sock_call call = { .ret = ret, .flags = flags };

	if (!args)
		return 0;
	call.fd = args->at[0];
	switch (look) {
	case LOOK_CONNECT:
		call.address = args->at[1];
		call.len = args->at[2];
		return any_connect(&call);
	case LOOK_ACCEPT:
		return any_accept(&call);
	case LOOK_SEND:
		call.address = args->at[4];
		call.len = args->at[5];
		return any_send(&call);
	case LOOK_MESSAGE:
		return any_messages(&call, args->at[1], 0, compat);
	case LOOK_MESSAGES:
		return any_messages(&call, args->at[1], message_size(compat), compat);
	}
	return 0;
}

/* include/uapi/linux/net.h: what the 32-bit socketcall(2) can be */
INLINE u32 look_of_socketcall(u64 number)
{
	switch (number) {
	case 3:
		return LOOK_CONNECT;
	case 5:
	case 18:
		return LOOK_ACCEPT;
	case 11:
		return LOOK_SEND;
	case 16:
		return LOOK_MESSAGE;
	case 20:
		return LOOK_MESSAGES;
	}
	return LOOK_NOT;
}

/* recvmsg and recvmmsg of socketcall */
INLINE bool receives(u64 number)
{
	return number == 17 || number == 19;
}

/* Its arguments, the descriptor too, lie in the caller's memory. */
APART int on_socketcall(s64 ret)
{
	struct call call = call_of(LOOK_SOCKETCALL, true);
	struct pt_regs *regs = call.regs;
	u32 look = look_of_socketcall(argument(regs, 0, true));
	u32 told[6] = {}, i;
	struct sock_args args = {};

	/* only as many as the call has are there to be read */
	if (look == LOOK_NOT || bpf_probe_read_user(told, 3 * sizeof(u32), (void *)argument(regs, 1, true)))
		return 0;
	bpf_probe_read_user(told, sizeof(told), (void *)argument(regs, 1, true));
	for (i = 0; i < 6; i++)
		args.at[i] = told[i];
	return on_socket_call(look, &args, ret, true, UNIX_ARGS_CLAIMED);
}

APART int on_socket(u32 look, u32 compat, s64 ret)
{
	struct call call = call_of(look, compat);
	struct sock_args args;
	u32 i;

	for (i = 0; i < 6; i++)
		args.at[i] = argument_of(&call, i);
	return on_socket_call(look, &args, ret, compat, 0);
}

#endif
