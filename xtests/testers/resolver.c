/* SPDX-License-Identifier: MIT OR Apache-2.0
 *
 * A DNS server on 127.0.0.1, over UDP and TCP, beside a command: `resolver CMD [ARG]...`. Brings the
 * loopback device up, so that it can be used in a new network namespace. Ends with the command.
 *
 * www.example.test is an alias of cdn.example.test, which has the addresses 127.0.0.10 and ::1. Any
 * other name does not exist.
 */
#include <arpa/inet.h>
#include <err.h>
#include <net/if.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <unistd.h>

static const unsigned char asked[] = "\3www\7example\4test";	/* its NUL ends the name */
static const unsigned char alias[] = "\xc0\x0c\0\5\0\1\0\0\1\x2c\0\6\3cdn\xc0\x10";
static const unsigned char v4[] = "\3cdn\xc0\x10\0\1\0\1\0\0\0\x3c\0\4\x7f\0\0\x0a";
static const unsigned char v6[] = "\3cdn\xc0\x10\0\x1c\0\1\0\0\0\x3c\0\x10\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\1";

static size_t put(unsigned char *to, size_t at, const unsigned char *bytes, size_t len)
{
	memcpy(to + at, bytes, len);
	return at + len;
}

/* Makes the answer to a query of `len` bytes in place: header and question, then the records. */
static size_t answer(unsigned char *m, size_t len)
{
	size_t at = 12 + sizeof(asked) + 4;
	unsigned char kind;

	if (len < at || memcmp(m + 12, asked, sizeof(asked))) {
		m[2] = 0x81;
		m[3] = 0x83;
		m[11] = 0;
		return len;
	}
	kind = m[at - 3];
	m[2] = 0x81;
	m[3] = 0x80;
	m[11] = 0;	/* no additional records: EDNS is not spoken here */
	m[7] = kind == 1 || kind == 28 ? 2 : 1;
	at = put(m, at, alias, sizeof(alias) - 1);
	if (kind == 1)
		at = put(m, at, v4, sizeof(v4) - 1);
	if (kind == 28)
		at = put(m, at, v6, sizeof(v6) - 1);
	return at;
}

static void serve_stream(int fd)
{
	unsigned char buffer[1024];
	size_t len;

	while (recv(fd, buffer, 2, MSG_WAITALL) == 2) {
		len = buffer[0] << 8 | buffer[1];
		if (len > 512 || recv(fd, buffer + 2, len, MSG_WAITALL) != (ssize_t)len)
			break;
		len = answer(buffer + 2, len);
		buffer[0] = len >> 8;
		buffer[1] = len;
		if (send(fd, buffer, len + 2, 0) < 0)
			break;
	}
	close(fd);
}

static void serve(int udp, int tcp)
{
	struct pollfd fds[] = { { udp, POLLIN, 0 }, { tcp, POLLIN, 0 } };
	unsigned char buffer[1024];

	for (;;) {
		poll(fds, 2, -1);
		if (fds[0].revents) {
			struct sockaddr_in peer;
			socklen_t peer_len = sizeof(peer);
			ssize_t len = recvfrom(udp, buffer, 512, 0, (struct sockaddr *)&peer, &peer_len);

			if (len >= 12)
				sendto(udp, buffer, answer(buffer, len), 0, (struct sockaddr *)&peer, peer_len);
		}
		if (fds[1].revents)
			serve_stream(accept(tcp, 0, 0));
	}
}

static int bound(int type)
{
	struct sockaddr_in at = { .sin_family = AF_INET, .sin_port = htons(53) };
	int fd = socket(AF_INET, type, 0), one = 1;

	at.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one));
	if (fd < 0 || bind(fd, (struct sockaddr *)&at, sizeof(at)))
		err(1, "cannot have port 53");
	return fd;
}

int main(int argc, char **argv)
{
	struct ifreq lo = { .ifr_name = "lo", .ifr_flags = IFF_UP };
	pid_t command = getpid();
	int udp, tcp;

	if (argc < 2)
		errx(2, "resolver CMD [ARG]...");
	udp = socket(AF_INET, SOCK_DGRAM, 0);
	if (ioctl(udp, SIOCSIFFLAGS, &lo))
		err(1, "cannot bring lo up");
	close(udp);
	udp = bound(SOCK_DGRAM);
	tcp = bound(SOCK_STREAM);
	if (listen(tcp, 8))
		err(1, "listen");
	if (fork() == 0) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		if (getppid() == command)
			serve(udp, tcp);
		return 0;
	}
	close(udp);
	close(tcp);
	execvp(argv[1], argv + 1);
	err(127, "%s", argv[1]);
}
