/* SPDX-License-Identifier: MIT OR Apache-2.0 OR GPL-2.0-only
 *
 * Sockets of the leaf: who connects where, with what result, and how much flows. Cgroup programs
 * run for sockets that were created in the leaf, whoever uses them, and for no others. They always
 * allow: 1 is the verdict "go on" of each of these program types.
 *
 * A process that leaves the leaf keeps its sockets observed; those that it creates later are not
 * seen (REC_LEFT says that there is such a process).
 */
#include "packet.h"

#define ALLOW 1

/* TCP states, include/net/tcp_states.h */
enum {
	STATE_SYN_SENT = 2,
	STATE_CLOSE = 7,
	STATE_LISTEN = 10,
};

SEC("cgroup/sock_create")
int on_create(struct bpf_sock *sk)
{
	struct state *state;
	struct owner owner;

	if (sk->family != AF_INET && sk->family != AF_INET6)
		return ALLOW;
	state = state_of(sk);
	if (!state)
		return ALLOW;
	current_owner(&owner);
	bpf_spin_lock(&state->lock);
	state->owner = owner;
	bpf_spin_unlock(&state->lock);
	return ALLOW;
}

/* A call that names a peer makes the caller the owner. Returns whether the peer is another than
 * that of the last REC_SEND, and remembers it. */
INLINE bool name_peer(struct state *state, u64 cookie, const struct owner *owner,
		      const struct net_ends *ends)
{
	const u64 *addr = (const u64 *)ends->peer;
	struct peer *last = &state->last_sent;
	bool other;

	bpf_spin_lock(&state->lock);
	state->cookie = cookie;
	state->owner = *owner;
	other = last->addr[0] != addr[0] || last->addr[1] != addr[1] ||
		last->port != ends->peer_port;
	last->addr[0] = addr[0];
	last->addr[1] = addr[1];
	last->port = ends->peer_port;
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
	u64 cookie;

	if (!sk || (ctx->protocol != NET_TCP && ctx->protocol != NET_UDP))
		return ALLOW;
	state = state_of(sk);
	if (!state)
		return ALLOW;
	ends->family = sk->family;
	ends->proto = ctx->protocol;
	ends->peer_port = bpf_ntohs(ctx->user_port);
	ends->local_port = sk->src_port;
	cookie = bpf_get_socket_cookie(ctx);
	current_owner(&owner);
	if (name_peer(state, cookie, &owner, ends) || kind == REC_CONNECT)
		send_sock(kind, cookie, &owner, ends, 0);
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

SEC("cgroup/connect4")
int on_connect4(struct bpf_sock_addr *ctx)
{
	return on_named4(ctx, REC_CONNECT);
}

SEC("cgroup/connect6")
int on_connect6(struct bpf_sock_addr *ctx)
{
	return on_named6(ctx, REC_CONNECT);
}

SEC("cgroup/sendmsg4")
int on_sendmsg4(struct bpf_sock_addr *ctx)
{
	return on_named4(ctx, REC_SEND);
}

SEC("cgroup/sendmsg6")
int on_sendmsg6(struct bpf_sock_addr *ctx)
{
	return on_named6(ctx, REC_SEND);
}

/* The first packet of an accepted socket finds the listener's totals. They are its own if the
 * listener got them from its peer: the handshake, with data if the client sent any early. */
INLINE void inherit(struct state *state, u64 cookie, const struct net_ends *ends)
{
	if (state->cookie && state->cookie != cookie && !same_peer(&state->ends, ends))
		state->totals = (struct totals){};
	state->cookie = cookie;
}

/* Adds one packet. What the slot held for another peer goes out first, except a listener's: that
 * is of connections which have their own state. */
INLINE int add(struct __sk_buff *skb, bool out)
{
	struct bpf_sock *sk = skb->sk ? bpf_sk_fullsock(skb->sk) : 0;
	struct packet packet = {};
	struct taken taken = {};
	struct state *state;
	u64 cookie;

	if (!sk || (sk->protocol != NET_TCP && sk->protocol != NET_UDP) ||
	    !read_packet(skb, sk, &packet, out))
		return ALLOW;
	state = state_of(sk);
	if (!state)
		return ALLOW;
	cookie = bpf_get_socket_cookie(skb);
	bpf_spin_lock(&state->lock);
	inherit(state, cookie, &packet.ends);
	if (!same_peer(&state->ends, &packet.ends))
		take(state, &taken);
	state->ends = packet.ends;
	if (out) {
		state->totals.sent_bytes += packet.payload;
		state->totals.sent_packets++;
	} else {
		state->totals.received_bytes += packet.payload;
		state->totals.received_packets++;
	}
	bpf_spin_unlock(&state->lock);
	if (sk->protocol == NET_UDP)
		send_flow(&taken, FLOW_PEER_CHANGED);
	return ALLOW;
}

SEC("cgroup_skb/egress")
int on_egress(struct __sk_buff *skb)
{
	return add(skb, true);
}

SEC("cgroup_skb/ingress")
int on_ingress(struct __sk_buff *skb)
{
	return add(skb, false);
}

/* Sends what is left. Data of a closed TCP socket may still be on its way: on_tcp sends that. */
SEC("cgroup/sock_release")
int on_release(struct bpf_sock *sk)
{
	struct state *state = bpf_sk_storage_get(&sockets, sk, 0, 0);
	struct taken taken = {};

	if (!state || sk->state == STATE_LISTEN)
		return ALLOW;
	bpf_spin_lock(&state->lock);
	take(state, &taken);
	bpf_spin_unlock(&state->lock);
	send_flow(&taken, FLOW_RELEASED);
	return ALLOW;
}

INLINE void on_handshake(struct bpf_sock_ops *ctx, struct bpf_sock *sk, u32 kind, u32 flags)
{
	struct state *state = state_of(sk);
	struct net_ends ends = {};
	struct owner owner;
	u64 cookie = bpf_get_socket_cookie(ctx);

	if (!state)
		return;
	ends_of(sk, &ends);
	bpf_spin_lock(&state->lock);
	inherit(state, cookie, &ends);
	state->ends = ends;
	state->established = 1;
	owner = state->owner;
	bpf_spin_unlock(&state->lock);
	send_sock(kind, cookie, &owner, &ends, flags);
}

INLINE void on_close(struct bpf_sock_ops *ctx, struct bpf_sock *sk)
{
	struct state *state = bpf_sk_storage_get(&sockets, sk, 0, 0);
	struct taken taken = {};
	struct net_ends ends = {};
	u32 established;

	if (!state)
		return;
	ends_of(sk, &ends);
	bpf_spin_lock(&state->lock);
	take(state, &taken);
	established = state->established;
	state->established = 0;
	bpf_spin_unlock(&state->lock);
	send_flow(&taken, FLOW_CLOSED);
	send_sock(REC_CLOSED, bpf_get_socket_cookie(ctx), &taken.owner, &ends,
		  established ? 0 : SOCK_NEVER_ESTABLISHED);
}

/* State changes are told only to sockets that ask: at connect(2) and when a handshake ends, so
 * that listeners do not. The verdict of this type is the reply, and 1 replies nothing. */
SEC("sockops")
int on_tcp(struct bpf_sock_ops *ctx)
{
	struct bpf_sock *sk = ctx->sk;

	if (!sk)
		return ALLOW;
	switch (ctx->op) {
	case BPF_SOCK_OPS_TCP_CONNECT_CB:
		bpf_sock_ops_cb_flags_set(ctx, BPF_SOCK_OPS_STATE_CB_FLAG);
		break;
	case BPF_SOCK_OPS_ACTIVE_ESTABLISHED_CB:
		on_handshake(ctx, sk, REC_ESTABLISHED, 0);
		break;
	case BPF_SOCK_OPS_PASSIVE_ESTABLISHED_CB:
		bpf_sock_ops_cb_flags_set(ctx, BPF_SOCK_OPS_STATE_CB_FLAG);
		on_handshake(ctx, sk, REC_ACCEPTED, SOCK_OWNER_LISTENER);
		break;
	case BPF_SOCK_OPS_STATE_CB:
		if (ctx->args[1] == STATE_CLOSE)
			on_close(ctx, sk);
		break;
	}
	return ALLOW;
}
