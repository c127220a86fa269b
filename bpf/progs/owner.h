/* SPDX-License-Identifier: MIT OR Apache-2.0 OR GPL-2.0-only
 *
 * Whether a task has rights that the run's owner has not: what it does is held back from a record that
 * the owner reads. The rule is that of the kernel for looking into another process, as far as ids and
 * capabilities go (kernel/ptrace.c, __ptrace_may_access; security/commoncap.c, cap_ptrace_access_check).
 * Two things differ. PR_SET_DUMPABLE does not count: any program could hide behind it. A group counts
 * as the owner's own if the owner is in it, since newgrp(1) leads there.
 */
#ifndef AUDIT_OWNER_H
#define AUDIT_OWNER_H

#include "common.h"

/* Set by the loader: 0 when root records, who may know everything. */
const volatile u32 hold_back = 0;

/* Set by the loader: whose the record is. Of more groups the rest count as somebody else's. */
#define OWNER_GROUPS 32
const volatile u32 owner_uid = 0;
const volatile u32 owner_groups[OWNER_GROUPS] = {};
const volatile u32 owner_group_count = 0;
const volatile u64 owner_caps = 0;
const volatile u32 owner_ns = 0;	/* inode of the user namespace */

#define MAX_USER_NS_LEVEL 33	/* kernel/user_namespace.c, create_user_ns: level > 32 is refused */

/* The order of struct cred, include/linux/cred.h. */
struct ids {
	u32 uid;
	u32 gid;
	u32 suid;
	u32 sgid;
	u32 euid;
	u32 egid;
	u32 fsuid;
	u32 fsgid;
};

INLINE bool is_owners_group(u32 gid)
{
	u32 i;

	for (i = 0; i < OWNER_GROUPS; i++)
		if (i < owner_group_count && owner_groups[i] == gid)
			return true;
	return false;
}

/* Not inlined: many ask. */
static __noinline bool are_owners_groups(const struct ids *ids)
{
	return is_owners_group(ids->gid) && is_owners_group(ids->sgid) &&
	       is_owners_group(ids->egid) && is_owners_group(ids->fsgid);
}

/* Below a namespace that the owner made the owner may do anything (security/commoncap.c, cap_capable). */
static __noinline bool is_owners_namespace(struct user_namespace *ns)
{
	struct user_namespace *up;
	int i;

	for (i = 0; i < MAX_USER_NS_LEVEL && ns; i++) {
		up = BPF_CORE_READ(ns, parent);
		if (up && BPF_CORE_READ(up, ns.inum) == owner_ns)
			return BPF_CORE_READ(ns, owner.val) == owner_uid;
		ns = up;
	}
	return false;
}

/* Whether this task's credentials go beyond the owner's. */
static __noinline bool is_beyond_owner(struct task_struct *task)
{
	const struct cred *cred = BPF_CORE_READ(task, real_cred);
	struct user_namespace *ns = BPF_CORE_READ(cred, user_ns);
	u64 permitted = 0;
	struct ids ids = {};

	if (!cred || !ns)
		return true;
	if (BPF_CORE_READ(ns, ns.inum) != owner_ns)
		return !is_owners_namespace(ns);
	/* u32[2] before 6.3, u64 since: the same bytes on the machines that we build for */
	if (bpf_core_read(&permitted, sizeof(permitted), &cred->cap_permitted) ||
	    bpf_core_read(&ids, sizeof(ids), &cred->uid))
		return true;
	return ids.uid != owner_uid || ids.suid != owner_uid || ids.euid != owner_uid ||
	       ids.fsuid != owner_uid || (permitted & ~owner_caps) || !are_owners_groups(&ids);
}

#endif
