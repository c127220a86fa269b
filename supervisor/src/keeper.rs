//! The keeper: a second process of a recorder, with the few powers that later steps need.
//!
//! The recorder itself reads what a hostile command made the kernel say; it gives its powers up before.
//! What is left to do with them is done here, by a loop that reads one fixed structure and answers
//! with a number and a descriptor: mark a mount, open the root or the program of a process, remove the
//! leaf. It ends with the recorder, however that ends, and removes the leaf then.

use std::{
    io::{self, IoSlice, IoSliceMut},
    mem::MaybeUninit,
    os::fd::{AsFd, BorrowedFd, OwnedFd},
    rc::Rc,
};

use rustix::{
    fs::{Mode, OFlags},
    net::{
        AddressFamily, RecvAncillaryBuffer, RecvAncillaryMessage, RecvFlags, SendAncillaryBuffer,
        SendAncillaryMessage, SendFlags, SocketFlags, SocketType, recvmsg, sendmsg, socketpair,
    },
};
use zerocopy::{FromBytes, Immutable, IntoBytes, KnownLayout};

use crate::{cgroup, lockdown, powers::Powers};

/// What is asked for.
const MARK: u32 = 1;
const ROOT: u32 = 2;
const PROGRAM: u32 = 3;
const REMOVE: u32 = 4;

/// One question; descriptors travel beside it.
#[derive(Debug, Clone, Copy, FromBytes, IntoBytes, KnownLayout, Immutable)]
#[repr(C)]
struct Question {
    /// For [`MARK`].
    mask: u64,
    /// One of the numbers above.
    what: u32,
    /// For [`MARK`].
    flags: u32,
}

/// The recorder's end.
#[derive(Debug)]
pub(crate) struct Keeper {
    socket: OwnedFd,
}

impl Keeper {
    /// Starts the keeper of the leaf `name` of `parent`. While this process has one thread.
    ///
    /// # Errors
    /// When there is no room for a process.
    pub(crate) fn start(
        (parent, name): (BorrowedFd<'_>, &str),
        powers: &Powers,
    ) -> io::Result<Keeper> {
        let (ours, theirs) =
            socketpair(AddressFamily::UNIX, SocketType::SEQPACKET, SocketFlags::CLOEXEC, None)?;
        if crate::sys::fork()?.is_some() {
            return Ok(Keeper { socket: ours });
        }
        bpf::forget();
        let kept = rustix::stdio::dup2_stdin(&theirs)
            .and_then(|()| rustix::stdio::dup2_stdout(parent))
            .map_err(io::Error::from)
            .and_then(|()| powers.keep_keepers())
            .and_then(|()| lockdown::keeper());
        // The front's socket among them: its other end must see the recorder end.
        crate::sys::close_inherited();
        let socket = rustix::stdio::stdin();
        if kept.is_ok() {
            while let Ok(Some((question, fds))) = hear(socket) {
                // Who waits for an answer that cannot be sent must see the end instead.
                if answer(socket, do_it(&question, &fds, name)).is_err() {
                    break;
                }
            }
        }
        cgroup::remove(rustix::stdio::stdout(), name);
        crate::sys::end(0)
    }

    /// Removes the leaf, if nobody is in it.
    pub(crate) fn remove_leaf(&self) {
        let _ = self.ask(Question { mask: 0, what: REMOVE, flags: 0 }, &[]);
    }

    fn ask(&self, question: Question, fds: &[BorrowedFd<'_>]) -> io::Result<Option<OwnedFd>> {
        let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(2))];
        let mut ancillary = SendAncillaryBuffer::new(&mut space);
        if !fds.is_empty() {
            ancillary.push(SendAncillaryMessage::ScmRights(fds));
        }
        let parts = [IoSlice::new(question.as_bytes())];
        sendmsg(&self.socket, &parts, &mut ancillary, SendFlags::NOSIGNAL)?;
        let mut errno = 0_i32;
        let (len, mut came) = receive(self.socket.as_fd(), errno.as_mut_bytes())?;
        match (len, errno) {
            (4, 0) => Ok(came.pop()),
            (4, errno) => Err(io::Error::from_raw_os_error(errno)),
            _ => Err(io::ErrorKind::UnexpectedEof.into()),
        }
    }
}

fn hear(socket: BorrowedFd<'_>) -> io::Result<Option<(Question, Vec<OwnedFd>)>> {
    let mut question = Question { mask: 0, what: 0, flags: 0 };
    let (len, fds) = receive(socket, question.as_mut_bytes())?;
    Ok((len == size_of::<Question>()).then_some((question, fds)))
}

fn receive(socket: BorrowedFd<'_>, bytes: &mut [u8]) -> io::Result<(usize, Vec<OwnedFd>)> {
    let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(2))];
    let mut ancillary = RecvAncillaryBuffer::new(&mut space);
    let got = loop {
        let parts = &mut [IoSliceMut::new(bytes)];
        match recvmsg(socket, parts, &mut ancillary, RecvFlags::CMSG_CLOEXEC) {
            Err(rustix::io::Errno::INTR) => {}
            other => break other?,
        }
    };
    let rights = ancillary.drain().filter_map(|message| match message {
        RecvAncillaryMessage::ScmRights(fds) => Some(fds),
        _ => None,
    });
    Ok((got.bytes, rights.flatten().collect()))
}

fn do_it(question: &Question, fds: &[OwnedFd], leaf: &str) -> io::Result<Option<OwnedFd>> {
    let open = |process: &OwnedFd, name: &str, flags: OFlags| {
        let flags = flags | OFlags::RDONLY | OFlags::CLOEXEC;
        Ok(Some(rustix::fs::openat(process, name, flags, Mode::empty())?))
    };
    match (question.what, fds) {
        (ROOT, [process]) => open(process, "root", OFlags::DIRECTORY),
        (PROGRAM, [process]) => open(process, "exe", OFlags::empty()),
        (MARK, [group, point]) => {
            fsmon::add_mark(group.as_fd(), question.flags, question.mask, point.as_fd())?;
            Ok(None)
        }
        (REMOVE, []) => {
            cgroup::remove(rustix::stdio::stdout(), leaf);
            Ok(None)
        }
        _ => Err(io::ErrorKind::InvalidInput.into()),
    }
}

fn answer(socket: BorrowedFd<'_>, done: io::Result<Option<OwnedFd>>) -> io::Result<()> {
    let (errno, fd) = match done {
        Ok(fd) => (0_i32, fd),
        Err(why) => (why.raw_os_error().unwrap_or(libc::EINVAL), None),
    };
    let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(1))];
    let mut ancillary = SendAncillaryBuffer::new(&mut space);
    let fds = fd.as_ref().map(|fd| [fd.as_fd()]);
    if let Some(fds) = &fds {
        ancillary.push(SendAncillaryMessage::ScmRights(fds));
    }
    sendmsg(socket, &[IoSlice::new(errno.as_bytes())], &mut ancillary, SendFlags::NOSIGNAL)?;
    Ok(())
}

impl fsmon::Power for Keeper {
    fn mark(
        &self,
        group: BorrowedFd<'_>,
        flags: u32,
        mask: u64,
        point: BorrowedFd<'_>,
    ) -> io::Result<()> {
        self.ask(Question { mask, what: MARK, flags }, &[group, point]).map(drop)
    }

    fn root_of(&self, process: BorrowedFd<'_>) -> io::Result<OwnedFd> {
        let none = || io::ErrorKind::UnexpectedEof.into();
        self.ask(Question { mask: 0, what: ROOT, flags: 0 }, &[process])?.ok_or_else(none)
    }

    fn program_of(&self, process: BorrowedFd<'_>) -> io::Result<OwnedFd> {
        let none = || io::ErrorKind::UnexpectedEof.into();
        self.ask(Question { mask: 0, what: PROGRAM, flags: 0 }, &[process])?.ok_or_else(none)
    }
}

/// Of a recorder with its caller's own rights, which marks for itself: a question takes two changes of
/// process, and what is mounted is not watched until then.
#[derive(Debug)]
pub(crate) struct Beside(pub(crate) Rc<Keeper>);

impl fsmon::Power for Beside {
    fn mark(
        &self,
        group: BorrowedFd<'_>,
        flags: u32,
        mask: u64,
        point: BorrowedFd<'_>,
    ) -> io::Result<()> {
        fsmon::add_mark(group, flags, mask, point)
    }

    fn root_of(&self, process: BorrowedFd<'_>) -> io::Result<OwnedFd> {
        self.0.root_of(process)
    }

    fn program_of(&self, process: BorrowedFd<'_>) -> io::Result<OwnedFd> {
        self.0.program_of(process)
    }
}
