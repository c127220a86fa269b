//! Opening things in the run's mount namespace from outside of it: always below its root, never
//! through a magic link, and only to look.

use std::ffi::CStr;
use std::os::fd::{AsFd, OwnedFd};

use rustix::fs::{
    AtFlags, FileType, Mode, OFlags, ResolveFlags, Statx, StatxFlags, fstatfs, openat2, statx,
};
use rustix::io::Errno;

use crate::sys;

/// What identifies an object wherever it is opened.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct Identity {
    pub(crate) mount_id: u64,
    /// Device as statx(2) tells it, `major << 20 | minor`.
    pub(crate) dev: u32,
    pub(crate) ino: u64,
    pub(crate) links: u32,
    pub(crate) is_dir: bool,
    pub(crate) is_regular: bool,
}

/// Whether a lookup may wait for somebody.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Wait {
    /// It may: for a disk, for a remote server.
    Allowed,
    /// It fails with `EAGAIN` instead: where a server on the way may be one that the run has stopped.
    Never,
}

/// A lookup that must not wait also fails when a rename comes between, so it is tried again.
const TRIES: u32 = 4;

/// Opens `path` as a process with the root directory `root` would find it. With `O_PATH` and without
/// `O_DIRECTORY` the last component mounts nothing (automount, fs/namei.c `follow_automount`).
pub(crate) fn beneath(
    root: impl AsFd,
    path: &CStr,
    flags: OFlags,
    wait: Wait,
) -> Result<OwnedFd, Errno> {
    let mut resolve = ResolveFlags::IN_ROOT | ResolveFlags::NO_MAGICLINKS;
    if wait == Wait::Never {
        resolve |= ResolveFlags::CACHED;
    }
    let open = || openat2(&root, path, flags | OFlags::CLOEXEC, Mode::empty(), resolve);
    let mut opened = open();
    for _ in 1..TRIES {
        match opened {
            Err(Errno::AGAIN) => opened = open(),
            _ => break,
        }
    }
    opened
}

/// Opens the directory that holds `dir`, without waiting for anybody: it is in the kernel's memory as
/// long as `dir` is.
pub(crate) fn above(dir: impl AsFd) -> Result<OwnedFd, Errno> {
    let flags = OFlags::PATH | OFlags::DIRECTORY | OFlags::CLOEXEC;
    let resolve = ResolveFlags::NO_MAGICLINKS | ResolveFlags::CACHED;
    let open = || openat2(&dir, c"..", flags, Mode::empty(), resolve);
    let mut opened = open();
    for _ in 1..TRIES {
        match opened {
            Err(Errno::AGAIN) => opened = open(),
            _ => break,
        }
    }
    opened
}

/// Asks what `fd` is, without asking a server.
pub(crate) fn identity(fd: impl AsFd) -> Result<Identity, Errno> {
    let flags = AtFlags::EMPTY_PATH | AtFlags::STATX_DONT_SYNC | AtFlags::NO_AUTOMOUNT;
    let mask = StatxFlags::MNT_ID | StatxFlags::INO | StatxFlags::NLINK | StatxFlags::TYPE;
    let stat = statx(fd, c"", flags, mask)?;
    let kind = FileType::from_raw_mode(stat.stx_mode.into());
    Ok(Identity {
        mount_id: stat.stx_mnt_id,
        dev: device(&stat),
        ino: stat.stx_ino,
        links: stat.stx_nlink,
        is_dir: kind == FileType::Directory,
        is_regular: kind == FileType::RegularFile,
    })
}

fn device(stat: &Statx) -> u32 {
    stat.stx_dev_major << 20 | (stat.stx_dev_minor & 0xf_ffff)
}

/// Asks which file system `fd` is on, in fanotify's words. Asks the server of a remote file system.
pub(crate) fn fsid(fd: impl AsFd) -> Result<[u32; 2], Errno> {
    Ok(sys::fsid(&fstatfs(fd)?))
}
