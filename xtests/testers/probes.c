/* What a process can try on others: prints "NAME WHAT" for each thing that worked on a process called
 * like argv[1], and the number of processes and of things tried. Nothing that works is undone. */
#define _GNU_SOURCE
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/ptrace.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <unistd.h>

static int tried;

static void tell(const char *what, int worked)
{
	tried++;
	if (worked)
		printf("worked %s\n", what);
}

static int opens(int pid, const char *name, int flags)
{
	char path[64], byte;
	int fd, got;

	snprintf(path, sizeof(path), "/proc/%d/%s", pid, name);
	fd = open(path, flags);
	if (fd < 0)
		return 0;
	got = flags == O_RDONLY ? read(fd, &byte, 1) : write(fd, "0", 1);
	close(fd);
	return got > 0;
}

static int links(int pid, const char *name)
{
	char path[64], to[256];

	snprintf(path, sizeof(path), "/proc/%d/%s", pid, name);
	return readlink(path, to, sizeof(to)) > 0;
}

static int lists(int pid, const char *name)
{
	char path[64];
	DIR *dir;

	snprintf(path, sizeof(path), "/proc/%d/%s", pid, name);
	dir = opendir(path);
	if (dir)
		closedir(dir);
	return dir != NULL;
}

static void look(int pid)
{
	tell("cmdline", opens(pid, "cmdline", O_RDONLY));
	tell("environ", opens(pid, "environ", O_RDONLY));
	tell("maps", opens(pid, "maps", O_RDONLY));
	tell("auxv", opens(pid, "auxv", O_RDONLY));
	tell("syscall", opens(pid, "syscall", O_RDONLY));
	tell("exe", links(pid, "exe"));
	tell("cwd", links(pid, "cwd"));
	tell("root", links(pid, "root"));
	tell("ns", links(pid, "ns/mnt"));
	tell("fd", lists(pid, "fd"));
	tell("map_files", lists(pid, "map_files"));
	tell("mem read", opens(pid, "mem", O_RDONLY));
	tell("mem", opens(pid, "mem", O_WRONLY));
	tell("clear_refs", opens(pid, "clear_refs", O_WRONLY));
	tell("oom_score_adj", opens(pid, "oom_score_adj", O_WRONLY));
	tell("coredump_filter", opens(pid, "coredump_filter", O_WRONLY));
	tell("autogroup", opens(pid, "autogroup", O_WRONLY));
	tell("timerslack_ns", opens(pid, "timerslack_ns", O_WRONLY));
	tell("comm", opens(pid, "comm", O_WRONLY));
}

static void tune(int pid)
{
	struct rlimit limit = {0, 0};
	struct sched_param idle = {0};
	cpu_set_t one;

	CPU_ZERO(&one);
	CPU_SET(0, &one);
	tell("prlimit read", prlimit(pid, RLIMIT_NOFILE, NULL, &limit) == 0);
	tell("prlimit", prlimit(pid, RLIMIT_FSIZE, &limit, NULL) == 0);
	tell("setpriority", setpriority(PRIO_PROCESS, pid, 19) == 0);
	tell("sched_setscheduler", sched_setscheduler(pid, SCHED_IDLE, &idle) == 0);
	tell("sched_setaffinity", sched_setaffinity(pid, sizeof(one), &one) == 0);
	tell("ioprio_set", syscall(SYS_ioprio_set, 1, pid, 3 << 13) == 0);
	tell("migrate_pages", syscall(SYS_migrate_pages, pid, 64, "\1\0\0\0\0\0\0\0", "\1\0\0\0\0\0\0\0") == 0);
	tell("setpgid", setpgid(pid, 0) == 0);
}

static void enter(int pid)
{
	char byte = 0;
	struct iovec ours = {&byte, 1}, theirs = {(void *)0x400000, 1};
	int pidfd = syscall(SYS_pidfd_open, pid, 0);

	tell("pidfd_open", pidfd >= 0);
	tell("pidfd_getfd", syscall(SYS_pidfd_getfd, pidfd, 0, 0) >= 0);
	tell("process_madvise", syscall(SYS_process_madvise, pidfd, &theirs, 1, MADV_PAGEOUT, 0) >= 0);
	tell("process_vm_readv", process_vm_readv(pid, &ours, 1, &theirs, 1, 0) >= 0 || errno == EFAULT);
	tell("process_vm_writev", process_vm_writev(pid, &ours, 1, &theirs, 1, 0) >= 0 || errno == EFAULT);
	tell("kcmp", syscall(SYS_kcmp, getpid(), pid, 0, 0, 0) >= 0);
	tell("ptrace seize", ptrace(PTRACE_SEIZE, pid, 0, 0) == 0);
	tell("ptrace attach", ptrace(PTRACE_ATTACH, pid, 0, 0) == 0);
	tell("setns", syscall(SYS_setns, pidfd, 0x20000) == 0);
	tell("pidfd_send_signal", syscall(SYS_pidfd_send_signal, pidfd, SIGTERM, NULL, 0) == 0);
	tell("tgkill", syscall(SYS_tgkill, pid, pid, SIGTERM) == 0);
	tell("stop", kill(pid, SIGSTOP) == 0);
	tell("kill", kill(pid, SIGKILL) == 0);
}

/* Whether it is a child of our parent, or a child of such a one. */
static int is_ours(int pid)
{
	int steps;

	for (steps = 0; steps < 2; steps++) {
		char path[64], line[256];
		int parent = 0;
		FILE *status;

		snprintf(path, sizeof(path), "/proc/%d/status", pid);
		status = fopen(path, "r");
		while (status && fgets(line, sizeof(line), status))
			sscanf(line, "PPid: %d", &parent);
		if (status)
			fclose(status);
		if (parent == getppid())
			return 1;
		pid = parent;
	}
	return 0;
}

int main(int argc, char **argv)
{
	int pids[64], count = 0, at;
	struct dirent *entry;
	DIR *proc = opendir("/proc");

	while (argc > 1 && proc && (entry = readdir(proc)) && count < 64) {
		char path[64], name[32] = "";
		int fd, pid = atoi(entry->d_name);

		snprintf(path, sizeof(path), "/proc/%d/comm", pid);
		fd = pid > 0 ? open(path, O_RDONLY) : -1;
		if (fd < 0 || read(fd, name, sizeof(name) - 1) < 0)
			name[0] = 0;
		if (fd >= 0)
			close(fd);
		if (!strncmp(name, argv[1], 15) && is_ours(pid))
			pids[count++] = pid;
	}
	for (at = 0; at < count; at++) {
		look(pids[at]);
		tune(pids[at]);
		enter(pids[at]);
	}
	printf("processes %d tried %d\n", count, count ? tried / count : 0);
	return 0;
}
