/* SPDX-License-Identifier: MIT OR Apache-2.0 OR GPL-2.0-only
 *
 * Exact numbers of opens. fanotify tells the names, but merges identical events that wait in its
 * queue; see docs/decisions/0002-exact-open-counts.md. Used by calls.bpf.c.
 *
 * Not seen: opens by io_uring. The pipeline takes the larger of this count and fanotify's.
 */
#ifndef AUDIT_OPENS_H
#define AUDIT_OPENS_H

#include "unwatched.h"

/* Set by the loader: 0 when nobody wants to know how often files are opened. */
const volatile u32 count_opens = 1;

#define S_IFREG 0100000

/* O_PATH gives a descriptor without either mode bit: nothing was opened. */
static int on_open(s64 fd)
{
	struct task_struct *task = bpf_get_current_task_btf();
	struct rec_open *rec;
	struct inode *inode;
	struct file *file;
	u32 mode;

	if (fd < 0 || !(count_opens || tell_unwatched))
		return 0;
	file = file_of(task, fd);
	inode = BPF_CORE_READ(file, f_inode);
	mode = BPF_CORE_READ(file, f_mode) & (OPEN_READ | OPEN_WRITE);
	if (!mode || (BPF_CORE_READ(inode, i_mode) & S_IFMT) != S_IFREG)
		return 0;
	if (tell_unwatched)
		tell_open(task, file, mode);
	if (!count_opens)
		return 0;
	rec = reserve_bulk(REC_OPEN, sizeof(*rec));
	if (!rec)
		return 0;
	fill_head(&rec->head, REC_OPEN, sizeof(*rec), task);
	rec->ino = BPF_CORE_READ(inode, i_ino);
	rec->dev = BPF_CORE_READ(inode, i_sb, s_dev);
	rec->generation = BPF_CORE_READ(inode, i_generation);
	rec->mode = mode;	/* FMODE_READ and FMODE_WRITE have these numbers, include/linux/fs.h */
	rec->pad = 0;
	bpf_ringbuf_submit(rec, bulk_flag(sizeof(*rec)));
	return 0;
}

#endif
