/* SPDX-License-Identifier: MIT OR Apache-2.0 OR GPL-2.0-only
 *
 * Sockets of the leaf: who connects where, with what result, and how much flows. Cgroup programs
 * run for sockets that were created in the leaf, whoever uses them, and for no others. They always
 * allow: 1 is the verdict "go on" of each of these program types.
 *
 * A process that leaves the leaf keeps its sockets observed; those that it creates later are seen
 * where they are used (foreign.h), as are those that were made before the run.
 */
#include "foreign.h"
#include "outsider.h"
#include "packet.h"
#include "peers.h"
#include "tcp.h"

/* include/net/tcp_states.h */
#define STATE_ESTABLISHED 1
#define STATE_SYN_SENT 2
#define STATE_CLOSE 7

/* Raw and ping sockets, SCTP, MPTCP: rare, and to know of one is to know what packets may follow. */
INLINE void tell_socket(struct bpf_sock *sk, const struct owner *owner)
{
	struct rec_odd *rec;

	if (holds_back(owner, REC_SOCKET))
		return;
	rec = reserve(&net_ring, REC_SOCKET, sizeof(*rec));
	if (!rec)
		return;
	owner_head(&rec->head, REC_SOCKET, sizeof(*rec), owner);
	rec->cookie = bpf_get_socket_cookie(sk);
	rec->call = ODD_SOCKET;
	rec->error = 0;
	rec->address[0] = 0;
	rec->address[1] = 0;
	rec->family = sk->family;
	rec->sock_type = sk->type;
	rec->proto = sk->protocol;
	rec->pad = 0;
	bpf_ringbuf_submit(rec, wake_flag(false));
}

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
	if (sk->type == SOCK_TYPE_RAW || (sk->protocol != NET_TCP && sk->protocol != NET_UDP))
		tell_socket(sk, &owner);
	return ALLOW;
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

/* bind(2) was called with success: the port is chosen. A port that the kernel chooses for a connect
 * or a send does not come here (net/ipv4/af_inet.c, inet_autobind). */
INLINE int on_bound(struct bpf_sock *sk, struct net_ends *ends)
{
	struct state *state = state_of(sk);
	struct owner owner;
	u64 cookie;

	if (!state)
		return ALLOW;
	cookie = bpf_get_socket_cookie(sk);
	current_owner(&owner);
	bpf_spin_lock(&state->lock);
	state->cookie = cookie;
	state->owner = owner;
	bpf_spin_unlock(&state->lock);
	ends->family = sk->family;
	ends->proto = proto_of(sk);
	ends->local_port = ends->proto & NET_RAW ? 0 : sk->src_port;
	send_sock(REC_BIND, cookie, &owner, ends, 0, 0);
	return ALLOW;
}

SEC("cgroup/post_bind4")
int on_bind4(struct bpf_sock *sk)
{
	struct net_ends ends = {};

	put_v4(ends.local, sk->src_ip4);
	return on_bound(sk, &ends);
}

SEC("cgroup/post_bind6")
int on_bind6(struct bpf_sock *sk)
{
	struct net_ends ends = {};

	put_v6(ends.local, LOAD4(sk->src_ip6));
	return on_bound(sk, &ends);
}

/* TCP counts for itself; other streams (SCTP, MPTCP's own) are not counted here. */
INLINE bool read_any(struct __sk_buff *skb, struct bpf_sock *sk, struct packet *packet, bool out)
{
	if (sk->type == SOCK_TYPE_STREAM)
		return false;
	if (sk->type != SOCK_TYPE_RAW && sk->protocol == NET_UDP)
		return read_packet(skb, sk, packet, out);
	return read_raw(skb, sk, packet, out);
}

/* Adds one packet. What was counted with another peer goes out first. No program is asked when a raw
 * socket sends to a peer, so the packet tells. */
INLINE int add(struct __sk_buff *skb, bool out)
{
	struct bpf_sock *sk = skb->sk ? bpf_sk_fullsock(skb->sk) : 0;
	struct packet packet = {};
	struct taken taken = {};
	struct state *state;
	struct owner owner;
	bool tell = false;
	u64 cookie;

	if (!sk || !read_any(skb, sk, &packet, out))
		return ALLOW;
	state = state_of(sk);
	if (!state)
		return ALLOW;
	cookie = bpf_get_socket_cookie(skb);
	bpf_spin_lock(&state->lock);
	if (!same_peer(&state->ends, &packet.ends))
		take(state, &taken, 0);
	if (out && packet.ends.proto != NET_UDP)
		tell = is_new_peer(state, &packet.ends);
	state->cookie = cookie;
	state->ends = packet.ends;
	owner = state->owner;
	if (out) {
		state->totals.sent_bytes += packet.payload;
		state->totals.sent_packets++;
	} else {
		state->totals.received_bytes += packet.payload;
		state->totals.received_packets++;
	}
	bpf_spin_unlock(&state->lock);
	if (tell)
		send_sock(REC_SEND, cookie, &owner, &packet.ends, 0, 0);
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

/* A connect that failed at once has no state of its own: connect(2) said why (REC_RESULT), but one by
 * io_uring did not. */
INLINE void tell_not_begun(struct state *state)
{
	struct net_ends ends = {};
	struct owner owner;
	bool connecting;
	u64 cookie;

	bpf_spin_lock(&state->lock);
	connecting = state->connecting;
	state->connecting = 0;
	owner = state->owner;
	cookie = state->cookie;
	((u64 *)ends.peer)[0] = state->last_sent.addr[0];
	((u64 *)ends.peer)[1] = state->last_sent.addr[1];
	ends.peer_port = state->last_sent.port;
	bpf_spin_unlock(&state->lock);
	ends.proto = NET_TCP;
	if (connecting)
		send_sock(REC_CLOSED, cookie, &owner, &ends,
			  SOCK_NEVER_ESTABLISHED | SOCK_NOT_BEGUN, 0);
}

/* Sends what is left. Data of a closed TCP socket may still be on its way: on_close sends that. */
SEC("cgroup/sock_release")
int on_release(struct bpf_sock *sk)
{
	struct state *state = bpf_sk_storage_get(&sockets, sk, 0, 0);
	struct taken taken = {};
	struct totals now = {};
	u64 tcp;

	if (!state)
		return ALLOW;
	tcp = state->tcp;
	if (sk->protocol == NET_TCP && sk->type == SOCK_TYPE_STREAM && !tcp) {
		tell_not_begun(state);
		return ALLOW;	/* a listener, never connected, or at CLOSE already */
	}
	if (tcp)
		tcp_totals(tcp, &now);
	bpf_spin_lock(&state->lock);
	take(state, &taken, tcp ? &now : 0);
	bpf_spin_unlock(&state->lock);
	send_flow(&taken, FLOW_RELEASED);
	return ALLOW;
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
	case BPF_SOCK_OPS_TCP_LISTEN_CB:
		on_listen(ctx, sk);
		break;
	case BPF_SOCK_OPS_TCP_CONNECT_CB:
		bpf_sock_ops_cb_flags_set(ctx, BPF_SOCK_OPS_STATE_CB_FLAG);
		on_begin(ctx, sk, 0, 0);
		break;
	case BPF_SOCK_OPS_ACTIVE_ESTABLISHED_CB:
		on_begin(ctx, sk, REC_ESTABLISHED, 0);
		break;
	case BPF_SOCK_OPS_PASSIVE_ESTABLISHED_CB:
		bpf_sock_ops_cb_flags_set(ctx, BPF_SOCK_OPS_STATE_CB_FLAG);
		on_begin(ctx, sk, REC_ACCEPTED, SOCK_OWNER_LISTENER);
		break;
	case BPF_SOCK_OPS_STATE_CB:
		if (ctx->args[1] == STATE_CLOSE)
			on_close(sk);
		break;
	}
	return ALLOW;
}

/* TCP sockets of the whole machine; those of the leaf tell by sockops. */
SEC("tp_btf/inet_sock_set_state")
int BPF_PROG(on_state, struct sock *sk, int before, int now)
{
	struct connecting *connecting;
	struct net_ends ends = {};

	if (sk->sk_protocol != NET_TCP)
		return 0;
	if (now == STATE_SYN_SENT)
		return outsider_connects(sk);
	if (now != STATE_CLOSE && (before != STATE_SYN_SENT || now != STATE_ESTABLISHED))
		return 0;
	connecting = bpf_sk_storage_get(&outsiders, sk, 0, 0);
	if (!connecting)
		return 0;
	ends_of_sock(sk, sk->__sk_common.skc_family, &ends);
	if (now == STATE_ESTABLISHED) {
		send_sock(REC_ESTABLISHED, bpf_get_socket_cookie(sk), &connecting->owner, &ends,
			  SOCK_OUTSIDE, 0);
		return 0;
	}
	send_sock(REC_CLOSED, bpf_get_socket_cookie(sk), &connecting->owner, &ends,
		  SOCK_OUTSIDE | (before == STATE_SYN_SENT ? SOCK_NEVER_ESTABLISHED : 0), sk->sk_err);
	bpf_sk_storage_delete(&outsiders, sk);
	return 0;
}

SEC("tp_btf/sock_send_length")
int BPF_PROG(on_sent, struct sock *sk, int bytes, int flags)
{
	return on_use(sk, bytes, true);
}

SEC("tp_btf/sock_recv_length")
int BPF_PROG(on_received, struct sock *sk, int bytes, int flags)
{
	return bytes == 0 || flags & MSG_PEEK ? 0 : on_use(sk, bytes, false);
}

/* What open sockets have exchanged so far: the recorder asks once, at the end of the record. Goes
 * through the descriptors of all processes; only sockets of the run have a state. */
SEC("iter/task_file")
int on_files(struct bpf_iter__task_file *ctx)
{
	struct file *file = ctx->file;
	struct taken taken = {};
	struct totals now = {};
	struct socket *socket;
	struct state *state;
	u64 tcp;

	if (!file)
		return 0;
	socket = bpf_sock_from_file(file);
	if (!socket || !socket->sk)
		return 0;
	state = bpf_sk_storage_get(&sockets, socket->sk, 0, 0);
	if (!state)
		return 0;
	tcp = state->tcp;
	if (tcp)
		tcp_totals(tcp, &now);
	bpf_spin_lock(&state->lock);
	take(state, &taken, tcp ? &now : 0);
	bpf_spin_unlock(&state->lock);
	send_flow(&taken, 0);
	return 0;
}
