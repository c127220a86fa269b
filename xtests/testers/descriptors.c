/* Descriptors that somebody else opened: `descriptors WAY NAME`. */
#define _GNU_SOURCE
#include <err.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

static long check(long ret, const char *what)
{
	if (ret < 0)
		err(1, "%s", what);
	return ret;
}

union room {
	struct cmsghdr head;
	char bytes[CMSG_SPACE(sizeof(int))];
};

static void pass(int sock, int fd)
{
	char byte = 0;
	struct iovec text = { &byte, 1 };
	union room room = { .head = { .cmsg_level = SOL_SOCKET, .cmsg_type = SCM_RIGHTS,
				      .cmsg_len = CMSG_LEN(sizeof(int)) } };
	struct msghdr msg = { .msg_iov = &text, .msg_iovlen = 1, .msg_control = &room,
			      .msg_controllen = sizeof(room) };

	memcpy(CMSG_DATA(&room.head), &fd, sizeof(fd));
	check(sendmsg(sock, &msg, 0), "sendmsg");
}

static int passed(int sock)
{
	char byte;
	struct iovec text = { &byte, 1 };
	union room room;
	struct msghdr msg = { .msg_iov = &text, .msg_iovlen = 1, .msg_control = &room,
			      .msg_controllen = sizeof(room) };
	int fd;

	check(recvmsg(sock, &msg, 0), "recvmsg");
	memcpy(&fd, CMSG_DATA(&room.head), sizeof(fd));
	return fd;
}

/* One child opens and passes, and is gone; another writes and closes. */
static void by_socket(const char *name, int taken)
{
	int ends[2], fd;

	check(socketpair(AF_UNIX, SOCK_STREAM, 0, ends), "socketpair");
	if (!check(fork(), "fork")) {
		fd = check(open(name, O_WRONLY | O_CREAT, 0644), name);
		check(write(fd, "x", 1), "write");
		pass(ends[0], fd);
		_exit(0);
	}
	wait(0);
	/* Never taken: the kernel closes it with the socket. */
	if (!taken)
		return;
	if (!check(fork(), "fork")) {
		fd = passed(ends[1]);
		check(write(fd, "y", 1), "write");
		_exit(0);
	}
	wait(0);
}

/* A socket that is in its own queue is freed by the kernel's collector, and the file with it. */
static void by_collector(const char *name)
{
	int ends[2], other[2], fd = check(open(name, O_WRONLY | O_CREAT, 0644), name);

	check(socketpair(AF_UNIX, SOCK_STREAM, 0, ends), "socketpair");
	check(socketpair(AF_UNIX, SOCK_STREAM, 0, other), "socketpair");
	check(write(fd, "x", 1), "write");
	pass(ends[0], fd);
	pass(ends[0], ends[1]);
	pass(ends[1], ends[0]);
}

int main(int argc, char **argv)
{
	const char *way = argv[1];
	char self[64];
	int fd;

	if (argc != 3)
		errx(2, "usage: descriptors WAY NAME");
	if (!strcmp(way, "inherited"))
		return check(write(atoi(argv[2]), "x", 1), way) != 1;
	if (!strcmp(way, "passed"))
		return by_socket(argv[2], 1), 0;
	if (!strcmp(way, "dropped"))
		return by_socket(argv[2], 0), 0;
	if (!strcmp(way, "collected"))
		return by_collector(argv[2]), 0;
	if (strcmp(way, "again"))
		errx(2, "no such way: %s", way);
	fd = check(open(argv[2], O_RDONLY), argv[2]);
	snprintf(self, sizeof(self), "/proc/self/fd/%d", fd);
	check(write(check(open(self, O_WRONLY), self), "x", 1), "write");
	return 0;
}
