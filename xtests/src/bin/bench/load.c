/* The workloads that are one process: load WHAT N. Nothing but the calls to be measured. */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <err.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

extern char **environ;
static long n;
static char path[256];

static const char *file(const char *name, long i)
{
	snprintf(path, sizeof path, "%s%06ld", name, i);
	return path;
}

static int open_or_end(const char *name, int flags)
{
	int fd = open(name, flags, 0644);

	if (fd < 0)
		err(1, "open %s", name);
	return fd;
}

static void spawn(void)
{
	char *argv[] = { "/bin/true", NULL };
	pid_t pid;
	int status;

	for (long i = 0; i < n; i++) {
		if (posix_spawn(&pid, argv[0], NULL, NULL, argv, environ))
			errx(1, "posix_spawn");
		waitpid(pid, &status, 0);
	}
}

/* Opens, reads and closes each of 10,000 files in turn. */
static void opens(void)
{
	char bytes[64];

	for (long i = 0; i < n; i++) {
		int fd = open_or_end(file("f", i % 10000), O_RDONLY);

		if (read(fd, bytes, sizeof bytes) < 0)
			err(1, "read");
		close(fd);
	}
}

static void fill(void)
{
	for (long i = 0; i < n; i++) {
		int fd = open_or_end(file("f", i), O_WRONLY | O_CREAT);

		if (write(fd, path, strlen(path)) < 0)
			err(1, "write");
		close(fd);
	}
}

static void churn(void)
{
	for (long i = 0; i < n; i++) {
		int fd = open_or_end(file("c", i), O_WRONLY | O_CREAT);

		if (write(fd, path, strlen(path)) < 0)
			err(1, "write");
		close(fd);
		unlink(path);
	}
}

/* Each to a new name: the same rename twice, while the first waits, is one report of the kernel. */
static void renames(void)
{
	char from[32] = "r0", to[32];

	close(open_or_end(from, O_WRONLY | O_CREAT));
	for (long i = 1; i <= n; i++) {
		snprintf(to, sizeof to, "r%ld", i);
		if (rename(from, to))
			err(1, "rename");
		memcpy(from, to, sizeof to);
	}
}

static void writes(void)
{
	int fd = open_or_end("w", O_WRONLY | O_CREAT | O_TRUNC);
	char bytes[64] = { 0 };

	for (long i = 0; i < n; i++)
		if (pwrite(fd, bytes, sizeof bytes, (i % 4096) * 64) < 0)
			err(1, "write");
}

static void stats(void)
{
	struct stat st;

	for (long i = 0; i < n; i++)
		stat(file("f", i % 10000), &st);
}

static void maps(void)
{
	int fd = open_or_end("m", O_RDWR | O_CREAT | O_TRUNC);
	char *at;

	if (ftruncate(fd, 1 << 20))
		err(1, "ftruncate");
	for (long i = 0; i < n; i++) {
		at = mmap(NULL, 1 << 20, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
		at[(i * 4096) % (1 << 20)] = 1;
		munmap(at, 1 << 20);
	}
}

/* Threads that make so many of something in a second for n seconds; 0: as many as go. */
static long asked[2], made[2];

static double now(void)
{
	struct timespec at;

	clock_gettime(CLOCK_MONOTONIC, &at);
	return at.tv_sec + at.tv_nsec / 1e9;
}

static void one_file(long i)
{
	char name[32], byte;
	int fd;

	snprintf(name, sizeof name, "f%06ld", i % 10000);
	fd = open_or_end(name, O_RDONLY);
	if (read(fd, &byte, 1) < 0)
		err(1, "read");
	close(fd);
}

static void one_exec(long i)
{
	char *argv[] = { getenv("NOTHING"), NULL };
	pid_t pid;

	(void)i;
	if (posix_spawn(&pid, argv[0], NULL, NULL, argv, environ))
		errx(1, "posix_spawn");
}

static void *stream(void *arg)
{
	long kind = (long)arg;
	double begin = now(), gone;

	while ((gone = now() - begin) < n) {
		long due = asked[kind] ? (long)(asked[kind] * gone) : made[kind] + 1000;

		if (due <= made[kind])
			usleep(500);
		for (; made[kind] < due; made[kind]++)
			(kind ? one_exec : one_file)(made[kind]);
	}
	return NULL;
}

static void pour(void)
{
	pthread_t threads[2];
	FILE *out;

	signal(SIGCHLD, SIG_IGN);
	for (long i = 0; i < 2; i++)
		pthread_create(&threads[i], NULL, stream, (void *)i);
	for (long i = 0; i < 2; i++)
		pthread_join(threads[i], NULL);
	out = fopen("poured", "w");
	fprintf(out, "%ld %ld\n", made[0], made[1]);
	fclose(out);
}

static struct sockaddr_in here = { .sin_family = AF_INET };

static int listener(int type)
{
	socklen_t len = sizeof here;
	int fd = socket(AF_INET, type, 0);

	here.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	if (bind(fd, (struct sockaddr *)&here, len) || (type == SOCK_STREAM && listen(fd, 128)))
		err(1, "bind");
	getsockname(fd, (struct sockaddr *)&here, &len);
	return fd;
}

/* One after the other, each taken at once: a full queue of the listener would cost a second. */
static void connects(void)
{
	int fd = listener(SOCK_STREAM);

	for (long i = 0; i < n; i++) {
		int one = socket(AF_INET, SOCK_STREAM, 0);
		struct linger now = { 1, 0 };

		if (connect(one, (struct sockaddr *)&here, sizeof here))
			err(1, "connect");
		close(accept(fd, NULL, NULL));
		setsockopt(one, SOL_SOCKET, SO_LINGER, &now, sizeof now);
		close(one);
	}
}

static void sends(void)
{
	int fd = listener(SOCK_DGRAM), one = socket(AF_INET, SOCK_DGRAM, 0);
	char byte = 0;

	for (long i = 0; i < n; i++) {
		sendto(one, &byte, 1, 0, (struct sockaddr *)&here, sizeof here);
		recv(fd, &byte, 1, MSG_DONTWAIT);
	}
}

static char block[1 << 16];

static void *drain(void *arg)
{
	int fd = accept(*(int *)arg, NULL, NULL);

	while (read(fd, block, sizeof block) > 0)
		;
	return NULL;
}

/* n MiB through one connection. */
static void bulk(void)
{
	int fd = listener(SOCK_STREAM), one = socket(AF_INET, SOCK_STREAM, 0);
	static char out[1 << 16];
	pthread_t thread;

	pthread_create(&thread, NULL, drain, &fd);
	if (connect(one, (struct sockaddr *)&here, sizeof here))
		err(1, "connect");
	for (long i = 0; i < n * 16; i++)
		if (write(one, out, sizeof out) < 0)
			err(1, "write");
	close(one);
	pthread_join(thread, NULL);
}

int main(int argc, char **argv)
{
	static const struct { const char *name; void (*run)(void); } all[] = {
		{ "spawn", spawn }, { "opens", opens }, { "fill", fill }, { "churn", churn },
		{ "renames", renames }, { "writes", writes }, { "stats", stats }, { "maps", maps },
		{ "connects", connects }, { "sends", sends }, { "bulk", bulk },
		{ "pour", pour },
	};

	if (argc != 3 && argc != 5)
		errx(2, "load WHAT N [FILES EXECS]");
	n = atol(argv[2]);
	for (int i = 3; i < argc; i++)
		asked[i - 3] = atol(argv[i]);
	for (size_t i = 0; i < sizeof all / sizeof *all; i++)
		if (!strcmp(argv[1], all[i].name))
			return all[i].run(), 0;
	errx(2, "no load %s", argv[1]);
}
