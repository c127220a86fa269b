//! What waits to be sent: parts that were made, whole, each under its run's name. A run that is pruned
//! in the meantime is still sent.

use std::{
    fs::{self, File},
    io,
    path::{Path, PathBuf},
};

use rustix::fs::{FlockOperation, Mode, OFlags};

use crate::{marks::replace, parts::Part, runs::Sealed};

/// End of the name of what says where the parts of a run belong.
const NOTE: &str = ".run";

/// The directory, locked: one shipper at a time uses a state.
#[derive(Debug)]
pub(crate) struct Spool {
    folder: PathBuf,
    _lock: rustix::fd::OwnedFd,
}

impl Spool {
    /// Opens the spool in `state`, which is made, and removes what was half made when a shipper was killed.
    pub(crate) fn open(state: &Path) -> Result<Spool, String> {
        let attempt = |why: io::Error| format!("cannot use {}: {why}", state.display());
        let folder = folder(state);
        let mut make = fs::DirBuilder::new();
        std::os::unix::fs::DirBuilderExt::mode(make.recursive(true), 0o700);
        make.create(&folder).map_err(attempt)?;
        let flags = OFlags::DIRECTORY | OFlags::CLOEXEC;
        let lock =
            rustix::fs::open(state, flags, Mode::empty()).map_err(|why| attempt(why.into()))?;
        rustix::fs::flock(&lock, FlockOperation::NonBlockingLockExclusive).map_err(
            |why| match why {
                rustix::io::Errno::WOULDBLOCK => {
                    format!(
                        "another `audit ship` uses {}: wait for it, or give --state",
                        state.display()
                    )
                }
                other => attempt(other.into()),
            },
        )?;
        for entry in fs::read_dir(&folder).map_err(attempt)?.flatten() {
            if entry.file_name().as_encoded_bytes().starts_with(b".") {
                fs::remove_file(entry.path()).map_err(attempt)?;
            }
        }
        Ok(Spool { folder, _lock: lock })
    }

    /// Where the part is, or would be.
    pub(crate) fn path(&self, run: &str, part: Part) -> PathBuf {
        self.folder.join(format!("{run}.{}", part.word()))
    }

    /// Where it is made.
    pub(crate) fn scratch(&self, run: &str, part: Part) -> PathBuf {
        self.folder.join(format!(".{run}.{}", part.word()))
    }

    /// Puts a part that is made into its place, durably.
    pub(crate) fn keep(&self, run: &str, part: Part) -> io::Result<()> {
        let made = self.scratch(run, part);
        File::open(&made)?.sync_all()?;
        fs::rename(&made, self.path(run, part))?;
        File::open(&self.folder)?.sync_all()
    }

    /// Forgets a part that all targets have.
    pub(crate) fn remove(&self, run: &str, part: Part) {
        // It is removed the next time where this fails.
        let _ = fs::remove_file(self.path(run, part));
    }

    /// Writes down where the parts of a run belong, for the day when the run itself is gone.
    pub(crate) fn note(&self, run: &Sealed) -> io::Result<()> {
        let name = format!("{}{NOTE}", run.id);
        if self.folder.join(&name).exists() {
            return Ok(());
        }
        replace(&self.folder, &name, run.partition.as_bytes())
    }

    /// Runs with parts that wait, which are not among `known`: they were pruned.
    pub(crate) fn orphans(&self, known: &[Sealed]) -> Vec<Sealed> {
        let mut orphans = Vec::new();
        for entry in fs::read_dir(&self.folder).into_iter().flatten().flatten() {
            let name = entry.file_name();
            let Some(id) = name.to_str().and_then(|name| name.strip_suffix(NOTE)) else { continue };
            if id.starts_with('.') || known.iter().any(|run| run.id == id) {
                continue;
            }
            if let Ok(partition) = fs::read_to_string(entry.path()) {
                let path = self.folder.join("gone");
                orphans.push(Sealed { id: id.to_owned(), path, partition });
            }
        }
        orphans.sort_by(|a, b| a.id.cmp(&b.id));
        orphans
    }

    /// Forgets a run that has no part here.
    pub(crate) fn tidy(&self, run: &str) {
        let waits = |part| self.path(run, part).exists();
        if !waits(Part::Bundle) && !waits(Part::Parquet) {
            // It is removed the next time where this fails.
            let _ = fs::remove_file(self.folder.join(format!("{run}{NOTE}")));
        }
    }

    /// Bytes that wait.
    pub(crate) fn size(&self) -> u64 {
        size(&self.folder)
    }
}

/// Bytes that wait in `state`.
pub(crate) fn waiting(state: &Path) -> u64 {
    size(&folder(state))
}

fn folder(state: &Path) -> PathBuf {
    state.join("spool")
}

fn size(folder: &Path) -> u64 {
    let entries = fs::read_dir(folder).into_iter().flatten().flatten();
    entries.filter_map(|entry| Some(entry.metadata().ok()?.len())).sum()
}
