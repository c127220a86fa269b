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

/* Where a field lies is a number only once the program is loaded, and the verifier goes on with one of two ways
 * then. What it leaves out it takes out of the program place by place, and moves all that is behind: so it is
 * asked once for a piece. Below zero where a field goes over its end. */
#define ROOM_BEHIND(bytes, from, field)                                                                \
	((s64)(bytes) - (s64)sizeof((from)->field) -                                                   \
	 (s64)bpf_core_field_offset(typeof(*(from)), field))

/* A field of what `piece` is the begin of. */
#define IN_PIECE(piece, from, field)                                                                   \
	(*(typeof((from)->field) *)((void *)(piece) + bpf_core_field_offset(typeof(*(from)), field)))

/* Below this are nanoseconds; above is I_CTIME_QUERIED since 6.13 (include/linux/fs.h). */
#define NSEC_MASK ((1 << 30) - 1)
#define NANOSECONDS 1000000000

/* Last change of an inode, where its place is another one than in Linux 6.18: it was moved twice. */
INLINE s64 ctime_of(struct inode *inode)
{
	struct inode___since_6_6 *newer = (void *)inode;
	struct inode___before_6_6 *older = (void *)inode;
	struct timespec64 at = {};

	if (bpf_core_field_exists(inode->i_ctime_sec)) {
		at.tv_sec = BPF_CORE_READ(inode, i_ctime_sec);
		at.tv_nsec = BPF_CORE_READ(inode, i_ctime_nsec);
	} else if (bpf_core_field_exists(newer->__i_ctime)) {
		bpf_core_read(&at, sizeof(at), &newer->__i_ctime);
	} else {
		bpf_core_read(&at, sizeof(at), &older->i_ctime);
	}
	return at.tv_sec * NANOSECONDS + (at.tv_nsec & NSEC_MASK);
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

#define OF_FILE(field) ROOM_BEHIND(FILE_PIECE, file, field)
#define OF_INODE(field) ROOM_BEHIND(INODE_PIECE, inode, field)
#define OF_SUPER(field) ROOM_BEHIND(SUPER_PIECE, super, field)

INLINE struct inode *look_at_file(struct looked *it)
{
	u64 piece[FILE_PIECE / sizeof(u64)];
	struct file *file = it->file;

	if ((OF_FILE(f_mode) | OF_FILE(f_flags) | OF_FILE(f_inode)) < 0) {
		it->mode = BPF_CORE_READ(file, f_mode);
		it->flags = BPF_CORE_READ(file, f_flags);
		return BPF_CORE_READ(file, f_inode);
	}
	bpf_probe_read_kernel(piece, sizeof(piece), file);
	it->mode = IN_PIECE(piece, file, f_mode);
	it->flags = IN_PIECE(piece, file, f_flags);
	return IN_PIECE(piece, file, f_inode);
}

INLINE struct super_block *look_at_inode_by_field(struct looked *it, struct inode *inode)
{
	it->ino = BPF_CORE_READ(inode, i_ino);
	it->size = BPF_CORE_READ(inode, i_size);
	it->ctime_ns = ctime_of(inode);
	it->inode_mode = BPF_CORE_READ(inode, i_mode);
	it->inode_flags = BPF_CORE_READ(inode, i_flags);
	it->generation = BPF_CORE_READ(inode, i_generation);
	it->links = BPF_CORE_READ(inode, i_nlink);
	return BPF_CORE_READ(inode, i_sb);
}

INLINE struct super_block *look_at_inode(struct looked *it, struct inode *inode)
{
	u64 piece[INODE_PIECE / sizeof(u64)];

	if (!bpf_core_field_exists(inode->i_ctime_sec) ||
	    (OF_INODE(i_ino) | OF_INODE(i_size) | OF_INODE(i_ctime_sec) | OF_INODE(i_ctime_nsec) |
	     OF_INODE(i_mode) | OF_INODE(i_flags) | OF_INODE(i_generation) | OF_INODE(i_nlink) |
	     OF_INODE(i_sb)) < 0)
		return look_at_inode_by_field(it, inode);
	bpf_probe_read_kernel(piece, sizeof(piece), inode);
	it->ino = IN_PIECE(piece, inode, i_ino);
	it->size = IN_PIECE(piece, inode, i_size);
	it->ctime_ns = IN_PIECE(piece, inode, i_ctime_sec) * NANOSECONDS +
		       (IN_PIECE(piece, inode, i_ctime_nsec) & NSEC_MASK);
	it->inode_mode = IN_PIECE(piece, inode, i_mode);
	it->inode_flags = IN_PIECE(piece, inode, i_flags);
	it->generation = IN_PIECE(piece, inode, i_generation);
	it->links = IN_PIECE(piece, inode, i_nlink);
	return IN_PIECE(piece, inode, i_sb);
}

INLINE void look_at_super(struct looked *it, struct super_block *super)
{
	u64 piece[SUPER_PIECE / sizeof(u64)];

	if ((OF_SUPER(s_magic) | OF_SUPER(s_dev)) < 0) {
		it->magic = BPF_CORE_READ(super, s_magic);
		it->dev = BPF_CORE_READ(super, s_dev);
		return;
	}
	bpf_probe_read_kernel(piece, sizeof(piece), super);
	it->magic = IN_PIECE(piece, super, s_magic);
	it->dev = IN_PIECE(piece, super, s_dev);
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
