/* SPDX-License-Identifier: MIT OR Apache-2.0 OR GPL-2.0-only
 *
 * Exact numbers of opens. fanotify tells the names, but merges identical events that wait in its
 * queue; see docs/decisions/0002-exact-open-counts.md.
 *
 * The exits of just these calls are hooked: a program on every system call would tax each call of
 * the machine. Not seen: 32-bit callers (the kernel leaves them out of syscall tracepoints, kernel
 * arch_trace_is_compat_syscall), io_uring, and processes that left the leaf: the tracked mark is
 * in the map of another object, which aya 0.14 cannot share without a mounted bpffs. The pipeline
 * takes the larger of this count and fanotify's.
 */
#include "common.h"

/* Wake the reader when another so many bytes wait; it looks on its own tick as well. */
const volatile u64 wake_bytes = 256 << 10;

struct {
	__uint(type, BPF_MAP_TYPE_RINGBUF);
	__uint(max_entries, 16 << 20);
} open_ring SEC(".maps");

/* The fields that all syscall exit tracepoints have: events/syscalls/sys_exit_*\/format */
struct exit_args {
	u64 common;
	s64 id;
	s64 ret;
};

#define S_IFMT 0170000
#define S_IFREG 0100000

/* A wake-up costs both sides more than the record does. */
INLINE u64 wake_flag(void)
{
	u64 waiting = bpf_ringbuf_query(&open_ring, BPF_RB_AVAIL_DATA);

	if (waiting / wake_bytes != (waiting - sizeof(struct rec_open) - 8) / wake_bytes)
		return BPF_RB_FORCE_WAKEUP;
	return BPF_RB_NO_WAKEUP;
}

INLINE struct file *file_of(struct task_struct *task, u64 fd)
{
	struct fdtable *table = BPF_CORE_READ(task, files, fdt);
	struct file **slots = BPF_CORE_READ(table, fd);
	struct file *file = 0;

	if (fd < BPF_CORE_READ(table, max_fds))
		bpf_probe_read_kernel(&file, sizeof(file), slots + fd);
	return file;
}

/* O_PATH gives a descriptor without either mode bit: nothing was opened. */
static int on_open(struct exit_args *ctx)
{
	struct task_struct *task = bpf_get_current_task_btf();
	struct rec_open *rec;
	struct inode *inode;
	struct file *file;
	u32 mode;

	if (ctx->ret < 0 || !current_in_leaf())
		return 0;
	file = file_of(task, ctx->ret);
	inode = BPF_CORE_READ(file, f_inode);
	mode = BPF_CORE_READ(file, f_mode) & (OPEN_READ | OPEN_WRITE);
	if (!mode || (BPF_CORE_READ(inode, i_mode) & S_IFMT) != S_IFREG)
		return 0;
	rec = reserve(&open_ring, REC_OPEN, sizeof(*rec));
	if (!rec)
		return 0;
	fill_head(&rec->head, REC_OPEN, sizeof(*rec), task);
	rec->ino = BPF_CORE_READ(inode, i_ino);
	rec->dev = BPF_CORE_READ(inode, i_sb, s_dev);
	rec->generation = BPF_CORE_READ(inode, i_generation);
	rec->mode = mode;	/* FMODE_READ and FMODE_WRITE have these numbers, include/linux/fs.h */
	rec->pad = 0;
	bpf_ringbuf_submit(rec, wake_flag());
	return 0;
}

SEC("tracepoint/syscalls/sys_exit_open")
int on_sys_open(struct exit_args *ctx)
{
	return on_open(ctx);
}

SEC("tracepoint/syscalls/sys_exit_openat")
int on_sys_openat(struct exit_args *ctx)
{
	return on_open(ctx);
}

SEC("tracepoint/syscalls/sys_exit_openat2")
int on_sys_openat2(struct exit_args *ctx)
{
	return on_open(ctx);
}

SEC("tracepoint/syscalls/sys_exit_creat")
int on_sys_creat(struct exit_args *ctx)
{
	return on_open(ctx);
}

SEC("tracepoint/syscalls/sys_exit_open_by_handle_at")
int on_sys_open_by_handle_at(struct exit_args *ctx)
{
	return on_open(ctx);
}
