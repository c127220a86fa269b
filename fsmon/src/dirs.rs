//! Directories by handle: each gets a number of this run, and its path is asked for once.
//!
//! A path is what the kernel says when asked, so it is as new as the question, not as the event:
//! [`crate::Monitor`] asks in an order that makes the difference small, and forgets all paths when a
//! directory is renamed.

use std::io;
use std::os::fd::{BorrowedFd, OwnedFd};

use rustix::io::Errno;

use crate::ask::{self, Found, Namespaces};
use crate::hash::Keys;
use crate::marks::Placed;
use crate::reopen;
use crate::table::{Place, Table};
use crate::view::{Root, View};
use crate::wire::Handle;

/// The directories seen in a run. See [`Dirs::lookup`].
#[derive(Debug)]
pub struct Dirs {
    keys: Keys,
    table: Table<Known>,
    /// Entries of an earlier generation have to be asked again.
    generation: u32,
    last_id: u32,
    namespaces: Namespaces,
    path: Box<[u8]>,
    stats: Stats,
}

#[derive(Debug, Clone, Copy)]
struct Known {
    id: u32,
    generation: u32,
    /// Hash of the answer, to notice that it is the same when asked again.
    answer: u128,
}

/// Counts since the beginning.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Stats {
    /// Directories asked for.
    pub asked: u64,
    /// Of these, without a path.
    pub stale: u64,
    /// Times that all was forgotten because there was no more room.
    pub cleared: u64,
    /// Times that all paths were forgotten because one had changed.
    pub invalidated: u64,
}

/// What is known about a directory.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Lookup<'d> {
    /// Told before, and the same as then.
    Known {
        /// Its number.
        id: u32,
    },
    /// New, or its path is: tell it.
    New {
        /// Its number from now on; never used before.
        id: u32,
        /// Its path in the run's mount namespace.
        path: &'d [u8],
        /// It has been removed; this is the path that it had.
        deleted: bool,
        /// In which namespace the path holds: 0 the run's own, else in the order of [`Dirs::see`].
        view: usize,
    },
    /// New, and there is no path: tell that.
    Stale {
        /// Its number from now on; never used before.
        id: u32,
        /// Why: `ESTALE` removed, `EXDEV` not reachable through any mount of the run,
        /// `ENAMETOOLONG` more than 4095 bytes.
        errno: i32,
    },
}

impl Lookup<'_> {
    /// Returns the directory's number, never 0.
    #[must_use]
    pub fn id(&self) -> u32 {
        match self {
            Lookup::Known { id } | Lookup::New { id, .. } | Lookup::Stale { id, .. } => *id,
        }
    }
}

/// A file that came as a descriptor.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct FdFile<'d> {
    /// Its path in the mount namespace of whoever opened it, or why there is none.
    pub path: Result<&'d [u8], i32>,
    /// It has been removed; this is the path that it had.
    pub deleted: bool,
    /// The path may lead elsewhere in the run's own namespace: the file was opened in another one,
    /// or on a mount that is gone and that the path now begins at.
    pub doubtful: bool,
    /// Device of the file system that it was opened on, `major << 20 | minor`.
    pub dev: u32,
    /// Inode number.
    pub ino: u64,
}

impl Dirs {
    /// Makes room for `capacity` directories. Nothing can be found before [`Dirs::see`].
    #[must_use]
    pub fn new(capacity: usize) -> Dirs {
        Dirs {
            keys: Keys::new(),
            table: Table::new(capacity),
            generation: 0,
            last_id: 0,
            namespaces: Namespaces::default(),
            path: vec![0; ask::ROOM].into_boxed_slice(),
            stats: Stats::default(),
        }
    }

    /// Adds a mount namespace, or the same one with other mounts; returns its number. The first is
    /// the run's own. Allocates: for set-up, and for the rare new namespace.
    ///
    /// # Errors
    /// What opening the root says.
    pub fn see(&mut self, root: Root, placed: &[Placed]) -> io::Result<usize> {
        let view = self.namespaces.add(View::new(root, placed)?);
        self.invalidate();
        Ok(view)
    }

    /// Looks a directory up, and asks for its path when it is new or may have changed.
    pub fn lookup(&mut self, handle: &Handle<'_>) -> Lookup<'_> {
        let [low, high] = handle.fsid.map(u32::to_ne_bytes);
        let hash = self.keys.hash(&[&low, &high, &handle.kind.to_ne_bytes(), handle.bytes]);
        let place = self.table.find(hash);
        if let Place::At(entry) = place
            && let Some(known) = self.table.get_mut(entry)
            && known.generation == self.generation
        {
            return Lookup::Known { id: known.id };
        }
        let found = self.namespaces.ask(handle, &mut self.path);
        self.stats.asked += 1;
        self.stats.stale += u64::from(found.is_err());
        let answer = self.answer(&found);
        self.remember(hash, place, answer, found)
    }

    /// Stores the answer and tells it, unless it is the same as before.
    fn remember(
        &mut self,
        hash: u128,
        place: Place,
        answer: u128,
        found: Result<Found, Errno>,
    ) -> Lookup<'_> {
        let fresh = self.last_id.saturating_add(1);
        let known = Known { id: fresh, generation: self.generation, answer };
        match place {
            Place::At(entry) => {
                if let Some(old) = self.table.get_mut(entry) {
                    old.generation = known.generation;
                    if old.answer == answer {
                        return Lookup::Known { id: old.id };
                    }
                    *old = known;
                }
            }
            Place::Absent => {
                if self.table.is_full() {
                    self.table.clear();
                    self.stats.cleared += 1;
                }
                self.table.add(hash, known);
            }
        }
        self.last_id = fresh;
        match found {
            Ok(Found { range, deleted, view }) => {
                let path = self.path.get(range).unwrap_or_default();
                Lookup::New { id: fresh, path, deleted, view }
            }
            Err(errno) => Lookup::Stale { id: fresh, errno: errno.raw_os_error() },
        }
    }

    fn answer(&self, found: &Result<Found, Errno>) -> u128 {
        match found {
            Ok(found) => {
                let path = self.path.get(found.range.clone()).unwrap_or_default();
                self.keys.hash(&[path, &[u8::from(found.deleted)], &found.view.to_ne_bytes()])
            }
            Err(errno) => self.keys.hash(&[&errno.raw_os_error().to_ne_bytes()]),
        }
    }

    /// Opens what a handle names as a path only (`O_PATH`), to look at what it is now.
    ///
    /// # Errors
    /// `ESTALE` when it is gone, `EXDEV` when no mount of the run leads to its file system.
    pub fn open(&mut self, handle: &Handle<'_>) -> Result<OwnedFd, Errno> {
        self.namespaces.open(handle)
    }

    /// Says what a file is that came as a descriptor.
    pub fn file(&mut self, fd: BorrowedFd<'_>) -> FdFile<'_> {
        let identity = reopen::identity(fd).unwrap_or_default();
        let found = ask::path_of(fd, self.namespaces.prefix(), &mut self.path);
        let device = self.namespaces.device(identity.mount_id);
        let doubtful = device.is_none()
            && !found
                .as_ref()
                .is_ok_and(|(range, _)| self.namespaces.leads_to(&mut self.path, range, &identity));
        let deleted = found.as_ref().is_ok_and(|(_, deleted)| *deleted);
        let path = match found {
            Ok((range, _)) => Ok(self.path.get(range).unwrap_or_default()),
            Err(errno) => Err(errno.raw_os_error()),
        };
        // Overlay tells another device for each of its layers, but the records of opens have the
        // superblock's, which is also the one in mountinfo.
        let dev = device.unwrap_or(identity.dev);
        FdFile { path, deleted, doubtful, dev, ino: identity.ino }
    }

    /// Forgets all paths, because a directory or a mount has moved. Numbers stay where the path turns
    /// out to be the same.
    pub fn invalidate(&mut self) {
        self.generation = self.generation.wrapping_add(1);
        self.stats.invalidated += 1;
    }

    /// Closes what was opened since the last call: call it before waiting, or a umount(8) of the run
    /// fails with `EBUSY`.
    pub fn end_batch(&mut self) {
        self.namespaces.close();
    }

    /// Returns the counts.
    #[must_use]
    pub fn stats(&self) -> Stats {
        self.stats
    }
}
