/* SPDX-License-Identifier: MIT OR Apache-2.0 OR GPL-2.0-only
 *
 * Records of rare system calls. Part of abi.h.
 */
#ifndef AUDIT_ABI_CALL_H
#define AUDIT_ABI_CALL_H

/* Rare calls, by numbers of our own, which are the same on every machine. */
enum call_name {
	CALL_PTRACE = 1,
	CALL_PROCESS_VM_READV = 2,
	CALL_PROCESS_VM_WRITEV = 3,
	CALL_PIDFD_GETFD = 4,
	CALL_UNSHARE = 5,
	CALL_SETNS = 6,
	CALL_CLONE = 7,		/* with new namespaces */
	CALL_CHROOT = 8,
	CALL_PIVOT_ROOT = 9,
	CALL_MOUNT = 10,
	CALL_UMOUNT = 11,
	CALL_FSOPEN = 12,
	CALL_FSMOUNT = 13,
	CALL_MOVE_MOUNT = 14,
	CALL_OPEN_TREE = 15,
	CALL_MOUNT_SETATTR = 16,
	CALL_BPF = 17,
	CALL_INIT_MODULE = 18,
	CALL_FINIT_MODULE = 19,
	CALL_DELETE_MODULE = 20,
	CALL_KEXEC_LOAD = 21,
	CALL_KEXEC_FILE_LOAD = 22,
	CALL_MEMFD_CREATE = 23,
	CALL_MEMFD_SECRET = 24,
	CALL_IO_URING_SETUP = 25,
	CALL_USERFAULTFD = 26,
	CALL_PERF_EVENT_OPEN = 27,
	CALL_TRUNCATE = 28,
	CALL_SWAPON = 29,
	CALL_REBOOT = 30,
	CALL_SETTIMEOFDAY = 31,
	CALL_CLOCK_SETTIME = 32,
	CALL_KEYCTL = 33,
	CALL_CGROUP_MKDIR = 34,	/* no call of its own: mkdir(2) in a cgroup file system */
	CALL_IOCTL = 35,	/* only what puts input into a terminal */
};

enum call_flag {
	CALL_COMPAT = 1,	/* made by the 32-bit ABI */
	CALL_PATH_CUT = 2,	/* path or cwd has more components or bytes than the cap */
	CALL_TEXT_FAULT = 4,	/* a string of the caller could not be read */
	CALL_TEXT_CUT = 8,	/* a string of the caller is longer than the cap */
	CALL_TARGET_CUT = 16,	/* path of the target's program is cut */
};

/* Places of namespaces in rec_call.namespaces. */
enum call_namespace {
	NS_MNT = 0,
	NS_PID = 1,		/* of the children to come */
	NS_NET = 2,
	NS_USER = 3,
	NS_IPC = 4,
	NS_UTS = 5,
	NS_CGROUP = 6,
	NS_COUNT = 8,
};

/* A rare call came back. The arguments are the caller's registers. Followed by data: path_len bytes
 * (components, as in rec_exec) of what the call made or changed, read from the kernel's object;
 * cwd_len bytes of the directory
 * from which the caller's path goes likewise; target_len bytes of the target's program
 * likewise; name_len bytes of a name that the kernel has (memfd, file system); text_len bytes that
 * the caller's memory held after the call: up to three strings, each ended by NUL. */
struct rec_call {
	struct rec_head head;
	s64 ret;
	u64 args[6];
	u64 target_start_ns;
	u64 value;		/* IO_URING_SETUP: flags of the ring; CGROUP_MKDIR: its id; TRUNCATE: the length */
	u32 namespaces[NS_COUNT];	/* those of the caller (CLONE: of the child); 0: not told */
	u32 changed;		/* CLONE: 1 << NS_*, those that are not the caller's */
	u32 entered;		/* SETNS: inode of the namespace behind the descriptor */
	u32 target_pid;		/* another process that the call concerns, 0: none or not there */
	u32 call;		/* CALL_* */
	u32 flags;
	u16 path_len;
	u16 cwd_len;
	u16 target_len;
	u16 name_len;
	u16 text_len;
	u16 pad;
	u8 target_comm[16];
};

#endif
