//! The installed recorder's own store: `STORE/<uid>/runs/<id>/segments`.
//!
//! Everything below `<uid>` is the recorder's; an ACL lets its user read, and nobody else. No path comes
//! from a caller: the uid is the kernel's, the id has letters, digits and `-` only, and nothing is opened
//! through a link.

use std::{
    io,
    os::fd::{AsFd, BorrowedFd, OwnedFd},
};

use event::{
    install::{KEYS, STORE},
    protocol::refusal,
};
use rustix::{
    fs::{
        AtFlags, CWD, Dir, FileType, FlockOperation, Mode, OFlags, ResolveFlags, XattrFlags, flock,
        fstat, mkdirat, openat2, statat, unlinkat,
    },
    io::Errno,
    process::geteuid,
};

use crate::{
    powers::{PLACES, Powers},
    refusal::{Refusal, errno},
    standing::Caller,
};

/// Bytes that one user's runs may take. `AUDIT_STORE_MIB` at build time changes it.
const BUDGET: u64 = mib(option_env!("AUDIT_STORE_MIB"), 8 * 1024) << 20;

/// A run that begins needs room for its reserve and for something to say.
const LEAST: u64 = 4 << 20;

/// Runs of one user that are recorded at a time: each takes about 100 MiB of memory that no limit of
/// the user's counts.
const SLOTS: u32 = 128;

/// What the user may do: read files and enter directories.
const READ: Mode = Mode::from_raw_mode(0o750);

/// A new run's place.
#[derive(Debug)]
pub(crate) struct Room {
    /// The runs of the user.
    runs: OwnedFd,
    id: String,
    /// Where it is written.
    segments: OwnedFd,
    /// Bytes that the run may take.
    pub(crate) budget: u64,
    /// Locked as long as the run is recorded.
    _slot: OwnedFd,
}

impl Room {
    /// Makes the place of the run `id`; returns it with its segments' directory.
    ///
    /// # Errors
    /// [`Refusal`], with what to do.
    pub(crate) fn make(
        caller: &Caller,
        id: &str,
        powers: &Powers,
    ) -> Result<(Room, OwnedFd), Refusal> {
        let home = home(caller, Some(powers)).map_err(refuse)?;
        let slots = sub(&home, "slots", Mode::RWXU).map_err(refuse)?;
        let slot = slot(&slots).map_err(refuse)?.ok_or_else(|| {
            let text = format!("{SLOTS} runs of yours are being recorded: no more at a time");
            Refusal::new(refusal::STORE, 0, text)
        })?;
        let runs = sub(&home, "runs", READ).map_err(refuse)?;
        let budget = BUDGET.saturating_sub(used(&runs).map_err(refuse)?);
        if budget < LEAST {
            let text = format!("your runs take all of the {} MiB that they may", BUDGET >> 20);
            return Err(Refusal::new(refusal::STORE, libc::EDQUOT, text));
        }
        mkdirat(&runs, id, READ).map_err(|errno| refuse(errno.into()))?;
        let made = open(&runs, id)
            .and_then(|run| sub(&run, "segments", READ))
            .and_then(|segments| Ok((segments.try_clone()?, segments)));
        match made {
            Ok((twin, segments)) => {
                let id = id.to_owned();
                Ok((Room { runs, id, segments, budget, _slot: slot }, twin))
            }
            Err(why) => {
                let _ = remove_run(&runs, id);
                Err(refuse(why))
            }
        }
    }

    /// Where the run is written.
    pub(crate) fn segments(&self) -> BorrowedFd<'_> {
        self.segments.as_fd()
    }

    /// Nothing was recorded: nothing stays.
    pub(crate) fn never_was(&self) {
        // What cannot be removed opens as a run without frames.
        let _ = remove_run(&self.runs, &self.id);
    }
}

/// Removes the run `id` of the caller.
///
/// # Errors
/// [`Refusal`]: there is none, or it is being recorded.
pub(crate) fn prune(caller: &Caller, id: &str) -> Result<(), Refusal> {
    let home = home(caller, None).map_err(refuse)?;
    let runs = open(&home, "runs").map_err(refuse)?;
    let run = open(&runs, id).map_err(refuse)?;
    if let Ok(segments) = open(&run, "segments")
        && flock(&segments, FlockOperation::NonBlockingLockExclusive) == Err(Errno::WOULDBLOCK)
    {
        return Err(Refusal::new(
            refusal::NOT_YOURS,
            0,
            "cannot remove the run: it is being recorded",
        ));
    }
    remove_run(&runs, id).map_err(refuse)
}

fn refuse(why: io::Error) -> Refusal {
    let number = errno(&why);
    let hint = match number {
        libc::EOPNOTSUPP => ": its file system has no access control lists",
        _ => "",
    };
    Refusal::new(refusal::STORE, number, format!("cannot use the store {STORE}: {why}{hint}"))
}

/// Opens the recorder's directory of keys, which everybody may read but for the secret in it; makes it with
/// `powers`.
///
/// # Errors
/// Those of the system calls; what is there belongs to somebody else.
pub(crate) fn keys(powers: &Powers) -> io::Result<OwnedFd> {
    let store = root()?;
    match powers.with(PLACES, || mkdirat(&store, KEYS, Mode::RWXU))? {
        Ok(()) | Err(Errno::EXIST) => {}
        Err(errno) => return Err(errno.into()),
    }
    let keys = open(&store, KEYS)?;
    rustix::fs::fchmod(&keys, Mode::from_raw_mode(0o755))?;
    Ok(keys)
}

/// Opens the store, which nobody but root may change.
fn root() -> io::Result<OwnedFd> {
    let store = open(CWD, STORE)?;
    let stat = fstat(&store)?;
    if stat.st_uid != 0 || stat.st_mode & 0o022 != 0 {
        return Err(io::Error::other("others than root could change it"));
    }
    Ok(store)
}

/// Opens the user's directory; makes it with `powers`, for the store itself is root's.
fn home(caller: &Caller, powers: Option<&Powers>) -> io::Result<OwnedFd> {
    let store = root()?;
    let name = caller.uid.to_string();
    if let Some(powers) = powers {
        match powers.with(PLACES, || mkdirat(&store, name.as_str(), Mode::RWXU))? {
            Ok(()) | Err(Errno::EXIST) => {}
            Err(errno) => return Err(errno.into()),
        }
    }
    let home = open(&store, &name)?;
    if powers.is_some() {
        for which in ["system.posix_acl_access", "system.posix_acl_default"] {
            rustix::fs::fsetxattr(&home, which, &acl(caller.uid), XattrFlags::empty())?;
        }
    }
    Ok(home)
}

/// `user::rwx, user:UID:r-x, group::---, mask::r-x, other::---` (include/uapi/linux/posix_acl_xattr.h).
fn acl(uid: u32) -> Vec<u8> {
    const ANYBODY: u32 = u32::MAX;
    let entries: [(u16, u16, u32); 5] = [
        (0x01, 7, ANYBODY),
        (0x02, 5, uid),
        (0x04, 0, ANYBODY),
        (0x10, 5, ANYBODY),
        (0x20, 0, ANYBODY),
    ];
    let mut bytes = 2_u32.to_le_bytes().to_vec();
    for (tag, perm, id) in entries {
        bytes.extend(tag.to_le_bytes());
        bytes.extend(perm.to_le_bytes());
        bytes.extend(id.to_le_bytes());
    }
    bytes
}

/// Opens the directory `name` in `dir`, through no link; below the store it must be ours.
fn open(dir: impl AsFd, name: &str) -> io::Result<OwnedFd> {
    let absolute = name.starts_with('/');
    // The store itself nobody but root lists.
    let access = if absolute { OFlags::PATH } else { OFlags::RDONLY };
    let flags = access | OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    let mut resolve = ResolveFlags::NO_SYMLINKS | ResolveFlags::NO_MAGICLINKS;
    resolve.set(ResolveFlags::BENEATH, !absolute);
    let opened = openat2(dir, name, flags, Mode::empty(), resolve)?;
    if !absolute && fstat(&opened)?.st_uid != geteuid().as_raw() {
        return Err(io::Error::other(format!("{name} belongs to somebody else")));
    }
    Ok(opened)
}

fn sub(dir: &OwnedFd, name: &str, mode: Mode) -> io::Result<OwnedFd> {
    match mkdirat(dir, name, mode) {
        Ok(()) | Err(Errno::EXIST) => open(dir, name),
        Err(errno) => Err(errno.into()),
    }
}

/// Locks one of the slots; `None` when all are taken.
fn slot(slots: &OwnedFd) -> io::Result<Option<OwnedFd>> {
    let flags = OFlags::RDWR | OFlags::CREATE | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    for number in 0..SLOTS {
        let file = rustix::fs::openat(slots, number.to_string(), flags, Mode::RUSR | Mode::WUSR)?;
        match flock(&file, FlockOperation::NonBlockingLockExclusive) {
            Ok(()) => return Ok(Some(file)),
            Err(Errno::WOULDBLOCK) => {}
            Err(errno) => return Err(errno.into()),
        }
    }
    Ok(None)
}

/// Bytes on disk of all segments.
fn used(runs: &OwnedFd) -> io::Result<u64> {
    let mut bytes = 0_u64;
    for run in names(runs)? {
        let Ok(segments) = open(runs, &run).and_then(|run| open(&run, "segments")) else {
            continue;
        };
        for file in names(&segments)? {
            let Ok(stat) = statat(&segments, file.as_str(), AtFlags::SYMLINK_NOFOLLOW) else {
                continue;
            };
            bytes = bytes.saturating_add(u64::try_from(stat.st_blocks).unwrap_or(0) * 512);
        }
    }
    Ok(bytes)
}

fn names(dir: &OwnedFd) -> io::Result<Vec<String>> {
    let entries = Dir::read_from(dir)?;
    let named =
        entries.filter_map(|entry| entry.ok()?.file_name().to_str().ok().map(str::to_owned));
    Ok(named.filter(|name| name != "." && name != "..").collect())
}

fn remove_run(runs: &OwnedFd, id: &str) -> io::Result<()> {
    let run = open(runs, id)?;
    if let Ok(segments) = open(&run, "segments") {
        empty(&segments)?;
    }
    empty(&run)?;
    Ok(unlinkat(runs, id, AtFlags::REMOVEDIR)?)
}

/// Removes the files of `dir` and its empty directories.
fn empty(dir: &OwnedFd) -> io::Result<()> {
    for name in names(dir)? {
        let stat = statat(dir, name.as_str(), AtFlags::SYMLINK_NOFOLLOW)?;
        let is_dir = FileType::from_raw_mode(stat.st_mode) == FileType::Directory;
        let flags = if is_dir { AtFlags::REMOVEDIR } else { AtFlags::empty() };
        unlinkat(dir, name.as_str(), flags)?;
    }
    Ok(())
}

/// The number in `text`, or `default`: of the environment of the build.
const fn mib(text: Option<&str>, default: u64) -> u64 {
    let Some(text) = text else { return default };
    let (bytes, mut at, mut number) = (text.as_bytes(), 0, 0_u64);
    while at < bytes.len() {
        number = number * 10 + (bytes[at] - b'0') as u64;
        at += 1;
    }
    number
}
