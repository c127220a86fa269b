//! First steps: nothing of what the caller left behind may reach the recording.

use std::{io, os::fd::OwnedFd};

use nix::sys::{
    signal::{SigSet, Signal},
    signalfd::{SfdFlags, SignalFd},
};
use rustix::{
    fs::{Mode, OFlags},
    net::SocketType,
    process::{DumpableBehavior, Resource, Rlimit},
    thread::CpuSet,
};

use crate::{
    powers::Powers,
    standing::{self, Standing},
};

/// Signals that end the recording with a seal.
const ENDING: [Signal; 4] = [Signal::SIGTERM, Signal::SIGINT, Signal::SIGHUP, Signal::SIGQUIT];

/// Weight of three ordinary processes (sched(7)); what auditd(8) takes is -4.
const NICE: i32 = -5;

/// Takes the socket to the front and cleans everything that a caller may have prepared: environment,
/// descriptors, signals, timers, session, limits, mask of files, working directory. Becomes whoever the
/// recorder goes on as.
///
/// # Errors
/// Those of the system calls; only of ones without which a recording would not be safe.
pub(crate) fn clean() -> io::Result<(OwnedFd, Standing, Powers)> {
    let socket = crate::sys::take_socket()?;
    // Anything else could be a file that a caller wants written to.
    if rustix::net::sockopt::socket_type(&socket)? != SocketType::SEQPACKET {
        return Err(io::Error::other("standard input is not the socket of a front"));
    }
    let (standing, powers) = settle()?;
    let null = rustix::fs::open("/dev/null", OFlags::RDWR | OFlags::CLOEXEC, Mode::empty())?;
    rustix::stdio::dup2_stdout(&null)?;
    rustix::stdio::dup2_stderr(&null)?;
    Ok((socket, standing, powers))
}

/// The same for `--probe`, which has no socket.
///
/// # Errors
/// As [`clean`].
pub(crate) fn clean_alone() -> io::Result<(Standing, Powers)> {
    crate::sys::close_inherited();
    settle()
}

fn settle() -> io::Result<(Standing, Powers)> {
    crate::sys::forget_environment();
    crate::sys::calm_signals();
    // EPERM: we lead a process group already, that is, we were started by hand.
    let _ = rustix::process::setsid();
    let settled = standing::settle(|| {
        raise_limits();
        run_everywhere();
        // Who fills all processors must not keep us from the rings, nor a caller's nice(1). Without the
        // right to it we stay as we are: what is lost then is counted.
        let _ = rustix::process::setpriority_process(None, NICE);
    })?;
    // After the last change of ids, which may change it.
    rustix::process::set_dumpable_behavior(DumpableBehavior::NotDumpable)?;
    rustix::process::umask(rustix::fs::Mode::from_raw_mode(0o077));
    rustix::process::chdir("/")?;
    Ok(settled)
}

/// Blocks the ending signals and returns the descriptor that tells of them.
///
/// # Errors
/// Those of the system calls.
pub(crate) fn signals() -> io::Result<SignalFd> {
    let mut set = SigSet::empty();
    ENDING.iter().for_each(|signal| set.add(*signal));
    set.thread_block()?;
    // Blocked, a limit on file sizes that could not be raised is an error of the write, not our end.
    let limits = [Signal::SIGXFSZ, Signal::SIGXCPU, Signal::SIGALRM];
    limits.into_iter().collect::<SigSet>().thread_block()?;
    Ok(SignalFd::with_flags(&set, SfdFlags::SFD_CLOEXEC | SfdFlags::SFD_NONBLOCK)?)
}

/// The caller's limits are for the command. A recording needs about 40 descriptors, its segments grow, and it
/// lasts as long as the run. Soft limits go up to the hard ones, and with the right to do so beyond.
fn raise_limits() {
    for resource in [Resource::Nofile, Resource::Fsize, Resource::Cpu, Resource::As, Resource::Data]
    {
        let limit = rustix::process::getrlimit(resource);
        let raised = Rlimit { current: limit.maximum, maximum: limit.maximum };
        let _ = rustix::process::setrlimit(resource, raised);
        if !matches!(resource, Resource::Nofile) {
            let none = Rlimit { current: None, maximum: None };
            let _ = rustix::process::setrlimit(resource, none);
        }
    }
}

/// A caller that is bound to one processor shall not bind us to it.
fn run_everywhere() {
    let mut all = CpuSet::new();
    (0..CpuSet::MAX_CPU).for_each(|cpu| all.set(cpu));
    // The kernel takes what there is of them; a cpuset of the cgroup still holds.
    let _ = rustix::thread::sched_setaffinity(None, &all);
}
