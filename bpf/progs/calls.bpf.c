/* SPDX-License-Identifier: MIT OR Apache-2.0 OR GPL-2.0-only
 *
 * System calls of the run that nothing below them tells of: how often files are opened, and calls
 * that are rare. One program at the exit of all system calls, which asks a table first: each call of
 * every process of the machine pays about 40 ns for it while a run is recorded
 * (docs/decisions/0003-one-program-for-all-calls.md).
 *
 * What goes into a record is what the call made (the file behind the descriptor that it returned)
 * or its arguments in registers, which nobody can change meanwhile. A string in the caller's memory
 * is only what the caller says, and is marked so.
 */
#include "call_args.h"
#include "call_numbers.h"
#include "connect.h"
#include "cred.h"
#include "opens.h"
#include "rare.h"
#include "unix.h"

struct call {
	u32 look;
	bool compat;		/* made by the 32-bit ABI */
};

#if defined(__TARGET_ARCH_arm64)
INLINE struct call look_at(struct pt_regs *regs)
{
	struct call call = {};
	u64 nr = number_of_call(regs);

	if (nr < CALL_NUMBERS)
		call.look = native_calls[nr];
	return call;
}
#else
#define TS_COMPAT 2	/* arch/x86/include/asm/thread_info.h */

INLINE struct call look_at(struct pt_regs *regs)
{
	struct task_struct *task = bpf_get_current_task_btf();
	struct call call = {};
	u64 nr = number_of_call(regs);

	if (nr >= CALL_NUMBERS || !(native_calls[nr] | compat_calls[nr]))
		return call;
	call.compat = BPF_CORE_READ(task, thread_info.status) & TS_COMPAT;
	call.look = call.compat ? compat_calls[nr] : native_calls[nr];
	return call;
}
#endif

SEC("tp_btf/sys_exit")
int BPF_PROG(on_sys_exit, struct pt_regs *regs, s64 ret)
{
	struct call call = look_at(regs);

	if (call.look == LOOK_NOT || !current_in_run())
		return 0;
	if (call.look == RARE(UNSHARE) || call.look == RARE(SETNS))
		on_cred();
	if (call.look & LOOK_RARE)
		return on_rare_call(regs, ret, call.look & ~LOOK_RARE, call.compat);
	switch (call.look) {
	case LOOK_OPEN:
		return on_open(ret);
	case LOOK_CRED:
		return on_cred();
	case LOOK_SOCKETCALL:
		if (argument(regs, 0, call.compat) == SOCKETCALL_SOCKET)
			return on_made(ret);
		return on_socketcall(regs, ret);
	case LOOK_SOCKET:
		return on_made(ret);
	case LOOK_BIND:
		return on_bind(argument(regs, 0, call.compat), ret);
	case LOOK_CONNECT:
	case LOOK_ACCEPT:
	case LOOK_SEND:
	case LOOK_MESSAGE:
	case LOOK_MESSAGES:
		return on_socket(call.look, regs, ret, call.compat);
	}
	return 0;
}

/* New namespaces at birth: clone(2) has flags in a register, clone3(2) in the caller's memory, which
 * may say something else by now. The child itself tells. */
SEC("tp_btf/sched_process_fork")
int BPF_PROG(on_birth, struct task_struct *parent, struct task_struct *child)
{
	if (!current_in_run())
		return 0;
	return on_new_namespaces(parent, child);
}

/* In whoever makes a cgroup; `path` is the kernel's, within its hierarchy. */
SEC("tp_btf/cgroup_mkdir")
int BPF_PROG(on_cgroup, struct cgroup *cgroup, const char *path)
{
	if (!current_in_run())
		return 0;
	return on_cgroup_made(cgroup, path);
}
