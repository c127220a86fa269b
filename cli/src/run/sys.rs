//! The only unsafe code of the front: what must happen around fork and exec, and nothing else.
//!
//! Between `clone3` and `execve` the child runs on a copy of a single-threaded process and calls only
//! async-signal-safe functions (signal-safety(7)); everything it needs is prepared before.
#![allow(unsafe_code, reason = "the cli's one module with unsafe: clone3, exec, signals")]

use std::{
    ffi::{CStr, CString, c_char, c_int},
    io,
    os::fd::{AsRawFd, BorrowedFd, FromRawFd, OwnedFd, RawFd},
    sync::atomic::{AtomicBool, AtomicU8, Ordering},
};

/// What the process was started with, read before the Rust runtime changes it.
static SIGPIPE_IGNORED: AtomicBool = AtomicBool::new(false);
static CLOSED_STDIO: AtomicU8 = AtomicU8::new(0);

// JUSTIFICATION: std ignores SIGPIPE and opens /dev/null on closed 0..2 before main; the command must
// get what we got, so both are read earlier.
// SAFETY: the section holds C function pointers that the loader calls once before main (gABI,
// "Initialization and Termination Functions"); `remember` has that type.
#[used]
#[unsafe(link_section = ".init_array")]
static REMEMBER: extern "C" fn() = remember;

extern "C" fn remember() {
    // SAFETY: all zeros is a valid sigaction, which the call then fills.
    let mut old: libc::sigaction = unsafe { std::mem::zeroed() };
    // SAFETY: a null new action only asks; `old` is a valid place for the answer.
    let asked = unsafe { libc::sigaction(libc::SIGPIPE, std::ptr::null(), &raw mut old) };
    SIGPIPE_IGNORED.store(asked == 0 && old.sa_sigaction == libc::SIG_IGN, Ordering::Relaxed);
    for fd in 0..3 {
        // SAFETY: F_GETFD takes no pointer and works on any number.
        if unsafe { libc::fcntl(fd, libc::F_GETFD) } < 0 {
            CLOSED_STDIO.fetch_or(1 << fd, Ordering::Relaxed);
        }
    }
}

/// Signals that the front takes from a descriptor while the command runs.
const WATCHED: [c_int; 16] = [
    libc::SIGCHLD,
    libc::SIGHUP,
    libc::SIGINT,
    libc::SIGQUIT,
    libc::SIGTERM,
    libc::SIGUSR1,
    libc::SIGUSR2,
    libc::SIGALRM,
    libc::SIGCONT,
    libc::SIGTSTP,
    libc::SIGTTIN,
    libc::SIGTTOU,
    // Without a watch the first two would be dropped and the others would end us alone.
    libc::SIGWINCH,
    libc::SIGURG,
    libc::SIGPWR,
    libc::SIGIO,
];

/// `CLONE_INTO_CGROUP` (include/uapi/linux/sched.h, 5.7); libc's constant is cut to 32 bits.
const CLONE_INTO_CGROUP: u64 = 0x2_0000_0000;

/// A set of signals, for restoring a mask.
#[derive(Clone, Copy)]
pub(super) struct Mask(libc::sigset_t);

impl std::fmt::Debug for Mask {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Mask").finish_non_exhaustive()
    }
}

/// Blocks the watched signals. Returns the mask before and the descriptor that tells of them.
pub(super) fn watch_signals() -> io::Result<(Mask, OwnedFd)> {
    // SAFETY: all zeros is a valid sigset_t, and sigemptyset then makes it the empty set.
    let mut set: libc::sigset_t = unsafe { std::mem::zeroed() };
    let mut old = set;
    // SAFETY: `set` is ours and initialised.
    unsafe { libc::sigemptyset(&raw mut set) };
    for signal in WATCHED {
        // SAFETY: `set` is initialised and the numbers are valid signals.
        unsafe { libc::sigaddset(&raw mut set, signal) };
    }
    // SAFETY: both point to sets of ours; the process has one thread here.
    if unsafe { libc::sigprocmask(libc::SIG_BLOCK, &raw const set, &raw mut old) } != 0 {
        return Err(io::Error::last_os_error());
    }
    let flags = libc::SFD_CLOEXEC | libc::SFD_NONBLOCK;
    // SAFETY: -1 asks for a new descriptor; `set` is valid.
    let fd = unsafe { libc::signalfd(-1, &raw const set, flags) };
    if fd < 0 {
        return Err(io::Error::last_os_error());
    }
    // SAFETY: the kernel just made the descriptor for us alone.
    Ok((Mask(old), unsafe { OwnedFd::from_raw_fd(fd) }))
}

/// A signal that came to the front.
#[derive(Debug, Clone, Copy)]
pub(super) struct Came {
    /// Its number.
    pub(super) signal: c_int,
    /// Sent by a process (kill, sigqueue), not by the terminal or the kernel.
    pub(super) by_process: bool,
    /// The sender, where a process sent it.
    pub(super) sender: u32,
}

/// Reads one signal from `fd`; `None` when there is none.
pub(super) fn next_signal(fd: BorrowedFd<'_>) -> Option<Came> {
    let mut info = [0u8; size_of::<libc::signalfd_siginfo>()];
    let len = rustix::io::read(fd, &mut info).ok()?;
    let word = |at: usize| {
        let bytes: [u8; 4] = info.get(at..at + 4)?.try_into().ok()?;
        Some(u32::from_ne_bytes(bytes))
    };
    // Offsets of ssi_signo, ssi_code and ssi_pid: signalfd(2).
    let (signal, code, sender) = (word(0)?, word(8)?.cast_signed(), word(12)?);
    let by_process = matches!(code, libc::SI_USER | libc::SI_QUEUE | libc::SI_TKILL);
    (len == info.len()).then_some(Came { signal: signal.cast_signed(), by_process, sender })
}

/// Everything the child needs, prepared while allocating is allowed.
#[derive(Debug)]
pub(super) struct Launch {
    /// Files to try, in order.
    pub(super) files: Vec<CString>,
    /// The command's argv.
    pub(super) argv: Vec<CString>,
    /// The command's environment, `NAME=value`.
    pub(super) envp: Vec<CString>,
    /// User, group and supplementary groups to become.
    pub(super) become_user: Option<(u32, u32, Vec<u32>)>,
    /// Whether to get a mount namespace of its own.
    pub(super) own_mounts: bool,
    /// The signal mask to restore.
    pub(super) mask: Mask,
}

/// What the child was at when it failed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Stage {
    /// unshare(2) of the mount namespace.
    Mounts,
    /// Becoming another user.
    User,
    /// execve(2).
    Exec,
}

/// Descriptors the child talks over; all are closed by exec.
#[derive(Debug)]
pub(super) struct ChildPipes {
    /// A byte is written when the child waits.
    pub(super) ready: OwnedFd,
    /// A byte is read before exec; end of file means that nobody waits any more.
    pub(super) go: OwnedFd,
    /// Stage and errno are written when something fails.
    pub(super) failed: OwnedFd,
}

/// Pointers into a [`Launch`], as exec wants them.
struct Pointers {
    files: Vec<*const c_char>,
    argv: Vec<*const c_char>,
    envp: Vec<*const c_char>,
    script: Vec<*const c_char>,
}

impl Pointers {
    fn to(launch: &Launch) -> Self {
        let ended = |strings: &[CString]| {
            let mut list: Vec<_> = strings.iter().map(|s| s.as_ptr()).collect();
            list.push(std::ptr::null());
            list
        };
        // `sh FILE ARGS…`: place for the shell and the file, then the arguments after argv[0].
        let mut script = vec![c"/bin/sh".as_ptr(), std::ptr::null()];
        script.extend(ended(launch.argv.get(1..).unwrap_or_default()));
        Pointers {
            files: launch.files.iter().map(|s| s.as_ptr()).collect(),
            argv: ended(&launch.argv),
            envp: ended(&launch.envp),
            script,
        }
    }
}

/// Clones the command's process into the cgroup `leaf`; it waits for `pipes.go`.
///
/// Returns its pid and pidfd. Must be called while the process has one thread.
pub(super) fn spawn(
    launch: &Launch,
    leaf: BorrowedFd<'_>,
    pipes: &ChildPipes,
) -> io::Result<(u32, OwnedFd)> {
    let mut pointers = Pointers::to(launch);
    let mut pidfd: RawFd = -1;
    // SAFETY: all zeros is a valid clone_args (clone(2): unused fields are zero).
    let mut args: libc::clone_args = unsafe { std::mem::zeroed() };
    args.flags = CLONE_INTO_CGROUP | libc::CLONE_PIDFD as u64;
    args.pidfd = (&raw mut pidfd) as u64;
    args.exit_signal = libc::SIGCHLD as u64;
    args.cgroup = leaf.as_raw_fd() as u64;
    // SAFETY: like fork: no CLONE_VM, so the child has a copy of everything; `args` is valid and the
    // size is its own; the process has one thread, so no lock is held by a thread that is gone.
    let pid = unsafe { libc::syscall(libc::SYS_clone3, &raw mut args, size_of_val(&args)) };
    match pid {
        0 => in_child(launch, &mut pointers, pipes),
        pid if pid > 0 => {
            // SAFETY: clone3 stored a new descriptor there, ours alone (CLONE_PIDFD).
            Ok((pid as u32, unsafe { OwnedFd::from_raw_fd(pidfd) }))
        }
        _ => Err(io::Error::last_os_error()),
    }
}

/// Returns the environment block as it is, entries without `=` included.
pub(super) fn environment() -> Vec<CString> {
    unsafe extern "C" {
        static environ: *const *const c_char;
    }
    let mut entries = Vec::new();
    // SAFETY: `environ` is set up by the C library before main; nothing in this process changes it.
    let mut at = unsafe { environ };
    if at.is_null() {
        return entries;
    }
    loop {
        // SAFETY: the block is a list of pointers that ends with null (environ(7)); `at` is within.
        let entry = unsafe { *at };
        if entry.is_null() {
            return entries;
        }
        // SAFETY: each entry is a C string that lives as long as the process.
        entries.push(unsafe { CStr::from_ptr(entry) }.to_owned());
        // SAFETY: the terminating null was not reached yet.
        at = unsafe { at.add(1) };
    }
}

/// Becomes the command without a record; returns only if that fails.
pub(super) fn exec_unrecorded(launch: &Launch) -> (Stage, io::Error) {
    let mut pointers = Pointers::to(launch);
    let (stage, errno) = become_command(launch, &mut pointers);
    (stage, io::Error::from_raw_os_error(errno))
}

fn in_child(launch: &Launch, pointers: &mut Pointers, pipes: &ChildPipes) -> ! {
    let fail = |stage: Stage, errno: c_int| -> ! {
        let mut message = [0; 5];
        message[0] = stage as u8;
        message[1..].copy_from_slice(&errno.to_ne_bytes());
        let _ = rustix::io::write(&pipes.failed, &message);
        // SAFETY: _exit runs no handlers of the copied process and never returns.
        unsafe { libc::_exit(exit_status(stage, errno)) }
    };
    if launch.own_mounts {
        // SAFETY: takes no pointer; the process has one thread and shares nothing with its parent.
        if unsafe { libc::unshare(libc::CLONE_NEWNS) } != 0 {
            fail(Stage::Mounts, last_errno());
        }
    }
    let _ = rustix::io::write(&pipes.ready, &[1]);
    let mut go = [0];
    if !matches!(rustix::io::read(&pipes.go, &mut go), Ok(1)) {
        // SAFETY: as above.
        unsafe { libc::_exit(125) };
    }
    let (stage, errno) = become_command(launch, pointers);
    fail(stage, errno)
}

/// Restores what the command must find and executes it. Returns only on failure.
fn become_command(launch: &Launch, pointers: &mut Pointers) -> (Stage, c_int) {
    if let Some((uid, gid, groups)) = &launch.become_user
        && let Err(errno) = become_user(*uid, *gid, groups)
    {
        return (Stage::User, errno);
    }
    restore_inherited(launch);
    (Stage::Exec, exec_first(pointers))
}

fn become_user(uid: u32, gid: u32, groups: &[u32]) -> Result<(), c_int> {
    // SAFETY: the pointer and length are of one slice of gid_t (u32).
    let set = unsafe { libc::setgroups(groups.len(), groups.as_ptr()) };
    // SAFETY: takes no pointer.
    if set != 0 || unsafe { libc::setresgid(gid, gid, gid) } != 0 {
        return Err(last_errno());
    }
    // SAFETY: takes no pointer.
    if unsafe { libc::setresuid(uid, uid, uid) } != 0 {
        return Err(last_errno());
    }
    Ok(())
}

fn restore_inherited(launch: &Launch) {
    let action =
        if SIGPIPE_IGNORED.load(Ordering::Relaxed) { libc::SIG_IGN } else { libc::SIG_DFL };
    // SAFETY: SIG_IGN and SIG_DFL are valid dispositions of SIGPIPE.
    unsafe { libc::signal(libc::SIGPIPE, action) };
    let closed = CLOSED_STDIO.load(Ordering::Relaxed);
    for fd in (0..3).filter(|fd| closed & (1 << fd) != 0) {
        // SAFETY: the number was closed when we started; what is there is std's /dev/null, which
        // nothing in this process uses after this point.
        unsafe { libc::close(fd) };
    }
    // SAFETY: a valid set; a null old set asks for nothing.
    unsafe { libc::sigprocmask(libc::SIG_SETMASK, &raw const launch.mask.0, std::ptr::null_mut()) };
}

/// Tries the files like execvp(3): goes on after ENOENT, remembers EACCES, hands a file without
/// a known format to the shell. Returns the errno to report.
fn exec_first(pointers: &mut Pointers) -> c_int {
    let mut errno = libc::ENOENT;
    for file in &pointers.files {
        // SAFETY: the pointers are to C strings that `launch` keeps alive, and the lists end with null.
        unsafe { libc::execve(*file, pointers.argv.as_ptr(), pointers.envp.as_ptr()) };
        match last_errno() {
            libc::ENOENT | libc::ENOTDIR => {}
            libc::EACCES => errno = libc::EACCES,
            libc::ENOEXEC => {
                pointers.script[1] = *file;
                let script = pointers.script.as_ptr();
                // SAFETY: as above; `script` is "/bin/sh", the file, the arguments, null.
                unsafe { libc::execve(c"/bin/sh".as_ptr(), script, pointers.envp.as_ptr()) };
                return libc::ENOEXEC;
            }
            other => return other,
        }
    }
    errno
}

/// Exit status for a failure of the child, as `env` and `timeout` use them.
pub(super) fn exit_status(stage: Stage, errno: c_int) -> c_int {
    match (stage, errno) {
        (Stage::Exec, libc::ENOENT | libc::ENOTDIR) => 127,
        (Stage::Exec, _) => 126,
        (Stage::Mounts | Stage::User, _) => 125,
    }
}

/// Reads what the child wrote to `failed`.
pub(super) fn stage_from(message: [u8; 5]) -> (Stage, c_int) {
    let [stage, errno @ ..] = message;
    let stage = [Stage::Mounts, Stage::User, Stage::Exec]
        .into_iter()
        .find(|known| *known as u8 == stage)
        .unwrap_or(Stage::Exec);
    (stage, c_int::from_ne_bytes(errno))
}

/// Ends this process the way the command ended: by the same signal, without a core file.
pub(super) fn die_by(signal: c_int) -> ! {
    let none = libc::rlimit { rlim_cur: 0, rlim_max: 0 };
    // SAFETY: all zeros is a valid sigset_t.
    let mut set: libc::sigset_t = unsafe { std::mem::zeroed() };
    // SAFETY: valid pointers to values of ours; the signal was reported by the kernel, so it exists;
    // the default action replaces whatever was there.
    #[expect(clippy::multiple_unsafe_ops_per_block, reason = "one step: become killable, then die")]
    unsafe {
        libc::setrlimit(libc::RLIMIT_CORE, &raw const none);
        libc::signal(signal, libc::SIG_DFL);
        libc::sigemptyset(&raw mut set);
        libc::sigaddset(&raw mut set, signal);
        libc::sigprocmask(libc::SIG_UNBLOCK, &raw const set, std::ptr::null_mut());
        libc::raise(signal);
        // Only a signal that does not kill by default comes here.
        libc::_exit(128 + signal)
    }
}

/// Stops this process like the command stopped, until someone continues it.
pub(super) fn stop_self() {
    // SAFETY: takes no pointer; SIGSTOP cannot be caught.
    unsafe { libc::raise(libc::SIGSTOP) };
}

/// The errno of the last failed call; takes no memory.
fn last_errno() -> c_int {
    io::Error::last_os_error().raw_os_error().unwrap_or(libc::EIO)
}
