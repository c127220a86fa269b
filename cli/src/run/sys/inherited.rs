//! What the process was started with, kept for the command: the Rust runtime and the front change it.

use std::{
    ffi::c_int,
    sync::atomic::{AtomicBool, AtomicU8, Ordering},
};

use super::Mask;

/// What the process was started with, read before the Rust runtime changes it.
static SIGPIPE_IGNORED: AtomicBool = AtomicBool::new(false);
static SIGCHLD_IGNORED: AtomicBool = AtomicBool::new(false);
static CLOSED_STDIO: AtomicU8 = AtomicU8::new(0);

// JUSTIFICATION: std ignores SIGPIPE and opens /dev/null on closed 0..2 before main; the command must
// get what we got, so both are read earlier.
// SAFETY: the section holds C function pointers that the loader calls once before main (gABI,
// "Initialization and Termination Functions"); `remember` has that type.
#[used]
#[unsafe(link_section = ".init_array")]
static REMEMBER: extern "C" fn() = remember;

extern "C" fn remember() {
    SIGPIPE_IGNORED.store(is_ignored(libc::SIGPIPE), Ordering::Relaxed);
    SIGCHLD_IGNORED.store(is_ignored(libc::SIGCHLD), Ordering::Relaxed);
    for fd in 0..3 {
        // SAFETY: F_GETFD takes no pointer and works on any number.
        if unsafe { libc::fcntl(fd, libc::F_GETFD) } < 0 {
            CLOSED_STDIO.fetch_or(1 << fd, Ordering::Relaxed);
        }
    }
}

/// Whether `signal` is ignored now.
pub(in crate::run) fn is_ignored(signal: c_int) -> bool {
    // SAFETY: all zeros is a valid sigaction, which the call then fills.
    let mut old: libc::sigaction = unsafe { std::mem::zeroed() };
    // SAFETY: a null new action only asks; `old` is a valid place for the answer.
    let asked = unsafe { libc::sigaction(signal, std::ptr::null(), &raw mut old) };
    asked == 0 && old.sa_sigaction == libc::SIG_IGN
}

/// Where SIGCHLD is ignored, children are gone before anybody learns how they ended (wait(2)): it is
/// not while we wait for ours.
pub(super) fn keep_children() {
    // SAFETY: SIG_DFL is a valid disposition of SIGCHLD.
    unsafe { libc::signal(libc::SIGCHLD, libc::SIG_DFL) };
}

/// Gives this process, which is about to become the command, what it was started with.
pub(super) fn restore(mask: &Mask) {
    for (signal, ignored) in [(libc::SIGPIPE, &SIGPIPE_IGNORED), (libc::SIGCHLD, &SIGCHLD_IGNORED)]
    {
        let action = if ignored.load(Ordering::Relaxed) { libc::SIG_IGN } else { libc::SIG_DFL };
        // SAFETY: SIG_IGN and SIG_DFL are valid dispositions of both.
        unsafe { libc::signal(signal, action) };
    }
    let closed = CLOSED_STDIO.load(Ordering::Relaxed);
    for fd in (0..3).filter(|fd| closed & (1 << fd) != 0) {
        // SAFETY: the number was closed when we started; what is there is std's /dev/null, which
        // nothing in this process uses after this point.
        unsafe { libc::close(fd) };
    }
    // SAFETY: a valid set; a null old set asks for nothing.
    unsafe { libc::sigprocmask(libc::SIG_SETMASK, &raw const mask.0, std::ptr::null_mut()) };
}
