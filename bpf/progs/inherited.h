/* SPDX-License-Identifier: MIT OR Apache-2.0 OR GPL-2.0-only
 *
 * Regular files that were open before the run: those behind the descriptors with which the command
 * begins. Whoever opened them may hold them longer than the run lasts, so that no close tells of
 * their use. What calls read and write through them is counted by file and process in a map that
 * the recorder reads at the end of each window. Used by calls.bpf.c.
 *
 * Where no such file is inherited, a call pays one look at `inherited_state`.
 */
#ifndef AUDIT_INHERITED_H
#define AUDIT_INHERITED_H

#include "opens.h"

/* More are counted as not followed. A command has a handful. */
#define MAX_INHERITED 1024

/* Pairs of file and process at a time; the recorder takes out those whose process has ended. */
#define MAX_INHERITED_USES 8192

/* Which file it is, as the kernel's place of an open file may be used again. */
struct inherited_file {
	u64 ino;
	u32 dev;
	u32 pad;
};

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, MAX_INHERITED);
	__type(key, u64);
	__type(value, struct inherited_file);
} inherited SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, MAX_INHERITED_USES);
	__type(key, struct inherited_key);
	__type(value, struct inherited_use);
} inherited_uses SEC(".maps");

enum inherited_begin {
	NOT_BEGUN = 0,		/* the command was not executed yet */
	NONE_INHERITED = 1,
	SOME_INHERITED = 2,
};

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, u32);
	__type(value, u32);
} inherited_state SEC(".maps");

INLINE u32 *the_inherited_state(void)
{
	u32 zero = 0;

	return bpf_map_lookup_elem(&inherited_state, &zero);
}

INLINE bool some_inherited(void)
{
	u32 *state = the_inherited_state();

	return state && *state == SOME_INHERITED;
}

/* Tells of an open regular file that no open told of. */
INLINE void tell_held(u32 kind, struct task_struct *task, struct file *file, u32 number)
{
	struct rec_inherited *rec = (void *)scratch();
	struct inode *inode = BPF_CORE_READ(file, f_inode);
	u32 flags = 0, size = sizeof(*rec);
	struct mount *mount;

	if (!rec)
		return;
	fill_head(&rec->head, kind, size, task);
	rec->file = (u64)file;
	rec->ino = BPF_CORE_READ(inode, i_ino);
	rec->size = BPF_CORE_READ(inode, i_size);
	rec->dev = BPF_CORE_READ(inode, i_sb, s_dev);
	rec->generation = BPF_CORE_READ(inode, i_generation);
	rec->mode = BPF_CORE_READ(file, f_mode) & (OPEN_READ | OPEN_WRITE);
	rec->fd = number;
	mount = mount_of(BPF_CORE_READ(file, f_path.mnt));
	if (BPF_CORE_READ(mount, mnt_ns) != BPF_CORE_READ(task, nsproxy, mnt_ns))
		flags |= OPEN_ELSEWHERE;
	rec->path_len = put_path(&file->f_path, size, &flags, OPEN_PATH_CUT);
	size += rec->path_len;
	rec->head.size = size;
	rec->flags = flags;
	output(&call_ring, kind, rec, size & FIRST_HALF);
}

/* Tells of one and begins to follow it. Several descriptors of one open file are one. */
static void inherit(struct task_struct *task, struct file *file, u32 fd)
{
	struct inode *inode = BPF_CORE_READ(file, f_inode);
	struct inherited_file it = {};
	u64 key = (u64)file;
	long refused;

	if (!(BPF_CORE_READ(file, f_mode) & (OPEN_READ | OPEN_WRITE)) || !is_regular(inode))
		return;
	it.ino = BPF_CORE_READ(inode, i_ino);
	it.dev = BPF_CORE_READ(inode, i_sb, s_dev);
	refused = bpf_map_update_elem(&inherited, &key, &it, BPF_NOEXIST);
	if (refused == -EEXIST)
		return;
	if (refused)
		count(REC_INHERITED, COUNT_FAULT);
	else
		tell_held(REC_INHERITED, task, file, fd);
}

struct inheriting {
	struct task_struct *task;
	struct file **slots;
	u32 found;
};

static long one_inherited(u32 fd, struct inheriting *it)
{
	struct file *file = 0;

	bpf_probe_read_kernel(&file, sizeof(file), it->slots + fd);
	if (file && is_regular(BPF_CORE_READ(file, f_inode))) {
		inherit(it->task, file, fd);
		it->found = 1;
	}
	return 0;
}

/* The first exec in the leaf is the command's; what is close-on-exec is gone by then. */
INLINE int on_begin(struct task_struct *task)
{
	struct inheriting it = { .task = task };
	u32 *state = the_inherited_state();
	struct fdtable *table;

	if (!state || *state != NOT_BEGUN || !tell_files)
		return 0;
	table = BPF_CORE_READ(task, files, fdt);
	it.slots = BPF_CORE_READ(table, fd);
	bpf_loop(BPF_CORE_READ(table, max_fds), one_inherited, &it, 0);
	*state = it.found ? SOME_INHERITED : NONE_INHERITED;
	return 0;
}

INLINE bool is_inherited(struct file *file, struct inode *inode)
{
	u64 key = (u64)file;
	struct inherited_file *it = bpf_map_lookup_elem(&inherited, &key);

	return it && it->ino == BPF_CORE_READ(inode, i_ino) &&
	       it->dev == BPF_CORE_READ(inode, i_sb, s_dev);
}

/* The current task's process did `how` (INHERITED_*) with an open file, which may be such a one. */
static void use_file(struct file *file, s64 bytes, u32 how)
{
	struct task_struct *task = bpf_get_current_task_btf();
	struct inode *inode = BPF_CORE_READ(file, f_inode);
	u64 now = bpf_ktime_get_boot_ns();
	struct inherited_use *use, first = { .first_ns = now };
	struct inherited_key key = {};

	if (!file || !is_inherited(file, inode))
		return;
	key.file = (u64)file;
	key.start_ns = BPF_CORE_READ(task, group_leader, start_boottime);
	key.pid = process_of(task);
	use = bpf_map_lookup_elem(&inherited_uses, &key);
	if (!use) {
		/* Another CPU may have been quicker. */
		bpf_map_update_elem(&inherited_uses, &key, &first, BPF_NOEXIST);
		use = bpf_map_lookup_elem(&inherited_uses, &key);
	}
	if (!use) {
		count(REC_INHERITED, COUNT_FAULT);
		return;
	}
	if (how & INHERITED_READ)
		__sync_fetch_and_add(&use->read_bytes, bytes);
	if (how & INHERITED_WRITTEN) {
		__sync_fetch_and_add(&use->written_bytes, bytes);
		use->size_after = BPF_CORE_READ(inode, i_size);
	}
	/* Two CPUs that write this at once write what each knows of the other, and the next call again. */
	use->flags |= how;
	use->last_ns = now;
}

INLINE void use_descriptor(u64 fd, s64 bytes, u32 how)
{
	use_file(file_of((u32)fd), bytes, how);
}

/* A call that reads or writes came back. */
APART int on_transfer(u32 look, u32 compat, s64 ret)
{
	struct call this = call_of(look, compat), *call = &this;

	if (ret < 0)
		return 0;
	switch (look) {
	case LOOK_READ:
		use_descriptor(argument_of(call, 0), ret, INHERITED_READ);
		break;
	case LOOK_WRITE:
		if (ret)
			use_descriptor(argument_of(call, 0), ret, INHERITED_WRITTEN);
		break;
	case LOOK_CHANGE:
		use_descriptor(argument_of(call, 0), 0, INHERITED_WRITTEN);
		break;
	case LOOK_SENDFILE:
		use_descriptor(argument_of(call, 1), ret, INHERITED_READ);
		if (ret)
			use_descriptor(argument_of(call, 0), ret, INHERITED_WRITTEN);
		break;
	case LOOK_SPLICE:
		use_descriptor(argument_of(call, 0), ret, INHERITED_READ);
		if (ret)
			use_descriptor(argument_of(call, 2), ret, INHERITED_WRITTEN);
		break;
	}
	return 0;
}

/* A mapping may be read from here on, a shared one of a file that is open for writing written. */
INLINE void on_mapped(struct file *file, bool shared)
{
	u32 how = INHERITED_MAPPED | INHERITED_READ;

	if (!some_inherited())
		return;
	if (shared && BPF_CORE_READ(file, f_mode) & OPEN_WRITE)
		how |= INHERITED_WRITTEN;
	use_file(file, 0, how);
}

#endif
