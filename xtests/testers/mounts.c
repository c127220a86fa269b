/* Mounts and roots of one's own: `mounts WAY`, in the working directory. Where a step is refused for
 * want of the kernel's support the status is 77. */
#define _GNU_SOURCE
#include <err.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/mount.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

int mount(const char *, const char *, const char *, unsigned long, const void *);

static long check(long ret, const char *what)
{
	if (ret < 0)
		err(errno == ENOSYS || errno == ENODEV ? 77 : 1, "%s", what);
	return ret;
}

/* Makes a file at a directory, writes, reads and removes another. */
static void use(int dir)
{
	char byte;
	int fd = check(openat(dir, "made", O_CREAT | O_WRONLY, 0644), "made");

	check(write(fd, "x", 1), "write");
	close(fd);
	fd = check(openat(dir, "made", O_RDONLY), "made again");
	check(read(fd, &byte, 1), "read");
	close(fd);
}

/* A file system that is mounted nowhere: no path leads there. */
static int new_tmpfs(void)
{
	int context = check(syscall(SYS_fsopen, "tmpfs", 0), "fsopen");

	check(syscall(SYS_fsconfig, context, FSCONFIG_CMD_CREATE, 0, 0, 0), "fsconfig");
	return check(syscall(SYS_fsmount, context, 0, 0), "fsmount");
}

int main(int argc, char **argv)
{
	const char *way = argc == 2 ? argv[1] : "";
	int here = check(open(".", O_RDONLY | O_DIRECTORY), "open .");

	if (!strcmp(way, "detached")) {
		use(new_tmpfs());
	} else if (!strcmp(way, "clone")) {
		use(check(syscall(SYS_open_tree, here, "", AT_EMPTY_PATH | OPEN_TREE_CLONE), way));
	} else if (!strcmp(way, "tmpfs")) {
		check(mount("none", "at", "tmpfs", 0, "size=1m"), way);
		use(check(open("at", O_RDONLY | O_DIRECTORY), "at"));
	} else if (!strcmp(way, "bind")) {
		check(mount("from", "at", 0, 4096 /* MS_BIND */, 0), way);
		use(check(open("at", O_RDONLY | O_DIRECTORY), "at"));
	} else if (!strcmp(way, "overlay")) {
		check(mount("none", "at", "overlay", 0, "lowerdir=low,upperdir=up,workdir=work"), way);
		use(check(open("at", O_RDONLY | O_DIRECTORY), "at"));
	} else if (!strcmp(way, "chroot")) {
		check(chroot("at"), way);
		check(chdir("/"), way);
		use(check(open("/", O_RDONLY | O_DIRECTORY), "/"));
	} else {
		errx(2, "no such way: %s", way);
	}
	return 0;
}
