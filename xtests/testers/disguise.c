/* Hides what it was started as: overwrites its arguments where ps(1) reads them, and its name. Prints
 * what the kernel shows of it then. */
#define _GNU_SOURCE
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <unistd.h>

int main(int argc, char **argv)
{
	char shown[4096] = "", name[32] = "";
	size_t len = argv[argc - 1] + strlen(argv[argc - 1]) - argv[0];
	int fd;

	memset(argv[0], 0, len);
	strncpy(argv[0], "[kworker/0:1]", len);
	prctl(PR_SET_NAME, "kworker/0:1");
	fd = open("/proc/self/cmdline", O_RDONLY);
	if (read(fd, shown, sizeof(shown) - 1) < 0)
		return 1;
	prctl(PR_GET_NAME, name);
	printf("%s %s\n", shown, name);
	fflush(stdout);
	if (!fork())
		_exit(0);
	return 0;
}
