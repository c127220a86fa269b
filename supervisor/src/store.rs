//! The installed recorder's own store: `STORE/<uid>/runs/<id>/segments`.
//!
//! Everything below `<uid>` is the recorder's; an ACL lets its user read, and nobody else. No path comes
//! from a caller: the uid is the kernel's, the id has letters, digits and `-` only, and nothing is opened
//! through a link.

use std::{
    io,
    os::fd::{AsFd, OwnedFd},
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

/// A store, and how much of it is for whom.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Store<'p> {
    path: &'p str,
    /// Bytes that one user's runs may take.
    budget: u64,
    /// Bytes that a run is promised at a time, its reserve included in the first.
    step: u64,
}

/// The installed recorder's. `AUDIT_STORE_MIB` at build time changes the budget.
pub(crate) const INSTALLED: Store<'static> = Store {
    path: STORE,
    budget: mib(option_env!("AUDIT_STORE_MIB"), 8 * 1024) << 20,
    step: 16 << 20,
};

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
    lease: Lease,
    /// Locked as long as the run is recorded.
    _slot: OwnedFd,
}

/// The right to a part of what a user's runs may take. Each run that is recorded is promised one step more
/// than it has written, and all promises are kept: runs at once cannot take more than one after the other.
#[derive(Debug)]
pub(crate) struct Lease {
    runs: OwnedFd,
    slots: OwnedFd,
    budget: u64,
    step: u64,
}

impl Lease {
    /// Returns how many bytes more the run may write than it has by now; 0: no more at all.
    pub(crate) fn more(&self) -> u64 {
        self.ask().unwrap_or(0)
    }

    fn ask(&self) -> io::Result<u64> {
        // One at a time, so that nobody counts while another is being promised something.
        while let Err(errno) = flock(&self.slots, FlockOperation::LockExclusive) {
            if errno != Errno::INTR {
                return Err(errno.into());
            }
        }
        let taken = self.taken();
        flock(&self.slots, FlockOperation::Unlock)?;
        Ok(if taken? <= self.budget { self.step } else { 0 })
    }

    /// What is written, and a step for each run that is recorded.
    fn taken(&self) -> io::Result<u64> {
        Ok(used(&self.runs)?.saturating_add(recorded(&self.slots)?.saturating_mul(self.step)))
    }

    fn twin(&self) -> io::Result<Lease> {
        let (runs, slots) = (self.runs.try_clone()?, self.slots.try_clone()?);
        Ok(Lease { runs, slots, ..*self })
    }
}

impl Room {
    /// Makes the place of the run `id`; returns it with its segments' directory.
    ///
    /// # Errors
    /// [`Refusal`], with what to do.
    pub(crate) fn make(
        store: Store<'_>,
        caller: &Caller,
        id: &str,
        powers: &Powers,
    ) -> Result<(Room, OwnedFd), Refusal> {
        let home = home(store, caller, Some(powers)).map_err(refuse)?;
        let slots = sub(&home, "slots", Mode::RWXU).map_err(refuse)?;
        let slot = slot(&slots).map_err(refuse)?.ok_or_else(|| {
            let text = format!("{SLOTS} runs of yours are being recorded: no more at a time");
            Refusal::new(refusal::STORE, 0, text)
        })?;
        let runs = sub(&home, "runs", READ).map_err(refuse)?;
        let Store { budget, step, .. } = store;
        let lease = Lease { runs: runs.try_clone().map_err(refuse)?, slots, budget, step };
        if lease.ask().map_err(refuse)? == 0 {
            let text = format!("your runs take all of the {} MiB that they may", budget >> 20);
            return Err(Refusal::new(refusal::STORE, libc::EDQUOT, text));
        }
        mkdirat(&runs, id, READ).map_err(|errno| refuse(errno.into()))?;
        match open(&runs, id).and_then(|run| sub(&run, "segments", READ)) {
            Ok(segments) => {
                let id = id.to_owned();
                Ok((Room { runs, id, lease, _slot: slot }, segments))
            }
            Err(why) => {
                let _ = remove_run(&runs, id);
                Err(refuse(why))
            }
        }
    }

    /// What the run may take: a step has been promised.
    ///
    /// # Errors
    /// Those of dup(2).
    pub(crate) fn lease(&self) -> io::Result<(Lease, u64)> {
        Ok((self.lease.twin()?, self.lease.step))
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
pub(crate) fn prune(store: Store<'_>, caller: &Caller, id: &str) -> Result<(), Refusal> {
    let home = home(store, caller, None).map_err(refuse)?;
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
    let store = root(INSTALLED)?;
    match powers.with(PLACES, || mkdirat(&store, KEYS, Mode::RWXU))? {
        Ok(()) | Err(Errno::EXIST) => {}
        Err(errno) => return Err(errno.into()),
    }
    let keys = open(&store, KEYS)?;
    rustix::fs::fchmod(&keys, Mode::from_raw_mode(0o755))?;
    Ok(keys)
}

/// Opens the store, which nobody but root may change.
fn root(store: Store<'_>) -> io::Result<OwnedFd> {
    let store = open(CWD, store.path)?;
    let stat = fstat(&store)?;
    if stat.st_uid != 0 || stat.st_mode & 0o022 != 0 {
        return Err(io::Error::other("others than root could change it"));
    }
    Ok(store)
}

/// Opens the user's directory; makes it with `powers`, for the store itself is root's.
fn home(store: Store<'_>, caller: &Caller, powers: Option<&Powers>) -> io::Result<OwnedFd> {
    let store = root(store)?;
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

/// How many runs of the user are being recorded.
fn recorded(slots: &OwnedFd) -> io::Result<u64> {
    let mut number = 0;
    for name in names(slots)? {
        let flags = OFlags::RDONLY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        let file = rustix::fs::openat(slots, name.as_str(), flags, Mode::empty())?;
        let free = flock(&file, FlockOperation::NonBlockingLockShared);
        number += u64::from(free == Err(Errno::WOULDBLOCK));
    }
    Ok(number)
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

#[cfg(test)]
mod tests;
