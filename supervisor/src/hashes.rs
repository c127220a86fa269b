//! Contents of executed and written files (`--hash`): opened by the loop, hashed by a thread of its own.
//!
//! What is hashed is a descriptor, opened when the exec or the close was read, so a name that changes
//! meanwhile changes nothing. Every file that was asked for has a frame: a hash with its strength, or
//! why there is none.

use std::{
    cell::RefCell,
    fs::File,
    io::{self, Read},
    os::fd::{AsFd, AsRawFd, OwnedFd},
    rc::Rc,
    sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, TrySendError, channel, sync_channel},
    time::{Duration, Instant},
};

use event::{
    ProcId,
    digest::Digest,
    frame::hash::{Hash, KIND_HASH, basis, missing},
};
use foldhash::HashSet;
use fsmon::Power;
use rustix::fs::{FileType, Mode, OFlags, Stat, fstat};
use zerocopy::IntoBytes;

use crate::{clock, segment::Writer};

/// Larger files are not hashed: a quarter of a second of one core each.
const MAX_BYTES: u64 = 256 << 20;

/// Files that wait, each with a descriptor; more are told as not hashed.
const WAITING: usize = 256;

/// Versions of files that are remembered as told; then all are forgotten, and told again.
const REMEMBERED: usize = 65_536;

/// How long the end of a run waits for what is still being hashed.
const PATIENCE: Duration = Duration::from_secs(10);

/// The loop's side, for those who tell of execs and of files. Nobody holds on to it.
pub(crate) type Shared = Rc<RefCell<Hashes>>;

/// What a file is hashed for.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Cause {
    /// [`event::frame::hash::what`].
    pub(crate) what: u32,
    /// The process that executed or wrote it.
    pub(crate) process: ProcId,
    /// The frame that tells it.
    pub(crate) frame: u64,
    /// The strongest thing that can be said of the hash, if nothing changes.
    pub(crate) basis: u32,
}

struct Job {
    file: OwnedFd,
    before: Version,
    cause: Cause,
}

/// A file as it is at a moment: a change of its bytes changes one of these.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
struct Version {
    dev: u64,
    ino: u64,
    size: u64,
    changed: (i64, u64),
}

impl Version {
    fn of(stat: &Stat) -> Version {
        Version {
            dev: stat.st_dev,
            ino: stat.st_ino,
            size: u64::try_from(stat.st_size).unwrap_or(0),
            changed: (stat.st_ctime, stat.st_ctime_nsec),
        }
    }
}

/// A finished frame, with the path of its file.
type Done = (Hash, Vec<u8>);

/// The loop's side.
pub(crate) struct Hashes {
    jobs: Option<SyncSender<Job>>,
    done: Receiver<Done>,
    told: HashSet<(u32, Version)>,
    /// Opened to be executed in this window: programs among them are told as what ran.
    opened: Vec<(OwnedFd, Stat, Cause)>,
    waiting: usize,
    power: Rc<dyn Power>,
}

impl std::fmt::Debug for Hashes {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Hashes").field("waiting", &self.waiting).finish_non_exhaustive()
    }
}

impl Hashes {
    /// Starts the thread.
    ///
    /// # Errors
    /// When the machine has no room for one.
    pub(crate) fn start(power: Rc<dyn Power>) -> io::Result<Shared> {
        let (jobs, todo) = sync_channel::<Job>(WAITING);
        let (finished, done) = channel();
        std::thread::Builder::new().name("hashes".to_owned()).spawn(move || {
            let mut room = vec![0; 256 * 1024];
            for job in todo {
                if finished.send(hash(job, &mut room)).is_err() {
                    return;
                }
            }
        })?;
        let (told, opened) = (HashSet::default(), Vec::new());
        let hashes = Hashes { jobs: Some(jobs), done, told, opened, waiting: 0, power };
        Ok(Rc::new(RefCell::new(hashes)))
    }

    /// Hashes the program that a process has just executed, unless it runs another by now.
    pub(crate) fn executed(&mut self, cause: Cause, ino: u64, writer: &mut Writer) {
        let flags = OFlags::PATH | OFlags::DIRECTORY | OFlags::CLOEXEC;
        let process = format!("/proc/{}", cause.process.pid);
        let process = rustix::fs::open(process, flags, Mode::empty()).map_err(io::Error::from);
        let file = process.and_then(|process| self.power.program_of(process.as_fd()));
        let Ok(file) = file else {
            return failed(&cause, None, missing::GONE, writer);
        };
        match fstat(&file) {
            Ok(stat) if stat.st_ino == ino => self.submit(file, &stat, cause, writer),
            _ => failed(&cause, None, missing::OTHER, writer),
        }
    }

    /// Hashes a file that was written; `file` may be open as a path only.
    pub(crate) fn written(&mut self, file: OwnedFd, cause: Cause, writer: &mut Writer) {
        let Ok(stat) = fstat(&file) else {
            return failed(&cause, None, missing::UNREADABLE, writer);
        };
        // Devices, pipes and sockets have no contents, and opening them can have any effect.
        if FileType::from_raw_mode(stat.st_mode) != FileType::RegularFile {
            return;
        }
        match reopened(&file) {
            Ok(open) => self.submit(open, &stat, cause, writer),
            Err(_) => failed(&cause, Some(&stat), missing::UNREADABLE, writer),
        }
    }

    /// Notes a file that was opened to be executed: a program, its loader, a script. It is hashed at the
    /// window's end, if it is not told by then as the program that ran.
    pub(crate) fn opened(&mut self, file: OwnedFd, cause: Cause, writer: &mut Writer) {
        let Ok(stat) = fstat(&file) else {
            return failed(&cause, None, missing::UNREADABLE, writer);
        };
        let version = Version::of(&stat);
        let known = |(_, stat, _): &(OwnedFd, Stat, Cause)| Version::of(stat) == version;
        if self.told.contains(&(cause.what, version)) || self.opened.iter().any(known) {
            return;
        }
        if self.opened.len() >= WAITING {
            return failed(&cause, Some(&stat), missing::QUEUE_FULL, writer);
        }
        match reopened(&file) {
            Ok(open) => self.opened.push((open, stat, cause)),
            Err(_) => failed(&cause, Some(&stat), missing::UNREADABLE, writer),
        }
    }

    /// Hashes what was opened to be executed in this window.
    pub(crate) fn end_window(&mut self, writer: &mut Writer) {
        for (file, stat, cause) in std::mem::take(&mut self.opened) {
            self.submit(file, &stat, cause, writer);
        }
    }

    /// Tells that a file could not even be opened.
    pub(crate) fn gone(cause: &Cause, writer: &mut Writer) {
        failed(cause, None, missing::GONE, writer);
    }

    fn submit(&mut self, file: OwnedFd, stat: &Stat, cause: Cause, writer: &mut Writer) {
        let before = Version::of(stat);
        if self.told.len() >= REMEMBERED {
            self.told.clear();
        }
        if !self.told.insert((cause.what, before)) {
            return;
        }
        if before.size > MAX_BYTES {
            return failed(&cause, Some(stat), missing::TOO_LARGE, writer);
        }
        let Some(jobs) = &self.jobs else { return };
        match jobs.try_send(Job { file, before, cause }) {
            Ok(()) => self.waiting += 1,
            Err(TrySendError::Full(_) | TrySendError::Disconnected(_)) => {
                self.told.remove(&(cause.what, before));
                failed(&cause, Some(stat), missing::QUEUE_FULL, writer);
            }
        }
    }

    /// Stores what is finished.
    pub(crate) fn collect(&mut self, writer: &mut Writer) {
        while let Ok(done) = self.done.try_recv() {
            self.waiting -= 1;
            store(&done, writer);
        }
    }

    /// Waits for what is left, but not for ever; what is not finished then is told so.
    pub(crate) fn finish(&mut self, writer: &mut Writer) {
        self.jobs = None;
        let end = Instant::now() + PATIENCE;
        while self.waiting > 0 {
            let left = end.saturating_duration_since(Instant::now());
            match self.done.recv_timeout(left) {
                Ok(done) => {
                    self.waiting -= 1;
                    store(&done, writer);
                }
                Err(RecvTimeoutError::Timeout | RecvTimeoutError::Disconnected) => break,
            }
        }
        let nobody = ProcId { pid: 0, start_ns: 0 };
        let cause = Cause { what: 0, process: nobody, frame: 0, basis: basis::NONE };
        for _ in 0..std::mem::take(&mut self.waiting) {
            failed(&cause, None, missing::NOT_DONE, writer);
        }
    }
}

/// The same file, open for reading; `file` may be open as a path only.
fn reopened(file: &OwnedFd) -> Result<OwnedFd, rustix::io::Errno> {
    let flags = OFlags::RDONLY | OFlags::CLOEXEC | OFlags::NONBLOCK | OFlags::NOATIME;
    let path = format!("/proc/self/fd/{}", file.as_raw_fd());
    rustix::fs::open(path, flags, Mode::empty())
}

fn frame(cause: &Cause, version: Option<Version>) -> Hash {
    let device = |dev| rustix::fs::major(dev) << 20 | rustix::fs::minor(dev);
    Hash {
        blake3: [0; 32],
        size: version.map_or(0, |it| it.size),
        ino: version.map_or(0, |it| it.ino),
        start_ns: cause.process.start_ns,
        frame: cause.frame,
        pid: cause.process.pid,
        dev: version.map_or(0, |it| device(it.dev)),
        what: cause.what,
        basis: basis::NONE,
        missing: missing::NOTHING,
        path_len: 0,
    }
}

fn failed(cause: &Cause, stat: Option<&Stat>, why: u32, writer: &mut Writer) {
    let told = Hash { missing: why, ..frame(cause, stat.map(Version::of)) };
    store(&(told, Vec::new()), writer);
}

fn store((hash, path): &Done, writer: &mut Writer) {
    writer.control(KIND_HASH, clock::boot_ns(), &[hash.as_bytes(), path]);
}

/// Hashes one file. What changed while it was read has no hash that could be told.
fn hash(job: Job, room: &mut [u8]) -> Done {
    let Job { file, before, cause } = job;
    let mut told = frame(&cause, Some(before));
    let path = path_of(&file);
    told.path_len = u32::try_from(path.len()).unwrap_or(0);
    let mut file = File::from(file);
    let begun = fstat(&file).map(|stat| Version::of(&stat));
    match digest(&mut file, room) {
        Ok(blake3) => match fstat(&file).map(|stat| Version::of(&stat)) {
            Ok(after) if after == before => (told.blake3, told.basis) = (blake3, cause.basis),
            Ok(after) if begun == Ok(after) => {
                (told.blake3, told.basis, told.size) = (blake3, basis::LATER, after.size);
            }
            _ => told.missing = missing::CHANGING,
        },
        Err(why) => told.missing = why,
    }
    (told, path)
}

fn digest(file: &mut File, room: &mut [u8]) -> Result<[u8; 32], u32> {
    let (mut digest, mut read) = (Digest::default(), 0);
    loop {
        match file.read(room) {
            Ok(0) => return Ok(digest.finish()),
            Ok(len) => {
                read += len as u64;
                if read > MAX_BYTES {
                    return Err(missing::TOO_LARGE);
                }
                digest.update(room.get(..len).unwrap_or_default());
            }
            Err(why) if why.kind() == io::ErrorKind::Interrupted => {}
            Err(_) => return Err(missing::UNREADABLE),
        }
    }
}

/// The path of the file as it is now, for people; the file itself is named by device and inode.
fn path_of(file: &OwnedFd) -> Vec<u8> {
    let link = format!("/proc/self/fd/{}", file.as_raw_fd());
    let path = rustix::fs::readlink(link, Vec::new()).map(|path| path.into_bytes());
    let path = path.unwrap_or_default();
    path.strip_suffix(b" (deleted)").map_or(path.clone(), <[u8]>::to_vec)
}
