/* Starts a program again and again for some time, each time with the boot clock as its argument.
 * ticker MILLISECONDS PROGRAM. Says "ready" first, and how many it started at its end; exits with 7. */
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static unsigned long long now(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_BOOTTIME, &ts);
	return ts.tv_sec * 1000000000ull + ts.tv_nsec;
}

int main(int argc, char **argv)
{
	unsigned long long end;
	char *words[3] = { 0 }, time[32];
	char *none[] = { 0 };
	int started = 0, status;
	pid_t pid;

	if (argc != 3)
		return 1;
	puts("ready");
	fflush(stdout);
	words[0] = argv[2];
	words[1] = time;
	end = now() + strtoull(argv[1], 0, 10) * 1000000;
	while (now() < end) {
		snprintf(time, sizeof(time), "%llu", now());
		if (posix_spawn(&pid, argv[2], 0, 0, words, none) || waitpid(pid, &status, 0) != pid)
			return 2;
		started++;
		usleep(1000);
	}
	printf("%d\n", started);
	return 7;
}
