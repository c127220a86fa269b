/* Uses FILE in the one way that WAY names, in a process of its own: `uses WAY FILE`. */
#define _GNU_SOURCE
#include <err.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/sendfile.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

static const char *way, *path;
static char bytes[4096] = "some bytes";

static int is(const char *name)
{
	return strcmp(way, name) == 0;
}

static int opened(int flags)
{
	int fd = open(path, flags | O_CLOEXEC, 0644);

	if (fd < 0)
		err(1, "open %s", path);
	return fd;
}

static void must(int good)
{
	if (!good)
		err(1, "%s", way);
}

static void reads(void)
{
	int fd = opened(O_RDONLY), null = open("/dev/null", O_WRONLY | O_CLOEXEC), pipes[2];
	loff_t at = 0;
	char *map;

	must(pipe2(pipes, O_CLOEXEC) == 0);
	if (is("read"))
		must(read(fd, bytes, 4) == 4);
	else if (is("pread"))
		must(pread(fd, bytes, 4, 4) == 4);
	else if (is("seek-read"))
		must(read(fd, bytes, 4) == 4 && lseek(fd, 0, SEEK_SET) == 0);
	else if (is("seek"))
		must(lseek(fd, 4, SEEK_SET) == 4);
	else if (is("sendfile"))
		must(sendfile(pipes[1], fd, &at, 4) == 4);
	else if (is("splice"))
		must(splice(fd, &at, pipes[1], NULL, 4, 0) == 4);
	else if (is("direct"))
		must(fcntl(fd, F_SETFL, O_DIRECT) == 0 && fcntl(fd, F_SETFL, 0) == 0);
	else if (is("map-read")) {
		map = mmap(NULL, 4096, PROT_READ, MAP_PRIVATE, fd, 0);
		must(map != MAP_FAILED && map[0] && munmap(map, 4096) == 0);
	} else if (is("map-kept")) {
		map = mmap(NULL, 4096, PROT_READ, MAP_PRIVATE, fd, 0);
		must(map != MAP_FAILED && map[0]);
	} else if (is("dup")) {
		must(dup(fd) >= 0 && close(fd) == 0);
		fd += 4;	/* after null, two of the pipe */
	} else if (is("exit"))
		exit(0);
	else if (is("exec")) {
		execl("/bin/true", "true", NULL);
		err(1, "exec");
	} else if (is("child")) {
		if (fork() == 0)
			exit(pread(fd, bytes, 4, 0) != 4);
		must(wait(NULL) > 0);
	} else if (is("child-closes")) {
		if (fork() == 0) {
			must(read(pipes[0], bytes, 1) == 1 && close(fd) == 0);
			exit(0);
		}
		must(close(fd) == 0 && write(pipes[1], "x", 1) == 1 && wait(NULL) > 0);
		exit(0);
	} else if (is("close-range")) {
		must(syscall(SYS_close_range, fd, ~0U, 0) == 0);
		exit(0);
	} else if (!is("open"))
		errx(1, "no way: %s", way);
	close(null);
	must(close(fd) == 0);
}

static void writes(void)
{
	int flags = is("w-create") || is("w-create-write") ? O_WRONLY | O_CREAT : O_RDWR;
	int fd = opened(flags | (is("w-trunc") ? O_TRUNC : 0) | (is("w-append") ? O_APPEND : 0));
	char *map;

	if (is("w-read"))
		must(read(fd, bytes, 4) == 4);
	else if (is("w-write") || is("w-append") || is("w-create-write"))
		must(write(fd, "12345", 5) == 5);
	else if (is("w-pwrite"))
		must(pwrite(fd, "12345", 5, 10) == 5);
	else if (is("w-ftruncate"))
		must(ftruncate(fd, 3) == 0);
	else if (is("w-fallocate"))
		must(posix_fallocate(fd, 0, 8192) == 0);
	else if (is("w-map") || is("w-map-kept")) {
		map = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
		must(map != MAP_FAILED);
		map[0] = 'x';
		must(is("w-map-kept") || munmap(map, 4096) == 0);
	} else if (!is("w-open") && !is("w-create") && !is("w-trunc"))
		errx(1, "no way: %s", way);
	must(close(fd) == 0);
}

int main(int argc, char **argv)
{
	if (argc != 3)
		errx(1, "usage: uses WAY FILE");
	way = argv[1];
	path = argv[2];
	if (strncmp(way, "w-", 2) == 0)
		writes();
	else
		reads();
	return 0;
}
