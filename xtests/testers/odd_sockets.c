/* Makes and uses a socket that is neither TCP nor UDP: odd_sockets KIND.
 * KIND: raw, ping (ICMP echo to 127.0.0.1, twice, and the answers), packet (three frames of 100 bytes
 * to the loopback device), netlink (three sockets, one dump request each), vsock (connects), alg,
 * xdp. Prints what the calls returned. */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <linux/if_packet.h>
#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <linux/vm_sockets.h>
#include <netinet/ip_icmp.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

static int echo(int type)
{
	struct sockaddr_in to = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	int fd = socket(AF_INET, type, IPPROTO_ICMP), i;
	unsigned char packet[64] = { ICMP_ECHO }, got[256];
	unsigned sum = ICMP_ECHO << 8;

	if (fd < 0)
		return -errno;
	if (type == SOCK_RAW) {	/* the kernel does it for a ping socket */
		packet[2] = ~sum >> 8;
		packet[3] = ~sum;
	}
	for (i = 0; i < 2; i++) {
		if (sendto(fd, packet, sizeof(packet), 0, (void *)&to, sizeof(to)) != sizeof(packet))
			return -errno;
		/* A raw socket sees its own request as well as the answer. */
		if (type == SOCK_RAW && recv(fd, got, sizeof(got), 0) < 0)
			return -errno;
		if (recv(fd, got, sizeof(got), 0) < 0)
			return -errno;
	}
	return fd;
}

static int packets(void)
{
	struct sockaddr_ll to = { .sll_family = AF_PACKET, .sll_ifindex = 1, .sll_halen = 6 };
	int fd = socket(AF_PACKET, SOCK_RAW, 0), i;
	unsigned char frame[100] = { 0 };

	to.sll_protocol = frame[12] = 0x88;	/* an ethertype for experiments */
	frame[13] = 0xb5;
	for (i = 0; i < 3; i++)
		if (sendto(fd, frame, sizeof(frame), 0, (void *)&to, sizeof(to)) != sizeof(frame))
			return -errno;
	return fd;
}

static int netlink(void)
{
	struct {
		struct nlmsghdr head;
		struct rtgenmsg body;
	} ask = { { sizeof(ask), RTM_GETLINK, NLM_F_REQUEST | NLM_F_DUMP }, { AF_UNSPEC } };
	int fd = -1, i;

	for (i = 0; i < 3; i++) {
		fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_ROUTE);
		if (send(fd, &ask, sizeof(ask), 0) != sizeof(ask))
			return -errno;
	}
	return sizeof(ask);
}

static int vsock(void)
{
	struct sockaddr_vm to = { .svm_family = AF_VSOCK, .svm_cid = 2, .svm_port = 4321 };
	int fd = socket(AF_VSOCK, SOCK_STREAM, 0);

	if (fd < 0 || connect(fd, (void *)&to, sizeof(to)))
		return -errno;
	return fd;
}

int main(int argc, char **argv)
{
	const char *kind = argc == 2 ? argv[1] : "";
	int got = -EINVAL;

	if (!strcmp(kind, "raw"))
		got = echo(SOCK_RAW);
	else if (!strcmp(kind, "ping"))
		got = echo(SOCK_DGRAM);
	else if (!strcmp(kind, "packet"))
		got = packets();
	else if (!strcmp(kind, "netlink"))
		got = netlink();
	else if (!strcmp(kind, "vsock"))
		got = vsock();
	else if (!strcmp(kind, "alg"))
		got = socket(38, SOCK_SEQPACKET, 0);
	else if (!strcmp(kind, "xdp"))
		got = socket(44, SOCK_RAW, 0);
	printf("%d\n", got < 0 && got != -1 ? got : got == -1 ? -errno : got);
	return 0;
}
