//! Whether the store can be written and has room.

use std::{
    io,
    path::{Path, PathBuf},
};

use super::{Check, State};
use crate::text;

/// Below this a run may fill the disk before it is done.
const LITTLE: u64 = 1_000_000_000;

/// Below this it is not worth starting.
const TOO_LITTLE: u64 = 16_000_000;

/// Tries to write where the store is, or will be.
pub(super) fn check(home: &Path) -> Check {
    let place = home.display();
    match try_write(home) {
        Err((at, why)) => {
            let why = crate::failure::system_text(&why);
            Check::new("store", State::Fail, format!("cannot write to {}: {why}", at.display()))
                .fix("choose another place: --home DIR or AUDIT_HOME")
        }
        Ok(free) => {
            let detail = format!("{place}, {} free", text::bytes(free));
            match free {
                0..TOO_LITTLE => {
                    Check::new("store", State::Fail, detail).fix("make room, or use --home DIR")
                }
                TOO_LITTLE..LITTLE => {
                    Check::new("store", State::Warn, detail).fix("make room, or use --home DIR")
                }
                _ => Check::new("store", State::Ok, detail),
            }
        }
    }
}

/// Makes a file without a name in the store, or in the directory that it will be made in; returns
/// the bytes that are free there.
fn try_write(home: &Path) -> Result<u64, (PathBuf, io::Error)> {
    use rustix::fs::{Mode, OFlags};
    let place = home.ancestors().find(|path| path.exists()).unwrap_or(Path::new("/"));
    let failed = |errno: rustix::io::Errno| (place.to_owned(), io::Error::from(errno));
    let flags = OFlags::TMPFILE | OFlags::WRONLY | OFlags::CLOEXEC;
    match rustix::fs::open(place, flags, Mode::RUSR | Mode::WUSR) {
        // The file system knows no files without names; access(2) has to do.
        Err(rustix::io::Errno::OPNOTSUPP | rustix::io::Errno::ISDIR) => {
            rustix::fs::access(place, rustix::fs::Access::WRITE_OK).map_err(failed)?;
        }
        other => drop(other.map_err(failed)?),
    }
    let room = rustix::fs::statvfs(place).map_err(failed)?;
    Ok(room.f_bavail.saturating_mul(room.f_frsize))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_store_that_does_not_exist_yet_is_tried_where_it_will_be() {
        let temp = tempfile::tempdir().expect("a directory");
        let home = temp.path().join("a/b");
        assert!(try_write(&home).is_ok());
        assert!(!home.exists());
    }

    #[test]
    fn a_store_that_cannot_be_written_is_a_failure_with_a_fix() {
        // Root may write everywhere but into proc.
        let check = check(Path::new("/proc/1/audit"));
        assert_eq!(check.state, State::Fail);
        assert!(check.fix.is_some());
    }
}
