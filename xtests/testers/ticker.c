/* Starts a program again and again for some time, each time with the boot clock as its argument.
 * ticker MILLISECONDS PROGRAM. Says "ready" first; at its end, in one line, for each program the clock when
 * it was started and when it had ended; exits with 7. Goes on for longer while somebody holds its standard input. */
#include <poll.h>
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

static int held(void)
{
	struct pollfd in = {0, POLLIN, 0};

	return poll(&in, 1, 0) == 0;
}

/* Far more than a machine starts in a second. */
static unsigned long long times[16384][2];

int main(int argc, char **argv)
{
	unsigned long long end;
	char *words[3] = { 0 }, time[32];
	char *none[] = { 0 };
	int started = 0, at, status;
	pid_t pid;

	if (argc != 3)
		return 1;
	puts("ready");
	fflush(stdout);
	words[0] = argv[2];
	words[1] = time;
	end = now() + strtoull(argv[1], 0, 10) * 1000000;
	while ((now() < end || held()) && started < 16384) {
		times[started][0] = now();
		snprintf(time, sizeof(time), "%llu", times[started][0]);
		if (posix_spawn(&pid, argv[2], 0, 0, words, none) || waitpid(pid, &status, 0) != pid)
			return 2;
		times[started++][1] = now();
		usleep(1000);
	}
	for (at = 0; at < started; at++)
		printf("%llu-%llu ", times[at][0], times[at][1]);
	puts("");
	return 7;
}
