/* Uses files in a directory while it is moved: `mover WAY ROUNDS`, in an empty directory.
 *   flip    another process renames it between two names
 *   fresh   another process gives it a new name each time
 *   above   as flip, but a directory two levels up is moved
 *   steps   one process uses it, then gives it a new name, and so on
 * Each use is printed with the names that the directory may have had meanwhile: OP FILE FIRST LAST, where
 * these are numbers of renames. */
#define _GNU_SOURCE
#include <err.h>
#include <fcntl.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

/* Renames begun plus renames done: odd while one goes on. */
static volatile unsigned *moves;
static volatile unsigned *over, *done;

static void name_of(char *out, const char *way, unsigned number)
{
	if (strcmp(way, "flip") && strcmp(way, "above"))
		sprintf(out, "n%u", number);
	else
		sprintf(out, "n%u", number & 1);
}

static void move_once(const char *way)
{
	char from[32], to[32];

	name_of(from, way, *moves / 2);
	name_of(to, way, *moves / 2 + 1);
	++*moves;
	if (rename(from, to))
		err(1, "rename %s %s", from, to);
	++*moves;
}

/* Before a use, the last rename that was over; after it, the last one that had begun. */
static unsigned first(void)
{
	return *moves / 2;
}

static unsigned last(void)
{
	return (*moves + 1) / 2;
}

static void use(int dir, int number)
{
	char name[32], byte[8] = "x";
	unsigned before;
	int fd;

	sprintf(name, "f%d", number);
	before = first();
	fd = openat(dir, name, O_CREAT | O_WRONLY, 0644);
	if (fd < 0 || write(fd, byte, 1) != 1)
		err(1, "%s", name);
	close(fd);
	printf("create %s %u %u\nwrite %s %u %u\n", name, before, last(), name, before, last());
	before = first();
	fd = openat(dir, name, O_RDONLY);
	if (fd < 0 || read(fd, byte, 1) != 1)
		err(1, "%s", name);
	close(fd);
	printf("read %s %u %u\n", name, before, last());
	before = first();
	if (unlinkat(dir, name, 0))
		err(1, "%s", name);
	printf("delete %s %u %u\n", name, before, last());
	sprintf(name, "d%d", number);
	before = first();
	if (mkdirat(dir, name, 0755))
		err(1, "%s", name);
	printf("create %s %u %u\n", name, before, last());
}

int main(int argc, char **argv)
{
	int rounds = argc > 2 ? atoi(argv[2]) : 0, steps, number, dir, status;
	pid_t mover = 0;

	if (!rounds)
		errx(2, "mover WAY ROUNDS");
	steps = !strcmp(argv[1], "steps");
	moves = mmap(0, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (moves == MAP_FAILED)
		err(1, "mmap");
	over = moves + 1;
	done = moves + 2;
	if (mkdir("n0", 0755))
		err(1, "mkdir");
	if (!strcmp(argv[1], "above") && (mkdir("n0/in", 0755) || mkdir("n0/in/it", 0755)))
		err(1, "mkdir");
	dir = open(strcmp(argv[1], "above") ? "n0" : "n0/in/it", O_RDONLY | O_DIRECTORY);
	if (dir < 0)
		err(1, "open");
	if (!steps && !(mover = fork())) {
		/* At any moment, but not more than four times for each use. */
		while (!*over) {
			if (*moves / 8 <= *done)
				move_once(argv[1]);
			else
				sched_yield();
		}
		_exit(0);
	}
	for (number = 0; number < rounds; number++) {
		use(dir, number);
		++*done;
		if (steps)
			move_once(argv[1]);
	}
	*over = 1;
	if (mover && (waitpid(mover, &status, 0) != mover || status))
		errx(1, "the mover failed");
	return 0;
}
