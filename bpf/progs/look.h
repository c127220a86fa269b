/* SPDX-License-Identifier: MIT OR Apache-2.0 OR GPL-2.0-only
 *
 * What is asked of an open file, at its open and at its close. Used by calls.bpf.c.
 *
 * Reading four bytes of the kernel costs as much as reading a hundred (a call, a check of the address, a
 * guard against faults: 10 to 20 ns), so that a file, its inode and its file system are read in one piece each and
 * taken apart here. What lies further back in another kernel is read by itself.
 */
#ifndef AUDIT_LOOK_H
#define AUDIT_LOOK_H

#include "common.h"

/* bytes; as much as the fields below need in Linux 6.18, but for two of a file: the stack has 512 for
 * a program and all that it calls, which is what Linux 6.1 holds it to */
#define FILE_PIECE 48
#define INODE_PIECE 128
#define SUPER_PIECE 104

/* include/uapi/linux/stat.h */
#define S_IFMT 0170000
#define S_IFDIR 0040000

/* No padding: it is handed to functions that the verifier looks at by themselves. */
struct looked {
	struct file *file;
	u64 ino;
	u64 magic;	/* of the file system */
	s64 size;
	s64 ctime_ns;
	s64 prev_pos;
	u32 mode;	/* FMODE_* */
	u32 flags;	/* O_* */
	u32 inode_mode;
	u32 inode_flags;
	u32 dev;
	u32 generation;
	u32 links;
	u32 is_last;	/* nobody else has a reference */
};

/* A field of what `piece` is the begin of. Where it lies is a number only once the program is loaded, and the
 * verifier goes on with one of the two. */
#define FIELD(piece, bytes, from, field)                                                               \
	({                                                                                             \
		typeof((from)->field) value__;                                                         \
		u32 at__ = bpf_core_field_offset(typeof(*(from)), field);                              \
		if (at__ + sizeof(value__) <= (bytes))                                                 \
			value__ = *(typeof(value__) *)((void *)(piece) + at__);                        \
		else                                                                                   \
			bpf_core_read(&value__, sizeof(value__), &(from)->field);                      \
		value__;                                                                               \
	})

/* Below this are nanoseconds; above is I_CTIME_QUERIED since 6.13 (include/linux/fs.h). */
#define NSEC_MASK ((1 << 30) - 1)

/* Last change of an inode. Its place was moved twice. */
INLINE s64 ctime_of(void *piece, struct inode *inode)
{
	struct inode___since_6_6 *newer = (void *)inode;
	struct inode___before_6_6 *older = (void *)inode;
	struct timespec64 at = {};

	if (bpf_core_field_exists(inode->i_ctime_sec)) {
		at.tv_sec = FIELD(piece, INODE_PIECE, inode, i_ctime_sec);
		at.tv_nsec = FIELD(piece, INODE_PIECE, inode, i_ctime_nsec);
	} else if (bpf_core_field_exists(newer->__i_ctime)) {
		bpf_core_read(&at, sizeof(at), &newer->__i_ctime);
	} else {
		bpf_core_read(&at, sizeof(at), &older->i_ctime);
	}
	return at.tv_sec * 1000000000 + (at.tv_nsec & NSEC_MASK);
}

/* include/linux/file_ref.h counts from zero. */
INLINE bool has_one_reference(struct file *file)
{
	struct file___before_6_13 *older = (void *)file;
	s64 references = 0;

	if (bpf_core_field_exists(file->f_ref)) {
		bpf_core_read(&references, sizeof(references), &file->f_ref);
		return references == 0;
	}
	bpf_core_read(&references, sizeof(references), &older->f_count);
	return references == 1;
}

INLINE struct inode *look_at_file(struct looked *it)
{
	u64 piece[FILE_PIECE / sizeof(u64)];
	struct file *file = it->file;

	bpf_probe_read_kernel(piece, sizeof(piece), file);
	it->mode = FIELD(piece, FILE_PIECE, file, f_mode);
	it->flags = FIELD(piece, FILE_PIECE, file, f_flags);
	return FIELD(piece, FILE_PIECE, file, f_inode);
}

INLINE struct super_block *look_at_inode(struct looked *it, struct inode *inode)
{
	u64 piece[INODE_PIECE / sizeof(u64)];

	bpf_probe_read_kernel(piece, sizeof(piece), inode);
	it->ino = FIELD(piece, INODE_PIECE, inode, i_ino);
	it->size = FIELD(piece, INODE_PIECE, inode, i_size);
	it->ctime_ns = ctime_of(piece, inode);
	it->inode_mode = FIELD(piece, INODE_PIECE, inode, i_mode);
	it->inode_flags = FIELD(piece, INODE_PIECE, inode, i_flags);
	it->generation = FIELD(piece, INODE_PIECE, inode, i_generation);
	it->links = FIELD(piece, INODE_PIECE, inode, i_nlink);
	return FIELD(piece, INODE_PIECE, inode, i_sb);
}

INLINE void look_at_super(struct looked *it, struct super_block *super)
{
	u64 piece[SUPER_PIECE / sizeof(u64)];

	bpf_probe_read_kernel(piece, sizeof(piece), super);
	it->magic = FIELD(piece, SUPER_PIECE, super, s_magic);
	it->dev = FIELD(piece, SUPER_PIECE, super, s_dev);
}

/* What only a close asks for. */
INLINE void look_at_end(struct looked *it)
{
	struct file *file = it->file;

	it->prev_pos = BPF_CORE_READ(file, f_ra.prev_pos);
	it->is_last = has_one_reference(file);
}

/* All else; zeros where there is nothing. Of a directory nobody asks on which file system it is. */
APART int see_file(struct looked *it)
{
	struct super_block *super;

	if (!it)	/* the verifier does not know */
		return 0;
	super = look_at_inode(it, look_at_file(it));
	if ((it->inode_mode & S_IFMT) != S_IFDIR)
		look_at_super(it, super);
	return 0;
}

#endif
