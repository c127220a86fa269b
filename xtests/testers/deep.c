/* Works at the end of a path that no call takes: `deep LEVELS PROGRAM [LENGTH [make|use]]`, in an empty
 * directory. Makes LEVELS directories with names of LENGTH (255) bytes, each in the one before; in the last
 * one makes a file with a name of 255 bytes, writes, renames and deletes it, and executes PROGRAM by a link
 * there. Then removes all. With `make` only makes the directories, with `use` uses those that are there. */
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
	int length = argc > 3 ? atoi(argv[3]) : LONGEST;
	int make = argc > 4 && !strcmp(argv[4], "make"), use = argc > 4 && !strcmp(argv[4], "use");
	pid_t child;

	program = levels ? open(argv[2], O_PATH) : -1;
	if (program < 0 || length < 1 || length > LONGEST)
		err(2, "deep LEVELS PROGRAM [LENGTH [make|use]]");
	memset(dir, 'd', length);
	memset(old, 'o', LONGEST);
	memset(new, 'n', LONGEST);
	for (int level = 0; level < levels; level++)
		if ((!use && mkdirat(AT_FDCWD, dir, 0755)) || chdir(dir))
			err(1, "level %d", level);
	if (make)
		return 0;
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
	for (int level = 0; level < levels && !use; level++)
		if (chdir("..") || rmdir(dir))
			err(1, "level %d", level);
	return 0;
}
