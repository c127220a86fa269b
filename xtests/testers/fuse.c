/* A file system whose server is a process of the run: `fuse DIR`. Mounts it on DIR, reads `hello` in it
 * and writes to `room`, takes it away. 77: no FUSE here. */
#define _GNU_SOURCE
#include <err.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/fuse.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

enum { HELLO = 2, ROOM = 3 };

static const char text[] = "hello from the server\n";
static int device;

static void answer(const struct fuse_in_header *in, int error, const void *data, size_t len)
{
	static struct {
		struct fuse_out_header head;
		char data[4096];
	} out;

	out.head.unique = in->unique;
	out.head.error = -error;
	out.head.len = sizeof(out.head) + len;
	memcpy(out.data, data, len);
	/* An answer that comes too late has no taker. */
	if (write(device, &out, out.head.len) < 0 && errno != ENOENT)
		err(1, "write to /dev/fuse");
}

static struct fuse_attr attributes(uint64_t node)
{
	return (struct fuse_attr){
		.ino = node,
		.mode = node == FUSE_ROOT_ID ? S_IFDIR | 0755 : S_IFREG | 0644,
		.nlink = 1,
		.size = node == HELLO ? sizeof(text) - 1 : 0,
	};
}

static void look_up(const struct fuse_in_header *in, const char *name)
{
	uint64_t node = !strcmp(name, "hello") ? HELLO : !strcmp(name, "room") ? ROOM : 0;
	struct fuse_entry_out found = { .nodeid = node, .attr = attributes(node) };

	answer(in, node ? 0 : ENOENT, &found, node ? sizeof(found) : 0);
}

static void read_from(const struct fuse_in_header *in, const struct fuse_read_in *want)
{
	size_t len = sizeof(text) - 1, from = want->offset < len ? want->offset : len;

	answer(in, 0, text + from, len - from);
}

static void serve(void)
{
	static char request[FUSE_MIN_READ_BUFFER + 65536];
	const struct fuse_in_header *in = (void *)request;
	const void *body = in + 1;

	/* ENODEV: it is taken away. */
	while (read(device, request, sizeof(request)) > 0) {
		struct fuse_init_out init = { .major = FUSE_KERNEL_VERSION, .minor = 31,
					      .max_write = 65536 };
		struct fuse_attr_out attr = { .attr = attributes(in->nodeid) };
		struct fuse_open_out open = { .fh = 1 };
		struct fuse_write_out written = { 0 };

		switch (in->opcode) {
		case FUSE_INIT:
			answer(in, 0, &init, sizeof(init));
			break;
		case FUSE_LOOKUP:
			look_up(in, body);
			break;
		case FUSE_GETATTR:
		case FUSE_SETATTR:
			answer(in, 0, &attr, sizeof(attr));
			break;
		case FUSE_OPEN:
			answer(in, 0, &open, sizeof(open));
			break;
		case FUSE_READ:
			read_from(in, body);
			break;
		case FUSE_WRITE:
			written.size = ((const struct fuse_write_in *)body)->size;
			answer(in, 0, &written, sizeof(written));
			break;
		case FUSE_RELEASE:
		case FUSE_FLUSH:
			answer(in, 0, 0, 0);
			break;
		case FUSE_FORGET:
		case FUSE_BATCH_FORGET:
		case FUSE_INTERRUPT:
			break;
		default:
			answer(in, ENOSYS, 0, 0);
		}
	}
}

static void use(const char *dir)
{
	char got[64] = "";
	int fd;

	if (chdir(dir))
		err(1, "chdir");
	fd = open("hello", O_RDONLY);
	if (fd < 0 || read(fd, got, sizeof(got)) != sizeof(text) - 1 || strcmp(got, text))
		err(1, "hello");
	close(fd);
	fd = open("room", O_WRONLY);
	if (fd < 0 || write(fd, "1234", 4) != 4 || close(fd))
		err(1, "room");
	if (chdir("/"))
		err(1, "chdir");
}

int main(int argc, char **argv)
{
	char options[64];
	pid_t server;

	if (argc != 2)
		errx(2, "fuse DIR");
	device = open("/dev/fuse", O_RDWR | O_CLOEXEC);
	if (device < 0)
		err(77, "/dev/fuse");
	snprintf(options, sizeof(options), "fd=%d,rootmode=40000,user_id=0,group_id=0", device);
	if (mount("tester", argv[1], "fuse", MS_NOSUID | MS_NODEV, options))
		err(errno == ENODEV || errno == EPERM ? 77 : 1, "mount");
	server = fork();
	if (server < 0)
		err(1, "fork");
	if (!server) {
		serve();
		return 0;
	}
	close(device);
	use(argv[1]);
	if (umount2(argv[1], 0))
		err(1, "umount2");
	waitpid(server, 0, 0);
	return 0;
}
