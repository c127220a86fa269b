/* SPDX-License-Identifier: MIT OR Apache-2.0 OR GPL-2.0-only
 *
 * Whether a cgroup is the leaf or below it, for tasks that do not run now and for sockets.
 */
#ifndef AUDIT_LEAF_H
#define AUDIT_LEAF_H

#include "common.h"

/* Set by the loader: kernfs id of the leaf, as fstat(2) tells it. */
const volatile u64 leaf_id = 0;

/* Cgroups nest at most this deep below the leaf here; deeper ones count as outside (the kernel itself
 * has no limit: cgroup.max.depth). */
#define MAX_NESTING 16

/* The pointer goes up through `self`, the first member, because aya 0.14 refuses to relocate an index
 * into cgroup->ancestors[]. */
INLINE bool below_leaf(struct cgroup *group)
{
	int i;

	for (i = 0; i < MAX_NESTING && group; i++) {
		if (BPF_CORE_READ(group, kn, id) == leaf_id)
			return true;
		group = (struct cgroup *)BPF_CORE_READ(group, self.parent);
	}
	return false;
}

#endif
