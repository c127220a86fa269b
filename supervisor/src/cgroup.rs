//! The run's leaf: one cgroup of the unified hierarchy, below the one we were started in.
//!
//! No controller is touched; works in hybrid mode and beside processes of the parent cgroup
//! (cgroup v2 allows a leaf there as long as nothing is enabled in `cgroup.subtree_control`). The leaf
//! is found again by descriptor, never by path, once it exists.

use std::{
    ffi::OsStr,
    fs,
    io::{self, Read},
    os::{
        fd::{AsFd, BorrowedFd, OwnedFd},
        unix::ffi::OsStrExt,
    },
    path::{Path, PathBuf},
};

use rustix::fs::{AtFlags, Mode, OFlags};

/// `CGROUP2_SUPER_MAGIC`, include/uapi/linux/magic.h.
const CGROUP2_SUPER_MAGIC: i64 = 0x6367_7270;

/// Age below which an empty leaf may be one whose command is about to be cloned into it.
const YOUNG_SECONDS: i64 = 300;

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
}

impl Leaf {
    /// Makes the leaf `name` (`[a-z0-9-]`) below the caller's own cgroup.
    ///
    /// # Errors
    /// [`Error`]; `EACCES` and `EPERM` mean that the hierarchy is not delegated to this user.
    pub(crate) fn create(name: &str) -> Result<Leaf, Error> {
        let path = own_cgroup()?;
        let system = |doing, path: &Path| {
            let path = path.to_owned();
            move |errno: rustix::io::Errno| Error::System { doing, path, source: errno.into() }
        };
        let flags = OFlags::DIRECTORY | OFlags::CLOEXEC | OFlags::RDONLY;
        let parent =
            rustix::fs::open(&path, flags, Mode::empty()).map_err(system("open", &path))?;
        let on = rustix::fs::fstatfs(&parent).map_err(system("inspect", &path))?;
        if on.f_type != CGROUP2_SUPER_MAGIC {
            return Err(Error::NoHierarchy);
        }
        sweep(&parent);
        let leaf = path.join(name);
        rustix::fs::mkdirat(&parent, name, Mode::from_raw_mode(0o755))
            .map_err(system("create", &leaf))?;
        let dir = rustix::fs::openat(&parent, name, flags, Mode::empty())
            .map_err(system("open", &leaf))?;
        let events = rustix::fs::openat(
            &dir,
            "cgroup.events",
            OFlags::RDONLY | OFlags::CLOEXEC,
            Mode::empty(),
        )
        .map_err(system("watch", &leaf))?;
        let stat = rustix::fs::fstat(&dir).map_err(system("inspect", &leaf))?;
        let (name, events) = (name.to_owned(), events.into());
        Ok(Leaf { parent, name, dir, events, id: stat.st_ino })
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
        let _ = rustix::fs::unlinkat(&self.parent, self.name.as_str(), AtFlags::REMOVEDIR);
    }
}

impl Drop for Leaf {
    fn drop(&mut self) {
        self.remove();
    }
}

/// Removes leaves of ours that outlived their recorder: it leaves them to processes that live on after
/// `--linger`. One with processes stays (`EBUSY`); a young one may be waiting for its first.
fn sweep(parent: &OwnedFd) {
    let Ok(entries) = rustix::fs::Dir::read_from(parent) else { return };
    for entry in entries.flatten() {
        let name = entry.file_name();
        let old = || {
            let stat = rustix::fs::statat(parent, name, AtFlags::SYMLINK_NOFOLLOW).ok()?;
            let age = crate::clock::real_ns() / 1_000_000_000 - stat.st_mtime;
            (age > YOUNG_SECONDS).then_some(())
        };
        if name.to_bytes().starts_with(b"audit-") && old().is_some() {
            let _ = rustix::fs::unlinkat(parent, name, AtFlags::REMOVEDIR);
        }
    }
}

/// Returns the directory of the caller's cgroup in the unified hierarchy.
fn own_cgroup() -> Result<PathBuf, Error> {
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
    Ok(Path::new(OsStr::from_bytes(&mount.mount_point)).join(OsStr::from_bytes(own)))
}

/// Reads a file of /proc whole.
pub(crate) fn read(path: &str) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    fs::File::open(path)?.read_to_end(&mut bytes)?;
    Ok(bytes)
}
