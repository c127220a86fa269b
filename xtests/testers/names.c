/* Ways to change names and attributes: `names WAY A [B]`, relative to the working directory. */
#define _GNU_SOURCE
#include <err.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <sys/xattr.h>
#include <unistd.h>

#ifndef RENAME_NOREPLACE
#define RENAME_NOREPLACE 1
#define RENAME_EXCHANGE 2
#define RENAME_WHITEOUT 4
#endif

static long move(const char *a, const char *b, unsigned flags)
{
	return syscall(SYS_renameat2, AT_FDCWD, a, AT_FDCWD, b, flags);
}

static long by_way(const char *way, const char *a, const char *b)
{
	struct timespec times[2] = { { .tv_sec = 1 }, { .tv_sec = 2 } };

	if (!strcmp(way, "rename"))
		return rename(a, b);
	if (!strcmp(way, "noreplace"))
		return move(a, b, RENAME_NOREPLACE);
	if (!strcmp(way, "exchange"))
		return move(a, b, RENAME_EXCHANGE);
	if (!strcmp(way, "whiteout"))
		return move(a, b, RENAME_WHITEOUT);
	if (!strcmp(way, "link"))
		return link(a, b);
	if (!strcmp(way, "symlink"))
		return symlink(a, b);
	if (!strcmp(way, "unlink"))
		return unlink(a);
	if (!strcmp(way, "mkdir"))
		return mkdir(a, 0755);
	if (!strcmp(way, "rmdir"))
		return rmdir(a);
	if (!strcmp(way, "mkfifo"))
		return mkfifo(a, 0644);
	if (!strcmp(way, "mknod"))
		return mknod(a, S_IFREG | 0644, 0);
	if (!strcmp(way, "device"))
		return mknod(a, S_IFCHR | 0600, makedev(1, 3));
	if (!strcmp(way, "chmod"))
		return chmod(a, 0600);
	if (!strcmp(way, "chown"))
		return chown(a, 4242, -1);
	if (!strcmp(way, "setxattr"))
		return setxattr(a, "user.x", "1", 1, 0);
	if (!strcmp(way, "removexattr"))
		return removexattr(a, "user.x");
	if (!strcmp(way, "utimensat"))
		return utimensat(AT_FDCWD, a, times, 0);
	errx(2, "no such way: %s", way);
}

int main(int argc, char **argv)
{
	if (argc < 3)
		errx(2, "usage: names WAY A [B]");
	if (by_way(argv[1], argv[2], argc > 3 ? argv[3] : 0) < 0)
		err(1, "%s", argv[1]);
	return 0;
}
