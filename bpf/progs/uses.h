/* SPDX-License-Identifier: MIT OR Apache-2.0 OR GPL-2.0-only
 *
 * How open files were used, by what they themselves show when they go: see
 * docs/decisions/0004-how-a-file-was-used.md. Used by calls.bpf.c.
 *
 * A descriptor is looked at before it is closed (afterwards its file is gone): at the entry of the
 * call, before exec closes what is close-on-exec, and when a process ends.
 */
#ifndef AUDIT_USES_H
#define AUDIT_USES_H

#include "rings.h"

/* include/uapi/linux/magic.h */
#define EXT4_MAGIC 0xef53
#define TMPFS_MAGIC 0x01021994

#define FMODE_NOCMTIME (1 << 11)	/* include/linux/fs.h */
#define S_DAX (1 << 13)			/* include/linux/fs.h */
#define VM_SHARED 8			/* include/linux/mm.h */
#define MAP_ANONYMOUS 0x20		/* include/uapi/asm-generic/mman-common.h */
#define F_SETFL 4			/* include/uapi/asm-generic/fcntl.h */
#define CLOSE_RANGE_CLOEXEC 4		/* include/uapi/linux/close_range.h */

/* filemap_read() and filemap_splice_read() (mm/filemap.c) note in prev_pos where they stopped; it is
 * -1 from open on. Only file systems that read through them and cannot share blocks between files
 * are believed: ext4. */
INLINE u32 traces(struct looked *it)
{
	u32 flags = 0;

	if ((it->magic == EXT4_MAGIC || it->magic == TMPFS_MAGIC) && !(it->mode & FMODE_NOCMTIME))
		flags |= USE_TIMED;
	if (it->magic == EXT4_MAGIC && !(it->inode_flags & S_DAX) && !(it->flags & O_DIRECT) &&
	    it->prev_pos == -1)
		flags |= USE_UNREAD;
	return flags;
}

INLINE bool is_mapped(struct file *file)
{
	return BPF_CORE_READ(file, f_mapping, i_mmap.rb_root.rb_node) != 0;
}

/* A descriptor of `file` goes. `alone`: no other task can use it in between. What others still hold
 * is not over; but of a file that stays mapped this is the last that is seen. */
APART int on_gone(u64 place, u32 alone)
{
	struct file *file = (void *)place;
	struct looked it = { .file = file };
	u32 flags = USE_CLOSED;

	if (!file)
		return 0;
	see_file(&it);
	if (is_ring(&it)) {
		on_ring_gone(file);
		return 0;
	}
	if (!is_regular_mode(it.inode_mode) || !(it.mode & (OPEN_READ | OPEN_WRITE)))
		return 0;
	look_at_end(&it);
	if (!it.links)
		flags |= USE_UNLINKED;
	if (it.is_last)
		flags |= (alone ? USE_LAST : 0) | traces(&it);
	else if (!is_mapped(file))
		return 0;
	return put_open(REC_USE, &it, flags);
}

/* Whether the current task shares its descriptors with no other. */
INLINE bool is_alone(struct task_struct *task)
{
	return BPF_CORE_READ(task, files, count.counter) == 1;
}

static int on_close(u64 fd)
{
	u64 place = count_opens ? place_of_file((u32)fd) : 0;

	on_gone(place & ~ALONE, place & ALONE);
	return 0;
}

/* dup2(2) and dup3(2) may still fail and close nothing: nothing is claimed of them. */
static int on_dup(u64 from, u64 to)
{
	if (count_opens && (u32)from != (u32)to && file_of((u32)from))
		on_gone((u64)file_of((u32)to), false);
	return 0;
}

/* Descriptors of a table, by words of a bit set. */
struct leaving {
	struct file **slots;
	unsigned long *words;
	u64 bits;
	u32 base;
	u32 first;
	u32 last;
	bool alone;
};

static long one_leaves(u32 n, struct leaving *it)
{
	u32 fd = it->base + n;
	struct file *file = 0;

	if (!(it->bits >> (n & 63)))
		return 1;
	if (!(it->bits >> (n & 63) & 1) || fd < it->first || fd > it->last)
		return 0;
	bpf_probe_read_kernel(&file, sizeof(file), it->slots + fd);
	if (file)
		on_gone((u64)file, it->alone);
	return 0;
}

static long word_leaves(u32 n, struct leaving *it)
{
	it->bits = 0;
	it->base = n * 64;
	bpf_probe_read_kernel(&it->bits, sizeof(it->bits), it->words + n);
	if (it->bits)
		bpf_loop(64, one_leaves, it, 0);
	return it->base > it->last;
}

/* Looks at all descriptors from `first` to `last` of which the bit is set. */
static void all_leave(struct task_struct *task, bool on_exec, u32 first, u32 last)
{
	struct fdtable *table = BPF_CORE_READ(task, files, fdt);
	struct leaving it = { .first = first, .last = last, .alone = true };

	it.slots = BPF_CORE_READ(table, fd);
	it.words = on_exec ? BPF_CORE_READ(table, close_on_exec) : BPF_CORE_READ(table, open_fds);
	bpf_loop(BPF_CORE_READ(table, max_fds) / 64, word_leaves, &it, 0);
}

static int on_close_range(u64 first, u64 last, u64 flags)
{
	struct task_struct *task = bpf_get_current_task_btf();

	if (count_opens && !flags && (u32)first <= (u32)last && is_alone(task))
		all_leave(task, false, first, last);
	return 0;
}

struct found {
	struct file *file;
	u64 flags;
};

static long of_mapping(struct task_struct *task, struct vm_area_struct *area, struct found *found)
{
	found->file = BPF_CORE_READ(area, vm_file);
	found->flags = BPF_CORE_READ(area, vm_flags);
	return 0;
}

/* The file behind a new mapping is the mapping's own; only while another thread changes the map is it
 * taken from the descriptor, and then as shared. */
APART int on_map(u32 look, u32 compat, u64 address)
{
	struct call this = call_of(look, compat), *call = &this;
	struct task_struct *task = bpf_get_current_task_btf();
	struct found found = {};
	struct inode *inode;
	struct file *file;
	u32 flags;

	if (!(count_opens || some_inherited()) || address >= -4095UL ||
	    argument_of(call, 3) & MAP_ANONYMOUS)
		return 0;
	if (bpf_find_vma(task, address, of_mapping, &found, 0)) {
		found.file = file_of((u32)argument_of(call, 4));
		found.flags = VM_SHARED;
	}
	file = found.file;
	inode = BPF_CORE_READ(file, f_inode);
	if (!file || !is_regular(inode))
		return 0;
	on_mapped(file, found.flags & VM_SHARED);
	if (!count_opens)
		return 0;
	flags = USE_MAPPED | (found.flags & VM_SHARED ? USE_SHARED : 0);
	send_open(REC_USE, file, flags);
	return 0;
}

APART int on_fcntl(u32 look, u32 compat, s64 ret)
{
	struct call this = call_of(look, compat), *call = &this;
	struct inode *inode;
	struct file *file;

	if (!count_opens || ret || argument_of(call, 1) != F_SETFL || !(argument_of(call, 2) & O_DIRECT))
		return 0;
	file = file_of((u32)argument_of(call, 0));
	inode = BPF_CORE_READ(file, f_inode);
	if (file && is_regular(inode))
		send_open(REC_USE, file, USE_DIRECT);
	return 0;
}

#endif
