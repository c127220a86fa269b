/* SPDX-License-Identifier: MIT OR Apache-2.0 OR GPL-2.0-only
 *
 * Processes: fork, exec, exit, and leaving the leaf.
 *
 * A task is of the run when it is in the leaf or below, or when it carries the tracked mark, which
 * children inherit: who moves to another cgroup stays recorded.
 */
#include "common.h"
#include "exec.h"
#include "leaf.h"
#include "tracked.h"

/* For tasks that do not run now. */
INLINE bool in_leaf(struct task_struct *task)
{
	return below_leaf(BPF_CORE_READ(task, cgroups, dfl_cgrp));
}

/* Begins and ends of processes come in storms; programs executed must not be pushed out by them. */
INLINE void *reserve_life(u32 kind, u32 size)
{
	return bulk_fits(&proc_ring, kind, size) ? reserve(&proc_ring, kind, size) : 0;
}

static void send_left(struct task_struct *task)
{
	struct rec_left *rec = reserve(&proc_ring, REC_LEFT, sizeof(*rec));

	if (!rec)
		return;
	fill_head(&rec->head, REC_LEFT, sizeof(*rec), task);
	rec->cgroup_id = BPF_CORE_READ(task, cgroups, dfl_cgrp, kn, id);
	bpf_ringbuf_submit(rec, wake_flag(true));
}

/* A child made outside with CLONE_INTO_CGROUP: no cgroup_attach_task tells of it. */
INLINE bool born_outside(struct task_struct *child, struct mark *mark)
{
	return current_in_leaf() && !in_leaf(child) && !__sync_lock_test_and_set(&mark->left, 1);
}

/* Whether `mnt_ns`, where a child of `parent` will be, was not told yet. What nobody watches is urgent. */
INLINE bool is_elsewhere(struct task_struct *parent, u32 mnt_ns)
{
	struct mark *mark = bpf_task_storage_get(&tracked, parent, 0, 0);

	if (!mark || mark->mnt_ns != mnt_ns) {
		if (mark && mnt_ns == mnt_ns_of(parent))
			mark->mnt_ns = mnt_ns;
		return true;
	}
	return false;
}

/* Before the child runs for the first time (kernel/fork.c, kernel_clone), so that nothing that it
 * does comes before its record. Threads get the mark only. */
SEC("tp_btf/sched_process_fork")
int BPF_PROG(on_fork, struct task_struct *parent, struct task_struct *child)
{
	bool outside = !current_in_run(), held;
	struct task_struct *real;
	struct rec_fork *rec;
	struct mark *mark;
	u32 mnt_ns;

	if (outside && !in_leaf(child))
		return 0;
	held = is_held(parent);
	mnt_ns = mnt_ns_of(child);
	mark = track(child);
	if (mark) {
		fill_creds(child, &mark->told);
		mark->held = held;
		mark->mnt_ns = mnt_ns;
	} else {
		count(REC_FORK, COUNT_FAULT);
	}
	if (BPF_CORE_READ(child, pid) != BPF_CORE_READ(child, tgid))
		return 0;
	rec = reserve_life(REC_FORK, sizeof(*rec));
	if (rec) {
		fill_head(&rec->head, REC_FORK, sizeof(*rec), parent);
		real = BPF_CORE_READ(child, real_parent);
		rec->child_start_ns = BPF_CORE_READ(child, start_boottime);
		rec->parent_start_ns = BPF_CORE_READ(real, group_leader, start_boottime);
		rec->child_pid = process_of(child);
		rec->parent_pid = process_of(real);
		rec->mnt_ns = mnt_ns;
		rec->flags = (mnt_ns != mnt_ns_of(parent) ? FORK_NEW_MNT_NS : 0) |
			     (outside ? FORK_FROM_OUTSIDE : 0) | (held ? FORK_HELD : 0);
		fill_inner(child, &rec->ns_pid, &rec->pid_ns);
		rec->uid = BPF_CORE_READ(child, cred, uid.val);
		rec->pad = 0;
		bpf_ringbuf_submit(rec, wake_flag(is_elsewhere(parent, mnt_ns)));
	}
	if (mark && born_outside(child, mark))
		send_left(child);
	return 0;
}

/* After the point of no return, in the new program's mm and with its credentials. Who has no mark came
 * in unseen: its words may be anybody's. */
SEC("tp_btf/sched_process_exec")
int BPF_PROG(on_exec, struct task_struct *task, s32 old_pid, struct linux_binprm *bprm)
{
	bool held = hold_back && is_beyond_owner(task), by_held = hold_back, elsewhere = true;
	struct rec_exec *rec;
	struct mark *mark;

	if (!current_in_run())
		return 0;
	mark = bpf_task_storage_get(&tracked, task, 0, 0);
	if (mark)
		by_held = mark->held;
	else
		mark = track(task);
	if (mark) {
		fill_creds(task, &mark->told);
		mark->held = held;
		elsewhere = mark->mnt_ns != mnt_ns_of(task);
		mark->mnt_ns = mnt_ns_of(task);
	} else {
		count(REC_EXEC, COUNT_FAULT);
	}
	rec = fill_exec(task, bprm, held, by_held);
	if (rec)	/* a mount namespace that nobody watches yet is urgent */
		send_exec(rec, elsewhere);
	return 0;
}

/* kernel/signal.c: SIGNAL_GROUP_EXIT, the whole group ends with one code */
#define GROUP_EXIT 4

INLINE s32 exit_code_of(struct task_struct *leader)
{
	struct signal_struct *signal = BPF_CORE_READ(leader, signal);

	if (BPF_CORE_READ(signal, flags) & GROUP_EXIT)
		return BPF_CORE_READ(signal, group_exit_code);
	return BPF_CORE_READ(leader, exit_code);
}

/* CPU time as rusage has it: the exact sum, split in the proportion of the sampled user and system
 * times (kernel/sched/cputime.c, cputime_adjust). signal holds what threads left when they went;
 * the leader, and the last thread if that is another, are not in it yet. */
INLINE void fill_times(struct rec_exit *rec, struct task_struct *last, struct task_struct *leader)
{
	struct signal_struct *signal = BPF_CORE_READ(leader, signal);
	u64 user = BPF_CORE_READ(signal, utime) + BPF_CORE_READ(leader, utime);
	u64 system = BPF_CORE_READ(signal, stime) + BPF_CORE_READ(leader, stime);
	u64 exact = BPF_CORE_READ(signal, sum_sched_runtime) +
		    BPF_CORE_READ(leader, se.sum_exec_runtime);

	if (last != leader) {
		user += BPF_CORE_READ(last, utime);
		system += BPF_CORE_READ(last, stime);
		exact += BPF_CORE_READ(last, se.sum_exec_runtime);
	}
	if (!system)
		rec->stime_ns = 0;
	else if (!user)
		rec->stime_ns = exact;
	else
		rec->stime_ns = exact / 4096 * (system * 4096 / (user + system));
	rec->utime_ns = exact - rec->stime_ns;
}

/* Runs for every thread. The process is over with its last thread, which need not be the leader:
 * signal->live is 0 by now (kernel/exit.c, do_exit). Two that end at once both see 0; the mark of
 * the leader lets one through. The tracepoint's own group_dead is not used: it came with 6.16. */
SEC("tp_btf/sched_process_exit")
int BPF_PROG(on_exit, struct task_struct *task)
{
	struct task_struct *leader = task->group_leader;
	u32 process = BPF_CORE_READ(task, tgid);
	struct rec_exit *rec;
	struct mark *mark;

	if (BPF_CORE_READ(task, signal, live.counter) != 0 || !current_in_run())
		return 0;
	mark = track(leader);
	if (!mark)
		count(REC_EXIT, COUNT_FAULT);
	else if (__sync_lock_test_and_set(&mark->ended, 1))
		return 0;
	bpf_map_delete_elem(&moved, &process);
	rec = reserve_life(REC_EXIT, sizeof(*rec));
	if (!rec)
		return 0;
	fill_head(&rec->head, REC_EXIT, sizeof(*rec), task);
	fill_times(rec, task, leader);
	rec->code = exit_code_of(leader);
	rec->pad = 0;
	bpf_ringbuf_submit(rec, wake_flag(false));
	return 0;
}

INLINE void note_moved(struct task_struct *leader)
{
	u64 start_ns = BPF_CORE_READ(leader, start_boottime);
	u32 process = BPF_CORE_READ(leader, tgid);

	if (bpf_map_update_elem(&moved, &process, &start_ns, BPF_ANY))
		count(REC_FORK, COUNT_FAULT);
}

/* After the move, for each hierarchy of the machine: what counts is where the task now is in the
 * unified one. Runs in whoever moved it, with the group's leader. */
SEC("tp_btf/cgroup_attach_task")
int BPF_PROG(on_attach, struct cgroup *to, const char *path, struct task_struct *task)
{
	struct mark *mark;

	if (in_leaf(task)) {
		note_moved(task);
		mark = track(task);
		if (mark) {
			mark->left = 0;
			mark->held |= hold_back && is_beyond_owner(task);
		}
		return 0;
	}
	mark = bpf_task_storage_get(&tracked, task, 0, 0);
	if (mark && !__sync_lock_test_and_set(&mark->left, 1))
		send_left(task);
	return 0;
}
