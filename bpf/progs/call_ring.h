/* SPDX-License-Identifier: MIT OR Apache-2.0 OR GPL-2.0-only
 *
 * The ring of calls.bpf.c and the two ways into it. What comes in floods (opens) leaves a quarter of
 * the ring to what is rare, so that a flood cannot push a rare event out; and it wakes nobody by
 * itself, because a wake-up costs both sides more than the record does.
 */
#ifndef AUDIT_CALL_RING_H
#define AUDIT_CALL_RING_H

#include "look.h"
#include "tracked.h"

/* Wake the reader when another so many bytes wait; it looks on its own tick as well. */
const volatile u64 wake_bytes = 256 << 10;

struct {
	__uint(type, BPF_MAP_TYPE_RINGBUF);
	__uint(max_entries, 16 << 20);
} call_ring SEC(".maps");

/* Takes room for one of many; submit it with `bulk_flag`. */
INLINE void *reserve_bulk(u32 kind, u32 size)
{
	if (!bulk_fits(&call_ring, kind, size))
		return 0;
	return reserve(&call_ring, kind, size);
}

/* The same for a record that is built elsewhere. */
INLINE void output_bulk(u32 kind, void *rec, u32 size)
{
	u64 waiting = bpf_ringbuf_query(&call_ring, BPF_RB_AVAIL_DATA);
	u64 whole = bpf_ringbuf_query(&call_ring, BPF_RB_RING_SIZE);

	if (waiting + size + RING_HEAD > whole / 4 * 3) {
		count(kind, COUNT_SEEN);
		count(kind, COUNT_LOST);
		return;
	}
	output(&call_ring, kind, rec, size);
}

INLINE u64 bulk_flag(u32 size)
{
	u64 waiting = bpf_ringbuf_query(&call_ring, BPF_RB_AVAIL_DATA);

	if (waiting / wake_bytes != (waiting - size - RING_HEAD) / wake_bytes)
		return BPF_RB_FORCE_WAKEUP;
	return BPF_RB_NO_WAKEUP;
}

/* Takes room for a rare one, which wakes the reader. */
INLINE void *reserve_rare(u32 kind, u32 size)
{
	return reserve(&call_ring, kind, size);
}

/* As fill_head, of the current task: apart, since most records are of it, and without a helper for each field. */
APART int fill_own_head(struct rec_head *head, u32 kind, u32 size)
{
	struct task_struct *task = bpf_get_current_task_btf();

	if (!head)	/* the verifier does not know */
		return 0;
	if (pid_ns != PID_NS_INIT) {
		fill_head(head, kind, size, task);
		return 0;
	}
	head->boot_ns = bpf_ktime_get_boot_ns();
	head->start_ns = task->pid == task->tgid ? task->start_boottime :
						   BPF_CORE_READ(task, group_leader, start_boottime);
	head->kind = kind;
	head->size = size;
	head->pid = task->tgid;
	head->tid = task->pid;
	return 0;
}

/* In a place of an open file: its task shares its descriptors with no other. */
#define ALONE 1ULL

/* Where the open file behind a descriptor of the current task is, and ALONE. Followed, not read by helpers: it
 * is done for each open and close, and worth the millisecond (common.h). */
APART u64 place_of_file(u64 fd)
{
	struct task_struct *task = bpf_get_current_task_btf();
	struct files_struct *files = task->files;
	struct fdtable *table = files->fdt;
	u64 file = 0;

	if (table && fd < table->max_fds)
		bpf_probe_read_kernel(&file, sizeof(file), table->fd + fd);
	return files->count.counter == 1 ? file | ALONE : file;
}

/* The open file behind a descriptor of the current task. */
INLINE struct file *file_of(u64 fd)
{
	return (struct file *)(place_of_file(fd) & ~ALONE);
}

#endif
