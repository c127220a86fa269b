//! Removing runs: our own files, or those of the installed recorder through it.

use std::{fs, io, path::Path};

use storage::{RunId, Store};

use crate::{failure::Failure, installed, run};

/// Removes runs of a store.
pub(crate) struct Remover<'s> {
    store: &'s Store,
}

impl<'s> Remover<'s> {
    /// For the runs of `store`.
    pub(crate) fn of(store: &'s Store) -> Self {
        Remover { store }
    }

    /// Removes these, and says of each that stays why. Returns those that are gone.
    ///
    /// # Errors
    /// From inside a recorded run nothing is removed; the installed recorder says so of each.
    pub(crate) fn remove(
        &self,
        ids: &[RunId],
        mut tell: impl FnMut(&RunId, Failure),
    ) -> Result<Vec<RunId>, Failure> {
        let mut gone = Vec::new();
        let mut done = |id: &RunId, done: Result<(), Failure>| match done {
            Ok(()) => gone.push(id.clone()),
            Err(failure) => tell(id, failure),
        };
        let uid = rustix::process::geteuid();
        let sealed = self.store.path() == installed::home_of(uid.as_raw()).join("runs");
        if sealed && !uid.is_root() {
            run::remove_sealed(ids, &mut done)?;
        } else {
            if is_recorded(self.store) {
                return Err(Failure::new("cannot remove runs from inside a recorded run"));
            }
            for id in ids {
                done(id, remove(self.store, id));
            }
        }
        for cache in gone.iter().filter_map(|id| self.store.cache_of(id)) {
            // Of most runs there is none.
            let _ = fs::remove_dir_all(cache);
        }
        Ok(gone)
    }
}

/// Whether this process is of a run of `store` that still goes on: whoever is recorded shall not remove
/// records. Told by the cgroup that the kernel says we are in.
fn is_recorded(store: &Store) -> bool {
    let own = fs::read_to_string("/proc/self/cgroup").unwrap_or_default();
    let leaf = own.lines().filter_map(|line| line.strip_prefix("0::")).flat_map(|p| p.split('/'));
    let mut runs = leaf.filter_map(|name| RunId::parse(name.strip_prefix("audit-")?));
    runs.any(|id| store.run(&id).is_ok_and(|run| run.is_live().unwrap_or(true)))
}

/// Removes a run of ours: its files and its directories, nothing else and through no link.
fn remove(store: &Store, id: &RunId) -> Result<(), Failure> {
    let run = store.run(id).map_err(|why| Failure::of(&why))?;
    if run.is_live().unwrap_or(true) {
        return Err(Failure::new("cannot remove the run: it is being recorded"));
    }
    let failed = |why: io::Error| Failure::because("cannot remove the run", &why);
    for sub in ["segments", "rules"] {
        let dir = run.path().join(sub);
        match empty(&dir).and_then(|()| fs::remove_dir(&dir)) {
            Err(why) if why.kind() == io::ErrorKind::NotFound => {}
            other => other.map_err(failed)?,
        }
    }
    empty(run.path()).and_then(|()| fs::remove_dir(run.path())).map_err(failed)
}

fn empty(dir: &Path) -> io::Result<()> {
    for entry in fs::read_dir(dir)? {
        let entry = entry?;
        if !entry.file_type()?.is_dir() {
            fs::remove_file(entry.path())?;
        }
    }
    Ok(())
}
