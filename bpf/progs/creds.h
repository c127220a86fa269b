/* SPDX-License-Identifier: MIT OR Apache-2.0 OR GPL-2.0-only
 *
 * As whom a task acts: its credentials as the kernel has them.
 */
#ifndef AUDIT_CREDS_H
#define AUDIT_CREDS_H

#include "common.h"

INLINE void fill_groups(const struct cred *cred, struct creds *creds)
{
	struct group_info *info = BPF_CORE_READ(cred, group_info);
	u32 count = BPF_CORE_READ(info, ngroups);
	u32 kept = count < CRED_GROUPS ? count : CRED_GROUPS;
	void *gids = (void *)info + bpf_core_field_offset(struct group_info, gid);

	creds->group_count = count;
	__builtin_memset(creds->groups, 0, sizeof(creds->groups));
	bpf_probe_read_kernel(creds->groups, kept * sizeof(u32), gids);
}

INLINE void fill_creds(struct task_struct *task, struct creds *creds)
{
	const struct cred *cred = BPF_CORE_READ(task, cred);

	/* u32[2] before 6.3, u64 since: the same bytes on the machines that we build for */
	bpf_core_read(&creds->cap_effective, sizeof(u64), &cred->cap_effective);
	bpf_core_read(&creds->cap_permitted, sizeof(u64), &cred->cap_permitted);
	creds->uid = BPF_CORE_READ(cred, uid.val);
	creds->gid = BPF_CORE_READ(cred, gid.val);
	creds->euid = BPF_CORE_READ(cred, euid.val);
	creds->egid = BPF_CORE_READ(cred, egid.val);
	creds->suid = BPF_CORE_READ(cred, suid.val);
	creds->sgid = BPF_CORE_READ(cred, sgid.val);
	creds->fsuid = BPF_CORE_READ(cred, fsuid.val);
	creds->fsgid = BPF_CORE_READ(cred, fsgid.val);
	creds->pad = 0;
	fill_groups(cred, creds);
}

/* Both are filled by fill_creds, pads included. Of more groups than are told the rest may differ:
 * those are never the same. */
INLINE bool same_creds(const struct creds *one, const struct creds *other)
{
	const u64 *a = (const void *)one, *b = (const void *)other;
	u64 differ = one->group_count > CRED_GROUPS;
	u32 i;

#pragma unroll
	for (i = 0; i < sizeof(*one) / sizeof(u64); i++)
		differ |= a[i] ^ b[i];
	return !differ;
}

#endif
