//! Whose the kept runs are: the recorder's, and root's while there is no recorder.
//!
//! A number that belonged to a removed user is given to the next one that is made: runs that kept it
//! would be that user's to alter, and the key that signs them its own to use.

use std::{fs, os::unix::fs::MetadataExt, path::PathBuf};

use event::install::{GROUP, KEYS, STORE, USER};

use super::{Step, account};

/// Steps that give what is kept to the recorder's user, as far as it is not.
pub(super) fn to_recorder() -> Vec<Step> {
    let uid = account::uid_of(USER);
    give(&format!("{USER}:{GROUP}"), |owner| Some(owner) == uid)
}

/// Steps that give it to root.
pub(super) fn to_root() -> Vec<Step> {
    give("root:root", |owner| owner == 0)
}

fn give(owner: &str, is_theirs: impl Fn(u32) -> bool) -> Vec<Step> {
    let step = |place: PathBuf| {
        let done = fs::symlink_metadata(&place).is_ok_and(|meta| is_theirs(meta.uid()));
        let place = place.display().to_string();
        // Links in it are not followed, for what is in it was another user's.
        account::command(["chown", "-h", "-R", "-P", owner, &place], done)
    };
    places().into_iter().map(step).collect()
}

/// Directories of users' sealed runs, and of keys. What else is there is root's own runs.
fn places() -> Vec<PathBuf> {
    let listed = fs::read_dir(STORE).into_iter().flatten().flatten();
    let is_sealed = |name: &str| name == KEYS || name.bytes().all(|b| b.is_ascii_digit());
    let of = listed.filter(|entry| entry.file_name().to_str().is_some_and(is_sealed));
    let mut places: Vec<PathBuf> = of.map(|entry| entry.path()).collect();
    places.sort();
    places
}
