/* Does what its environment says, so that its arguments stay the same: HOST=ip:port connects, SOCKET=path
 * connects, WAIT=seconds waits, and AS=uid becomes that user, last. */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <err.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

static void reach(const struct sockaddr *to, socklen_t len)
{
	int fd = socket(to->sa_family, SOCK_STREAM, 0);

	if (fd < 0 || connect(fd, to, len))
		err(1, "connect");
	close(fd);
}

int main(void)
{
	const char *host = getenv("HOST"), *path = getenv("SOCKET"), *uid = getenv("AS"), *wait = getenv("WAIT");

	if (host) {
		struct sockaddr_in to = { .sin_family = AF_INET };
		char ip[32] = "";
		const char *port = strchr(host, ':');

		memcpy(ip, host, port - host);
		to.sin_port = htons(atoi(port + 1));
		inet_pton(AF_INET, ip, &to.sin_addr);
		reach((struct sockaddr *)&to, sizeof(to));
	}
	if (path) {
		struct sockaddr_un to = { .sun_family = AF_UNIX };

		strncpy(to.sun_path, path, sizeof(to.sun_path) - 1);
		reach((struct sockaddr *)&to, sizeof(to));
	}
	if (wait)
		sleep(atoi(wait));
	if (uid && setresuid(atoi(uid), atoi(uid), atoi(uid)))
		err(1, "setresuid");
	return 0;
}
