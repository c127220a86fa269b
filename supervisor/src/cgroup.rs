//! The run's leaf: one cgroup of the unified hierarchy, below the one we were started in.
//!
//! No controller is touched; works in hybrid mode and beside processes of the parent cgroup
//! (cgroup v2 allows a leaf there as long as nothing is enabled in `cgroup.subtree_control`). The leaf
//! is found again by descriptor, never by path, once it exists.

use std::{
    ffi::{CStr, OsStr},
    fs,
    io::{self, Read},
    os::{
        fd::{AsFd, BorrowedFd, OwnedFd},
        unix::ffi::OsStrExt,
    },
    path::{Path, PathBuf},
    rc::Rc,
};

use rustix::fs::{AtFlags, FlockOperation, Mode, OFlags, flock};
use rustix::io::Errno;

use crate::keeper::Keeper;

/// `CGROUP2_SUPER_MAGIC`, include/uapi/linux/magic.h.
const CGROUP2_SUPER_MAGIC: i64 = 0x6367_7270;

/// What names of leaves begin with.
const LEAF: &[u8] = b"audit-";

/// Age below which a leaf may be one that its recorder has not locked yet.
const YOUNG_SECONDS: i64 = 5;

/// Making or reading the leaf failed.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Error {
    /// No cgroup2 mount in this mount namespace.
    #[error("cannot find a cgroup v2 hierarchy in /proc/self/mountinfo")]
    NoHierarchy,
    /// `/proc/self/cgroup` has no line of the unified hierarchy.
    #[error("cannot read the own cgroup from /proc/self/cgroup")]
    NoMembership,
    /// A system call failed.
    #[error("cannot {doing} cgroup {}", path.display())]
    System {
        /// What was tried.
        doing: &'static str,
        /// On which cgroup.
        path: PathBuf,
        /// Why it failed.
        source: io::Error,
    },
}

impl Error {
    /// The errno behind it, 0 where there is none.
    pub(crate) fn errno(&self) -> i32 {
        match self {
            Error::System { source, .. } => source.raw_os_error().unwrap_or(0),
            Error::NoHierarchy | Error::NoMembership => 0,
        }
    }
}

/// The leaf of one run; removed when dropped, if it is empty by then.
#[derive(Debug)]
pub(crate) struct Leaf {
    parent: OwnedFd,
    name: String,
    dir: OwnedFd,
    events: fs::File,
    id: u64,
    keeper: Option<Rc<Keeper>>,
}

/// Cgroup of all installed recorders, at the top of the hierarchy: what the recorded user owns, it could
/// freeze and kill whatever is in it.
const RECORDERS: &str = "audit-run";

/// Mode of a directory that is searched, never listed.
const DIRECTORY: OFlags = OFlags::DIRECTORY.union(OFlags::CLOEXEC);

/// The cgroup that the caller was in when we were started: the leaf comes below it, so that its limits
/// hold for the command as ever.
#[derive(Debug)]
pub(crate) struct Parent {
    dir: OwnedFd,
    path: PathBuf,
    top: PathBuf,
}

impl Parent {
    /// Finds the caller's cgroup; ours, until [`Parent::leave`].
    ///
    /// # Errors
    /// [`Error`].
    pub(crate) fn find() -> Result<Parent, Error> {
        let (top, path) = own_cgroup()?;
        let dir = rustix::fs::open(&path, DIRECTORY | OFlags::RDONLY, Mode::empty())
            .map_err(system("open", &path))?;
        let on = rustix::fs::fstatfs(&dir).map_err(system("inspect", &path))?;
        if on.f_type != CGROUP2_SUPER_MAGIC {
            return Err(Error::NoHierarchy);
        }
        Ok(Parent { dir, path, top })
    }

    /// Whether the caller is itself recorded: one of its cgroups is a leaf that `owner` made.
    ///
    /// # Errors
    /// [`Error::System`].
    pub(crate) fn is_recorded(&self, owner: u32) -> Result<bool, Error> {
        for path in self.path.ancestors().take_while(|path| **path != *self.top) {
            let name = path.file_name().map(OsStr::as_bytes).unwrap_or_default();
            if name.starts_with(LEAF) {
                let stat = rustix::fs::stat(path).map_err(system("inspect", path))?;
                if stat.st_uid == owner {
                    return Ok(true);
                }
            }
        }
        Ok(false)
    }

    /// Goes where the caller has no say.
    ///
    /// # Errors
    /// [`Error::System`].
    pub(crate) fn leave(&self) -> Result<(), Error> {
        let path = self.top.join(RECORDERS);
        match rustix::fs::mkdir(&path, Mode::from_raw_mode(0o755)) {
            Ok(()) | Err(rustix::io::Errno::EXIST) => {}
            Err(errno) => return Err(system("create", &path)(errno)),
        }
        let dir = rustix::fs::open(&path, DIRECTORY | OFlags::RDONLY, Mode::empty())
            .map_err(system("open", &path))?;
        move_into(&dir, 0).map_err(|source| Error::System { doing: "enter", path, source })
    }
}

/// Moves the process `pid` into the cgroup `dir`; 0 is this one.
///
/// # Errors
/// Those of write(2), see cgroups(7).
pub(crate) fn move_into(dir: impl AsFd, pid: u32) -> io::Result<()> {
    let flags = OFlags::WRONLY | OFlags::CLOEXEC;
    let procs = rustix::fs::openat(dir, "cgroup.procs", flags, Mode::empty())?;
    rustix::io::write(&procs, pid.to_string().as_bytes())?;
    Ok(())
}

fn system(doing: &'static str, path: &Path) -> impl FnOnce(rustix::io::Errno) -> Error + use<> {
    let path = path.to_owned();
    move |errno| Error::System { doing, path, source: errno.into() }
}

impl Leaf {
    /// Makes the leaf `name` (`[a-z0-9-]`) below `parent`.
    ///
    /// # Errors
    /// [`Error`]; `EACCES` and `EPERM` mean that the hierarchy is not delegated to this user.
    pub(crate) fn create(parent: Parent, name: &str) -> Result<Leaf, Error> {
        let Parent { dir: parent, path, .. } = parent;
        sweep(&parent);
        let leaf = path.join(name);
        rustix::fs::mkdirat(&parent, name, Mode::from_raw_mode(0o755))
            .map_err(system("create", &leaf))?;
        match open(&parent, name, &leaf) {
            Ok((dir, events, id)) => {
                let (name, events) = (name.to_owned(), events.into());
                Ok(Leaf { parent, name, dir, events, id, keeper: None })
            }
            Err(why) => {
                remove(&parent, name);
                Err(why)
            }
        }
    }

    /// Has somebody else remove it, who may.
    pub(crate) fn keep(&mut self, keeper: Rc<Keeper>) {
        self.keeper = Some(keeper);
    }

    /// Its name and the cgroup that it is in.
    pub(crate) fn place(&self) -> (BorrowedFd<'_>, &str) {
        (self.parent.as_fd(), &self.name)
    }

    /// kernfs id of the cgroup: the inode number of its directory (fs/kernfs, 64-bit machines).
    pub(crate) fn id(&self) -> u64 {
        self.id
    }

    /// The descriptor that tells of changes of `populated` by `POLLPRI`.
    pub(crate) fn events(&self) -> BorrowedFd<'_> {
        self.events.as_fd()
    }

    /// Whether a live process is in the leaf or below it. Reading it also arms the next notice.
    ///
    /// # Errors
    /// Those of pread(2).
    pub(crate) fn populated(&self) -> io::Result<bool> {
        let mut buf = [0; 128];
        let len = rustix::io::pread(&self.events, &mut buf, 0)?;
        let text = buf.get(..len).unwrap_or_default();
        Ok(!text.split(|b| *b == b'\n').any(|line| line == b"populated 0"))
    }
}

impl AsFd for Leaf {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.dir.as_fd()
    }
}

impl Leaf {
    /// Removes the leaf, if nobody is in it.
    pub(crate) fn remove(&self) {
        // EBUSY while processes outlive --linger: the cgroup stays with them, as a scope of theirs
        // would; an empty cgroup costs nothing, and killing them is not ours.
        match &self.keeper {
            Some(keeper) => keeper.remove_leaf(),
            None => remove(&self.parent, &self.name),
        }
    }
}

/// Opens a new leaf and its notices. It is locked as long as its recorder lives, so that one that a
/// recorder left behind is known.
fn open(parent: &OwnedFd, name: &str, leaf: &Path) -> Result<(OwnedFd, OwnedFd, u64), Error> {
    let flags = DIRECTORY | OFlags::RDONLY;
    let dir =
        rustix::fs::openat(parent, name, flags, Mode::empty()).map_err(system("open", leaf))?;
    flock(&dir, FlockOperation::NonBlockingLockExclusive).map_err(system("lock", leaf))?;
    let flags = OFlags::RDONLY | OFlags::CLOEXEC;
    let events = rustix::fs::openat(&dir, "cgroup.events", flags, Mode::empty())
        .map_err(system("watch", leaf))?;
    let stat = rustix::fs::fstat(&dir).map_err(system("inspect", leaf))?;
    Ok((dir, events, stat.st_ino))
}

/// Removes the leaf `name` of `parent`, if nobody is in it.
pub(crate) fn remove(parent: impl AsFd, name: &str) {
    // A second time, where the kernel had no memory for the first.
    for _ in 0..2 {
        match rustix::fs::unlinkat(parent.as_fd(), name, AtFlags::REMOVEDIR) {
            Err(Errno::NOMEM | Errno::INTR) => {}
            _ => return,
        }
    }
}

impl Drop for Leaf {
    fn drop(&mut self) {
        self.remove();
    }
}

/// Removes leaves of ours that outlived their recorder: it leaves them to processes that live on after
/// `--linger`, and it may have been killed. One with processes stays (`EBUSY`), as does one that its
/// recorder has locked.
fn sweep(parent: &OwnedFd) {
    let Ok(entries) = rustix::fs::Dir::read_from(parent) else { return };
    for entry in entries.flatten() {
        let name = entry.file_name();
        let is_ours = name.to_bytes().starts_with(LEAF) && name.to_bytes() != RECORDERS.as_bytes();
        if is_ours && is_left(parent, name) {
            let _ = rustix::fs::unlinkat(parent, name, AtFlags::REMOVEDIR);
        }
    }
}

/// Whether the recorder of this leaf is gone.
fn is_left(parent: &OwnedFd, name: &CStr) -> bool {
    let flags = DIRECTORY | OFlags::RDONLY | OFlags::NOFOLLOW;
    let opened = rustix::fs::openat(parent, name, flags, Mode::empty());
    let Ok((dir, stat)) = opened.and_then(|dir| rustix::fs::fstat(&dir).map(|stat| (dir, stat)))
    else {
        return false;
    };
    let age = crate::clock::real_ns() / 1_000_000_000 - stat.st_mtime;
    age > YOUNG_SECONDS && flock(&dir, FlockOperation::NonBlockingLockExclusive).is_ok()
}

/// Returns where the unified hierarchy is mounted, and the directory of our own cgroup in it.
fn own_cgroup() -> Result<(PathBuf, PathBuf), Error> {
    let mountinfo = read("/proc/self/mountinfo").map_err(|_| Error::NoHierarchy)?;
    let mount = fsmon::parse(&mountinfo)
        .filter_map(Result::ok)
        .find(|mount| mount.fs_type == b"cgroup2")
        .ok_or(Error::NoHierarchy)?;
    let membership = read("/proc/self/cgroup").map_err(|_| Error::NoMembership)?;
    let own = membership
        .split(|b| *b == b'\n')
        .find_map(|line| line.strip_prefix(b"0::/"))
        .ok_or(Error::NoMembership)?;
    let top = PathBuf::from(OsStr::from_bytes(&mount.mount_point));
    let path = top.join(OsStr::from_bytes(own));
    Ok((top, path))
}

/// Reads a file of /proc whole.
pub(crate) fn read(path: &str) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    fs::File::open(path)?.read_to_end(&mut bytes)?;
    Ok(bytes)
}
