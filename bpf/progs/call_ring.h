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

/* include/uapi/linux/stat.h */
#define S_IFMT 0170000
#define S_IFDIR 0040000

APART u64 place_of_file(u64 fd)
{
	struct task_struct *task = bpf_get_current_task_btf();
	struct fdtable *table = BPF_CORE_READ(task, files, fdt);
	u64 piece[TABLE_PIECE / sizeof(u64)];
	u64 file = 0;

	bpf_probe_read_kernel(piece, sizeof(piece), table);
	if (table && fd < FIELD(piece, TABLE_PIECE, table, max_fds))
		bpf_probe_read_kernel(&file, sizeof(file), FIELD(piece, TABLE_PIECE, table, fd) + fd);
	return file;
}

/* The open file behind a descriptor of the current task. */
INLINE struct file *file_of(u64 fd)
{
	return (struct file *)place_of_file(fd);
}

#endif
