/* SPDX-License-Identifier: MIT OR Apache-2.0 OR GPL-2.0-only
 *
 * What is needed of an HTTP request's head, and nothing else: paths, cookies and passwords must not
 * reach the record. Used by names.bpf.c.
 *
 * Kept: the method, the target of a CONNECT, the line `Host: ...`, a newline after each.
 */
#ifndef AUDIT_REQUEST_H
#define AUDIT_REQUEST_H

#include "payload.h"

/* Bytes of one packet that are looked at; a head that goes on behind them is given up. */
#define REQUEST_BYTES 4096

/* Where in the head the next byte is. */
enum place {
	IN_METHOD = 0,
	IN_TARGET,
	IN_NAME,
	IN_HOST,
	IN_OTHER,
	AT_END,
};

/* Of one socket, while its first request is on the way: TCP sends under the socket's lock. */
struct request {
	struct rec_payload rec;
	u8 data[REQUEST_BYTES];
	u32 len;		/* bytes to look at */
	u32 kept;		/* of these */
	u32 sent;		/* kept of packets before */
	u32 place;
	u32 matched;		/* bytes of `host:` */
	u32 connects;
};

struct {
	__uint(type, BPF_MAP_TYPE_SK_STORAGE);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__type(key, int);
	__type(value, struct request);
} requests SEC(".maps");

#define HOST_NAME 0x3a74736f68ULL	/* "host:", the first letter lowest */
#define HOST_LEN 5

/* Returns whether the byte is kept, and goes on to the next place. */
INLINE bool keeps(struct request *it, u8 byte)
{
	bool line_ends = byte == '\n';

	switch (it->place) {
	case IN_METHOD:
		if (byte == ' ')
			it->place = it->connects ? IN_TARGET : IN_OTHER;
		return byte != '\r' && byte != '\n';
	case IN_TARGET:
		if (byte == ' ')
			it->place = IN_OTHER;
		return byte != ' ';
	case IN_NAME:
		if (line_ends)
			it->place = AT_END;
		if (line_ends || byte == '\r')
			return false;
		if ((byte | 0x20) != (HOST_NAME >> (8 * (it->matched & 7)) & 0xff)) {
			it->place = IN_OTHER;
			return true;	/* told from a match by the parser; keeps lines apart */
		}
		if (++it->matched == HOST_LEN)
			it->place = IN_HOST;
		return true;
	}
	if (line_ends) {
		it->place = IN_NAME;
		it->matched = 0;
		return true;
	}
	return it->place == IN_HOST;
}

struct looking {
	struct request *request;
};

static long look_at_byte(u32 i, struct looking *it)
{
	struct request *request = it->request;
	u8 byte;

	if (i >= request->len || request->place == AT_END)
		return 1;
	byte = request->data[i & (REQUEST_BYTES - 1)];
	if (keeps(request, byte))
		request->data[request->kept++ & (REQUEST_BYTES - 1)] = byte;
	return 0;
}

/* Takes one packet of a request. Returns whether more of it is wanted. */
APART int on_request(struct __sk_buff *skb, const struct piece *piece, u32 connects)
{
	struct bpf_sock *sk = sock_of_packet(skb);
	struct looking looking = {};
	struct owner owner = {};
	u32 held, len, kept;
	struct request *it;
	bool more;

	if (!sk || !piece)
		return false;
	held = piece->held_len & (HELD - 1);
	it = bpf_sk_storage_get(&requests, sk, 0, BPF_LOCAL_STORAGE_GET_F_CREATE);
	looking.request = it;
	payload_owner(sk, &owner);
	if (holds_back(&owner, REC_PAYLOAD))
		return false;
	if (!it) {
		count(REC_PAYLOAD, COUNT_FAULT);
		return false;
	}
	it->connects |= connects;
	*(u64 *)it->data = piece->held;
	len = load_piece(skb, piece, it->data + held, REQUEST_BYTES - HELD);
	if (!len)
		return false;
	it->len = held + len;
	it->kept = 0;
	bpf_loop(REQUEST_BYTES, look_at_byte, &looking, 0);
	more = it->place != AT_END && piece->len <= REQUEST_BYTES - HELD;
	kept = it->kept;
	KNOWN_AS_CHECKED(kept);
	if (kept > REQUEST_BYTES)
		kept = REQUEST_BYTES;
	payload_head(&it->rec, skb, &owner, piece);
	it->rec.offset = it->sent;
	it->rec.len = kept;
	it->rec.head.size = sizeof(it->rec) + kept;
	it->sent += kept;
	if (kept)
		output(&name_ring, REC_PAYLOAD, &it->rec, sizeof(it->rec) + kept);
	if (!more)
		bpf_sk_storage_delete(&requests, sk);
	return more;
}

#endif
