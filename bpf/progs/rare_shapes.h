/* SPDX-License-Identifier: MIT OR Apache-2.0 OR GPL-2.0-only
 *
 * What a record says of each rare call, as data. Used by rare.h.
 */
#ifndef AUDIT_RARE_SHAPES_H
#define AUDIT_RARE_SHAPES_H

#include "abi.h"

#define CALL_NAMES 64

/* Places of arguments count from 1, so that 0 is none; RETURNED is the result. */
#define RETURNED 7

enum shape_flag {
	SHAPE_ROOT = 1,		/* success: the new root directory is the path */
	SHAPE_NAMESPACES = 2,	/* success: the caller's namespaces */
	SHAPE_TEXT_FAILED = 4,	/* the caller's strings only when the call failed */
	SHAPE_FIRST = 8,	/* only the first of each kind by one process with one target */
	SHAPE_PATH = 16,	/* the first string is a path: say where it goes from */
};

struct shape {
	u8 target;	/* the number of a process */
	u8 pidfd;	/* or a descriptor of one */
	u8 file;	/* a descriptor whose path is told */
	u8 name;	/* a descriptor whose name is told: a memfd's, else its file system's */
	u8 dir;		/* a descriptor of the directory from which the first string goes */
	u8 text[3];	/* strings of the caller */
	u8 flags;	/* SHAPE_* */
};

static const struct shape shapes[CALL_NAMES] = {
	[CALL_IOCTL] = { .file = 1, .flags = SHAPE_FIRST },
	[CALL_PTRACE] = { .target = 2, .flags = SHAPE_FIRST },
	[CALL_PROCESS_VM_READV] = { .target = 1, .flags = SHAPE_FIRST },
	[CALL_PROCESS_VM_WRITEV] = { .target = 1, .flags = SHAPE_FIRST },
	[CALL_PIDFD_GETFD] = { .pidfd = 1 },
	[CALL_UNSHARE] = { .flags = SHAPE_NAMESPACES },
	[CALL_SETNS] = { .pidfd = 1, .flags = SHAPE_NAMESPACES },
	[CALL_CHROOT] = { .text = { 1 }, .flags = SHAPE_ROOT | SHAPE_TEXT_FAILED | SHAPE_PATH },
	[CALL_PIVOT_ROOT] = { .text = { 1, 2 }, .flags = SHAPE_ROOT | SHAPE_PATH },
	[CALL_MOUNT] = { .text = { 2, 1, 3 }, .flags = SHAPE_PATH },
	[CALL_UMOUNT] = { .text = { 1 }, .flags = SHAPE_PATH },
	[CALL_FSOPEN] = { .name = RETURNED, .text = { 1 }, .flags = SHAPE_TEXT_FAILED },
	[CALL_FSMOUNT] = { .name = RETURNED },
	[CALL_MOVE_MOUNT] = { .file = 1, .dir = 3, .text = { 4, 2 }, .flags = SHAPE_PATH },
	[CALL_OPEN_TREE] = { .file = RETURNED, .name = RETURNED, .dir = 1, .text = { 2 }, .flags = SHAPE_PATH },
	[CALL_MOUNT_SETATTR] = { .dir = 1, .text = { 2 }, .flags = SHAPE_PATH },
	[CALL_FINIT_MODULE] = { .file = 1 },
	[CALL_DELETE_MODULE] = { .text = { 1 } },
	[CALL_KEXEC_FILE_LOAD] = { .file = 1 },
	[CALL_MEMFD_CREATE] = { .name = RETURNED, .text = { 1 }, .flags = SHAPE_TEXT_FAILED },
	[CALL_PERF_EVENT_OPEN] = { .target = 2 },
	[CALL_TRUNCATE] = { .text = { 1 }, .flags = SHAPE_PATH },
	[CALL_SWAPON] = { .text = { 1 }, .flags = SHAPE_PATH },
};

#endif
