//! Signals that come to the front: which end it, and which it passes on.
//!
//! The command is in our process group, so signals from the keyboard reach it by themselves; what
//! comes to us alone is passed on. The scheme is sudo's without a pty (`docs/architecture.md`).

use std::{
    io,
    os::fd::{AsFd, BorrowedFd, OwnedFd},
};

use rustix::{
    event::{PollFd, PollFlags, Timespec, poll},
    process::Pid,
};

use super::sys::{self, Came, Mask};

/// What the terminal sends to its whole foreground group (n_tty(4), `tty_ioctl(4)`), and the limit on
/// processor time, which each process has for itself.
const NOT_FOR_US_ALONE: [i32; 7] = [
    libc::SIGINT,
    libc::SIGQUIT,
    libc::SIGTSTP,
    libc::SIGTTIN,
    libc::SIGTTOU,
    libc::SIGWINCH,
    libc::SIGXCPU,
];

/// Signals by which somebody wants us to end.
const ENDING: [i32; 4] = [libc::SIGINT, libc::SIGTERM, libc::SIGHUP, libc::SIGQUIT];

/// A signal ended the waiting.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Ended(pub(super) i32);

/// The signals of the front.
#[derive(Debug)]
pub(super) struct Signals {
    fd: OwnedFd,
    mask: Mask,
    /// Came before there was a command.
    held: Vec<Came>,
}

impl Signals {
    /// From here on signals are kept for us to read.
    pub(super) fn watch() -> io::Result<Signals> {
        let (mask, fd) = sys::watch_signals()?;
        Ok(Signals { fd, mask, held: Vec::new() })
    }

    /// The mask that we were started with.
    pub(super) fn mask(&self) -> Mask {
        self.mask
    }

    /// The next one that came; `None` when there is none.
    pub(super) fn next(&self) -> Option<Came> {
        sys::next_signal(self.fd.as_fd())
    }

    /// Waits for a signal or for `other`, `limit` at most; returns whether `other` is ready.
    pub(super) fn or(
        &self,
        other: Option<BorrowedFd<'_>>,
        limit: Option<&Timespec>,
    ) -> io::Result<bool> {
        self.or_one_of([other], limit).map(|[ready]| ready)
    }

    /// Waits for a signal or for one of `others`, `limit` at most; returns which of them are ready.
    pub(super) fn or_one_of<const N: usize>(
        &self,
        others: [Option<BorrowedFd<'_>>; N],
        limit: Option<&Timespec>,
    ) -> io::Result<[bool; N]> {
        let mut fds = vec![PollFd::new(&self.fd, PollFlags::IN)];
        fds.extend(others.iter().flatten().map(|fd| PollFd::from_borrowed_fd(*fd, PollFlags::IN)));
        match poll(&mut fds, limit) {
            Ok(_) => {}
            Err(rustix::io::Errno::INTR) => return Ok([false; N]),
            Err(errno) => return Err(errno.into()),
        }
        let mut came = fds.iter().skip(1).map(|fd| !fd.revents().is_empty());
        Ok(others.map(|other| other.is_some() && came.next().unwrap_or(false)))
    }

    /// Waits until `fd` is ready or a signal wants us to end; holds the others for the command.
    pub(super) fn wait_for(&mut self, fd: BorrowedFd<'_>) -> Result<(), Ended> {
        loop {
            // Where poll(2) fails, the read that follows waits instead.
            let ready = self.or(Some(fd), None).unwrap_or(true);
            while let Some(came) = self.next() {
                if self.ends(came) {
                    return Err(Ended(came.signal));
                }
                self.held.push(came);
            }
            if ready {
                return Ok(());
            }
        }
    }

    /// Gives the command what came before it was let go, from the keyboard too: it was not yet in the
    /// group. It still blocks all of these, and one that it has already is not doubled (signal(7)).
    pub(super) fn hand_over(&mut self, child: Pid) {
        while let Some(came) = self.next() {
            self.held.push(came);
        }
        for came in self.held.drain(..).filter(|came| came.signal != libc::SIGCHLD) {
            sys::send(child, came.signal);
        }
    }

    /// Whether `came` asks us to end, and we were not started deaf to it (nohup(1)).
    pub(super) fn ends(&self, came: Came) -> bool {
        ENDING.contains(&came.signal)
            && !sys::is_ignored(came.signal)
            && !self.mask.has(came.signal)
    }
}

/// Passes on to `child`, the command of the run whose leaf is named `leaf`, what it does not have yet.
pub(super) fn pass_on(child: Pid, leaf: &str, came: Came) {
    if is_for_command(child, leaf, came) {
        sys::send(child, came.signal);
    }
}

fn is_for_command(child: Pid, leaf: &str, came: Came) -> bool {
    match came.signal {
        libc::SIGCHLD => false,
        // Who continues us wants the command to go on; twice does no harm.
        libc::SIGCONT => true,
        signal if !came.by_process => !NOT_FOR_US_ALONE.contains(&signal),
        _ => Pid::from_raw(came.sender.cast_signed())
            .is_none_or(|sender| sender != child && !is_to_all(sender, leaf)),
    }
}

/// Whether `sender` is of the run and in our process group: it sent to the group (`kill 0`), so the
/// command has the signal. A script that started us may be in our group too, but not in the leaf. Who
/// is gone cannot be asked; better twice than never.
fn is_to_all(sender: Pid, leaf: &str) -> bool {
    sys::is_in_our_group(sender)
        && std::fs::read_to_string(format!("/proc/{}/cgroup", sender.as_raw_pid()))
            .is_ok_and(|text| is_below(&text, leaf))
}

/// Whether a /proc/PID/cgroup names the cgroup `leaf` or one below it in the unified hierarchy.
pub(super) fn is_below(cgroup: &str, leaf: &str) -> bool {
    let path = cgroup.lines().find_map(|line| line.strip_prefix("0::"));
    path.is_some_and(|path| path.split('/').any(|name| name == leaf))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn came(signal: i32, by_process: bool, sender: u32) -> Came {
        Came { signal, by_process, sender }
    }

    #[test]
    fn what_the_keyboard_sends_to_all_is_not_passed_on_and_an_alarm_is() {
        let child = Pid::from_raw(1).expect("a pid");
        for signal in NOT_FOR_US_ALONE {
            assert!(!is_for_command(child, "x", came(signal, false, 0)), "{signal}");
            assert!(is_for_command(child, "x", came(signal, true, 0)), "{signal}");
        }
        for signal in [libc::SIGALRM, libc::SIGHUP, libc::SIGTERM, libc::SIGCONT] {
            assert!(is_for_command(child, "x", came(signal, false, 0)), "{signal}");
        }
    }

    #[test]
    fn a_sender_of_our_group_counts_as_outside_unless_it_is_in_the_leaf() {
        let child = Pid::from_raw(1).expect("a pid");
        let own = std::process::id();
        assert!(is_for_command(child, "no-such-leaf", came(libc::SIGTERM, true, own)));
        assert!(!is_for_command(child, "x", came(libc::SIGTERM, true, 1)));
        assert!(is_below("1:cpu:/x\n0::/a/audit-1\n", "audit-1"));
        assert!(is_below("0::/a/audit-1/b (deleted)\n", "audit-1"));
        assert!(!is_below("1:cpu:/audit-1\n0::/a/audit-12\n", "audit-1"));
    }
}
