/* Ways to change what is in a file: `content WAY FROM TO`. Both exist; TO alone is changed. */
#define _GNU_SOURCE
#include <err.h>
#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/sendfile.h>
#include <sys/uio.h>
#include <unistd.h>

static long check(long ret, const char *what)
{
	if (ret < 0)
		err(1, "%s", what);
	return ret;
}

static void store(int to, int by_exit)
{
	char *at;

	check(ftruncate(to, 4096), "ftruncate");
	at = mmap(0, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, to, 0);
	if (at == MAP_FAILED)
		err(1, "mmap");
	close(to);
	strcpy(at, "stored");
	if (!by_exit)
		check(munmap(at, 4096), "munmap");
}

static void by_pipe(int from, int to)
{
	struct iovec text = { "spliced", 7 };
	int ends[2];

	check(pipe(ends), "pipe");
	if (from >= 0)
		check(splice(from, 0, ends[1], 0, 4, 0), "splice in");
	else
		check(vmsplice(ends[1], &text, 1, 0), "vmsplice");
	check(splice(ends[0], 0, to, 0, 7, 0), "splice out");
}

int main(int argc, char **argv)
{
	const char *way = argv[1];
	int from, to;

	if (argc != 4)
		errx(2, "usage: content WAY FROM TO");
	to = check(open(argv[3], O_RDWR), argv[3]);
	if (!strcmp(way, "ftruncate"))
		return check(ftruncate(to, 1), way);
	if (!strcmp(way, "fallocate"))
		return check(fallocate(to, 0, 0, 8192), way);
	if (!strcmp(way, "mmap") || !strcmp(way, "mmap-exit"))
		return store(to, !strcmp(way, "mmap-exit")), 0;
	if (!strcmp(way, "vmsplice"))
		return by_pipe(-1, to), 0;
	from = check(open(argv[2], O_RDONLY), argv[2]);
	if (!strcmp(way, "copy_file_range"))
		check(copy_file_range(from, 0, to, 0, 4, 0), way);
	else if (!strcmp(way, "sendfile"))
		check(sendfile(to, from, 0, 4), way);
	else if (!strcmp(way, "splice"))
		by_pipe(from, to);
	else
		errx(2, "no such way: %s", way);
	return 0;
}
