/* Rewrites the strings of an execve while it is called: `racer ROUNDS ONE TWO`. In each round a child has
 * threads that change the path between ONE and TWO, which differ in their last letter, and one argument
 * between letters; its last argument is the round. */
#define _GNU_SOURCE
#include <err.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#define WORD 3000

static char path[4096], word[WORD + 1], round_number[16], ends[2];
static volatile char *last;
static volatile int started;

static void *change_path(void *unused)
{
	for (started++;; ) {
		*last = ends[0];
		*last = ends[1];
	}
	return unused;
}

static void *change_word(void *unused)
{
	char letter = 'a';

	for (started++;; letter = letter == 'z' ? 'a' : letter + 1)
		memset(word, letter, WORD);
	return unused;
}

static void child(int number)
{
	char *args[] = { path, word, round_number, 0 };
	pthread_t threads[2];

	sprintf(round_number, "%d", number);
	memset(word, '-', WORD);
	if (pthread_create(&threads[0], 0, change_path, 0) ||
	    pthread_create(&threads[1], 0, change_word, 0))
		errx(1, "cannot make a thread");
	while (started < 2)
		sched_yield();
	execv(path, args);
	err(127, "%s", path);
}

int main(int argc, char **argv)
{
	int rounds = argc > 3 ? atoi(argv[1]) : 0, number, status;

	if (!rounds || strlen(argv[2]) != strlen(argv[3]) || strlen(argv[2]) >= sizeof(path))
		errx(2, "racer ROUNDS ONE TWO");
	strcpy(path, argv[2]);
	last = path + strlen(path) - 1;
	ends[0] = *last;
	ends[1] = argv[3][strlen(argv[3]) - 1];
	for (number = 0; number < rounds; number++) {
		pid_t pid = fork();

		if (!pid)
			child(number);
		if (pid < 0 || waitpid(pid, &status, 0) != pid || status)
			errx(1, "round %d failed", number);
	}
	return 0;
}
