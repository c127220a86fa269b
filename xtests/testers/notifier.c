/* A service that speaks to its manager: `notifier pids` or `notifier talk`. */
#define _GNU_SOURCE
#include <poll.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

static int manager = -1;

static void must(long result, const char *what)
{
	if (result < 0) {
		perror(what);
		exit(1);
	}
}

static void find_manager(void)
{
	const char *name = getenv("NOTIFY_SOCKET");
	struct sockaddr_un to = { .sun_family = AF_UNIX };
	socklen_t len;

	must(name ? 0 : -1, "NOTIFY_SOCKET");
	strncpy(to.sun_path, name, sizeof(to.sun_path) - 1);
	len = offsetof(struct sockaddr_un, sun_path) + strlen(name);
	if (name[0] == '@')
		to.sun_path[0] = 0;
	must(manager = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0), "socket");
	must(connect(manager, (void *)&to, len), "connect");
}

static void say(const char *message, int descriptor)
{
	union {
		struct cmsghdr head;
		char room[CMSG_SPACE(sizeof(int))];
	} control = { 0 };
	struct iovec text = { (void *)message, strlen(message) };
	struct msghdr head = { .msg_iov = &text, .msg_iovlen = 1 };

	if (descriptor >= 0) {
		head.msg_control = &control;
		head.msg_controllen = sizeof(control);
		control.head.cmsg_level = SOL_SOCKET;
		control.head.cmsg_type = SCM_RIGHTS;
		control.head.cmsg_len = CMSG_LEN(sizeof(int));
		memcpy(CMSG_DATA(&control.head), &descriptor, sizeof(int));
	}
	must(sendmsg(manager, &head, 0), message);
}

static int is_own(const char *variable)
{
	const char *value = getenv(variable);
	char own[32];

	snprintf(own, sizeof(own), "%d", getpid());
	return value && !strcmp(value, own);
}

static int pids(void)
{
	char word[16] = "";

	printf("watchdog %d listen %d\n", is_own("WATCHDOG_PID"), is_own("LISTEN_PID"));
	must(read(3, word, sizeof(word) - 1), "descriptor 3");
	printf("passed %s\n", word);
	return 0;
}

static int talk(void)
{
	int kept[2], barrier[2];
	char line[8];

	find_manager();
	puts(getenv("NOTIFY_SOCKET"));
	fflush(stdout);
	must((long)fgets(line, sizeof(line), stdin), "a word");
	say("READY=1\nMAINPID=1\nSTATUS=up", -1);
	must(pipe(kept), "pipe");
	must(write(kept[1], "in store", 8), "write");
	say("FDSTORE=1\nFDNAME=kept", kept[0]);
	must(pipe(barrier), "pipe");
	say("BARRIER=1", barrier[1]);
	close(barrier[1]);
	struct pollfd hangup = { .fd = barrier[0] };
	must(poll(&hangup, 1, 30000) == 1 ? 0 : -1, "barrier");
	say("WATCHDOG=1", -1);
	puts("passed the barrier");
	return 0;
}

int main(int argc, char **argv)
{
	return argc > 1 && !strcmp(argv[1], "pids") ? pids() : talk();
}
