/* Works at the end of a path that no call takes: `deep LEVELS PROGRAM`, in an empty directory. Makes LEVELS
 * directories with names of 255 bytes, each in the one before; in the last one makes a file with such a name,
 * writes, renames and deletes it, and executes PROGRAM by a link there. Then removes all. */
#define _GNU_SOURCE
#include <err.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#define LONGEST 255

int main(int argc, char **argv)
{
	char dir[LONGEST + 1] = {}, old[LONGEST + 1] = {}, new[LONGEST + 1] = {};
	int levels = argc > 2 ? atoi(argv[1]) : 0, program, fd, status;
	pid_t child;

	program = levels ? open(argv[2], O_PATH) : -1;
	if (program < 0)
		err(2, "deep LEVELS PROGRAM");
	memset(dir, 'd', LONGEST);
	memset(old, 'o', LONGEST);
	memset(new, 'n', LONGEST);
	for (int level = 0; level < levels; level++)
		if (mkdirat(AT_FDCWD, dir, 0755) || chdir(dir))
			err(1, "level %d", level);
	fd = open(old, O_CREAT | O_WRONLY, 0644);
	if (fd < 0 || write(fd, "x", 1) != 1 || close(fd) || rename(old, new) || unlink(new))
		err(1, "a file");
	if (linkat(program, "", AT_FDCWD, "program", AT_EMPTY_PATH))
		err(1, "link");
	child = fork();
	if (!child) {
		execl("./program", "program", (char *)0);
		err(127, "program");
	}
	if (waitpid(child, &status, 0) != child || status || unlink("program"))
		errx(1, "the program failed");
	for (int level = 0; level < levels; level++)
		if (chdir("..") || rmdir(dir))
			err(1, "level %d", level);
	return 0;
}
