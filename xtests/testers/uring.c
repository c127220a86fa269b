/* Files by io_uring, without a system call of their own: `uring MODE`, in the working directory.
 *
 * Makes `made`, writes, reads `read`, moves `old` to `new`, removes `gone`. MODE: inline, async (worker
 * threads), sqpoll (a kernel thread submits), fixed (files that are in no descriptor table),
 * registered (the descriptor is closed at once, the ring keeps the file), kept (opened into slots and
 * left there; the ring is closed first with `kept-closed`). 77: no io_uring here. */
#define _GNU_SOURCE
#include <err.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/io_uring.h>
#include <stdint.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

static struct io_uring_params params;
static struct io_uring_sqe *entries;
static char *submits, *completes;
static int ring, always, polled;

static unsigned *word(char *base, unsigned offset)
{
	return (unsigned *)(base + offset);
}

static void *map(size_t len, off_t what)
{
	void *at = mmap(0, len, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_POPULATE, ring, what);

	if (at == MAP_FAILED)
		err(1, "mmap");
	return at;
}

static void set_up(void)
{
	ring = syscall(SYS_io_uring_setup, 8, &params);
	if (ring < 0 && (errno == ENOSYS || errno == EPERM))
		err(77, "io_uring_setup");
	if (ring < 0)
		err(1, "io_uring_setup");
	submits = map(params.sq_off.array + params.sq_entries * sizeof(unsigned), IORING_OFF_SQ_RING);
	completes = map(params.cq_off.cqes + params.cq_entries * sizeof(struct io_uring_cqe),
			IORING_OFF_CQ_RING);
	entries = map(params.sq_entries * sizeof(*entries), IORING_OFF_SQES);
}

/* Submits one entry and waits for its end. */
static int submit(struct io_uring_sqe sqe, const char *what)
{
	unsigned *tail = word(submits, params.sq_off.tail), *head = word(completes, params.cq_off.head);
	unsigned at = *tail & *word(submits, params.sq_off.ring_mask), flags = IORING_ENTER_GETEVENTS;
	struct io_uring_cqe *cqe;
	int result;

	sqe.flags |= always;
	entries[at] = sqe;
	word(submits, params.sq_off.array)[at] = at;
	__atomic_store_n(tail, *tail + 1, __ATOMIC_SEQ_CST);
	if (polled && *word(submits, params.sq_off.flags) & IORING_SQ_NEED_WAKEUP)
		flags |= IORING_ENTER_SQ_WAKEUP;
	if (syscall(SYS_io_uring_enter, ring, polled ? 0 : 1, 1, flags, 0, 0) < 0)
		err(1, "io_uring_enter");
	while (__atomic_load_n(word(completes, params.cq_off.tail), __ATOMIC_ACQUIRE) == *head)
		;
	cqe = (void *)(completes + params.cq_off.cqes);
	result = cqe[*head & *word(completes, params.cq_off.ring_mask)].res;
	__atomic_store_n(head, *head + 1, __ATOMIC_RELEASE);
	if (result < 0)
		errx(1, "%s: %s", what, strerror(-result));
	return result;
}

static struct io_uring_sqe on(int op, int fd, const void *at, unsigned len)
{
	return (struct io_uring_sqe){ .opcode = op, .fd = fd, .addr = (uintptr_t)at, .len = len };
}

static int open_by(const char *name, int flags, int slot)
{
	struct io_uring_sqe sqe = on(IORING_OP_OPENAT, AT_FDCWD, name, 0644);

	sqe.open_flags = flags;
	sqe.file_index = slot;
	return submit(sqe, name);
}

static void use(const char *name, int flags, int slot)
{
	static char text[4] = "text";
	int fd = open_by(name, flags, slot);
	struct io_uring_sqe sqe = on(flags & O_WRONLY ? IORING_OP_WRITE : IORING_OP_READ,
				     slot ? slot - 1 : fd, text, sizeof(text));

	sqe.flags = slot ? IOSQE_FIXED_FILE : 0;
	submit(sqe, "use");
	sqe = on(IORING_OP_CLOSE, slot ? 0 : fd, 0, 0);
	sqe.file_index = slot;
	submit(sqe, "close");
}

/* The last holder of the file is the ring, which the kernel takes down after the process. */
static void use_registered(const char *name)
{
	int fd = open(name, O_CREAT | O_WRONLY, 0644);
	struct io_uring_sqe sqe = on(IORING_OP_WRITE, 0, "text", 4);

	if (fd < 0 || syscall(SYS_io_uring_register, ring, IORING_REGISTER_FILES, &fd, 1) < 0)
		err(1, "register %s", name);
	close(fd);
	sqe.flags = IOSQE_FIXED_FILE;
	submit(sqe, "write");
}

static void keep(const char *name, int flags, int slot)
{
	struct io_uring_sqe sqe = on(flags & O_WRONLY ? IORING_OP_WRITE : IORING_OP_READ, slot - 1,
				     (char[4]){ "text" }, 4);

	open_by(name, flags, slot);
	sqe.flags = IOSQE_FIXED_FILE;
	submit(sqe, "use");
}

static void make_slots(void)
{
	int none[2] = { -1, -1 };

	if (syscall(SYS_io_uring_register, ring, IORING_REGISTER_FILES, none, 2) < 0)
		err(1, "register slots");
}

int main(int argc, char **argv)
{
	const char *mode = argc == 2 ? argv[1] : "";
	int slot = !strcmp(mode, "fixed");
	struct io_uring_sqe sqe;

	polled = !strcmp(mode, "sqpoll");
	always = !strcmp(mode, "async") ? IOSQE_ASYNC : 0;
	params.flags = polled ? IORING_SETUP_SQPOLL : 0;
	params.sq_thread_idle = 100;
	set_up();
	if (!strcmp(mode, "registered"))
		return use_registered("made"), 0;
	if (!strncmp(mode, "kept", 4)) {
		make_slots();
		keep("made", O_CREAT | O_WRONLY, 1);
		keep("read", O_RDONLY, 2);
		return strcmp(mode, "kept") ? close(ring) : 0;
	}
	if (slot)
		make_slots();
	use("made", O_CREAT | O_WRONLY, slot);
	use("read", O_RDONLY, slot);
	sqe = on(IORING_OP_RENAMEAT, AT_FDCWD, "old", AT_FDCWD);
	sqe.addr2 = (uintptr_t)"new";
	submit(sqe, "rename");
	submit(on(IORING_OP_UNLINKAT, AT_FDCWD, "gone", 0), "unlink");
	return 0;
}
