/* SPDX-License-Identifier: MIT OR Apache-2.0 OR GPL-2.0-only
 *
 * From a socket's state to records about it. Used by net.bpf.c.
 *
 * Bytes of TCP are the kernel's own counters of the connection: exact, whatever is lost, sent again
 * or coalesced, and free. UDP has none, so its packets are counted, with one peer at a time: a
 * packet to or from another first sends what is held, so that the sums per peer are exact.
 */
#ifndef AUDIT_SOCK_H
#define AUDIT_SOCK_H

#include "socket.h"

struct {
	__uint(type, BPF_MAP_TYPE_RINGBUF);
	__uint(max_entries, 4 << 20);
} net_ring SEC(".maps");

INLINE struct state *state_of(struct bpf_sock *sk)
{
	struct state *state = bpf_sk_storage_get(&sockets, sk, 0, BPF_LOCAL_STORAGE_GET_F_CREATE);

	if (!state)
		count(REC_FLOW, COUNT_FAULT);
	return state;
}

/* By words: the verifier allows no memcmp under a lock. */
INLINE bool same_peer(const struct net_ends *a, const struct net_ends *b)
{
	const u64 *x = (const u64 *)a->peer, *y = (const u64 *)b->peer;

	return x[0] == y[0] && x[1] == y[1] && a->peer_port == b->peer_port;
}

INLINE void send_sock(u32 kind, u64 cookie, const struct owner *owner, const struct net_ends *ends,
		      u32 flags, u32 error)
{
	struct rec_sock *rec;

	if (holds_back(owner, kind))
		return;
	if (kind == REC_SEND && !bulk_fits(&net_ring, kind, sizeof(*rec)))
		return;
	rec = reserve(&net_ring, kind, sizeof(*rec));
	if (!rec)
		return;
	owner_head(&rec->head, kind, sizeof(*rec), owner);
	rec->cookie = cookie;
	rec->ends = *ends;
	rec->flags = flags;
	rec->error = error;
	bpf_ringbuf_submit(rec, wake_flag(false));
}

/* What leaves the state under the lock and goes into a record after it. */
struct taken {
	u64 cookie;
	struct owner owner;
	struct totals totals;
	struct net_ends ends;
};

/* include/net/sock.h, enum sock_flags; set by tcp_fin only */
#define SOCK_DONE_BIT 1

/* The socket is alive as long as its state is, and so is what `tcp` points to. The peer's FIN takes
 * a sequence number and is counted as a byte received (net/ipv4/tcp_input.c, tcp_rcv_nxt_update). */
INLINE void tcp_totals(u64 address, struct totals *totals)
{
	struct tcp_sock *tcp = (struct tcp_sock *)address;
	struct sock_common *common = (struct sock_common *)address;
	u64 fin = BPF_CORE_READ(common, skc_flags) >> SOCK_DONE_BIT & 1;
	u64 received = BPF_CORE_READ(tcp, bytes_received);

	totals->sent_bytes = BPF_CORE_READ(tcp, bytes_sent) - BPF_CORE_READ(tcp, bytes_retrans);
	totals->received_bytes = received - (received ? fin : 0);
	totals->sent_packets = BPF_CORE_READ(tcp, segs_out);
	totals->received_packets = BPF_CORE_READ(tcp, segs_in);
}

/* What ended the connection: set before the state goes to CLOSE (net/ipv4/tcp.c, tcp_done_with_error;
 * net/ipv4/tcp_input.c, tcp_reset). */
INLINE u32 error_of(u64 address)
{
	struct sock *sk = (struct sock *)address;

	return BPF_CORE_READ(sk, sk_err);
}

/* Call with the lock held. `now` are a TCP connection's totals, 0 for UDP. */
INLINE void take(struct state *state, struct taken *taken, const struct totals *now)
{
	taken->cookie = state->cookie;
	taken->owner = state->owner;
	taken->ends = state->ends;
	taken->totals = state->totals;
	if (now) {
		taken->totals.sent_bytes = now->sent_bytes - state->totals.sent_bytes;
		taken->totals.received_bytes = now->received_bytes - state->totals.received_bytes;
		taken->totals.sent_packets = now->sent_packets - state->totals.sent_packets;
		taken->totals.received_packets =
			now->received_packets - state->totals.received_packets;
		state->totals = *now;
	} else {
		state->totals = (struct totals){};
	}
}

/* Sends to ever other peers come in floods: their records leave room for others. */
INLINE void send_flow(const struct taken *taken, u32 flags)
{
	struct rec_flow *rec;

	if (!taken->totals.sent_packets && !taken->totals.received_packets)
		return;
	if (holds_back(&taken->owner, REC_FLOW))
		return;
	if (flags & FLOW_PEER_CHANGED && !bulk_fits(&net_ring, REC_FLOW, sizeof(*rec)))
		return;
	rec = reserve(&net_ring, REC_FLOW, sizeof(*rec));
	if (!rec)
		return;
	owner_head(&rec->head, REC_FLOW, sizeof(*rec), &taken->owner);
	rec->cookie = taken->cookie;
	rec->sent_bytes = taken->totals.sent_bytes;
	rec->received_bytes = taken->totals.received_bytes;
	rec->sent_packets = taken->totals.sent_packets;
	rec->received_packets = taken->totals.received_packets;
	rec->ends = taken->ends;
	rec->flags = flags;
	rec->pad = 0;
	bpf_ringbuf_submit(rec, wake_flag(false));
}

#endif
