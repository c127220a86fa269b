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

INLINE bool is_regular_mode(u32 mode)
{
	return (mode & S_IFMT) == S_IFREG;
}

INLINE bool is_regular(struct inode *inode)
{
	return is_regular_mode(BPF_CORE_READ(inode, i_mode));
}

/* Sends REC_OPEN or REC_USE of a regular file. */
APART int put_open(u32 kind, struct looked *it, u32 flags)
{
	struct rec_open *rec = reserve_bulk(kind, sizeof(*rec));

	if (!rec)
		return 0;
	fill_own_head(&rec->head, kind, sizeof(*rec));
	if (it) {	/* the verifier does not know */
		rec->ino = it->ino;
		rec->file = (u64)it->file;
		rec->size = it->size;
		rec->ctime_ns = it->ctime_ns;
		rec->dev = it->dev;
		rec->generation = it->generation;
		rec->mode = it->mode & (OPEN_READ | OPEN_WRITE);
		rec->flags = flags;
	}
	bpf_ringbuf_submit(rec, bulk_flag(sizeof(*rec)));
	return 0;
}

/* The same of a file that was not looked at yet. */
INLINE void send_open(u32 kind, struct file *file, u32 flags)
{
	struct looked it = { .file = file };

	see_file(&it);
	put_open(kind, &it, flags);
}

/* The kernel forgets O_TRUNC once it is done (do_dentry_open, fs/open.c), so it is taken from the
 * call. openat2(2) has it in memory that the caller can change meanwhile: believed only of a file
 * that is empty now. */
INLINE bool truncates(struct call *call, struct looked *it)
{
	u64 flags = 0;

	if (call->look == LOOK_CREAT)
		return true;
	if (call->look == LOOK_OPEN)
		return argument_of(call, 1) & O_TRUNC;
	if (call->look == LOOK_OPENAT || call->look == LOOK_OPEN_HANDLE)
		return argument_of(call, 2) & O_TRUNC;
	bpf_probe_read_user(&flags, sizeof(flags), (void *)argument_of(call, 2));
	return flags & O_TRUNC && !it->size;
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
	struct looked it = {};
	u32 flags = 0;

	if (fd < 0)
		return on_failed_open(&call, fd);
	it.file = file_of(fd);
	see_file(&it);
	if (!(it.mode & (OPEN_READ | OPEN_WRITE)) || named_open(&it) || !is_regular_mode(it.inode_mode))
		return 0;
	if (tell_unwatched)
		tell_open(&it);
	if (!count_opens)
		return 0;
	if (it.mode & FMODE_CREATED)
		flags = OPEN_CREATED;
	else if (truncates(&call, &it))
		flags = OPEN_TRUNCATED;
	if (it.flags & O_DIRECT)
		flags |= OPEN_DIRECT;
	put_open(REC_OPEN, &it, flags);
	return 0;
}

#endif
