/* Tries to be taken for a program that may more than its user, as argv[1] says; reads argv[2]. */
#define _GNU_SOURCE
#include <err.h>
#include <fcntl.h>
#include <string.h>
#include <sys/prctl.h>
#include <unistd.h>

int main(int argc, char **argv)
{
	gid_t groups[64];
	char byte;
	int fd;

	if (argc != 3)
		errx(2, "what and where");
	if (!strcmp(argv[1], "dumpable") && prctl(PR_SET_DUMPABLE, 0))
		err(1, "prctl");
	if (!strcmp(argv[1], "group") && getgroups(64, groups) > 0)
		setregid(-1, groups[0]);
	fd = open(argv[2], O_RDONLY);
	if (fd < 0 || read(fd, &byte, 1) != 1)
		err(1, "%s", argv[2]);
	return 0;
}
