//! The mounts of the run: which device a file system number means, and how it is watched.

use std::collections::{HashMap, HashSet};

use event::frame::Frame;
use event::frame::files::{Mount, coverage};
use event::handle;
use event::wire::Malformed;

/// What the frames say of mounts.
#[derive(Debug, Default)]
pub(super) struct Mounts {
    by_fsid: HashMap<[u32; 2], FileSystem>,
    /// Devices watched by descriptor: their reports have no generation.
    by_descriptor: HashSet<u32>,
}

#[derive(Debug)]
struct FileSystem {
    dev: u32,
    fs_type: Vec<u8>,
}

/// A file's identity, as far as its handle tells it.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Identity {
    pub(super) dev: Option<u32>,
    /// Inode and generation.
    pub(super) inode: Option<(u64, u32)>,
}

impl Mounts {
    /// Learns from a `Mount` frame.
    pub(super) fn tell(&mut self, frame: &Frame<'_>) -> Result<(), Malformed> {
        let (mount, rest) = frame.body::<Mount>()?;
        let fs_type = rest.get(..mount.fs_type_len.into()).ok_or(Malformed::Length)?;
        if mount.coverage == coverage::FD {
            self.by_descriptor.insert(mount.dev);
        }
        if mount.fsid != [0, 0] {
            let known = FileSystem { dev: mount.dev, fs_type: fs_type.to_vec() };
            self.by_fsid.insert(mount.fsid, known);
        }
        Ok(())
    }

    /// Returns what a handle says of the file's identity.
    pub(super) fn identity(&self, fsid: [u32; 2], kind: i32, handle: &[u8]) -> Identity {
        let Some(fs) = self.by_fsid.get(&fsid) else { return Identity::default() };
        Identity { dev: Some(fs.dev), inode: handle::inode(&fs.fs_type, kind, handle) }
    }

    /// Returns whether reports of files on this device come without a generation.
    pub(super) fn is_by_descriptor(&self, dev: u32) -> bool {
        self.by_descriptor.contains(&dev)
    }
}
