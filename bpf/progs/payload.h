/* SPDX-License-Identifier: MIT OR Apache-2.0 OR GPL-2.0-only
 *
 * Copies first bytes of conversations into the ring. Used by names.bpf.c.
 *
 * Straight into the ring and not through a buffer of the CPU: a program that runs for a task's packet
 * can be interrupted by one that runs for a packet that comes in.
 */
#ifndef AUDIT_PAYLOAD_H
#define AUDIT_PAYLOAD_H

#include "packet.h"

struct {
	__uint(type, BPF_MAP_TYPE_RINGBUF);
	__uint(max_entries, 4 << 20);
} name_ring SEC(".maps");

/* Rooms in the ring, because the verifier wants a size that it knows: a short DNS message, a segment
 * or datagram on Ethernet, and the largest message of DNS over UDP that is in use (RFC 6891, 6.2.5). */
#define ROOM_SMALL 512
#define ROOM_MIDDLE 1536
#define ROOM_LARGE 4096

/* Bytes that were held back because they did not tell yet what is spoken. */
#define HELD 8

/* What is to be copied. */
struct piece {
	struct net_ends ends;
	u64 held;		/* bytes to put before it */
	u32 held_len;
	u32 at;			/* within the packet */
	u32 len;
	u32 offset;
	u32 kind;
	u32 flags;
};

/* Whose a socket is that nobody was seen to use is not known: it may be somebody's who is held back. */
INLINE void payload_owner(struct bpf_sock *sk, struct owner *owner)
{
	struct state *state = bpf_sk_storage_get(&sockets, sk, 0, 0);

	owner->held = 1;
	if (!state)
		return;
	bpf_spin_lock(&state->lock);
	*owner = state->owner;
	bpf_spin_unlock(&state->lock);
}

INLINE void payload_head(struct rec_payload *rec, struct __sk_buff *skb, const struct owner *owner,
			 const struct piece *piece)
{
	owner_head(&rec->head, REC_PAYLOAD, 0, owner);
	rec->cookie = bpf_get_socket_cookie(skb);
	rec->ends = piece->ends;
	rec->offset = piece->offset;
	rec->kind = piece->kind;
	rec->flags = piece->flags;
}

/* Copies the bytes of `piece`, at most `room`, to `to`, which has room for them. Returns how many. */
INLINE u32 load_piece(struct __sk_buff *skb, const struct piece *piece, void *to, u32 room)
{
	u64 last = (u64)piece->len - 1;

	if (piece->len > room)
		last = room - 1;
	KNOWN_AS_CHECKED(last);
	return last < room && !bpf_skb_load_bytes(skb, piece->at, to, last + 1) ? last + 1 : 0;
}

/* Many DNS messages leave room for what a connection says only once. */
INLINE void *reserve_payload(const struct piece *piece, u32 size)
{
	if (piece->kind == PAYLOAD_DNS && !bulk_fits(&name_ring, REC_PAYLOAD, size))
		return 0;
	return reserve(&name_ring, REC_PAYLOAD, size);
}

INLINE void copy_into(struct rec_payload *rec, struct __sk_buff *skb, const struct owner *owner,
		      const struct piece *piece, u32 room)
{
	u8 *data = (u8 *)(rec + 1);
	u32 held = piece->held_len & (HELD - 1);
	u32 len;

	payload_head(rec, skb, owner, piece);
	*(u64 *)data = piece->held;
	if (piece->len > room)
		rec->flags |= PAYLOAD_CUT;
	len = load_piece(skb, piece, data + held, room);
	if (!len) {
		count(REC_PAYLOAD, COUNT_LOST);
		bpf_ringbuf_discard(rec, 0);
		return;
	}
	rec->len = held + len;
	rec->head.size = sizeof(*rec) + held + len;
	bpf_ringbuf_submit(rec, wake_flag(false));
}

#define COPY(room)                                                                                 \
	do {                                                                                       \
		struct rec_payload *rec = reserve_payload(piece, sizeof(*rec) + HELD + (room));    \
		if (rec)                                                                           \
			copy_into(rec, skb, &owner, piece, room);                                      \
	} while (0)

/* The socket that a packet belongs to. */
INLINE struct bpf_sock *sock_of_packet(struct __sk_buff *skb)
{
	return skb->sk ? bpf_sk_fullsock(skb->sk) : 0;
}

/* Sends a piece, at most ROOM_LARGE of it. */
APART int send_piece(struct __sk_buff *skb, const struct piece *piece)
{
	struct bpf_sock *sk = sock_of_packet(skb);
	struct owner owner = {};

	if (!sk || !piece)
		return 0;
	payload_owner(sk, &owner);
	if (holds_back(&owner, REC_PAYLOAD))
		return 0;
	if (piece->len <= ROOM_SMALL)
		COPY(ROOM_SMALL);
	else if (piece->len <= ROOM_MIDDLE)
		COPY(ROOM_MIDDLE);
	else
		COPY(ROOM_LARGE);
	return 0;
}

#endif
