//! The mounts of the run: which device a file system number means, and how it is watched.

use std::collections::BTreeMap;

use foldhash::{HashMap, HashSet};

use event::frame::Frame;
use event::frame::files::{Mount, coverage};
use event::handle;
use event::path;
use event::wire::Malformed;

/// What the frames say of mounts.
#[derive(Debug, Default)]
pub(super) struct Mounts {
    by_fsid: HashMap<[u32; 2], FileSystem>,
    /// Devices watched by handle.
    by_handle: HashSet<u32>,
    /// By device and number: which part of it is mounted where.
    ways: HashMap<u32, BTreeMap<u64, Way>>,
    /// The device of each number.
    dev_of: HashMap<u64, u32>,
    /// Devices watched by descriptor: their reports have no generation.
    by_descriptor: HashSet<u32>,
}

/// A part of a file system and where it is mounted.
#[derive(Debug)]
struct Way {
    root: Vec<u8>,
    point: Vec<u8>,
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
        let mut rest = rest;
        let mut take = |len: u16| {
            let (part, after) = rest.split_at_checked(len.into()).ok_or(Malformed::Length)?;
            rest = after;
            Ok(part)
        };
        let (fs_type, point) = (take(mount.fs_type_len)?, take(mount.point_len)?);
        take(mount.reason_len)?;
        let root = take(mount.root_len)?;
        if mount.coverage == coverage::FID {
            self.by_handle.insert(mount.dev);
        }
        if mount.coverage != coverage::NONE && root.starts_with(b"/") {
            self.way(mount.mount_id, mount.dev, root, point);
        }
        if mount.coverage == coverage::FD {
            self.by_descriptor.insert(mount.dev);
        }
        if mount.fsid != [0, 0] {
            let known = FileSystem { dev: mount.dev, fs_type: fs_type.to_vec() };
            self.by_fsid.insert(mount.fsid, known);
        }
        Ok(())
    }

    fn way(&mut self, number: u64, dev: u32, root: &[u8], point: &[u8]) {
        let before = self.dev_of.insert(number, dev);
        if let Some(ways) = before.and_then(|before| self.ways.get_mut(&before)) {
            ways.remove(&number);
        }
        let way = Way { root: root.to_vec(), point: point.to_vec() };
        self.ways.entry(dev).or_default().insert(number, way);
    }

    /// Returns what a handle says of the file's identity.
    pub(super) fn identity(&self, fsid: [u32; 2], kind: i32, handle: &[u8]) -> Identity {
        let Some(fs) = self.by_fsid.get(&fsid) else { return Identity::default() };
        Identity { dev: Some(fs.dev), inode: handle::inode(&fs.fs_type, kind, handle) }
    }

    /// Returns whether reports of files on this device come by handle.
    pub(super) fn is_by_handle(&self, dev: u32) -> bool {
        self.by_handle.contains(&dev)
    }

    /// Returns the paths of a file through the other mounts of its file system (bind mounts, other
    /// namespaces).
    pub(super) fn ways_to(&self, dev: u32, path: &[u8]) -> Vec<Vec<u8>> {
        let Some(of_dev) = self.ways.get(&dev) else { return Vec::new() };
        let mine = of_dev.values().filter_map(|way| Some((way, below(path, &way.point)?)));
        let Some((mine, rest)) = mine.max_by_key(|(way, _)| way.point.len()) else {
            return Vec::new();
        };
        // From where it is mounted up to its root and down again leads to where it began.
        let is_plain = !matches!(rest, b"" | b"." | [b'/', ..]);
        if is_plain && of_dev.len() == 1 {
            return Vec::new();
        }
        let inner = path::join(&mine.root, rest);
        let others = of_dev.values().filter(|way| !(is_plain && std::ptr::eq(*way, mine)));
        let others =
            others.filter_map(|way| Some(path::join(&way.point, below(&inner, &way.root)?)));
        others.filter(|other| other != path).collect()
    }

    /// Returns whether reports of files on this device come without a generation.
    pub(super) fn is_by_descriptor(&self, dev: u32) -> bool {
        self.by_descriptor.contains(&dev)
    }
}

/// Returns what follows `dir` in `path`, without a slash in front; `None` when it is not below it.
fn below<'p>(path: &'p [u8], dir: &[u8]) -> Option<&'p [u8]> {
    let rest = path.strip_prefix(dir.strip_suffix(b"/").unwrap_or(dir))?;
    rest.strip_prefix(b"/").or_else(|| rest.is_empty().then_some(rest))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_has_a_path_through_each_mount_of_its_file_system() {
        let mut mounts = Mounts::default();
        for (number, dev, root, point) in [
            (1, 8, "/", "/"),
            (2, 8, "/srv/data", "/mnt"),
            (3, 8, "/srv", "/jail/srv"),
            (4, 9, "/", "/tmp"),
        ] {
            mounts.way(number, dev, root.as_bytes(), point.as_bytes());
        }
        let ways = |path: &str| -> Vec<String> {
            let found = mounts.ways_to(8, path.as_bytes());
            found.iter().map(|way| String::from_utf8_lossy(way).into_owned()).collect()
        };
        assert_eq!(ways("/srv/data/x"), ["/mnt/x", "/jail/srv/data/x"]);
        assert_eq!(ways("/mnt/x"), ["/srv/data/x", "/jail/srv/data/x"]);
        assert_eq!(ways("/srv/datax"), ["/jail/srv/datax"]);
        assert_eq!(ways("/etc/x"), Vec::<String>::new());
        mounts.way(2, 9, b"/srv/data", b"/mnt");
        let found = mounts.ways_to(8, b"/srv/data/x");
        assert_eq!(found, [b"/jail/srv/data/x"], "its number is another mount's now");
    }
}
