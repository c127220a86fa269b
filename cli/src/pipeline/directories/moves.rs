//! Which renames of directories a use may have come before or after.
//!
//! Names and uses are told by two queues of the kernel, without times. The recorder empties them in an
//! order in which a use never comes too early among the renames, but perhaps too late: within one
//! turn, until all is told that was done before (`Settled` frames). And a queue merges what is the
//! same: of a directory that moves to and fro only the first two moves of a turn are told. So a path is
//! certain unless a directory above was moved in the same turn; then its other paths are given too.

use foldhash::{HashMap, HashSet};

use super::{Directories, Key, Node, Place};

/// Other paths that are looked for.
const OTHERS: usize = 16;

/// How a move is known.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum How {
    /// It was reported, from where the directory was.
    Reported,
    /// It was reported, from where it was not known to be: there was another move before.
    Broken,
    /// The kernel told another place than was known.
    Asked,
    /// That it was moved by somebody is all that is known.
    Untold,
}

/// How the place of a report among the renames is to be taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in super::super) enum Order {
    /// Names are told in their order.
    Exact,
    /// Several changes of one name were merged into the report: only the first is in its place.
    Merged,
    /// Uses may be told too late among the renames.
    Late,
}

#[derive(Debug, Clone, Copy)]
struct Move {
    seq: u64,
    how: How,
    /// By then it had come back, in this turn, to where it was before: a move away may have been merged
    /// into an earlier one.
    returned: bool,
}

/// The moves of this window and the last.
#[derive(Debug, Default)]
pub(super) struct Moves {
    by_dir: HashMap<Key, Vec<Move>>,
    /// Where a directory was in this turn.
    places: HashMap<Key, HashSet<Place>>,
    settled: Vec<u64>,
    /// First frames of the last window and of this one.
    windows: [u64; 2],
}

impl Moves {
    /// A directory was moved.
    pub(super) fn add(&mut self, seq: u64, dir: Key, how: How) {
        let turn = self.settled.last().copied().unwrap_or(0);
        let moves = self.by_dir.entry(dir).or_default();
        let returned = moves.last().is_some_and(|last| last.returned && last.seq > turn);
        moves.push(Move { seq, how, returned });
    }

    /// The same, as a report says from where to where.
    pub(super) fn reported(&mut self, seq: u64, dir: Key, how: How, places: [Option<&Place>; 2]) {
        let been = self.places.entry(dir.clone()).or_default();
        let [_, back] = places.map(|place| place.is_some_and(|place| !been.insert(place.clone())));
        self.add(seq, dir.clone(), how);
        if back && let Some(last) = self.by_dir.get_mut(&dir).and_then(|moves| moves.last_mut()) {
            last.returned = true;
        }
    }

    /// What looked like a move of its own was not.
    pub(super) fn drop_asked(&mut self, seq: u64, dir: &Key) {
        if let Some(moves) = self.by_dir.get_mut(dir) {
            let from = moves.partition_point(|it| it.seq < seq);
            let is_it = |it: &&Move| it.how == How::Asked && it.seq == seq;
            if moves.get(from).as_ref().is_some_and(is_it) {
                moves.remove(from);
            }
        }
    }

    pub(super) fn settle(&mut self, seq: u64) {
        self.settled.push(seq);
        self.places.clear();
    }

    pub(super) fn is_empty(&self) -> bool {
        self.by_dir.is_empty()
    }

    /// First frame that may still be asked for.
    pub(super) fn begin(&self) -> u64 {
        self.windows[0]
    }

    /// Begins a window with the frame `seq`. Returns the directories that were moved, and the first frame
    /// that may still be asked for.
    pub(super) fn expire(&mut self, seq: u64) -> (Vec<Key>, u64) {
        self.windows = [self.windows[1], seq];
        let begin = self.begin();
        let keys = self.by_dir.keys().cloned().collect();
        self.by_dir.retain(|_, moves| {
            let old = moves.partition_point(|it| it.seq < begin);
            moves.drain(..old);
            !moves.is_empty()
        });
        self.settled.retain(|seq| *seq >= begin);
        (keys, begin)
    }

    /// First and last frame of the turn that a frame belongs to.
    fn turn(&self, at: u64) -> (u64, u64) {
        let turn = self.settled.partition_point(|seq| *seq <= at);
        let first = turn.checked_sub(1).and_then(|it| self.settled.get(it)).copied();
        (first.unwrap_or(0), self.settled.get(turn).copied().unwrap_or(u64::MAX))
    }

    /// The moves of a directory from one frame to another, before and after a frame between.
    fn of(&self, dir: &Key, [first, at, last]: [u64; 3]) -> (&[Move], &[Move]) {
        let Some(moves) = self.by_dir.get(dir) else { return Default::default() };
        let before = |seq| moves.partition_point(|it| it.seq <= seq);
        let [first, at, last] = [first, at, last].map(before);
        (moves.get(first..at).unwrap_or_default(), moves.get(at..last).unwrap_or_default())
    }
}

impl Directories {
    /// Returns `None` when the path of `name` in a directory, as of a frame, is certain; else what
    /// other paths it may have had then, as far as they are known.
    pub(in super::super) fn doubts(
        &self,
        dir: &Key,
        name: &[u8],
        at: u64,
        order: Order,
    ) -> Option<Vec<Vec<u8>>> {
        let (first, last) = self.moves.turn(at);
        let mut above: Vec<&Key> = self.up(dir, at).map(|(key, ..)| key).collect();
        above.extend(self.up(dir, first).map(|(key, ..)| key));
        above.sort();
        above.dedup();
        let (mut moments, mut later, mut unsure) = (Vec::new(), Vec::new(), false);
        for key in above {
            let (before, after) = self.moves.of(key, [first, at, last]);
            if order == Order::Late || before.last().is_some_and(|it| it.returned) {
                let recent = before.iter().rev().take(OTHERS);
                moments.extend(recent.map(|it| it.seq.saturating_sub(1)));
                let is_untold = |it: &Move| it.how == How::Untold;
                unsure |=
                    before.len() > OTHERS || before.len() == 1 && before.iter().all(is_untold);
            }
            if order == Order::Merged {
                moments.extend(after.iter().take(OTHERS).map(|it| it.seq));
                unsure |= after.len() > OTHERS;
            }
            if let Some(next) = after.first()
                && matches!(next.how, How::Broken | How::Asked)
            {
                moments.push(next.seq);
                unsure = true;
            }
            later.extend(after.iter().take(OTHERS).map(|it| it.seq));
        }
        let own = self.path(dir, name, at).ok().map(|path| path.path);
        let mut others: Vec<Vec<u8>> = moments
            .into_iter()
            .filter_map(|moment| self.path(dir, name, moment).ok())
            .map(|path| path.path)
            .collect();
        others.extend(self.unexplained(dir, name, at, &later));
        others.sort();
        others.dedup();
        others.retain(|path| Some(path) != own.as_ref());
        (unsure || !others.is_empty()).then_some(others)
    }

    /// The path that the kernel told, when no report says why it is another one.
    fn unexplained(&self, dir: &Key, name: &[u8], at: u64, later: &[u64]) -> Option<Vec<u8>> {
        let Some(Ok(told)) = self.nodes.get(dir).and_then(|node| node.told(at)) else {
            return None;
        };
        let is_told =
            |moment: u64| self.path(dir, b"", moment).is_ok_and(|path| path.path == told.path);
        let explained = is_told(at) || later.iter().any(|moment| is_told(*moment));
        (!explained).then(|| event::path::join(&told.path, name))
    }

    /// A directory and those above it, with their places, as of a frame.
    pub(super) fn up<'a>(
        &'a self,
        dir: &'a Key,
        at: u64,
    ) -> impl Iterator<Item = (&'a Key, &'a Node, Option<&'a Place>)> {
        let mut next = Some(dir);
        std::iter::from_fn(move || {
            let key = next?;
            let node = self.nodes.get(key)?;
            let place = node.place(at);
            next = place.map(|place| &place.parent);
            Some((key, node, place))
        })
        .take(super::MAX_DEPTH)
    }
}
