/* SPDX-License-Identifier: MIT OR Apache-2.0 OR GPL-2.0-only
 *
 * Opens of regular files, exactly counted. fanotify tells the names, but merges identical events
 * that wait in its queue; see docs/decisions/0002-exact-open-counts.md. Used by calls.bpf.c.
 *
 * Not seen: opens by io_uring. The pipeline takes the larger of this count and fanotify's.
 */
#ifndef AUDIT_OPENS_H
#define AUDIT_OPENS_H

#include "named.h"
#include "unwatched.h"

/* Set by the loader: 0 when nobody wants to know how often files are opened. */
const volatile u32 count_opens = 1;

#define S_IFREG 0100000

/* include/linux/fs.h; FMODE_READ and FMODE_WRITE have the numbers of OPEN_READ and OPEN_WRITE */
#define FMODE_CREATED (1 << 20)
#define O_TRUNC 01000	/* include/uapi/asm-generic/fcntl.h */
#if defined(__TARGET_ARCH_arm64)
#define O_DIRECT 0200000	/* arch/arm64/include/uapi/asm/fcntl.h */
#else
#define O_DIRECT 040000
#endif

/* Below this are nanoseconds; above is I_CTIME_QUERIED since 6.13 (include/linux/fs.h). */
#define NSEC_MASK ((1 << 30) - 1)

/* Last change of an inode. Its place was moved twice. */
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
	return at.tv_sec * 1000000000 + (at.tv_nsec & NSEC_MASK);
}

INLINE bool is_regular(struct inode *inode)
{
	return (BPF_CORE_READ(inode, i_mode) & S_IFMT) == S_IFREG;
}

/* As fill_head, of the current task, without a helper for each field. */
INLINE void fill_own_head(struct rec_head *head, u32 kind, u32 size)
{
	struct task_struct *task = bpf_get_current_task_btf();

	if (pid_ns != PID_NS_INIT)
		return fill_head(head, kind, size, task);
	head->boot_ns = bpf_ktime_get_boot_ns();
	head->start_ns = BPF_CORE_READ(task, group_leader, start_boottime);
	head->kind = kind;
	head->size = size;
	head->pid = task->tgid;
	head->tid = task->pid;
}

/* Sends REC_OPEN or REC_USE of a regular file. */
APART int put_open(u32 kind, u64 place, u32 mode, u32 flags)
{
	struct file *file = (struct file *)place;
	struct inode *inode = BPF_CORE_READ(file, f_inode);
	struct rec_open *rec = reserve_bulk(kind, sizeof(*rec));

	if (!rec)
		return 0;
	fill_own_head(&rec->head, kind, sizeof(*rec));
	rec->ino = BPF_CORE_READ(inode, i_ino);
	rec->file = (u64)file;
	rec->size = BPF_CORE_READ(inode, i_size);
	rec->ctime_ns = ctime_of(inode);
	rec->dev = BPF_CORE_READ(inode, i_sb, s_dev);
	rec->generation = BPF_CORE_READ(inode, i_generation);
	rec->mode = mode & (OPEN_READ | OPEN_WRITE);
	rec->flags = flags;
	bpf_ringbuf_submit(rec, bulk_flag(sizeof(*rec)));
	return 0;
}

INLINE void send_open(u32 kind, struct file *file, u32 mode, u32 flags)
{
	put_open(kind, (u64)file, mode, flags);
}

/* The kernel forgets O_TRUNC once it is done (do_dentry_open, fs/open.c), so it is taken from the
 * call. openat2(2) has it in memory that the caller can change meanwhile: believed only of a file
 * that is empty now. */
INLINE bool truncates(struct call *call, struct inode *inode)
{
	u64 flags = 0;

	if (call->look == LOOK_CREAT)
		return true;
	if (call->look == LOOK_OPEN)
		return argument_of(call, 1) & O_TRUNC;
	if (call->look == LOOK_OPENAT || call->look == LOOK_OPEN_HANDLE)
		return argument_of(call, 2) & O_TRUNC;
	bpf_probe_read_user(&flags, sizeof(flags), (void *)argument_of(call, 2));
	return flags & O_TRUNC && !BPF_CORE_READ(inode, i_size);
}

/* A call that opens failed: what it asked for is in its arguments. */
INLINE int on_failed_open(struct call *call, s64 ret)
{
	u64 flags = 0;

	switch (call->look) {
	case LOOK_OPEN:
		return on_failed(ret, AT_FDCWD, argument_of(call, 0), argument_of(call, 1), false);
	case LOOK_CREAT:
		return on_failed(ret, AT_FDCWD, argument_of(call, 0), 1, false);
	case LOOK_OPENAT2:
		bpf_probe_read_user(&flags, sizeof(flags), (void *)argument_of(call, 2));
		break;
	case LOOK_OPENAT:
		flags = argument_of(call, 2);
		break;
	default:
		return 0;	/* by a handle: no name was given */
	}
	return on_failed(ret, argument_of(call, 0), argument_of(call, 1), flags, false);
}

/* O_PATH gives a descriptor without either mode bit: nothing was opened. */
APART int on_open(u32 look, u32 compat, s64 fd)
{
	struct call call = call_of(look, compat);
	struct task_struct *task = bpf_get_current_task_btf();
	struct inode *inode;
	struct file *file;
	u32 mode, flags = 0;

	if (fd < 0)
		return on_failed_open(&call, fd);
	file = file_of(fd);
	inode = BPF_CORE_READ(file, f_inode);
	mode = BPF_CORE_READ(file, f_mode);
	if (!(mode & (OPEN_READ | OPEN_WRITE)) || named_open(file, inode, mode) || !is_regular(inode))
		return 0;
	if (tell_unwatched)
		tell_open(task, file, mode & (OPEN_READ | OPEN_WRITE));
	if (!count_opens)
		return 0;
	if (mode & FMODE_CREATED)
		flags = OPEN_CREATED;
	else if (truncates(&call, inode))
		flags = OPEN_TRUNCATED;
	if (BPF_CORE_READ(file, f_flags) & O_DIRECT)
		flags |= OPEN_DIRECT;
	send_open(REC_OPEN, file, mode, flags);
	return 0;
}

#endif
