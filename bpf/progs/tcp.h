/* SPDX-License-Identifier: MIT OR Apache-2.0 OR GPL-2.0-only
 *
 * TCP connections of the leaf, as their states change: the kernel counts for them. Used by net.bpf.c.
 */
#ifndef AUDIT_TCP_H
#define AUDIT_TCP_H

#include "socket.h"

/* From here on the kernel counts for this connection. */
INLINE void begin(struct state *state, u64 cookie, struct bpf_sock *sk, u32 established,
		  struct net_ends *ends, struct owner *owner)
{
	u64 tcp = (u64)bpf_skc_to_tcp_sock(sk);

	ends_of(sk, ends);
	bpf_spin_lock(&state->lock);
	if (state->tcp != tcp)
		state->totals = (struct totals){};
	state->tcp = tcp;
	state->cookie = cookie;
	state->ends = *ends;
	state->established = established;
	state->connecting = 0;
	*owner = state->owner;
	bpf_spin_unlock(&state->lock);
}

/* `kind` is 0 for a connection that only begins: CONNECT told of it. */
INLINE void on_begin(struct bpf_sock_ops *ctx, struct bpf_sock *sk, u32 kind, u32 flags)
{
	struct state *state = state_of(sk);
	u64 cookie = bpf_get_socket_cookie(ctx);
	struct net_ends ends = {};
	struct owner owner = {};

	if (!state)
		return;
	begin(state, cookie, sk, kind != 0, &ends, &owner);
	if (kind)
		send_sock(kind, cookie, &owner, &ends, flags, 0);
}

INLINE void on_close(struct bpf_sock *sk)
{
	struct state *state = bpf_sk_storage_get(&sockets, sk, 0, 0);
	struct taken taken = {};
	struct totals now = {};
	u32 established, error;

	if (!state || !state->tcp)
		return;
	tcp_totals(state->tcp, &now);
	error = error_of(state->tcp);
	bpf_spin_lock(&state->lock);
	take(state, &taken, &now);
	established = state->established;
	state->established = 0;
	state->tcp = 0;
	bpf_spin_unlock(&state->lock);
	send_flow(&taken, FLOW_CLOSED);
	send_sock(REC_CLOSED, taken.cookie, &taken.owner, &taken.ends,
		  established ? 0 : SOCK_NEVER_ESTABLISHED, error);
}

/* Who makes a socket listen owns what it accepts. */
INLINE void on_listen(struct bpf_sock_ops *ctx, struct bpf_sock *sk)
{
	struct state *state = state_of(sk);
	u64 cookie = bpf_get_socket_cookie(ctx);
	struct net_ends ends = {};
	struct owner owner;

	if (!state)
		return;
	current_owner(&owner);
	bpf_spin_lock(&state->lock);
	state->cookie = cookie;
	state->owner = owner;
	bpf_spin_unlock(&state->lock);
	ends_of(sk, &ends);
	send_sock(REC_LISTEN, cookie, &owner, &ends, 0, 0);
}

#endif
