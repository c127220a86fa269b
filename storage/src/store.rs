//! The directory of all runs: `HOME/runs/<id>/`.

use std::{
    ffi::OsStr,
    io,
    os::fd::OwnedFd,
    os::unix::fs::{DirBuilderExt, MetadataExt},
    path::{Path, PathBuf},
    time::SystemTime,
};

use crate::{Error, RunDir, RunId, bundle, files, run::SEGMENTS};

/// Name of the directory of keys.
pub(crate) const KEYS: &str = "keys";

/// How often another suffix is tried; 20 bits of chance for runs of one second and one label.
const TRIES: u32 = 32;

/// Where runs are kept.
#[derive(Debug, Clone)]
pub struct Store {
    runs: PathBuf,
    cache: Option<PathBuf>,
    bundles: Option<PathBuf>,
}

impl Store {
    /// Uses the store in `home`, which need not exist: it then has no runs.
    #[must_use]
    pub fn open(home: &Path) -> Store {
        Store { runs: home.join("runs"), cache: None, bundles: None }
    }

    /// Keeps what is derived from runs of somebody else in `cache`: [`RunDir::open_with`].
    #[must_use]
    pub fn with_cache(self, cache: Option<PathBuf>) -> Store {
        Store { cache, ..self }
    }

    /// Unpacks bundles that are read in `cache`.
    #[must_use]
    pub fn with_bundles(self, cache: Option<PathBuf>) -> Store {
        Store { bundles: cache, ..self }
    }

    /// Opens the run in `path`, wherever that is: a directory, or a bundle.
    ///
    /// # Errors
    /// Those of [`RunDir::open`]; [`Error::Bundle`] and [`Error::NoCache`] for a file.
    pub fn run_in(&self, path: &Path) -> Result<RunDir, Error> {
        match path.metadata() {
            Ok(meta) if !meta.is_dir() => self.unpacked(path, false),
            _ => RunDir::open_with(path, self.cache.as_deref()),
        }
    }

    /// Opens the bundle `path`; with `again`, what was unpacked before is held against it.
    fn unpacked(&self, path: &Path, again: bool) -> Result<RunDir, Error> {
        match &self.bundles {
            Some(cache) => bundle::open(path, cache, again),
            None => Err(Error::NoCache { path: path.to_owned() }),
        }
    }

    /// Opens the bundle `path` to be imported: as [`Store::select_checked`].
    ///
    /// # Errors
    /// [`Error::Bundle`], [`Error::NoCache`], [`Error::File`].
    pub fn bundle_checked(&self, path: &Path) -> Result<RunDir, Error> {
        self.unpacked(path, true)
    }

    /// Opens a run that is to be verified: of a bundle, what was unpacked before is held against it, and
    /// unpacked anew where it is not the same.
    ///
    /// # Errors
    /// As [`Store::select`].
    pub fn select_checked(&self, wanted: &str) -> Result<RunDir, Error> {
        let run = self.select(wanted)?;
        match run.bundle().map(|(path, _)| path.to_owned()) {
            Some(path) => {
                drop(run);
                self.unpacked(&path, true)
            }
            None => Ok(run),
        }
    }

    /// The directory that holds the runs.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.runs
    }

    /// Makes the directory of a new run, and the store if it is the first one.
    ///
    /// `unix` is the time, seconds since 1970; `name` is the run's, `command` the program's.
    ///
    /// # Errors
    /// [`Error::Exposed`] when others than this user could change what is written there,
    /// [`Error::File`] when it cannot be made: a full or read-only store.
    pub fn create_run(
        &self,
        unix: u64,
        name: Option<&OsStr>,
        command: &OsStr,
    ) -> Result<RunDir, Error> {
        self.make()?;
        let runs = files::open_dir(&self.runs).map_err(Error::file("open", &self.runs))?;
        let id = make_run(&runs, unix, name, command).map_err(Error::file("make", &self.runs))?;
        self.run(&id)
    }

    /// Opens the directory of the recorder's keys beside the runs, and makes it if it is not there.
    ///
    /// # Errors
    /// [`Error::File`].
    pub fn open_keys(&self) -> Result<OwnedFd, Error> {
        let path = self.runs.with_file_name(KEYS);
        let made = std::fs::DirBuilder::new().mode(files::DIR_MODE.as_raw_mode()).create(&path);
        match made {
            Err(why) if why.kind() != io::ErrorKind::AlreadyExists => {
                Err(Error::file("make", path)(why))
            }
            _ => files::open_dir(&path).map_err(Error::file("open", path)),
        }
    }

    /// Returns the ids of all runs, the oldest first. What is not a run's directory is passed over.
    ///
    /// # Errors
    /// [`Error::File`] when the directory is there and cannot be read.
    pub fn ids(&self) -> Result<Vec<RunId>, Error> {
        let entries = match std::fs::read_dir(&self.runs) {
            Ok(entries) => entries,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
            Err(error) => return Err(Error::file("read", &self.runs)(error)),
        };
        let mut ids = Vec::new();
        for entry in entries {
            let entry = entry.map_err(Error::file("read", &self.runs))?;
            let Some(id) = entry.file_name().to_str().and_then(RunId::parse) else { continue };
            ids.push((id.stamp().to_owned(), born(&entry), id));
        }
        ids.sort();
        Ok(ids.into_iter().map(|(_, _, id)| id).collect())
    }

    /// Opens the run `id`.
    ///
    /// # Errors
    /// Those of [`RunDir::open`].
    pub fn run(&self, id: &RunId) -> Result<RunDir, Error> {
        self.run_in(&self.runs.join(id.as_str()))
    }

    /// Where what is derived from the run `id` is kept, if that is not its own directory.
    #[must_use]
    pub fn cache_of(&self, id: &RunId) -> Option<PathBuf> {
        let path = self.runs.join(id.as_str());
        Some(crate::run::place_in(self.cache.as_deref()?, &path, id.as_str()))
    }

    /// Makes the directory of runs where there is none.
    pub(crate) fn make(&self) -> Result<(), Error> {
        let mode = files::DIR_MODE.as_raw_mode();
        let made = std::fs::DirBuilder::new().recursive(true).mode(mode).create(&self.runs);
        made.map_err(Error::file("make", &self.runs))?;
        self.check_owner()
    }

    /// A directory that others can write to is theirs: they could put links into it.
    fn check_owner(&self) -> Result<(), Error> {
        let exposed = |why: String| Error::Exposed { path: self.runs.clone(), why };
        for path in [Some(self.runs.as_path()), self.runs.parent()].into_iter().flatten() {
            let meta = path.metadata().map_err(Error::file("open", path))?;
            let own = rustix::process::geteuid().as_raw();
            if meta.uid() != own {
                return Err(exposed(format!("it belongs to uid {}, not to {own}", meta.uid())));
            }
            if meta.mode() & 0o022 != 0 {
                return Err(exposed("others may write to it (chmod go-w it)".to_owned()));
            }
        }
        Ok(())
    }
}

/// Two runs of one second are told apart by when their directories were made.
fn born(entry: &std::fs::DirEntry) -> Option<SystemTime> {
    let meta = entry.metadata().ok()?;
    meta.created().or_else(|_| meta.modified()).ok()
}

/// mkdir is atomic: of two that choose one id, one is told to choose again.
fn make_run(runs: &OwnedFd, unix: u64, name: Option<&OsStr>, command: &OsStr) -> io::Result<RunId> {
    for _ in 0..TRIES {
        let id = RunId::draw(unix, name, command)?;
        match files::make_sub_dir(runs, id.as_str()) {
            Ok(run) => {
                files::make_sub_dir(run, SEGMENTS)?;
                return Ok(id);
            }
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
            Err(error) => return Err(error),
        }
    }
    Err(io::ErrorKind::AlreadyExists.into())
}

#[cfg(test)]
mod tests {
    use std::{collections::BTreeSet, os::unix::fs::PermissionsExt};

    use super::*;

    fn new_run(store: &Store) -> RunDir {
        store.create_run(1_795_292_130, None, OsStr::new("sh")).expect("a run")
    }

    #[test]
    fn a_run_and_its_store_are_for_their_owner_only() {
        let temp = tempfile::tempdir().expect("a directory");
        let home = temp.path().join("a/b");
        let run = new_run(&Store::open(&home));
        for path in [&home, run.path(), &run.path().join("segments"), &temp.path().join("a")] {
            let mode = path.metadata().expect("it is there").permissions().mode();
            assert_eq!(mode & 0o777, 0o700, "{}", path.display());
        }
    }

    #[test]
    fn runs_of_one_second_have_different_ids() {
        let temp = tempfile::tempdir().expect("a directory");
        let store = Store::open(temp.path());
        let made: Vec<RunId> = (0..40).map(|_| new_run(&store).id().clone()).collect();
        assert_eq!(made.iter().collect::<BTreeSet<_>>().len(), made.len());
        assert_eq!(store.ids().expect("they list").len(), made.len());
    }

    #[test]
    fn a_store_that_others_can_write_to_is_refused() {
        let temp = tempfile::tempdir().expect("a directory");
        let store = Store::open(temp.path());
        new_run(&store);
        let open = std::fs::Permissions::from_mode(0o777);
        std::fs::set_permissions(store.path(), open).expect("chmod");
        let error = store.create_run(0, None, OsStr::new("sh")).expect_err("it is refused");
        assert!(matches!(error, Error::Exposed { .. }), "{error}");
    }

    #[test]
    fn a_store_that_is_not_there_has_no_runs() {
        let store = Store::open(Path::new("/nonexistent/audit"));
        assert_eq!(store.ids().expect("they list"), []);
    }
}
