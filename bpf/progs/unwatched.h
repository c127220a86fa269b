/* SPDX-License-Identifier: MIT OR Apache-2.0 OR GPL-2.0-only
 *
 * Opens of files that no fanotify mark watches: on file systems that came a moment ago, that no path
 * leads to (fsmount, open_tree), that marks must not touch (FUSE), behind another namespace's
 * mounts. They are told one by one with their path. Used by calls.bpf.c.
 */
#ifndef AUDIT_UNWATCHED_H
#define AUDIT_UNWATCHED_H

#include "call_ring.h"
#include "look.h"
#include "path.h"

#define EEXIST 17

/* Set by the loader: 1 when files are recorded. */
const volatile u32 tell_unwatched = 0;

/* What needs no telling: a file system (its device << 32), or one mount of it (| its number). Filled by
 * the recorder when it has placed the first marks. What is mounted later is marked too, but may be gone
 * before the marks are read: its opens stay told, and are counted once. */
struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 16384);
	__type(key, u64);
	__type(value, u32);
} watched SEC(".maps");

/* What was told a while ago need not be told again: the sums of opens count the others. */
struct first_open {
	u64 ino;
	u64 start_ns;
	u32 dev;
	u32 generation;
	u32 mode;
	u32 pid;
};

struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, 8192);
	__type(key, struct first_open);
	__type(value, u32);
} opened SEC(".maps");

INLINE bool is_told(struct rec_open_path *rec)
{
	struct first_open it = { .ino = rec->ino, .start_ns = rec->head.start_ns, .dev = rec->dev,
				 .generation = rec->generation, .mode = rec->mode,
				 .pid = rec->head.pid };
	u32 told = 1;

	return bpf_map_update_elem(&opened, &it, &told, BPF_NOEXIST) == -EEXIST;
}

INLINE bool is_watched(struct mount *mount, u32 dev)
{
	u64 key = (u64)dev << 32;

	if (bpf_map_lookup_elem(&watched, &key))
		return true;
	key |= (u32)BPF_CORE_READ(mount, mnt_id);
	return bpf_map_lookup_elem(&watched, &key);
}

static int tell_open(struct looked *it)
{
	struct task_struct *task = bpf_get_current_task_btf();
	struct file *file = it->file;
	struct mount *mount = mount_of(BPF_CORE_READ(file, f_path.mnt));
	u32 flags = 0, size = sizeof(struct rec_open_path);
	struct rec_open_path *rec;

	if (is_watched(mount, it->dev))
		return 0;
	rec = (void *)scratch();
	if (!rec)
		return 0;
	/* No namespace at all, one without a path, or another one's: the path begins there. */
	if (BPF_CORE_READ(mount, mnt_ns) != BPF_CORE_READ(task, nsproxy, mnt_ns))
		flags |= OPEN_ELSEWHERE;
	fill_own_head(&rec->head, REC_OPEN_PATH, size);
	rec->ino = it->ino;
	rec->dev = it->dev;
	rec->generation = it->generation;
	rec->mode = it->mode & (OPEN_READ | OPEN_WRITE);
	if (is_told(rec))
		return 0;
	rec->path_len = put_path(&file->f_path, size, &flags, OPEN_PATH_CUT);
	size += rec->path_len;
	rec->head.size = size;
	rec->flags = flags;
	rec->mnt_id = BPF_CORE_READ(mount, mnt_id);
	output_bulk(REC_OPEN_PATH, rec, size & FIRST_HALF);
	return 0;
}

#endif
