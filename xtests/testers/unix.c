/* Unix sockets, one road for each first argument. A name that begins with @ is abstract. */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <net/if.h>
#include <netinet/in.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

static void must(long result, const char *what)
{
	if (result < 0) {
		perror(what);
		exit(1);
	}
}

static int type_of(const char *name)
{
	return !strcmp(name, "stream") ? SOCK_STREAM : !strcmp(name, "dgram") ? SOCK_DGRAM :
	       SOCK_SEQPACKET;
}

static socklen_t put_name(struct sockaddr_un *to, const char *name)
{
	memset(to, 0, sizeof(*to));
	to->sun_family = AF_UNIX;
	strncpy(to->sun_path, name, sizeof(to->sun_path) - 1);
	if (name[0] == '@')
		to->sun_path[0] = 0;
	return offsetof(struct sockaddr_un, sun_path) + strlen(name);
}

/* Takes one client, or one datagram, and ends. */
static int serve(const char *type, const char *name)
{
	struct sockaddr_un at;
	socklen_t len = put_name(&at, name);
	int fd = socket(AF_UNIX, type_of(type), 0), client = fd;
	char byte;

	must(bind(fd, (void *)&at, len), name);
	if (type_of(type) != SOCK_DGRAM)
		must(listen(fd, 8), "listen");
	puts("ready");
	fflush(stdout);
	if (type_of(type) != SOCK_DGRAM)
		must(client = accept(fd, 0, 0), "accept");
	must(recv(client, &byte, 1, 0), "recv");
	return 0;
}

static int contact(const char *type, const char *name)
{
	struct sockaddr_un to;
	socklen_t len = put_name(&to, name);
	int fd = socket(AF_UNIX, type_of(type), 0);

	must(connect(fd, (void *)&to, len), name);
	must(send(fd, "x", 1, MSG_NOSIGNAL), "send");
	return 0;
}

/* A server that is of the run as well. */
static int both(const char *type, const char *name)
{
	int told[2];
	char byte;
	pid_t pid;

	must(pipe(told), "pipe");
	pid = fork();
	if (!pid) {
		dup2(told[1], 1);
		exit(serve(type, name));
	}
	must(read(told[0], &byte, 1), "ready");
	contact(type, name);
	waitpid(pid, 0, 0);
	printf("%d\n", pid);
	return 0;
}

/* Datagrams to a name that comes with each, in all three ways. */
static int send_to(const char *name, int times)
{
	struct sockaddr_un to;
	socklen_t len = put_name(&to, name);
	struct iovec what = { "x", 1 };
	struct mmsghdr many[2] = { { .msg_hdr = { .msg_name = &to, .msg_namelen = len,
						  .msg_iov = &what, .msg_iovlen = 1 } } };
	int fd = socket(AF_UNIX, SOCK_DGRAM, 0);

	many[1] = many[0];
	while (times--)
		must(sendto(fd, "x", 1, 0, (void *)&to, len), "sendto");
	close(fd);
	fd = socket(AF_UNIX, SOCK_DGRAM, 0);
	must(sendmsg(fd, &many[0].msg_hdr, 0), "sendmsg");
	close(fd);
	fd = socket(AF_UNIX, SOCK_DGRAM, 0);
	must(sendmmsg(fd, many, 2, 0), "sendmmsg");
	return 0;
}

static void exactly(int fd, int bytes, int out)
{
	static char room[4000];

	while (bytes > 0) {
		long some = bytes < (int)sizeof(room) ? bytes : (int)sizeof(room);

		some = out ? write(fd, room, some) : read(fd, room, some);
		must(some > 0 ? 0 : -1, "exactly");
		bytes -= some;
	}
}

/* A server and a client of it: 8,000 bytes over two connections in all ways, 4,000 bytes back. Prints
 * both pids. */
static int talk(void)
{
	struct sockaddr_un at;
	socklen_t len = put_name(&at, "@audit-xtests-talk");
	static char bytes[1000];
	struct iovec part = { bytes, sizeof(bytes) };
	struct msghdr message = { .msg_iov = &part, .msg_iovlen = 1 };
	int listener = socket(AF_UNIX, SOCK_STREAM, 0);
	pid_t pid;

	/* a name of its own for each run */
	len += snprintf(at.sun_path + len - 2, 16, "%d", getpid());
	must(bind(listener, (void *)&at, len), "bind");
	must(listen(listener, 8), "listen");
	pid = fork();
	for (int round = 0; round < 2; round++) {
		int fd = pid ? accept(listener, 0, 0) : socket(AF_UNIX, SOCK_STREAM, 0);

		if (pid) {
			exactly(fd, 4000, 0);
			exactly(fd, 2000, 1);
		} else {
			must(connect(fd, (void *)&at, len), "connect");
			must(write(fd, bytes, 1000), "write");
			must(send(fd, bytes, 1000, 0), "send");
			must(sendmsg(fd, &message, 0), "sendmsg");
			must(writev(fd, &part, 1), "writev");
			exactly(fd, 2000, 0);
		}
		close(fd);
	}
	if (!pid)
		exit(0);
	waitpid(pid, 0, 0);
	printf("%d %d\n", getpid(), pid);
	return 0;
}

static char (*shared)[128];
static const char *halves[2];
static size_t used;
static volatile int over;

static void *rewrite(void *unused)
{
	for (unsigned i = 0; !over; i++)
		memcpy((char *)shared, halves[i & 1], used);
	return unused;
}

/* Connects `times` times while a thread changes the address; each connection says its number. */
static int race(int family, const void *one, const void *two, size_t len, uint32_t times)
{
	pthread_t thread;

	shared = calloc(1, sizeof(*shared));
	halves[0] = one;
	halves[1] = two;
	used = len;
	memcpy(shared, one, len);
	must(-pthread_create(&thread, 0, rewrite, 0), "thread");
	for (uint32_t i = 0; i < times; i++) {
		int fd = socket(family, SOCK_STREAM, 0);

		if (!connect(fd, (void *)shared, len))
			must(send(fd, &i, sizeof(i), MSG_NOSIGNAL), "send");
		close(fd);
	}
	over = 1;
	pthread_join(thread, 0);
	return 0;
}

static int race_unix(const char *one, const char *two, int times)
{
	struct sockaddr_un a, b;

	put_name(&a, one);
	put_name(&b, two);
	return race(AF_UNIX, &a, &b, sizeof(a), times);
}

static int race_inet(int one, int two, int times)
{
	struct sockaddr_in a = { .sin_family = AF_INET, .sin_port = htons(one),
				 .sin_addr.s_addr = htonl(INADDR_LOOPBACK) }, b = a;

	b.sin_port = htons(two);
	return race(AF_INET, &a, &b, sizeof(a), times);
}

/* The port of ssh on the loopback of a network that nobody else has. */
static int ssh(void)
{
	struct sockaddr_in at = { .sin_family = AF_INET, .sin_port = htons(22),
				  .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	struct ifreq lo = { .ifr_name = "lo", .ifr_flags = IFF_UP | IFF_RUNNING };
	int server, client;

	must(unshare(CLONE_NEWNET), "unshare");
	server = socket(AF_INET, SOCK_STREAM, 0);
	client = socket(AF_INET, SOCK_STREAM, 0);
	must(ioctl(server, SIOCSIFFLAGS, &lo), "lo");
	must(bind(server, (void *)&at, sizeof(at)), "bind");
	must(listen(server, 1), "listen");
	must(connect(client, (void *)&at, sizeof(at)), "connect");
	return 0;
}

#if defined(__x86_64__)
static long old_call(long nr, long a, long b, long c)
{
	long ret;

	__asm__ volatile("int $0x80" : "=a"(ret) : "a"(nr), "b"(a), "c"(b), "d"(c)
			 : "memory", "r8", "r9", "r10", "r11");
	return ret;
}

/* connect(2) by its own 32-bit number, and by socketcall. */
static int compat(const char *name)
{
	char *low = mmap(0, 4096, PROT_READ | PROT_WRITE,
			 MAP_PRIVATE | MAP_ANONYMOUS | MAP_32BIT, -1, 0);
	uint32_t *args = (void *)(low + 2048);
	socklen_t len = put_name((void *)low, name);

	must(old_call(362, socket(AF_UNIX, SOCK_STREAM, 0), (long)low, len), "connect");
	args[0] = socket(AF_UNIX, SOCK_STREAM, 0);
	args[1] = (long)low;
	args[2] = len;
	must(old_call(102, 3 /* SYS_CONNECT */, (long)args, 0), "socketcall");
	return 0;
}
#endif

int main(int argc, char **argv)
{
	const char *road = argv[1], *one = argc > 2 ? argv[2] : "", *two = argc > 3 ? argv[3] : "";
	int times = argc > 4 ? atoi(argv[4]) : 0;

	if (!strcmp(road, "serve"))
		return serve(one, two);
	if (!strcmp(road, "connect"))
		return contact(one, two);
	if (!strcmp(road, "both"))
		return both(one, two);
	if (!strcmp(road, "talk"))
		return talk();
	if (!strcmp(road, "send"))
		return send_to(one, atoi(two));
	if (!strcmp(road, "race-unix"))
		return race_unix(one, two, times);
	if (!strcmp(road, "race-inet"))
		return race_inet(atoi(one), atoi(two), times);
	if (!strcmp(road, "ssh"))
		return ssh();
#if defined(__x86_64__)
	if (!strcmp(road, "compat"))
		return compat(one);
#endif
	return 2;
}
