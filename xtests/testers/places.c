/* What happens to a place while it is used, in an empty directory: `places WAY [PROGRAM]`. At each gate it
 * prints a word and waits for a line. */
#define _GNU_SOURCE
#include <err.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static long check(long ret, const char *what)
{
	if (ret < 0)
		err(1, "%s", what);
	return ret;
}

static void gate(const char *word)
{
	char line[16];

	puts(word);
	fflush(stdout);
	if (!fgets(line, sizeof(line), stdin))
		errx(1, "gate %s", word);
}

static int make(const char *name, const char *text)
{
	int fd = check(open(name, O_CREAT | O_EXCL | O_WRONLY, 0644), name);

	check(write(fd, text, strlen(text)), "write");
	return fd;
}

/* `d` gives its name to another directory while a file in it is open for writing. */
static void replaced(void)
{
	int one, other;

	check(mkdir("d", 0755), "mkdir");
	one = make("d/f", "one");
	gate("made");
	check(rename("d", "was-d"), "rename");
	check(mkdir("d", 0755), "mkdir");
	other = make("d/f", "other");
	gate("replaced");
	check(write(one, " and more", 9), "write");
	check(close(one), "close");
	check(close(other), "close");
	check(close(check(open("d/f", O_RDONLY), "d/f")), "close");
}

/* A file is deleted while it is written. */
static void deleted(void)
{
	int fd = make("f", "before");

	gate("made");
	check(unlink("f"), "unlink");
	check(write(fd, " and after", 10), "write");
	gate("deleted");
	check(close(fd), "close");
}

/* The working directory is deleted; from there another file is made, and a program executed. */
static void lost(char *program)
{
	char *argv[] = { program, 0 };

	check(mkdir("d", 0755), "mkdir");
	check(chdir("d"), "chdir");
	check(rmdir("../d"), "rmdir");
	if (open("here", O_CREAT | O_WRONLY, 0644) >= 0)
		errx(1, "a file in a directory that is gone");
	close(make("../beside", "x"));
	execv(program, argv);
	err(1, "%s", program);
}

int main(int argc, char **argv)
{
	if (argc == 2 && !strcmp(argv[1], "replaced"))
		replaced();
	else if (argc == 2 && !strcmp(argv[1], "deleted"))
		deleted();
	else if (argc == 3 && !strcmp(argv[1], "lost"))
		lost(argv[2]);
	else
		errx(2, "usage: places WAY [PROGRAM]");
	return 0;
}
