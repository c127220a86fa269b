//! Whether the process that a front names may be recorded for it: its child, of its user, with no more
//! rights than it has itself. Named by descriptor, so that a number that is used again is noticed.

use std::{
    io,
    os::fd::{AsFd, AsRawFd, BorrowedFd},
};

use event::protocol::{Child, refusal};
use rustix::{
    event::{PollFd, PollFlags, poll},
    time::Timespec,
};

use crate::{
    cgroup::{self, Leaf},
    refusal::{Refusal, errno},
    standing::Caller,
};

/// `PROC_SUPER_MAGIC`, include/uapi/linux/magic.h.
const PROC_SUPER_MAGIC: i64 = 0x9fa0;

/// What /proc says of a process: proc_pid_status(5).
#[derive(Debug, Default, PartialEq, Eq)]
struct Status {
    parent: u32,
    uids: Vec<u32>,
    gids: Vec<u32>,
    permitted: u64,
}

/// Moves the process into the leaf, if it may be recorded for `caller`.
///
/// # Errors
/// [`Refusal`].
pub(crate) fn admit(
    caller: &Caller,
    child: &Child,
    pidfd: BorrowedFd<'_>,
    leaf: &Leaf,
) -> Result<(), Refusal> {
    let not_yours =
        |why: &str| Refusal::new(refusal::NOT_YOURS, libc::EPERM, format!("cannot record: {why}"));
    let proc = rustix::fs::statfs("/proc").map_err(|errno| unreadable(&errno.into()))?;
    if proc.f_type != PROC_SUPER_MAGIC {
        return Err(not_yours("/proc is not that of the kernel"));
    }
    let named = pid_of(pidfd).map_err(|why| unreadable(&why))?;
    if named != Some(child.pid) {
        return Err(not_yours("the descriptor is not that of the process"));
    }
    let status = status_of(child.pid).map_err(|why| unreadable(&why))?;
    let front = status_of(caller.front).map_err(|why| unreadable(&why))?;
    if !is_own(&status, &front, caller) {
        return Err(not_yours("the process is not a child of yours with rights of yours alone"));
    }
    cgroup::move_into(leaf, child.pid).map_err(|why| {
        Refusal::new(refusal::RIGHTS, errno(&why), format!("cannot move it to its cgroup: {why}"))
    })?;
    let mut fds = [PollFd::new(&pidfd, PollFlags::IN)];
    if poll(&mut fds, Some(&Timespec::default())) != Ok(0) {
        return Err(not_yours("the process ended before it was recorded"));
    }
    Ok(())
}

fn unreadable(why: &io::Error) -> Refusal {
    let text = format!("cannot see whose the process is: {why}");
    Refusal::new(refusal::NOT_YOURS, errno(why), text)
}

fn is_own(child: &Status, front: &Status, caller: &Caller) -> bool {
    child.parent == caller.front
        && child.uids == [caller.uid; 4]
        && child.gids == [caller.gid; 4]
        && front.uids.first() == Some(&caller.uid)
        && child.permitted & !front.permitted == 0
}

/// The capabilities that whatever the process `pid` starts has too: those of its user, as a service manager
/// gives them. A program that has its own by its file, or by another user, has none of these.
///
/// # Errors
/// When /proc does not tell.
pub(crate) fn ambient(pid: u32) -> io::Result<u64> {
    let status = cgroup::read(&format!("/proc/{pid}/status"))?;
    Ok(bits(&status, b"CapAmb:").unwrap_or(0))
}

/// The number of the process that `pidfd` stands for; `None` when it is no such descriptor, or the
/// process is gone.
fn pid_of(pidfd: BorrowedFd<'_>) -> io::Result<Option<u32>> {
    let info = cgroup::read(&format!("/proc/self/fdinfo/{}", pidfd.as_fd().as_raw_fd()))?;
    Ok(numbers(&info, b"Pid:").first().copied())
}

fn status_of(pid: u32) -> io::Result<Status> {
    Ok(parse(&cgroup::read(&format!("/proc/{pid}/status"))?))
}

fn parse(text: &[u8]) -> Status {
    let permitted = bits(text, b"CapPrm:");
    Status {
        parent: numbers(text, b"PPid:").first().copied().unwrap_or(0),
        uids: numbers(text, b"Uid:"),
        gids: numbers(text, b"Gid:"),
        permitted: permitted.unwrap_or(u64::MAX),
    }
}

fn bits(text: &[u8], name: &[u8]) -> Option<u64> {
    let hex = std::str::from_utf8(line(text, name)?.trim_ascii()).ok()?;
    u64::from_str_radix(hex, 16).ok()
}

/// The line that begins with `name`. Names of processes are escaped by the kernel, so none can fake one.
fn line<'t>(text: &'t [u8], name: &[u8]) -> Option<&'t [u8]> {
    text.split(|b| *b == b'\n').find_map(|line| line.strip_prefix(name))
}

fn numbers(text: &[u8], name: &[u8]) -> Vec<u32> {
    let words = line(text, name).unwrap_or_default().split(|b| b.is_ascii_whitespace());
    words.filter_map(|word| std::str::from_utf8(word).ok()?.parse().ok()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const OWN: &[u8] = b"Name:\tsh\\nUid:\t0 0 0 0\nPPid:\t7\nUid:\t1000\t1000\t1000\t1000\n\
        Gid:\t100\t100\t100\t100\nCapPrm:\t0000000000000000\n";

    fn caller() -> Caller {
        let owner = bpf::Owner { uid: 1000, groups: vec![100], caps: 0 };
        Caller { uid: 1000, gid: 100, front: 7, owner }
    }

    fn check(changed: impl FnOnce(&mut Status)) -> bool {
        let (mut child, front) = (parse(OWN), parse(OWN));
        changed(&mut child);
        is_own(&child, &front, &caller())
    }

    #[test]
    fn only_a_child_of_the_front_with_its_ids_and_no_more_rights_is_its_own() {
        assert!(check(|_| {}));
        assert!(!check(|child| child.parent = 8));
        assert!(!check(|child| child.uids[1] = 0));
        assert!(!check(|child| child.uids[0] = 1001));
        assert!(!check(|child| child.gids[2] = 42));
        assert!(!check(|child| child.uids.clear()));
        assert!(!check(|child| child.permitted = 1));
        assert!(!is_own(&parse(b""), &parse(b""), &caller()));
    }
}
