//! Asking the kernel where a directory is: its handle is opened on a mount of the run, and
//! `/proc/self/fd` tells the path. Mounts are opened for one batch of questions only.

use std::ffi::CStr;
use std::io::Write;
use std::ops::Range;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, OwnedFd};

use rustix::fs::OFlags;
use rustix::io::Errno;

use crate::reopen::{self, Identity, Wait};
use crate::sys;
use crate::view::{Point, View};
use crate::wire::Handle;

/// Longest path that `/proc/self/fd` tells: a page, less the NUL (fs/proc/base.c,
/// `do_proc_readlink`, v6.18). Beyond it the answer is `ENAMETOOLONG`.
const LONGEST: usize = 4095;

/// Room for a path and a NUL.
pub(crate) const ROOM: usize = LONGEST + 1;

/// Mounts that a batch may have open at a time.
const OPEN_POINTS: usize = 8;

/// What the kernel puts behind the path of something that was removed.
const DELETED: &[u8] = b" (deleted)";

/// A path, as a part of the buffer that was lent.
#[derive(Debug)]
pub(crate) struct Found {
    pub(crate) range: Range<usize>,
    pub(crate) deleted: bool,
    pub(crate) view: usize,
    /// The directory itself, as a path only.
    pub(crate) dir: OwnedFd,
}

/// The namespaces of the run, and what is open of them until the batch ends.
#[derive(Debug, Default)]
pub(crate) struct Namespaces {
    views: Vec<View>,
    /// Roots of views that keep none.
    roots: Vec<Option<OwnedFd>>,
    points: [Option<OpenPoint>; OPEN_POINTS],
    /// Which of `points` is given up next.
    next: usize,
}

/// A directory as its file system names it.
#[derive(Debug)]
pub(crate) struct Named {
    fsid: [u32; 2],
    handle: sys::FileHandle,
}

impl Named {
    pub(crate) fn handle(&self) -> Handle<'_> {
        let (kind, bytes) = self.handle.parts();
        Handle { fsid: self.fsid, kind, bytes }
    }
}

#[derive(Debug)]
struct OpenPoint {
    view: usize,
    point: usize,
    fd: OwnedFd,
    /// It is the very mount that was marked, and the whole of its file system: no directory is
    /// outside of it.
    sure: bool,
}

impl Namespaces {
    pub(crate) fn add(&mut self, view: View) -> usize {
        self.views.push(view);
        self.roots.push(None);
        self.views.len() - 1
    }

    /// Returns the device of a mount, if it was there when marks were placed.
    pub(crate) fn device(&self, mount_id: u64) -> Option<u32> {
        self.views.iter().find_map(|view| view.device(mount_id))
    }

    /// Whether a path leads to that file in the run's own namespace, on whichever mount.
    pub(crate) fn leads_to(&self, path: &mut [u8], range: &Range<usize>, file: &Identity) -> bool {
        let root = self.views.first().and_then(|view| view.root(None).ok());
        let found = root.and_then(|root| look(root, path, range).ok());
        found.is_some_and(|found| (found.dev, found.ino) == (file.dev, file.ino))
    }

    /// Returns the path of the run's root directory within its namespace, empty for `/`.
    pub(crate) fn prefix(&self) -> &[u8] {
        self.views.first().map(|view| view.prefix.as_slice()).unwrap_or_default()
    }

    /// Closes all that must not stay open while nobody asks.
    pub(crate) fn close(&mut self) {
        self.roots.iter_mut().for_each(|root| *root = None);
        self.points.iter_mut().for_each(|point| *point = None);
    }

    /// Writes the path of the directory to `path`.
    ///
    /// # Errors
    /// `ESTALE` when it is gone, `EXDEV` when no mount leads to it.
    pub(crate) fn ask(&mut self, handle: &Handle<'_>, path: &mut [u8]) -> Result<Found, Errno> {
        let mut last = Errno::XDEV;
        for view in 0..self.views.len() {
            let mut point = 0;
            while let Some(next) = self.point_of(view, point, handle.fsid) {
                match self.ask_at(view, next, handle, path) {
                    Ok(found) => return Ok(found),
                    // All mounts of the file system give the same answer.
                    Err(Errno::STALE) => return Err(Errno::STALE),
                    Err(errno) => last = errno,
                }
                point = next + 1;
            }
        }
        Err(last)
    }

    /// Finds a point of the file system, not before number `from`.
    fn point_of(&self, view: usize, from: usize, fsid: [u32; 2]) -> Option<usize> {
        let points = self.views.get(view)?.points.get(from..)?;
        points.iter().position(|point| point.fsid == fsid).map(|index| from + index)
    }

    fn ask_at(
        &mut self,
        view: usize,
        point: usize,
        handle: &Handle<'_>,
        path: &mut [u8],
    ) -> Result<Found, Errno> {
        let open = self.enter(view, point)?;
        let seen = self.views.get(view).ok_or(Errno::XDEV)?;
        let root = seen.root(self.roots.get(view).and_then(Option::as_ref))?;
        let (mount, sure) = match open {
            Some(slot) => {
                let open = self.points.get(slot).and_then(Option::as_ref).ok_or(Errno::XDEV)?;
                (open.fd.as_fd(), open.sure)
            }
            None => (root, seen.points.get(point).is_some_and(|point| point.whole)),
        };
        let dir = sys::open_handle(mount, handle.kind, handle.bytes, libc::O_DIRECTORY)?;
        let (range, deleted) = path_of(dir.as_fd(), &seen.prefix, path)?;
        if !sure && !deleted {
            check(root, dir.as_fd(), path, &range)?;
        }
        Ok(Found { range, deleted, view, dir })
    }

    /// Opens the directory that holds `dir`, and names it. Writes its path to `path`.
    ///
    /// # Errors
    /// `EXDEV` when it is on a mount that is not of the namespace's list, `EAGAIN` when somebody would
    /// have to be waited for.
    pub(crate) fn above(
        &self,
        dir: BorrowedFd<'_>,
        view: usize,
        path: &mut [u8],
    ) -> Result<(OwnedFd, Named, Range<usize>), Errno> {
        let seen = self.views.get(view).ok_or(Errno::XDEV)?;
        let up = reopen::above(dir)?;
        let mount_id = reopen::identity(&up)?.mount_id;
        let point = seen.points.iter().find(|point| point.mount_id == mount_id);
        let fsid = point.ok_or(Errno::XDEV)?.fsid;
        let handle = sys::handle_of(up.as_fd())?;
        let (range, deleted) = path_of(up.as_fd(), &seen.prefix, path)?;
        if deleted { Err(Errno::STALE) } else { Ok((up, Named { fsid, handle }, range)) }
    }

    fn enter(&mut self, view: usize, point: usize) -> Result<Option<usize>, Errno> {
        self.open_root(view)?;
        self.open_point(view, point)
    }

    /// Opens what a handle names, as a path only.
    ///
    /// # Errors
    /// `ESTALE` when it is gone, `EXDEV` when no mount leads to its file system.
    pub(crate) fn open(&mut self, handle: &Handle<'_>) -> Result<OwnedFd, Errno> {
        let mut last = Errno::XDEV;
        for view in 0..self.views.len() {
            let mut point = 0;
            while let Some(next) = self.point_of(view, point, handle.fsid) {
                match self.open_at(view, next, handle) {
                    Ok(file) => return Ok(file),
                    Err(Errno::STALE) => return Err(Errno::STALE),
                    Err(errno) => last = errno,
                }
                point = next + 1;
            }
        }
        Err(last)
    }

    fn open_at(
        &mut self,
        view: usize,
        point: usize,
        handle: &Handle<'_>,
    ) -> Result<OwnedFd, Errno> {
        let open = self.enter(view, point)?;
        let seen = self.views.get(view).ok_or(Errno::XDEV)?;
        let mount = match open.and_then(|slot| self.points.get(slot)?.as_ref()) {
            Some(open) => open.fd.as_fd(),
            None => seen.root(self.roots.get(view).and_then(Option::as_ref))?,
        };
        sys::open_handle(mount, handle.kind, handle.bytes, 0)
    }

    fn open_root(&mut self, view: usize) -> Result<(), Errno> {
        if let (Some(view), Some(root)) = (self.views.get(view), self.roots.get_mut(view))
            && root.is_none()
        {
            *root = view.open_root()?;
        }
        Ok(())
    }

    /// Opens a point unless it is open; `None` when the root serves for it.
    fn open_point(&mut self, view: usize, point: usize) -> Result<Option<usize>, Errno> {
        let is_it = |open: &Option<OpenPoint>| {
            open.as_ref().is_some_and(|open| open.view == view && open.point == point)
        };
        if let Some(slot) = self.points.iter().position(is_it) {
            return Ok(Some(slot));
        }
        let seen = self.views.get(view).ok_or(Errno::XDEV)?;
        let wanted = seen.points.get(point).ok_or(Errno::XDEV)?;
        if seen.is_at_root(wanted) {
            return Ok(None);
        }
        let root = seen.root(self.roots.get(view).and_then(Option::as_ref))?;
        let (fd, sure) = enter_point(root, wanted)?;
        let slot = self.next % OPEN_POINTS;
        self.next = slot + 1;
        if let Some(place) = self.points.get_mut(slot) {
            *place = Some(OpenPoint { view, point, fd, sure });
        }
        Ok(Some(slot))
    }
}

/// Opens a mount point, if it is still one of the file system meant.
fn enter_point(root: BorrowedFd<'_>, point: &Point) -> Result<(OwnedFd, bool), Errno> {
    let fd = reopen::beneath(root, &point.path, OFlags::RDONLY | OFlags::DIRECTORY, point.wait)?;
    let same_mount = reopen::identity(&fd)?.mount_id == point.mount_id;
    if !same_mount && reopen::fsid(&fd)? != point.fsid {
        return Err(Errno::XDEV);
    }
    Ok((fd, same_mount && point.whole))
}

/// Proves that `path` leads to `dir`. Where only a part of a file system is mounted, the kernel gives
/// directories outside that part a path as if they were in it (fs/d_path.c `prepend_path`, "escaped").
fn check(
    root: BorrowedFd<'_>,
    dir: BorrowedFd<'_>,
    path: &mut [u8],
    range: &Range<usize>,
) -> Result<(), Errno> {
    let found = look(root, path, range).map_err(|_| Errno::XDEV)?;
    if found == reopen::identity(dir)? { Ok(()) } else { Err(Errno::XDEV) }
}

/// Looks where a path leads, which a NUL is put behind for that. The path is the run's choice, so
/// nobody is waited for; what is open has all its directories cached.
fn look(root: BorrowedFd<'_>, path: &mut [u8], range: &Range<usize>) -> Result<Identity, Errno> {
    *path.get_mut(range.end).ok_or(Errno::NAMETOOLONG)? = 0;
    let text = path.get(range.start..=range.end).ok_or(Errno::NAMETOOLONG)?;
    let text = CStr::from_bytes_with_nul(text).map_err(|_| Errno::INVAL)?;
    reopen::identity(reopen::beneath(root, text, OFlags::PATH | OFlags::NOFOLLOW, Wait::Never)?)
}

/// Writes the path of `fd` to `path`, without the `prefix` of a root that is not its namespace's,
/// and tells whether the file has been removed.
pub(crate) fn path_of(
    fd: BorrowedFd<'_>,
    prefix: &[u8],
    path: &mut [u8],
) -> Result<(Range<usize>, bool), Errno> {
    let mut end = read_link(fd, path)?;
    let text = path.get(..end).unwrap_or_default();
    // A name may end so too; what has been removed has no links left.
    let deleted = text.ends_with(DELETED) && reopen::identity(fd)?.links == 0;
    if deleted {
        end -= DELETED.len();
    }
    let below = path.get(..end).and_then(|text| text.strip_prefix(prefix)).unwrap_or_default();
    let start = match below.first() {
        Some(b'/') => prefix.len(),
        // The root itself: its path is the `/` that the prefix begins with.
        None if !prefix.is_empty() && path.get(..end) == Some(prefix) => {
            return Ok((0..1, deleted));
        }
        // Outside of the run's root.
        _ => 0,
    };
    Ok((start..end, deleted))
}

/// readlink(2) of `/proc/self/fd/N`, without allocating.
fn read_link(fd: BorrowedFd<'_>, path: &mut [u8]) -> Result<usize, Errno> {
    let mut name = [0_u8; 32];
    let mut rest = name.as_mut_slice();
    write!(rest, "/proc/self/fd/{}", fd.as_raw_fd()).map_err(|_| Errno::NAMETOOLONG)?;
    let name = CStr::from_bytes_until_nul(&name).map_err(|_| Errno::NAMETOOLONG)?;
    let room = path.get_mut(..ROOM).ok_or(Errno::NAMETOOLONG)?;
    let len = rustix::fs::readlinkat_raw(rustix::fs::CWD, name, room)?;
    if len > LONGEST { Err(Errno::NAMETOOLONG) } else { Ok(len) }
}
