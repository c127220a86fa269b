/* What the kernel's mechanisms cost by themselves: floor MECHANISM[,MECHANISM…] COMMAND…
 *
 * Switches mechanisms on as the recorder does, with programs that do nothing and a reader that throws
 * away what it reads, runs the command and ends as it does. What a recorder does beside comes on top.
 *
 *   calls    an empty program at the entry and one at the exit of all system calls
 *   hooks    an empty program at each other tracepoint and cgroup hook that the recorder has
 *   close    fanotify, by handle and name: files closed, programs opened (what the recorder asks for)
 *   open     files opened, and closed after writing, in place of it
 *   both     files opened and closed
 *   names    fanotify: entries of directories
 *   ignore   from its fifth report on, nothing is reported of reads of a file (evictable ignore marks)
 */
#define _GNU_SOURCE
#include <err.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/bpf.h>
#include <poll.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/fanotify.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#define SEEN (1 << 18)	/* files that are told apart, for `ignore` */
#define HOT 5

static const char *tracepoints[] = {
	"sched_process_fork", "sched_process_fork", "sched_process_exec", "sched_process_exec",
	"sched_process_exit", "sched_process_exit", "sched_prepare_exec", "cgroup_attach_task",
	"skb_copy_datagram_iovec", "inet_sock_set_state", "sock_send_length", "sock_recv_length",
};

/* Attach types with the type of program that they take. */
static const int hooks[][2] = {
	{ BPF_CGROUP_INET_EGRESS, BPF_PROG_TYPE_CGROUP_SKB },
	{ BPF_CGROUP_INET_EGRESS, BPF_PROG_TYPE_CGROUP_SKB },
	{ BPF_CGROUP_INET_INGRESS, BPF_PROG_TYPE_CGROUP_SKB },
	{ BPF_CGROUP_INET_INGRESS, BPF_PROG_TYPE_CGROUP_SKB },
	{ BPF_CGROUP_INET_SOCK_CREATE, BPF_PROG_TYPE_CGROUP_SOCK },
	{ BPF_CGROUP_INET_SOCK_RELEASE, BPF_PROG_TYPE_CGROUP_SOCK },
	{ BPF_CGROUP_INET4_CONNECT, BPF_PROG_TYPE_CGROUP_SOCK_ADDR },
	{ BPF_CGROUP_UDP4_SENDMSG, BPF_PROG_TYPE_CGROUP_SOCK_ADDR },
	{ BPF_CGROUP_SOCK_OPS, BPF_PROG_TYPE_SOCK_OPS },
};

static uint16_t seen[SEEN];
static int mounts[2];

static int bpf(int command, union bpf_attr *attr)
{
	return syscall(SYS_bpf, command, attr, sizeof *attr);
}

/* r0 = answer; exit */
static int load(int type, int attach_type, int answer)
{
	struct bpf_insn code[] = {
		{ .code = BPF_ALU64 | BPF_MOV | BPF_K, .dst_reg = BPF_REG_0, .imm = answer },
		{ .code = BPF_JMP | BPF_EXIT },
	};
	union bpf_attr attr = {
		.prog_type = type,
		.expected_attach_type = attach_type,
		.insns = (uintptr_t)code,
		.insn_cnt = 2,
		.license = (uintptr_t)"GPL",
	};
	int fd = bpf(BPF_PROG_LOAD, &attr);

	if (fd < 0)
		err(1, "load a program");
	return fd;
}

static void trace(const char *name)
{
	union bpf_attr attr = {};

	attr.raw_tracepoint.name = (uintptr_t)name;
	attr.raw_tracepoint.prog_fd = load(BPF_PROG_TYPE_RAW_TRACEPOINT, 0, 0);
	if (bpf(BPF_RAW_TRACEPOINT_OPEN, &attr) < 0)
		warn("no tracepoint %s", name);	/* sched_prepare_exec is of 6.10 */
}

/* The cgroup that we are in, of the v2 tree. */
static int own_cgroup(void)
{
	char line[4096], top[4096] = "/sys/fs/cgroup", own[4096] = "", path[8192];
	FILE *file = fopen("/proc/self/mountinfo", "r");
	int fd;

	while (file && fgets(line, sizeof line, file))
		if (strstr(line, " - cgroup2 "))
			sscanf(line, "%*s %*s %*s %*s %4095s", top);
	file = fopen("/proc/self/cgroup", "r");
	while (file && fgets(line, sizeof line, file))
		sscanf(line, "0::%4095s", own);
	snprintf(path, sizeof path, "%s%s", top, own);
	fd = open(path, O_RDONLY | O_DIRECTORY);
	if (fd < 0)
		err(1, "%s", path);
	return fd;
}

static void hook(int cgroup, const int *it)
{
	union bpf_attr attr = {
		.target_fd = cgroup,
		.attach_type = it[0],
		.attach_flags = BPF_F_ALLOW_MULTI,
	};

	attr.attach_bpf_fd = load(it[1], it[1] == BPF_PROG_TYPE_CGROUP_SKB || it[1] == BPF_PROG_TYPE_SOCK_OPS ? 0 : it[0], 1);
	if (bpf(BPF_PROG_ATTACH, &attr))
		err(1, "attach to the cgroup");
}

/* A group with a mark on the file systems of / and of the working directory. */
static int watch(uint64_t mask)
{
	int report = FAN_REPORT_DFID_NAME | FAN_REPORT_FID | FAN_REPORT_TARGET_FID;
	int group = fanotify_init(FAN_CLOEXEC | FAN_NONBLOCK | FAN_UNLIMITED_QUEUE | FAN_UNLIMITED_MARKS | report, 0);

	if (group < 0)
		err(1, "fanotify_init");
	for (int i = 0; i < 2; i++)
		if (fanotify_mark(group, FAN_MARK_ADD | FAN_MARK_FILESYSTEM, mask, AT_FDCWD, i ? "." : "/"))
			err(1, "fanotify_mark");
	return group;
}

/* Counts reports by the object's handle; the fifth sets an ignore mark. */
static void count(int group, struct fanotify_event_info_fid *info)
{
	struct file_handle *handle = (void *)info->handle;
	uint32_t hash = 2166136261;
	char path[64];
	int fd;

	if (info->hdr.info_type != FAN_EVENT_INFO_TYPE_FID)
		return;
	for (unsigned i = 0; i < handle->handle_bytes; i++)
		hash = (hash ^ handle->f_handle[i]) * 16777619;
	if (++seen[hash % SEEN] != HOT)
		return;
	for (int i = 0; i < 2; i++) {
		fd = open_by_handle_at(mounts[i], handle, O_PATH);
		if (fd < 0)
			continue;
		snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
		fanotify_mark(group, FAN_MARK_ADD | FAN_MARK_IGNORE_SURV | FAN_MARK_EVICTABLE,
			      FAN_OPEN | FAN_CLOSE_NOWRITE, AT_FDCWD, path);
		close(fd);
		return;
	}
}

static void drain(int group, int ignore)
{
	static char buffer[1 << 16] __attribute__((aligned(8)));
	ssize_t n;

	while ((n = read(group, buffer, sizeof buffer)) > 0) {
		struct fanotify_event_metadata *event = (void *)buffer;

		for (; ignore && FAN_EVENT_OK(event, n); event = FAN_EVENT_NEXT(event, n)) {
			char *at = (char *)(event + 1), *end = (char *)event + event->event_len;

			while (at + sizeof(struct fanotify_event_info_header) <= end) {
				struct fanotify_event_info_fid *info = (void *)at;

				count(group, info);
				at += info->hdr.len;
			}
		}
	}
}

static uint64_t mask_of(const char *word)
{
	if (!strcmp(word, "close"))
		return FAN_CLOSE_WRITE | FAN_CLOSE_NOWRITE | FAN_OPEN_EXEC;
	if (!strcmp(word, "open"))
		return FAN_CLOSE_WRITE | FAN_OPEN | FAN_OPEN_EXEC;
	if (!strcmp(word, "both"))
		return FAN_CLOSE_WRITE | FAN_CLOSE_NOWRITE | FAN_OPEN | FAN_OPEN_EXEC;
	if (!strcmp(word, "names"))
		return FAN_CREATE | FAN_DELETE | FAN_RENAME | FAN_ATTRIB | FAN_ONDIR;
	return 0;
}

static int switch_on(const char *word)
{
	if (!strcmp(word, "calls")) {
		trace("sys_enter");
		trace("sys_exit");
	} else if (!strcmp(word, "hooks")) {
		int cgroup = own_cgroup();

		for (size_t i = 0; i < sizeof tracepoints / sizeof *tracepoints; i++)
			trace(tracepoints[i]);
		for (size_t i = 0; i < sizeof hooks / sizeof *hooks; i++)
			hook(cgroup, hooks[i]);
	} else if (mask_of(word)) {
		return watch(mask_of(word));
	} else if (strcmp(word, "ignore")) {
		errx(2, "no mechanism %s", word);
	}
	return -1;
}

int main(int argc, char **argv)
{
	int groups[4], number = 0, ignore, status;
	pid_t pid;

	if (argc < 3)
		errx(2, "floor MECHANISM[,MECHANISM…] COMMAND…");
	ignore = !!strstr(argv[1], "ignore");
	mounts[0] = open("/", O_RDONLY | O_DIRECTORY);
	mounts[1] = open(".", O_RDONLY | O_DIRECTORY);
	for (char *word = strtok(argv[1], ","); word && number < 4; word = strtok(NULL, ",")) {
		groups[number] = switch_on(word);
		number += groups[number] >= 0;
	}
	pid = fork();
	if (!pid) {
		execvp(argv[2], argv + 2);
		err(127, "%s", argv[2]);
	}
	while (!waitpid(pid, &status, WNOHANG)) {
		/* As the recorder paces itself: what waits is read in one go. */
		usleep(number ? 10000 : 1000);
		for (int i = 0; i < number; i++)
			drain(groups[i], ignore);
	}
	return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}
