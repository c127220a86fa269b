//! The recorder's user and group, and who is in it, by the system's own programs.

use std::{fs, process::Command};

use super::Step;
use crate::failure::Failure;

/// Where they are, whatever the caller's PATH says.
const PLACES: [&str; 4] = ["/usr/sbin", "/sbin", "/usr/bin", "/bin"];

/// A step that runs one of them, unless it is done.
pub(super) fn command<const N: usize>(words: [&str; N], done: bool) -> Step {
    let words: Vec<String> = words.iter().map(|word| (*word).to_owned()).collect();
    let shown = words.join(" ");
    Step::new(shown.clone(), done, move || {
        let failed = |why: String| Failure::new(format!("cannot do `{shown}`: {why}"));
        let (name, rest) = words.split_first().ok_or_else(|| failed("nothing to do".to_owned()))?;
        let place = PLACES.map(|dir| format!("{dir}/{name}"));
        let program = place.iter().find(|path| fs::exists(path).unwrap_or(false));
        let program = program.ok_or_else(|| failed("there is no such program".to_owned()))?;
        let output = Command::new(program)
            .args(rest)
            .env_clear()
            .env("PATH", "/usr/sbin:/usr/bin:/sbin:/bin")
            .output()
            .map_err(|why| failed(why.to_string()))?;
        if output.status.success() {
            return Ok(());
        }
        Err(failed(String::from_utf8_lossy(&output.stderr).trim().to_owned()))
    })
}

/// The user's number.
pub(super) fn uid_of(name: &str) -> Option<u32> {
    number("/etc/passwd", name)
}

/// The group's number.
pub(super) fn gid_of(name: &str) -> Option<u32> {
    number("/etc/group", name)
}

/// Whether the group file lists `user` in `group`.
pub(super) fn is_member(user: &str, group: &str) -> bool {
    let file = fs::read_to_string("/etc/group").unwrap_or_default();
    let mut lines = file.lines().map(|line| line.split(':').collect::<Vec<_>>());
    lines.any(|fields| {
        fields.first() == Some(&group)
            && fields.get(3).is_some_and(|members| members.split(',').any(|member| member == user))
    })
}

/// The third field of the line of `name`: passwd(5), group(5).
fn number(path: &str, name: &str) -> Option<u32> {
    let file = fs::read_to_string(path).ok()?;
    let mut lines = file.lines().map(|line| line.split(':'));
    lines.find_map(|mut fields| (fields.next()? == name).then(|| fields.nth(1)?.parse().ok())?)
}
