/* SPDX-License-Identifier: MIT OR Apache-2.0 OR GPL-2.0-only
 *
 * Open files that go with a message over a unix socket (SCM_RIGHTS). Used by calls.bpf.c.
 *
 * No tracepoint is where the kernel makes a descriptor of one. But skb_copy_datagram_iovec runs in the
 * receiver while the message still has its files (net/unix/af_unix.c, unix_stream_read_generic,
 * __unix_dgram_recvmsg). They are noted there, from the kernel's own list, and told when recvmsg(2) came
 * back, of those that the process has by then: a receiver without room for them gets none.
 */
#ifndef AUDIT_PASSED_H
#define AUDIT_PASSED_H

#include "unix.h"

/* Files of one call that are held against the table of descriptors; SCM_MAX_FD is 253. Of more it is not
 * known whether they were kept. */
#define MAX_TAKEN 64
#define S_IFIFO 0010000	/* include/uapi/linux/stat.h */

/* Who passed it, as far as it is known. */
struct passer {
	u64 start_ns;
	u32 pid;
	u32 tid;
	u32 uid;
	u32 flags;		/* PASSED_BY_* */
	u8 comm[16];
};

struct taken_file {
	u64 file;
	u32 kind;		/* of the socket */
	u32 kept;
	struct passer by;
};

struct taking {
	u32 count;
	u32 pad;
	struct taken_file files[MAX_TAKEN];
};

/* Of each task that receives: what its call took so far. */
struct {
	__uint(type, BPF_MAP_TYPE_TASK_STORAGE);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__type(key, int);
	__type(value, struct taking);
} takings SEC(".maps");

/* Who of the run began last to send control data through a socket, by its inode number. */
struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, 4096);
	__type(key, u64);
	__type(value, struct passer);
} passers SEC(".maps");

INLINE void fill_passer(struct passer *by, struct task_struct *task, u32 flags)
{
	by->start_ns = BPF_CORE_READ(task, group_leader, start_boottime);
	numbers_of(task, &by->pid, &by->tid);
	by->flags |= flags;
	bpf_core_read(&by->comm, sizeof(by->comm), &task->comm);
}

/* Length of the control data of a struct msghdr in the caller's memory, as it was a moment ago. */
INLINE u64 control_length(u64 message, bool compat)
{
	u64 large = 0;
	u32 small = 0;

	if (compat) {
		bpf_probe_read_user(&small, sizeof(small), (void *)message + 20);
		return small;
	}
	bpf_probe_read_user(&large, sizeof(large), (void *)message + 40);
	return large;
}

/* sendmsg(2) or sendmmsg(2) begins: at its end the message may be taken already. */
static int on_sending(struct call *call)
{
	struct task_struct *task = bpf_get_current_task_btf();
	struct sock *sk = sock_of(argument_of(call, 0));
	struct passer by = {};
	u64 socket;

	if (!is_unix(sk) || (call->look == LOOK_MESSAGE &&
			     !control_length(argument_of(call, 1), call->compat)))
		return 0;
	socket = socket_inode(sk);
	fill_passer(&by, task, PASSED_BY_LAST);
	bpf_map_update_elem(&passers, &socket, &by, BPF_ANY);
	return 0;
}

/* The message's own credentials are the sender's; else whoever of the run sent last through the socket
 * that it came from, if that is still open. */
INLINE bool find_passer(struct passer *by, struct unix_skb_parms *parms, struct sock *from)
{
	struct pid *pid = BPF_CORE_READ(parms, pid);
	struct task_struct *task = task_of_pid(pid, PIDTYPE_TGID);
	u64 socket = socket_inode(from);
	struct passer *last = bpf_map_lookup_elem(&passers, &socket);

	if (pid) {
		by->pid = number_of_pid((u64)pid);
		by->flags = PASSED_BY_MESSAGE;
		if (task)
			fill_passer(by, task, 0);
	} else if (last) {
		*by = *last;
	}
	return last;
}

/* What the file is, and its path where it has one. */
INLINE u32 put_passed(struct rec_passed *rec, struct file *file)
{
	struct inode *inode = BPF_CORE_READ(file, f_inode);
	struct socket *socket = BPF_CORE_READ(file, private_data);
	u32 flags = rec->flags, len = 0;

	rec->ino = BPF_CORE_READ(inode, i_ino);
	rec->dev = BPF_CORE_READ(inode, i_sb, s_dev);
	rec->generation = BPF_CORE_READ(inode, i_generation);
	rec->mode = BPF_CORE_READ(file, f_mode) & (OPEN_READ | OPEN_WRITE);
	rec->file_type = BPF_CORE_READ(inode, i_mode) & S_IFMT;
	if (rec->file_type == S_IFSOCK)
		rec->family = BPF_CORE_READ(socket, sk, __sk_common.skc_family);
	else if (rec->file_type != S_IFIFO)
		len = put_path(&file->f_path, sizeof(*rec), &flags, PASSED_CUT);
	rec->flags = flags;
	return len;
}

/* Can be repeated at will, so it leaves room to what is rare. `as` is its actor, `other` its peer. */
APART int tell_passed(u32 op, u64 file, const struct passer *as, const struct passer *other, u64 place)
{
	struct rec_passed *rec = (void *)scratch();

	if (!rec || !as || !other) {
		count(REC_PASSED, COUNT_SEEN);
		count(REC_PASSED, COUNT_LOST);
		return 0;
	}
	__builtin_memset(rec, 0, sizeof(*rec));
	rec->head.boot_ns = bpf_ktime_get_boot_ns();
	rec->head.start_ns = as->start_ns;
	rec->head.kind = REC_PASSED;
	rec->head.pid = as->pid;
	rec->head.tid = as->tid;
	rec->op = op;
	rec->socket = place >> 4;
	rec->kind = place & 15;
	rec->peer_start_ns = other->start_ns;
	rec->peer_pid = other->pid;
	__builtin_memcpy(rec->peer_comm, other->comm, sizeof(rec->peer_comm));
	rec->flags = as->flags | other->flags;
	rec->uid = op == UNIX_GIVE ? as->uid : other->uid;
	rec->path_len = put_passed(rec, (void *)file);
	rec->head.size = sizeof(*rec) + rec->path_len;
	output_bulk(REC_PASSED, rec, rec->head.size & FIRST_HALF);
	return 0;
}

/* A message whose files go over. */
struct handing {
	struct scm_fp_list *list;
	struct taking *taking;	/* 0: told at once */
	struct passer by;
	struct passer own;	/* the receiver */
	u32 kind;
	u32 op;
};

static long one_passed(u32 i, struct handing *it)
{
	struct scm_fp_list *list = it->list;
	struct taking *taking = it->taking;
	struct file *file = 0;
	u32 at;

	bpf_probe_read_kernel(&file, sizeof(file),
			      (void *)list + bpf_core_field_offset(struct scm_fp_list, fp) + i * sizeof(file));
	if (!file)
		return 0;
	if (taking && taking->count < MAX_TAKEN) {
		at = taking->count & (MAX_TAKEN - 1);
		taking->files[at].file = (u64)file;
		taking->files[at].kind = it->kind;
		taking->files[at].kept = 0;
		taking->files[at].by = it->by;
		taking->count++;
		return 0;
	}
	if (it->op == UNIX_GIVE)
		tell_passed(UNIX_GIVE, (u64)file, &it->by, &it->own, it->kind);
	else
		tell_passed(UNIX_RECEIVE, (u64)file, &it->own, &it->by, it->kind);
	return 0;
}

/* Whether the message is of a process whose rights go beyond the owner's. */
INLINE bool is_from_beyond(struct unix_skb_parms *parms)
{
	struct task_struct *task = task_of_pid(BPF_CORE_READ(parms, pid), PIDTYPE_TGID);

	return task && is_beyond_owner(task);
}

/* A call that reads a message came this far. What io_uring takes has no end of a call to wait for. */
static int on_message(const struct sk_buff *skb, struct sock *from)
{
	struct unix_skb_parms *parms = (void *)skb + bpf_core_field_offset(struct sk_buff, cb);
	struct task_struct *task = bpf_get_current_task_btf();
	struct handing it = { .list = BPF_CORE_READ(parms, fp) };
	struct scm_fp_list *list = it.list;
	bool of_run, known;

	if (!list)
		return 0;
	of_run = current_in_run();
	known = find_passer(&it.by, parms, from);
	if (!of_run && !known)
		return 0;
	if (hold_back && (of_run ? is_held(task) : is_from_beyond(parms))) {
		count(REC_PASSED, COUNT_HELD);
		return 0;
	}
	it.by.uid = BPF_CORE_READ(list, user, uid.val);
	it.kind = BPF_CORE_READ(from, sk_type);
	it.op = of_run ? UNIX_RECEIVE : UNIX_GIVE;
	fill_passer(&it.own, task, PASSED_UNSURE);
	if (of_run && !(bpf_core_field_exists(task->io_uring) && BPF_CORE_READ(task, io_uring)))
		it.taking = bpf_task_storage_get(&takings, task, 0, BPF_LOCAL_STORAGE_GET_F_CREATE);
	bpf_loop(BPF_CORE_READ(list, count), one_passed, &it, 0);
	return 0;
}

/* Looks which of them are in the table. */
struct keeping {
	struct taking *taking;
	struct file **slots;
	unsigned long *words;
	u64 bits;
	u64 file;
	u32 base;
};

static long one_compared(u32 i, struct keeping *it)
{
	struct taking *taking = it->taking;

	if (i < taking->count && taking->files[i & (MAX_TAKEN - 1)].file == it->file)
		taking->files[i & (MAX_TAKEN - 1)].kept = 1;
	return i >= taking->count;
}

static long one_held(u32 n, struct keeping *it)
{
	if (!(it->bits >> (n & 63)))
		return 1;
	if (!(it->bits >> (n & 63) & 1))
		return 0;
	it->file = 0;
	bpf_probe_read_kernel(&it->file, sizeof(it->file), it->slots + it->base + n);
	bpf_loop(MAX_TAKEN, one_compared, it, 0);
	return 0;
}

static long word_held(u32 n, struct keeping *it)
{
	it->bits = 0;
	it->base = n * 64;
	bpf_probe_read_kernel(&it->bits, sizeof(it->bits), it->words + n);
	if (it->bits)
		bpf_loop(64, one_held, it, 0);
	return 0;
}

struct receiving {
	struct taking *taking;
	struct passer own;
	struct passer peer;	/* who made the other end of the connection */
	u64 socket;
};

static long one_received(u32 i, struct receiving *it)
{
	struct taking *taking = it->taking;
	struct taken_file *taken = &taking->files[i & (MAX_TAKEN - 1)];

	if (i >= taking->count)
		return 1;
	if (!taken->kept)
		return 0;
	if (!taken->by.flags) {
		it->peer.uid = taken->by.uid;
		taken->by = it->peer;
	}
	tell_passed(UNIX_RECEIVE, taken->file, &it->own, &taken->by,
		    it->socket << 4 | (taken->kind & 15));
	return 0;
}

/* recvmsg(2) or recvmmsg(2) came back; `fd` is its socket. */
APART int on_received_files(u64 fd)
{
	struct task_struct *task = bpf_get_current_task_btf();
	struct taking *taking = bpf_task_storage_get(&takings, task, 0, 0);
	struct keeping keeping = { .taking = taking };
	struct receiving it = { .taking = taking };
	struct fdtable *table;
	struct task_struct *peer;
	struct sock *sk;

	if (!taking || !taking->count)
		return 0;
	table = BPF_CORE_READ(task, files, fdt);
	keeping.slots = BPF_CORE_READ(table, fd);
	keeping.words = BPF_CORE_READ(table, open_fds);
	bpf_loop(BPF_CORE_READ(table, max_fds) / 64, word_held, &keeping, 0);
	sk = sock_of(fd);
	if (is_unix(sk)) {
		it.socket = socket_inode(sk);
		peer = task_of_pid(BPF_CORE_READ(sk, sk_peer_pid), PIDTYPE_TGID);
		if (peer)
			fill_passer(&it.peer, peer, 0);
	}
	fill_passer(&it.own, task, 0);
	bpf_loop(MAX_TAKEN, one_received, &it, 0);
	taking->count = 0;
	return 0;
}

#endif
