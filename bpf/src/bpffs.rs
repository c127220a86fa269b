//! A BPF file system that only one descriptor shows, to share maps between objects while they load.
//!
//! aya shares a map between objects only by a pinned name. Nothing stays: the file system goes with
//! its descriptor, and the maps live on in the programs that use them.

use std::io;
use std::os::fd::{AsRawFd, OwnedFd};
use std::path::PathBuf;

use rustix::mount::{FsMountFlags, FsOpenFlags, MountAttrFlags, fsconfig_create, fsmount, fsopen};

/// The file system, as long as this lives.
pub(crate) struct Bpffs(OwnedFd);

impl Bpffs {
    /// Makes one.
    pub(crate) fn new() -> io::Result<Bpffs> {
        let context = fsopen("bpf", FsOpenFlags::FSOPEN_CLOEXEC)?;
        fsconfig_create(&context)?;
        let none = MountAttrFlags::empty();
        Ok(Bpffs(fsmount(&context, FsMountFlags::FSMOUNT_CLOEXEC, none)?))
    }

    /// Returns a path to the map `name` in it.
    pub(crate) fn place_of(&self, name: &str) -> PathBuf {
        format!("/proc/self/fd/{}/{name}", self.0.as_raw_fd()).into()
    }
}
