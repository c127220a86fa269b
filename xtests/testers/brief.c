/* Many short lives: `brief TIMES PROGRAM` starts it so often, one after the other. */
#define _GNU_SOURCE
#include <err.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

int main(int argc, char **argv)
{
	char *command[] = { argv[2], 0 }, *environment[] = { 0 };
	int left = argc > 2 ? atoi(argv[1]) : 0;

	while (left-- > 0) {
		pid_t child = vfork();
		int status;

		if (!child) {
			execve(argv[2], command, environment);
			_exit(127);
		}
		if (child < 0 || waitpid(child, &status, 0) != child || status)
			err(1, "a life went wrong");
	}
	return 0;
}
