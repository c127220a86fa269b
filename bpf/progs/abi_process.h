/* SPDX-License-Identifier: MIT OR Apache-2.0 OR GPL-2.0-only
 *
 * Records of processes and their credentials. Part of abi.h.
 */
#ifndef AUDIT_ABI_PROCESS_H
#define AUDIT_ABI_PROCESS_H

/* A new process (not a thread). The head is the caller's. */
struct rec_fork {
	struct rec_head head;
	u64 child_start_ns;
	u64 parent_start_ns;
	u32 child_pid;
	u32 parent_pid;		/* real parent: differs from head.pid with CLONE_PARENT */
	u32 mnt_ns;		/* inode of the child's mount namespace */
	u32 flags;		/* FORK_* */
	u32 ns_pid;		/* the child's number in its own pid namespace */
	u32 pid_ns;		/* inode of that; 0 when it is the recorder's */
	u32 uid;		/* the child's real user */
	u32 pad;
};

enum fork_flag {
	FORK_NEW_MNT_NS = 1,	/* the child's mount namespace is not the caller's */
	FORK_FROM_OUTSIDE = 2,	/* the caller is not of the run: this is its first process */
	FORK_HELD = 4,		/* what the child does is held back */
};

enum exec_flag {
	EXEC_ARGV_CUT = 1,	/* argv_len is more than the cap */
	EXEC_ARGV_FAULT = 2,	/* a page of argv could not be read */
	EXEC_PATH_CUT = 4,	/* exe has more components or bytes than the cap */
	EXEC_CWD_CUT = 8,
	EXEC_SECURE = 16,	/* set-uid, set-gid or file capabilities (AT_SECURE) */
	EXEC_UNLINKED = 32,	/* the file has no link left (memfd, deleted) */
	EXEC_NAME_CUT = 64,	/* file name or interpreter name cut */
	EXEC_CWD_DELETED = 2048,	/* the working directory has no name any more */
	EXEC_ARGV_STOPPED = 128,	/* rec_argv_end only: no room for more than what is kept */
	EXEC_HELD = 256,	/* what the program does is held back: it has rights that the owner has not */
	EXEC_WORDS_HELD = 512,	/* so are argv, cwd and names, as a program that is held back gave them */
	EXEC_EXE_HELD = 1024,	/* and the path, as others may not look where it leads */
};

/* Followed by data: exe_len bytes, cwd_len bytes (both: path components, each ended by NUL, from the
 * last to the first), file_len and interp_len bytes (the strings given to execve and of the `#!`
 * line, without NUL; interp is empty unless it differs), argv_kept bytes of argv (each ended by
 * NUL). The rest of argv follows in rec_argv; with EXEC_ARGV_CUT a rec_argv_end comes last. */
/* What standard input and output are when a program begins. */
enum stdio {
	STDIO_UNKNOWN = 0,
	STDIO_CLOSED = 1,
	STDIO_PIPE = 2,
	STDIO_INET = 3,
	STDIO_INET6 = 4,
	STDIO_UNIX = 5,
	STDIO_SOCKET = 6,	/* of another family */
	STDIO_TTY = 7,
	STDIO_NULL = 8,
	STDIO_FILE = 9,
	STDIO_OTHER = 10,
};

struct rec_exec {
	struct rec_head head;
	u64 exe_ino;
	u64 argv_len;		/* bytes of the whole argv in the new mm */
	u64 parent_start_ns;
	u64 cap_effective;
	u32 exe_dev;		/* kernel's dev_t: major << 20 | minor */
	u32 exe_generation;
	u32 parent_pid;
	u32 uid;
	u32 gid;
	u32 euid;
	u32 egid;
	u32 argc;
	u32 mnt_ns;
	u32 argv_kept;		/* bytes of argv in this record */
	u16 exe_len;
	u16 cwd_len;
	u16 file_len;
	u16 interp_len;
	u32 flags;		/* EXEC_* */
	u32 ns_pid;		/* own number in the process's own pid namespace */
	u32 pid_ns;		/* inode of that; 0 when it is the recorder's */
	u8 stdin_kind;		/* STDIO_* */
	u8 stdout_kind;
	u16 pad;
	u32 stdin_ino;		/* of a pipe */
	u32 stdout_ino;
};

/* More of argv of the exec just before, same pid. Followed by len bytes. What is beyond the cap is
 * for the hash of the whole only and in no counter: rec_argv_end tells how much of it was sent. */
struct rec_argv {
	struct rec_head head;
	u32 offset;		/* of the data within argv */
	u32 len;
	u32 flags;		/* EXEC_ARGV_FAULT */
	u32 pad;
};

/* All of an argv beyond the cap was sent, or as much as there was room for. */
struct rec_argv_end {
	struct rec_head head;
	u64 argv_len;
	u64 sent;		/* bytes from the front, if none of their records was lost */
	u32 flags;		/* EXEC_ARGV_FAULT, EXEC_ARGV_STOPPED */
	u32 pad;
};

/* The last thread of a process has ended. */
struct rec_exit {
	struct rec_head head;
	u64 utime_ns;
	u64 stime_ns;
	s32 code;		/* as wait(2) gives it: low 7 bits signal, bits 8..15 status */
	u32 pad;
};

/* A task of the run was moved to a cgroup outside the leaf; it stays recorded. */
struct rec_left {
	struct rec_head head;
	u64 cgroup_id;		/* where it is now */
};

/* As whom a task acts. */
struct creds {
	u64 cap_effective;
	u64 cap_permitted;
	u32 uid;
	u32 gid;
	u32 euid;
	u32 egid;
	u32 suid;
	u32 sgid;
	u32 fsuid;
	u32 fsgid;
	u32 group_count;	/* supplementary groups */
	u32 pad;
	u32 groups[CRED_GROUPS];	/* the first of them */
};

/* A task changed its credentials other than by exec. Each thread has its own: head.tid. */
struct rec_cred {
	struct rec_head head;
	struct creds now;
};

#endif
