/* Runs a program that has no name: `nameless WAY PROGRAM`. */
#define _GNU_SOURCE
#include <err.h>
#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/sendfile.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

static char *args[] = { "nameless", "argument", 0 };
static char *environment[] = { 0 };

static int copy(const char *program)
{
	int from = open(program, O_RDONLY | O_CLOEXEC), to = memfd_create("secret", MFD_CLOEXEC);
	struct stat stat;

	if (from < 0 || to < 0 || fstat(from, &stat) || sendfile(to, from, 0, stat.st_size) != stat.st_size)
		err(1, "cannot copy %s", program);
	return to;
}

int main(int argc, char **argv)
{
	const char *way = argc > 2 ? argv[1] : "";

	if (!strcmp(way, "memfd"))
		fexecve(copy(argv[2]), args, environment);
	else if (!strcmp(way, "execveat"))
		syscall(SYS_execveat, copy(argv[2]), "", args, environment, AT_EMPTY_PATH);
	else if (!strcmp(way, "deleted")) {
		int fd = open(argv[2], O_RDONLY | O_CLOEXEC);

		if (fd < 0 || unlink(argv[2]))
			err(1, "%s", argv[2]);
		fexecve(fd, args, environment);
	}
	err(1, "nameless %s", way);
}
