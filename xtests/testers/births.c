/* Ways to make a process and to run a program: `births WAY PROGRAM [ARG]`. Prints the number of each
 * process that it makes, one a line. */
#define _GNU_SOURCE
#include <err.h>
#include <fcntl.h>
#include <linux/sched.h>
#include <pthread.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

static char *command[2];

static void done(pid_t child)
{
	if (child < 0)
		err(1, "cannot make a process");
	printf("%d\n", child);
	fflush(stdout);
	if (waitpid(child, 0, 0) != child)
		err(1, "waitpid");
}

static void become(void)
{
	execv(command[0], command);
	_exit(127);
}

static void by_fork_alone(void)
{
	int code;

	for (code = 1; code <= 3; code++) {
		pid_t child = fork();

		if (!child)
			_exit(code);
		done(child);
	}
}

static void by_vfork(void)
{
	pid_t child = vfork();

	if (!child)
		become();
	done(child);
}

static void by_spawn(void)
{
	pid_t child;

	if (posix_spawn(&child, command[0], 0, 0, command, (char *[]){ 0 }))
		errx(1, "posix_spawn");
	done(child);
}

/* Into the cgroup whose folder is the argument, or where the caller is. */
static void by_clone3(const char *folder)
{
	struct clone_args args = { .exit_signal = SIGCHLD };
	pid_t child;

	if (folder) {
		args.flags = CLONE_INTO_CGROUP;
		args.cgroup = open(folder, O_PATH | O_DIRECTORY | O_CLOEXEC);
	}
	child = syscall(SYS_clone3, &args, sizeof(args));
	if (!child)
		become();
	done(child);
}

static void *thread(void *unused)
{
	become();
	return unused;
}

static void by_thread(void)
{
	pthread_t other;

	printf("%d\n", getpid());
	fflush(stdout);
	if (pthread_create(&other, 0, thread, 0))
		errx(1, "pthread_create");
	pause();
}

/* Twice forked, in a session of its own, its makers gone when it begins. */
static void as_daemon(void)
{
	pid_t middle;

	if (fork())
		_exit(0);
	setsid();
	middle = getpid();
	if (fork())
		_exit(0);
	while (getppid() == middle)
		usleep(1000);
	printf("%d %d\n", getpid(), getsid(0));
	fflush(stdout);
	become();
}

int main(int argc, char **argv)
{
	const char *way = argc > 2 ? argv[1] : "";

	command[0] = argc > 2 ? argv[2] : 0;
	if (!strcmp(way, "fork"))
		by_fork_alone();
	else if (!strcmp(way, "vfork"))
		by_vfork();
	else if (!strcmp(way, "spawn"))
		by_spawn();
	else if (!strcmp(way, "clone3"))
		by_clone3(argv[3]);
	else if (!strcmp(way, "thread"))
		by_thread();
	else if (!strcmp(way, "daemon"))
		as_daemon();
	else
		errx(2, "births WAY PROGRAM [ARG]");
	return 0;
}
