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
	LOOK_OPEN,		/* these five return a descriptor of a file; flags are argument 1 */
	LOOK_OPENAT,		/* argument 2 */
	LOOK_CREAT,		/* none */
	LOOK_OPENAT2,		/* in memory */
	LOOK_OPEN_HANDLE,	/* argument 2 */
	LOOK_EXEC,		/* returns only when it fails */
	LOOK_EXECAT,
	LOOK_MAP,		/* returns the address of a mapping */
	LOOK_FCNTL,
	LOOK_CLOSE,		/* these three at the entry: afterwards the file is gone */
	LOOK_CLOSE_RANGE,
	LOOK_DUP,		/* closes its second argument */
	LOOK_CRED,		/* may change credentials */
	LOOK_CONNECT,		/* connects a socket */
	LOOK_ACCEPT,		/* takes a connection */
	LOOK_SEND,		/* sends to a name */
	LOOK_MESSAGE,
	LOOK_MESSAGES,
	LOOK_RECEIVE,		/* takes messages, and what comes with them */
	LOOK_BIND,		/* binds a socket */
	LOOK_SOCKET,		/* returns a descriptor of a socket */
	LOOK_SOCKETCALL,	/* the first argument says which call of sockets it is */
	LOOK_READ,		/* from here on: of files that were open before the run */
	LOOK_WRITE,
	LOOK_CHANGE,		/* of the length, or of what is behind a range */
	LOOK_SENDFILE,		/* to the first descriptor, from the second */
	LOOK_SPLICE,		/* from the first, to the one in argument 2 */
	LOOK_TRANSFERS_END,
	LOOK_RARE = 128,	/* | CALL_*: told by rare.h */
};

#define RARE(name) (LOOK_RARE | CALL_##name)

INLINE bool is_transfer(u32 look)
{
	return look >= LOOK_READ && look < LOOK_TRANSFERS_END;
}

#define SOCKETCALL_SOCKET 1	/* include/uapi/linux/net.h, SYS_SOCKET */
#define CALL_NUMBERS 512

/* 32-bit x86 has two truncates; this one takes the length in halves. */
#define COMPAT_TRUNCATE64 193

#if defined(__TARGET_ARCH_arm64)
static const u8 native_calls[CALL_NUMBERS] = {
	[29] = RARE(IOCTL),
	[198] = LOOK_SOCKET,	/* socket */
	[46] = LOOK_CHANGE,	/* ftruncate */
	[47] = LOOK_CHANGE,	/* fallocate */
	[63] = LOOK_READ,
	[64] = LOOK_WRITE,
	[65] = LOOK_READ,	/* readv */
	[66] = LOOK_WRITE,
	[67] = LOOK_READ,	/* pread64 */
	[68] = LOOK_WRITE,
	[69] = LOOK_READ,	/* preadv */
	[70] = LOOK_WRITE,
	[71] = LOOK_SENDFILE,
	[76] = LOOK_SPLICE,
	[285] = LOOK_SPLICE,	/* copy_file_range */
	[286] = LOOK_READ,	/* preadv2 */
	[287] = LOOK_WRITE,
	[200] = LOOK_BIND,	/* bind */
	[25] = LOOK_FCNTL,
	[180] = LOOK_OPEN,	/* mq_open */
	[221] = LOOK_EXEC,
	[281] = LOOK_EXECAT,
	[56] = LOOK_OPENAT,	/* openat */
	[222] = LOOK_MAP,
	[265] = LOOK_OPEN_HANDLE,
	[437] = LOOK_OPENAT2,
	[203] = LOOK_CONNECT,	/* connect */
	[202] = LOOK_ACCEPT,	/* accept */
	[206] = LOOK_SEND,	/* sendto */
	[211] = LOOK_MESSAGE,	/* sendmsg */
	[242] = LOOK_ACCEPT,	/* accept4 */
	[269] = LOOK_MESSAGES,	/* sendmmsg */
	[212] = LOOK_RECEIVE,	/* recvmsg */
	[243] = LOOK_RECEIVE,	/* recvmmsg */
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
	[39] = RARE(UMOUNT),
	[40] = RARE(MOUNT),
	[41] = RARE(PIVOT_ROOT),
	[45] = RARE(TRUNCATE),
	[51] = RARE(CHROOT),
	[97] = RARE(UNSHARE),
	[104] = RARE(KEXEC_LOAD),
	[105] = RARE(INIT_MODULE),
	[106] = RARE(DELETE_MODULE),
	[112] = RARE(CLOCK_SETTIME),
	[117] = RARE(PTRACE),
	[142] = RARE(REBOOT),
	[170] = RARE(SETTIMEOFDAY),
	[219] = RARE(KEYCTL),
	[224] = RARE(SWAPON),
	[241] = RARE(PERF_EVENT_OPEN),
	[268] = RARE(SETNS),
	[270] = RARE(PROCESS_VM_READV),
	[271] = RARE(PROCESS_VM_WRITEV),
	[273] = RARE(FINIT_MODULE),
	[279] = RARE(MEMFD_CREATE),
	[280] = RARE(BPF),
	[282] = RARE(USERFAULTFD),
	[294] = RARE(KEXEC_FILE_LOAD),
	[425] = RARE(IO_URING_SETUP),
	[428] = RARE(OPEN_TREE),
	[429] = RARE(MOVE_MOUNT),
	[430] = RARE(FSOPEN),
	[432] = RARE(FSMOUNT),
	[438] = RARE(PIDFD_GETFD),
	[442] = RARE(MOUNT_SETATTR),
	[447] = RARE(MEMFD_SECRET),
};

static const u8 native_entries[CALL_NUMBERS] = {
	[24] = LOOK_DUP,	/* dup3 */
	[211] = LOOK_MESSAGE,	/* sendmsg */
	[269] = LOOK_MESSAGES,	/* sendmmsg */
	[57] = LOOK_CLOSE,
	[436] = LOOK_CLOSE_RANGE,
};
#else
static const u8 native_calls[CALL_NUMBERS] = {
	[16] = RARE(IOCTL),
	[2] = LOOK_OPEN,	/* open */
	[0] = LOOK_READ,
	[1] = LOOK_WRITE,
	[17] = LOOK_READ,	/* pread64 */
	[18] = LOOK_WRITE,
	[19] = LOOK_READ,	/* readv */
	[20] = LOOK_WRITE,
	[40] = LOOK_SENDFILE,
	[77] = LOOK_CHANGE,	/* ftruncate */
	[275] = LOOK_SPLICE,
	[285] = LOOK_CHANGE,	/* fallocate */
	[295] = LOOK_READ,	/* preadv */
	[296] = LOOK_WRITE,
	[326] = LOOK_SPLICE,	/* copy_file_range */
	[327] = LOOK_READ,	/* preadv2 */
	[328] = LOOK_WRITE,
	[41] = LOOK_SOCKET,	/* socket */
	[9] = LOOK_MAP,
	[59] = LOOK_EXEC,
	[240] = LOOK_OPEN,	/* mq_open */
	[322] = LOOK_EXECAT,
	[72] = LOOK_FCNTL,
	[85] = LOOK_CREAT,
	[257] = LOOK_OPENAT,	/* openat */
	[304] = LOOK_OPEN_HANDLE,
	[437] = LOOK_OPENAT2,
	[42] = LOOK_CONNECT,	/* connect */
	[43] = LOOK_ACCEPT,	/* accept */
	[44] = LOOK_SEND,	/* sendto */
	[46] = LOOK_MESSAGE,	/* sendmsg */
	[288] = LOOK_ACCEPT,	/* accept4 */
	[307] = LOOK_MESSAGES,	/* sendmmsg */
	[47] = LOOK_RECEIVE,	/* recvmsg */
	[299] = LOOK_RECEIVE,	/* recvmmsg */
	[49] = LOOK_BIND,	/* bind */
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
	[76] = RARE(TRUNCATE),
	[101] = RARE(PTRACE),
	[155] = RARE(PIVOT_ROOT),
	[161] = RARE(CHROOT),
	[164] = RARE(SETTIMEOFDAY),
	[165] = RARE(MOUNT),
	[166] = RARE(UMOUNT),
	[167] = RARE(SWAPON),
	[169] = RARE(REBOOT),
	[175] = RARE(INIT_MODULE),
	[176] = RARE(DELETE_MODULE),
	[227] = RARE(CLOCK_SETTIME),
	[246] = RARE(KEXEC_LOAD),
	[250] = RARE(KEYCTL),
	[272] = RARE(UNSHARE),
	[298] = RARE(PERF_EVENT_OPEN),
	[308] = RARE(SETNS),
	[310] = RARE(PROCESS_VM_READV),
	[311] = RARE(PROCESS_VM_WRITEV),
	[313] = RARE(FINIT_MODULE),
	[319] = RARE(MEMFD_CREATE),
	[320] = RARE(KEXEC_FILE_LOAD),
	[321] = RARE(BPF),
	[323] = RARE(USERFAULTFD),
	[425] = RARE(IO_URING_SETUP),
	[428] = RARE(OPEN_TREE),
	[429] = RARE(MOVE_MOUNT),
	[430] = RARE(FSOPEN),
	[432] = RARE(FSMOUNT),
	[438] = RARE(PIDFD_GETFD),
	[442] = RARE(MOUNT_SETATTR),
	[447] = RARE(MEMFD_SECRET),
};

static const u8 compat_calls[CALL_NUMBERS] = {
	[54] = RARE(IOCTL),
	[5] = LOOK_OPEN,	/* open */
	[3] = LOOK_READ,
	[4] = LOOK_WRITE,
	[93] = LOOK_CHANGE,	/* ftruncate */
	[145] = LOOK_READ,	/* readv */
	[146] = LOOK_WRITE,
	[180] = LOOK_READ,	/* pread64 */
	[181] = LOOK_WRITE,
	[187] = LOOK_SENDFILE,
	[194] = LOOK_CHANGE,	/* ftruncate64 */
	[239] = LOOK_SENDFILE,	/* sendfile64 */
	[313] = LOOK_SPLICE,
	[324] = LOOK_CHANGE,	/* fallocate */
	[333] = LOOK_READ,	/* preadv */
	[334] = LOOK_WRITE,
	[377] = LOOK_SPLICE,	/* copy_file_range */
	[378] = LOOK_READ,	/* preadv2 */
	[379] = LOOK_WRITE,
	[102] = LOOK_SOCKETCALL,	/* socketcall */
	[359] = LOOK_SOCKET,	/* socket */
	[361] = LOOK_BIND,	/* bind */
	[8] = LOOK_CREAT,
	[55] = LOOK_FCNTL,
	[11] = LOOK_EXEC,
	[277] = LOOK_OPEN,	/* mq_open */
	[358] = LOOK_EXECAT,
	[90] = LOOK_MAP,	/* old mmap: its arguments are in memory */
	[192] = LOOK_MAP,	/* mmap2 */
	[221] = LOOK_FCNTL,	/* fcntl64 */
	[295] = LOOK_OPENAT,	/* openat */
	[342] = LOOK_OPEN_HANDLE,
	[437] = LOOK_OPENAT2,
	[362] = LOOK_CONNECT,	/* connect */
	[345] = LOOK_MESSAGES,	/* sendmmsg */
	[364] = LOOK_ACCEPT,	/* accept4 */
	[369] = LOOK_SEND,	/* sendto */
	[370] = LOOK_MESSAGE,	/* sendmsg */
	[337] = LOOK_RECEIVE,	/* recvmmsg */
	[372] = LOOK_RECEIVE,	/* recvmsg */
	[417] = LOOK_RECEIVE,	/* recvmmsg_time64 */
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
	[21] = RARE(MOUNT),
	[22] = RARE(UMOUNT),
	[25] = RARE(SETTIMEOFDAY),
	[26] = RARE(PTRACE),
	[52] = RARE(UMOUNT),
	[61] = RARE(CHROOT),
	[79] = RARE(SETTIMEOFDAY),
	[87] = RARE(SWAPON),
	[88] = RARE(REBOOT),
	[92] = RARE(TRUNCATE),
	[128] = RARE(INIT_MODULE),
	[129] = RARE(DELETE_MODULE),
	[193] = RARE(TRUNCATE),
	[217] = RARE(PIVOT_ROOT),
	[264] = RARE(CLOCK_SETTIME),
	[283] = RARE(KEXEC_LOAD),
	[288] = RARE(KEYCTL),
	[310] = RARE(UNSHARE),
	[336] = RARE(PERF_EVENT_OPEN),
	[346] = RARE(SETNS),
	[347] = RARE(PROCESS_VM_READV),
	[348] = RARE(PROCESS_VM_WRITEV),
	[350] = RARE(FINIT_MODULE),
	[356] = RARE(MEMFD_CREATE),
	[357] = RARE(BPF),
	[374] = RARE(USERFAULTFD),
	[404] = RARE(CLOCK_SETTIME),
	[425] = RARE(IO_URING_SETUP),
	[428] = RARE(OPEN_TREE),
	[429] = RARE(MOVE_MOUNT),
	[430] = RARE(FSOPEN),
	[432] = RARE(FSMOUNT),
	[438] = RARE(PIDFD_GETFD),
	[442] = RARE(MOUNT_SETATTR),
	[447] = RARE(MEMFD_SECRET),
};

static const u8 native_entries[CALL_NUMBERS] = {
	[3] = LOOK_CLOSE,
	[33] = LOOK_DUP,	/* dup2 */
	[46] = LOOK_MESSAGE,	/* sendmsg */
	[307] = LOOK_MESSAGES,	/* sendmmsg */
	[292] = LOOK_DUP,	/* dup3 */
	[436] = LOOK_CLOSE_RANGE,
};

static const u8 compat_entries[CALL_NUMBERS] = {
	[6] = LOOK_CLOSE,
	[63] = LOOK_DUP,	/* dup2 */
	[345] = LOOK_MESSAGES,	/* sendmmsg */
	[370] = LOOK_MESSAGE,	/* sendmsg */
	[330] = LOOK_DUP,	/* dup3 */
	[436] = LOOK_CLOSE_RANGE,
};
#endif

#endif
