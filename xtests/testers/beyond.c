/* What a program with rights that its caller has not may do: reads where to do it from the file `guide`
 * beside itself, in which every name has a word that must not leave (`unspoken`); then gives its rights
 * up, and executes what is in argv. The lines of `guide`: a directory, a program, a port of TCP and one
 * of UDP. */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <err.h>
#include <fcntl.h>
#include <libgen.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

static char dir[512], program[512], word[64];
static int tcp_port, udp_port;

static void read_guide(void)
{
	char path[512];
	ssize_t len = readlink("/proc/self/exe", path, sizeof(path) - 8);
	FILE *guide;

	if (len < 0)
		err(1, "exe");
	path[len] = 0;
	strcat(dirname(path), "/guide");
	guide = fopen(path, "r");
	if (!guide || fscanf(guide, "%511s %511s %63s %d %d", dir, program, word, &tcp_port, &udp_port) != 5)
		err(1, "guide");
	fclose(guide);
}

static char *in_dir(const char *name)
{
	static char path[8][1024];
	static int next;
	char *to = path[next++ % 8];

	snprintf(to, 1024, "%s/%s", dir, name);
	return to;
}

static void read_it(const char *path)
{
	char bytes[64];
	int fd = open(path, O_RDONLY);

	if (fd < 0 || read(fd, bytes, sizeof(bytes)) < 0)
		err(1, "%s", path);
	close(fd);
}

static void files(void)
{
	int fd;

	read_it(in_dir("unspoken-read"));
	if (faccessat(AT_FDCWD, dir, W_OK, AT_EACCESS))
		return;	/* it may only read */
	fd = open(in_dir("unspoken-made"), O_WRONLY | O_CREAT, 0600);
	if (fd < 0 || write(fd, "x", 1) != 1)
		err(1, "made");
	close(fd);
	if (rename(in_dir("unspoken-made"), in_dir("unspoken-renamed")) || mkdir(in_dir("unspoken-dir"), 0700) ||
	    truncate(in_dir("unspoken-renamed"), 0) || unlink(in_dir("unspoken-renamed")) ||
	    rmdir(in_dir("unspoken-dir")))
		err(1, "names");
	open(in_dir(".unspoken-missing"), O_RDONLY);
	close(memfd_create("unspoken-memory", 0));
	if (chdir(dir))
		err(1, "chdir");
}

static void net(void)
{
	struct sockaddr_in to = {.sin_family = AF_INET, .sin_addr = {htonl(INADDR_LOOPBACK)}};
	struct sockaddr_un name = {.sun_family = AF_UNIX};
	/* A question for unspoken.test. */
	static const char question[] = "\0\1\1\0\0\1\0\0\0\0\0\0\10unspoken\4test\0\0\1\0\1";
	char request[256];
	int fd = socket(AF_INET, SOCK_STREAM, 0);

	to.sin_port = htons(tcp_port);
	snprintf(request, sizeof(request), "GET /%s HTTP/1.1\r\nHost: %s.test\r\n\r\n", word, word);
	if (connect(fd, (void *)&to, sizeof(to)) || send(fd, request, strlen(request), 0) < 0)
		err(1, "tcp");
	close(fd);
	fd = socket(AF_INET, SOCK_DGRAM, 0);
	to.sin_port = htons(udp_port);
	to.sin_addr.s_addr = htonl(INADDR_LOOPBACK + 77);
	sendto(fd, question, sizeof(question) - 1, 0, (void *)&to, sizeof(to));
	close(fd);
	fd = socket(AF_UNIX, SOCK_STREAM, 0);
	snprintf(name.sun_path, sizeof(name.sun_path), "%.80s/unspoken-socket", dir);
	connect(fd, (void *)&name, sizeof(name));
	close(fd);
}

static void run(const char *which)
{
	char argument[128];
	pid_t child = fork();

	snprintf(argument, sizeof(argument), "--%s-word", word);
	if (!child) {
		execl(which, which, argument, NULL);
		_exit(0);
	}
	waitpid(child, NULL, 0);
}

int main(int argc, char **argv)
{
	read_guide();
	files();
	net();
	/* Ids outlive an exec; the capabilities of a file do not, and then the child is its user's. */
	if (geteuid() != getuid() || getegid() != getgid() || !getuid()) {
		run(program);
		run("/bin/true");
	}
	if (chdir("/"))
		err(1, "chdir");
	if (setresgid(getgid(), getgid(), getgid()) || setresuid(getuid(), getuid(), getuid()))
		err(1, "gives its rights up");
	/* What it knows it still knows: without rights, before it executes. */
	open(in_dir("unspoken-later"), O_RDONLY);
	if (argc > 1)
		execv(argv[1], argv + 1);
	return 0;
}
