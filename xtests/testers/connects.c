/* Connects a socket in one way and says how it ended: connects HOW ADDRESS PORT.
 * HOW: block, wait (non-blocking, waits for the end), leave (non-blocking, closed at once),
 * keep (non-blocking; tells its pid and never ends), udp (a datagram socket), listen (binds,
 * listens, connects to itself), bind (binds a datagram socket).
 * Prints the errno, 0 for none, or the port that was bound. */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

static struct sockaddr_storage to;
static socklen_t to_len;

static void parse(const char *address, int port)
{
	struct sockaddr_in *v4 = (void *)&to;
	struct sockaddr_in6 *v6 = (void *)&to;

	if (inet_pton(AF_INET, address, &v4->sin_addr) == 1) {
		v4->sin_family = AF_INET;
		v4->sin_port = htons(port);
		to_len = sizeof(*v4);
	} else if (inet_pton(AF_INET6, address, &v6->sin6_addr) == 1) {
		v6->sin6_family = AF_INET6;
		v6->sin6_port = htons(port);
		to_len = sizeof(*v6);
	} else {
		exit(2);
	}
}

static int wait_for(int fd)
{
	struct pollfd it = { .fd = fd, .events = POLLOUT };
	socklen_t len = sizeof(int);
	int error = 0;

	if (poll(&it, 1, 60000) != 1)
		return -1;
	getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &len);
	return error;
}

static int bound(int type, int connects)
{
	int fd = socket(to.ss_family, type, 0);
	socklen_t len = sizeof(to);

	if (bind(fd, (void *)&to, to_len) || getsockname(fd, (void *)&to, &len))
		return -errno;
	if (connects) {
		int one = socket(to.ss_family, type, 0);

		if (listen(fd, 8) || connect(one, (void *)&to, len) || accept(fd, 0, 0) < 0)
			return -errno;
	}
	return ntohs(((struct sockaddr_in *)&to)->sin_port);
}

static int connected(const char *how)
{
	int type = strcmp(how, "udp") ? SOCK_STREAM : SOCK_DGRAM;
	int flags = strcmp(how, "block") && strcmp(how, "udp") ? SOCK_NONBLOCK : 0;
	int fd = socket(to.ss_family, type | flags, 0), error = 0;

	if (connect(fd, (void *)&to, to_len))
		error = errno;
	if (error == EINPROGRESS && !strcmp(how, "wait"))
		error = wait_for(fd);
	if (!strcmp(how, "keep")) {
		printf("%d\n", getpid());
		fclose(stdout);
		pause();
	}
	close(fd);
	return error;
}

int main(int argc, char **argv)
{
	if (argc != 4)
		return 2;
	parse(argv[2], atoi(argv[3]));
	if (!strcmp(argv[1], "listen"))
		printf("%d\n", bound(SOCK_STREAM, 1));
	else if (!strcmp(argv[1], "bind"))
		printf("%d\n", bound(SOCK_DGRAM, 0));
	else
		printf("%d\n", connected(argv[1]));
	return 0;
}
