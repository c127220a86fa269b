/* SPDX-License-Identifier: MIT OR Apache-2.0 OR GPL-2.0-only
 *
 * Whom a socket speaks to: named by connect(2) or sendmsg(2), or by a packet. Used by net.bpf.c.
 */
#ifndef AUDIT_PEERS_H
#define AUDIT_PEERS_H

#include "packet.h"

INLINE u16 proto_of(struct bpf_sock *sk)
{
	return sk->protocol | (sk->type == SOCK_TYPE_RAW ? NET_RAW : 0);
}

/* Whether a packet goes to another peer than the one before; remembers it. Call with the lock held. */
INLINE bool is_new_peer(struct state *state, const struct net_ends *ends)
{
	const u64 *addr = (const u64 *)ends->peer;
	struct peer *last = &state->last_sent;
	bool other = last->addr[0] != addr[0] || last->addr[1] != addr[1] ||
		     last->port != ends->peer_port;

	last->addr[0] = addr[0];
	last->addr[1] = addr[1];
	last->port = ends->peer_port;
	return other;
}

/* A call that names a peer makes the caller the owner. Returns whether the peer is another than
 * that of the last REC_SEND. */
INLINE bool name_peer(struct state *state, u64 cookie, const struct owner *owner,
		      const struct net_ends *ends, bool connecting)
{
	bool other;

	bpf_spin_lock(&state->lock);
	state->cookie = cookie;
	state->owner = *owner;
	state->connecting = connecting;
	other = is_new_peer(state, ends);
	bpf_spin_unlock(&state->lock);
	return other;
}

/* connect(2) and sendmsg(2) with an address: `kind` says which. The local end is not chosen yet,
 * unless the socket was bound. */
INLINE int on_named(struct bpf_sock_addr *ctx, struct net_ends *ends, u32 kind)
{
	struct bpf_sock *sk = ctx->sk;
	struct state *state;
	struct owner owner;
	bool connecting;
	u64 cookie;

	if (!sk)
		return ALLOW;
	state = state_of(sk);
	if (!state)
		return ALLOW;
	ends->family = sk->family;
	ends->proto = proto_of(sk);
	ends->peer_port = bpf_ntohs(ctx->user_port);
	ends->local_port = sk->src_port;
	cookie = bpf_get_socket_cookie(ctx);
	current_owner(&owner);
	connecting = kind == REC_CONNECT && ends->proto == NET_TCP;
	if (name_peer(state, cookie, &owner, ends, connecting) || kind == REC_CONNECT)
		send_sock(kind, cookie, &owner, ends, 0, 0);
	return ALLOW;
}

INLINE int on_named4(struct bpf_sock_addr *ctx, u32 kind)
{
	struct net_ends ends = {};
	struct bpf_sock *sk = ctx->sk;

	put_v4(ends.peer, ctx->user_ip4);
	put_v4(ends.local, sk ? sk->src_ip4 : 0);
	return on_named(ctx, &ends, kind);
}

INLINE int on_named6(struct bpf_sock_addr *ctx, u32 kind)
{
	struct net_ends ends = {};
	struct bpf_sock *sk = ctx->sk;

	put_v6(ends.peer, LOAD4(ctx->user_ip6));
	if (sk)
		put_v6(ends.local, LOAD4(sk->src_ip6));
	return on_named(ctx, &ends, kind);
}

#endif
