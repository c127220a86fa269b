/* SPDX-License-Identifier: MIT OR Apache-2.0 OR GPL-2.0-only
 *
 * The mark of the run's tasks, which children inherit: who moves to another cgroup stays recorded.
 * One map for all objects that include this; proc.bpf.c sets the marks.
 */
#ifndef AUDIT_TRACKED_H
#define AUDIT_TRACKED_H

#include "creds.h"
#include "owner.h"

struct mark {
	struct creds told;	/* credentials as of the last fork, exec or REC_CRED that told them */
	u32 left;		/* REC_LEFT was sent */
	u32 ended;		/* of a leader: REC_EXIT was sent */
	u32 changes;		/* REC_CRED that were sent */
	u32 held;		/* what the task does is held back, until it executes as its owner */
	u32 mnt_ns;		/* inode of the mount namespace as of the last fork or exec that told it */
	u32 pad;
};

struct {
	__uint(type, BPF_MAP_TYPE_TASK_STORAGE);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__type(key, int);
	__type(value, struct mark);
} tracked SEC(".maps");

INLINE struct mark *track(struct task_struct *task)
{
	return bpf_task_storage_get(&tracked, task, 0, BPF_LOCAL_STORAGE_GET_F_CREATE);
}

/* Whether what `task` does is held back from the record. One that gave its rights up still has in its
 * memory what it got by them: only an exec makes it the owner's. */
INLINE bool is_held(struct task_struct *task)
{
	struct mark *mark;

	if (!hold_back)
		return false;
	mark = bpf_task_storage_get(&tracked, task, 0, 0);
	return (mark && mark->held) || is_beyond_owner(task);
}

/* Processes that were moved into the leaf. The kernel tells of their leaders, which get a mark; their other
 * threads have none, and are known by this should they leave again. From the number of the process to the
 * time when it started. One map for all objects; proc.bpf.c fills and empties it. */
struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 8192);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__type(key, u32);
	__type(value, u64);
} moved SEC(".maps");

static __noinline bool current_was_moved(void)
{
	struct task_struct *task = bpf_get_current_task_btf();
	u32 process = bpf_get_current_pid_tgid() >> 32;
	u64 *start_ns = bpf_map_lookup_elem(&moved, &process);

	return start_ns && *start_ns == BPF_CORE_READ(task, group_leader, start_boottime);
}

/* A thread has a mark of its own because exec by a thread makes it the leader (fs/exec.c, de_thread). */
APART int current_in_run(void)
{
	struct task_struct *task = bpf_get_current_task_btf();

	return current_in_leaf() || bpf_task_storage_get(&tracked, task, 0, 0) || current_was_moved();
}

#endif
