/* SPDX-License-Identifier: MIT OR Apache-2.0
 *
 * Says the bytes of a file to a peer: `talk tcp|udp ADDRESS PORT FILE PIECE`. TCP: in writes of PIECE
 * bytes, each a segment of its own, then waits for the other's end. UDP: in datagrams of PIECE bytes
 * from one unconnected socket.
 */
#include <arpa/inet.h>
#include <err.h>
#include <netdb.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

static char bytes[1 << 16];

int main(int argc, char **argv)
{
	struct addrinfo hints = { .ai_flags = AI_NUMERICHOST | AI_NUMERICSERV }, *to;
	int tcp, one = 1, fd;
	size_t len, piece, at;
	FILE *file;

	if (argc != 6)
		errx(2, "talk tcp|udp ADDRESS PORT FILE PIECE");
	tcp = !strcmp(argv[1], "tcp");
	hints.ai_socktype = tcp ? SOCK_STREAM : SOCK_DGRAM;
	if (getaddrinfo(argv[2], argv[3], &hints, &to))
		errx(1, "no address: %s %s", argv[2], argv[3]);
	file = fopen(argv[4], "r");
	if (!file)
		err(1, "%s", argv[4]);
	len = fread(bytes, 1, sizeof(bytes), file);
	piece = strtoul(argv[5], 0, 10);
	fd = socket(to->ai_family, to->ai_socktype, 0);
	if (fd < 0)
		err(1, "socket");
	if (tcp && connect(fd, to->ai_addr, to->ai_addrlen))
		err(1, "connect");
	if (tcp && setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one)))
		err(1, "TCP_NODELAY");
	for (at = 0; at < len; at += piece) {
		size_t some = len - at < piece ? len - at : piece;
		ssize_t sent = tcp ? send(fd, bytes + at, some, 0) :
				     sendto(fd, bytes + at, some, 0, to->ai_addr, to->ai_addrlen);

		if (sent != (ssize_t)some)
			err(1, "send");
	}
	if (tcp) {
		shutdown(fd, SHUT_WR);
		while (read(fd, bytes, sizeof(bytes)) > 0)
			;
	}
	return 0;
}
