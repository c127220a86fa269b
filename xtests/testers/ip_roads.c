/* Roads of IP: ip_roads ROAD [N]. Both ends are in this process, on loopback.
 * ROAD: tfo (TCP Fast Open), mptcp, reuseport (two listeners), child (a child accepts), mapped (IPv6
 * sockets that speak IPv4: TCP, then UDP), mmsg (sendmmsg and recvmmsg), mmsg6, flood (N datagrams to
 * two peers in turn, one TCP connect in the middle), steady (N datagrams to one peer), race (N datagrams while a thread rewrites the
 * address), open (leaves a connection open and waits for ever). Each TCP road: 3,000 bytes to the
 * server, 200 back. Prints ports. */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/tcp.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#ifndef IPPROTO_MPTCP
#define IPPROTO_MPTCP 262
#endif

static void must(int ok, const char *what)
{
	if (!ok) {
		perror(what);
		exit(3);
	}
}

static struct sockaddr_in at(int fd)
{
	struct sockaddr_in it = { 0 };
	socklen_t len = sizeof(it);

	getsockname(fd, (void *)&it, &len);
	return it;
}

static int on_loopback(int type, int proto)
{
	struct sockaddr_in any = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	int fd = socket(AF_INET, type, proto);

	must(fd >= 0, "socket");
	must(!bind(fd, (void *)&any, sizeof(any)), "bind");
	return fd;
}

static void all(int fd, int out, int bytes)
{
	static char data[4096];
	ssize_t n;

	for (; bytes > 0; bytes -= n) {
		n = out ? send(fd, data, bytes, 0) : recv(fd, data, bytes, 0);
		must(n > 0, out ? "send" : "recv");
	}
}

/* The client has sent `sent` bytes already. */
static void talk(int client, int server, int sent)
{
	all(client, 1, 3000 - sent);
	all(server, 0, 3000);
	all(server, 1, 200);
	all(client, 0, 200);
	close(client);
	close(server);
}

static void stream(int proto, int fast)
{
	int server = on_loopback(SOCK_STREAM, proto), client = socket(AF_INET, SOCK_STREAM, proto);
	struct sockaddr_in to = at(server);
	int queue = 8, round;

	if (fast)
		must(!setsockopt(server, IPPROTO_TCP, TCP_FASTOPEN, &queue, sizeof(queue)), "fastopen");
	must(!listen(server, 8), "listen");
	printf("%d\n", ntohs(to.sin_port));
	/* The first connection fetches the cookie, the second sends with its SYN. */
	for (round = 0; round < (fast ? 2 : 1); round++) {
		int sent = 0;

		if (round)
			client = socket(AF_INET, SOCK_STREAM, proto);
		if (fast)
			sent = sendto(client, "0123456789", 10, MSG_FASTOPEN, (void *)&to, sizeof(to));
		else
			must(!connect(client, (void *)&to, sizeof(to)), "connect");
		must(sent >= 0, "sendto");
		talk(client, accept(server, 0, 0), sent);
	}
}

static void reuseport(void)
{
	int type = SOCK_STREAM | SOCK_NONBLOCK, on = 1, i;
	int one = socket(AF_INET, type, 0), two = socket(AF_INET, type, 0);
	struct sockaddr_in any = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };

	setsockopt(one, SOL_SOCKET, SO_REUSEPORT, &on, sizeof(on));
	setsockopt(two, SOL_SOCKET, SO_REUSEPORT, &on, sizeof(on));
	must(!bind(one, (void *)&any, sizeof(any)) && !listen(one, 8), "bind");
	any = at(one);
	must(!bind(two, (void *)&any, sizeof(any)) && !listen(two, 8), "bind");
	printf("%d\n", ntohs(any.sin_port));
	for (i = 0; i < 4; i++) {
		int client = socket(AF_INET, SOCK_STREAM, 0), server;

		must(!connect(client, (void *)&any, sizeof(any)), "connect");
		/* The kernel chose one of them. */
		server = accept4(one, 0, 0, 0);
		if (server < 0)
			server = accept4(two, 0, 0, 0);
		must(server >= 0, "accept");
		talk(client, server, 0);
	}
}

static void child(void)
{
	int server = on_loopback(SOCK_STREAM, 0), client = socket(AF_INET, SOCK_STREAM, 0);
	struct sockaddr_in to = at(server);

	must(!listen(server, 8), "listen");
	printf("%d\n", ntohs(to.sin_port));
	fflush(stdout);
	if (!fork()) {
		int got = accept(server, 0, 0);

		all(got, 0, 3000);
		all(got, 1, 200);
		_exit(0);
	}
	must(!connect(client, (void *)&to, sizeof(to)), "connect");
	all(client, 1, 3000);
	all(client, 0, 200);
	wait(0);
}

static void mapped(void)
{
	struct sockaddr_in6 to = { .sin6_family = AF_INET6 };
	int server = on_loopback(SOCK_STREAM, 0), client = socket(AF_INET6, SOCK_STREAM, 0);
	int sink = on_loopback(SOCK_DGRAM, 0), udp = socket(AF_INET6, SOCK_DGRAM, 0);

	must(!listen(server, 8), "listen");
	inet_pton(AF_INET6, "::ffff:127.0.0.1", &to.sin6_addr);
	to.sin6_port = at(server).sin_port;
	printf("%d\n", ntohs(to.sin6_port));
	must(!connect(client, (void *)&to, sizeof(to)), "connect");
	talk(client, accept(server, 0, 0), 0);
	to.sin6_port = at(sink).sin_port;
	printf("%d\n", ntohs(to.sin6_port));
	must(sendto(udp, "0123456789", 10, 0, (void *)&to, sizeof(to)) == 10, "sendto");
}

static void mmsg(int domain)
{
	struct sockaddr_storage to[2] = { 0 };
	socklen_t len = domain == AF_INET ? sizeof(struct sockaddr_in) : sizeof(struct sockaddr_in6);
	static char data[10];
	struct iovec part = { data, 10 };
	struct mmsghdr many[6] = { 0 };
	int sinks[2], fd = socket(domain, SOCK_DGRAM, 0), i;

	for (i = 0; i < 2; i++) {
		struct sockaddr_in6 *six = (void *)&to[i];

		to[i].ss_family = domain;
		if (domain == AF_INET)
			((struct sockaddr_in *)&to[i])->sin_addr.s_addr = htonl(INADDR_LOOPBACK);
		else
			six->sin6_addr = in6addr_loopback;
		sinks[i] = socket(domain, SOCK_DGRAM, 0);
		must(!bind(sinks[i], (void *)&to[i], len), "bind");
		must(!getsockname(sinks[i], (void *)&to[i], &len), "name");
		printf("%d\n", ntohs(six->sin6_port));
	}
	for (i = 0; i < 6; i++) {
		many[i].msg_hdr.msg_iov = &part;
		many[i].msg_hdr.msg_iovlen = 1;
		many[i].msg_hdr.msg_name = &to[i % 2];
		many[i].msg_hdr.msg_namelen = len;
	}
	must(sendmmsg(fd, many, 6, 0) == 6, "sendmmsg");
	must(recvmmsg(sinks[0], many, 3, MSG_DONTWAIT, 0) == 3, "recvmmsg");
}

/* Where the test chooses the moment: xtests/src/gate.rs. */
static void gate(const char *word)
{
	if (getenv("TESTER_GATE")) {
		puts(word);
		fflush(stdout);
		while (getchar() != '\n')
			;
	}
}

static void flood(int times)
{
	int sinks[2] = { on_loopback(SOCK_DGRAM, 0), on_loopback(SOCK_DGRAM, 0) };
	int server = on_loopback(SOCK_STREAM, 0), fd = socket(AF_INET, SOCK_DGRAM, 0), i;
	struct sockaddr_in to[2] = { at(sinks[0]), at(sinks[1]) }, tcp = at(server);

	must(!listen(server, 8), "listen");
	gate("ready");
	for (i = 0; i < times; i++) {
		must(sendto(fd, "x", 1, 0, (void *)&to[i % 2], sizeof(to[0])) == 1, "sendto");
		if (i == times / 2)
			must(!connect(socket(AF_INET, SOCK_STREAM, 0), (void *)&tcp, sizeof(tcp)), "tcp");
	}
	gate("done");
	printf("%d\n", ntohs(tcp.sin_port));
}

static void steady(int times)
{
	int sink = on_loopback(SOCK_DGRAM, 0), fd = socket(AF_INET, SOCK_DGRAM, 0), i;
	struct sockaddr_in to = at(sink);
	char byte;

	for (i = 0; i < times; i++) {
		must(sendto(fd, "x", 1, 0, (void *)&to, sizeof(to)) == 1, "sendto");
		must(recv(sink, &byte, 1, 0) == 1, "recv");
	}
	printf("%d\n", ntohs(to.sin_port));
}

static struct sockaddr_in moving;
static volatile int stop;

static void *rewrite(void *ports)
{
	while (!stop) {
		moving.sin_port = ((unsigned short *)ports)[0];
		moving.sin_port = ((unsigned short *)ports)[1];
	}
	return 0;
}

/* Prints how many datagrams each of the two sinks got. */
static void race(int times)
{
	int sinks[2] = { on_loopback(SOCK_DGRAM, 0), on_loopback(SOCK_DGRAM, 0) };
	unsigned short ports[2] = { at(sinks[0]).sin_port, at(sinks[1]).sin_port };
	int i, size = 4 << 20, got[2] = { 0, 0 };
	pthread_t other;
	char byte;

	for (i = 0; i < 2; i++)
		setsockopt(sinks[i], SOL_SOCKET, SO_RCVBUFFORCE, &size, sizeof(size));
	moving = at(sinks[0]);
	pthread_create(&other, 0, rewrite, ports);
	for (i = 0; i < times; i++) {
		struct iovec part = { "x", 1 };
		struct msghdr message = { .msg_name = &moving, .msg_namelen = sizeof(moving),
					  .msg_iov = &part, .msg_iovlen = 1 };
		/* A socket for each: its one packet must agree with what was told of it. */
		int fd = socket(AF_INET, SOCK_DGRAM, 0);

		if (i % 2)
			must(sendmsg(fd, &message, 0) == 1, "sendmsg");
		else
			must(sendto(fd, "x", 1, 0, (void *)&moving, sizeof(moving)) == 1, "sendto");
		close(fd);
	}
	stop = 1;
	pthread_join(other, 0);
	for (i = 0; i < 2; i++)
		while (recv(sinks[i], &byte, 1, MSG_DONTWAIT) == 1)
			got[i]++;
	printf("%d\n%d\n%d\n%d\n", ntohs(ports[0]), got[0], ntohs(ports[1]), got[1]);
}

static void leave_open(void)
{
	int server = on_loopback(SOCK_STREAM, 0), client = socket(AF_INET, SOCK_STREAM, 0), got;
	int sink = on_loopback(SOCK_DGRAM, 0), udp = socket(AF_INET, SOCK_DGRAM, 0);
	struct sockaddr_in to = at(server), other = at(sink);

	must(!listen(server, 8), "listen");
	must(!connect(client, (void *)&to, sizeof(to)), "connect");
	got = accept(server, 0, 0);
	all(client, 1, 3000);
	all(got, 0, 3000);
	all(got, 1, 200);
	all(client, 0, 200);
	must(sendto(udp, "0123456789", 10, 0, (void *)&other, sizeof(other)) == 10, "sendto");
	printf("%d\n%d\n%d\n", getpid(), ntohs(to.sin_port), ntohs(other.sin_port));
	fclose(stdout);
	fclose(stderr);
	pause();
}

int main(int argc, char **argv)
{
	const char *road = argc > 1 ? argv[1] : "";
	int times = argc > 2 ? atoi(argv[2]) : 0;

	if (!strcmp(road, "tfo"))
		stream(IPPROTO_TCP, 1);
	else if (!strcmp(road, "mptcp"))
		stream(IPPROTO_MPTCP, 0);
	else if (!strcmp(road, "reuseport"))
		reuseport();
	else if (!strcmp(road, "child"))
		child();
	else if (!strcmp(road, "mapped"))
		mapped();
	else if (!strcmp(road, "mmsg"))
		mmsg(AF_INET);
	else if (!strcmp(road, "mmsg6"))
		mmsg(AF_INET6);
	else if (!strcmp(road, "flood"))
		flood(times);
	else if (!strcmp(road, "steady"))
		steady(times);
	else if (!strcmp(road, "race"))
		race(times);
	else if (!strcmp(road, "open"))
		leave_open();
	else
		return 2;
	return 0;
}
