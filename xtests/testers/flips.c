/* Opens `x0` and `x1` a thousand times while a thread rewrites the name; prints how often it was which,
 * as the kernel names the open file. */
#define _GNU_SOURCE
#include <err.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <unistd.h>

static volatile char name[] = "x0";
static volatile int over;

static void *flip(void *unused)
{
	while (!over)
		name[1] ^= 1;
	return unused;
}

int main(void)
{
	int counts[2] = {};
	pthread_t other;

	if (pthread_create(&other, 0, flip, 0))
		errx(1, "no thread");
	for (int round = 0; round < 1000; round++) {
		char self[64], path[4096];
		int fd = open((char *)name, O_CREAT | O_WRONLY, 0644);
		ssize_t len;

		if (fd < 0)
			err(1, "open");
		snprintf(self, sizeof(self), "/proc/self/fd/%d", fd);
		len = readlink(self, path, sizeof(path));
		if (len < 1)
			err(1, "readlink");
		counts[path[len - 1] - '0']++;
		close(fd);
	}
	over = 1;
	pthread_join(other, 0);
	printf("%d %d\n", counts[0], counts[1]);
	return 0;
}
