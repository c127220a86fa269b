/* Changes what it may do: `credentials WAY`; begins as root. Prints the number of the thread that the
 * last change is of. */
#define _GNU_SOURCE
#include <err.h>
#include <grp.h>
#include <linux/capability.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/fsuid.h>
#include <sys/syscall.h>
#include <unistd.h>

static void must(long ret, const char *what)
{
	if (ret)
		err(1, "%s", what);
}

/* The bare calls: the C library would make them for all threads. */
static void users(void)
{
	gid_t groups[] = { 7, 4243, 9 };

	must(syscall(SYS_setgroups, 3, groups), "setgroups");
	must(syscall(SYS_setresgid, 4243, 4243, 4243), "setresgid");
	must(syscall(SYS_setresuid, -1, 4242, 0), "setresuid");
	must(syscall(SYS_setresuid, -1, 4242, 0), "setresuid, the same again");
	must(syscall(SYS_setresuid, 4242, 4242, 4242), "setresuid for good");
	if (!syscall(SYS_setuid, 0))
		errx(1, "setuid back to root was allowed");
}

static void by_older_names(void)
{
	must(syscall(SYS_setregid, 5, 6), "setregid");
	must(syscall(SYS_setgid, 7), "setgid");
	setfsgid(8);
	setfsuid(9);
	setfsuid(9);
	must(syscall(SYS_setreuid, 10, 11), "setreuid");
}

static void capabilities(void)
{
	struct __user_cap_header_struct head = { .version = _LINUX_CAPABILITY_VERSION_3 };
	struct __user_cap_data_struct data[2] = {};

	data[0].effective = 1 << CAP_NET_RAW;
	data[0].permitted = 1 << CAP_NET_RAW | 1 << CAP_NET_ADMIN;
	must(syscall(SYS_capset, &head, data), "capset");
	must(syscall(SYS_capset, &head, data), "capset, the same again");
	data[0].effective = data[0].permitted = 0;
	must(syscall(SYS_capset, &head, data), "capset of nothing");
}

/* An ordinary user gets every capability, in a user namespace. */
static void new_namespace(void)
{
	must(syscall(SYS_setresuid, 4242, 4242, 4242), "setresuid");
	must(unshare(CLONE_NEWUSER), "unshare");
}

static void flood(void)
{
	int turn;

	for (turn = 0; turn < 20000; turn++)
		must(syscall(SYS_setresuid, -1, turn % 2 ? 0 : 4242, 0), "setresuid");
	must(syscall(SYS_setresuid, 33, 33, 33), "setresuid for good");
}

#ifdef __x86_64__
/* Numbers of the 32-bit ABI; a kernel without it answers with a signal. */
static long old_call(long number, long a, long b, long c)
{
	long ret;

	__asm__ volatile("int $0x80" : "=a"(ret) : "a"(number), "b"(a), "c"(b), "d"(c)
			 : "memory", "r8", "r9", "r10", "r11");
	return ret;
}

static void no_such_abi(int signal)
{
	_exit(77);
}

static void in_32_bits(void)
{
	signal(SIGSEGV, no_such_abi);
	if (old_call(208, -1, 4242, -1))	/* setresuid32 */
		_exit(77);
	must(old_call(208, -1, 0, -1), "setresuid32 back");
	must(old_call(46, 7, 0, 0), "setgid16");
	must(old_call(216, 8, 0, 0) != 7, "setfsgid32");
}
#else
static void in_32_bits(void)
{
	_exit(77);
}
#endif

static void *alone(void *unused)
{
	must(syscall(SYS_setresuid, 4242, 4242, 4242), "setresuid");
	printf("%d\n", gettid());
	return unused;
}

static void one_thread(void)
{
	pthread_t other;

	if (pthread_create(&other, 0, alone, 0) || pthread_join(other, 0))
		errx(1, "cannot make a thread");
}

static void inherit(void)
{
	must(syscall(SYS_setresuid, -1, 4242, 0), "setresuid");
	if (!fork()) {
		must(syscall(SYS_setresuid, -1, 4242, 0), "what the child has already");
		must(syscall(SYS_setresuid, -1, 0, -1), "back");
		_exit(0);
	}
}

int main(int argc, char **argv)
{
	const char *way = argc > 1 ? argv[1] : "";

	if (!strcmp(way, "users"))
		users();
	else if (!strcmp(way, "older"))
		by_older_names();
	else if (!strcmp(way, "capabilities"))
		capabilities();
	else if (!strcmp(way, "namespace"))
		new_namespace();
	else if (!strcmp(way, "flood"))
		flood();
	else if (!strcmp(way, "compat"))
		in_32_bits();
	else if (!strcmp(way, "thread"))
		one_thread();
	else if (!strcmp(way, "inherit"))
		inherit();
	else
		errx(2, "credentials WAY");
	return 0;
}
