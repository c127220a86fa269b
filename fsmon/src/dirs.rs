//! Directories by handle: each gets a number of this run, and its path is asked for once.
//!
//! A path is what the kernel says when asked, so it is as new as the question, not as the event:
//! [`crate::Monitor`] asks in an order that makes the difference small, and forgets all paths when a
//! directory is renamed. With each directory those above it are told by their handles, so that a
//! reader of the record can say which of them a rename moved.

use std::io;
use std::ops::Range;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};

use rustix::io::Errno;

use crate::ask::{self, Found, Named, Namespaces};
use crate::hash::Keys;
use crate::marks::Placed;
use crate::reopen;
use crate::table::{Place, Table};
use crate::view::{Root, View};
use crate::wire::Handle;

/// Moved directories that are remembered while accesses from before may be told still.
const MOVED: usize = 64;

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
    /// What was told last, if those above it are to be told.
    here: Option<Here>,
    /// Directories that were moved since [`Dirs::settle`]; of more than these, the first ones.
    moved: [u128; MOVED],
    moves: u64,
    /// The directory of the last [`Dirs::above`], and room for its path.
    up: Option<Named>,
    up_path: Box<[u8]>,
    stats: Stats,
}

/// A directory that was told with its path.
#[derive(Debug)]
struct Here {
    dir: OwnedFd,
    view: usize,
    path: Range<usize>,
}

/// The directory that holds another one.
#[derive(Debug)]
pub struct Above<'d> {
    /// Its handle.
    pub handle: Handle<'d>,
    /// What is to be told of it.
    pub lookup: Lookup<'d>,
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
        /// It was moved, by whomever, since [`Dirs::settle`]: what is told now may have been done when
        /// it had another path.
        moved: bool,
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
            here: None,
            moved: [0; MOVED],
            moves: 0,
            up: None,
            up_path: vec![0; ask::ROOM].into_boxed_slice(),
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
        self.here = None;
        let hash = self.hash(handle);
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
        let remembered = self.remember(hash, place, answer);
        match found {
            Ok(Found { range, deleted, view, dir }) => {
                // Of what is removed nobody can move what is above.
                self.here = (!deleted).then(|| Here { dir, view, path: range.clone() });
                let id = match remembered {
                    Ok(id) => return Lookup::Known { id },
                    Err(id) => id,
                };
                let path = self.path.get(range).unwrap_or_default();
                Lookup::New { id, path, deleted, view, moved: self.was_moved(hash) }
            }
            Err(errno) => match remembered {
                Ok(id) => Lookup::Known { id },
                Err(id) => Lookup::Stale { id, errno: errno.raw_os_error() },
            },
        }
    }

    /// Looks up the directory above the one that was told last; `None` when that was none, or the
    /// root, was asked for before, or cannot be told without waiting or for certain. Call it after each
    /// [`Dirs::lookup`] until it tells none.
    pub fn above(&mut self) -> Option<Above<'_>> {
        let Here { dir, view, path: range } = self.here.take()?;
        let path = self.path.get(range.clone())?;
        let slash = path.iter().rposition(|byte| *byte == b'/').filter(|_| path != b"/")?;
        let (up, named, found) =
            self.namespaces.above(dir.as_fd(), view, &mut self.up_path).ok()?;
        // Moved in between: it is asked again with its next use.
        let above = path.get(..slash.max(1))?;
        if self.up_path.get(found)? != above {
            return None;
        }
        let range = range.start..range.start + above.len();
        let hash = self.hash(&named.handle());
        let place = self.table.find(hash);
        let asked = match place {
            Place::At(entry) => {
                self.table.get_mut(entry).is_some_and(|it| it.generation == self.generation)
            }
            Place::Absent => false,
        };
        let answer = self.keys.hash(&[self.path.get(range.clone())?, &[0], &view.to_ne_bytes()]);
        let remembered = self.remember(hash, place, answer);
        let moved = self.was_moved(hash);
        let handle = self.up.insert(named).handle();
        self.here = (!asked).then(|| Here { dir: up, view, path: range.clone() });
        let lookup = match remembered {
            Ok(id) => Lookup::Known { id },
            Err(id) => {
                let path = self.path.get(range)?;
                Lookup::New { id, path, deleted: false, view, moved }
            }
        };
        Some(Above { handle, lookup })
    }

    /// A directory was moved, by whomever: all paths are asked again. `None`: which one is not known.
    pub fn moved(&mut self, dir: Option<&Handle<'_>>) {
        let hash = dir.map(|dir| self.hash(dir));
        // It is told again with its next use, also if it comes back to where it was.
        if let Some(hash) = hash
            && let Place::At(entry) = self.table.find(hash)
            && let Some(known) = self.table.get_mut(entry)
        {
            known.answer = 0;
        }
        let free = usize::try_from(self.moves).ok().and_then(|moves| self.moved.get_mut(moves));
        if let (Some(free), Some(hash)) = (free, hash) {
            *free = hash;
        }
        self.moves = self.moves.saturating_add(1);
        self.invalidate();
    }

    /// Whatever was done before the moves so far has been told by now. Returns how many there were
    /// since the last time.
    pub fn settle(&mut self) -> u64 {
        std::mem::take(&mut self.moves)
    }

    /// Whether a directory was moved since [`Dirs::settle`]; when too many were, it may have been.
    fn was_moved(&self, hash: u128) -> bool {
        let moves = usize::try_from(self.moves).unwrap_or(usize::MAX);
        self.moved.get(..moves).is_none_or(|moved| moved.contains(&hash))
    }

    fn hash(&self, handle: &Handle<'_>) -> u128 {
        let [low, high] = handle.fsid.map(u32::to_ne_bytes);
        self.keys.hash(&[&low, &high, &handle.kind.to_ne_bytes(), handle.bytes])
    }

    /// Stores the answer. Returns the directory's number: the old one when the answer is the same as
    /// before, else as an error a new one, which is to be told.
    fn remember(&mut self, hash: u128, place: Place, answer: u128) -> Result<u32, u32> {
        let fresh = self.last_id.saturating_add(1);
        let known = Known { id: fresh, generation: self.generation, answer };
        match place {
            Place::At(entry) => {
                if let Some(old) = self.table.get_mut(entry) {
                    old.generation = known.generation;
                    if old.answer == answer {
                        return Ok(old.id);
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
        Err(fresh)
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
        self.here = None;
        self.namespaces.close();
    }

    /// Returns the counts.
    #[must_use]
    pub fn stats(&self) -> Stats {
        self.stats
    }
}
