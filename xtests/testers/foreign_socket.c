/* Uses the socket on its standard input, which was made by somebody else: foreign_socket HOW.
 * HOW: use (writes 1,000 bytes in 4 calls, reads 500), pass (receives a socket over it and uses that),
 * share (uses it, and so does a child), accept (takes a connection from it and uses that). */
#define _GNU_SOURCE
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

int main(int argc, char **argv)
{
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
