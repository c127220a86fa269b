/* SPDX-License-Identifier: MIT OR Apache-2.0 OR GPL-2.0-only
 *
 * What an exec says: which file, given how, where, as whom, with which arguments. Used by
 * proc.bpf.c only. Nothing is read from strings that the caller passed to the system call; argv is
 * read from the new mm, which no other thread can write yet.
 */
#ifndef AUDIT_EXEC_H
#define AUDIT_EXEC_H

#include "path.h"
#include "tracked.h"

/* Forks, exits and continued arguments leave a quarter of it to execs and to processes that leave. */
struct {
	__uint(type, BPF_MAP_TYPE_RINGBUF);
	__uint(max_entries, 16 << 20);
} proc_ring SEC(".maps");

/* argv is kept up to ARGV_CAP bytes. The kernel allows a quarter of the stack's limit,
 * and never more than 6 MiB (fs/exec.c, bprm_stack_limits: _STK_LIM / 4 * 3): all of it is sent, for
 * the hash of the whole. */
#define ARGV_CHUNK 16384
#define ARGV_MOST (6 << 20)
#define INTERP_BYTES 256	/* BINPRM_BUF_SIZE, include/uapi/linux/binfmts.h */

INLINE void fill_identity(struct rec_exec *rec, struct task_struct *task, struct file *file)
{
	struct task_struct *parent = BPF_CORE_READ(task, real_parent);
	const struct cred *cred = BPF_CORE_READ(task, cred);
	struct inode *inode = BPF_CORE_READ(file, f_inode);

	rec->parent_pid = process_of(parent);
	rec->parent_start_ns = BPF_CORE_READ(parent, group_leader, start_boottime);
	rec->uid = BPF_CORE_READ(cred, uid.val);
	rec->gid = BPF_CORE_READ(cred, gid.val);
	rec->euid = BPF_CORE_READ(cred, euid.val);
	rec->egid = BPF_CORE_READ(cred, egid.val);
	/* u32[2] before 6.3, u64 since: the same bytes on the machines that we build for */
	bpf_core_read(&rec->cap_effective, sizeof(u64), &cred->cap_effective);
	rec->mnt_ns = mnt_ns_of(task);
	rec->exe_ino = BPF_CORE_READ(inode, i_ino);
	rec->exe_dev = BPF_CORE_READ(inode, i_sb, s_dev);
	rec->exe_generation = BPF_CORE_READ(inode, i_generation);
	if (!BPF_CORE_READ(inode, i_nlink))
		rec->flags |= EXEC_UNLINKED;
}

/* Copies a kernel string without its NUL and returns its length. */
INLINE u32 put_name(u8 *base, u32 at, u32 cap, const char *name, u32 *flags)
{
	long len = bpf_probe_read_kernel_str(base + (at & FIRST_HALF), cap, name);

	if (len < 1 || len == cap)
		*flags |= EXEC_NAME_CUT;
	return len < 1 ? 0 : len - 1;
}

INLINE void put_names(struct rec_exec *rec, u8 *base, u32 at, struct linux_binprm *bprm)
{
	const char *file = BPF_CORE_READ(bprm, filename);
	const char *interp = BPF_CORE_READ(bprm, interp);

	rec->file_len = put_name(base, at, PATH_BYTES, file, &rec->flags);
	rec->interp_len = 0;
	if (interp != file)
		rec->interp_len = put_name(base, at + rec->file_len, INTERP_BYTES, interp, &rec->flags);
}

/* Returns how much of argv from `offset` on belongs into one record. */
INLINE u32 chunk_at(u64 argv_len, u32 offset)
{
	u64 rest = argv_len > offset ? argv_len - offset : 0;

	return rest > ARGV_CHUNK ? ARGV_CHUNK : rest;
}

/* The kernel has just written these pages, so only memory pressure can make this fail: the bytes
 * are zero then. */
INLINE void put_argv(u8 *to, u32 len, u64 from, u32 *flags)
{
	if (len > ARGV_CHUNK)
		len = ARGV_CHUNK;
	if (bpf_probe_read_user(to, len, (void *)from))
		*flags |= EXEC_ARGV_FAULT;
}

INLINE u32 data_end(struct rec_exec *rec)
{
	return sizeof(*rec) + rec->exe_len + rec->cwd_len + rec->file_len + rec->interp_len;
}

/* Numbers of include/uapi/linux/{stat,major}.h, include/linux/socket.h */
#define STDIO_IFMT 0170000
#define STDIO_IFIFO 0010000
#define STDIO_IFSOCK 0140000
#define STDIO_IFCHR 0020000
#define STDIO_IFREG 0100000
#define MEM_MAJOR 1
#define TTY_MAJOR 4
#define TTYAUX_MAJOR 5
#define PTS_MAJOR_FIRST 136
#define PTS_MAJOR_LAST 143

INLINE u8 socket_kind(struct file *file)
{
	struct socket *socket = BPF_CORE_READ(file, private_data);

	switch (BPF_CORE_READ(socket, sk, __sk_common.skc_family)) {
	case 1:
		return STDIO_UNIX;
	case 2:
		return STDIO_INET;
	case 10:
		return STDIO_INET6;
	default:
		return STDIO_SOCKET;
	}
}

INLINE u8 device_kind(u32 rdev)
{
	u32 major = rdev >> 20, minor = rdev & 0xfffff;

	if (major == MEM_MAJOR && minor == 3)
		return STDIO_NULL;
	if (major == TTY_MAJOR || major == TTYAUX_MAJOR ||
	    (major >= PTS_MAJOR_FIRST && major <= PTS_MAJOR_LAST))
		return STDIO_TTY;
	return STDIO_OTHER;
}

/* What descriptor 0 or 1 is; the table is the program's own by now, and what closes on exec is closed. */
INLINE u8 stdio_kind(struct task_struct *task, u32 fd, u32 *ino)
{
	struct file **table = BPF_CORE_READ(task, files, fdt, fd);
	struct file *file = 0;
	struct inode *inode;

	*ino = 0;
	if (!table || bpf_probe_read_kernel(&file, sizeof(file), table + fd))
		return STDIO_UNKNOWN;
	if (!file)
		return STDIO_CLOSED;
	inode = BPF_CORE_READ(file, f_inode);
	switch (BPF_CORE_READ(inode, i_mode) & STDIO_IFMT) {
	case STDIO_IFIFO:
		*ino = BPF_CORE_READ(inode, i_ino);
		return STDIO_PIPE;
	case STDIO_IFSOCK:
		return socket_kind(file);
	case STDIO_IFCHR:
		return device_kind(BPF_CORE_READ(inode, i_rdev));
	case STDIO_IFREG:
		return STDIO_FILE;
	default:
		return STDIO_OTHER;
	}
}

/* What a program that is held back gave the next one: words, names and place are its own, the file has a
 * path where everybody may look. */
INLINE void fill_held(struct rec_exec *rec)
{
	rec->flags |= EXEC_WORDS_HELD;
	if (!is_open_to_others()) {
		rec->flags |= EXEC_EXE_HELD;
		rec->exe_len = 0;
	}
	rec->cwd_len = 0;
	rec->file_len = 0;
	rec->interp_len = 0;
	rec->argc = 0;
	rec->argv_len = 0;
}

INLINE void fill_words(struct rec_exec *rec, struct task_struct *task, struct linux_binprm *bprm)
{
	rec->argc = BPF_CORE_READ(bprm, argc);
	rec->argv_len = BPF_CORE_READ(task, mm, arg_end) - BPF_CORE_READ(task, mm, arg_start);
	if (rec->argv_len > ARGV_CAP)
		rec->flags |= EXEC_ARGV_CUT;
	put_names(rec, (u8 *)rec, sizeof(*rec) + rec->exe_len + rec->cwd_len, bprm);
}

/* Builds all but argv in scratch. `by_held`: the program before was held back already. */
INLINE struct rec_exec *fill_exec(struct task_struct *task, struct linux_binprm *bprm, bool held,
				  bool by_held)
{
	struct file *file = BPF_CORE_READ(bprm, file);
	struct fs_struct *fs = BPF_CORE_READ(task, fs);
	u8 *base = scratch();
	struct rec_exec *rec = (void *)base;
	u32 flags = 0, at = sizeof(*rec);

	if (!base) {
		count(REC_EXEC, COUNT_SEEN);
		count(REC_EXEC, COUNT_LOST);
		return 0;
	}
	fill_head(&rec->head, REC_EXEC, 0, task);
	rec->pad = 0;
	rec->stdin_kind = stdio_kind(task, 0, &rec->stdin_ino);
	rec->stdout_kind = stdio_kind(task, 1, &rec->stdout_ino);
	fill_inner(task, &rec->ns_pid, &rec->pid_ns);
	rec->exe_len = put_path(&file->f_path, at, &flags, EXEC_PATH_CUT);
	if (held && by_held) {
		rec->flags = flags;
		fill_held(rec);
	} else {
		rec->cwd_len = put_path(&fs->pwd, at + rec->exe_len, &flags, EXEC_CWD_CUT);
		rec->flags = flags;
		if (!BPF_CORE_READ(fs, pwd.dentry, d_inode, i_nlink))
			rec->flags |= EXEC_CWD_DELETED;
		fill_words(rec, task, bprm);
	}
	if (held)
		rec->flags |= EXEC_HELD;
	if (BPF_CORE_READ_BITFIELD_PROBED(bprm, secureexec))
		rec->flags |= EXEC_SECURE;
	fill_identity(rec, task, file);
	return rec;
}

struct rest {
	struct rec_head head;
	u64 from;
	u64 argv_len;
	u64 sent;
	u32 flags;
	u32 pad;
};

/* What is only hashed takes half of the ring at most: it must not push out what the rest of the record
 * is made of. Returns false when there is no room for another chunk. */
INLINE bool send_to_hash(struct rec_argv *rec, u32 size)
{
	u64 waiting = bpf_ringbuf_query(&proc_ring, BPF_RB_AVAIL_DATA);
	u64 whole = bpf_ringbuf_query(&proc_ring, BPF_RB_RING_SIZE);

	return waiting + size + RING_HEAD <= whole / 2 &&
	       !bpf_ringbuf_output(&proc_ring, rec, size, wake_flag_of(&proc_ring, size));
}

/* Sends the i-th chunk of argv after the one in rec_exec; the record before it is out by now. */
static long send_rest(u32 i, struct rest *rest)
{
	struct rec_argv *rec = (void *)scratch();
	u32 offset = (i + 1) * ARGV_CHUNK;
	u32 len = chunk_at(rest->argv_len, offset);

	if (!rec || !len)
		return 1;
	rec->head = rest->head;
	rec->head.kind = REC_ARGV;
	rec->head.size = sizeof(*rec) + len;
	rec->offset = offset;
	rec->len = len;
	rec->flags = 0;
	rec->pad = 0;
	put_argv((void *)(rec + 1), len, rest->from + offset, &rec->flags);
	rest->flags |= rec->flags;
	if (offset < ARGV_CAP) {
		if (rec->flags)
			count(REC_ARGV, COUNT_FAULT);
		if (bulk_fits(&proc_ring, REC_ARGV, sizeof(*rec) + len))
			output(&proc_ring, REC_ARGV, rec, sizeof(*rec) + len);
	} else if (!send_to_hash(rec, sizeof(*rec) + len)) {
		rest->flags |= EXEC_ARGV_STOPPED;
		return 1;
	}
	rest->sent += len;
	return 0;
}

INLINE void send_argv_end(struct rest *rest)
{
	struct rec_argv_end *rec = reserve(&proc_ring, REC_ARGV_END, sizeof(*rec));

	if (!rec)
		return;
	rec->head = rest->head;
	rec->head.kind = REC_ARGV_END;
	rec->head.size = sizeof(*rec);
	rec->argv_len = rest->argv_len;
	rec->sent = rest->sent;
	rec->flags = rest->flags;
	rec->pad = 0;
	bpf_ringbuf_submit(rec, wake_flag(false));
}

/* As long as it is and no longer: thousands of short ones fit into the ring at once. */
INLINE void send_exec(struct rec_exec *rec, bool urgent)
{
	struct task_struct *task = bpf_get_current_task_btf();
	struct rest rest = { .from = BPF_CORE_READ(task, mm, arg_start), .argv_len = rec->argv_len };
	u32 at = data_end(rec) & FIRST_HALF;
	u32 len = chunk_at(rec->argv_len, 0);

	put_argv((u8 *)rec + at, len, rest.from, &rec->flags);
	rec->argv_kept = len;
	rec->head.size = at + len;
	if (rec->flags & (EXEC_ARGV_FAULT | EXEC_PATH_CUT | EXEC_CWD_CUT | EXEC_NAME_CUT))
		count(REC_EXEC, COUNT_FAULT);
	rest.head = rec->head;
	rest.sent = len;
	rest.flags = rec->flags & EXEC_ARGV_FAULT;
	if (urgent)
		output_with(&proc_ring, REC_EXEC, rec, at + len, wake_flag(true));
	else
		output(&proc_ring, REC_EXEC, rec, at + len);
	if (rest.argv_len <= len)
		return;
	bpf_loop(ARGV_MOST / ARGV_CHUNK, send_rest, &rest, 0);
	if (rest.argv_len > ARGV_CAP)
		send_argv_end(&rest);
}

#endif
