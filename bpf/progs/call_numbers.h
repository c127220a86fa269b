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
	LOOK_CRED,		/* may change credentials */
	LOOK_CONNECT,		/* connects a socket */
};

#define CALL_NUMBERS 512

#if defined(__TARGET_ARCH_arm64)
static const u8 native_calls[CALL_NUMBERS] = {
	[56] = LOOK_OPEN,	/* openat */
	[203] = LOOK_CONNECT,	/* connect */
	[265] = LOOK_OPEN,	/* open_by_handle_at */
	[437] = LOOK_OPEN,	/* openat2 */
	[91] = LOOK_CRED,	/* capset */
	[143] = LOOK_CRED,	/* setregid */
	[144] = LOOK_CRED,	/* setgid */
	[145] = LOOK_CRED,	/* setreuid */
	[146] = LOOK_CRED,	/* setuid */
	[147] = LOOK_CRED,	/* setresuid */
	[149] = LOOK_CRED,	/* setresgid */
	[151] = LOOK_CRED,	/* setfsuid */
	[152] = LOOK_CRED,	/* setfsgid */
	[159] = LOOK_CRED,	/* setgroups */
};
#else
static const u8 native_calls[CALL_NUMBERS] = {
	[2] = LOOK_OPEN,	/* open */
	[42] = LOOK_CONNECT,	/* connect */
	[85] = LOOK_OPEN,	/* creat */
	[257] = LOOK_OPEN,	/* openat */
	[304] = LOOK_OPEN,	/* open_by_handle_at */
	[437] = LOOK_OPEN,	/* openat2 */
	[105] = LOOK_CRED,	/* setuid */
	[106] = LOOK_CRED,	/* setgid */
	[113] = LOOK_CRED,	/* setreuid */
	[114] = LOOK_CRED,	/* setregid */
	[116] = LOOK_CRED,	/* setgroups */
	[117] = LOOK_CRED,	/* setresuid */
	[119] = LOOK_CRED,	/* setresgid */
	[122] = LOOK_CRED,	/* setfsuid */
	[123] = LOOK_CRED,	/* setfsgid */
	[126] = LOOK_CRED,	/* capset */
};

static const u8 compat_calls[CALL_NUMBERS] = {
	[5] = LOOK_OPEN,	/* open */
	[8] = LOOK_OPEN,	/* creat */
	[295] = LOOK_OPEN,	/* openat */
	[342] = LOOK_OPEN,	/* open_by_handle_at */
	[362] = LOOK_CONNECT,	/* connect */
	[437] = LOOK_OPEN,	/* openat2 */
	[23] = LOOK_CRED,	/* setuid16 */
	[46] = LOOK_CRED,	/* setgid16 */
	[70] = LOOK_CRED,	/* setreuid16 */
	[71] = LOOK_CRED,	/* setregid16 */
	[81] = LOOK_CRED,	/* setgroups16 */
	[138] = LOOK_CRED,	/* setfsuid16 */
	[139] = LOOK_CRED,	/* setfsgid16 */
	[164] = LOOK_CRED,	/* setresuid16 */
	[170] = LOOK_CRED,	/* setresgid16 */
	[185] = LOOK_CRED,	/* capset */
	[203] = LOOK_CRED,	/* setreuid */
	[204] = LOOK_CRED,	/* setregid */
	[206] = LOOK_CRED,	/* setgroups */
	[208] = LOOK_CRED,	/* setresuid */
	[210] = LOOK_CRED,	/* setresgid */
	[213] = LOOK_CRED,	/* setuid */
	[214] = LOOK_CRED,	/* setgid */
	[215] = LOOK_CRED,	/* setfsuid */
	[216] = LOOK_CRED,	/* setfsgid */
};
#endif

#endif
