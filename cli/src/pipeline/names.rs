//! One file, all its names: what else a file is called, by what the run did and by its mounts.
//!
//! A name counts from the event that tells it until it is removed, moved, or given to another file. When a
//! directory is moved, all names in it are forgotten, as are those where it is now: after an exchange they
//! are another file's. They are learned again by the next event that tells them.

use std::collections::BTreeMap;

use foldhash::HashMap;
use std::mem::take;
use std::ops::Bound;
use std::sync::Arc;

use event::model::{Basis, File, FileOp};

use super::Pipeline;

/// Files whose names are remembered; of later ones only their event's own name is known.
const FILES: usize = 100_000;

/// Names of one file that are remembered and told.
const NAMES: usize = 8;

/// Directories of a window that are remembered as moved; while there are more, no access teaches a name.
const MOVED: usize = 256;

/// A file for ever.
type Inode = (u32, u64, u32);
type Name = Arc<[u8]>;

/// Names of files.
#[derive(Debug, Default)]
pub(super) struct Names {
    files: HashMap<Inode, Vec<Name>>,
    /// Paths that opens told, for closes that come when no path leads there any more.
    opened: HashMap<Inode, (Name, Option<Basis>)>,
    owners: BTreeMap<Name, Inode>,
    /// Where directories were moved from, or to, in this window and the one before: accesses that are
    /// told after that may be from before.
    moved: [Vec<Name>; 2],
}

impl Names {
    /// The names of a file.
    pub(super) fn of(&self, inode: Inode) -> &[Name] {
        self.files.get(&inode).map(Vec::as_slice).unwrap_or_default()
    }

    /// Learns the path that an open told.
    pub(super) fn opened(&mut self, file: &File) {
        if let (Some(inode), Some(path)) = (inode(file), &file.path)
            && self.opened.len() < FILES
        {
            self.opened.insert(inode, (path.as_slice().into(), file.basis));
        }
    }

    /// Gives a file without a path the one that its open told; returns whether it has one now.
    pub(super) fn complete(&self, file: &mut File) -> bool {
        let found = inode(file).and_then(|inode| self.opened.get(&inode));
        let Some((path, basis)) = found.filter(|_| file.op.is_access()) else { return false };
        (file.path, file.basis) = (Some(path.to_vec()), *basis);
        (file.missing, file.name) = (None, None);
        true
    }

    fn add(&mut self, inode: Inode, name: &[u8]) {
        // By the file and not by the owner of the name: of few names, not of all.
        if self.of(inode).iter().any(|known| **known == *name) {
            return;
        }
        self.remove(name);
        if !self.files.contains_key(&inode) && self.files.len() >= FILES {
            return;
        }
        let names = self.files.entry(inode).or_default();
        if names.len() < NAMES {
            let name: Name = name.into();
            names.push(name.clone());
            self.owners.insert(name, inode);
        }
    }

    fn remove(&mut self, name: &[u8]) {
        let Some(inode) = self.owners.remove(name) else { return };
        if let Some(names) = self.files.get_mut(&inode) {
            names.retain(|known| **known != *name);
            if names.is_empty() {
                self.files.remove(&inode);
            }
        }
    }

    /// A directory was moved: forgets the names below both of its own.
    fn directory_moved(&mut self, file: &File) {
        for dir in [&file.path, &file.path2].into_iter().flatten() {
            let below = [dir.as_slice(), b"/"].concat();
            let from = (Bound::Included(below.as_slice()), Bound::Unbounded);
            let known = self.owners.range::<[u8], _>(from).map(|(name, _)| name.clone());
            let gone: Vec<Name> = known.take_while(|name| name.starts_with(&below)).collect();
            gone.iter().for_each(|name| self.remove(name));
            if let [moved, _] = &mut self.moved
                && moved.len() <= MOVED
            {
                moved.push(below.into());
            }
        }
    }

    /// Ends a window.
    pub(super) fn end_window(&mut self) {
        let [now, before] = &mut self.moved;
        *before = take(now);
    }

    /// Whether a path that an access told may be from before a directory above it was moved.
    fn is_doubtful(&self, path: &[u8]) -> bool {
        let doubtful = |moved: &Vec<Name>| {
            moved.len() > MOVED || moved.iter().any(|dir| path.starts_with(dir))
        };
        self.moved.iter().any(doubtful)
    }

    fn learn(&mut self, file: &File, inode: Inode) {
        let Some(path) = &file.path else { return };
        match (file.op, &file.path2) {
            (FileOp::Delete, _) => self.remove(path),
            (FileOp::Rename, Some(new)) => {
                self.remove(path);
                self.add(inode, new);
            }
            // What makes names comes in the order of what moves them.
            (FileOp::Create, _) => self.add(inode, path),
            _ if self.is_doubtful(path) => {}
            _ => self.add(inode, path),
        }
    }
}

/// Which file an event is about, where that is certain.
pub(super) fn inode(file: &File) -> Option<Inode> {
    Some((file.dev?, file.ino?, file.generation?))
}

impl Pipeline {
    /// Tells the other names of the file in an event that is about to be told, and learns its own.
    pub(super) fn name_all(names: &mut Names, mounts: &super::mounts::Mounts, file: &mut File) {
        if file.dir && file.op == FileOp::Rename {
            names.directory_moved(file);
        }
        let Some(inode) = inode(file).filter(|_| !file.dir) else { return };
        let is_own =
            |name: &[u8]| [&file.path, &file.path2].into_iter().flatten().any(|path| path == name);
        let others = names.of(inode).iter().filter(|name| !is_own(name));
        let mut also: Vec<Vec<u8>> = others.map(|name| name.to_vec()).collect();
        if let Some(path) = file.path.as_ref().filter(|_| file.basis != Some(Basis::Nameless)) {
            let (ways, dev) = (also.len(), inode.0);
            for way in mounts.ways_to(dev, path) {
                if also.len() < ways + NAMES && !is_own(&way) && !also.contains(&way) {
                    also.push(way);
                }
            }
        }
        for name in also {
            file.also.extend_from_slice(&name);
            file.also.push(0);
        }
        // The kernel's stand-in for a file without a name is none; what a mark does not tell of, such
        // as a memfd, has none either.
        if !matches!(file.basis, Some(Basis::Nameless | Basis::Mount | Basis::Moved)) {
            names.learn(file, inode);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn event(op: FileOp, path: &str, path2: Option<&str>, ino: u64) -> (File, Inode) {
        let path2 = path2.map(|path| path.as_bytes().to_vec());
        (File { path: Some(path.into()), path2, ..File::new(op) }, (1, ino, 1))
    }

    fn told(events: &[(FileOp, &str, Option<&str>, u64)], ino: u64) -> Vec<String> {
        let mut names = Names::default();
        for (op, path, path2, ino) in events {
            let (file, inode) = event(*op, path, *path2, *ino);
            names.learn(&file, inode);
        }
        let text = |name: &Name| String::from_utf8_lossy(name).into_owned();
        names.of((1, ino, 1)).iter().map(text).collect()
    }

    #[test]
    fn a_file_has_the_names_that_it_was_seen_by() {
        use FileOp::{Create, Read, Write};
        let events = [(Create, "/a", None, 7), (Write, "/a", None, 7), (Create, "/b", None, 7)];
        assert_eq!(told(&events, 7), ["/a", "/b"]);
        assert_eq!(told(&[(Read, "/a", None, 7), (Read, "/a", None, 8)], 7), Vec::<String>::new());
    }

    #[test]
    fn a_name_that_was_moved_or_removed_is_none_any_more() {
        use FileOp::{Create, Delete, Rename};
        let made = [(Create, "/a", None, 7), (Create, "/b", None, 7)];
        assert_eq!(told(&[&made[..], &[(Delete, "/a", None, 7)]].concat(), 7), ["/b"]);
        assert_eq!(told(&[&made[..], &[(Rename, "/a", Some("/c"), 7)]].concat(), 7), ["/b", "/c"]);
        let over = [&made[..], &[(Create, "/x", None, 8), (Rename, "/x", Some("/a"), 8)]].concat();
        assert_eq!(told(&over, 7), ["/b"]);
        assert_eq!(told(&over, 8), ["/a"]);
    }

    #[test]
    fn names_below_a_directory_that_was_moved_are_none_until_they_are_told_again() {
        use FileOp::{Create, Read};
        let mut names = Names::default();
        let tell = |names: &mut Names, op, path: &str| {
            let (file, inode) = event(op, path, None, 7);
            names.learn(&file, inode);
        };
        tell(&mut names, Create, "/a/x");
        tell(&mut names, Create, "/ab/x");
        tell(&mut names, Create, "/c/x");
        let (mut moved, _) = event(FileOp::Rename, "/a", Some("/c"), 9);
        moved.dir = true;
        names.directory_moved(&moved);
        let known = |names: &Names| -> Vec<String> {
            let text = |name: &Name| String::from_utf8_lossy(name).into_owned();
            names.of((1, 7, 1)).iter().map(text).collect()
        };
        assert_eq!(known(&names), ["/ab/x"]);
        tell(&mut names, Read, "/a/x");
        assert_eq!(known(&names), ["/ab/x"], "the read may be from before");
        names.end_window();
        names.end_window();
        tell(&mut names, Read, "/c/x");
        assert_eq!(known(&names), ["/ab/x", "/c/x"]);
    }

    #[test]
    fn what_is_remembered_of_one_file_is_bounded() {
        let paths: Vec<String> = (0..100).map(|number| format!("/{number}")).collect();
        let events: Vec<_> =
            paths.iter().map(|path| (FileOp::Create, path.as_str(), None, 7)).collect();
        assert_eq!(told(&events, 7).len(), NAMES);
    }
}
