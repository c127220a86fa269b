/* SPDX-License-Identifier: MIT OR Apache-2.0 OR GPL-2.0-only
 *
 * System calls of the run that nothing below them tells of: how often files are opened, and calls
 * that are rare. One program at the exit of all system calls, which asks a table first: each call of
 * every process of the machine pays about 40 ns for it while a run is recorded
 * (docs/decisions/0003-one-program-for-all-calls.md).
 *
 * Programs at the entry, at exec and at exit look at files before they are gone.
 *
 * What goes into a record is what the call made (the file behind the descriptor that it returned)
 * or its arguments in registers, which nobody can change meanwhile. A string in the caller's memory
 * is only what the caller says, and is marked so.
 */
#include "call_args.h"
#include "call_numbers.h"
#include "connect.h"
#include "cred.h"
#include "inherited.h"
#include "passed.h"
#include "rare.h"
#include "uses.h"

#if defined(__TARGET_ARCH_arm64)
#define compat_calls native_calls
#define compat_entries native_entries

INLINE struct call look_at(struct pt_regs *regs, u64 nr, const u8 *native, const u8 *compat)
{
	struct call call = { .regs = regs };

	if (nr < CALL_NUMBERS)
		call.look = native[nr];
	return call;
}
#else
#define TS_COMPAT 2	/* arch/x86/include/asm/thread_info.h */

INLINE struct call look_at(struct pt_regs *regs, u64 nr, const u8 *native, const u8 *compat)
{
	struct task_struct *task = bpf_get_current_task_btf();
	struct call call = { .regs = regs };

	if (nr >= CALL_NUMBERS || !(native[nr] | compat[nr]))
		return call;
	call.compat = task->thread_info.status & TS_COMPAT;
	call.look = call.compat ? compat[nr] : native[nr];
	return call;
}
#endif

/* A call of a process that is held back: only the credentials that it leaves are told. Sends and mappings
 * are not even counted, for few of them would be told. */
APART int on_held(u32 look, s64 ret)
{
	switch (look) {
	case LOOK_CRED:
	case RARE(UNSHARE):
	case RARE(SETNS):
		on_cred();
	}
	/* Nearly all of ioctl is of no interest. */
	if (look & LOOK_RARE && look != RARE(IOCTL))
		count(REC_CALL, COUNT_HELD);
	switch (look) {
	case LOOK_OPEN:
	case LOOK_OPENAT:
	case LOOK_CREAT:
	case LOOK_OPENAT2:
	case LOOK_OPEN_HANDLE:
		count(ret < 0 ? REC_FAILED : REC_OPEN, COUNT_HELD);
		break;
	case LOOK_CONNECT:
		forget_begun();
		/* fall through */
	case LOOK_ACCEPT:
		count(REC_UNIX, COUNT_HELD);
		break;
	case LOOK_SOCKET:
	case LOOK_BIND:
		count(REC_ODD, COUNT_HELD);
	}
	return 0;
}

SEC("tp_btf/sys_exit")
int BPF_PROG(on_sys_exit, struct pt_regs *regs, s64 ret)
{
	struct call call = look_at(regs, number_of_call(regs), native_calls, compat_calls);

	if (call.look == LOOK_NOT || (is_transfer(call.look) && !some_inherited()) ||
	    (call.look == LOOK_FCNTL && argument_of(&call, 1) != F_SETFL) || !current_in_run())
		return 0;
	/* Of files that the caller's own shell had opened. */
	if (is_transfer(call.look))
		return on_transfer(call.look, call.compat, ret);
	if (is_held(bpf_get_current_task_btf()))
		return on_held(call.look, ret);
	if (call.look == RARE(UNSHARE) || call.look == RARE(SETNS))
		on_cred();
	if (call.look & LOOK_RARE)
		return on_rare_call(call.look & ~LOOK_RARE, call.compat, ret);
	switch (call.look) {
	case LOOK_OPEN:
	case LOOK_OPENAT:
	case LOOK_CREAT:
	case LOOK_OPENAT2:
	case LOOK_OPEN_HANDLE:
		return on_open(call.look, call.compat, ret);
	case LOOK_EXEC:
		return ret < 0 ? on_failed(ret, AT_FDCWD, argument_of(&call, 0), 0, true) : 0;
	case LOOK_EXECAT:
		return ret < 0 ? on_failed(ret, argument_of(&call, 0), argument_of(&call, 1), 0, true) : 0;
	case LOOK_MAP:
		return on_map(call.look, call.compat, ret);
	case LOOK_FCNTL:
		return on_fcntl(call.look, call.compat, ret);
	case LOOK_CRED:
		return on_cred();
	case LOOK_SOCKETCALL:
		if (argument(regs, 0, call.compat) == SOCKETCALL_SOCKET)
			return on_made(ret);
		if (receives(argument(regs, 0, call.compat)))
			return on_received_files(-1);
		return on_socketcall(ret);
	case LOOK_RECEIVE:
		return on_received_files(argument_of(&call, 0));
	case LOOK_SOCKET:
		return on_made(ret);
	case LOOK_BIND:
		return on_bind(argument(regs, 0, call.compat), ret);
	case LOOK_CONNECT:
	case LOOK_ACCEPT:
	case LOOK_SEND:
	case LOOK_MESSAGE:
	case LOOK_MESSAGES:
		return on_socket(call.look, call.compat, ret);
	}
	return 0;
}

SEC("tp_btf/sched_process_exec")
int BPF_PROG(on_program, struct task_struct *task)
{
	return current_in_run() ? on_begin(task) : 0;
}

SEC("tp_btf/sys_enter")
int BPF_PROG(on_sys_enter, struct pt_regs *regs, s64 nr)
{
	struct call call = look_at(regs, nr, native_entries, compat_entries);

	if (call.look == LOOK_NOT || !current_in_run() || is_held(bpf_get_current_task_btf()))
		return 0;
	switch (call.look) {
	case LOOK_CLOSE:
		return on_close(argument_of(&call, 0));
	case LOOK_DUP:
		return on_dup(argument_of(&call, 0), argument_of(&call, 1));
	case LOOK_CLOSE_RANGE:
		return on_close_range(argument_of(&call, 0), argument_of(&call, 1), argument_of(&call, 2));
	case LOOK_MESSAGE:
	case LOOK_MESSAGES:
		return on_sending(&call);
	}
	return 0;
}

/* Before the process gives its descriptors back (kernel/exit.c, do_exit). */
SEC("tp_btf/sched_process_exit")
int BPF_PROG(on_end, struct task_struct *task)
{
	if (count_opens && current_in_run() && !is_held(task) && is_alone(task))
		all_leave(task, false, 0, -1);
	return 0;
}

/* Before exec closes what is close-on-exec; from here on it succeeds or kills (fs/exec.c,
 * begin_new_exec). The tracepoint came with 6.10. */
SEC("tp_btf/sched_prepare_exec")
int BPF_PROG(on_prepare_exec, struct task_struct *task)
{
	if (count_opens && current_in_run() && !is_held(task) && is_alone(task))
		all_leave(task, true, 0, -1);
	return 0;
}

/* Bytes of a packet or message are copied to who receives it, of any family. */
SEC("tp_btf/skb_copy_datagram_iovec")
int BPF_PROG(on_copied, const struct sk_buff *skb, int len)
{
	struct sock *from = BPF_CORE_READ(skb, sk);

	if (!from || BPF_CORE_READ(from, __sk_common.skc_family) != AF_UNIX)
		return 0;
	return on_message(skb, from);
}

/* New namespaces at birth: clone(2) has flags in a register, clone3(2) in the caller's memory, which
 * may say something else by now. The child itself tells. */
SEC("tp_btf/sched_process_fork")
int BPF_PROG(on_birth, struct task_struct *parent, struct task_struct *child)
{
	if (!current_in_run() || is_held(parent))
		return 0;
	return on_new_namespaces(parent, child);
}

/* In whoever makes a cgroup; `path` is the kernel's, within its hierarchy. */
SEC("tp_btf/cgroup_mkdir")
int BPF_PROG(on_cgroup, struct cgroup *cgroup, const char *path)
{
	if (!current_in_run() || is_held(bpf_get_current_task_btf()))
		return 0;
	return on_cgroup_made(cgroup, path);
}
