/* Uses the socket on its standard input, which was made by somebody else: foreign_socket HOW.
 * HOW: use (writes 1,000 bytes in 4 calls, reads 500), pass (receives a socket over it and uses that),
 * share (uses it, and so does a child), accept (takes a connection from it and uses that), connect and
 * connect-later (without waiting) ADDRESS PORT: prints what connect(2) said, and sends where it came to be. */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

static int use(int fd)
{
	char bytes[500] = { 0 };
	int i;

	if (write(fd, bytes, 250) != 250 || send(fd, bytes, 250, 0) != 250 ||
	    sendto(fd, bytes, 250, 0, 0, 0) != 250)
		return 1;
	struct iovec part = { bytes, 250 };
	struct msghdr message = { .msg_iov = &part, .msg_iovlen = 1 };
	if (sendmsg(fd, &message, 0) != 250)
		return 2;
	/* A look without taking counts for nothing. */
	recv(fd, bytes, 1, MSG_PEEK);
	for (i = 0; i < 500;) {
		ssize_t got = read(fd, bytes, 500 - i);

		if (got <= 0)
			return 3;
		i += got;
	}
	return 0;
}

static int received(int from)
{
	char byte, space[CMSG_SPACE(sizeof(int))];
	struct iovec part = { &byte, 1 };
	struct msghdr message = { .msg_iov = &part, .msg_iovlen = 1, .msg_control = space,
				  .msg_controllen = sizeof(space) };
	int fd;

	if (recvmsg(from, &message, 0) != 1 || !CMSG_FIRSTHDR(&message))
		return -1;
	memcpy(&fd, CMSG_DATA(CMSG_FIRSTHDR(&message)), sizeof(fd));
	return fd;
}

static int connects(const char *address, int port, int later)
{
	struct sockaddr_in to = { .sin_family = AF_INET, .sin_port = htons(port) };
	struct pollfd done = { .fd = 0, .events = POLLOUT };
	socklen_t len = sizeof(errno);
	int error;

	inet_pton(AF_INET, address, &to.sin_addr);
	if (later && fcntl(0, F_SETFL, O_NONBLOCK))
		return 7;
	error = connect(0, (struct sockaddr *)&to, sizeof(to)) ? errno : 0;
	if (later && error == EINPROGRESS) {
		if (poll(&done, 1, 10000) != 1 || getsockopt(0, SOL_SOCKET, SO_ERROR, &error, &len))
			return 6;
	}
	printf("%s\n", error ? strerrorname_np(error) : "connected");
	return !error && send(0, "hello", 5, MSG_NOSIGNAL) != 5;
}

int main(int argc, char **argv)
{
	if (argc == 4)
		return connects(argv[2], atoi(argv[3]), !strcmp(argv[1], "connect-later"));
	if (argc != 2)
		return 9;
	if (!strcmp(argv[1], "pass"))
		return use(received(0));
	if (!strcmp(argv[1], "accept"))
		return use(accept(0, 0, 0));
	if (!strcmp(argv[1], "share")) {
		int status;

		if (!fork())
			_exit(use(0));
		wait(&status);
		if (status)
			return 8;
	}
	return use(0);
}
