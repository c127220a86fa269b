/* SPDX-License-Identifier: MIT OR Apache-2.0 OR GPL-2.0-only
 *
 * Changes of credentials between execs: set*id, setgroups, capset, and another user namespace, which
 * comes with capabilities. A record has what came of the call, not what was asked for. Used by
 * calls.bpf.c.
 */
#ifndef AUDIT_CRED_H
#define AUDIT_CRED_H

#include "call_ring.h"

/* A task that changes more often than anyone needs to is a flood: what follows leaves room to others. */
#define RARE_CHANGES 64

/* setfsuid and setfsgid never tell whether they did anything, so the credentials are compared with
 * those that the record has. Without a mark (no memory, or maps that are not shared) all is told. */
APART int on_cred(void)
{
	struct task_struct *task = bpf_get_current_task_btf();
	struct mark *mark = bpf_task_storage_get(&tracked, task, 0, 0);
	bool flood = mark && mark->changes >= RARE_CHANGES;
	struct rec_cred *rec;
	struct creds now;

	fill_creds(task, &now);
	if (mark && same_creds(&now, &mark->told))
		return 0;
	if (flood)
		rec = reserve_bulk(REC_CRED, sizeof(*rec));
	else
		rec = reserve_rare(REC_CRED, sizeof(*rec));
	if (!rec)
		return 0;
	fill_own_head(&rec->head, REC_CRED, sizeof(*rec));
	rec->now = now;
	if (mark) {
		mark->told = now;
		mark->changes++;
	}
	bpf_ringbuf_submit(rec, flood ? bulk_flag(sizeof(*rec)) : wake_flag(false));
	return 0;
}

#endif
