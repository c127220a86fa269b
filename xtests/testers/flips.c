/* Does one call a thousand times while a thread rewrites its name between `x0` and `x1`: `flips WAY`, in an
 * empty directory. Ways: open, creat, rename (to `t`), unlink. Prints how often it was which. */
#define _GNU_SOURCE
#include <err.h>
#include <fcntl.h>
#include <pthread.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

static volatile char name[] = "x0";
static volatile int over;
static volatile unsigned long flips;
static const char *const names[] = { "x0", "x1" };

/* Each thread on a processor of its own, where there are two. */
static void pin(int number)
{
	cpu_set_t all, one;

	if (sched_getaffinity(0, sizeof(all), &all))
		return;
	for (int cpu = 0; cpu < CPU_SETSIZE; cpu++) {
		if (CPU_ISSET(cpu, &all) && number-- == 0) {
			CPU_ZERO(&one);
			CPU_SET(cpu, &one);
			sched_setaffinity(0, sizeof(one), &one);
		}
	}
}

static void *flip(void *unused)
{
	pin(1);
	for (; !over; flips++)
		name[1] ^= 1;
	return unused;
}

/* Until the name was rewritten again: the next call runs while it is being rewritten. */
static void wait_for_flip(void)
{
	unsigned long before = flips;

	while (flips == before)
		sched_yield();
}

static void make(const char *path)
{
	int fd = open(path, O_CREAT | O_EXCL | O_WRONLY, 0644);

	if (fd < 0)
		err(1, "%s", path);
	close(fd);
}

/* Which one an open was of, as the kernel names the open file. */
static int opened(int fd)
{
	char self[64], path[4096];
	ssize_t len;

	if (fd < 0)
		err(1, "open");
	snprintf(self, sizeof(self), "/proc/self/fd/%d", fd);
	len = readlink(self, path, sizeof(path));
	if (len < 1)
		err(1, "readlink");
	close(fd);
	return path[len - 1] - '0';
}

/* Which one is gone. */
static int gone(void)
{
	int number = !access(names[0], F_OK);

	if (access(names[number], F_OK) == 0 || access(names[!number], F_OK))
		errx(1, "not one is gone");
	return number;
}

static int once(const char *way)
{
	int number;

	if (!strcmp(way, "open"))
		return opened(open((char *)name, O_CREAT | O_WRONLY, 0644));
	if (!strcmp(way, "creat")) {
		number = opened(creat((char *)name, 0644));
		if (unlink(names[number]))
			err(1, "unlink");
		return number;
	}
	if (!strcmp(way, "rename") ? rename((char *)name, "t") : unlink((char *)name))
		err(1, "%s", way);
	number = gone();
	if (!strcmp(way, "rename") && unlink("t"))
		err(1, "t");
	make(names[number]);
	return number;
}

int main(int argc, char **argv)
{
	int counts[2] = {};
	pthread_t other;

	if (argc != 2)
		errx(2, "flips WAY");
	if (!strcmp(argv[1], "rename") || !strcmp(argv[1], "unlink")) {
		make(names[0]);
		make(names[1]);
	}
	if (pthread_create(&other, 0, flip, 0))
		errx(1, "no thread");
	pin(0);
	for (int round = 0; round < 1000; round++) {
		wait_for_flip();
		counts[once(argv[1])]++;
	}
	over = 1;
	pthread_join(other, 0);
	printf("%d %d\n", counts[0], counts[1]);
	return 0;
}
