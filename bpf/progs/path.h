/* SPDX-License-Identifier: MIT OR Apache-2.0 OR GPL-2.0-only
 *
 * Where files are: walks from a dentry up to the root of its mount namespace. bpf_d_path is given
 * to fentry and LSM programs only, which hardened kernels refuse.
 */
#ifndef AUDIT_PATH_H
#define AUDIT_PATH_H

#include "owner.h"

/* Bytes per path, include/uapi/linux/limits.h PATH_MAX; components, ours: more are cut and told. */
#define PATH_BYTES 4096
#define PATH_DEPTH 256
#define NAME_BYTES 256	/* NAME_MAX and the NUL */

/* One array element of at most 32 KiB (PCPU_MIN_UNIT_SIZE, include/linux/percpu.h) to build a record
 * in: what comes before argv stays in the first half, argv may use the second. The kernel never
 * runs a tracing program inside itself on one CPU, so it has one user at a time. */
#define SCRATCH 32768
#define FIRST_HALF (SCRATCH / 2 - 1)

struct bytes {
	u8 at[SCRATCH];
};

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, 1);
	__type(key, u32);
	__type(value, struct bytes);
} scratch_map SEC(".maps");

INLINE u8 *scratch(void)
{
	u32 zero = 0;

	return bpf_map_lookup_elem(&scratch_map, &zero);
}

/* In a map and not on the stack: the verifier follows numbers on the stack through each turn of a
 * loop and gives up after a million steps; what is in a map it takes as any number. */
struct walk {
	struct dentry *dentry;
	struct vfsmount *mnt;
	u32 at;			/* where in scratch the next name goes */
	u32 end;		/* no name begins beyond */
	u32 whole;		/* the root was reached */
	u32 shut;		/* a directory on the way is not for others to look into */
};

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, 1);
	__type(key, u32);
	__type(value, struct walk);
} walk_map SEC(".maps");

INLINE struct walk *the_walk(void)
{
	u32 zero = 0;

	return bpf_map_lookup_elem(&walk_map, &zero);
}

INLINE u32 mnt_ns_of(struct task_struct *task)
{
	return BPF_CORE_READ(task, nsproxy, mnt_ns, ns.inum);
}

/* The kernel hands out the public half of a mount only (fs/mount.h, real_mount). */
INLINE struct mount *mount_of(struct vfsmount *mnt)
{
	return (void *)mnt - bpf_core_field_offset(struct mount, mnt);
}

/* Crosses from the root of a mount to where it is mounted; false at the top of the namespace. */
INLINE bool cross(struct walk *walk)
{
	struct mount *mount = mount_of(walk->mnt);
	struct mount *up = BPF_CORE_READ(mount, mnt_parent);

	if (up == mount)
		return false;
	walk->dentry = BPF_CORE_READ(mount, mnt_mountpoint);
	walk->mnt = (void *)up + bpf_core_field_offset(struct mount, mnt);
	return true;
}

#define S_IROTH_IXOTH 05	/* include/uapi/linux/stat.h */

INLINE bool is_shut(struct dentry *directory)
{
	return (BPF_CORE_READ(directory, d_inode, i_mode) & S_IROTH_IXOTH) != S_IROTH_IXOTH;
}

static long step(u32 i, void *unused)
{
	struct walk *walk = the_walk();
	u8 *base = scratch();
	struct dentry *dentry, *parent;
	struct vfsmount *mnt;
	long len;

	if (!walk || !base)
		return 1;
	dentry = walk->dentry;
	mnt = walk->mnt;
	parent = BPF_CORE_READ(dentry, d_parent);
	if (dentry == BPF_CORE_READ(mnt, mnt_root)) {
		walk->whole = !cross(walk);
		return walk->whole;
	}
	if (walk->at > walk->end)
		return 1;
	len = bpf_probe_read_kernel_str(base + (walk->at & FIRST_HALF), NAME_BYTES,
					BPF_CORE_READ(dentry, d_name.name));
	if (len < 0)
		return 1;
	if (hold_back)
		walk->shut |= is_shut(parent);
	walk->at += len;
	walk->dentry = parent;
	walk->whole = dentry == parent;	/* in no tree, as a memfd is */
	return walk->whole;
}

/* As a plain loop the verifier works on this for half a minute and then refuses it. */
APART u32 walk_up(u64 dentry, u64 mnt, u32 at)
{
	struct walk *walk = the_walk();

	if (!walk)
		return 0;
	walk->dentry = (void *)dentry;
	walk->mnt = (void *)mnt;
	walk->at = at;
	walk->end = at + PATH_BYTES;
	walk->whole = 0;
	walk->shut = 0;
	bpf_loop(PATH_DEPTH, step, 0, 0);
	return walk->at - at;
}

/* Writes the components of `path` at `at` in scratch, last first, and returns their length. */
INLINE u32 put_path(const struct path *path, u32 at, u32 *flags, u32 cut)
{
	struct walk *walk = the_walk();
	u32 len = walk_up((u64)BPF_CORE_READ(path, dentry), (u64)BPF_CORE_READ(path, mnt), at);

	if (!walk || !walk->whole)
		*flags |= cut;
	return len;
}

/* Whether the last path leads where others than its owner may look. What cannot be followed to the root
 * does not. */
INLINE bool is_open_to_others(void)
{
	struct walk *walk = the_walk();

	return walk && walk->whole && !walk->shut;
}

#endif
