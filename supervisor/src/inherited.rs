//! First steps: nothing of what the caller left behind may reach the recording.

use std::{io, os::fd::OwnedFd};

use nix::sys::{
    signal::{SigSet, Signal},
    signalfd::{SfdFlags, SignalFd},
};
use rustix::process::{DumpableBehavior, Resource, Rlimit};

/// Signals that end the recording with a seal.
const ENDING: [Signal; 4] = [Signal::SIGTERM, Signal::SIGINT, Signal::SIGHUP, Signal::SIGQUIT];

/// Weight of three ordinary processes (sched(7)); what auditd(8) takes is -4.
const NICE: i32 = -5;

/// Leaves the caller's session, so that its terminal cannot stop or interrupt us, and cleans limits,
/// mask and working directory. Returns the socket to the front.
///
/// # Errors
/// Those of the system calls; only of ones without which a recording would not be safe.
pub(crate) fn clean() -> io::Result<OwnedFd> {
    let socket = crate::sys::take_socket()?;
    // EPERM: we lead a process group already, that is, we were started by hand.
    let _ = rustix::process::setsid();
    rustix::process::set_dumpable_behavior(DumpableBehavior::NotDumpable)?;
    rustix::process::umask(rustix::fs::Mode::from_raw_mode(0o077));
    rustix::process::chdir("/")?;
    raise_limits();
    // Who fills all processors must not keep us from the rings, nor a caller's nice(1). Without the
    // right to it we stay as we are: what is lost then is counted.
    let _ = rustix::process::setpriority_process(None, NICE);
    Ok(socket)
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
