/* Ways to open a file: `opens WAY NAME`; NAME is relative to the working directory. */
#define _GNU_SOURCE
#include <err.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

static int check(long ret, const char *what)
{
	if (ret < 0)
		err(1, "%s", what);
	return ret;
}

static int open_in(const char *name, int flags, int resolve)
{
	struct open_how how = { .flags = flags, .mode = flags & O_CREAT ? 0644 : 0,
				.resolve = resolve };
	int dir = check(open(".", O_PATH | O_DIRECTORY), "open .");
	int fd = check(syscall(SYS_openat2, dir, name, &how, sizeof(how)), "openat2");

	close(dir);
	return fd;
}

#if defined(__x86_64__)
/* A call by the 32-bit numbers, as any 64-bit program can make it: addresses must be low. */
static long call32(long number, long one, long two, long three, long four)
{
	long ret;

	asm volatile("int $0x80" : "=a"(ret)
		     : "a"(number), "b"(one), "c"(two), "d"(three), "S"(four)
		     : "memory", "r8", "r9", "r10", "r11");
	return (int)ret;
}

static char *low(const char *text)
{
	char *page = mmap(0, 4096, PROT_READ | PROT_WRITE,
			  MAP_PRIVATE | MAP_ANONYMOUS | MAP_32BIT, -1, 0);

	if (page == MAP_FAILED)
		err(1, "mmap below 4 GiB");
	return strcpy(page, text);
}

static int in_32(long number, long one, long two, long three, long four)
{
	long ret = call32(number, one, two, three, four);

	if (ret < 0)
		errx(ret == -38 ? 38 : 1, "32-bit call %ld: %s", number, strerror(-ret));
	return ret;
}
#else
#define low(text) ((char *)(text))
static int in_32(long number, long one, long two, long three, long four)
{
	exit(38);
}
#endif

static int by_handle(const char *name, int flags)
{
	union {
		struct file_handle handle;
		char room[sizeof(struct file_handle) + MAX_HANDLE_SZ];
	} it = { .handle.handle_bytes = MAX_HANDLE_SZ };
	int mount, dir = check(open(".", O_RDONLY | O_DIRECTORY), "open .");

	check(name_to_handle_at(AT_FDCWD, name, &it.handle, &mount, 0), "name_to_handle_at");
	return check(open_by_handle_at(dir, &it.handle, flags), "open_by_handle_at");
}

static int by_tmpfile(const char *name)
{
	int fd = check(open(".", O_TMPFILE | O_RDWR, 0644), "O_TMPFILE");
	char self[64];

	check(write(fd, "x", 1), "write");
	snprintf(self, sizeof(self), "/proc/self/fd/%d", fd);
	check(linkat(AT_FDCWD, self, AT_FDCWD, name, AT_SYMLINK_FOLLOW), "linkat");
	return fd;
}

static int by_way(const char *way, const char *name)
{
	int made = O_CREAT | O_WRONLY;

	if (!strcmp(way, "open"))
		return check(syscall(SYS_openat, AT_FDCWD, name, made, 0644), way);
#ifdef SYS_open
	if (!strcmp(way, "old-open"))
		return check(syscall(SYS_open, name, made, 0644), way);
	if (!strcmp(way, "creat"))
		return check(syscall(SYS_creat, name, 0644), way);
#endif
	if (!strcmp(way, "openat2-root"))
		return open_in(name, made, RESOLVE_IN_ROOT);
	if (!strcmp(way, "openat2-beneath"))
		return open_in(name, made, RESOLVE_BENEATH);
	if (!strcmp(way, "open-32"))
		return in_32(5, (long)low(name), made, 0644, 0);
	if (!strcmp(way, "creat-32"))
		return in_32(8, (long)low(name), 0644, 0, 0);
	if (!strcmp(way, "openat-32"))
		return in_32(295, AT_FDCWD, (long)low(name), made, 0644);
	if (!strcmp(way, "handle-write"))
		return by_handle(name, O_WRONLY);
	if (!strcmp(way, "handle-read"))
		return by_handle(name, O_RDONLY);
	if (!strcmp(way, "tmpfile"))
		return by_tmpfile(name);
	errx(2, "no such way: %s", way);
}

int main(int argc, char **argv)
{
	if (argc != 3)
		errx(2, "usage: opens WAY NAME");
	close(by_way(argv[1], argv[2]));
	return 0;
}
