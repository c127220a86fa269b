//! What a recorder may still ask of the kernel once the command runs.
//!
//! Landlock leaves it nothing to write to but its run's segments, no port, and no process outside to
//! signal or trace; seccomp leaves it the calls of the loop, the writer and the hashing thread. Reading is
//! not restricted: hashes and look-ups go wherever the run went, by `CAP_DAC_READ_SEARCH`. The keeper has
//! its own, shorter list, and no Landlock, which would keep it from the roots of processes.

use std::{collections::BTreeMap, io, os::fd::BorrowedFd};

use landlock::{
    ABI, Access, AccessFs, AccessNet, PathBeneath, Ruleset, RulesetAttr, RulesetCreatedAttr, Scope,
};
use seccompiler::{
    BpfProgram, SeccompAction, SeccompCmpArgLen, SeccompCmpOp, SeccompCondition, SeccompFilter,
    SeccompRule, TargetArch,
};

/// What is refused fails, as it would for want of rights; a recorder that died of it would lose more.
const REFUSED: SeccompAction = SeccompAction::Errno(libc::EPERM.cast_unsigned());

/// Memory, signals, end: what any program needs.
const ANY: [i64; 17] = [
    libc::SYS_brk,
    libc::SYS_close,
    libc::SYS_exit,
    libc::SYS_exit_group,
    libc::SYS_futex,
    libc::SYS_getpid,
    libc::SYS_getrandom,
    libc::SYS_gettid,
    libc::SYS_madvise,
    libc::SYS_mremap,
    libc::SYS_munmap,
    libc::SYS_restart_syscall,
    libc::SYS_rt_sigaction,
    libc::SYS_rt_sigprocmask,
    libc::SYS_rt_sigreturn,
    libc::SYS_sigaltstack,
    // Of a panic, to itself.
    libc::SYS_tgkill,
];

/// The recorder's loop, writer and threads.
const RECORDER: [i64; 43] = [
    libc::SYS_clock_gettime,
    libc::SYS_clock_nanosleep,
    libc::SYS_dup,
    libc::SYS_epoll_ctl,
    libc::SYS_epoll_pwait,
    libc::SYS_epoll_pwait2,
    libc::SYS_eventfd2,
    libc::SYS_fallocate,
    libc::SYS_fcntl,
    libc::SYS_fdatasync,
    libc::SYS_flock,
    libc::SYS_fstat,
    libc::SYS_fstatfs,
    libc::SYS_fsync,
    libc::SYS_ftruncate,
    libc::SYS_getdents64,
    libc::SYS_geteuid,
    libc::SYS_lseek,
    libc::SYS_membarrier,
    libc::SYS_name_to_handle_at,
    libc::SYS_nanosleep,
    libc::SYS_newfstatat,
    libc::SYS_open_by_handle_at,
    libc::SYS_openat,
    libc::SYS_openat2,
    libc::SYS_ppoll,
    libc::SYS_pread64,
    libc::SYS_pwrite64,
    libc::SYS_read,
    libc::SYS_readlinkat,
    libc::SYS_recvfrom,
    libc::SYS_recvmsg,
    libc::SYS_renameat,
    libc::SYS_renameat2,
    libc::SYS_rseq,
    libc::SYS_sched_getaffinity,
    libc::SYS_sched_yield,
    libc::SYS_sendmsg,
    libc::SYS_set_robust_list,
    libc::SYS_statfs,
    libc::SYS_statx,
    libc::SYS_unlinkat,
    libc::SYS_write,
];

/// Names that only this processor has for some of them.
#[cfg(target_arch = "x86_64")]
const OLDER: [i64; 5] =
    [libc::SYS_epoll_wait, libc::SYS_open, libc::SYS_poll, libc::SYS_readlink, libc::SYS_rename];
#[cfg(not(target_arch = "x86_64"))]
const OLDER: [i64; 0] = [];

/// The keeper: a question, a step, an answer.
const KEEPER: [i64; 5] = [
    libc::SYS_close_range,
    libc::SYS_fanotify_mark,
    libc::SYS_openat,
    libc::SYS_recvmsg,
    libc::SYS_sendmsg,
];

/// Commands of bpf(2) on what is loaded already (include/uapi/linux/bpf.h): look up, update, delete, next
/// key, what is counted of a program, and reading through an iterator.
const BPF_COMMANDS: [u64; 7] = [1, 2, 3, 4, 15, 28, 33];

/// Options of prctl(2): names of threads and of their memory.
const PRCTL_OPTIONS: [u64; 2] = [libc::PR_SET_NAME as u64, 0x5356_4d41];

/// Shuts the recorder in; for this thread and all that it starts from here on. `marks`: it marks mounts
/// itself.
///
/// # Errors
/// When the kernel has neither; one that has no Landlock is left with seccomp.
pub(crate) fn recorder(segments: BorrowedFd<'_>, marks: bool) -> io::Result<()> {
    let files = AccessFs::WriteFile | AccessFs::MakeReg | AccessFs::RemoveFile | AccessFs::Truncate;
    Ruleset::default()
        .handle_access(AccessFs::from_write(ABI::V5) | AccessFs::Execute)
        .and_then(|rules| rules.handle_access(AccessNet::from_all(ABI::V4)))
        .and_then(|rules| rules.scope(Scope::from_all(ABI::V6)))
        .and_then(Ruleset::create)
        .and_then(|rules| rules.add_rule(PathBeneath::new(segments, files)))
        .and_then(landlock::RulesetCreated::restrict_self)
        .map_err(io::Error::other)?;
    // The C library makes threads by clone3, whose arguments no filter can see, unless there is none.
    let none = SeccompAction::Errno(libc::ENOSYS.cast_unsigned());
    apply([(libc::SYS_clone3, Vec::new())].into(), SeccompAction::Allow, none)?;
    let is = |at, value: u64| condition(at, SeccompCmpOp::Eq, value);
    let thread = libc::CLONE_THREAD as u64;
    let mut calls = list(&[&ANY[..], &RECORDER[..], &OLDER[..]].concat())?;
    calls.insert(libc::SYS_clone3, Vec::new());
    if marks {
        calls.insert(libc::SYS_fanotify_mark, Vec::new());
    }
    calls.insert(libc::SYS_clone, vec![condition(0, SeccompCmpOp::MaskedEq(thread), thread)?]);
    calls.insert(
        libc::SYS_bpf,
        BPF_COMMANDS.map(|it| is(0, it)).into_iter().collect::<Result<_, _>>()?,
    );
    calls.insert(
        libc::SYS_prctl,
        PRCTL_OPTIONS.map(|it| is(0, it)).into_iter().collect::<Result<_, _>>()?,
    );
    apply(calls, REFUSED, SeccompAction::Allow)
}

/// Shuts the keeper in.
///
/// # Errors
/// When the kernel has no seccomp.
pub(crate) fn keeper() -> io::Result<()> {
    let mut calls = list(&[&ANY[..], &KEEPER[..]].concat())?;
    // Removing a directory, which the leaf is; never a file.
    let rmdir = libc::AT_REMOVEDIR as u64;
    calls.insert(libc::SYS_unlinkat, vec![condition(2, SeccompCmpOp::Eq, rmdir)?]);
    apply(calls, REFUSED, SeccompAction::Allow)
}

/// Plain calls, and memory that cannot be executed.
fn list(calls: &[i64]) -> io::Result<BTreeMap<i64, Vec<SeccompRule>>> {
    let mut rules: BTreeMap<_, _> = calls.iter().map(|call| (*call, Vec::new())).collect();
    let exec = libc::PROT_EXEC as u64;
    for call in [libc::SYS_mmap, libc::SYS_mprotect] {
        rules.insert(call, vec![condition(2, SeccompCmpOp::MaskedEq(exec), 0)?]);
    }
    Ok(rules)
}

fn condition(argument: u8, how: SeccompCmpOp, value: u64) -> io::Result<SeccompRule> {
    SeccompCondition::new(argument, SeccompCmpArgLen::Dword, how, value)
        .and_then(|condition| SeccompRule::new(vec![condition]))
        .map_err(io::Error::other)
}

fn apply(
    calls: BTreeMap<i64, Vec<SeccompRule>>,
    others: SeccompAction,
    these: SeccompAction,
) -> io::Result<()> {
    let arch = TargetArch::try_from(std::env::consts::ARCH).map_err(io::Error::other)?;
    let filter = SeccompFilter::new(calls, others, these, arch).map_err(io::Error::other)?;
    let program = BpfProgram::try_from(filter).map_err(io::Error::other)?;
    seccompiler::apply_filter(&program).map_err(io::Error::other)
}

#[cfg(test)]
mod tests {
    use std::{
        fs, fs::File, io, net::UdpSocket, os::fd::AsFd, path::Path, process::Command, thread,
    };

    /// Both are of the thread that asks for them: this one alone is shut in.
    fn shut_in<T: Send + 'static>(
        segments: &Path,
        attempt: impl FnOnce() -> T + Send + 'static,
    ) -> T {
        let segments = File::open(segments).expect("it opens");
        let thread = thread::spawn(move || {
            rustix::thread::set_no_new_privs(true).expect("anybody may");
            super::recorder(segments.as_fd(), false).expect("this kernel has both");
            attempt()
        });
        thread.join().expect("no panic")
    }

    fn errno<T>(done: io::Result<T>) -> Option<i32> {
        done.err().and_then(|why| why.raw_os_error())
    }

    #[test]
    fn files_are_written_in_the_runs_directory_and_nowhere_else() {
        let (own, other) = (tempfile::tempdir().expect("room"), tempfile::tempdir().expect("room"));
        fs::write(other.path().join("there"), "x").expect("room");
        let (inside, outside) = (own.path().to_owned(), other.path().to_owned());
        let tried = shut_in(own.path(), move || {
            fs::write(inside.join("made"), "x").expect("its own");
            fs::rename(inside.join("made"), inside.join("renamed")).expect("its own");
            fs::read(outside.join("there")).expect("reading is not restricted");
            [
                errno(File::create(outside.join("made"))),
                errno(File::options().write(true).open(outside.join("there"))),
                errno(fs::remove_file(outside.join("there"))),
                errno(fs::rename(inside.join("renamed"), outside.join("made"))),
                errno(fs::rename(outside.join("there"), inside.join("taken"))),
                errno(fs::hard_link(inside.join("renamed"), outside.join("linked"))),
            ]
        });
        for (number, errno) in tried.into_iter().enumerate() {
            let refused = [libc::EACCES, libc::EXDEV, libc::EPERM];
            assert!(errno.is_some_and(|it| refused.contains(&it)), "attempt {number}: {errno:?}");
        }
        let left: Vec<_> = fs::read_dir(other.path()).expect("ours").flatten().collect();
        assert_eq!(left.len(), 1, "{left:?}");
    }

    #[test]
    fn a_call_that_is_not_listed_is_refused() {
        let own = tempfile::tempdir().expect("room");
        let dir = own.path().to_owned();
        let tried = shut_in(own.path(), move || {
            let init = rustix::process::Pid::from_raw(1).expect("a number");
            [
                errno(UdpSocket::bind("127.0.0.1:0")),
                errno(Command::new("/bin/true").status()),
                errno(fs::create_dir(dir.join("sub"))),
                errno(std::os::unix::fs::symlink("/etc/passwd", dir.join("link"))),
                errno(rustix::process::test_kill_process(init).map_err(io::Error::from)),
                errno(std::env::set_current_dir("/")),
            ]
        });
        assert_eq!(tried, [Some(libc::EPERM); 6]);
    }
}
