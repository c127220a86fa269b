//! Where runs are kept. Pure: the surroundings come in as values.

use std::{
    ffi::OsStr,
    os::unix::ffi::OsStrExt,
    path::{Path, PathBuf},
};

use crate::Error;

/// Where root's runs are kept, unless something else is said.
const SYSTEM: &str = event::install::STORE;

/// What of its surroundings decides where a process keeps runs. Empty values count as not set.
#[derive(Debug, Clone, Copy, Default)]
pub struct Surroundings<'a> {
    /// `$AUDIT_HOME`, or the `--home` option.
    pub audit_home: Option<&'a OsStr>,
    /// `$STATE_DIRECTORY` of a systemd service; of several, the first counts.
    pub state_directory: Option<&'a OsStr>,
    /// `$XDG_STATE_HOME`; not used when relative, as its specification says.
    pub xdg_state_home: Option<&'a OsStr>,
    /// `$HOME`.
    pub home: Option<&'a OsStr>,
    /// `$XDG_CACHE_HOME`; not used when relative.
    pub xdg_cache_home: Option<&'a OsStr>,
    /// Effective user id.
    pub uid: u32,
    /// Whether a recorder is installed that keeps this user's runs (`audit setup`).
    pub installed: bool,
}

/// Returns the directory that holds `runs/`.
///
/// # Errors
/// [`Error::NoHome`] when an ordinary user's surroundings say nothing.
pub fn home(around: &Surroundings<'_>) -> Result<PathBuf, Error> {
    if let Some(home) = set(around.audit_home) {
        return Ok(home.to_owned());
    }
    let first = around
        .state_directory
        .and_then(|list| list.as_bytes().split(|byte| *byte == b':').map(OsStr::from_bytes).next());
    if let Some(directory) = set(first) {
        return Ok(directory.to_owned());
    }
    if around.uid == 0 {
        return Ok(PathBuf::from(SYSTEM));
    }
    if around.installed {
        return Ok(Path::new(SYSTEM).join(around.uid.to_string()));
    }
    if let Some(state) = set(around.xdg_state_home).filter(|path| path.is_absolute()) {
        return Ok(state.join("audit"));
    }
    set(around.home).map(|home| home.join(".local/state/audit")).ok_or(Error::NoHome)
}

/// Returns where what is derived from runs of the installed recorder is kept, if anything says so.
#[must_use]
pub fn cache(around: &Surroundings<'_>) -> Option<PathBuf> {
    if let Some(cache) = set(around.xdg_cache_home).filter(|path| path.is_absolute()) {
        return Some(cache.join("audit"));
    }
    match set(around.home) {
        Some(home) => Some(home.join(".cache/audit")),
        None => (around.uid == 0).then(|| PathBuf::from("/var/cache/audit-run")),
    }
}

/// Whether runs go where a user says, or a service manager.
#[must_use]
pub fn is_chosen(around: &Surroundings<'_>) -> bool {
    set(around.audit_home).or(set(around.state_directory)).is_some()
}

fn set(value: Option<&OsStr>) -> Option<&Path> {
    value.filter(|value| !value.is_empty()).map(Path::new)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(uid: u32, [audit, state, xdg, home]: [&str; 4], expected: &str) {
        let value = |text: &'static str| Some(OsStr::new(text));
        let leak = |text: &str| value(String::from(text).leak());
        let around = Surroundings {
            audit_home: leak(audit),
            state_directory: leak(state),
            xdg_state_home: leak(xdg),
            home: leak(home),
            uid,
            ..Surroundings::default()
        };
        assert_eq!(super::home(&around).expect("a home"), Path::new(expected));
    }

    #[test]
    fn what_is_said_most_plainly_wins() {
        check(0, ["/a", "/s", "/x", "/h"], "/a");
        check(0, ["", "/s:/t", "/x", "/h"], "/s");
        check(0, ["", "", "/x", "/h"], "/var/lib/audit-run");
        check(7, ["/a", "/s", "/x", "/h"], "/a");
        check(7, ["", "/s", "/x", "/h"], "/s");
        check(7, ["", "", "/x", "/h"], "/x/audit");
        check(7, ["", "", "x", "/h"], "/h/.local/state/audit");
        check(7, ["", "", "", "/h"], "/h/.local/state/audit");
    }

    #[test]
    fn an_installed_recorder_keeps_a_users_runs_unless_another_place_is_said() {
        let home = Some(OsStr::new("/h"));
        let around = Surroundings { home, uid: 7, installed: true, ..Surroundings::default() };
        assert_eq!(super::home(&around).expect("a home"), Path::new("/var/lib/audit-run/7"));
        assert_eq!(cache(&around), Some(PathBuf::from("/h/.cache/audit")));
        let said = Surroundings { audit_home: Some(OsStr::new("/a")), ..around };
        assert_eq!(super::home(&said).expect("a home"), Path::new("/a"));
        assert!(is_chosen(&said) && !is_chosen(&around));
    }

    #[test]
    fn an_ordinary_user_without_a_home_is_told() {
        let around = Surroundings { uid: 7, ..Surroundings::default() };
        assert!(matches!(super::home(&around), Err(Error::NoHome)));
    }
}
