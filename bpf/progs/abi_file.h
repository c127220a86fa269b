/* SPDX-License-Identifier: MIT OR Apache-2.0 OR GPL-2.0-only
 *
 * Records of opened files and of how they were used. Part of abi.h.
 */
#ifndef AUDIT_ABI_FILE_H
#define AUDIT_ABI_FILE_H

enum open_how {
	OPEN_CREATED = 1,	/* the open made the file */
	OPEN_TRUNCATED = 2,	/* O_TRUNC cut what was there */
	OPEN_DIRECT = 4,	/* O_DIRECT: reads leave no trace */
};

/* OPEN: an open of a regular file succeeded. USE: what shows how an open file was used. Names come
 * from fanotify, which merges repeats and tells only how a file was opened. */
struct rec_open {
	struct rec_head head;
	u64 ino;
	u64 file;		/* the kernel's open file: one number from its open to its end */
	u64 size;		/* of the file, at this moment */
	s64 ctime_ns;		/* last change, since 1970: nobody can set it back */
	u32 dev;
	u32 generation;
	u32 mode;		/* OPEN_READ, OPEN_WRITE */
	u32 flags;		/* OPEN: OPEN_CREATED, OPEN_TRUNCATED; USE: USE_* */
};

enum use_flag {
	USE_CLOSED = 1,		/* a descriptor is closed, or goes with its process */
	USE_LAST = 2,		/* it is the last one, and nobody can use it any more */
	USE_UNREAD = 4,		/* no read(2) or alike took a byte through it (mmap and O_DIRECT may have) */
	USE_TIMED = 8,		/* each change of this file shows in ctime_ns */
	USE_MAPPED = 16,	/* it was mapped into memory */
	USE_SHARED = 32,	/* so that stores reach the file */
	USE_DIRECT = 64,	/* fcntl(2) switched O_DIRECT on: reads leave no trace */
	USE_UNLINKED = 128,	/* the file has no name any more */
};

enum named_flag {
	NAMED_CUT = 1,		/* the path lacks its first components */
	NAMED_FAULT = 2,	/* the caller's string could not be read */
	NAMED_ALL = 4,		/* the user wants every failed open told */
	NAMED_EXEC = 8,		/* FAILED: it would have been executed */
	NAMED_MANY = 16,	/* set by the recorder: one of many names that are counted together */
};

/* Which failed opens are told (a setting). */
enum failed_opens {
	FAILED_DENIED = 0,	/* those that were denied, and those of hidden names that are not there */
	FAILED_ALL = 1,
	FAILED_NONE = 2,
};

/* FAILED: an open or exec failed. OPEN_KERNEL: a file was opened on a file system that marks do not
 * reach. Followed by path_len bytes (components, each ended by NUL, from the last to the first: of the
 * file, or of the directory from which the text begins) and text_len bytes (FAILED: the path that the
 * caller gave, read from its memory). */
struct rec_named {
	struct rec_head head;
	u64 ino;		/* OPEN_KERNEL */
	u32 dev;
	u32 mode;		/* OPEN_READ, OPEN_WRITE: as it was opened or was to be */
	u32 error;		/* FAILED: errno */
	u32 flags;		/* NAMED_* */
	u16 path_len;
	u16 text_len;
	u32 pad;
};

enum open_flag {
	OPEN_PATH_CUT = 1,	/* the first components are missing */
	OPEN_ELSEWHERE = 2,	/* the path begins at a mount that is not in the caller's namespace */
};

/* A regular file that no mark watches was opened. Followed by `path_len` bytes: the components of
 * its path, last first. */
struct rec_open_path {
	struct rec_head head;
	u64 ino;
	u32 dev;
	u32 generation;
	u32 mode;		/* OPEN_READ, OPEN_WRITE */
	u32 flags;		/* OPEN_PATH_CUT, OPEN_ELSEWHERE */
	u32 mnt_id;
	u32 path_len;
};

/* INHERITED: the command begins with a descriptor of a regular file. RING_FILE: a ring of io_uring has
 * one in its table when a descriptor of the ring goes. Followed by `path_len` bytes: the components of
 * its path, last first. */
struct rec_inherited {
	struct rec_head head;
	u64 file;		/* the kernel's open file */
	u64 ino;
	u64 size;		/* of the file, at this moment */
	u32 dev;
	u32 generation;
	u32 mode;		/* OPEN_READ, OPEN_WRITE */
	u32 flags;		/* OPEN_PATH_CUT, OPEN_ELSEWHERE */
	u32 fd;			/* INHERITED: the lowest of its descriptors; RING_FILE: the slot */
	u32 path_len;
};

/* Who uses which of these files: the key of a map, not a record. */
struct inherited_key {
	u64 file;
	u64 start_ns;
	u32 pid;
	u32 pad;
};

/* Its value. What calls returned, whatever the call. */
struct inherited_use {
	u64 first_ns;
	u64 last_ns;
	u64 read_bytes;
	u64 written_bytes;
	u64 size_after;		/* of the file, after the last call that wrote */
	u32 flags;		/* INHERITED_* */
	u32 pad;
};

enum inherited_flag {
	INHERITED_READ = 1,
	INHERITED_WRITTEN = 2,
	INHERITED_MAPPED = 4,	/* what is read and written in memory is in no number of bytes */
};

#endif
