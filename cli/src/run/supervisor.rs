//! Talks to `audit-supervisor`: starts it, hands it descriptors, waits for its words.

use std::{
    io::{self, IoSlice, IoSliceMut},
    mem::MaybeUninit,
    os::fd::{AsFd, BorrowedFd, OwnedFd},
    path::{Path, PathBuf},
    process::{Command, Stdio},
    time::{Duration, Instant},
};

use event::install::SUPERVISOR;
use event::protocol::{self, Begin, Child, MAX_PACKET, Message, Prune, Ready, Refused, refusal};
use rustix::net::{
    AddressFamily, RecvAncillaryBuffer, RecvAncillaryMessage, RecvFlags, SendAncillaryBuffer,
    SendAncillaryMessage, SendFlags, SocketFlags, SocketType, recvmsg, sendmsg, socketpair,
};
use zerocopy::{Immutable, IntoBytes};

use super::signals::{Ended, Signals};
use crate::failure::Failure;

/// File name of the program.
const PROGRAM: &str = "audit-supervisor";

/// Where packages put it.
const INSTALLED: [&str; 3] =
    ["/usr/lib/audit-run", "/usr/libexec/audit-run", "/usr/local/libexec/audit-run"];

/// How long a recorder that is sent away may take: letting go of its programs takes the kernel a while.
const PATIENCE: Duration = Duration::from_secs(5);

/// Why recording did not start.
#[derive(Debug)]
pub(super) enum Error {
    /// The program is nowhere.
    Missing,
    /// It cannot be started.
    Start(PathBuf, io::Error),
    /// A signal ended the waiting for it.
    Signal(i32),
    /// It ended or broke off in the middle.
    Broken(io::Error),
    /// It said no.
    Refused {
        /// See [`refusal`].
        reason: u32,
        /// In its words.
        text: String,
    },
}

impl std::fmt::Display for Error {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Error::Missing => write!(f, "cannot find the program {PROGRAM}"),
            Error::Start(path, why) => write!(f, "cannot start {}: {why}", path.display()),
            Error::Signal(signal) => write!(f, "signal {signal} came while starting"),
            Error::Broken(why) => write!(f, "the recorder broke off while starting: {why}"),
            Error::Refused { text, .. } => write!(f, "{text}"),
        }
    }
}

impl Error {
    /// Whether rights are what is missing.
    pub(super) fn is_rights(&self) -> bool {
        matches!(self, Error::Refused { reason, .. } if *reason == refusal::RIGHTS)
    }

    /// Whether the store is what refuses.
    pub(super) fn is_store(&self) -> bool {
        matches!(self, Error::Refused { reason, .. } if *reason == refusal::STORE)
    }
}

/// A word of the supervisor.
#[derive(Debug)]
pub(super) enum Word {
    /// Recording can start; here are the leaf and the level of trust.
    Ready(OwnedFd, u32),
    /// Marks are in place.
    Armed,
    /// The seal is written.
    Done,
}

/// A running supervisor.
#[derive(Debug)]
pub(super) struct Supervisor {
    socket: OwnedFd,
    packet: Box<[u64]>,
    process: std::process::Child,
}

impl Supervisor {
    /// Starts the program.
    pub(super) fn start(program: Option<PathBuf>) -> Result<Supervisor, Error> {
        let program = program.ok_or(Error::Missing)?;
        let (ours, theirs) =
            socketpair(AddressFamily::UNIX, SocketType::SEQPACKET, SocketFlags::CLOEXEC, None)
                .map_err(|errno| Error::Start(program.clone(), errno.into()))?;
        // Its standard input is the socket: a descriptor number that needs no telling.
        let process = Command::new(&program)
            .env_clear()
            .current_dir("/")
            .stdin(Stdio::from(theirs))
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .map_err(|why| Error::Start(program, why))?;
        let packet = vec![0; MAX_PACKET.div_ceil(8)].into_boxed_slice();
        Ok(Supervisor { socket: ours, packet, process })
    }

    /// Says what to record, into which directory and where keys are, unless it has its own; waits until
    /// it is ready.
    /// Returns the leaf and the level of trust.
    pub(super) fn begin(
        &mut self,
        begin: &Begin,
        (segments, keys): (Option<BorrowedFd<'_>>, Option<BorrowedFd<'_>>),
        about: &[u8],
        signals: &mut Signals,
    ) -> Result<(OwnedFd, u32), Error> {
        self.say(protocol::BEGIN, begin, segments).map_err(Error::Broken)?;
        self.say(protocol::ABOUT, about, keys).map_err(Error::Broken)?;
        match self.hear_or_end(signals)? {
            Word::Ready(leaf, trust) => Ok((leaf, trust)),
            Word::Armed | Word::Done => Err(out_of_turn()),
        }
    }

    /// Says which process waits; waits until marks are in place.
    pub(super) fn child(
        &mut self,
        child: &Child,
        pidfd: BorrowedFd<'_>,
        signals: &mut Signals,
    ) -> Result<(), Error> {
        self.say(protocol::CHILD, child, Some(pidfd)).map_err(Error::Broken)?;
        match self.hear_or_end(signals)? {
            Word::Armed => Ok(()),
            Word::Ready(..) | Word::Done => Err(out_of_turn()),
        }
    }

    /// Says that the command will not run, and waits for the end of the record.
    pub(super) fn abandon(&mut self, signals: &mut Signals) {
        let _ = rustix::net::shutdown(&self.socket, rustix::net::Shutdown::Write);
        while self.hear_or_end(signals).is_ok_and(|word| !matches!(word, Word::Done)) {}
    }

    /// Sends it away and waits until it is gone, so that it neither writes where we tidy up nor is a
    /// child that the command does not know. A second signal ends the patience.
    pub(super) fn dismiss(&mut self, signals: &Signals) {
        let _ = rustix::net::shutdown(&self.socket, rustix::net::Shutdown::Both);
        let until = Instant::now() + PATIENCE;
        loop {
            // Signals first: the SIGCHLD of an end that is not seen below must end the wait.
            let impatient =
                std::iter::from_fn(|| signals.next()).filter(|came| signals.ends(*came)).count()
                    > 0;
            if !matches!(self.process.try_wait(), Ok(None)) {
                return;
            }
            let left = until.saturating_duration_since(Instant::now());
            let limit = left.try_into().unwrap_or_default();
            if impatient || left.is_zero() || signals.or(None, Some(&limit)).is_err() {
                // Nothing of this run is kept, so nothing is lost. An installed one is not ours to kill:
                // it ends by itself, with nobody to talk to.
                if self.process.kill().is_ok() {
                    let _ = self.process.wait();
                }
                return;
            }
        }
    }

    /// Waits for the next word, or for a signal that ends the waiting.
    fn hear_or_end(&mut self, signals: &mut Signals) -> Result<Word, Error> {
        signals.wait_for(self.socket.as_fd()).map_err(|Ended(signal)| Error::Signal(signal))?;
        self.hear()
    }

    /// Waits for the next word.
    pub(super) fn hear(&mut self) -> Result<Word, Error> {
        let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(1))];
        let mut ancillary = RecvAncillaryBuffer::new(&mut space);
        let buffer = self.packet.as_mut_bytes();
        let flags = RecvFlags::CMSG_CLOEXEC;
        let got = loop {
            let mut parts = [IoSliceMut::new(buffer)];
            match recvmsg(&self.socket, &mut parts, &mut ancillary, flags) {
                Err(rustix::io::Errno::INTR) => {}
                other => break other.map_err(|errno| Error::Broken(errno.into()))?,
            }
        };
        let fd = ancillary
            .drain()
            .filter_map(|message| match message {
                RecvAncillaryMessage::ScmRights(fds) => Some(fds),
                _ => None,
            })
            .flatten()
            .next();
        if got.bytes == 0 {
            return Err(Error::Broken(io::ErrorKind::UnexpectedEof.into()));
        }
        let packet = self.packet.as_bytes().get(..got.bytes).unwrap_or_default();
        understand(packet, fd)
    }

    fn say<T: IntoBytes + Immutable + ?Sized>(
        &self,
        kind: u32,
        body: &T,
        fd: Option<BorrowedFd<'_>>,
    ) -> io::Result<()> {
        let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(1))];
        let mut ancillary = SendAncillaryBuffer::new(&mut space);
        let fds = fd.map(|fd| [fd]);
        if let Some(fds) = &fds {
            ancillary.push(SendAncillaryMessage::ScmRights(fds));
        }
        let head = protocol::head(kind);
        let parts = [IoSlice::new(head.as_bytes()), IoSlice::new(body.as_bytes())];
        sendmsg(&self.socket, &parts, &mut ancillary, SendFlags::NOSIGNAL)?;
        Ok(())
    }
}

/// Has the installed recorder remove these runs of its store, one after the other; hands each with what
/// came of it to `told`.
///
/// # Errors
/// When it cannot be started.
pub(crate) fn remove(
    runs: &[storage::RunId],
    mut told: impl FnMut(&storage::RunId, Result<(), Failure>),
) -> Result<(), Failure> {
    let failed = |why: &Error| match why {
        Error::Refused { text, .. } => Failure::new(text.clone()),
        other => Failure::new(format!("cannot remove the run: {other}")),
    };
    let mut recorder = Supervisor::start(Some(SUPERVISOR.into())).map_err(|why| failed(&why))?;
    for run in runs {
        let mut prune = Prune { run: [0; 64] };
        for (place, byte) in prune.run.iter_mut().zip(run.as_str().bytes().take(63)) {
            *place = byte;
        }
        let said = recorder.say(protocol::PRUNE, &prune, None).map_err(Error::Broken);
        let done = said.and_then(|()| recorder.hear()).map(drop);
        let broken = matches!(done, Err(Error::Broken(_)));
        told(run, done.map_err(|why| failed(&why)));
        if broken {
            break;
        }
    }
    drop(recorder.socket);
    let _ = recorder.process.wait();
    Ok(())
}

impl AsFd for Supervisor {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.socket.as_fd()
    }
}

fn understand(packet: &[u8], fd: Option<OwnedFd>) -> Result<Word, Error> {
    let broken = |why| Error::Broken(io::Error::new(io::ErrorKind::InvalidData, why));
    let message = Message::parse(packet).map_err(broken)?;
    match message.kind {
        protocol::READY => {
            let (ready, _) = message.body::<Ready>().map_err(broken)?;
            fd.map(|leaf| Word::Ready(leaf, ready.trust)).ok_or_else(out_of_turn)
        }
        protocol::ARMED => Ok(Word::Armed),
        protocol::DONE => Ok(Word::Done),
        protocol::REFUSED => {
            let (refused, text) = message.body::<Refused>().map_err(broken)?;
            let text = String::from_utf8_lossy(text).into_owned();
            Err(Error::Refused { reason: refused.reason, text })
        }
        kind => Err(broken(event::Malformed::Unknown { kind })),
    }
}

fn out_of_turn() -> Error {
    Error::Broken(io::Error::new(io::ErrorKind::InvalidData, "answer out of turn"))
}

/// Returns the path of the program that runs with our own rights: beside this one (a build), else where
/// packages put it. For others than root that is not the set-uid one, which has a store of its own.
pub(crate) fn find() -> Option<PathBuf> {
    let root = rustix::process::geteuid().is_root();
    let usable = |path: &PathBuf| path.is_file() && (root || path != Path::new(SUPERVISOR));
    let own = std::env::current_exe().ok();
    let beside = own.as_deref().and_then(Path::parent).map(Path::to_owned);
    beside.into_iter().chain(INSTALLED.map(PathBuf::from)).map(|dir| dir.join(PROGRAM)).find(usable)
}
