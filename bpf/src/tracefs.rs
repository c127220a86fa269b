//! Numbers of classic tracepoints, wherever tracefs is mounted or not.

use std::io::{self, Read};
use std::os::fd::OwnedFd;

use rustix::fs::{CWD, Mode, OFlags, openat};
use rustix::mount::{FsMountFlags, FsOpenFlags, MountAttrFlags, fsconfig_create, fsmount, fsopen};

/// A descriptor of the file system that names tracepoints.
pub(crate) struct Tracefs(OwnedFd);

impl Tracefs {
    /// Opens where it is mounted by custom, else makes a mount that only this descriptor shows:
    /// containers and minimal systems often have none.
    pub(crate) fn open() -> io::Result<Tracefs> {
        let flags = OFlags::PATH | OFlags::DIRECTORY | OFlags::CLOEXEC;
        for place in ["/sys/kernel/tracing", "/sys/kernel/debug/tracing"] {
            if let Ok(folder) = openat(CWD, place, flags, Mode::empty())
                && openat(&folder, "events", flags, Mode::empty()).is_ok()
            {
                return Ok(Tracefs(folder));
            }
        }
        let context = fsopen("tracefs", FsOpenFlags::FSOPEN_CLOEXEC)?;
        fsconfig_create(&context)?;
        let mount =
            fsmount(&context, FsMountFlags::FSMOUNT_CLOEXEC, MountAttrFlags::MOUNT_ATTR_RDONLY)?;
        Ok(Tracefs(mount))
    }

    /// Returns the kernel's number of a tracepoint.
    pub(crate) fn id(&self, category: &str, name: &str) -> io::Result<u64> {
        let path = format!("events/{category}/{name}/id");
        let file = openat(&self.0, path, OFlags::RDONLY | OFlags::CLOEXEC, Mode::empty())?;
        let mut text = String::new();
        std::fs::File::from(file).read_to_string(&mut text)?;
        text.trim().parse().map_err(io::Error::other)
    }
}
