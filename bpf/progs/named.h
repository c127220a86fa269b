/* SPDX-License-Identifier: MIT OR Apache-2.0 OR GPL-2.0-only
 *
 * Opens that failed, and opens on file systems that marks do not reach, by name. Used by calls.bpf.c.
 *
 * What was opened has the kernel's own path. What was not has only what the caller asked for: a string
 * in its memory, which another thread can change while we read it. It is marked so by its kind.
 */
#ifndef AUDIT_NAMED_H
#define AUDIT_NAMED_H

#include "call_args.h"
#include "call_numbers.h"
#include "call_ring.h"
#include "path.h"
#include "unwatched.h"

/* Set by the loader: 0 when files are not recorded. */
const volatile u32 tell_files = 1;

/* Set by the loader: which failed opens are told. */
const volatile u32 failed_opens = FAILED_DENIED;

#define AT_FDCWD -100	/* include/uapi/linux/fcntl.h */

/* include/uapi/asm-generic/errno-base.h */
#define ENOENT 2
#define EINTR 4
#define ENXIO 6
#define EAGAIN 11
#define ENODEV 19
#define ENOTDIR 20
#define EISDIR 21
#define ERESTARTSYS 512	/* include/linux/errno.h: from here on, the call is made again */

/* What is sent in the end. Rare ones may fill the whole ring and wake the reader. */
static void send_named(struct rec_named *rec, u32 kind, bool rare)
{
	u32 size = sizeof(*rec) + rec->path_len + rec->text_len;
	u64 waiting = bpf_ringbuf_query(&call_ring, BPF_RB_AVAIL_DATA);
	u64 whole = bpf_ringbuf_query(&call_ring, BPF_RB_RING_SIZE);

	if (size > FIRST_HALF)
		size = FIRST_HALF;
	fill_own_head(&rec->head, kind, size);
	if (!rare && waiting + size + RING_HEAD > whole / 4 * 3) {
		count(kind, COUNT_SEEN);
		count(kind, COUNT_LOST);
		return;
	}
	output(&call_ring, kind, rec, size);
}

INLINE struct rec_named *begin_named(void)
{
	struct rec_named *rec = (void *)scratch();

	if (rec) {
		rec->ino = 0;
		rec->dev = 0;
		rec->mode = 0;
		rec->error = 0;
		rec->flags = 0;
		rec->path_len = 0;
		rec->text_len = 0;
		rec->pad = 0;
	}
	return rec;
}

/* Which file systems fsmon/src/kinds.rs leaves out, by their magic (include/uapi/linux/magic.h): of the
 * first three it tells what is written. */
INLINE bool is_out_of_reach(u64 magic, u32 mode)
{
	switch (magic) {
	case 0x9fa0:		/* proc */
	case 0x62656572:	/* sysfs */
	case 0x42494e4d:	/* binfmt_misc */
		return !(mode & OPEN_WRITE);
	case 0x1cd1:		/* devpts */
	case 0x19800202:	/* mqueue */
	case 0x74726163:	/* tracefs */
	case 0x64626720:	/* debugfs */
	case 0x73636673:	/* securityfs */
	case 0x62656570:	/* configfs */
	case 0x6165676c:	/* pstore */
	case 0xcafe4a11:	/* bpf */
	case 0x65735543:	/* fusectl */
	case 0x67596969:	/* rpc_pipefs */
		return true;
	}
	return false;
}

/* /proc/PID/mem of a process: fanotify would open it for the recorder, which may not look into others
 * (it is shut in by Landlock), and then tells nothing. */
INLINE bool is_memory(struct file *file, u64 magic)
{
	u8 name[8] = {};

	if (magic != 0x9fa0)
		return false;
	bpf_probe_read_kernel_str(name, sizeof(name), BPF_CORE_READ(file, f_path.dentry, d_name.name));
	return name[0] == 'm' && name[1] == 'e' && name[2] == 'm' && !name[3];
}

/* Tells of an opened file by its path, if nobody else would; false if somebody does. */
static bool named_open(struct looked *it)
{
	struct path *path = (void *)it->file + bpf_core_field_offset(struct file, f_path);
	struct rec_named *rec;

	if (!is_out_of_reach(it->magic, it->mode) && !is_memory(it->file, it->magic))
		return false;
	if (!tell_files || (it->inode_mode & S_IFMT) == S_IFDIR)
		return true;
	rec = begin_named();
	if (!rec)
		return true;
	rec->ino = it->ino;
	rec->dev = it->dev;
	rec->mode = it->mode & (OPEN_READ | OPEN_WRITE);
	rec->path_len = put_path(path, sizeof(*rec), &rec->flags, NAMED_CUT);
	send_named(rec, REC_OPEN_KERNEL, false);
	return true;
}

/* Looks for a component that begins with a dot, other than `.` and `..`: where secrets of users lie.
 * The pipeline knows their names. */
struct dot_search {
	u32 at;
	u8 state;	/* 0 in a component, 1 at its begin, 2 after one dot, 3 after two */
	bool many;	/* components, each ended by NUL, and not a string */
	bool found;
};

static long search_dot(u32 n, struct dot_search *it)
{
	u8 *base = scratch();
	u8 byte;

	if (!base)
		return 1;
	byte = base[(it->at + n) & FIRST_HALF];
	if ((it->state == 2 && byte && byte != '/' && byte != '.') ||
	    (it->state == 3 && byte && byte != '/')) {
		it->found = true;
		return 1;
	}
	if (!byte && !it->many)
		return 1;
	if (!byte || byte == '/')
		it->state = 1;
	else if (byte == '.' && it->state)
		it->state++;
	else
		it->state = 0;
	return 0;
}

#define ONES 0x0101010101010101ULL
#define TOPS 0x8080808080808080ULL

/* Which of eight bytes are `byte`, in their highest bits; one behind such a byte may be taken for one
 * that is not. */
INLINE u64 bytes_that_are(u64 bytes, u8 byte)
{
	u64 rest = bytes ^ (ONES * byte);

	return (rest - ONES) & ~rest & TOPS;
}

struct dot_hint {
	u32 at;		/* a multiple of eight */
	u64 before;	/* whether a component begins at the first byte, in its highest bit */
	bool found;
};

static long hint_dot(u32 n, struct dot_hint *it)
{
	u8 *base = scratch();
	u64 bytes, begins;

	if (!base)
		return 1;
	bytes = *(u64 *)(base + ((it->at + n * 8) & FIRST_HALF));
	begins = bytes_that_are(bytes, '/') | bytes_that_are(bytes, 0);
	if (bytes_that_are(bytes, '.') & (begins << 8 | it->before)) {
		it->found = true;
		return 1;
	}
	it->before = begins >> 56;
	return 0;
}

/* Most names have no component that begins with a dot at all, which is seen eight bytes at a time. */
static bool has_dot(u32 at, u32 len, bool many)
{
	struct dot_hint hint = { .at = at, .before = 0x80 };
	struct dot_search it = { .at = at, .state = 1, .many = many };

	bpf_loop((len + 7) / 8, hint_dot, &hint, 0);
	if (!hint.found)
		return false;
	bpf_loop(len, search_dot, &it, 0);
	return it.found;
}

INLINE bool is_of_interest(u32 error, u32 at, u32 len, bool by_exec)
{
	if (failed_opens == FAILED_ALL)
		return true;
	/* What is there already, or is no file, or a device without its hardware: nothing was denied. */
	if (error == ENXIO || error == ENODEV || error == EEXIST || error == EISDIR || error == EINTR || error == EAGAIN)
		return false;
	if (error != ENOENT && error != ENOTDIR)
		return true;
	if (by_exec)
		return false;	/* the search through $PATH */
	return has_dot(at, len, false);
}

/* Where a relative path begins: the directory of a descriptor, or the working directory. */
static u32 put_start(struct rec_named *rec, s32 dir)
{
	struct task_struct *task = bpf_get_current_task_btf();
	struct fs_struct *fs = BPF_CORE_READ(task, fs);
	struct file *file;

	if (dir != AT_FDCWD) {
		file = file_of((u32)dir);
		if (!file)
			return 0;
		return put_path((void *)file + bpf_core_field_offset(struct file, f_path), sizeof(*rec),
				&rec->flags, NAMED_CUT);
	}
	if (!fs)
		return 0;
	return put_path((void *)fs + bpf_core_field_offset(struct fs_struct, pwd), sizeof(*rec),
			&rec->flags, NAMED_CUT);
}

/* Failed opens of a process within a second that may fill the whole ring: who makes more of them leaves
 * room to others. */
#define RARE_FAILURES 256

struct failures {
	u64 since_ns;
	u64 number;
};

struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, 4096);
	__type(key, u64);
	__type(value, struct failures);
} failures SEC(".maps");

/* Two threads that count at once may count one: this is a measure, no account. */
static bool is_rare_failure(void)
{
	struct task_struct *task = bpf_get_current_task_btf();
	u64 leader = (u64)BPF_CORE_READ(task, group_leader), now = bpf_ktime_get_boot_ns();
	struct failures first = { .since_ns = now, .number = 1 };
	struct failures *known = bpf_map_lookup_elem(&failures, &leader);

	if (known && now - known->since_ns < 1000000000ULL)
		return ++known->number <= RARE_FAILURES;
	bpf_map_update_elem(&failures, &leader, &first, BPF_ANY);
	return true;
}

/* A call failed that would have opened or executed `name`. The name goes behind the longest directory
 * first, where it is looked at, and is read again behind the one that it has: of both readings the
 * second is told. */
APART int on_failed(s64 ret, s32 dir, u64 name, u64 flags, u32 by_exec)
{
	u32 error = -ret, at = sizeof(struct rec_named), len;
	struct rec_named *rec;
	bool sure, absent;
	long read;
	u8 *base;

	if (!tell_files || failed_opens == FAILED_NONE || error >= ERESTARTSYS)
		return 0;
	rec = begin_named();
	base = (void *)rec;
	if (!rec)
		return 0;
	read = bpf_probe_read_user_str(base + sizeof(*rec), PATH_BYTES, (void *)name);
	len = read > 0 ? read : 0;
	absent = !by_exec && (error == ENOENT || error == ENOTDIR);
	sure = is_of_interest(error, at, len, by_exec);
	/* A plain name is of interest where it is looked for: `cd ~/.ssh; cat id_rsa`. */
	if (!sure && (!absent || base[sizeof(*rec)] == '/'))
		return 0;
	rec->error = error;
	rec->mode = by_exec ? 0 : (flags & 3) == 0 ? OPEN_READ : (flags & 3) == 1 ? OPEN_WRITE :
							       OPEN_READ | OPEN_WRITE;
	rec->flags = (failed_opens == FAILED_ALL ? NAMED_ALL : 0) | (by_exec ? NAMED_EXEC : 0);
	if (base[sizeof(*rec)] != '/') {
		rec->path_len = put_start(rec, dir);
		if (!sure && !has_dot(sizeof(*rec), rec->path_len, true))
			return 0;
		at += rec->path_len;
		read = bpf_probe_read_user_str(base + (at & FIRST_HALF), PATH_BYTES, (void *)name);
	}
	rec->text_len = read > 0 ? read - 1 : 0;
	if (read <= 0)
		rec->flags |= NAMED_FAULT;
	send_named(rec, REC_FAILED, error != ENOENT && error != ENOTDIR && is_rare_failure());
	return 0;
}

#endif
