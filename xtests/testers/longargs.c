/* Runs a program with so many arguments of 1 KiB: `longargs COUNT PROGRAM [LETTERS]`; with LETTERS
 * once for each letter, all at once. Argument n is n in six digits and then letters. */
#define _GNU_SOURCE
#include <err.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

static void become(char *program, int count, char letter)
{
	char *environment[] = { 0 }, **args = calloc(count + 2, sizeof(*args));
	int n;

	args[0] = program;
	for (n = 1; n <= count; n++) {
		args[n] = malloc(1024);
		sprintf(args[n], "%06d", n);
		memset(args[n] + 6, letter, 1017);
		args[n][1023] = 0;
	}
	execve(program, args, environment);
	err(127, "cannot run %s with %d KiB", program, count);
}

int main(int argc, char **argv)
{
	/* Three quarters of 8 MiB are the kernel's last limit, whatever this one is. */
	struct rlimit limit = { 64 << 20, 64 << 20 };
	int status, failed = 0;

	if (argc < 3 || setrlimit(RLIMIT_STACK, &limit))
		err(2, "longargs COUNT PROGRAM [LETTERS]");
	if (argc == 3)
		become(argv[2], atoi(argv[1]), 'a');
	for (char *letter = argv[3]; *letter; letter++)
		if (!fork())
			become(argv[2], atoi(argv[1]), *letter);
	while (wait(&status) > 0)
		failed |= status;
	return !!failed;
}
