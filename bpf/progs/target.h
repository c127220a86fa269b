/* SPDX-License-Identifier: MIT OR Apache-2.0 OR GPL-2.0-only
 *
 * Other processes: who is meant by a number, a pidfd or a socket's memory of its peer. Used by
 * calls.bpf.c. All is read from the kernel's objects after the call; a process that is gone by then
 * has no task any more.
 */
#ifndef AUDIT_TARGET_H
#define AUDIT_TARGET_H

#include "path.h"

/* include/linux/pid.h */
#define PIDTYPE_PID 0
#define PIDTYPE_TGID 1

/* include/linux/xarray.h: the two low bits of an entry that is a node, and the first address that
 * can be one. */
#define XA_NODE 2
#define XA_NODES_FROM 4096
#define XA_SLOTS 63
#define XA_DEPTH 6	/* 64^6 numbers: more than PID_MAX_LIMIT */

struct search {
	void *entry;
	u32 number;
	u32 depth;
};

static long down(u32 i, struct search *it)
{
	struct xa_node *node = it->entry - XA_NODE;
	u32 shift;
	u64 slot;

	if (((u64)it->entry & 3) != XA_NODE || (u64)it->entry < XA_NODES_FROM)
		return 1;
	shift = BPF_CORE_READ(node, shift) & 31;
	slot = it->number >> shift;
	if (i == 0 && slot > XA_SLOTS) {
		it->entry = 0;
		return 1;
	}
	slot = (slot & XA_SLOTS) * sizeof(void *);
	if (bpf_probe_read_kernel(&it->entry, sizeof(void *),
				  (void *)node + bpf_core_field_offset(struct xa_node, slots) + slot))
		it->entry = 0;
	return 0;
}

/* Who has this number in the namespace of the current task. */
APART u64 place_of_pid(u32 number)
{
	struct task_struct *task = bpf_get_current_task_btf();
	struct pid *own = BPF_CORE_READ(task, thread_pid);
	struct upid *upid = upid_at(own, BPF_CORE_READ(own, level));
	struct pid_namespace *ns = BPF_CORE_READ(upid, ns);
	struct search it = { .entry = BPF_CORE_READ(ns, idr.idr_rt.xa_head), .number = number };

	bpf_loop(XA_DEPTH, down, &it, 0);
	return ((u64)it.entry & 3) ? 0 : (u64)it.entry;
}

INLINE struct pid *pid_of_number(u32 number)
{
	return (struct pid *)place_of_pid(number);
}

INLINE struct task_struct *task_of_pid(struct pid *pid, u32 type)
{
	struct hlist_node *node = 0;
	void *heads = (void *)pid + bpf_core_field_offset(struct pid, tasks);

	if (!pid || bpf_probe_read_kernel(&node, sizeof(node), heads + type * sizeof(node)) || !node)
		return 0;
	return (void *)node - bpf_core_field_offset(struct task_struct, pid_links) -
	       type * bpf_core_type_size(struct hlist_node);
}

/* The process behind a pidfd. Since 6.9 (fs/pidfs.c) its inode has it, before that the file. */
INLINE struct pid *pid_of_pidfd(struct file *file)
{
	struct pid *pid = BPF_CORE_READ(file, private_data);

	return pid ? pid : BPF_CORE_READ(file, f_inode, i_private);
}

/* Writes the path of the program that `task` runs at `at` in scratch and returns its length; none where the
 * run's owner may look neither into the process nor along the path. */
INLINE u32 put_program(struct task_struct *task, u32 at, u32 *flags, u32 cut)
{
	struct file *file = BPF_CORE_READ(task, mm, exe_file);
	u32 len, told = *flags;

	if (!file)
		return 0;
	len = put_path(&file->f_path, at, flags, cut);
	if (!hold_back || is_open_to_others() || !is_beyond_owner(task))
		return len;
	*flags = told;
	return 0;
}

#endif
