/* SPDX-License-Identifier: MIT OR Apache-2.0 OR GPL-2.0-only
 *
 * What the BPF programs and event/src/wire share: fixed-width types, widest first, explicit pads,
 * frozen numbers, no `packed`. A test compares every size and offset with the BTF of the built
 * objects. All numbers are in the machine's byte order; times are CLOCK_BOOTTIME nanoseconds.
 */
#ifndef AUDIT_ABI_H
#define AUDIT_ABI_H

typedef unsigned char u8;
typedef unsigned short u16;
typedef unsigned int u32;
typedef int s32;
typedef unsigned long long u64;
typedef long long s64;

/* Frame kinds below 64 are these records, stored as they came. */
enum rec_kind {
	REC_FORK = 1,
	REC_EXEC = 2,
	REC_ARGV = 3,
	REC_EXIT = 4,
	REC_LEFT = 5,
	REC_ARGV_END = 6,
	REC_CRED = 9,
	REC_CONNECT = 16,
	REC_SEND = 17,
	REC_ESTABLISHED = 18,
	REC_ACCEPTED = 19,
	REC_FLOW = 20,
	REC_CLOSED = 21,
	REC_BIND = 22,
	REC_LISTEN = 23,
	REC_SOCKET = 24,
	REC_UNIX = 25,
	REC_PAYLOAD = 27,
	REC_RESULT = 28,
	REC_ODD = 30,
	REC_OPEN = 32,
	REC_USE = 33,
	REC_FAILED = 34,
	REC_OPEN_KERNEL = 35,
	REC_OPEN_PATH = 37,
	REC_INHERITED = 38,
	REC_RING_FILE = 39,
	REC_CALL = 40,
	REC_PASSED = 41,
	REC_OUTSIDE = 42,
	REC_KINDS = 64,
};

/* Which cell of a kind's counters: counters[kind * COUNT_CELLS + cell]. */
enum count_cell {
	COUNT_SEEN = 0,		/* the hook ran for a task or socket of the run */
	COUNT_LOST = 1,		/* no room in the ring: the record is gone */
	COUNT_FAULT = 2,	/* a part could not be read; the record says which in flags */
	COUNT_HELD = 3,		/* held back from the run's owner (owner.h); in no other cell */
	COUNT_CELLS = 4,
};

/* How much of it is in the record. */
enum limit {
	CRED_GROUPS = 16,	/* supplementary groups; the kernel's limit is 65536 (NGROUPS_MAX) */
	ARGV_CAP = 131072,	/* bytes of argv; the kernel's limit is 6 MiB (exec.h) */
};

/* start_ns is the start time of the thread group's leader: (pid, start_ns) is a process. */
struct rec_head {
	u64 boot_ns;
	u64 start_ns;
	u32 kind;
	u32 size;		/* of the whole record, data included */
	u32 pid;		/* thread group */
	u32 tid;
};

enum open_mode {
	OPEN_READ = 1,
	OPEN_WRITE = 2,
};

#include "abi_process.h"
#include "abi_net.h"
#include "abi_unix.h"
#include "abi_call.h"
#include "abi_file.h"

#endif
