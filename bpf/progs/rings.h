/* SPDX-License-Identifier: MIT OR Apache-2.0 OR GPL-2.0-only
 *
 * Files that only a ring of io_uring holds: the kernel closes them after the process, on a thread of
 * its own, so that fanotify names nobody. They are told when a descriptor of the ring goes. Since 6.13;
 * before, the table has another form. Used by uses.h.
 */
#ifndef AUDIT_RINGS_H
#define AUDIT_RINGS_H

#include "inherited.h"

#define ANON_INODE_MAGIC 0x09041934	/* include/uapi/linux/magic.h */
#define RING_NAME 0x6e6972755f6f695bULL	/* "[io_urin", the first letter lowest (io_uring/io_uring.c) */
#define SLOT_FLAGS 3UL			/* io_uring/filetable.h, FFS_MASK */

/* Slots that are looked at; IORING_MAX_FIXED_FILES is a million, which nobody needs. Of a ring with more
 * the others are counted as not followed. */
#define MAX_SLOTS 32768

struct slots {
	struct task_struct *task;
	struct io_rsrc_node **nodes;
};

static long one_slot(u32 n, struct slots *it)
{
	struct io_rsrc_node *node = 0;
	struct file *file;

	bpf_probe_read_kernel(&node, sizeof(node), it->nodes + n);
	if (!node)
		return 0;
	file = (void *)(BPF_CORE_READ(node, file_ptr) & ~SLOT_FLAGS);
	if (file && is_regular(BPF_CORE_READ(file, f_inode)) &&
	    BPF_CORE_READ(file, f_mode) & (OPEN_READ | OPEN_WRITE))
		tell_held(REC_RING_FILE, it->task, file, n);
	return 0;
}

INLINE bool is_ring(struct looked *it)
{
	struct file *file = it->file;
	u64 name = 0;

	if (it->magic != ANON_INODE_MAGIC)
		return false;
	bpf_probe_read_kernel(&name, sizeof(name), BPF_CORE_READ(file, f_path.dentry, d_name.name));
	return name == RING_NAME;
}

INLINE void on_ring_gone(struct file *file)
{
	struct io_ring_ctx *ring = BPF_CORE_READ(file, private_data);
	struct slots it = { .task = bpf_get_current_task_btf() };
	u32 slots;

	if (!bpf_core_field_exists(ring->file_table.data))
		return;
	slots = BPF_CORE_READ(ring, file_table.data.nr);
	if (slots > MAX_SLOTS) {
		count(REC_RING_FILE, COUNT_FAULT);
		slots = MAX_SLOTS;
	}
	it.nodes = BPF_CORE_READ(ring, file_table.data.nodes);
	if (it.nodes)
		bpf_loop(slots, one_slot, &it, 0);
}

#endif
