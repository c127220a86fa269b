//! Paths of directories: as the kernel told them, and as the run's own renames teach them.
//!
//! A directory that is gone before the recorder asks has no path any more. But the report of its
//! making, moving or removing named it within its parent, so its path can be put together.

use std::collections::HashMap;
use std::sync::Arc;

use event::frame::Frame;
use event::frame::files::{Dir, dir_flag};
use event::model::{Basis, Missing};
use event::path;
use event::wire::Malformed;

/// A directory for ever: file system and handle.
pub(super) type Key = Arc<[u8]>;

/// Parents that are followed at most; deeper, or in a circle, there is no path.
const MAX_DEPTH: usize = 512;

/// How many windows a removed directory is remembered: accesses are told after names.
const KEPT: u64 = 3;

const ENOENT: i32 = 2;
const EXDEV: i32 = 18;
const ENAMETOOLONG: i32 = 36;
const ESTALE: i32 = 116;

/// What is known of directories.
#[derive(Debug, Default)]
pub(super) struct Directories {
    by_id: HashMap<u32, Key>,
    nodes: HashMap<Key, Node>,
    gone: Vec<(u64, Key)>,
    stretch: u64,
}

#[derive(Debug, Default)]
struct Node {
    id: u32,
    told: Option<Result<Told, i32>>,
    learned: Option<(Key, Vec<u8>)>,
}

#[derive(Debug)]
struct Told {
    path: Vec<u8>,
    flags: u32,
}

/// A path, and what has to be said with it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Path {
    pub(super) path: Vec<u8>,
    pub(super) basis: Option<Basis>,
    pub(super) cut: bool,
}

/// Returns the key of a handle.
pub(super) fn key(fsid: [u32; 2], kind: i32, handle: &[u8]) -> Key {
    let mut key = Vec::with_capacity(12 + handle.len());
    for word in fsid {
        key.extend_from_slice(&word.to_ne_bytes());
    }
    key.extend_from_slice(&kind.to_ne_bytes());
    key.extend_from_slice(handle);
    key.into()
}

impl Directories {
    /// Learns from a `Dir` frame.
    pub(super) fn tell(&mut self, frame: &Frame<'_>) -> Result<(), Malformed> {
        let (dir, rest) = frame.body::<Dir>()?;
        let (handle, rest) =
            rest.split_at_checked(dir.handle_len.into()).ok_or(Malformed::Length)?;
        let path = rest.get(..dir.path_len.into()).ok_or(Malformed::Length)?;
        let key = key(dir.fsid, dir.handle_kind, handle);
        let node = self.nodes.entry(key.clone()).or_default();
        if node.id != 0 && node.id != dir.id {
            // Told again under a new number: nothing refers to the old one any more.
            self.by_id.remove(&node.id);
        }
        node.id = dir.id;
        node.told = Some(match dir.errno {
            0 => Ok(Told { path: path.to_vec(), flags: dir.flags }),
            errno => Err(errno),
        });
        self.by_id.insert(dir.id, key);
        Ok(())
    }

    /// Returns the directory with this number.
    pub(super) fn by_id(&self, id: u32) -> Option<&Key> {
        self.by_id.get(&id)
    }

    /// A directory was made in, or moved to, `parent` under `name`.
    pub(super) fn placed(&mut self, dir: Key, parent: Key, name: &[u8]) {
        self.nodes.entry(dir).or_default().learned = Some((parent, name.to_vec()));
    }

    /// A directory was removed from `parent`, where it had `name`.
    pub(super) fn removed(&mut self, dir: Key, parent: Key, name: &[u8]) {
        let node = self.nodes.entry(dir.clone()).or_default();
        node.learned.get_or_insert_with(|| (parent, name.to_vec()));
        self.gone.push((self.stretch, dir));
    }

    /// Returns the path of `name` in a directory.
    ///
    /// What the run's own reports say comes first: the kernel was asked when the report was read,
    /// and the directory may have been moved in between.
    pub(super) fn path(&self, dir: &Key, name: &[u8]) -> Result<Path, Missing> {
        let node = self.nodes.get(dir).ok_or(Missing::Untold)?;
        let told = node.told.as_ref().and_then(|told| told.as_ref().ok());
        if node.learned.is_some() {
            let mut learned = Vec::new();
            if self.build(dir, 0, &mut learned).is_some() {
                let basis =
                    (told.is_none_or(|told| told.path != learned)).then_some(Basis::Learned);
                return Ok(Path { path: path::join(&learned, name), basis, cut: false });
            }
        }
        match &node.told {
            Some(Ok(told)) => Ok(Path {
                path: path::join(&told.path, name),
                basis: (told.flags & dir_flag::DELETED != 0).then_some(Basis::Last),
                cut: told.flags & dir_flag::CUT != 0,
            }),
            Some(Err(ESTALE | ENOENT)) => Err(Missing::Removed),
            Some(Err(EXDEV)) => Err(Missing::Outside),
            Some(Err(ENAMETOOLONG)) => Err(Missing::TooLong),
            Some(Err(_)) => Err(Missing::Unresolved),
            None => Err(Missing::Untold),
        }
    }

    /// Appends the path of a directory to `out`, learned names before told paths.
    fn build(&self, dir: &Key, depth: usize, out: &mut Vec<u8>) -> Option<()> {
        let node = self.nodes.get(dir).filter(|_| depth < MAX_DEPTH)?;
        if let Some((parent, name)) = &node.learned
            && self.build(parent, depth + 1, out).is_some()
        {
            if !out.ends_with(b"/") {
                out.push(b'/');
            }
            out.extend_from_slice(name);
            return Some(());
        }
        let told = node.told.as_ref()?.as_ref().ok()?;
        out.clear();
        out.extend_from_slice(&told.path);
        Some(())
    }

    /// Ends a window: forgets the directories that were removed a while ago.
    pub(super) fn expire(&mut self) {
        self.stretch += 1;
        let stretch = self.stretch;
        let (by_id, nodes) = (&mut self.by_id, &mut self.nodes);
        self.gone.retain(|(removed, dir)| {
            if removed + KEPT > stretch {
                return true;
            }
            if let Some(node) = nodes.remove(dir) {
                by_id.remove(&node.id);
            }
            false
        });
    }
}
