/* SPDX-License-Identifier: MIT OR Apache-2.0 OR GPL-2.0-only
 *
 * Which system calls calls.bpf.c looks at, by the numbers of each ABI: native and, on x86, 32-bit.
 * Sources: arch/x86/entry/syscalls/syscall_{64,32}.tbl, include/uapi/asm-generic/unistd.h.
 */
#ifndef AUDIT_CALL_NUMBERS_H
#define AUDIT_CALL_NUMBERS_H

#include "kernel.h"

/* What is done with a call. */
enum look {
	LOOK_NOT = 0,
	LOOK_OPEN,		/* returns a descriptor of a file */
};

#define CALL_NUMBERS 512

#if defined(__TARGET_ARCH_arm64)
static const u8 native_calls[CALL_NUMBERS] = {
	[56] = LOOK_OPEN,	/* openat */
	[265] = LOOK_OPEN,	/* open_by_handle_at */
	[437] = LOOK_OPEN,	/* openat2 */
};
#else
static const u8 native_calls[CALL_NUMBERS] = {
	[2] = LOOK_OPEN,	/* open */
	[85] = LOOK_OPEN,	/* creat */
	[257] = LOOK_OPEN,	/* openat */
	[304] = LOOK_OPEN,	/* open_by_handle_at */
	[437] = LOOK_OPEN,	/* openat2 */
};

static const u8 compat_calls[CALL_NUMBERS] = {
	[5] = LOOK_OPEN,	/* open */
	[8] = LOOK_OPEN,	/* creat */
	[295] = LOOK_OPEN,	/* openat */
	[342] = LOOK_OPEN,	/* open_by_handle_at */
	[437] = LOOK_OPEN,	/* openat2 */
};
#endif

#endif
