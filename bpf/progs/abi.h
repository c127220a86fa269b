/* SPDX-License-Identifier: MIT OR Apache-2.0 OR GPL-2.0-only
 *
 * What the BPF programs and event/src/wire share: fixed-width types, widest first, explicit pads,
 * frozen numbers, no `packed`. A test compares every size and offset with the BTF of the built
 * objects. All numbers are in the machine's byte order; times are CLOCK_BOOTTIME nanoseconds.
 */
#ifndef AUDIT_ABI_H
#define AUDIT_ABI_H

typedef unsigned char u8;
typedef unsigned short u16;
typedef unsigned int u32;
typedef int s32;
typedef unsigned long long u64;
typedef long long s64;

/* Frame kinds below 64 are these records, stored as they came. */
enum rec_kind {
	REC_FORK = 1,
	REC_EXEC = 2,
	REC_ARGV = 3,
	REC_EXIT = 4,
	REC_LEFT = 5,
	REC_ARGV_END = 6,
	REC_CRED = 9,
	REC_CONNECT = 16,
	REC_SEND = 17,
	REC_ESTABLISHED = 18,
	REC_ACCEPTED = 19,
	REC_FLOW = 20,
	REC_CLOSED = 21,
	REC_BIND = 22,
	REC_LISTEN = 23,
	REC_SOCKET = 24,
	REC_UNIX = 25,
	REC_PAYLOAD = 27,
	REC_RESULT = 28,
	REC_ODD = 30,
	REC_OPEN = 32,
	REC_USE = 33,
	REC_FAILED = 34,
	REC_OPEN_KERNEL = 35,
	REC_OPEN_PATH = 37,
	REC_INHERITED = 38,
	REC_RING_FILE = 39,
	REC_CALL = 40,
	REC_PASSED = 41,
	REC_OUTSIDE = 42,
	REC_KINDS = 64,
};

/* Which cell of a kind's counters: counters[kind * COUNT_CELLS + cell]. */
enum count_cell {
	COUNT_SEEN = 0,		/* the hook ran for a task or socket of the run */
	COUNT_LOST = 1,		/* no room in the ring: the record is gone */
	COUNT_FAULT = 2,	/* a part could not be read; the record says which in flags */
	COUNT_HELD = 3,		/* held back from the run's owner (owner.h); in no other cell */
	COUNT_CELLS = 4,
};

/* How much of it is in the record. */
enum limit {
	CRED_GROUPS = 16,	/* supplementary groups; the kernel's limit is 65536 (NGROUPS_MAX) */
	ARGV_CAP = 131072,	/* bytes of argv; the kernel's limit is 6 MiB (exec.h) */
};

/* start_ns is the start time of the thread group's leader: (pid, start_ns) is a process. */
struct rec_head {
	u64 boot_ns;
	u64 start_ns;
	u32 kind;
	u32 size;		/* of the whole record, data included */
	u32 pid;		/* thread group */
	u32 tid;
};

/* A new process (not a thread). The head is the caller's. */
struct rec_fork {
	struct rec_head head;
	u64 child_start_ns;
	u64 parent_start_ns;
	u32 child_pid;
	u32 parent_pid;		/* real parent: differs from head.pid with CLONE_PARENT */
	u32 mnt_ns;		/* inode of the child's mount namespace */
	u32 flags;		/* FORK_* */
	u32 ns_pid;		/* the child's number in its own pid namespace */
	u32 pid_ns;		/* inode of that; 0 when it is the recorder's */
	u32 uid;		/* the child's real user */
	u32 pad;
};

enum fork_flag {
	FORK_NEW_MNT_NS = 1,	/* the child's mount namespace is not the caller's */
	FORK_FROM_OUTSIDE = 2,	/* the caller is not of the run: this is its first process */
	FORK_HELD = 4,		/* what the child does is held back */
};

enum exec_flag {
	EXEC_ARGV_CUT = 1,	/* argv_len is more than the cap */
	EXEC_ARGV_FAULT = 2,	/* a page of argv could not be read */
	EXEC_PATH_CUT = 4,	/* exe has more components or bytes than the cap */
	EXEC_CWD_CUT = 8,
	EXEC_SECURE = 16,	/* set-uid, set-gid or file capabilities (AT_SECURE) */
	EXEC_UNLINKED = 32,	/* the file has no link left (memfd, deleted) */
	EXEC_NAME_CUT = 64,	/* file name or interpreter name cut */
	EXEC_CWD_DELETED = 2048,	/* the working directory has no name any more */
	EXEC_ARGV_STOPPED = 128,	/* rec_argv_end only: no room for more than what is kept */
	EXEC_HELD = 256,	/* what the program does is held back: it has rights that the owner has not */
	EXEC_WORDS_HELD = 512,	/* so are argv, cwd and names, as a program that is held back gave them */
	EXEC_EXE_HELD = 1024,	/* and the path, as others may not look where it leads */
};

/* Followed by data: exe_len bytes, cwd_len bytes (both: path components, each ended by NUL, from the
 * last to the first), file_len and interp_len bytes (the strings given to execve and of the `#!`
 * line, without NUL; interp is empty unless it differs), argv_kept bytes of argv (each ended by
 * NUL). The rest of argv follows in rec_argv; with EXEC_ARGV_CUT a rec_argv_end comes last. */
/* What standard input and output are when a program begins. */
enum stdio {
	STDIO_UNKNOWN = 0,
	STDIO_CLOSED = 1,
	STDIO_PIPE = 2,
	STDIO_INET = 3,
	STDIO_INET6 = 4,
	STDIO_UNIX = 5,
	STDIO_SOCKET = 6,	/* of another family */
	STDIO_TTY = 7,
	STDIO_NULL = 8,
	STDIO_FILE = 9,
	STDIO_OTHER = 10,
};

struct rec_exec {
	struct rec_head head;
	u64 exe_ino;
	u64 argv_len;		/* bytes of the whole argv in the new mm */
	u64 parent_start_ns;
	u64 cap_effective;
	u32 exe_dev;		/* kernel's dev_t: major << 20 | minor */
	u32 exe_generation;
	u32 parent_pid;
	u32 uid;
	u32 gid;
	u32 euid;
	u32 egid;
	u32 argc;
	u32 mnt_ns;
	u32 argv_kept;		/* bytes of argv in this record */
	u16 exe_len;
	u16 cwd_len;
	u16 file_len;
	u16 interp_len;
	u32 flags;		/* EXEC_* */
	u32 ns_pid;		/* own number in the process's own pid namespace */
	u32 pid_ns;		/* inode of that; 0 when it is the recorder's */
	u8 stdin_kind;		/* STDIO_* */
	u8 stdout_kind;
	u16 pad;
	u32 stdin_ino;		/* of a pipe */
	u32 stdout_ino;
};

/* More of argv of the exec just before, same pid. Followed by len bytes. What is beyond the cap is
 * for the hash of the whole only and in no counter: rec_argv_end tells how much of it was sent. */
struct rec_argv {
	struct rec_head head;
	u32 offset;		/* of the data within argv */
	u32 len;
	u32 flags;		/* EXEC_ARGV_FAULT */
	u32 pad;
};

/* All of an argv beyond the cap was sent, or as much as there was room for. */
struct rec_argv_end {
	struct rec_head head;
	u64 argv_len;
	u64 sent;		/* bytes from the front, if none of their records was lost */
	u32 flags;		/* EXEC_ARGV_FAULT, EXEC_ARGV_STOPPED */
	u32 pad;
};

/* The last thread of a process has ended. */
struct rec_exit {
	struct rec_head head;
	u64 utime_ns;
	u64 stime_ns;
	s32 code;		/* as wait(2) gives it: low 7 bits signal, bits 8..15 status */
	u32 pad;
};

/* A task of the run was moved to a cgroup outside the leaf; it stays recorded. */
struct rec_left {
	struct rec_head head;
	u64 cgroup_id;		/* where it is now */
};

/* As whom a task acts. */
struct creds {
	u64 cap_effective;
	u64 cap_permitted;
	u32 uid;
	u32 gid;
	u32 euid;
	u32 egid;
	u32 suid;
	u32 sgid;
	u32 fsuid;
	u32 fsgid;
	u32 group_count;	/* supplementary groups */
	u32 pad;
	u32 groups[CRED_GROUPS];	/* the first of them */
};

/* A task changed its credentials other than by exec. Each thread has its own: head.tid. */
struct rec_cred {
	struct rec_head head;
	struct creds now;
};

enum net_proto {
	NET_TCP = 6,
	NET_UDP = 17,
	NET_RAW = 0x8000,	/* beside the protocol of a raw socket, whichever that is */
};

/* IPv4 is stored v4-mapped (::ffff:a.b.c.d) so that one form serves both; ports in host order. */
struct net_ends {
	u8 local[16];
	u8 peer[16];
	u16 local_port;
	u16 peer_port;
	u16 family;		/* of the socket: AF_INET or AF_INET6 */
	u16 proto;		/* IPPROTO_* */
};

/* CONNECT: connect(2) or a TCP fast open send was called, result not known. SEND: a UDP send to a peer that
 * the socket had not sent to just before. ESTABLISHED, ACCEPTED: a TCP handshake ended (active,
 * passive). CLOSED: the TCP state went to CLOSE. BIND: bind(2) gave the socket its local end.
 * LISTEN: it begins to take connections. OUTSIDE: connect(2) of a socket from outside the leaf came back
 * that no CONNECT tells of: it failed before it began, or is not of TCP. The head is the socket's owner: who last connected, sent
 * to a named peer, bound it, made it listen, or created it. */
struct rec_sock {
	struct rec_head head;
	u64 cookie;
	struct net_ends ends;
	u32 flags;		/* SOCK_* */
	u32 error;		/* CLOSED: errno that the socket has by then, OUTSIDE: of the call; 0: none */
};

enum sock_flag {
	SOCK_NEVER_ESTABLISHED = 1,	/* CLOSED only: the handshake did not end (refused, timed out) */
	SOCK_OWNER_LISTENER = 2,	/* the owner is the listening socket's */
	SOCK_NOT_BEGUN = 4,		/* CLOSED only: the last connect failed before it sent anything */
	SOCK_OUTSIDE = 8,		/* the socket was made outside the leaf */
};

/* SOCKET: an IP socket that is neither TCP nor UDP was made. ODD: something was done with a socket of
 * another family, but for unix sockets. */
struct rec_odd {
	struct rec_head head;
	u64 cookie;		/* SOCKET only */
	u32 call;		/* ODD_* */
	u32 error;		/* errno, 0: it went well */
	u32 address[2];		/* vsock: cid and port; netlink: port id and groups; else 0 */
	u16 family;
	u16 sock_type;		/* SOCK_* of the kernel: 1 stream, 2 datagram, 3 raw, 5 sequenced packets */
	u16 proto;
	u16 pad;
};

enum odd_call {
	ODD_SOCKET = 0,
	ODD_CONNECT = 1,	/* address: the other's */
	ODD_BIND = 2,		/* address: its own */
};

/* Who uses which socket that no cgroup program tells of: the key of a map, not a record. */
struct foreign_key {
	u64 cookie;		/* with FOREIGN_MANY: not a cookie, several sockets */
	u64 start_ns;
	u32 pid;
	u32 pad;
};

/* Bits 16 to 31 are then the family, and of unix sockets 32 to 62 the pid of who made their other end (0:
 * nobody that the kernel knows) and 0 to 15 the type. */
#define FOREIGN_MANY (1ULL << 63)

/* Its value. Bytes and calls since first_ns: what sendmsg and recvmsg returned, whatever the call. */
struct foreign_use {
	u64 first_ns;
	u64 last_ns;
	u64 sent_bytes;
	u64 received_bytes;
	u64 sent_packets;
	u64 received_packets;
	struct net_ends ends;	/* addresses of IP sockets only; of first_ns */
	u32 sock_type;		/* as in rec_odd */
	u32 flags;		/* FOREIGN_* */
};

enum foreign_flag {
	FOREIGN_OUTSIDE = 1,	/* the socket was made outside the leaf */
};

/* connect(2) failed. The socket may have said so by REC_CLOSED already. The head is the caller. */
struct rec_result {
	struct rec_head head;
	u64 cookie;
	u32 error;		/* errno */
	u16 family;
	u16 proto;		/* IPPROTO_* */
};

/* Payload bytes (without IP, TCP, UDP headers) and packets of one socket with one peer since the
 * last rec_flow of it. TCP: what the kernel counts for the connection, each byte once however often
 * it was sent, and segments as on the wire. UDP: datagrams before segmentation and fragmentation. */
struct rec_flow {
	struct rec_head head;
	u64 cookie;
	u64 sent_bytes;
	u64 received_bytes;
	u64 sent_packets;
	u64 received_packets;
	struct net_ends ends;
	u32 flags;		/* FLOW_* */
	u32 pad;
};

enum flow_flag {
	FLOW_RELEASED = 1,	/* the last descriptor was closed */
	FLOW_CLOSED = 2,	/* the TCP state went to CLOSE */
	FLOW_PEER_CHANGED = 4,	/* another peer took the socket's slot */
};

enum payload_kind {
	PAYLOAD_DNS = 1,	/* a DNS message, or a piece of a TCP stream of them */
	PAYLOAD_TLS = 2,	/* a piece of a ClientHello */
	PAYLOAD_HTTP = 3,	/* of a request's head: method, target of CONNECT, `Host` line */
	PAYLOAD_QUIC = 4,	/* a datagram that begins with a client's Initial packet */
};

enum payload_flag {
	PAYLOAD_OUT = 1,	/* sent; received without */
	PAYLOAD_CUT = 2,	/* there was more in the packet */
};

/* First bytes of a conversation, copied for the names of hosts in them. Followed by len bytes. The
 * head is the socket's owner, as in rec_sock; pid 0 where it is not known. */
struct rec_payload {
	struct rec_head head;
	u64 cookie;
	struct net_ends ends;
	u32 offset;		/* TCP: of these bytes, within what is copied of this direction */
	u32 len;
	u32 kind;		/* PAYLOAD_DNS, ... */
	u32 flags;		/* PAYLOAD_OUT, PAYLOAD_CUT */
};

enum open_mode {
	OPEN_READ = 1,
	OPEN_WRITE = 2,
};

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

enum open_how {
	OPEN_CREATED = 1,	/* the open made the file */
	OPEN_TRUNCATED = 2,	/* O_TRUNC cut what was there */
	OPEN_DIRECT = 4,	/* O_DIRECT: reads leave no trace */
};

/* Rare calls, by numbers of our own, which are the same on every machine. */
enum call_name {
	CALL_PTRACE = 1,
	CALL_PROCESS_VM_READV = 2,
	CALL_PROCESS_VM_WRITEV = 3,
	CALL_PIDFD_GETFD = 4,
	CALL_UNSHARE = 5,
	CALL_SETNS = 6,
	CALL_CLONE = 7,		/* with new namespaces */
	CALL_CHROOT = 8,
	CALL_PIVOT_ROOT = 9,
	CALL_MOUNT = 10,
	CALL_UMOUNT = 11,
	CALL_FSOPEN = 12,
	CALL_FSMOUNT = 13,
	CALL_MOVE_MOUNT = 14,
	CALL_OPEN_TREE = 15,
	CALL_MOUNT_SETATTR = 16,
	CALL_BPF = 17,
	CALL_INIT_MODULE = 18,
	CALL_FINIT_MODULE = 19,
	CALL_DELETE_MODULE = 20,
	CALL_KEXEC_LOAD = 21,
	CALL_KEXEC_FILE_LOAD = 22,
	CALL_MEMFD_CREATE = 23,
	CALL_MEMFD_SECRET = 24,
	CALL_IO_URING_SETUP = 25,
	CALL_USERFAULTFD = 26,
	CALL_PERF_EVENT_OPEN = 27,
	CALL_TRUNCATE = 28,
	CALL_SWAPON = 29,
	CALL_REBOOT = 30,
	CALL_SETTIMEOFDAY = 31,
	CALL_CLOCK_SETTIME = 32,
	CALL_KEYCTL = 33,
	CALL_CGROUP_MKDIR = 34,	/* no call of its own: mkdir(2) in a cgroup file system */
};

enum call_flag {
	CALL_COMPAT = 1,	/* made by the 32-bit ABI */
	CALL_PATH_CUT = 2,	/* path or cwd has more components or bytes than the cap */
	CALL_TEXT_FAULT = 4,	/* a string of the caller could not be read */
	CALL_TEXT_CUT = 8,	/* a string of the caller is longer than the cap */
	CALL_TARGET_CUT = 16,	/* path of the target's program is cut */
};

/* Places of namespaces in rec_call.namespaces. */
enum call_namespace {
	NS_MNT = 0,
	NS_PID = 1,		/* of the children to come */
	NS_NET = 2,
	NS_USER = 3,
	NS_IPC = 4,
	NS_UTS = 5,
	NS_CGROUP = 6,
	NS_COUNT = 8,
};

/* A rare call came back. The arguments are the caller's registers. Followed by data: path_len bytes
 * (components, as in rec_exec) of what the call made or changed, read from the kernel's object;
 * cwd_len bytes of the directory
 * from which the caller's path goes likewise; target_len bytes of the target's program
 * likewise; name_len bytes of a name that the kernel has (memfd, file system); text_len bytes that
 * the caller's memory held after the call: up to three strings, each ended by NUL. */
struct rec_call {
	struct rec_head head;
	s64 ret;
	u64 args[6];
	u64 target_start_ns;
	u64 value;		/* IO_URING_SETUP: flags of the ring; CGROUP_MKDIR: its id; TRUNCATE: the length */
	u32 namespaces[NS_COUNT];	/* those of the caller (CLONE: of the child); 0: not told */
	u32 changed;		/* CLONE: 1 << NS_*, those that are not the caller's */
	u32 entered;		/* SETNS: inode of the namespace behind the descriptor */
	u32 target_pid;		/* another process that the call concerns, 0: none or not there */
	u32 call;		/* CALL_* */
	u32 flags;
	u16 path_len;
	u16 cwd_len;
	u16 target_len;
	u16 name_len;
	u16 text_len;
	u16 pad;
	u8 target_comm[16];
};

/* OPEN: an open of a regular file succeeded. USE: what shows how an open file was used. Names come
 * from fanotify, which merges repeats and tells only how a file was opened. */
struct rec_open {
	struct rec_head head;
	u64 ino;
	u64 file;		/* the kernel's open file: one number from its open to its end */
	u64 size;		/* of the file, at this moment */
	s64 ctime_ns;		/* last change, since 1970: nobody can set it back */
	u32 dev;
	u32 generation;
	u32 mode;		/* OPEN_READ, OPEN_WRITE */
	u32 flags;		/* OPEN: OPEN_CREATED, OPEN_TRUNCATED; USE: USE_* */
};

enum use_flag {
	USE_CLOSED = 1,		/* a descriptor is closed, or goes with its process */
	USE_LAST = 2,		/* it is the last one, and nobody can use it any more */
	USE_UNREAD = 4,		/* no read(2) or alike took a byte through it (mmap and O_DIRECT may have) */
	USE_TIMED = 8,		/* each change of this file shows in ctime_ns */
	USE_MAPPED = 16,	/* it was mapped into memory */
	USE_SHARED = 32,	/* so that stores reach the file */
	USE_DIRECT = 64,	/* fcntl(2) switched O_DIRECT on: reads leave no trace */
	USE_UNLINKED = 128,	/* the file has no name any more */
};

enum named_flag {
	NAMED_CUT = 1,		/* the path lacks its first components */
	NAMED_FAULT = 2,	/* the caller's string could not be read */
	NAMED_ALL = 4,		/* the user wants every failed open told */
	NAMED_EXEC = 8,		/* FAILED: it would have been executed */
	NAMED_MANY = 16,	/* set by the recorder: one of many names that are counted together */
};

/* Which failed opens are told (a setting). */
enum failed_opens {
	FAILED_DENIED = 0,	/* those that were denied, and those of hidden names that are not there */
	FAILED_ALL = 1,
	FAILED_NONE = 2,
};

/* FAILED: an open or exec failed. OPEN_KERNEL: a file was opened on a file system that marks do not
 * reach. Followed by path_len bytes (components, each ended by NUL, from the last to the first: of the
 * file, or of the directory from which the text begins) and text_len bytes (FAILED: the path that the
 * caller gave, read from its memory). */
struct rec_named {
	struct rec_head head;
	u64 ino;		/* OPEN_KERNEL */
	u32 dev;
	u32 mode;		/* OPEN_READ, OPEN_WRITE: as it was opened or was to be */
	u32 error;		/* FAILED: errno */
	u32 flags;		/* NAMED_* */
	u16 path_len;
	u16 text_len;
	u32 pad;
};

enum open_flag {
	OPEN_PATH_CUT = 1,	/* the first components are missing */
	OPEN_ELSEWHERE = 2,	/* the path begins at a mount that is not in the caller's namespace */
};

/* A regular file that no mark watches was opened. Followed by `path_len` bytes: the components of
 * its path, last first. */
struct rec_open_path {
	struct rec_head head;
	u64 ino;
	u32 dev;
	u32 generation;
	u32 mode;		/* OPEN_READ, OPEN_WRITE */
	u32 flags;		/* OPEN_PATH_CUT, OPEN_ELSEWHERE */
	u32 mnt_id;
	u32 path_len;
};

/* INHERITED: the command begins with a descriptor of a regular file. RING_FILE: a ring of io_uring has
 * one in its table when a descriptor of the ring goes. Followed by `path_len` bytes: the components of
 * its path, last first. */
struct rec_inherited {
	struct rec_head head;
	u64 file;		/* the kernel's open file */
	u64 ino;
	u64 size;		/* of the file, at this moment */
	u32 dev;
	u32 generation;
	u32 mode;		/* OPEN_READ, OPEN_WRITE */
	u32 flags;		/* OPEN_PATH_CUT, OPEN_ELSEWHERE */
	u32 fd;			/* INHERITED: the lowest of its descriptors; RING_FILE: the slot */
	u32 path_len;
};

/* Who uses which of these files: the key of a map, not a record. */
struct inherited_key {
	u64 file;
	u64 start_ns;
	u32 pid;
	u32 pad;
};

/* Its value. What calls returned, whatever the call. */
struct inherited_use {
	u64 first_ns;
	u64 last_ns;
	u64 read_bytes;
	u64 written_bytes;
	u64 size_after;		/* of the file, after the last call that wrote */
	u32 flags;		/* INHERITED_* */
	u32 pad;
};

enum inherited_flag {
	INHERITED_READ = 1,
	INHERITED_WRITTEN = 2,
	INHERITED_MAPPED = 4,	/* what is read and written in memory is in no number of bytes */
};

#endif
