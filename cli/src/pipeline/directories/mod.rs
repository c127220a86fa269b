//! Paths of directories as of a moment: as the kernel told them, and as the run's own renames move them.
//!
//! A directory is known by its handle, whatever it is called. Where it is, in which other one under
//! which name, is kept with the frame from which on it is there, so that a path can be put together as
//! of any frame of the window. What the record says of the order of renames and uses is in [`moves`].

mod moves;

use std::cell::RefCell;
use std::sync::Arc;

use foldhash::HashMap;

use event::frame::Frame;
use event::frame::files::{Dir, Within, dir_flag};
use event::model::{Basis, Missing};
use event::path;
use event::wire::Malformed;

use moves::{How, Moves};

pub(super) use moves::Order;

/// A directory for ever: file system and handle.
pub(super) type Key = Arc<[u8]>;

/// Directories that are followed upwards at most; deeper, or in a circle, there is no path. A path of
/// 64 KiB has fewer when its names have 15 bytes or more.
const MAX_DEPTH: usize = 4096;

/// Directories whose paths are kept put together.
const KNOWN: usize = 4096;

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
    moves: Moves,
    /// Paths that are the same as of any frame, until anything is learned of any directory.
    known: RefCell<HashMap<Key, Path>>,
}

#[derive(Debug, Default)]
struct Node {
    id: u32,
    /// What the kernel said, by frame.
    told: Vec<(u64, Result<Told, i32>)>,
    /// Where it is by what the kernel said last, and said before that.
    edge: Option<Place>,
    old_edge: Option<Place>,
    /// Where it is from which frame on, by what was reported; from the first on, also before.
    places: Vec<Stay>,
}

#[derive(Debug)]
struct Told {
    path: Vec<u8>,
    flags: u32,
}

/// In which directory, under which name.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(super) struct Place {
    pub(super) parent: Key,
    pub(super) name: Vec<u8>,
}

#[derive(Debug)]
struct Stay {
    since: u64,
    place: Place,
    /// The kernel said so; no report told the move.
    asked: bool,
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

impl Node {
    fn told(&self, at: u64) -> Option<&Result<Told, i32>> {
        let after = self.told.partition_point(|(since, _)| *since <= at);
        self.told.get(after.saturating_sub(1)).map(|(_, told)| told)
    }

    fn place(&self, at: u64) -> Option<&Place> {
        let after = self.places.partition_point(|stay| stay.since <= at);
        let stay = self.places.get(after.saturating_sub(1));
        stay.map(|stay| &stay.place).or(self.edge.as_ref())
    }

    /// It is there from `since` on.
    fn stays(&mut self, since: u64, place: Place, asked: bool) {
        self.places.push(Stay { since, place, asked });
    }

    /// Drops what no frame from `begin` on asks for.
    fn trim(&mut self, begin: u64) {
        let told = self.told.partition_point(|(since, _)| *since <= begin);
        self.told.drain(..told.saturating_sub(1));
        let places = self.places.partition_point(|stay| stay.since <= begin);
        self.places.drain(..places.saturating_sub(1));
    }
}

impl Directories {
    /// The node of a directory, of which something is learned.
    fn learn(&mut self, dir: Key) -> &mut Node {
        self.known.get_mut().clear();
        self.nodes.entry(dir).or_default()
    }

    /// Learns from a `Dir` frame.
    pub(super) fn tell(&mut self, frame: &Frame<'_>) -> Result<(), Malformed> {
        let (dir, rest) = frame.body::<Dir>()?;
        let (handle, rest) =
            rest.split_at_checked(dir.handle_len.into()).ok_or(Malformed::Length)?;
        let path = rest.get(..dir.path_len.into()).ok_or(Malformed::Length)?;
        let (seq, key) = (frame.head.seq, key(dir.fsid, dir.handle_kind, handle));
        self.known.get_mut().clear();
        let node = self.nodes.entry(key.clone()).or_default();
        if node.id != 0 && node.id != dir.id {
            // Told again under a new number: nothing refers to the old one any more.
            self.by_id.remove(&node.id);
        }
        node.id = dir.id;
        node.trim(self.moves.begin());
        let told = match dir.errno {
            0 => Ok(Told { path: path.to_vec(), flags: dir.flags }),
            errno => Err(errno),
        };
        node.told.push((seq, told));
        node.old_edge = node.edge.take().or(node.old_edge.take());
        self.by_id.insert(dir.id, key.clone());
        if dir.flags & dir_flag::MOVED != 0 {
            self.moves.add(seq, key, How::Untold);
        }
        Ok(())
    }

    /// Learns from a `Within` frame: where the kernel says that a directory is.
    pub(super) fn within(&mut self, frame: &Frame<'_>) -> Result<(), Malformed> {
        let (within, _) = frame.body::<Within>()?;
        let of = |id| self.by_id.get(&id).cloned();
        let (Some(dir), Some(parent)) = (of(within.dir), of(within.parent)) else { return Ok(()) };
        let seq = frame.head.seq;
        self.known.get_mut().clear();
        let Some(node) = self.nodes.get_mut(&dir).filter(|_| dir != parent) else { return Ok(()) };
        let Some(Ok(told)) = node.told(seq) else { return Ok(()) };
        let name = told.path.rsplit(|byte| *byte == b'/').next().unwrap_or_default().to_vec();
        let edge = Place { parent, name };
        let known = node.place(u64::MAX).or(node.old_edge.as_ref()).cloned();
        if let Some(known) = known.filter(|known| *known != edge) {
            // Moved by another, or the report of it is still to come.
            if node.places.is_empty() {
                node.stays(0, known, false);
            }
            node.stays(seq, edge.clone(), true);
            self.moves.add(seq, dir, How::Asked);
        }
        node.edge = Some(edge);
        Ok(())
    }

    /// Returns the directory with this number.
    pub(super) fn by_id(&self, id: u32) -> Option<&Key> {
        self.by_id.get(&id)
    }

    /// A directory was made.
    pub(super) fn placed(&mut self, dir: Key, place: Place, seq: u64) {
        let node = self.learn(dir);
        let since = if node.places.is_empty() { 0 } else { seq };
        node.stays(since, place, false);
    }

    /// A directory was moved. Kernels before 5.17 tell the two halves one by one.
    pub(super) fn moved(&mut self, dir: Key, from: Option<Place>, to: Option<Place>, seq: u64) {
        let how = match &from {
            Some(from) => self.was(&dir, from, to.as_ref()),
            None => How::Reported,
        };
        if let Some(to) = to {
            self.moves.reported(seq, dir.clone(), how, [from.as_ref(), Some(&to)]);
            self.learn(dir).stays(seq, to, false);
        }
    }

    /// A directory was removed.
    pub(super) fn removed(&mut self, dir: Key, place: &Place, seq: u64) {
        if self.was(&dir, place, None) == How::Broken {
            self.learn(dir.clone()).stays(seq, place.clone(), false);
            self.moves.add(seq, dir.clone(), How::Broken);
        }
        self.gone.push((self.stretch, dir));
    }

    /// A report says where a directory was until now. If the kernel was asked when it was moved already,
    /// by this report or by those behind it, that is no other move.
    fn was(&mut self, dir: &Key, from: &Place, to: Option<&Place>) -> How {
        self.known.get_mut().clear();
        let node = self.nodes.entry(dir.clone()).or_default();
        let reported = node.places.iter().rev().find(|stay| !stay.asked);
        let goes_on = reported.is_some_and(|stay| stay.place == *from);
        while let Some(last) = node.places.last()
            && last.asked
            && last.place != *from
            && (goes_on || Some(&last.place) == to)
        {
            self.moves.drop_asked(last.since, dir);
            node.places.pop();
        }
        let agrees = match node.places.last() {
            Some(last) => last.place == *from,
            None => {
                let edge = node.edge.as_ref();
                let agrees = edge.is_none_or(|edge| edge == from || Some(edge) == to);
                node.stays(0, from.clone(), false);
                agrees
            }
        };
        if agrees { How::Reported } else { How::Broken }
    }

    /// All that was done before the moves so far is told.
    pub(super) fn settle(&mut self, seq: u64) {
        self.moves.settle(seq);
    }

    /// Whether a directory was moved in this window or the last.
    pub(super) fn moves(&self) -> bool {
        !self.moves.is_empty()
    }

    /// Returns the path of `name` in a directory, as of a frame.
    ///
    /// What the run's own reports say comes first: the kernel was asked when the report was read,
    /// and the directory may have been moved in between.
    pub(super) fn path(&self, dir: &Key, name: &[u8], at: u64) -> Result<Path, Missing> {
        let within = |of: &Path| Path { path: path::join(&of.path, name), ..*of };
        if let Some(known) = self.known.borrow().get(dir) {
            return Ok(within(known));
        }
        let (found, for_any) = self.own_path(dir, at)?;
        let path = within(&found);
        let mut known = self.known.borrow_mut();
        if for_any && known.len() < KNOWN {
            known.insert(dir.clone(), found);
        }
        Ok(path)
    }

    /// The path of a directory as of a frame, and whether it is the same as of any.
    fn own_path(&self, dir: &Key, at: u64) -> Result<(Path, bool), Missing> {
        let mut deep = Vec::new();
        let told = self.nodes.get(dir).and_then(|node| node.told(at));
        let (base, for_any) = self.climb(dir, at, &mut deep)?;
        let Some(base) = base else {
            return Err(match told {
                Some(Err(ESTALE | ENOENT)) => Missing::Removed,
                Some(Err(EXDEV)) => Missing::Outside,
                Some(Err(ENAMETOOLONG)) => Missing::TooLong,
                Some(_) => Missing::Unresolved,
                None => Missing::Untold,
            });
        };
        let mut path = base.path.clone();
        for place in deep.iter().rev() {
            if !path.ends_with(b"/") {
                path.push(b'/');
            }
            path.extend_from_slice(&place.name);
        }
        let flags = told.and_then(|told| told.as_ref().ok()).filter(|told| told.path == path);
        let basis = match flags {
            None => Some(Basis::Learned),
            Some(told) => (told.flags & dir_flag::DELETED != 0).then_some(Basis::Last),
        };
        let cut = base.flags & dir_flag::CUT != 0;
        Ok((Path { path, basis, cut }, for_any))
    }

    /// Goes up from a directory to the highest one of which a path was told, and returns that, and whether
    /// the way there is the same as of any frame; `deep` gets the places below it, the lowest first.
    fn climb<'a>(
        &'a self,
        dir: &'a Key,
        at: u64,
        deep: &mut Vec<&'a Place>,
    ) -> Result<(Option<&'a Told>, bool), Missing> {
        let (mut base, mut below, mut for_any) = (None, 0, true);
        for (_, node, place) in self.up(dir, at) {
            for_any &= node.told.len() <= 1 && node.places.len() <= 1;
            if let Some(Ok(told)) = node.told(at) {
                (base, below) = (Some(told), deep.len());
            }
            deep.extend(place);
            if deep.len() >= MAX_DEPTH - 1 {
                return Err(Missing::TooLong);
            }
        }
        deep.truncate(below);
        Ok((base, for_any))
    }

    /// Ends a window: forgets the directories that were removed a while ago, and where others were.
    pub(super) fn expire(&mut self, seq: u64) {
        self.stretch += 1;
        let stretch = self.stretch;
        self.known.get_mut().clear();
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
        let (moves, begin) = self.moves.expire(seq);
        for dir in moves {
            if let Some(node) = nodes.get_mut(&dir) {
                node.trim(begin);
            }
        }
    }
}
