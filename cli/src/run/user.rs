//! `--user`: whom the command runs as. Reads the system's user and group files itself: this is the
//! one look-up the front needs, and it must not load name service modules into the process that forks.

use std::{fs, io, path::Path};

/// A user as exec needs it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct User {
    /// Login name, or the number where there is none.
    pub(super) name: String,
    /// User id.
    pub(super) uid: u32,
    /// Primary group.
    pub(super) gid: u32,
    /// All groups, the primary one too.
    pub(super) groups: Vec<u32>,
}

/// Finds `wanted`, a name or a number, in `etc` (`/etc`).
pub(super) fn find(wanted: &str, etc: &Path) -> io::Result<Option<User>> {
    let passwd = fs::read_to_string(etc.join("passwd"))?;
    let number: Option<u32> = wanted.parse().ok();
    let entry = passwd
        .lines()
        .filter_map(entry)
        .find(|(name, uid, _)| *name == wanted || (number.is_some() && number == Some(*uid)));
    let (name, uid, gid) = match (entry, number) {
        (Some((name, uid, gid)), _) => (name.to_owned(), uid, gid),
        // A number that has no entry is a user all the same: its group has the same number.
        (None, Some(uid)) => (uid.to_string(), uid, uid),
        (None, None) => return Ok(None),
    };
    let mut groups = vec![gid];
    let file = fs::read_to_string(etc.join("group"))?;
    groups.extend(file.lines().filter_map(|line| group_with(line, &name)).filter(|g| *g != gid));
    Ok(Some(User { name, uid, gid, groups }))
}

/// The login name of `uid` in `etc`, else the number.
pub(super) fn name_of(uid: u32, etc: &Path) -> String {
    let passwd = fs::read_to_string(etc.join("passwd")).unwrap_or_default();
    passwd
        .lines()
        .filter_map(entry)
        .find(|(_, known, _)| *known == uid)
        .map_or_else(|| uid.to_string(), |(name, ..)| name.to_owned())
}

/// `name:password:uid:gid:…` (passwd(5)).
fn entry(line: &str) -> Option<(&str, u32, u32)> {
    let mut fields = line.split(':');
    let (name, _, uid, gid) = (fields.next()?, fields.next()?, fields.next()?, fields.next()?);
    Some((name, uid.parse().ok()?, gid.parse().ok()?))
}

/// `name:password:gid:member,member` (group(5)).
fn group_with(line: &str, user: &str) -> Option<u32> {
    let mut fields = line.split(':');
    let (_, _, gid, members) = (fields.next()?, fields.next()?, fields.next()?, fields.next()?);
    members.split(',').any(|member| member == user).then(|| gid.parse().ok()).flatten()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn etc() -> tempfile::TempDir {
        let dir = tempfile::tempdir().expect("a directory");
        fs::write(
            dir.path().join("passwd"),
            "root:x:0:0::/root:/bin/sh\nana:x:1000:100:Ana:/h:/b\n",
        )
        .expect("written");
        fs::write(
            dir.path().join("group"),
            "root:x:0:\nusers:x:100:\nwheel:x:10:bob,ana\nx:x:11:banana\n",
        )
        .expect("written");
        dir
    }

    #[test]
    fn a_name_and_its_number_find_the_same_user_with_all_groups() {
        let etc = etc();
        let ana = User { name: "ana".into(), uid: 1000, gid: 100, groups: vec![100, 10] };
        assert_eq!(find("ana", etc.path()).expect("readable"), Some(ana.clone()));
        assert_eq!(find("1000", etc.path()).expect("readable"), Some(ana));
    }

    #[test]
    fn a_number_without_an_entry_is_a_user_an_unknown_name_is_not() {
        let etc = etc();
        assert_eq!(
            find("4242", etc.path()).expect("readable").map(|u| (u.uid, u.gid)),
            Some((4242, 4242))
        );
        assert_eq!(find("nobody-here", etc.path()).expect("readable"), None);
    }
}
