//! Mount namespaces of the run beside its first, and mounts that come while it runs.
//!
//! A mark sees only what it was placed on. A process with another mount namespace shows in its fork or
//! exec record; new mounts in a namespace raise `POLLPRI` on its mountinfo (proc_pid_mountinfo(5)). Either
//! way marks are placed at once, and the record says so: what was done before they were there is not
//! in it.

use std::{
    fs::File,
    io::{self, Read},
    os::fd::{AsFd, OwnedFd},
};

use event::frame::control::{Source, State};
use fsmon::{Monitor, Scope};
use rustix::fs::{AtFlags, Mode, OFlags, SeekFrom};

use crate::{marking, segment::Writer, statement};

/// Namespaces that are followed; a run with more has them told as not followed.
const FOLLOWED: usize = 64;

/// A namespace whose mounts are watched.
#[derive(Debug)]
struct Followed {
    /// `/proc/PID` of a process in it.
    process: OwnedFd,
    /// Of the namespace; not known for the command's own, which is never another's while it lives.
    inode: Option<u32>,
    /// Raises the notice; holds the namespace.
    notice: OwnedFd,
    scope: Scope,
    /// What mountinfo said last.
    mounts: Vec<u8>,
}

/// All mount namespaces that the run was seen in.
#[derive(Debug)]
pub(crate) struct Namespaces {
    known: Vec<u32>,
    /// Inode and a process in it.
    entered: Vec<(u32, u32)>,
    followed: Vec<Followed>,
}

impl Namespaces {
    /// Lets go of namespaces whose process has ended: an open mountinfo holds the namespace, and with it
    /// its mounts. One that lives on through others is found again by the next exec in it.
    pub(crate) fn forget_ended(&mut self) {
        let Namespaces { known, followed, .. } = self;
        followed.retain(|followed| {
            let lives = followed.lives();
            if !lives {
                known.retain(|inode| Some(*inode) != followed.inode);
            }
            lives
        });
    }

    /// Takes the memory that noticing needs.
    pub(crate) fn new() -> Self {
        Namespaces {
            known: Vec::with_capacity(FOLLOWED),
            entered: Vec::with_capacity(FOLLOWED),
            followed: Vec::new(),
        }
    }

    /// Notes that `pid` is in the mount namespace `inode`. The first one is the command's own.
    pub(crate) fn see(&mut self, inode: u32, pid: u32) {
        if inode == 0 || self.known.contains(&inode) {
            return;
        }
        // Full: the ones beyond are told each time, at the price of a vain try.
        if self.known.len() < FOLLOWED {
            self.known.push(inode);
        }
        if self.known.len() > 1 && self.entered.len() < FOLLOWED {
            self.entered.push((inode, pid));
        }
    }

    /// Whether a namespace was entered that has no marks yet.
    pub(crate) fn has_news(&self) -> bool {
        !self.entered.is_empty()
    }

    /// Watches the mounts of the process `pid`, which are marked already. Returns the descriptor
    /// to be registered for priority events.
    ///
    /// # Errors
    /// When the process is gone.
    pub(crate) fn watch(
        &mut self,
        pid: u32,
        inode: Option<u32>,
        scope: Scope,
    ) -> io::Result<impl AsFd + use<>> {
        let process = process(pid)?;
        let flags = OFlags::RDONLY | OFlags::CLOEXEC;
        let notice = rustix::fs::openat(&process, "mountinfo", flags, Mode::empty())?;
        let twin = notice.try_clone()?;
        let mut followed = Followed { process, inode, notice, scope, mounts: Vec::new() };
        followed.mounts = followed.read()?;
        if self.followed.len() < FOLLOWED {
            self.followed.push(followed);
        }
        Ok(twin)
    }

    /// Places marks in the namespaces that were entered. Returns their descriptors, as
    /// [`Namespaces::watch`].
    pub(crate) fn follow_entered(
        &mut self,
        monitor: &mut Monitor,
        writer: &mut Writer,
    ) -> Vec<impl AsFd + use<>> {
        let mut fds = Vec::new();
        for (inode, pid) in std::mem::take(&mut self.entered) {
            // Another namespace is not the run's own: its marks must be on file systems, where
            // whatever it mounts next is seen too.
            let marked = process(pid).and_then(|process| {
                let info = read_of(&process)?;
                monitor.follow(process, &info, Scope::Filesystem)
            });
            let text = match marked.and_then(|placement| {
                marking::tell_mounts(&placement, writer);
                fds.push(self.watch(pid, Some(inode), Scope::Filesystem)?);
                Ok(())
            }) {
                Ok(()) => format!(
                    "process {pid} was found in a mount namespace of its own: what was done there \
                     before its mounts were marked is not told"
                ),
                // The number may be another namespace's soon.
                Err(why) => {
                    self.known.retain(|known| *known != inode);
                    format!(
                        "process {pid} was in a mount namespace of its own that could not be marked \
                     ({why}): what was done there is told in part"
                    )
                }
            };
            degraded(writer, &text);
        }
        self.entered = Vec::with_capacity(FOLLOWED);
        fds
    }

    /// Places marks on mounts that are new in the namespaces that are watched.
    pub(crate) fn follow_mounts(&mut self, monitor: &mut Monitor, writer: &mut Writer) {
        for followed in &mut self.followed {
            let mounts = match followed.read() {
                Ok(mounts) => mounts,
                // That the accesses there are told in part was said when it was entered.
                Err(_) if followed.inode.is_some() => continue,
                Err(why) => {
                    degraded(writer, &format!("mounts of the run could not be read: {why}"));
                    continue;
                }
            };
            if mounts == followed.mounts {
                continue;
            }
            let added = mounts.split(|b| *b == b'\n').filter(|line| !is_in(line, &followed.mounts));
            let any = added.count() > 0;
            followed.mounts = mounts;
            if !any {
                continue;
            }
            let placed = followed
                .process
                .try_clone()
                .and_then(|process| monitor.follow(process, &followed.mounts, followed.scope));
            match placed {
                Ok(placement) => {
                    marking::tell_mounts(&placement, writer);
                    degraded(
                        writer,
                        "something was mounted where the run is, by anyone: what the run did on it \
                         before it was marked is not told",
                    );
                }
                Err(why) => degraded(writer, &format!("a new mount could not be marked: {why}")),
            }
        }
    }
}

impl Followed {
    /// Whether the process still is: its directory is empty once it was waited for.
    fn lives(&self) -> bool {
        rustix::fs::statat(&self.process, "stat", AtFlags::empty()).is_ok()
    }

    /// Reads mountinfo whole. Opened anew while the process lives: an open one lists what can be reached
    /// from the root that the process had then, and pivot_root(2) leaves nothing of that.
    fn read(&self) -> io::Result<Vec<u8>> {
        read_of(&self.process).or_else(|why| {
            let held = File::from(self.notice.try_clone()?);
            rustix::fs::seek(&held, SeekFrom::Start(0))?;
            let mounts = whole(held)?;
            if mounts.is_empty() { Err(why) } else { Ok(mounts) }
        })
    }
}

fn is_in(line: &[u8], mounts: &[u8]) -> bool {
    line.is_empty() || mounts.split(|b| *b == b'\n').any(|known| known == line)
}

/// Said of accesses, for both: names on the same mounts have the same gap.
fn degraded(writer: &mut Writer, text: &str) {
    statement::source(writer, Source::Access, State::Degraded, text);
}

/// Opens `/proc/PID`.
fn process(pid: u32) -> io::Result<OwnedFd> {
    let flags = OFlags::PATH | OFlags::DIRECTORY | OFlags::CLOEXEC;
    Ok(rustix::fs::open(format!("/proc/{pid}"), flags, Mode::empty())?)
}

fn read_of(process: &OwnedFd) -> io::Result<Vec<u8>> {
    let flags = OFlags::RDONLY | OFlags::CLOEXEC;
    whole(File::from(rustix::fs::openat(process, "mountinfo", flags, Mode::empty())?))
}

fn whole(mut file: File) -> io::Result<Vec<u8>> {
    let mut mounts = Vec::new();
    file.read_to_end(&mut mounts)?;
    Ok(mounts)
}
