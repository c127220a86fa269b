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

/* The leader's mark stands for all threads; a thread has its own because exec by a thread makes it
 * the leader (fs/exec.c, de_thread). */
APART int current_in_run(void)
{
	struct task_struct *task = bpf_get_current_task_btf();

	return current_in_leaf() || bpf_task_storage_get(&tracked, task, 0, 0) ||
	       bpf_task_storage_get(&tracked, task->group_leader, 0, 0);
}

#endif
