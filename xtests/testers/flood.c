/* SPDX-License-Identifier: MIT OR Apache-2.0
 *
 * Many of one thing, and in their middle one of each rare one: a secret is read, a program is executed,
 * a connection is tried.
 *
 * `flood opens DIR FILES TIMES SECRET PROGRAM PORT`: opens and closes f000000 and on in DIR in turn.
 * `flood denied DIR NAMES`: tries f000000 and on in DIR, which it may not enter.
 * `flood forks THREADS PROCESSES SECRET PROGRAM PORT`: processes that end at once.
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <err.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

static void rare(char **argv)
{
	struct sockaddr_in to = { .sin_family = AF_INET, .sin_port = htons(atoi(argv[2])) };
	char bytes[64];
	int fd = open(argv[0], O_RDONLY);
	pid_t child;

	if (fd < 0 || read(fd, bytes, sizeof(bytes)) <= 0)
		err(1, "%s", argv[0]);
	close(fd);
	child = fork();
	if (child == 0) {
		execl(argv[1], argv[1], "rare", (char *)0);
		_exit(127);
	}
	if (waitpid(child, 0, 0) != child)
		err(1, "wait");
	to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	fd = socket(AF_INET, SOCK_STREAM, 0);
	if (connect(fd, (struct sockaddr *)&to, sizeof(to)))
		err(1, "connect");
	close(fd);
}

static void opens(const char *dir, long files, long times, char **others)
{
	char name[32];
	long i;
	int fd;

	if (chdir(dir))
		err(1, "%s", dir);
	for (i = 0; i < times; i++) {
		if (i == times / 2)
			rare(others);
		snprintf(name, sizeof(name), "f%06ld", i % files);
		fd = open(name, O_RDONLY);
		if (fd < 0)
			err(1, "%s", name);
		close(fd);
	}
}

/* One process tries them all, as somebody who may not; its parent does the rare ones meanwhile. */
static void denied(const char *dir, long names, char **others)
{
	char name[4096];
	int half[2];
	pid_t child;
	long i;

	if (pipe(half))
		err(1, "pipe");
	child = fork();
	if (child == 0) {
		if (setresuid(4242, 4242, 4242))
			err(1, "setresuid");
		for (i = 0; i < names; i++) {
			if (i == names / 2 && write(half[1], "x", 1) != 1)
				err(1, "write");
			snprintf(name, sizeof(name), "%s/f%06ld", dir, i);
			if (open(name, O_RDONLY) >= 0)
				errx(1, "%s was not denied", name);
		}
		_exit(0);
	}
	if (read(half[0], name, 1) != 1)
		err(1, "read");
	rare(others);
	if (waitpid(child, 0, 0) != child)
		err(1, "wait");
}

static long each;

static void *fork_them(void *unused)
{
	long i;

	for (i = 0; i < each; i++) {
		pid_t child = fork();

		if (child == 0)
			_exit(0);
		if (child < 0 || waitpid(child, 0, 0) != child)
			err(1, "fork");
	}
	return unused;
}

static void forks(int threads, long processes, char **others)
{
	pthread_t ids[64];
	int i;

	each = processes / threads;
	for (i = 0; i < threads && i < 64; i++)
		if (pthread_create(&ids[i], 0, fork_them, 0))
			err(1, "thread");
	rare(others);
	for (i = 0; i < threads && i < 64; i++)
		pthread_join(ids[i], 0);
}

int main(int argc, char **argv)
{
	if (argc == 8 && !strcmp(argv[1], "opens"))
		opens(argv[2], atol(argv[3]), atol(argv[4]), argv + 5);
	else if (argc == 7 && !strcmp(argv[1], "forks"))
		forks(atoi(argv[2]), atol(argv[3]), argv + 4);
	else if (argc == 7 && !strcmp(argv[1], "denied"))
		denied(argv[2], atol(argv[3]), argv + 4);
	else
		errx(2, "flood opens DIR FILES TIMES | forks THREADS PROCESSES, then SECRET PROGRAM PORT");
	return 0;
}
