/* echo TEXT: sends TEXT to itself over a TCP connection on loopback and prints what arrives. */
#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

static int checked(int result, const char *what)
{
	if (result < 0) {
		perror(what);
		exit(1);
	}
	return result;
}

int main(int argc, char **argv)
{
	struct sockaddr_in here = { .sin_family = AF_INET };
	socklen_t size = sizeof(here);
	int server, client, peer;
	char text[256];
	ssize_t got;

	if (argc != 2 || strlen(argv[1]) >= sizeof(text)) {
		fputs("usage: echo TEXT\n", stderr);
		return 2;
	}
	here.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	server = checked(socket(AF_INET, SOCK_STREAM, 0), "socket");
	checked(bind(server, (struct sockaddr *)&here, size), "bind");
	checked(listen(server, 1), "listen");
	checked(getsockname(server, (struct sockaddr *)&here, &size), "getsockname");

	client = checked(socket(AF_INET, SOCK_STREAM, 0), "socket");
	checked(connect(client, (struct sockaddr *)&here, size), "connect");
	peer = checked(accept(server, NULL, NULL), "accept");
	checked(write(client, argv[1], strlen(argv[1])), "write");
	close(client);

	while ((got = read(peer, text, sizeof(text))) > 0)
		fwrite(text, 1, (size_t)got, stdout);
	checked((int)got, "read");
	putchar('\n');
	return 0;
}
