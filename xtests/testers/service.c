/* A service: `service LOG [PIDFILE]`. It writes to LOG what it is told, says to its manager how it is,
 * and with a PIDFILE forks first, as services of old do.
 *
 * HUP reloads, TERM ends, USR1 makes it hang: it no longer says that it is alive.
 */
#define _GNU_SOURCE
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

static FILE *book;

static void must(long result, const char *what)
{
	if (result < 0) {
		perror(what);
		exit(1);
	}
}

static void note(const char *form, ...)
{
	va_list args;

	va_start(args, form);
	vfprintf(book, form, args);
	va_end(args);
	fputc('\n', book);
	fflush(book);
}

static void say(const char *message)
{
	const char *name = getenv("NOTIFY_SOCKET");
	struct sockaddr_un to = { .sun_family = AF_UNIX };
	socklen_t len;
	int manager;

	if (!name)
		return;
	strncpy(to.sun_path, name, sizeof(to.sun_path) - 1);
	len = offsetof(struct sockaddr_un, sun_path) + strlen(name);
	if (name[0] == '@')
		to.sun_path[0] = 0;
	must(manager = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0), "socket");
	must(sendto(manager, message, strlen(message), 0, (void *)&to, len), message);
	close(manager);
}

static int is_own(const char *variable)
{
	const char *value = getenv(variable);

	return value && atoi(value) == getpid();
}

static void reload(void)
{
	char message[64];
	struct timespec now;

	must(clock_gettime(CLOCK_MONOTONIC, &now), "clock");
	snprintf(message, sizeof(message), "RELOADING=1\nMONOTONIC_USEC=%lld",
		 now.tv_sec * 1000000LL + now.tv_nsec / 1000);
	say(message);
	note("reloaded");
	say("READY=1");
}

static void take(int listening)
{
	char word[64] = "";
	int peer;

	must(peer = accept4(listening, NULL, NULL, SOCK_CLOEXEC), "accept");
	must(read(peer, word, sizeof(word) - 1), "read");
	note("got %s", word);
	close(peer);
}

/* Descriptor 3, if a manager listened for us. */
static int passed(void)
{
	const char *number = getenv("LISTEN_FDS");

	return number && atoi(number) == 1 && is_own("LISTEN_PID") ? 3 : -1;
}

static void serve(int signals)
{
	const char *limit = getenv("WATCHDOG_USEC");
	int alive = limit && is_own("WATCHDOG_PID") ? atoi(limit) / 4000 : -1;
	struct signalfd_siginfo came;

	for (;;) {
		struct pollfd all[] = {
			{ .fd = signals, .events = POLLIN },
			{ .fd = passed(), .events = POLLIN },
		};
		int ready = poll(all, 2, alive);

		must(ready, "poll");
		if (alive > 0)
			say("WATCHDOG=1");
		if (all[1].revents)
			take(all[1].fd);
		if (!all[0].revents)
			continue;
		must(read(signals, &came, sizeof(came)), "signal");
		if (came.ssi_signo == SIGHUP)
			reload();
		if (came.ssi_signo == SIGUSR1)
			alive = -1;
		if (came.ssi_signo == SIGTERM)
			return;
	}
}

static void fork_away(const char *file)
{
	int ready[2];
	char byte;
	FILE *out;

	must(pipe(ready), "pipe");
	pid_t pid = fork();
	must(pid, "fork");
	if (pid) {
		close(ready[1]);
		exit(read(ready[0], &byte, 1) == 1 ? 0 : 1);
	}
	must(setsid(), "setsid");
	out = fopen(file, "w");
	must(out ? 0 : -1, file);
	fprintf(out, "%d\n", getpid());
	fclose(out);
	must(write(ready[1], "", 1), "ready");
	close(ready[0]);
	close(ready[1]);
}

int main(int argc, char **argv)
{
	sigset_t all;
	int signals;

	must(argc > 1 ? 0 : -1, "a file to write to");
	book = fopen(argv[1], "ae");
	must(book ? 0 : -1, argv[1]);
	sigemptyset(&all);
	sigaddset(&all, SIGHUP);
	sigaddset(&all, SIGUSR1);
	sigaddset(&all, SIGTERM);
	must(sigprocmask(SIG_BLOCK, &all, NULL), "mask");
	must(signals = signalfd(-1, &all, SFD_CLOEXEC), "signalfd");
	if (argc > 2)
		fork_away(argv[2]);
	note("up watchdog %d listen %d", is_own("WATCHDOG_PID"), is_own("LISTEN_PID"));
	/* A MAINPID of ours would take the service away from who records it. */
	say("MAINPID=1\nREADY=1\nSTATUS=serving");
	serve(signals);
	say("STOPPING=1");
	note("stopped");
	return 0;
}
