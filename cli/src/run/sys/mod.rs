//! The only unsafe code of the front: what must happen around fork and exec, and nothing else.
//!
//! Between `clone3` and `execve` the child runs on a copy of a single-threaded process and calls only
//! async-signal-safe functions (signal-safety(7)); everything it needs is prepared before.
#![allow(unsafe_code, reason = "the cli's one module with unsafe: clone3, exec, signals")]

mod child;
mod inherited;
mod memory;

use std::{
    ffi::c_int,
    io,
    os::fd::{BorrowedFd, FromRawFd, OwnedFd},
};

use rustix::process::Pid;

pub(super) use child::{
    ChildPipes, Launch, Stage, environment, exec_unrecorded, exit_status, spawn, stage_from,
};
pub(super) use inherited::is_ignored;
pub(super) use memory::give_program_back;

/// Signals that the front takes from a descriptor while the command runs.
const WATCHED: [c_int; 20] = [
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
    libc::SIGABRT,
    libc::SIGVTALRM,
    libc::SIGPROF,
    libc::SIGXCPU,
];

/// A set of signals, for restoring a mask.
#[derive(Clone, Copy)]
pub(super) struct Mask(libc::sigset_t);

impl std::fmt::Debug for Mask {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Mask").finish_non_exhaustive()
    }
}

impl Mask {
    /// Whether `signal` is blocked in it.
    pub(super) fn has(&self, signal: c_int) -> bool {
        // SAFETY: the set came from sigprocmask; any number may be asked for.
        unsafe { libc::sigismember(&raw const self.0, signal) == 1 }
    }
}

/// Blocks the watched signals. Returns the mask before and the descriptor that tells of them.
pub(super) fn watch_signals() -> io::Result<(Mask, OwnedFd)> {
    inherited::keep_children();
    // SAFETY: all zeros is a valid sigset_t, and sigemptyset then makes it the empty set.
    let mut set: libc::sigset_t = unsafe { std::mem::zeroed() };
    let mut old = set;
    // SAFETY: `set` is ours and initialised.
    unsafe { libc::sigemptyset(&raw mut set) };
    for signal in WATCHED.into_iter().chain(libc::SIGRTMIN()..=libc::SIGRTMAX()) {
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
    // All but these are of the kernel: terminal, timers, limits.
    let by_process = matches!(code, libc::SI_USER | libc::SI_QUEUE | libc::SI_TKILL);
    (len == info.len()).then_some(Came { signal: signal.cast_signed(), by_process, sender })
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

/// Sends `signal` to `child`, which is not reaped yet.
pub(super) fn send(child: Pid, signal: c_int) {
    // ESRCH: it ended meanwhile, which the next wait sees.
    // SAFETY: takes no pointer.
    unsafe { libc::kill(child.as_raw_pid(), signal) };
}

/// Whether `process` is in our process group; false when it is gone.
///
/// The group's number is 0 when its leader is outside our pid namespace, or was never made by anyone
/// (the first process of a machine); rustix takes that for impossible.
pub(super) fn is_in_our_group(process: Pid) -> bool {
    // SAFETY: takes no pointer.
    let ours = unsafe { libc::getpgrp() };
    // SAFETY: takes no pointer.
    let theirs = unsafe { libc::getpgid(process.as_raw_pid()) };
    theirs == ours
}

/// Stops this process by `signal`, one of SIGTSTP, SIGTTIN and SIGTTOU, until someone continues it.
///
/// In an orphaned process group, where nobody would, the kernel does not stop it (setpgid(2)); with
/// SIGSTOP it would.
pub(super) fn stop_by(signal: c_int) {
    // SAFETY: all zeros is a valid sigset_t.
    let mut set: libc::sigset_t = unsafe { std::mem::zeroed() };
    // SAFETY: valid pointers to values of ours; this thread alone takes the signal, the disposition is
    // put back before anything else runs.
    #[expect(clippy::multiple_unsafe_ops_per_block, reason = "one step: stop, go on as before")]
    unsafe {
        let before = libc::signal(signal, libc::SIG_DFL);
        libc::sigemptyset(&raw mut set);
        libc::sigaddset(&raw mut set, signal);
        libc::raise(signal);
        libc::sigprocmask(libc::SIG_UNBLOCK, &raw const set, std::ptr::null_mut());
        libc::sigprocmask(libc::SIG_BLOCK, &raw const set, std::ptr::null_mut());
        libc::signal(signal, before);
    }
}

/// A file of ours that would become too long is an error like others, not the end of the front.
pub(super) fn survive_long_files() {
    // SAFETY: SIG_IGN is a valid disposition of SIGXFSZ.
    unsafe { libc::signal(libc::SIGXFSZ, libc::SIG_IGN) };
}
