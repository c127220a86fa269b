/* A network of its own: `netns ADDRESS... -- PROGRAM [ARG...]`. The loopback device of a new network
 * namespace gets the addresses, so that PROGRAM contacts them and nobody else is there: datagrams to the
 * ports 9 and 53 are taken and thrown away, connections are refused. */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <err.h>
#include <net/if.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

static void give(int control, int number, const char *address)
{
	struct ifreq request = {0};
	struct sockaddr_in *in = (void *)&request.ifr_addr;

	snprintf(request.ifr_name, IFNAMSIZ, "lo:%d", number);
	in->sin_family = AF_INET;
	if (inet_pton(AF_INET, address, &in->sin_addr) != 1)
		errx(1, "%s is no address", address);
	if (ioctl(control, SIOCSIFADDR, &request))
		err(1, "cannot give the address %s", address);
}

static void up(int control)
{
	struct ifreq request = {.ifr_name = "lo", .ifr_flags = IFF_UP | IFF_RUNNING};

	if (ioctl(control, SIOCSIFFLAGS, &request))
		err(1, "cannot bring lo up");
}

/* PROGRAM inherits the socket, which nobody reads: what it cannot hold is dropped by the kernel. */
static void sink(int port)
{
	struct sockaddr_in any = {.sin_family = AF_INET, .sin_port = htons(port)};
	int udp = socket(AF_INET, SOCK_DGRAM, 0);

	if (udp < 0 || bind(udp, (void *)&any, sizeof(any)))
		err(1, "cannot take datagrams to port %d", port);
}

int main(int argc, char **argv)
{
	int control, at;

	if (unshare(CLONE_NEWNET))
		err(1, "unshare");
	control = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	if (control < 0)
		err(1, "socket");
	up(control);
	for (at = 1; at < argc && strcmp(argv[at], "--"); at++)
		give(control, at, argv[at]);
	if (at + 1 >= argc)
		errx(2, "no program");
	sink(9);
	sink(53);
	execvp(argv[at + 1], argv + at + 1);
	err(127, "%s", argv[at + 1]);
}
