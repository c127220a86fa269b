/* SPDX-License-Identifier: MIT OR Apache-2.0 OR GPL-2.0-only
 *
 * Records of unix sockets, and of open files that go through them. Part of abi.h.
 */
#ifndef AUDIT_ABI_UNIX_H
#define AUDIT_ABI_UNIX_H

enum unix_op {
	UNIX_CONNECT = 1,	/* connect(2) came back */
	UNIX_SEND = 2,		/* a datagram to a name that was given with it, other than the one before */
	UNIX_ACCEPT = 3,
	UNIX_RECEIVE = 4,	/* rec_passed: an open file came with a message */
	UNIX_GIVE = 5,		/* rec_passed: one went to a process outside the run */
	UNIX_FLOW = 6,		/* no record: made of a struct foreign_use */
};

enum unix_flag {
	UNIX_CLAIMED = 1,	/* the name is what the caller's memory held: failed, or a datagram */
	UNIX_PATH_CUT = 2,
	UNIX_EXE_CUT = 4,	/* path of the peer's program is cut */
	UNIX_NAME_FAULT = 8,	/* the caller's memory could not be read */
	UNIX_ARGS_CLAIMED = 16,	/* the descriptor too comes from the caller's memory (socketcall) */
};

/* A unix socket was connected, accepted, or sent from. Followed by data: name_len bytes of the name
 * that the peer (accepted: the listener) is bound to, without family; path_len bytes of the file of
 * that name and exe_len bytes of the peer's program (components, as in rec_exec). */
struct rec_unix {
	struct rec_head head;
	u64 socket;		/* inode of the caller's socket */
	u64 peer_start_ns;
	u32 op;			/* UNIX_CONNECT... */
	u32 error;		/* errno, 0 for none */
	u32 peer_pid;		/* who listened, or connected; 0: the socket does not know */
	u32 flags;		/* UNIX_* */
	u16 kind;		/* SOCK_STREAM 1, SOCK_DGRAM 2, SOCK_SEQPACKET 5 */
	u16 name_len;
	u16 path_len;
	u16 exe_len;
	u8 peer_comm[16];
};

enum passed_flag {
	PASSED_CUT = 1,		/* the path lacks its first components */
	PASSED_BY_MESSAGE = 2,	/* the kernel attached the sender's credentials (SO_PASSCRED) */
	PASSED_BY_LAST = 4,	/* who of the run began last to send control data through that socket */
	PASSED_UNSURE = 8,	/* it is not known whether the receiver kept it */
};

/* An open file went with a message over a unix socket, and the receiver took the message. The head is
 * the receiver, or who gave it to a process outside the run; the peer is the other one. Without
 * PASSED_BY_* the peer of a receiver is who made the other end of the connection. Followed by path_len
 * bytes (components, as in rec_exec): nothing for sockets and pipes. */
struct rec_passed {
	struct rec_head head;
	u64 socket;		/* inode of the receiver's socket; 0: not known */
	u64 ino;
	u64 peer_start_ns;
	u32 dev;
	u32 generation;
	u32 op;			/* UNIX_RECEIVE, UNIX_GIVE */
	u32 flags;		/* PASSED_* */
	u32 mode;		/* OPEN_READ, OPEN_WRITE */
	u32 peer_pid;		/* 0: not known */
	u32 uid;		/* the sender's real user */
	u32 path_len;
	u16 file_type;		/* S_IFMT */
	u16 family;		/* of a socket */
	u16 kind;		/* of the socket that it came by: as in rec_unix */
	u16 pad;
	u8 peer_comm[16];
};

#endif
