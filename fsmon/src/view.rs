//! One mount namespace of the run, seen from outside: how to get at its file systems for a moment.

use std::ffi::CString;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::rc::Rc;

use rustix::fs::{Mode, OFlags};
use rustix::io::Errno;

use crate::ask;
use crate::marks::{Coverage, Placed};
use crate::power::Power;
use crate::reopen::{self, Wait};

/// Where the root directory of a namespace is found again.
#[derive(Debug)]
pub enum Root {
    /// A descriptor of the root directory, kept for the run: for the run's own namespace, whose root
    /// nobody unmounts.
    Kept(OwnedFd),
    /// A descriptor of `/proc/PID`, whose `root` is opened when needed: for namespaces that the run
    /// makes and drops. It holds no mount, and is of no use after that process.
    Process(OwnedFd, Rc<dyn Power>),
}

/// A place where a file system can be entered.
#[derive(Debug)]
pub(crate) struct Point {
    pub(crate) fsid: [u32; 2],
    pub(crate) mount_id: u64,
    pub(crate) path: CString,
    /// Whether all of the file system is mounted here, so that no directory of it is outside.
    pub(crate) whole: bool,
    pub(crate) wait: Wait,
}

/// A namespace and its points.
#[derive(Debug)]
pub(crate) struct View {
    root: Root,
    /// Number of the mount that the root is on.
    root_mount: u64,
    /// The root's path in its namespace, empty unless it is below the namespace's own (chroot).
    pub(crate) prefix: Vec<u8>,
    /// Whole ones first.
    pub(crate) points: Vec<Point>,
    /// Device of each mount, also of those without a point.
    devices: Vec<(u64, u32)>,
}

impl View {
    /// Makes a view of what was placed. Opens the root once more, to be able to enter it.
    pub(crate) fn new(root: Root, placed: &[Placed]) -> Result<View, Errno> {
        let root = match root {
            Root::Kept(fd) => Root::Kept(enter(fd.as_fd(), c".")?),
            process => process,
        };
        let mut view = View {
            root,
            root_mount: 0,
            prefix: Vec::new(),
            points: placed.iter().filter_map(point).collect(),
            devices: placed.iter().map(|it| (it.mount.mount_id, it.mount.dev)).collect(),
        };
        view.points.sort_by_key(|point| !point.whole);
        let opened = view.open_root()?;
        let fd = view.root(opened.as_ref())?;
        let mut path = vec![0; ask::ROOM];
        let (range, _) = ask::path_of(fd, b"", &mut path)?;
        let prefix = path.get(range).filter(|path| *path != b"/").unwrap_or_default().to_vec();
        view.root_mount = reopen::identity(fd)?.mount_id;
        view.prefix = prefix;
        Ok(view)
    }

    /// Opens the root where it is not kept.
    pub(crate) fn open_root(&self) -> Result<Option<OwnedFd>, Errno> {
        match &self.root {
            Root::Kept(_) => Ok(None),
            Root::Process(proc, power) => match power.root_of(proc.as_fd()) {
                Ok(root) => Ok(Some(root)),
                Err(why) => Err(Errno::from_io_error(&why).unwrap_or(Errno::IO)),
            },
        }
    }

    /// Returns the root: the kept one, or the one just opened.
    pub(crate) fn root<'a>(&'a self, opened: Option<&'a OwnedFd>) -> Result<BorrowedFd<'a>, Errno> {
        match (&self.root, opened) {
            (Root::Kept(fd), _) | (Root::Process(..), Some(fd)) => Ok(fd.as_fd()),
            (Root::Process(..), None) => Err(Errno::BADF),
        }
    }

    /// Whether the root itself can be used in place of `point`.
    pub(crate) fn is_at_root(&self, point: &Point) -> bool {
        point.mount_id == self.root_mount
    }

    /// Returns the device of a mount of this namespace.
    pub(crate) fn device(&self, mount_id: u64) -> Option<u32> {
        self.devices.iter().find(|(id, _)| *id == mount_id).map(|(_, dev)| *dev)
    }
}

/// Opens a directory so that open_by_handle_at(2) takes it, which refuses `O_PATH`.
pub(crate) fn enter(dir: BorrowedFd<'_>, path: &std::ffi::CStr) -> Result<OwnedFd, Errno> {
    let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC;
    rustix::fs::openat(dir, path, flags, Mode::empty())
}

/// Returns where `placed` can be entered, if it reports handles at all.
fn point(placed: &Placed) -> Option<Point> {
    let handles = placed.access == Coverage::Fid || placed.names == Coverage::Fid;
    Some(Point {
        fsid: placed.fsid.filter(|_| handles && placed.is_dir)?,
        mount_id: placed.mount.mount_id,
        path: CString::new(placed.mount.mount_point.as_slice()).ok()?,
        whole: placed.mount.root == b"/",
        wait: placed.wait,
    })
}
