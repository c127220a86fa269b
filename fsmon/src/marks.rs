//! Placing marks on every mount of a namespace, and saying what each is worth.
//!
//! Mount points are opened through the root directory of a process in that namespace, so that no
//! thread has to enter it; statx(2) proves that the mount meant is the one found. Nothing opened here
//! stays open: a kept descriptor would make the run's umount(8) fail with `EBUSY`.

use std::collections::{HashMap, HashSet};
use std::ffi::CString;
use std::io;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};

use fanotify::low_level as fan;
use rustix::fs::OFlags;

use crate::group::{Group, Groups, mask};
use crate::kinds::{Treatment, is_served, treatment};
use crate::mounts::{self, Mount};
use crate::power::Power;
use crate::reopen::{self, Identity, Wait};

/// How far an access mark reaches.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Scope {
    /// Accesses through the mount itself: in a namespace of its own, those of the run alone.
    Mount,
    /// Accesses to the file system through any mount, by anybody on the machine.
    Filesystem,
}

/// How a mount is watched.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Coverage {
    /// By handle and name.
    Fid,
    /// By descriptor.
    Fd,
    /// By descriptor, and only what is written.
    FdWrites,
    /// Not at all.
    None(Gap),
}

/// Why something is not watched.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Gap {
    /// Another mount is on top of it: no path leads there.
    Hidden,
    /// Watching it would do harm, or tell nothing.
    Policy(&'static str),
    /// The kernel refused a step.
    Refused {
        /// What was tried, as in "cannot STEP".
        step: &'static str,
        /// Error number.
        errno: i32,
    },
}

impl std::fmt::Display for Gap {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Gap::Hidden => write!(f, "hidden by another mount"),
            Gap::Policy(why) => write!(f, "{why}"),
            Gap::Refused { step, errno } => {
                write!(f, "cannot {step}: {}", io::Error::from_raw_os_error(*errno))
            }
        }
    }
}

/// One mount and what became of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Placed {
    /// The mount.
    pub mount: Mount,
    /// Its file system, as in a [`crate::Handle`]; `None` where it was not asked or has none.
    pub fsid: Option<[u32; 2]>,
    /// Whether a directory is mounted, not a file.
    pub is_dir: bool,
    /// Reads, writes, executions.
    pub access: Coverage,
    /// Directory entries and attributes: [`Coverage::Fid`] or none.
    pub names: Coverage,
    /// How it may be opened again.
    pub(crate) wait: Wait,
}

/// What [`place`] did.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Placement {
    /// All mounts of mountinfo, in its order.
    pub mounts: Vec<Placed>,
    /// Lines of mountinfo that could not be read.
    pub malformed: usize,
}

/// Marks every mount in `mountinfo`, opening each below `root`, the root directory of a process of
/// that namespace (`/proc/PID/root`). Marking what is marked already changes nothing.
#[must_use]
pub fn place(groups: &Groups, root: BorrowedFd<'_>, mountinfo: &[u8], scope: Scope) -> Placement {
    let mut placer =
        Placer { groups, root, scope, superblocks: HashMap::new(), served: HashSet::new() };
    let mut placement = Placement::default();
    for mount in mounts::parse(mountinfo) {
        match mount {
            Ok(mount) => placement.mounts.push(placer.place(mount)),
            Err(_) => placement.malformed += 1,
        }
    }
    placer.root_if_unlisted(&mut placement.mounts);
    placement
}

/// What the marks of a file system as a whole are worth.
#[derive(Clone, Copy)]
struct Whole {
    access: Option<Coverage>,
    names: Coverage,
}

struct Placer<'a> {
    groups: &'a Groups,
    root: BorrowedFd<'a>,
    scope: Scope,
    /// By device: each superblock is marked once.
    superblocks: HashMap<u32, Whole>,
    /// Mounts that have a server, and mounts on them.
    served: HashSet<u64>,
}

impl Placer<'_> {
    fn place(&mut self, mount: Mount) -> Placed {
        if is_served(&mount.fs_type) || self.served.contains(&mount.parent_id) {
            self.served.insert(mount.mount_id);
        }
        let how = match treatment(&mount.fs_type) {
            Treatment::Never(why) => return unwatched(mount, Gap::Policy(why)),
            how => how,
        };
        match self.open(&mount) {
            Ok((point, found)) => self.mark(mount, how, &point, &found),
            Err(gap) => unwatched(mount, gap),
        }
    }

    /// Says whether the way to a mount leads through a server that may not answer.
    fn wait(&self, mount: &Mount) -> Wait {
        if self.served.contains(&mount.mount_id) { Wait::Never } else { Wait::Allowed }
    }

    /// Opens the mount point and proves that it is this mount.
    fn open(&self, mount: &Mount) -> Result<(OwnedFd, Identity), Gap> {
        let path = CString::new(mount.mount_point.as_slice())
            .map_err(|_| refused("open the mount point", libc::EINVAL))?;
        let point = reopen::beneath(self.root, &path, OFlags::PATH, self.wait(mount))
            .map_err(|errno| refused("open the mount point", errno.raw_os_error()))?;
        let found = reopen::identity(&point)
            .map_err(|errno| refused("ask for the mount's number", errno.raw_os_error()))?;
        if found.mount_id == mount.mount_id { Ok((point, found)) } else { Err(Gap::Hidden) }
    }

    fn mark(&mut self, mount: Mount, how: Treatment, point: &OwnedFd, found: &Identity) -> Placed {
        let fsid = match reopen::fsid(point) {
            Ok(fsid) => Some(fsid),
            // What its events name could not be found again.
            Err(errno) if how == Treatment::Full => {
                return unwatched(mount, refused("ask for its number", errno.raw_os_error()));
            }
            Err(_) => None,
        };
        let wait = self.wait(&mount);
        let whole = self.whole(mount.dev, how, point);
        let access = match whole.access {
            Some(access) => access,
            None => {
                // A file that is mounted by itself (a container's /etc/hosts) is in a directory that
                // may be out of reach; as a descriptor it has the path that it is used by.
                let by_handle = how == Treatment::Full && !found.is_regular;
                access_mark(self.groups, how, by_handle, fan::FAN_MARK_MOUNT, point)
            }
        };
        let is_dir = found.is_dir;
        Placed { mount, fsid, is_dir, access, names: whole.names, wait }
    }

    /// Places the marks that hold for the whole file system, once.
    fn whole(&mut self, dev: u32, how: Treatment, point: &OwnedFd) -> Whole {
        if let Some(whole) = self.superblocks.get(&dev) {
            return *whole;
        }
        let by_handle = how == Treatment::Full;
        let access = (self.scope == Scope::Filesystem)
            .then(|| access_mark(self.groups, how, by_handle, fan::FAN_MARK_FILESYSTEM, point));
        let names = match how {
            Treatment::Full => names_mark(self.groups, point),
            _ => Coverage::None(Gap::Policy("its entries are made by the kernel")),
        };
        let whole = Whole { access, names };
        self.superblocks.insert(dev, whole);
        whole
    }

    /// A process whose root directory is no mount point (chroot) does not find the mount that its
    /// root is on in mountinfo. It is marked all the same.
    fn root_if_unlisted(&mut self, placed: &mut Vec<Placed>) {
        let Ok(found) = reopen::identity(self.root) else { return };
        let known: HashSet<u64> = placed.iter().map(|placed| placed.mount.mount_id).collect();
        if known.contains(&found.mount_id) {
            return;
        }
        let mount = Mount {
            mount_id: found.mount_id,
            dev: found.dev,
            root: b"?".to_vec(),
            mount_point: b"/".to_vec(),
            ..Mount::default()
        };
        placed.push(self.place(mount));
    }
}

/// Marks reads, writes and executions on the mount or file system (`reach`) of `point`.
fn access_mark(
    groups: &Groups,
    how: Treatment,
    by_handle: bool,
    reach: u32,
    point: &OwnedFd,
) -> Coverage {
    if by_handle {
        match mark(&*groups.power, &groups.access, reach, mask::ACCESSES, point) {
            Ok(()) => return Coverage::Fid,
            Err(libc::EOPNOTSUPP | libc::ENODEV | libc::EXDEV | libc::EINVAL) => {}
            Err(errno) => return Coverage::None(refused("mark it", errno)),
        }
    }
    let (events, coverage) = match how {
        Treatment::Writes => (mask::WRITES, Coverage::FdWrites),
        _ => (mask::ACCESSES, Coverage::Fd),
    };
    match mark(&*groups.power, &groups.access_fd, reach, events, point) {
        Ok(()) => coverage,
        Err(errno) => Coverage::None(refused("mark it", errno)),
    }
}

/// Marks directory entries and attributes on the whole file system: the kernel has no other marks
/// for them, and they cost nothing to those who do not change any.
fn names_mark(groups: &Groups, point: &OwnedFd) -> Coverage {
    let (whole, group, power) = (fan::FAN_MARK_FILESYSTEM, &groups.names, &*groups.power);
    let marked = match mark(power, group, whole, mask::NAMES, point) {
        Err(libc::EINVAL) => mark(power, group, whole, mask::NAMES_BEFORE_5_17, point),
        other => other,
    };
    match marked {
        Ok(()) => Coverage::Fid,
        Err(errno) => Coverage::None(refused("mark its directory entries", errno)),
    }
}

fn mark(
    power: &dyn Power,
    group: &Group,
    reach: u32,
    events: u64,
    point: &OwnedFd,
) -> Result<(), i32> {
    power
        .mark(group.as_fd(), reach, events, point.as_fd())
        .map_err(|error| error.raw_os_error().unwrap_or(libc::EIO))
}

fn unwatched(mount: Mount, gap: Gap) -> Placed {
    let none = Coverage::None(gap);
    Placed { mount, fsid: None, is_dir: true, access: none, names: none, wait: Wait::Never }
}

fn refused(step: &'static str, errno: i32) -> Gap {
    Gap::Refused { step, errno }
}
