/* Sockets by io_uring, without a system call of their own: `uring_net MODE [PORT]`.
 *
 * Binds and listens on a port of 127.0.0.1, connects to it, accepts, sends 5 bytes, receives them,
 * answers 7 by sendmsg, receives them by recvmsg; sends 3 bytes to itself by UDP; connects to PORT,
 * where nobody listens. Prints the port, and `calls` where the kernel cannot bind and listen so.
 * MODE: inline, async (worker threads), sqpoll (a kernel thread submits). 77: no io_uring here. */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <err.h>
#include <errno.h>
#include <linux/io_uring.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

/* include/uapi/linux/io_uring.h, since 6.11 */
#define OP_BIND 56
#define OP_LISTEN 57

static struct io_uring_params params;
static struct io_uring_sqe *entries;
static char *submits, *completes;
static int ring, always, polled;

static unsigned *word(char *base, unsigned offset)
{
	return (unsigned *)(base + offset);
}

static void *map(size_t len, off_t what)
{
	void *at = mmap(0, len, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_POPULATE, ring, what);

	if (at == MAP_FAILED)
		err(1, "mmap");
	return at;
}

static void set_up(void)
{
	ring = syscall(SYS_io_uring_setup, 8, &params);
	if (ring < 0 && (errno == ENOSYS || errno == EPERM))
		err(77, "io_uring_setup");
	if (ring < 0)
		err(1, "io_uring_setup");
	submits = map(params.sq_off.array + params.sq_entries * sizeof(unsigned), IORING_OFF_SQ_RING);
	completes = map(params.cq_off.cqes + params.cq_entries * sizeof(struct io_uring_cqe),
			IORING_OFF_CQ_RING);
	entries = map(params.sq_entries * sizeof(*entries), IORING_OFF_SQES);
}

/* Submits one entry. */
static void submit(struct io_uring_sqe sqe)
{
	unsigned *tail = word(submits, params.sq_off.tail), flags = 0;
	unsigned at = *tail & *word(submits, params.sq_off.ring_mask);

	sqe.flags |= always;
	entries[at] = sqe;
	word(submits, params.sq_off.array)[at] = at;
	__atomic_store_n(tail, *tail + 1, __ATOMIC_SEQ_CST);
	if (polled && *word(submits, params.sq_off.flags) & IORING_SQ_NEED_WAKEUP)
		flags |= IORING_ENTER_SQ_WAKEUP;
	if ((!polled || flags) && syscall(SYS_io_uring_enter, ring, polled ? 0 : 1, 0, flags, 0, 0) < 0)
		err(1, "io_uring_enter");
}

/* Waits for one to end and returns its result; in `tag` which it was. */
static int result(uint64_t *tag)
{
	unsigned *head = word(completes, params.cq_off.head);
	struct io_uring_cqe *cqe;
	int res;

	while (__atomic_load_n(word(completes, params.cq_off.tail), __ATOMIC_ACQUIRE) == *head)
		if (syscall(SYS_io_uring_enter, ring, 0, 1, IORING_ENTER_GETEVENTS, 0, 0) < 0)
			err(1, "io_uring_enter");
	cqe = (struct io_uring_cqe *)(completes + params.cq_off.cqes) +
	      (*head & *word(completes, params.cq_off.ring_mask));
	res = cqe->res;
	*tag = cqe->user_data;
	__atomic_store_n(head, *head + 1, __ATOMIC_RELEASE);
	return res;
}

static struct io_uring_sqe on(int op, int fd, const void *at, unsigned len)
{
	return (struct io_uring_sqe){ .opcode = op, .fd = fd, .addr = (uintptr_t)at, .len = len };
}

static int done(struct io_uring_sqe sqe)
{
	uint64_t tag;

	submit(sqe);
	return result(&tag);
}

static void must(const char *what, int res, int expected)
{
	if (res != expected)
		errx(1, "%s: %d (%s)", what, res, res < 0 ? strerror(-res) : "not all");
}

static int made(int type)
{
	int fd = socket(AF_INET, type, 0);

	if (fd < 0)
		err(1, "socket");
	return fd;
}

static struct io_uring_sqe to(int op, int fd, const struct sockaddr_in *address)
{
	struct io_uring_sqe sqe = on(op, fd, address, 0);

	sqe.off = sizeof(*address);	/* addr2: the length */
	return sqe;
}

static struct sockaddr_in listening(int fd)
{
	struct sockaddr_in own = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	socklen_t len = sizeof(own);
	int res = done(to(OP_BIND, fd, &own));

	if (res == -EINVAL) {	/* no such request */
		printf("calls ");
		if (bind(fd, (void *)&own, sizeof(own)) || listen(fd, 4))
			err(1, "listen");
	} else {
		must("bind", res, 0);
		must("listen", done(on(OP_LISTEN, fd, 0, 4)), 0);
	}
	if (getsockname(fd, (void *)&own, &len))
		err(1, "getsockname");
	printf("%d\n", ntohs(own.sin_port));
	return own;
}

/* Both wait for each other: the accept is on its way before the connect. */
static int accepted(int listener, int client, const struct sockaddr_in *address)
{
	struct io_uring_sqe sqe = on(IORING_OP_ACCEPT, listener, 0, 0);
	uint64_t tag;
	int i, res, fd = -1;

	sqe.user_data = 1;
	submit(sqe);
	submit(to(IORING_OP_CONNECT, client, address));
	for (i = 0; i < 2; i++) {
		res = result(&tag);
		if (tag)
			fd = res;
		else
			must("connect", res, 0);
	}
	if (fd < 0)
		errx(1, "accept: %s", strerror(-fd));
	return fd;
}

static int message(int op, int fd, char *text, unsigned len, struct sockaddr_in *peer)
{
	struct iovec part = { text, len };
	struct msghdr head = { .msg_iov = &part, .msg_iovlen = 1, .msg_name = peer,
			       .msg_namelen = peer ? sizeof(*peer) : 0 };

	return done(on(op, fd, &head, 1));
}

int main(int argc, char **argv)
{
	const char *mode = argc > 1 ? argv[1] : "";
	struct sockaddr_in address, nobody = { .sin_family = AF_INET,
					       .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	int listener = made(SOCK_STREAM), client = made(SOCK_STREAM), udp, server;
	char room[16];

	polled = !strcmp(mode, "sqpoll");
	always = !strcmp(mode, "async") ? IOSQE_ASYNC : 0;
	params.flags = polled ? IORING_SETUP_SQPOLL : 0;
	params.sq_thread_idle = 100;
	set_up();
	address = listening(listener);
	server = accepted(listener, client, &address);
	must("send", done(on(IORING_OP_SEND, client, "12345", 5)), 5);
	must("recv", done(on(IORING_OP_RECV, server, room, sizeof(room))), 5);
	must("sendmsg", message(IORING_OP_SENDMSG, server, "1234567", 7, 0), 7);
	must("recvmsg", message(IORING_OP_RECVMSG, client, room, sizeof(room), 0), 7);
	udp = made(SOCK_DGRAM);
	must("sendmsg to", message(IORING_OP_SENDMSG, udp, "123", 3, &address), 3);
	nobody.sin_port = htons(argc > 2 ? atoi(argv[2]) : 1);
	must("refused", done(to(IORING_OP_CONNECT, made(SOCK_STREAM), &nobody)), -ECONNREFUSED);
	return 0;
}
