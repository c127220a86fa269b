//! Who started this program, and as whom it goes on.
//!
//! The installed program is set-uid to its own user, never to root. It becomes that user in all three
//! ids: a process of the caller can then neither signal, trace nor limit it (docs/security.md).

use std::{ffi::OsStr, io, os::unix::ffi::OsStrExt};

use event::{install, protocol::trust};
use nix::unistd::{Gid, Uid, getresgid, getresuid, setgroups, setresgid, setresuid};

use crate::{admission, cgroup, powers::Powers};

/// Who is recorded by an installed recorder.
#[derive(Debug, Clone)]
pub(crate) struct Caller {
    /// The real user: whose store it is.
    pub(crate) uid: u32,
    /// The real group.
    pub(crate) gid: u32,
    /// The front.
    pub(crate) front: u32,
    /// Who reads the record.
    pub(crate) owner: bpf::Owner,
}

/// How this program came to run.
#[derive(Debug)]
pub(crate) enum Standing {
    /// With the rights of its caller, who also says where to write.
    Own,
    /// Installed, for this caller.
    For(Caller),
}

impl Standing {
    /// How far the record will be out of the command's reach: [`trust`].
    pub(crate) fn trust(&self) -> u32 {
        match self {
            Standing::For(_) => trust::SEALED,
            // Root of a user namespace is an ordinary user outside of it.
            Standing::Own if Uid::current().is_root() && is_first_namespace() => trust::DIRECT,
            Standing::Own => trust::LOCAL,
        }
    }

    /// The ordinary user who reads the record; none where root does.
    ///
    /// # Errors
    /// Those of getgroups(2) and capget(2).
    pub(crate) fn owner(&self) -> io::Result<Option<bpf::Owner>> {
        match self {
            Standing::For(caller) => Ok(Some(caller.owner.clone())),
            Standing::Own if Uid::current().is_root() => Ok(None),
            Standing::Own => {
                let caps = rustix::thread::capabilities(None)?.permitted.bits();
                Ok(Some(bpf::Owner { uid: self.uid(), groups: groups()?, caps }))
            }
        }
    }

    /// The user who records.
    pub(crate) fn uid(&self) -> u32 {
        match self {
            Standing::For(caller) => caller.uid,
            Standing::Own => Uid::current().as_raw(),
        }
    }
}

/// Finds out, and becomes who we go on as. `lift` lifts limits.
///
/// # Errors
/// When the installed program is not where it was installed, or cannot become its own user.
pub(crate) fn settle(lift: impl FnOnce()) -> io::Result<(Standing, Powers)> {
    let ids = getresuid()?;
    if ids.real == ids.effective {
        lift();
        return Ok((Standing::Own, Powers::own()));
    }
    if ids.real.is_root() {
        // Root needs no help of ours to be root, and its store is its own.
        setresuid(ids.real, ids.real, ids.real)?;
        lift();
        return Ok((Standing::Own, Powers::own()));
    }
    let front = rustix::process::getppid().map_or(0, |pid| pid.as_raw_nonzero().get());
    let group = getresgid()?;
    let (uid, gid, front) = (ids.real.as_raw(), group.real.as_raw(), front.cast_unsigned());
    let owner = bpf::Owner { uid, groups: groups()?, caps: admission::ambient(front)? };
    let caller = Caller { uid, gid, front, owner };
    let powers = Powers::take()?;
    let own = where_installed()?;
    powers.settle(lift, || leave_groups(own))?;
    setresuid(ids.effective, ids.effective, ids.effective)?;
    Ok((Standing::For(caller), powers))
}

/// Proves that this program runs from the place that it was installed in (a hard link elsewhere
/// would outlive its removal). Returns the group it belongs to.
fn where_installed() -> io::Result<Gid> {
    let wrong = || io::Error::other(format!("it was not started as {}", install::SUPERVISOR));
    let path = rustix::fs::readlink("/proc/self/exe", Vec::new())?;
    if OsStr::from_bytes(path.to_bytes()) != OsStr::new(install::SUPERVISOR) {
        return Err(wrong());
    }
    let own = rustix::fs::stat("/proc/self/exe")?;
    if own.st_uid != Uid::effective().as_raw() {
        Err(wrong())
    } else {
        Ok(Gid::from_raw(own.st_gid))
    }
}

/// All groups of whoever started this, the real one first.
fn groups() -> io::Result<Vec<u32>> {
    let real = getresgid()?.real;
    let others = rustix::process::getgroups()?;
    Ok([real.as_raw()].into_iter().chain(others.iter().map(|group| group.as_raw())).collect())
}

fn leave_groups(own: Gid) -> io::Result<()> {
    setgroups(&[])?;
    Ok(setresgid(own, own, own)?)
}

/// Whether users have here the numbers that they have on the machine (user_namespaces(7)).
fn is_first_namespace() -> bool {
    let map = cgroup::read("/proc/self/uid_map").unwrap_or_default();
    let words = map.split(|b| b.is_ascii_whitespace()).filter(|word| !word.is_empty());
    words.eq([&b"0"[..], b"0", b"4294967295"])
}
