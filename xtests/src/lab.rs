//! A place of its own for each test: programs, store and work directory, gone when the test ends.

use std::{
    ffi::OsStr,
    fs::{self, Permissions},
    os::{fd::OwnedFd, unix::fs::PermissionsExt},
    path::{Path, PathBuf},
    process::{Command, Output, Stdio},
};

use rustix::fs::{FlockOperation, Mode, OFlags, flock};
use tempfile::TempDir;

use crate::{Run, leftovers, programs};

/// `TMPFS_MAGIC`, include/uapi/linux/magic.h.
const TMPFS_MAGIC: i64 = 0x0102_1994;

/// A scratch place with its own `audit`, `audit-supervisor` and store.
///
/// The programs are links of the built ones, so that what runs here is told from all else on the
/// machine by its path. Whatever is left when the place is dropped is ended and fails the test.
#[derive(Debug)]
pub struct Lab {
    root: TempDir,
    /// Held while the place exists: exact counts want one test at a time, whatever runs the tests.
    _turn: OwnedFd,
}

impl Lab {
    /// Makes a place on a disk.
    ///
    /// # Panics
    /// When the test cannot record here: says why.
    #[must_use]
    pub fn new() -> Lab {
        // Files in memory are for tests that say so.
        let places = [std::env::temp_dir(), PathBuf::from("/var/tmp")];
        let on_disk = |dir: &&PathBuf| {
            rustix::fs::statfs(dir.as_path()).is_ok_and(|fs| fs.f_type != TMPFS_MAGIC)
        };
        Lab::below(places.iter().find(on_disk).unwrap_or(&places[0]))
    }

    fn below(parent: &Path) -> Lab {
        assert!(
            rustix::process::geteuid().is_root(),
            "this test records for real and needs root; to leave such tests out, and have them \
             named: AUDIT_TEST_NO_KERNEL=1 make test"
        );
        let turn = take_turn();
        let parent = parent.canonicalize().expect("there is a directory for temporary files");
        let root = tempfile::Builder::new().prefix("audit-x.").tempdir_in(parent).expect("room");
        // Other users' commands run here too.
        fs::set_permissions(root.path(), Permissions::from_mode(0o755)).expect("it is ours");
        let lab = Lab { root, _turn: turn };
        for dir in ["bin", "work"] {
            fs::create_dir(lab.root.path().join(dir)).expect("a new directory");
        }
        fs::set_permissions(lab.work(), Permissions::from_mode(0o1777)).expect("it is ours");
        let _ = lab.program("audit-supervisor");
        lab
    }

    /// Directory of everything.
    #[must_use]
    pub fn root(&self) -> &Path {
        self.root.path()
    }

    /// Directory to work in; every user may.
    #[must_use]
    pub fn work(&self) -> PathBuf {
        self.root.path().join("work")
    }

    /// The store.
    #[must_use]
    pub fn home(&self) -> PathBuf {
        self.root.path().join("home")
    }

    /// Directory of this place's own programs.
    #[must_use]
    pub fn bin(&self) -> PathBuf {
        self.root.path().join("bin")
    }

    /// Path of a program of this workspace, for everybody to execute.
    #[must_use]
    pub fn program(&self, name: &str) -> PathBuf {
        let path = self.bin().join(name);
        if !path.exists() {
            programs::link(&programs::built(name), &path);
        }
        path
    }

    /// A tiny static program that exits with 0: starting it costs next to nothing.
    ///
    /// # Panics
    /// When the compiler fails.
    #[must_use]
    pub fn nothing(&self) -> PathBuf {
        let path = self.bin().join("nothing");
        if !path.exists() {
            let source = self.root.path().join("nothing.c");
            fs::write(&source, "int main(void) { return 0; }\n").expect("room");
            let made = Command::new("cc").arg("-static").arg("-o").arg(&path).arg(&source).output();
            let made = made.expect("there is a compiler");
            assert!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));
        }
        path
    }

    /// `audit` with this place's store, no standard input, outputs kept.
    #[must_use]
    pub fn audit(&self) -> Command {
        let mut command = Command::new(self.program("audit"));
        command.env("AUDIT_HOME", self.home()).env_remove("CI").env_remove("AUDIT_RUN_ID");
        // Exact counts of events are of sources; what rules find has suites of its own.
        command.env("AUDIT_NO_BUILTIN", "1");
        // Cargo's: the loader looks for the C library in each of its directories, and what is not there,
        // below one that begins with a dot, is told.
        command.env_remove("LD_LIBRARY_PATH");
        command.current_dir(self.work());
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        command
    }

    /// Output of `audit` with these arguments.
    ///
    /// # Panics
    /// When it cannot be started.
    pub fn ask<S: AsRef<OsStr>>(&self, args: impl IntoIterator<Item = S>) -> Output {
        self.audit().args(args).output().expect("audit starts")
    }

    /// Standard output of `audit` with these arguments, which must succeed.
    ///
    /// # Panics
    /// When it does not.
    pub fn told<S: AsRef<OsStr>>(&self, args: impl IntoIterator<Item = S>) -> String {
        let mut command = self.audit();
        let output = command.args(args).output().expect("audit starts");
        assert!(
            output.status.success(),
            "{command:?}: {}\n{}{}",
            output.status,
            String::from_utf8_lossy(&output.stdout),
            String::from_utf8_lossy(&output.stderr)
        );
        String::from_utf8(output.stdout).expect("pages are UTF-8")
    }

    /// A run of this command, yet to be started.
    pub fn run<S: AsRef<OsStr>>(&self, command: impl IntoIterator<Item = S>) -> Run<'_> {
        Run::new(self, command)
    }

    /// Removes the cgroup of a run whose recorder did not come to it, with all that is in it.
    ///
    /// # Panics
    /// When there is none: then the test expects something else than what happened.
    pub fn remove_leaf(&self, id: &str) {
        let leaves = leftovers::leaves(id);
        assert!(!leaves.is_empty(), "no cgroup of {id} is left");
        leaves.iter().for_each(|leaf| leftovers::remove(leaf));
    }

    /// Directories of the runs in the store, the oldest first.
    #[must_use]
    pub fn runs(&self) -> Vec<PathBuf> {
        let listed = fs::read_dir(self.home().join("runs")).into_iter().flatten();
        let mut dirs: Vec<PathBuf> = listed.filter_map(|e| Some(e.ok()?.path())).collect();
        dirs.retain(|path| path.is_dir());
        dirs.sort();
        dirs
    }
}

impl Default for Lab {
    fn default() -> Self {
        Lab::new()
    }
}

impl Drop for Lab {
    fn drop(&mut self) {
        let left = leftovers::end_all(&self.bin(), &self.runs());
        if !std::thread::panicking() {
            assert_eq!(left, Vec::<String>::new(), "the test left these behind");
        }
    }
}

fn take_turn() -> OwnedFd {
    // The folder of the built programs itself is locked, so that nothing is left anywhere.
    let programs = programs::built("audit-supervisor");
    let folder = programs.parent().expect("a program lies in a folder");
    let flags = OFlags::DIRECTORY | OFlags::CLOEXEC;
    let folder = rustix::fs::open(folder, flags, Mode::empty()).expect("the folder opens");
    flock(&folder, FlockOperation::LockExclusive).expect("a lock");
    folder
}
