/* SPDX-License-Identifier: MIT OR Apache-2.0 OR GPL-2.0-only
 *
 * What every object has: the leaf, the counters, and the only two ways into a ring, which count.
 */
#ifndef AUDIT_COMMON_H
#define AUDIT_COMMON_H

#include "kernel.h"

#include <bpf/bpf_helpers.h>
#include <bpf/bpf_core_read.h>
#include <bpf/bpf_tracing.h>

#define INLINE static __always_inline

/* Names all that is shared, so that it is in the BTF of each object, where a test reads it. */
union abi {
	struct rec_head head;
	struct rec_fork fork;
	struct rec_exec exec;
	struct rec_argv argv;
	struct rec_exit exit;
	struct rec_left left;
	struct rec_sock sock;
	struct rec_flow flow;
	struct rec_open open;
	enum rec_kind kind;
	enum count_cell cell;
	enum fork_flag fork_flag;
	enum exec_flag exec_flag;
	enum net_proto proto;
	enum sock_flag sock_flag;
	enum flow_flag flow_flag;
	enum open_mode open_mode;
};
const union abi *const volatile abi = 0;

/* The run's cgroup, put here by the loader before anything is attached. */
struct {
	__uint(type, BPF_MAP_TYPE_CGROUP_ARRAY);
	__uint(max_entries, 1);
	__type(key, u32);
	__type(value, u32);
} leaf SEC(".maps");

/* One row per kind, COUNT_CELLS cells each. */
struct counts {
	u64 cell[COUNT_CELLS];
};

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, REC_KINDS);
	__type(key, u32);
	__type(value, struct counts);
} counters SEC(".maps");

/* Atomic, although per CPU: a hook in a softirq can interrupt one of a task in the middle of `++`. */
INLINE void count(u32 kind, enum count_cell cell)
{
	struct counts *row = bpf_map_lookup_elem(&counters, &kind);

	if (row)
		__sync_fetch_and_add(&row->cell[cell], 1);
}

/* Asks the kernel, not a path or an id: right in cgroup namespaces, true for cgroups below too. */
INLINE bool current_in_leaf(void)
{
	return bpf_current_task_under_cgroup(&leaf, 0) == 1;
}

INLINE void fill_head(struct rec_head *head, u32 kind, u32 size, struct task_struct *task)
{
	head->boot_ns = bpf_ktime_get_boot_ns();
	head->start_ns = BPF_CORE_READ(task, group_leader, start_boottime);
	head->kind = kind;
	head->size = size;
	head->pid = BPF_CORE_READ(task, tgid);
	head->tid = BPF_CORE_READ(task, pid);
}

/* Every record passes one of these two, so that for each kind SEEN = delivered + LOST. */
INLINE void *reserve(void *ring, u32 kind, u32 size)
{
	void *rec;

	count(kind, COUNT_SEEN);
	rec = bpf_ringbuf_reserve(ring, size, 0);
	if (!rec)
		count(kind, COUNT_LOST);
	return rec;
}

INLINE void output(void *ring, u32 kind, void *rec, u32 size)
{
	count(kind, COUNT_SEEN);
	if (bpf_ringbuf_output(ring, rec, size, 0))
		count(kind, COUNT_LOST);
}

/* GPL-compatible: the kernel gives the helpers used here to nothing else. */
char LICENSE[] SEC("license") = "Dual MIT/GPL";

#endif
