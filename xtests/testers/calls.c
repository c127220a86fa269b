/* Rare system calls, one road for each first argument. What the kernel knows of it (pids, inodes of
 * namespaces) is printed, one number a line. */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <linux/bpf.h>
#include <linux/sched.h>
#include <sched.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/ptrace.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <unistd.h>

static long word = 1;

static void must(long result, const char *what)
{
	if (result < 0) {
		perror(what);
		exit(1);
	}
}

static void tell_namespace(const char *name)
{
	char path[64];
	struct stat st;

	snprintf(path, sizeof(path), "/proc/self/ns/%s", name);
	must(stat(path, &st), path);
	printf("%lu\n", (unsigned long)st.st_ino);
}

static _Noreturn int wait_to_die(void)
{
	for (;;)
		pause();
}

static void trace(pid_t pid, int pokes)
{
	must(ptrace(PTRACE_ATTACH, pid, 0, 0), "ptrace");
	must(waitpid(pid, 0, __WALL), "waitpid");
	while (pokes--)
		must(ptrace(PTRACE_POKEDATA, pid, &word, (void *)7L), "poke");
	must(ptrace(PTRACE_DETACH, pid, 0, 0), "detach");
}

/* A child of the run: attached to, and its memory written, by ptrace and by process_vm_writev. */
static int trace_child(void)
{
	struct iovec from = { &word, sizeof(word) };
	pid_t pid = fork();

	if (!pid)
		wait_to_die();
	trace(pid, 100);
	for (int i = 0; i < 100; i++)
		must(process_vm_writev(pid, &from, 1, &from, 1, 0), "process_vm_writev");
	kill(pid, SIGKILL);
	waitpid(pid, 0, 0);
	printf("%d\n", pid);
	return 0;
}

/* To be written to by others. */
static int victim(void)
{
	printf("%p\n", (void *)&word);
	fflush(stdout);
	return wait_to_die();
}

static int write_to(pid_t pid, const char *address)
{
	void *at = (void *)strtoul(address, 0, 16);
	struct iovec from = { &word, sizeof(word) }, to = { at, sizeof(word) };

	must(process_vm_writev(pid, &from, 1, &to, 1, 0), "process_vm_writev");
	must(process_vm_readv(pid, &from, 1, &to, 1, 0), "process_vm_readv");
	return 0;
}

static int steal(pid_t pid)
{
	int pidfd = syscall(SYS_pidfd_open, pid, 0);

	must(pidfd, "pidfd_open");
	must(syscall(SYS_pidfd_getfd, pidfd, 1, 0), "pidfd_getfd");
	return 0;
}

static int unshare_one(const char *name)
{
	int flag = !strcmp(name, "mnt") ? CLONE_NEWNS : !strcmp(name, "net") ? CLONE_NEWNET :
		   !strcmp(name, "user") ? CLONE_NEWUSER : CLONE_NEWUTS;

	must(unshare(flag), "unshare");
	tell_namespace(name);
	return 0;
}

static int enter(const char *path)
{
	int fd = open(path, O_RDONLY);

	must(fd, path);
	must(setns(fd, 0), "setns");
	return 0;
}

static int clone_namespaces(void)
{
	struct clone_args args = { .flags = CLONE_NEWUTS | CLONE_NEWIPC, .exit_signal = SIGCHLD };
	long pid = syscall(SYS_clone3, &args, sizeof(args));

	must(pid, "clone3");
	if (!pid) {
		tell_namespace("ipc");
		tell_namespace("uts");
		fflush(stdout);
		_exit(0);
	}
	waitpid(pid, 0, 0);
	printf("%ld\n", pid);
	return 0;
}

static int change_root(const char *dir)
{
	must(chdir(dir), dir);
	must(chroot("."), "chroot");
	return chroot("/not/there") == 0;
}

/* A tmpfs in a mount namespace of its own: by the old call, then by the new ones. */
static int mounts(const char *dir)
{
	int context, mount_fd;

	must(chdir(dir), dir);
	must(unshare(CLONE_NEWNS), "unshare");
	must(mount("none", "/", 0, MS_REC | MS_PRIVATE, 0), "private");
	must(mount("store", "old", "tmpfs", MS_NOSUID, "size=1m"), "mount");
	context = syscall(SYS_fsopen, "tmpfs", 0);
	must(context, "fsopen");
	must(syscall(SYS_fsconfig, context, 6 /* FSCONFIG_CMD_CREATE */, 0, 0, 0), "fsconfig");
	mount_fd = syscall(SYS_fsmount, context, 0, 0);
	must(mount_fd, "fsmount");
	must(syscall(SYS_move_mount, mount_fd, "", AT_FDCWD, "new", 4 /* F_EMPTY_PATH */), "move_mount");
	must(syscall(SYS_open_tree, AT_FDCWD, "old", 0x80000 /* CLOEXEC */), "open_tree");
	must(umount2("old", MNT_DETACH), "umount");
	return umount2("old", 0) == 0;
}

static int use_bpf(void)
{
	union bpf_attr attr = { .map_type = BPF_MAP_TYPE_ARRAY, .key_size = 4, .value_size = 4,
				.max_entries = 1 };
	int map = syscall(SYS_bpf, BPF_MAP_CREATE, &attr, sizeof(attr));
	uint32_t key = 0, value = 7;

	must(map, "map");
	memset(&attr, 0, sizeof(attr));
	attr.map_fd = map;
	attr.key = (uintptr_t)&key;
	attr.value = (uintptr_t)&value;
	for (int i = 0; i < 100; i++)
		must(syscall(SYS_bpf, BPF_MAP_UPDATE_ELEM, &attr, sizeof(attr)), "update");
	memset(&attr, 0, sizeof(attr));
	return syscall(SYS_bpf, BPF_PROG_LOAD, &attr, sizeof(attr)) == 0;
}

/* All of these fail, each for a reason of its own. */
static int refused(void)
{
	char none[] = "no_such_module";

	syscall(SYS_init_module, "", 0, "");
	syscall(SYS_finit_module, open("/proc/self/exe", O_RDONLY), "", 0);
	syscall(SYS_delete_module, none, 0);
	syscall(SYS_reboot, 1, 2, 0x01234567, 0);
	syscall(SYS_swapon, "/not/there", 0);
	syscall(SYS_clock_settime, 99, 0);
	syscall(SYS_keyctl, 6 /* DESCRIBE */, 12345678, 0, 0);
	syscall(SYS_perf_event_open, 0, 0, -1, -1, 0);
	syscall(SYS_kexec_load, 0, 99, 0, 0);
	syscall(SYS_memfd_create, "x", 0x7fff0000);
	return 0;
}

/* Types into a terminal of its own; the last request puts nothing into it. */
static int types(void)
{
	int top = posix_openpt(O_RDWR | O_NOCTTY), terminal, size[2];
	const char *text = "ls\n";

	must(top, "posix_openpt");
	must(unlockpt(top), "unlockpt");
	terminal = open(ptsname(top), O_RDWR | O_NOCTTY);
	must(terminal, ptsname(top));
	printf("%s\n", ptsname(top) + strlen("/dev/pts/"));
	for (; *text; text++)
		must(ioctl(terminal, TIOCSTI, text), "TIOCSTI");
	must(ioctl(-1, TIOCSTI, text) + 1, "of no file");
	must(ioctl(terminal, TIOCGWINSZ, size), "TIOCGWINSZ");
	return 0;
}

/* struct io_uring_params is 120 bytes; its third word holds the flags. */
static int uring(void)
{
	uint32_t params[30] = { 0, 0, 2 /* IORING_SETUP_SQPOLL */ };

	must(syscall(SYS_io_uring_setup, 8, params), "io_uring_setup");
	return 0;
}

#if defined(__x86_64__)
/* The old way into the kernel, with the 32-bit numbers; strings must lie below 4 GiB. */
static long old_call(long nr, long a, long b, long c)
{
	long ret;

	__asm__ volatile("int $0x80" : "=a"(ret) : "a"(nr), "b"(a), "c"(b), "d"(c)
			 : "memory", "r8", "r9", "r10", "r11");
	return ret;
}

static int compat(const char *file)
{
	char *low = mmap(0, 4096, PROT_READ | PROT_WRITE,
			 MAP_PRIVATE | MAP_ANONYMOUS | MAP_32BIT, -1, 0);

	strcpy(low, file);
	strcpy(low + 2048, "small");
	must(old_call(193 /* truncate64 */, (long)low, 5, 1) - 0, "truncate64");
	must(old_call(92 /* truncate */, (long)low, 7, 0), "truncate");
	must(old_call(356 /* memfd_create */, (long)low + 2048, 1, 0), "memfd_create");
	must(old_call(310 /* unshare */, CLONE_NEWUTS, 0, 0), "unshare");
	tell_namespace("uts");
	return 0;
}
#endif

int main(int argc, char **argv)
{
	const char *road = argv[1], *one = argc > 2 ? argv[2] : "";

	if (!strcmp(road, "trace-child"))
		return trace_child();
	if (!strcmp(road, "trace"))
		return trace(atoi(one), 0), 0;
	if (!strcmp(road, "trace-me"))
		return ptrace(PTRACE_TRACEME, 0, 0, 0) < 0;
	if (!strcmp(road, "trace-nobody"))
		return ptrace(PTRACE_SEIZE, 1 << 22, 0, 0) == 0;
	if (!strcmp(road, "victim"))
		return victim();
	if (!strcmp(road, "write"))
		return write_to(atoi(one), argv[3]);
	if (!strcmp(road, "steal"))
		return steal(atoi(one));
	if (!strcmp(road, "unshare"))
		return unshare_one(one);
	if (!strcmp(road, "enter"))
		return enter(one);
	if (!strcmp(road, "clone"))
		return clone_namespaces();
	if (!strcmp(road, "chroot"))
		return change_root(one);
	if (!strcmp(road, "mount"))
		return mounts(one);
	if (!strcmp(road, "bpf"))
		return use_bpf();
	if (!strcmp(road, "refused"))
		return refused();
	if (!strcmp(road, "types"))
		return types();
	if (!strcmp(road, "memfd"))
		return memfd_create(one, MFD_CLOEXEC) < 0;
	if (!strcmp(road, "truncate"))
		return truncate(one, atol(argv[3])) < 0;
	if (!strcmp(road, "uring"))
		return uring();
	if (!strcmp(road, "mkdir"))
		return mkdir(one, 0755) < 0 || rmdir(one) < 0;
#if defined(__x86_64__)
	if (!strcmp(road, "compat"))
		return compat(one);
#endif
	return 2;
}
