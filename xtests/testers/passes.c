/* Open files that go over unix sockets: `passes WAY NAME [OTHER]`. */
#define _GNU_SOURCE
#include <err.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#define MOST 3

static long check(long ret, const char *what)
{
	if (ret < 0)
		err(1, "%s", what);
	return ret;
}

union room {
	struct cmsghdr head;
	char bytes[CMSG_SPACE(MOST * sizeof(int)) + CMSG_SPACE(sizeof(struct ucred))];
};

static char byte;
static struct iovec text = { &byte, 1 };

static void send_files(int sock, const int *fds, int count)
{
	union room room = { .head = { .cmsg_level = SOL_SOCKET, .cmsg_type = SCM_RIGHTS,
				      .cmsg_len = CMSG_LEN(count * sizeof(int)) } };
	struct msghdr msg = { .msg_iov = &text, .msg_iovlen = 1, .msg_control = &room,
			      .msg_controllen = CMSG_SPACE(count * sizeof(int)) };

	memcpy(CMSG_DATA(&room.head), fds, count * sizeof(int));
	check(sendmsg(sock, &msg, 0), "sendmsg");
}

/* Takes one message; what comes with it stays open. */
static void take(int sock)
{
	union room room;
	struct msghdr msg = { .msg_iov = &text, .msg_iovlen = 1, .msg_control = &room,
			      .msg_controllen = sizeof(room) };

	check(recvmsg(sock, &msg, 0), "recvmsg");
}

static void take_three(int sock)
{
	union room rooms[3];
	struct mmsghdr msgs[3] = {};

	for (int i = 0; i < 3; i++) {
		msgs[i].msg_hdr = (struct msghdr){ .msg_iov = &text, .msg_iovlen = 1,
						   .msg_control = &rooms[i],
						   .msg_controllen = sizeof(rooms[i]) };
	}
	if (check(recvmmsg(sock, msgs, 3, 0, 0), "recvmmsg") != 3)
		errx(1, "three messages");
}

static int file(const char *name)
{
	return check(open(name, O_RDWR | O_CREAT, 0644), name);
}

static int a_socket(void)
{
	return check(socket(AF_INET, SOCK_DGRAM, 0), "socket");
}

static int a_pipe(void)
{
	int ends[2];

	check(pipe(ends), "pipe");
	return ends[0];
}

/* A child sends, and is gone before its parent takes: what is told of it is what the message says. */
static void by_child(int ends[2], const int *fds, int count, int times)
{
	if (!check(fork(), "fork")) {
		while (times--)
			send_files(ends[0], fds, count);
		_exit(0);
	}
	wait(0);
}

static volatile int over;
static union room shared;

static void *scribble(void *unused)
{
	for (unsigned i = 0; !over; i++)
		memset(&shared, i & 1 ? 0 : 3, sizeof(shared));
	return unused;
}

/* The numbers of what came are overwritten at once; the record is not made of them. */
static void race(int ends[2], const int *fds)
{
	struct msghdr msg = { .msg_iov = &text, .msg_iovlen = 1, .msg_control = &shared };
	pthread_t thread;

	check(-pthread_create(&thread, 0, scribble, 0), "thread");
	for (int i = 0; i < 1000; i++) {
		send_files(ends[0], &fds[i % 3 == 0], 1);
		msg.msg_controllen = sizeof(shared);
		check(recvmsg(ends[1], &msg, 0), "recvmsg");
		close_range(100, ~0U, 0);
	}
	over = 1;
	pthread_join(thread, 0);
}

static int connected(const char *name, int serve)
{
	struct sockaddr_un at = { .sun_family = AF_UNIX };
	int fd = check(socket(AF_UNIX, SOCK_STREAM, 0), "socket");

	strncpy(at.sun_path, name, sizeof(at.sun_path) - 1);
	if (!serve) {
		check(connect(fd, (void *)&at, sizeof(at)), name);
		return fd;
	}
	check(bind(fd, (void *)&at, sizeof(at)), name);
	check(listen(fd, 1), "listen");
	puts("ready");
	fflush(stdout);
	return check(accept(fd, 0, 0), "accept");
}

int main(int argc, char **argv)
{
	const char *way = argv[1], *name = argv[2], *other = argc > 3 ? argv[3] : "";
	int ends[2], one = 1, fds[MOST];
	char params[256] = {};

	if (argc < 3)
		errx(2, "usage: passes WAY NAME [OTHER]");
	if (!strcmp(way, "give") || !strcmp(way, "serve-give")) {
		fds[0] = file(name);
		ends[0] = connected(other, way[0] == 's');
		send_files(ends[0], fds, 1);
		/* until the other has taken it */
		return read(ends[0], &byte, 1) < 0;
	}
	if (!strcmp(way, "take") || !strcmp(way, "serve-take")) {
		ends[1] = connected(name, way[0] == 's');
		take(ends[1]);
		return 0;
	}
	check(socketpair(AF_UNIX, strcmp(way, "mmsg") ? SOCK_STREAM : SOCK_DGRAM, 0, ends), "socketpair");
	fds[0] = file(name);
	fds[1] = argc > 3 ? file(other) : a_socket();
	fds[2] = a_pipe();
	if (!strcmp(way, "race")) {
		for (int fd = 3; fd < 99; fd++)
			dup(0);	/* what comes is numbered from 100 on */
		race(ends, fds);
		return 0;
	}
	if (!strcmp(way, "named"))
		check(setsockopt(ends[1], SOL_SOCKET, SO_PASSCRED, &one, sizeof(one)), "SO_PASSCRED");
	if (!strcmp(way, "ring"))
		check(syscall(SYS_io_uring_setup, 1, params), "io_uring_setup");
	by_child(ends, fds, !strcmp(way, "all") ? 3 : 1, !strcmp(way, "mmsg") ? 3 : 1);
	for (int fd = 0; fd < MOST; fd++)
		close(fds[fd]);
	if (!strcmp(way, "deaf"))
		check(recv(ends[1], &byte, 1, 0), "recv");
	else if (!strcmp(way, "mmsg"))
		take_three(ends[1]);
	else
		take(ends[1]);
	return 0;
}
