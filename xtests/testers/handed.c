/* Uses the files that it was started with: `handed WAY`, 8 for reading, 9 for both. 38: no such call
 * here. */
#define _GNU_SOURCE
#include <err.h>
#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/sendfile.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

#define FROM 8
#define TO 9

static char text[] = "abc";
static char buffer[16];

static void expect(long ret, long expected, const char *what)
{
	if (ret < 0)
		err(1, "%s", what);
	if (ret != expected)
		errx(1, "%s: %ld", what, ret);
}

#if defined(__x86_64__)
/* As a 32-bit program would: what it points to must be below 4 GiB. */
static long write_32(const char *data, long len)
{
	char *low = mmap(0, 4096, PROT_READ | PROT_WRITE,
			 MAP_PRIVATE | MAP_ANONYMOUS | MAP_32BIT, -1, 0);
	long ret;

	if (low == MAP_FAILED)
		err(1, "mmap below 4 GiB");
	memcpy(low, data, len);
	asm volatile("int $0x80" : "=a"(ret) : "a"(4), "b"(TO), "c"(low), "d"(len)
		     : "memory", "r8", "r9", "r10", "r11");
	return (int)ret;
}
#else
static long write_32(const char *data, long len)
{
	return -38;
}
#endif

static void through_pipe(void)
{
	int ends[2];

	expect(pipe(ends), 0, "pipe");
	expect(splice(FROM, 0, ends[1], 0, 4, 0), 4, "splice from");
	expect(splice(ends[0], 0, TO, 0, 4, 0), 4, "splice to");
}

static void map(int fd, int how, int flags)
{
	char *at = mmap(0, 16, how, flags, fd, 0);

	if (at == MAP_FAILED)
		err(1, "mmap");
	if (how & PROT_WRITE)
		at[0] = 'm';
	buffer[0] = at[0];
}

int main(int argc, char **argv)
{
	const char *way = argc == 2 ? argv[1] : "";
	struct iovec parts[2] = { { text, 3 }, { text, 2 } };
	struct iovec room[2] = { { buffer, 3 }, { buffer + 3, 2 } };
	long ret;

	if (!strcmp(way, "write"))
		expect(write(TO, text, 3), 3, way);
	else if (!strcmp(way, "twice"))
		expect(write(TO, text, 3) + write(TO, text, 2), 5, way);
	else if (!strcmp(way, "pwrite"))
		expect(pwrite(TO, text, 3, 7), 3, way);
	else if (!strcmp(way, "writev"))
		expect(writev(TO, parts, 2), 5, way);
	else if (!strcmp(way, "pwritev"))
		expect(pwritev(TO, parts, 2, 1), 5, way);
	else if (!strcmp(way, "pwritev2"))
		expect(pwritev2(TO, parts, 2, 1, 0), 5, way);
	else if (!strcmp(way, "sendfile"))
		expect(sendfile(TO, FROM, 0, 4), 4, way);
	else if (!strcmp(way, "splice"))
		through_pipe();
	else if (!strcmp(way, "copy"))
		expect(copy_file_range(FROM, 0, TO, 0, 4, 0), 4, way);
	else if (!strcmp(way, "ftruncate"))
		expect(ftruncate(TO, 40), 0, way);
	else if (!strcmp(way, "fallocate"))
		expect(fallocate(TO, 0, 0, 64), 0, way);
	else if (!strcmp(way, "store"))
		map(TO, PROT_READ | PROT_WRITE, MAP_SHARED);
	else if (!strcmp(way, "write32")) {
		ret = write_32(text, 3);
		if (ret == -38)
			return 38;
		expect(ret, 3, way);
	} else if (!strcmp(way, "read"))
		expect(read(FROM, buffer, 2), 2, way);
	else if (!strcmp(way, "pread"))
		expect(pread(FROM, buffer, 2, 1), 2, way);
	else if (!strcmp(way, "readv"))
		expect(readv(FROM, room, 2), 5, way);
	else if (!strcmp(way, "preadv"))
		expect(preadv(FROM, room, 2, 0), 5, way);
	else if (!strcmp(way, "preadv2"))
		expect(preadv2(FROM, room, 2, 0, 0), 5, way);
	else if (!strcmp(way, "load"))
		map(FROM, PROT_READ, MAP_PRIVATE);
	else if (!strcmp(way, "dup"))
		expect(write(dup(TO), text, 3), 3, way);
	else if (!strcmp(way, "nothing"))
		expect(lseek(TO, 0, SEEK_CUR) < 0, 0, way);
	else
		errx(2, "handed WAY");
	return 0;
}
