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

/* Fields of kernel structures that are pointers are read by BPF_CORE_READ, not by `->`: for each place where a
 * trusted pointer is followed the verifier looks through all types of the kernel by name, a millisecond
 * (kernel/bpf/btf.c, btf_nested_type_is_trusted). Numbers may be read either way. */
#define INLINE static __always_inline

/* A function that the verifier looks at once, by itself, and not in each state in which it is called: that is
 * most of what loading costs. It takes numbers, the program's context and pointers to plain memory, which may be
 * null for all it knows; of other pointers kernels before 6.8 cannot be told what they need. */
#define APART __attribute__((noinline))

/* Names all that is shared, so that it is in the BTF of each object, where a test reads it. */
union abi {
	struct rec_head head;
	struct rec_fork fork;
	struct rec_exec exec;
	struct rec_argv argv;
	struct rec_exit exit;
	struct rec_left left;
	struct rec_argv_end argv_end;
	struct creds creds;
	struct rec_cred cred;
	struct rec_sock sock;
	struct rec_flow flow;
	struct rec_result result;
	struct rec_payload payload;
	struct rec_odd odd;
	struct foreign_key foreign_key;
	struct foreign_use foreign_use;
	struct rec_open open;
	struct rec_open_path open_path;
	struct rec_inherited rec_inherited;
	struct inherited_key inherited_key;
	struct inherited_use inherited_use;
	struct rec_call call;
	struct rec_unix rec_unix;
	struct rec_passed passed;
	enum rec_kind kind;
	enum count_cell cell;
	enum limit limit;
	enum fork_flag fork_flag;
	enum exec_flag exec_flag;
	enum net_proto proto;
	enum sock_flag sock_flag;
	enum odd_call odd_call;
	enum foreign_flag foreign_flag;
	enum flow_flag flow_flag;
	enum payload_kind payload_kind;
	enum payload_flag payload_flag;
	enum open_mode open_mode;
	enum open_how open_how;
	enum use_flag use_flag;
	struct rec_named named;
	enum named_flag named_flag;
	enum failed_opens failed_opens;
	enum open_flag open_flag;
	enum inherited_flag inherited_flag;
	enum call_name call_name;
	enum unix_op unix_op;
	enum unix_flag unix_flag;
	enum passed_flag passed_flag;
	enum call_flag call_flag;
	enum call_namespace call_namespace;
};
const union abi *const volatile abi = 0;

/* The run's cgroup, put here by the loader before anything is attached. */
struct {
	__uint(type, BPF_MAP_TYPE_CGROUP_ARRAY);
	__uint(max_entries, 1);
	__type(key, u32);
	__type(value, u32);
} leaf SEC(".maps");

/* Set by the loader: inode number of the recorder's own pid namespace. All numbers of processes in
 * records are of that namespace, as are those that fanotify and /proc give the recorder. */
const volatile u32 pid_ns = 0;

/* include/uapi/linux/nsfs.h, PID_NS_INIT_INO: the machine's own */
#define PID_NS_INIT 0xeffffffc
#define MAX_PID_NS_LEVEL 32	/* include/linux/pid_namespace.h */

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

/* Atomic, although per CPU: a hook in a softirq can interrupt one of a task in the middle of `++`. Apart: there
 * are two of it for each record, and the kernel moves all that is behind a lookup to put its own code there. */
APART int count(u32 kind, u32 cell)
{
	struct counts *row = bpf_map_lookup_elem(&counters, &kind);

	if (row && cell < COUNT_CELLS)
		__sync_fetch_and_add(&row->cell[cell], 1);
	return 0;
}

/* Asks the kernel, not a path or an id: right in cgroup namespaces, true for cgroups below too. */
INLINE bool current_in_leaf(void)
{
	return bpf_current_task_under_cgroup(&leaf, 0) == 1;
}

struct numbering {
	struct pid *pid;
	u32 found;
};

/* The pointer to a number is computed: aya 0.14 refuses to relocate an index into numbers[]. */
INLINE struct upid *upid_at(struct pid *pid, u32 level)
{
	void *numbers = (void *)pid + bpf_core_field_offset(struct pid, numbers);

	return numbers + level * bpf_core_type_size(struct upid);
}

static long number_at(u32 level, struct numbering *it)
{
	struct pid *pid = it->pid;	/* a field of a struct of ours cannot be relocated */
	struct upid *upid = upid_at(pid, level);

	if (level > BPF_CORE_READ(pid, level))
		return 1;
	if (BPF_CORE_READ(upid, ns, ns.inum) != pid_ns)
		return 0;
	it->found = BPF_CORE_READ(upid, nr);
	return 1;
}

/* The number of the struct pid that is there in the recorder's pid namespace; 0 when it has none there. */
APART u32 number_of_pid(u64 place)
{
	struct numbering it = { .pid = (struct pid *)place };

	if (place)
		bpf_loop(MAX_PID_NS_LEVEL + 1, number_at, &it, 0);
	return it.found;
}

/* The number of a task's process, likewise. */
INLINE u32 process_of(struct task_struct *task)
{
	if (pid_ns == PID_NS_INIT)
		return BPF_CORE_READ(task, tgid);
	return number_of_pid((u64)BPF_CORE_READ(task, group_leader, thread_pid));
}

/* That, and the task's own. */
INLINE void numbers_of(struct task_struct *task, u32 *process, u32 *thread)
{
	if (pid_ns == PID_NS_INIT) {
		*process = BPF_CORE_READ(task, tgid);
		*thread = BPF_CORE_READ(task, pid);
	} else {
		*process = number_of_pid((u64)BPF_CORE_READ(task, group_leader, thread_pid));
		*thread = number_of_pid((u64)BPF_CORE_READ(task, thread_pid));
	}
}

/* What a process is called where it lives: by the innermost of its pid namespaces. Both are 0 for a
 * task without one (it was waited for), and the namespace when it is the recorder's. */
INLINE void fill_inner(struct task_struct *task, u32 *ns_pid, u32 *ns)
{
	struct pid *pid = BPF_CORE_READ(task, group_leader, thread_pid);
	struct upid *upid = upid_at(pid, BPF_CORE_READ(pid, level));

	*ns_pid = BPF_CORE_READ(upid, nr);
	*ns = BPF_CORE_READ(upid, ns, ns.inum);
	if (*ns == pid_ns)
		*ns = 0;
}

INLINE void fill_head(struct rec_head *head, u32 kind, u32 size, struct task_struct *task)
{
	head->boot_ns = bpf_ktime_get_boot_ns();
	head->start_ns = BPF_CORE_READ(task, group_leader, start_boottime);
	head->kind = kind;
	head->size = size;
	numbers_of(task, &head->pid, &head->tid);
}

/* Whether the reader looks at the ring by itself for now. Who sends the first record of a while wakes it
 * and notes so here; it looks again and again, and takes the note away when nothing came any more. A wake-up
 * takes 5 us of who sends, and as much of the reader (an interrupt of its own processor, which leaves a
 * virtual machine). One for each ring. */
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, u32);
	__type(value, u32);
} attention SEC(".maps");

/* The flag for a record that is sent now. `urgent`: it must not wait until the reader looks. */
APART u64 wake_flag(u32 urgent)
{
	u32 first = 0, *there = bpf_map_lookup_elem(&attention, &first);

	if (there && *there && !urgent)
		return BPF_RB_NO_WAKEUP;
	if (there)
		*there = 1;
	return BPF_RB_FORCE_WAKEUP;
}

/* As much as this waits for the reader at most before it is woken all the same. */
#define WAKE_BYTES (128 << 10)

/* The same for a record of `size` bytes that may be large. */
INLINE u64 wake_flag_of(void *ring, u32 size)
{
	u64 waiting = bpf_ringbuf_query(ring, BPF_RB_AVAIL_DATA);

	return wake_flag(waiting / WAKE_BYTES != (waiting + size) / WAKE_BYTES);
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

INLINE void output_with(void *ring, u32 kind, void *rec, u32 size, u64 flag)
{
	count(kind, COUNT_SEEN);
	if (bpf_ringbuf_output(ring, rec, size, flag))
		count(kind, COUNT_LOST);
}

INLINE void output(void *ring, u32 kind, void *rec, u32 size)
{
	output_with(ring, kind, rec, size, wake_flag_of(ring, size));
}

/* Bytes that each record takes in a ring beside itself: BPF_RINGBUF_HDR_SZ */
#define RING_HEAD 8

/* What comes in floods leaves a quarter of its ring to what is rare: such a flood alone cannot push a
 * rare record out. Returns whether another one of `size` bytes fits into the other three; counts the
 * loss if not. */
INLINE bool bulk_fits(void *ring, u32 kind, u32 size)
{
	u64 waiting = bpf_ringbuf_query(ring, BPF_RB_AVAIL_DATA);
	u64 whole = bpf_ringbuf_query(ring, BPF_RB_RING_SIZE);

	if (waiting + size + RING_HEAD <= whole / 4 * 3)
		return true;
	count(kind, COUNT_SEEN);
	count(kind, COUNT_LOST);
	return false;
}

/* GPL-compatible: the kernel gives the helpers used here to nothing else. */
/* Keeps the compiler from checking one copy of `value` and using another: verifiers of older kernels do
 * not see that they are the same. They learn nothing from "not 0" either, so that a length is checked
 * and kept as the length less one. */
#define KNOWN_AS_CHECKED(value) asm volatile("" : "+r"(value))

char LICENSE[] SEC("license") = "Dual MIT/GPL";

#endif
