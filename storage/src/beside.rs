//! What a user keeps beside the runs: the locks of names, which runs are pinned, and when the store was
//! last tidied. Of runs that the installed recorder keeps it is in the user's own state directory.

use std::{
    fs::{DirBuilder, File},
    io,
    os::{fd::OwnedFd, unix::fs::DirBuilderExt},
    path::{Path, PathBuf},
    time::SystemTime,
};

use rustix::{
    fs::{FlockOperation, Mode, OFlags},
    io::Errno,
};

use crate::{Error, RunId, files};

const LOCKS: &str = "locks";
const KEPT: &str = "kept";
const TIDIED: &str = "tidied";

/// The directory of all that.
#[derive(Debug, Clone)]
pub struct Beside {
    dir: PathBuf,
}

/// A name that is taken until this is dropped, or its process is gone.
#[derive(Debug)]
pub struct Lock {
    _file: File,
}

impl Beside {
    /// Uses `dir`, which need not exist.
    #[must_use]
    pub fn open(dir: &Path) -> Beside {
        Beside { dir: dir.to_owned() }
    }

    /// Takes the lock of `name`, a word without `/`; `None` while another process has it.
    ///
    /// # Errors
    /// [`Error::File`].
    pub fn lock(&self, name: &str) -> Result<Option<Lock>, Error> {
        let failed = Error::file("lock", self.dir.join(LOCKS).join(name));
        let take = || {
            let file = self.touch(LOCKS, name)?;
            match rustix::fs::flock(&file, FlockOperation::NonBlockingLockExclusive) {
                Ok(()) => Ok(Some(Lock { _file: file })),
                Err(Errno::WOULDBLOCK) => Ok(None),
                Err(errno) => Err(errno.into()),
            }
        };
        take().map_err(failed)
    }

    /// Pins a run: nothing removes it until it is let go.
    ///
    /// # Errors
    /// [`Error::File`].
    pub fn keep(&self, id: &RunId) -> Result<(), Error> {
        let failed = Error::file("write", self.dir.join(KEPT).join(id.as_str()));
        self.touch(KEPT, id.as_str()).map(drop).map_err(failed)
    }

    /// Takes that back; says whether it was pinned.
    ///
    /// # Errors
    /// [`Error::File`].
    pub fn let_go(&self, id: &RunId) -> Result<bool, Error> {
        let path = self.dir.join(KEPT).join(id.as_str());
        match std::fs::remove_file(&path) {
            Ok(()) => Ok(true),
            Err(why) if why.kind() == io::ErrorKind::NotFound => Ok(false),
            Err(why) => Err(Error::file("remove", path)(why)),
        }
    }

    /// Returns whether a run is pinned. What cannot be told is: a pin keeps evidence.
    #[must_use]
    pub fn is_kept(&self, id: &RunId) -> bool {
        self.dir.join(KEPT).join(id.as_str()).try_exists().unwrap_or(true)
    }

    /// When the store was last tidied; `None` when it never was.
    #[must_use]
    pub fn tidied(&self) -> Option<SystemTime> {
        self.dir.join(TIDIED).metadata().ok()?.modified().ok()
    }

    /// The store is tidied now.
    ///
    /// # Errors
    /// [`Error::File`].
    pub fn mark_tidied(&self) -> Result<(), Error> {
        let failed = Error::file("write", self.dir.join(TIDIED));
        let mark = || files::create(self.make()?, TIDIED).map(drop);
        mark().map_err(failed)
    }

    fn make(&self) -> io::Result<OwnedFd> {
        DirBuilder::new().recursive(true).mode(files::DIR_MODE.as_raw_mode()).create(&self.dir)?;
        files::open_dir(&self.dir)
    }

    /// Opens the file `name` in the directory `sub`; both are made if they are not there.
    fn touch(&self, sub: &str, name: &str) -> io::Result<File> {
        let dir = self.make()?;
        let sub = match files::make_sub_dir(&dir, sub) {
            Err(why) if why.kind() == io::ErrorKind::AlreadyExists => files::open_sub_dir(dir, sub),
            other => other,
        }?;
        let flags = OFlags::RDONLY | OFlags::CREATE | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        Ok(rustix::fs::openat(sub, name, flags, Mode::RUSR | Mode::WUSR)?.into())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_taken_once_until_it_is_let_go() {
        let temp = tempfile::tempdir().expect("a directory");
        let beside = Beside::open(&temp.path().join("a/b"));
        let first = beside.lock("nightly").expect("it locks").expect("it is free");
        assert!(beside.lock("nightly").expect("it locks").is_none());
        assert!(beside.lock("other").expect("it locks").is_some());
        drop(first);
        assert!(beside.lock("nightly").expect("it locks").is_some());
    }

    #[test]
    fn a_lock_is_not_taken_through_a_link() {
        let temp = tempfile::tempdir().expect("a directory");
        let beside = Beside::open(temp.path());
        drop(beside.lock("a"));
        std::os::unix::fs::symlink("a", temp.path().join("locks/b")).expect("a link");
        assert!(beside.lock("b").is_err());
    }

    #[test]
    fn a_pinned_run_is_kept_until_it_is_let_go() {
        let temp = tempfile::tempdir().expect("a directory");
        let beside = Beside::open(temp.path());
        let id = RunId::parse("20261121-201530-claude-7k2m").expect("an id");
        assert!(!beside.is_kept(&id));
        beside.keep(&id).expect("it pins");
        beside.keep(&id).expect("it pins again");
        assert!(beside.is_kept(&id));
        assert!(beside.let_go(&id).expect("it lets go"));
        assert!(!beside.is_kept(&id) && !beside.let_go(&id).expect("nothing to do"));
    }

    #[test]
    fn the_last_tidying_is_known() {
        let temp = tempfile::tempdir().expect("a directory");
        let beside = Beside::open(temp.path());
        assert!(beside.tidied().is_none());
        beside.mark_tidied().expect("it marks");
        assert!(beside.tidied().is_some());
    }
}
