/* SPDX-License-Identifier: MIT OR Apache-2.0 OR GPL-2.0-only
 *
 * Rare calls: what changes the world around a process, or reaches into another one. Used by
 * calls.bpf.c. What the call made or changed is read from the kernel's objects; what only the caller
 * says stands apart, as text.
 */
#ifndef AUDIT_RARE_H
#define AUDIT_RARE_H

#include "call_args.h"
#include "call_ring.h"
#include "rare_shapes.h"
#include "target.h"

/* Bytes of each of the caller's strings; together with two paths they fit into half of scratch. */
#define TEXT_BYTES 4096		/* PATH_MAX */
#define SECOND_BYTES 1024
#define THIRD_BYTES 256

/* include/uapi/linux/ptrace.h: requests that make or change something */
#define PTRACE_TRACEME 0
#define PTRACE_POKETEXT 4
#define PTRACE_POKEDATA 5
#define PTRACE_POKEUSR 6
#define PTRACE_SETREGS 13
#define PTRACE_SETFPREGS 15
#define PTRACE_ATTACH 16
#define PTRACE_SETREGSET 0x4205
#define PTRACE_SEIZE 0x4206

/* include/uapi/asm-generic/ioctls.h: input for a terminal, as if it were typed; TIOCLINUX can paste */
#define TIOCSTI 0x5412
#define TIOCLINUX 0x541c

#define NSFS_MAGIC 0x6e736673	/* include/uapi/linux/magic.h */
#define OPEN_TREE_CLONE 1
#define MOVE_MOUNT_F_EMPTY_PATH 4

/* Of unshare(2) and setns(2), include/uapi/linux/sched.h: CLONE_NEW* */
#define NEW_NAMESPACES 0x7e020080

/* What was told, so that a debugger's millions of reads are one record. */
struct told {
	u64 start_ns;
	u64 target_start_ns;
	u64 request;
	u32 call;
	s32 error;
};

struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, 8192);
	__type(key, struct told);
	__type(value, u32);
} told_calls SEC(".maps");

INLINE u32 inum(void *ns_common)
{
	struct ns_common *ns = ns_common;

	return ns ? BPF_CORE_READ(ns, inum) : 0;
}

#define NS_OF(ptr, type) inum((ptr) ? (void *)(ptr) + bpf_core_field_offset(struct type, ns) : 0)

INLINE void put_namespaces(u32 *to, struct task_struct *task)
{
	struct nsproxy *proxy = BPF_CORE_READ(task, nsproxy);

	to[NS_MNT] = NS_OF(BPF_CORE_READ(proxy, mnt_ns), mnt_namespace);
	to[NS_PID] = NS_OF(BPF_CORE_READ(proxy, pid_ns_for_children), pid_namespace);
	to[NS_NET] = NS_OF(BPF_CORE_READ(proxy, net_ns), net);
	to[NS_USER] = NS_OF(BPF_CORE_READ(task, cred, user_ns), user_namespace);
	to[NS_IPC] = NS_OF(BPF_CORE_READ(proxy, ipc_ns), ipc_namespace);
	to[NS_UTS] = NS_OF(BPF_CORE_READ(proxy, uts_ns), uts_namespace);
	to[NS_CGROUP] = NS_OF(BPF_CORE_READ(proxy, cgroup_ns), cgroup_namespace);
}

/* Whether this call is one of those that are told at all. */
INLINE bool is_wanted(u32 name, u64 first, u64 second)
{
	switch (name) {
	case CALL_PTRACE:
		return first == PTRACE_TRACEME || first == PTRACE_ATTACH || first == PTRACE_SEIZE ||
		       first == PTRACE_SETREGSET || first == PTRACE_SETREGS ||
		       first == PTRACE_SETFPREGS || (first >= PTRACE_POKETEXT && first <= PTRACE_POKEUSR);
	case CALL_IOCTL:	/* the request is an int */
		return (u32)second == TIOCSTI || (u32)second == TIOCLINUX;
	case CALL_UNSHARE:
		return first & NEW_NAMESPACES;
	case CALL_BPF:	/* not those that read and write elements, include/uapi/linux/bpf.h */
		return !(first >= BPF_MAP_LOOKUP_ELEM && first <= BPF_MAP_GET_NEXT_KEY) &&
		       first != BPF_MAP_LOOKUP_AND_DELETE_ELEM && first != BPF_MAP_FREEZE &&
		       !(first >= BPF_MAP_LOOKUP_BATCH && first <= BPF_MAP_DELETE_BATCH);
	}
	return true;
}

/* An argument by its place; the descriptor that came back for RETURNED. The mask is for the
 * verifier, which does not follow a division. */
INLINE u64 at_place(struct rec_call *rec, u32 place)
{
	u64 *args = rec->args;

	return place == RETURNED ? rec->ret : *(args + ((place - 1) & 7));
}

INLINE struct file *file_at(struct rec_call *rec, u32 place)
{
	s32 fd = at_place(rec, place);

	return place && fd >= 0 ? file_of(fd) : 0;
}

INLINE bool is_first(struct rec_call *rec)
{
	struct told told = {
		.start_ns = rec->head.start_ns,
		.target_start_ns = rec->target_start_ns,
		.request = rec->call == CALL_PTRACE ? rec->args[0] :
			   rec->call == CALL_IOCTL ? (u32)rec->args[1] : 0,
		.call = rec->call,
		.error = rec->ret < 0 ? rec->ret : 0,
	};
	u32 one = 1;

	/* -EEXIST; anything else (no memory) tells it once more rather than not at all */
	return bpf_map_update_elem(&told_calls, &told, &one, BPF_NOEXIST) != -17;
}

INLINE const struct shape *shape_of(struct rec_call *rec)
{
	return &shapes[rec->call % CALL_NAMES];
}

/* Who the call that is being told concerns. Writes the path of its program at `at` and returns its length. */
APART u32 put_target(u32 at)
{
	struct rec_call *rec = (void *)scratch();
	struct task_struct *task, *leader;
	const struct shape *shape;
	struct pid *pid = 0;
	u32 flags;
	s32 number;

	if (!rec)
		return 0;
	shape = shape_of(rec);
	flags = rec->flags;
	if (shape->target && !(rec->call == CALL_PTRACE && rec->args[0] == PTRACE_TRACEME)) {
		number = at_place(rec, shape->target);
		if (number > 0)
			pid = pid_of_number(number);
	} else if (shape->pidfd && rec->ret >= 0 && !rec->entered) {
		pid = pid_of_pidfd(file_at(rec, shape->pidfd));
	}
	task = task_of_pid(pid, PIDTYPE_PID);
	if (!task)
		return 0;
	leader = BPF_CORE_READ(task, group_leader);
	rec->target_pid = process_of(task);
	rec->target_start_ns = BPF_CORE_READ(leader, start_boottime);
	bpf_core_read(&rec->target_comm, sizeof(rec->target_comm), &leader->comm);
	rec->target_len = put_program(task, at, &flags, CALL_TARGET_CUT);
	rec->flags = flags;
	return rec->target_len;
}

/* A string of the caller, with its NUL; an empty one where it cannot be read. */
APART u32 put_string(u64 from, u32 at, u32 cap)
{
	struct rec_call *rec = (void *)scratch();
	u8 *to = (u8 *)rec + (at & FIRST_HALF);
	long len;

	if (!rec || cap > TEXT_BYTES)
		return 0;
	len = bpf_probe_read_user_str(to, cap, (void *)from);
	if (len < 1) {
		*to = 0;
		if (from)	/* no string is not a fault */
			rec->flags |= CALL_TEXT_FAULT;
		return 1;
	}
	if (len == cap)
		rec->flags |= CALL_TEXT_CUT;
	return len;
}

INLINE u32 put_text(struct rec_call *rec, u32 place, u32 at, u32 cap)
{
	return place ? put_string(at_place(rec, place), at, cap) : 0;
}

INLINE u32 put_texts(struct rec_call *rec, const struct shape *shape, u32 at)
{
	u32 from = at;

	if (!shape->text[0] || (rec->ret >= 0 && shape->flags & SHAPE_TEXT_FAILED))
		return 0;
	at += put_text(rec, shape->text[0], at, TEXT_BYTES);
	at += put_text(rec, shape->text[1], at, SECOND_BYTES);
	at += put_text(rec, shape->text[2], at, THIRD_BYTES);
	return at - from;
}

/* The path of what the call that is being told made or changed. */
APART u32 put_object(u32 at)
{
	struct task_struct *task = bpf_get_current_task_btf();
	struct fs_struct *fs = BPF_CORE_READ(task, fs);
	struct rec_call *rec = (void *)scratch();
	const struct shape *shape;
	struct file *file;
	u32 flags;

	if (!rec)
		return 0;
	shape = shape_of(rec);
	file = file_at(rec, shape->file);
	flags = rec->flags;
	if (rec->ret < 0 && rec->call != CALL_FINIT_MODULE && rec->call != CALL_KEXEC_FILE_LOAD)
		return 0;	/* nothing was made; those two were given a file */
	if (rec->call == CALL_OPEN_TREE && rec->args[2] & OPEN_TREE_CLONE)
		return 0;	/* is mounted nowhere */
	if (rec->call == CALL_MOVE_MOUNT && !(rec->args[4] & MOVE_MOUNT_F_EMPTY_PATH))
		return 0;	/* the descriptor is only where its path goes from */
	if (shape->flags & SHAPE_ROOT)
		rec->path_len = put_path(&fs->root, at, &flags, CALL_PATH_CUT);
	else if (file)
		rec->path_len = put_path(&file->f_path, at, &flags, CALL_PATH_CUT);
	rec->flags = flags;
	return rec->path_len;
}

/* From where the caller's path goes: a descriptor's directory or the working directory. */
APART u32 put_base(u32 at)
{
	struct task_struct *task = bpf_get_current_task_btf();
	struct fs_struct *fs = BPF_CORE_READ(task, fs);
	struct rec_call *rec = (void *)scratch();
	const struct shape *shape;
	struct file *dir;
	u32 flags;

	if (!rec)
		return 0;
	shape = shape_of(rec);
	dir = file_at(rec, shape->dir);
	flags = rec->flags;
	if (!(shape->flags & SHAPE_PATH))
		return 0;
	if (dir)
		rec->cwd_len = put_path(&dir->f_path, at, &flags, CALL_PATH_CUT);
	else
		rec->cwd_len = put_path(&fs->pwd, at, &flags, CALL_PATH_CUT);
	rec->flags = flags;
	return rec->cwd_len;
}

/* A name that the kernel has for what came back. */
INLINE u32 put_kernel_name(struct rec_call *rec, const struct shape *shape, u32 at)
{
	struct file *file = file_at(rec, shape->name);
	struct fs_context *context;
	const char *name;
	long len;

	if (rec->ret < 0 || !file)
		return 0;
	if (rec->call == CALL_MEMFD_CREATE) {
		name = (const char *)BPF_CORE_READ(file, f_path.dentry, d_name.name);
	} else if (rec->call == CALL_FSOPEN) {
		context = BPF_CORE_READ(file, private_data);
		name = BPF_CORE_READ(context, fs_type, name);
	} else {
		name = BPF_CORE_READ(file, f_inode, i_sb, s_type, name);
	}
	len = bpf_probe_read_kernel_str((u8 *)rec + (at & FIRST_HALF), NAME_BYTES, name);
	rec->name_len = len < 1 ? 0 : len - 1;
	return rec->name_len;
}

/* What only this call has. */
INLINE void put_value(struct rec_call *rec, u32 number)
{
	struct file *file;
	struct io_ring_ctx *ring;

	if (rec->call == CALL_TRUNCATE) {
		rec->value = rec->args[1];
		if (rec->flags & CALL_COMPAT)	/* truncate64 has two halves, truncate a signed one */
			rec->value = number == COMPAT_TRUNCATE64 ? rec->args[1] | rec->args[2] << 32 :
								   (s64)(s32)rec->args[1];
	} else if (rec->call == CALL_IO_URING_SETUP && rec->ret >= 0) {
		file = file_of(rec->ret);
		ring = BPF_CORE_READ(file, private_data);
		rec->value = BPF_CORE_READ(ring, flags);
	} else if (rec->call == CALL_SETNS && rec->ret >= 0) {
		file = file_at(rec, 1);
		rec->entered = BPF_CORE_READ(file, f_inode, i_ino);
		if (BPF_CORE_READ(file, f_inode, i_sb, s_magic) != NSFS_MAGIC)
			rec->entered = 0;
	}
}

INLINE struct rec_call *begin_call(u32 name, s64 ret, u32 flags)
{
	struct task_struct *task = bpf_get_current_task_btf();
	struct rec_call *rec = (void *)scratch();

	if (!rec) {
		count(REC_CALL, COUNT_SEEN);
		count(REC_CALL, COUNT_LOST);
		return 0;
	}
	__builtin_memset(rec, 0, sizeof(*rec));
	fill_own_head(&rec->head, REC_CALL, 0);
	rec->ret = ret;
	rec->call = name;
	rec->flags = flags;
	return rec;
}

/* What failed can be repeated at will, so it leaves room to what did not. */
APART int send_call(u32 at)
{
	struct rec_call *rec = (void *)scratch();

	if (!rec)
		return 0;
	rec->head.size = at;
	if (rec->flags & (CALL_PATH_CUT | CALL_TEXT_FAULT | CALL_TEXT_CUT | CALL_TARGET_CUT))
		count(REC_CALL, COUNT_FAULT);
	if (rec->ret < 0)
		output_bulk(REC_CALL, rec, at & (SCRATCH - 1));
	else
		output(&call_ring, REC_CALL, rec, at & (SCRATCH - 1));
	return 0;
}

/* In the order of the data behind the record. */
INLINE int put_and_send(struct rec_call *rec)
{
	const struct shape *shape = shape_of(rec);
	u32 at = sizeof(*rec);

	if (shape->flags & SHAPE_NAMESPACES && rec->ret >= 0)
		put_namespaces(rec->namespaces, bpf_get_current_task_btf());
	at += put_object(at);
	at += put_base(at);
	at += put_target(at);
	if (shape->flags & SHAPE_FIRST && !is_first(rec))
		return 0;
	at += put_kernel_name(rec, shape, at);
	rec->text_len = put_texts(rec, shape, at);
	return send_call(at + rec->text_len);
}

APART int on_rare_call(u32 name, u32 compat, s64 ret)
{
	struct call call = call_of(LOOK_RARE, compat);
	struct pt_regs *regs = call.regs;
	struct rec_call *rec;
	u32 i;

	name %= CALL_NAMES;
	if (!is_wanted(name, argument(regs, 0, compat), argument(regs, 1, compat)))
		return 0;
	rec = begin_call(name, ret, compat ? CALL_COMPAT : 0);
	if (!rec)
		return 0;
	for (i = 0; i < 6; i++)
		rec->args[i] = argument(regs, i, compat);
	put_value(rec, number_of_call(regs));
	return put_and_send(rec);
}

/* A child with other namespaces than its maker. */
static int on_new_namespaces(struct task_struct *parent, struct task_struct *child)
{
	struct rec_call *rec;
	u32 old[NS_COUNT] = {}, i, at = sizeof(*rec);

	if (BPF_CORE_READ(parent, nsproxy) == BPF_CORE_READ(child, nsproxy) &&
	    BPF_CORE_READ(parent, cred, user_ns) == BPF_CORE_READ(child, cred, user_ns))
		return 0;
	rec = begin_call(CALL_CLONE, 0, 0);
	if (!rec)
		return 0;
	put_namespaces(old, parent);
	put_namespaces(rec->namespaces, child);
	for (i = 0; i < NS_COUNT; i++)
		rec->changed |= (rec->namespaces[i] != old[i]) << i;
	rec->target_pid = process_of(child);
	rec->target_start_ns = BPF_CORE_READ(child, group_leader, start_boottime);
	rec->ret = rec->target_pid;
	return send_call(at);
}

static int on_cgroup_made(struct cgroup *cgroup, const char *path)
{
	struct rec_call *rec = begin_call(CALL_CGROUP_MKDIR, 0, 0);
	u32 at = sizeof(*rec);
	long len;

	if (!rec)
		return 0;
	rec->value = BPF_CORE_READ(cgroup, kn, id);
	len = bpf_probe_read_kernel_str((u8 *)rec + at, PATH_BYTES, path);
	rec->name_len = len < 1 ? 0 : len - 1;
	return send_call(at + rec->name_len);
}

#endif
