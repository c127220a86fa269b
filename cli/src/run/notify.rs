//! Stands between the command and a service manager that listens to its service's main process alone.
//!
//! For the manager the main process is the front, so what the command says of itself (`READY=1`,
//! `WATCHDOG=1`, descriptors for the store, a barrier) would not count. The command gets a socket of
//! ours in `NOTIFY_SOCKET`; what comes from within the run is said again by the front, but for
//! `MAINPID=`: a manager that followed it would forget the front, which passes its signals on
//! (`sd_notify(3)`, systemd.service(5) `NotifyAccess=`).

use std::{
    io::{self, IoSlice, IoSliceMut},
    mem::MaybeUninit,
    os::{
        fd::{AsFd, BorrowedFd, OwnedFd},
        unix::ffi::OsStrExt,
    },
    time::Duration,
};

use rustix::net::{
    AddressFamily, RecvAncillaryBuffer, RecvAncillaryMessage, RecvFlags, SendAncillaryBuffer,
    SendAncillaryMessage, SendFlags, SocketAddrUnix, SocketFlags, SocketType, UCred, bind, connect,
    getsockname, recvmsg, sendmsg, socket_with, sockopt,
};

use super::signals;

/// The variable that names the manager's socket.
pub(super) const VARIABLE: &str = "NOTIFY_SOCKET";

/// Longest message: what systemd reads of one (`NOTIFY_BUFFER_MAX`, src/core/manager.c).
const LONGEST: usize = 4096;

/// Descriptors in one message at most: `SCM_MAX_FD` (include/net/scm.h).
const DESCRIPTORS: usize = 253;

/// Messages that are passed on before signals are looked at again.
const AT_ONCE: usize = 64;

/// How long a manager that does not read may keep us from the command's signals.
const PATIENCE: Duration = Duration::from_secs(2);

/// The socket for the command and the one to the manager.
#[derive(Debug)]
pub(super) struct Proxy {
    ours: OwnedFd,
    manager: OwnedFd,
    name: String,
}

impl Proxy {
    /// Makes the socket for the command. `None` where no manager listens, or where it is one that we
    /// cannot speak to (another machine's, over vsock): then the command speaks to it itself.
    pub(super) fn start() -> Option<Proxy> {
        let address = std::env::var_os(VARIABLE)?;
        Proxy::to(address.as_bytes()).ok()
    }

    fn to(address: &[u8]) -> io::Result<Proxy> {
        let target = match address {
            [b'@', name @ ..] => SocketAddrUnix::new_abstract_name(name)?,
            [b'/', ..] => SocketAddrUnix::new(address)?,
            _ => return Err(io::ErrorKind::Unsupported.into()),
        };
        let manager = datagram_socket(SocketFlags::CLOEXEC)?;
        connect(&manager, &target)?;
        sockopt::set_socket_timeout(&manager, sockopt::Timeout::Send, Some(PATIENCE))?;
        let ours = datagram_socket(SocketFlags::CLOEXEC | SocketFlags::NONBLOCK)?;
        sockopt::set_socket_passcred(&ours, true)?;
        // Without a name the kernel gives one that nobody has (unix(7), autobind).
        bind(&ours, &SocketAddrUnix::new_unnamed())?;
        let own = SocketAddrUnix::try_from(getsockname(&ours)?)?;
        let name = own.abstract_name().ok_or(io::ErrorKind::AddrNotAvailable)?;
        let name = format!("@{}", String::from_utf8_lossy(name));
        Ok(Proxy { ours, manager, name })
    }

    /// What the command finds in `NOTIFY_SOCKET`.
    pub(super) fn name(&self) -> &str {
        &self.name
    }

    /// Passes on what processes of the run whose leaf is named `leaf` have said.
    pub(super) fn pass_on(&self, leaf: &str) {
        for _ in 0..AT_ONCE {
            match self.receive() {
                Ok((message, sender, descriptors)) => {
                    if sender.is_some_and(|sender| is_of_the_run(sender, leaf)) {
                        // A manager that is gone hears nothing, and would not have heard the command.
                        let _ = self.say(&without_main_pid(&message), &descriptors);
                    }
                }
                Err(rustix::io::Errno::INTR) => {}
                Err(_) => return,
            }
        }
    }

    fn receive(&self) -> rustix::io::Result<(Vec<u8>, Option<UCred>, Vec<OwnedFd>)> {
        let mut room = vec![0; LONGEST];
        let mut space =
            [MaybeUninit::uninit(); rustix::cmsg_space!(ScmCredentials(1), ScmRights(DESCRIPTORS))];
        let mut control = RecvAncillaryBuffer::new(&mut space);
        let got = recvmsg(
            &self.ours,
            &mut [IoSliceMut::new(&mut room)],
            &mut control,
            RecvFlags::CMSG_CLOEXEC | RecvFlags::DONTWAIT,
        )?;
        let (mut sender, mut descriptors) = (None, Vec::new());
        for message in control.drain() {
            match message {
                RecvAncillaryMessage::ScmRights(fds) => descriptors.extend(fds),
                RecvAncillaryMessage::ScmCredentials(credentials) => sender = Some(credentials),
                _ => {}
            }
        }
        room.truncate(got.bytes);
        Ok((room, sender, descriptors))
    }

    fn say(&self, message: &[u8], descriptors: &[OwnedFd]) -> rustix::io::Result<()> {
        if message.is_empty() {
            return Ok(());
        }
        let borrowed: Vec<_> = descriptors.iter().map(AsFd::as_fd).collect();
        let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(DESCRIPTORS))];
        let mut control = SendAncillaryBuffer::new(&mut space);
        if !borrowed.is_empty() {
            control.push(SendAncillaryMessage::ScmRights(&borrowed));
        }
        sendmsg(&self.manager, &[IoSlice::new(message)], &mut control, SendFlags::NOSIGNAL)?;
        Ok(())
    }
}

impl AsFd for Proxy {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.ours.as_fd()
    }
}

fn datagram_socket(flags: SocketFlags) -> rustix::io::Result<OwnedFd> {
    socket_with(AddressFamily::UNIX, SocketType::DGRAM, flags, None)
}

/// The name of our socket is known to the whole network namespace. A sender that is gone by now may
/// have been of the run (systemd-notify(1) ends at once, unless it waits for its barrier): its user
/// decides, as nobody else's processes have a say in a service of that user.
fn is_of_the_run(sender: UCred, leaf: &str) -> bool {
    match std::fs::read_to_string(format!("/proc/{}/cgroup", sender.pid.as_raw_pid())) {
        Ok(cgroup) => signals::is_below(&cgroup, leaf),
        Err(_) => sender.uid.is_root() || sender.uid == rustix::process::getuid(),
    }
}

/// `message` without the lines that would give the manager another main process.
fn without_main_pid(message: &[u8]) -> Vec<u8> {
    let stays = |line: &&[u8]| !line.starts_with(b"MAINPID=") && !line.starts_with(b"MAINPIDFD");
    let lines: Vec<_> = message.split(|b| *b == b'\n').filter(stays).collect();
    lines.join(&b'\n')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_main_process_stays_the_front() {
        let kept = |message: &str| {
            String::from_utf8(without_main_pid(message.as_bytes())).expect("it was text")
        };
        assert_eq!(kept("READY=1\nMAINPID=12\nSTATUS=up"), "READY=1\nSTATUS=up");
        assert_eq!(kept("MAINPID=12"), "");
        assert_eq!(kept("MAINPIDFD=1\nMAINPIDFDID=7\nFDSTORE=1"), "FDSTORE=1");
        assert_eq!(kept("X_MAINPID=1\n"), "X_MAINPID=1\n");
    }

    #[test]
    fn an_address_of_another_machine_is_left_to_the_command() {
        assert!(Proxy::to(b"vsock:2:1234").is_err());
        assert!(Proxy::to(b"").is_err());
        assert!(Proxy::to(b"/no/such/socket").is_err());
    }
}
