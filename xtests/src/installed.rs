//! The recorder as `audit setup` installs it, and ordinary users: made for a test and removed after it.

use std::{
    ffi::OsStr,
    fs::{self, File},
    path::{Path, PathBuf},
    process::{Command, Output, Stdio},
};

use rustix::fs::{FlockOperation, flock};

use crate::{Lab, Recorded, processes_running, wait};

/// Where the installed program is and where it keeps runs (docs/security.md).
pub const SUPERVISOR: &str = "/usr/libexec/audit-run/audit-supervisor";
/// See [`SUPERVISOR`].
pub const STORE: &str = "/var/lib/audit-run";

/// An installation and its users; all of it goes when this is dropped.
#[derive(Debug)]
pub struct Installed<'lab> {
    lab: &'lab Lab,
    users: Vec<User>,
    /// The machine has one installation: one test at a time has it.
    _turn: File,
}

/// A user of the machine.
#[derive(Debug, Clone)]
pub struct User {
    /// Login name.
    pub name: String,
    /// Number.
    pub uid: u32,
    /// A directory of its own.
    pub home: PathBuf,
}

impl<'lab> Installed<'lab> {
    /// Installs the lab's programs. Of the users the first may record, the others may not.
    ///
    /// # Panics
    /// When it cannot be installed.
    #[must_use]
    pub fn new(lab: &'lab Lab, users: &[&str]) -> Installed<'lab> {
        let turn = File::create("/tmp/audit-x-installed.lock").expect("a file to lock");
        flock(&turn, FlockOperation::LockExclusive).expect("a lock");
        let users = users.iter().map(|name| make(lab, name)).collect();
        let installed = Installed { lab, users, _turn: turn };
        let first = installed.users.first().expect("a user").name.clone();
        lab.told(["setup", "--user", &first]);
        installed
    }

    /// A user.
    ///
    /// # Panics
    /// When there is none of that number.
    #[must_use]
    pub fn user(&self, number: usize) -> &User {
        self.users.get(number).expect("a user of that number")
    }

    /// A command of that user, in all groups of its own, in its home.
    #[must_use]
    pub fn command<S: AsRef<OsStr>>(&self, user: &User, program: S) -> Command {
        let mut command = Command::new("setpriv");
        let name = &user.name;
        command.arg(format!("--reuid={name}")).arg(format!("--regid={name}")).arg("--init-groups");
        command.arg("--").arg(program);
        command.env_clear().env("PATH", "/usr/bin:/bin").env("HOME", &user.home);
        command.current_dir(&user.home);
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        command
    }

    /// What `audit` with these arguments says to that user.
    ///
    /// # Panics
    /// When it cannot be started.
    pub fn ask<S: AsRef<OsStr>>(&self, user: &User, args: impl IntoIterator<Item = S>) -> Output {
        let mut command = self.command(user, self.lab.program("audit"));
        command.args(args).output().expect("audit starts")
    }

    /// Records a command as that user and reads the record, which that user derived.
    ///
    /// # Panics
    /// When the command fails or there is not one run more.
    #[must_use]
    pub fn record<S: AsRef<OsStr>>(
        &self,
        user: &User,
        command: impl IntoIterator<Item = S>,
    ) -> Recorded {
        let before = self.runs(user);
        let words = ["run".into(), "--".into()];
        let command = command.into_iter().map(|word| word.as_ref().to_owned());
        let output = self.ask(user, words.into_iter().chain(command));
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        let mut new = self.runs(user);
        new.retain(|run| !before.contains(run));
        let [run] = new.as_slice() else { panic!("{} new runs: {said}", new.len()) };
        let id = run.file_name().and_then(|name| name.to_str()).expect("an id is a name");
        let derived = user.home.join("derived").join(id);
        fs::create_dir_all(derived.parent().expect("it is in one")).expect("room");
        // The cache has a directory for each run, called by its id and place.
        let cache = fs::read_dir(user.home.join(".cache/audit")).expect("derived files");
        let place = cache.flatten().find(|it| it.file_name().to_string_lossy().starts_with(id));
        let place = place.expect("the run's derived files").path();
        if !derived.exists() {
            std::os::unix::fs::symlink(place, &derived).expect("room");
        }
        Recorded::read(&derived, output.status, output.stdout, output.stderr)
    }

    /// Directories of that user's runs.
    #[must_use]
    pub fn runs(&self, user: &User) -> Vec<PathBuf> {
        let runs = Path::new(STORE).join(user.uid.to_string()).join("runs");
        let mut found: Vec<PathBuf> =
            fs::read_dir(runs).into_iter().flatten().flatten().map(|it| it.path()).collect();
        found.sort();
        found
    }
}

impl Drop for Installed<'_> {
    fn drop(&mut self) {
        // A recorder may be on its last steps, and a user who runs something cannot be removed.
        let ended = || processes_running(Path::new(SUPERVISOR)).is_empty();
        wait::until_true("the end of the recorders", ended);
        let undone = self.lab.ask(["setup", "--undo"]);
        for user in &self.users {
            let _ = Command::new("userdel").arg(&user.name).output();
            let _ = fs::remove_dir_all(Path::new(STORE).join(user.uid.to_string()));
        }
        if !std::thread::panicking() {
            assert!(undone.status.success(), "{}", String::from_utf8_lossy(&undone.stderr));
            assert!(!Path::new(SUPERVISOR).exists(), "the program is gone");
        }
    }
}

fn make(lab: &Lab, name: &str) -> User {
    let _ = Command::new("userdel").arg(name).output();
    let home = lab.work().join(name);
    fs::create_dir(&home).expect("room");
    let made =
        Command::new("useradd").args(["--no-create-home", "--user-group"]).arg(name).output();
    let made = made.expect("there is useradd");
    assert!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));
    let passwd = fs::read_to_string("/etc/passwd").expect("users");
    let line = passwd.lines().find(|line| line.starts_with(&format!("{name}:")));
    let uid = line.and_then(|line| line.split(':').nth(2)?.parse().ok()).expect("a number");
    std::os::unix::fs::chown(&home, Some(uid), None).expect("ours");
    // Numbers are used again: of a user before, by a test that was ended.
    let _ = fs::remove_dir_all(Path::new(STORE).join(uid.to_string()));
    User { name: name.to_owned(), uid, home }
}
