/* SPDX-License-Identifier: MIT OR Apache-2.0 OR GPL-2.0-only
 *
 * Which call it was and what its arguments were, from the registers that the kernel saved when it
 * was entered: nobody but a tracer can change them.
 */
#ifndef AUDIT_CALL_ARGS_H
#define AUDIT_CALL_ARGS_H

#include "common.h"

#if defined(__TARGET_ARCH_arm64)
INLINE u64 number_of_call(struct pt_regs *regs)
{
	return (u32)regs->syscallno;
}

/* regs[0] is the result by now. */
INLINE u64 argument(struct pt_regs *regs, u32 at, bool compat)
{
	return at ? BPF_CORE_READ(regs, regs[at]) : BPF_CORE_READ(regs, orig_x0);
}
#else
/* Followed, not read: it is done for each call of the machine, and a helper costs as much as the rest of it. */
INLINE u64 number_of_call(struct pt_regs *regs)
{
	return regs->orig_ax;
}

INLINE u64 native_argument(struct pt_regs *regs, u32 at)
{
	switch (at) {
	case 0:
		return regs->di;
	case 1:
		return regs->si;
	case 2:
		return regs->dx;
	case 3:
		return regs->r10;
	case 4:
		return regs->r8;
	}
	return regs->r9;
}

INLINE u64 compat_argument(struct pt_regs *regs, u32 at)
{
	switch (at) {
	case 0:
		return regs->bx;
	case 1:
		return regs->cx;
	case 2:
		return regs->dx;
	case 3:
		return regs->si;
	case 4:
		return regs->di;
	}
	return regs->bp;
}

INLINE u64 argument(struct pt_regs *regs, u32 at, bool compat)
{
	return compat ? (u32)compat_argument(regs, at) : native_argument(regs, at);
}
#endif

/* A call as calls.bpf.c meets it. */
struct call {
	struct pt_regs *regs;
	u32 look;
	bool compat;		/* made by the 32-bit ABI */
};

INLINE u64 argument_of(struct call *call, u32 at)
{
	struct pt_regs *regs = call->regs;

	return argument(regs, at, call->compat);
}

/* The call that the current task is in, for a function that looks for itself. */
INLINE struct call call_of(u32 look, u32 compat)
{
	struct task_struct *task = bpf_get_current_task_btf();
	struct call call = { .look = look, .compat = compat };

	call.regs = (struct pt_regs *)bpf_task_pt_regs(task);
	return call;
}

#endif
