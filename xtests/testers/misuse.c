/* Starts the program argv[2] as no front would, in the way that argv[1] names, and tells how it ended:
 * "ended STATUS" or "signal N", and "refused" when it said so. */
#define _GNU_SOURCE
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

enum { BEGIN = 1, ABOUT = 2, CHILD = 3, PRUNE = 4, READY = 16, ARMED = 17, REFUSED = 19 };
enum { VERSION = 3, SIZE = 4096, BEGIN_SIZE = 144 };

static int is(const char *way, const char *name) { return !strcmp(way, name); }

/* Sends head and body, with a descriptor if there is one. */
static void say(int to, int kind, const void *body, size_t len, int fd)
{
	unsigned head[2] = {kind, VERSION};
	struct iovec parts[2] = {{head, 8}, {(void *)body, len}};
	char space[CMSG_SPACE(sizeof(int))] = {0};
	struct msghdr message = {.msg_iov = parts, .msg_iovlen = 2};

	if (fd >= 0) {
		struct cmsghdr *rights;

		message.msg_control = space;
		message.msg_controllen = sizeof(space);
		rights = CMSG_FIRSTHDR(&message);
		rights->cmsg_level = SOL_SOCKET;
		rights->cmsg_type = SCM_RIGHTS;
		rights->cmsg_len = CMSG_LEN(sizeof(int));
		memcpy(CMSG_DATA(rights), &fd, sizeof(int));
	}
	sendmsg(to, &message, MSG_NOSIGNAL);
}

static void odd_state(const char *way)
{
	struct rlimit few = {3, 3}, none = {0, 0};
	sigset_t all;
	int signal_;

	if (is(way, "descriptors"))
		setrlimit(RLIMIT_NOFILE, &few);
	if (is(way, "file size"))
		setrlimit(RLIMIT_FSIZE, &none);
	if (is(way, "umask"))
		umask(0777);
	if (is(way, "signals")) {
		sigfillset(&all);
		for (signal_ = 1; signal_ < 32; signal_++)
			signal(signal_, SIG_IGN);
		sigprocmask(SIG_BLOCK, &all, NULL);
		kill(getpid(), SIGTERM);
		kill(getpid(), SIGALRM);
	}
	if (is(way, "alarm"))
		alarm(1);
	if (is(way, "outputs closed")) {
		close(1);
		close(2);
	}
}

/* `struct Begin`: linger, segment size, id, rings and numbers. */
static void begin(char *body, const char *id)
{
	memset(body, 0, 256);
	strncpy(body + 16, id, 63);
}

static void talk(int to, const char *way, int odd)
{
	char body[SIZE];
	int pidfd = syscall(SYS_pidfd_open, getppid(), 0);
	unsigned child[2] = {getppid(), 2};

	if (is(way, "garbage")) {
		memset(body, 0xa5, SIZE);
		send(to, body, SIZE, MSG_NOSIGNAL);
	} else if (is(way, "short")) {
		say(to, BEGIN, "", 0, -1);
	} else if (is(way, "order")) {
		say(to, CHILD, child, 8, pidfd);
	} else if (is(way, "path as id")) {
		begin(body, "../../../../tmp/audit-misuse");
		say(to, BEGIN, body, 256, odd);
		say(to, ABOUT, "{}", 2, -1);
	} else if (is(way, "prune path")) {
		memset(body, 0, 64);
		strcpy(body, "../runs");
		say(to, PRUNE, body, 64, odd);
	} else {
		begin(body, "20260101-000000-misuse-0000");
		say(to, BEGIN, body, 256, odd);
		say(to, ABOUT, "{}", 2, -1);
		if (is(way, "another's process"))
			say(to, CHILD, child, 8, pidfd);
		if (is(way, "no process"))
			say(to, CHILD, child, 8, odd);
	}
}

static unsigned hear(int from)
{
	static unsigned packet[SIZE * 5];
	struct pollfd wait = {from, POLLIN, 0};

	if (poll(&wait, 1, 20000) < 1 || recv(from, packet, sizeof(packet), 0) < 8)
		return 0;
	return packet[0];
}

/* Records a command that does nothing, with the word that its mounts are its own; says "armed", and lets
 * it go at the next line. */
static void claim_mounts(int to)
{
	char body[SIZE];
	int gate[2], pidfd;
	unsigned child[2] = {0, 1};

	if (pipe(gate))
		_exit(98);
	begin(body, "20260101-000000-misuse-0001");
	*(unsigned long long *)body = 10;
	*(unsigned long long *)(body + 8) = 64 << 20;
	say(to, BEGIN, body, BEGIN_SIZE, -1);
	say(to, ABOUT, "{}", 2, -1);
	if (hear(to) != READY)
		return;
	child[0] = fork();
	if (!child[0]) {
		close(gate[1]);
		_exit(read(gate[0], body, 1) == 1);
	}
	pidfd = syscall(SYS_pidfd_open, child[0], 0);
	say(to, CHILD, child, 8, pidfd);
	if (hear(to) != ARMED)
		return;
	puts("armed");
	fflush(stdout);
	if (getchar() == EOF)
		return;
	close(gate[1]);
	waitpid(child[0], NULL, 0);
}

int main(int argc, char **argv)
{
	const char *way = argc > 2 ? argv[1] : "";
	int pair[2], status, refused = 0, odd = open("/", O_PATH | O_CLOEXEC);
	char packet[SIZE * 20];
	pid_t pid;

	if (is(way, "file descriptor"))
		odd = open("/etc/hostname", O_RDONLY | O_CLOEXEC);
	socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair);
	pid = fork();
	if (!pid) {
		char *words[] = {argv[2], NULL};
		char *environment[] = {"LD_PRELOAD=/no/such.so", "AUDIT_HOME=/etc", "TMPDIR=/etc",
				       "RUST_BACKTRACE=full", "LD_LIBRARY_PATH=/no", NULL};

		dup2(is(way, "no socket") ? open("/etc/hostname", O_RDONLY) : pair[1], 0);
		if (is(way, "input closed"))
			close(0);
		odd_state(way);
		execve(argv[2], words, environment);
		_exit(99);
	}
	close(pair[1]);
	if (is(way, "own mounts"))
		claim_mounts(pair[0]);
	else
		talk(pair[0], way, odd);
	for (;;) {
		struct pollfd wait = {pair[0], POLLIN, 0};
		int got = poll(&wait, 1, 20000) > 0 ? recv(pair[0], packet, sizeof(packet), 0) : 0;

		if (got < 8)
			break;
		refused |= *(unsigned *)packet == REFUSED;
		/* Ready, and nothing more to say: it is to go. */
		if (*(unsigned *)packet == READY && !is(way, "another's process") && !is(way, "no process"))
			shutdown(pair[0], SHUT_WR);
	}
	close(pair[0]);
	waitpid(pid, &status, 0);
	if (refused)
		printf("refused ");
	if (WIFSIGNALED(status))
		printf("signal %d\n", WTERMSIG(status));
	else
		printf("ended %d\n", WEXITSTATUS(status));
	return 0;
}
