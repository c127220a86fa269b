//! The recorder that `audit setup` installs: whether it is there, and whether this process may use it.

use std::{
    fs,
    os::unix::fs::{MetadataExt, PermissionsExt},
    path::Path,
};

use event::install;
use rustix::fs::{Access, StatVfsMountFlags};

/// What the installed recorder is to this process.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Installed {
    /// It can be started.
    Ready,
    /// Root has its own rights, and starts a recorder with these.
    NotForRoot,
    /// Nobody installed it.
    Absent,
    /// It is for members of its group.
    NotMember,
    /// Set-uid programs have no effect here, for this reason.
    NoEffect(&'static str),
}

/// Looks.
pub(crate) fn look() -> Installed {
    let other_namespace =
        Installed::NoEffect("this is a user namespace (a rootless container or a sandbox)");
    match (rustix::process::geteuid().is_root(), is_first_namespace()) {
        (true, true) => return Installed::NotForRoot,
        (true, false) => return other_namespace,
        (false, _) => {}
    }
    let path = Path::new(install::SUPERVISOR);
    let Ok(meta) = fs::metadata(path) else { return Installed::Absent };
    if meta.uid() == 0 || meta.permissions().mode() & 0o4000 == 0 {
        return Installed::Absent;
    }
    let status = fs::read_to_string("/proc/self/status").unwrap_or_default();
    let flags = rustix::fs::statvfs(path).map(|on| on.f_flag);
    match () {
        () if has_no_new_privs(&status) => {
            Installed::NoEffect("no_new_privs is set (a sandbox, a container or NoNewPrivileges=)")
        }
        () if !is_first_namespace() => other_namespace,
        () if flags.is_ok_and(|flags| flags.contains(StatVfsMountFlags::NOSUID)) => {
            Installed::NoEffect("its file system is mounted nosuid")
        }
        () if rustix::fs::access(path, Access::EXEC_OK).is_err() => Installed::NotMember,
        () => Installed::Ready,
    }
}

/// The directory of this user's runs in the store of the installed recorder.
pub(crate) fn home_of(uid: u32) -> std::path::PathBuf {
    Path::new(install::STORE).join(uid.to_string())
}

/// Whether it keeps this user's runs: it can be used, or was.
pub(crate) fn keeps_runs() -> bool {
    let uid = rustix::process::geteuid();
    !uid.is_root() && (look() == Installed::Ready || home_of(uid.as_raw()).is_dir())
}

impl Installed {
    /// What an ordinary user can do about it, as hints.
    pub(crate) fn ways_out(&self, command: &str) -> Vec<String> {
        let now = format!("or now: sudo -E audit run --user \"$USER\" -- {command}");
        match self {
            Installed::Absent => {
                vec!["once: sudo audit setup --user \"$USER\", and log in again".to_owned(), now]
            }
            Installed::NotMember => vec![
                format!("once: sudo usermod -aG {} \"$USER\", and log in again", install::GROUP),
                now,
            ],
            Installed::NoEffect(why) => vec![
                format!("{why}: set-uid programs, sudo too, have no effect in it"),
                "start audit outside, around what is started in here".to_owned(),
            ],
            Installed::Ready => vec![
                "without --home, AUDIT_HOME and STATE_DIRECTORY the installed recorder keeps it"
                    .to_owned(),
                now,
            ],
            Installed::NotForRoot => Vec::new(),
        }
    }
}

/// The line of proc_pid_status(5).
pub(crate) fn has_no_new_privs(status: &str) -> bool {
    let line = status.lines().find_map(|line| line.strip_prefix("NoNewPrivs:"));
    line.is_some_and(|value| value.trim() == "1")
}

/// Whether users have here the numbers that they have on the machine (user_namespaces(7)).
fn is_first_namespace() -> bool {
    let map = fs::read_to_string("/proc/self/uid_map").unwrap_or_default();
    map.split_whitespace().eq(["0", "0", "4294967295"])
}
