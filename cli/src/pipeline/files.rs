//! File frames: one report of the kernel may be several events; paths are joined to it.

use event::ProcId;
use event::frame::Frame;
use event::frame::files::{File as Report, FileRepeat, file_flag};
use event::model::{Basis, File, FileOp, Missing, What};
use event::wire::Malformed;

use super::directories::{self, Directories, Key, Order, Place};
use super::window::MadeOf;
use super::{At, Pipeline};

/// Bits of fanotify's masks (include/uapi/linux/fanotify.h).
mod mask {
    pub(super) const MODIFY: u64 = 0x2;
    pub(super) const ATTRIB: u64 = 0x4;
    pub(super) const CLOSE_WRITE: u64 = 0x8;
    pub(super) const CLOSE_NOWRITE: u64 = 0x10;
    pub(super) const MOVED_FROM: u64 = 0x40;
    pub(super) const MOVED_TO: u64 = 0x80;
    pub(super) const CREATE: u64 = 0x100;
    pub(super) const DELETE: u64 = 0x200;
    pub(super) const OPEN_EXEC: u64 = 0x1000;
    pub(super) const RENAME: u64 = 0x1000_0000;
    pub(super) const ONDIR: u64 = 0x4000_0000;
}

/// What each operation is told by.
fn bits(op: FileOp) -> u64 {
    match op {
        FileOp::Create => mask::CREATE,
        FileOp::Exec => mask::OPEN_EXEC,
        // Told by no report: a read or write that turns out to be none.
        FileOp::Open | FileOp::OpenFailed | FileOp::ExecFailed => 0,
        FileOp::Read => mask::CLOSE_NOWRITE,
        FileOp::Write => mask::CLOSE_WRITE | mask::MODIFY,
        FileOp::Attrib => mask::ATTRIB,
        FileOp::Rename => mask::RENAME | mask::MOVED_FROM | mask::MOVED_TO,
        FileOp::Delete => mask::DELETE,
        // Told by the call itself: marks on mounts do not see it.
        FileOp::Truncate => 0,
    }
}

/// A `File` frame taken apart.
struct Parts<'a> {
    report: &'a Report,
    target: &'a [u8],
    name: &'a [u8],
    new_name: &'a [u8],
    path: &'a [u8],
}

impl<'a> Parts<'a> {
    fn of(frame: &Frame<'a>) -> Result<Self, Malformed> {
        let (report, mut rest) = frame.body::<Report>()?;
        let mut take = |len: u16| {
            let (part, after) = rest.split_at_checked(len.into()).ok_or(Malformed::Length)?;
            rest = after;
            Ok(part)
        };
        Ok(Parts {
            report,
            target: take(report.target_len)?,
            name: take(report.name_len)?,
            new_name: take(report.new_name_len)?,
            path: take(report.path_len)?,
        })
    }

    fn is(&self, bits: u64) -> bool {
        self.report.mask & bits != 0
    }

    fn target_key(&self) -> Option<Key> {
        let Report { fsid, target_kind, .. } = self.report;
        (!self.target.is_empty()).then(|| directories::key(*fsid, *target_kind, self.target))
    }
}

impl Pipeline {
    pub(super) fn on_file(&mut self, frame: &Frame<'_>, at: At) -> Result<(), Malformed> {
        let parts = Parts::of(frame)?;
        let mut told = false;
        for op in FileOp::ALL {
            if parts.is(bits(op)) {
                self.file_event(op, &parts, at);
                told = true;
            }
        }
        // A report of nothing that we know cannot be told; that is said, not hidden.
        if told { Ok(()) } else { Err(Malformed::Unknown { kind: parts.report.mask as u32 }) }
    }

    fn file_event(&mut self, op: FileOp, parts: &Parts<'_>, at: At) {
        let report = parts.report;
        let mut file = File { dir: parts.is(mask::ONDIR), ..File::new(op) };
        self.identify(&mut file, parts);
        let made_of = self.place(&mut file, parts, at.frame);
        let id = ProcId { pid: report.pid, start_ns: report.start_ns };
        let known = self.processes.identify(id).is_some();
        let later = report.flags >> file_flag::LATER_SHIFT & file_flag::LATER_MASK;
        let actor = self.processes.actor_before(id, later);
        let executed = self.processes.executed(actor.id);
        let key = self.count_key(&file);
        let unnamed = made_of.is_some() && file.missing.is_some();
        let serial = self.push(at, Some(actor), What::File(file));
        if let Some(slot) = self.window.get(serial) {
            slot.stranger = !known;
            (slot.program, slot.late) = (executed.saturating_sub(later), later > 0);
            slot.key = key;
            slot.unnamed = unnamed;
            let merged = FileOp::ALL.iter().filter(|op| parts.is(bits(**op))).count() > 1;
            slot.made_of = made_of.map(|made_of| Box::new(MadeOf { merged, ..made_of }));
        }
    }

    /// Fills in which file it is.
    fn identify(&self, file: &mut File, parts: &Parts<'_>) {
        let report = parts.report;
        if report.flags & file_flag::FD != 0 {
            (file.dev, file.ino) = (Some(report.dev), Some(report.ino));
        } else if !parts.target.is_empty() {
            let known = self.mounts.identity(report.fsid, report.target_kind, parts.target);
            file.dev = known.dev;
            (file.ino, file.generation) = known.inode.unzip();
        }
    }

    /// Fills in the paths, then learns what the report says of a directory. Returns what the paths
    /// are made of, when that is directories by handle.
    fn place(&mut self, file: &mut File, parts: &Parts<'_>, at: u64) -> Option<MadeOf> {
        let report = parts.report;
        if report.flags & file_flag::FD != 0 {
            file.cut = report.flags & file_flag::PATH_CUT != 0 && !parts.path.is_empty();
            if parts.path.is_empty() {
                file.missing = Some(Missing::Unreadable);
            } else {
                file.path = Some(parts.path.to_vec());
                let doubtful = report.flags & file_flag::PATH_DOUBTFUL != 0;
                file.basis = Some(if doubtful { Basis::Doubtful } else { Basis::Descriptor });
            }
            return None;
        }
        let made_of = self.made_of(file.op, parts);
        if file.op.is_access() && is_stand_in(&made_of.name, file.ino) {
            file.basis = Some(Basis::Nameless);
        }
        name(&self.directories, file, &made_of, at);
        if file.dir {
            self.learn(file.op, parts, &made_of, at);
        }
        Some(made_of)
    }

    /// What the paths of an event are made of. With `MOVED_TO` alone only the new one is told.
    fn made_of(&self, op: FileOp, parts: &Parts<'_>) -> MadeOf {
        let known = |id| self.directories.by_id(id).cloned();
        let (dir, name) = (known(parts.report.dir), parts.name.to_vec());
        if op != FileOp::Rename {
            // A report on a directory itself may name no other.
            let dir = dir.or_else(|| file_is_dir(parts).then(|| parts.target_key()).flatten());
            return MadeOf { dir, name, ..MadeOf::default() };
        }
        if parts.is(mask::RENAME) {
            let (new_dir, new_name) = (known(parts.report.new_dir), parts.new_name.to_vec());
            return MadeOf { dir, name, new_dir, new_name, merged: false };
        }
        if parts.is(mask::MOVED_FROM) {
            return MadeOf { dir, name, ..MadeOf::default() };
        }
        MadeOf { new_dir: dir, new_name: name, ..MadeOf::default() }
    }

    /// Reports on directories teach where they are.
    fn learn(&mut self, op: FileOp, parts: &Parts<'_>, made_of: &MadeOf, at: u64) {
        let Some(target) = parts.target_key() else { return };
        let place = |dir: &Option<Key>, name: &[u8]| {
            let parent = dir.clone().filter(|dir| *dir != target)?;
            Some(Place { parent, name: name.to_vec() })
        };
        let old = place(&made_of.dir, &made_of.name);
        let new = place(&made_of.new_dir, &made_of.new_name);
        match (op, old) {
            (FileOp::Create, Some(place)) => self.directories.placed(target, place, at),
            (FileOp::Rename, old) => self.directories.moved(target, old, new, at),
            (FileOp::Delete, Some(place)) => self.directories.removed(target, &place, at),
            _ => {}
        }
    }

    /// Names again what had no path, and what is in directories that were moved: later reports of the
    /// window may have told where they were.
    pub(super) fn name_again(&mut self) {
        let mut window = std::mem::take(&mut self.window);
        let moves = self.directories.moves();
        for slot in window.first(usize::MAX) {
            let What::File(file) = &mut slot.event.what else { continue };
            let Some(made_of) = slot.made_of.as_deref().filter(|_| moves || slot.unnamed) else {
                continue;
            };
            let named = name(&self.directories, file, made_of, slot.frame);
            slot.unnamed = !named && !self.names.complete(file);
            if moves {
                doubt(&self.directories, file, made_of, slot.frame);
            }
        }
        self.window = window;
    }

    pub(super) fn on_file_repeat(&mut self, frame: &Frame<'_>) -> Result<(), Malformed> {
        let (repeat, _) = frame.body::<FileRepeat>()?;
        if self.untold.contains(&repeat.first_seq) {
            return Ok(());
        }
        let last_ts_ns = self.clock.utc(repeat.last_ns);
        let mut found = false;
        for slot in self.window.of_frame(repeat.first_seq) {
            if let What::File(file) = &mut slot.event.what
                && (file.op.is_access() || file.errno.is_some())
            {
                file.count = file.count.saturating_add(repeat.count);
                file.last_ts_ns = Some(file.last_ts_ns.unwrap_or(i64::MIN).max(last_ts_ns));
                found = true;
            }
        }
        if !found {
            self.coverage.orphan(repeat.count);
        }
        Ok(())
    }
}

/// Puts the paths together, as of a frame; returns whether none is missing.
fn name(directories: &Directories, file: &mut File, made_of: &MadeOf, at: u64) -> bool {
    let both = file.op == FileOp::Rename;
    let has_old = !both || made_of.dir.is_some() || !made_of.name.is_empty();
    let has_new = both && (made_of.new_dir.is_some() || !made_of.new_name.is_empty());
    file.missing = None;
    file.basis = file.basis.filter(|basis| *basis == Basis::Nameless);
    let mut one = |dir: Option<&Key>, name: &[u8]| {
        let found = match dir {
            Some(dir) => directories.path(dir, name, at),
            None => Err(Missing::NoDirectory),
        };
        match found {
            Ok(found) => {
                file.basis = file.basis.or(found.basis);
                file.cut |= found.cut;
                Some(found.path)
            }
            Err(why) => {
                file.missing = Some(why);
                None
            }
        }
    };
    let path = if has_old { one(made_of.dir.as_ref(), &made_of.name) } else { None };
    let path2 = if has_new { one(made_of.new_dir.as_ref(), &made_of.new_name) } else { None };
    (file.path, file.path2) = (path, path2);
    if !has_old && !has_new {
        file.missing = Some(Missing::NoDirectory);
    }
    let unnamed = if has_old && file.path.is_none() { &made_of.name } else { &made_of.new_name };
    file.name = (file.missing.is_some() && !unnamed.is_empty()).then(|| unnamed.clone());
    file.missing.is_none()
}

/// Says so when a path may have been another one, and which.
fn doubt(directories: &Directories, file: &mut File, made_of: &MadeOf, at: u64) {
    let order = match made_of.merged {
        _ if file.op.is_access() => Order::Late,
        true => Order::Merged,
        false => Order::Exact,
    };
    let of = |dir: &Option<Key>, name: &[u8], path: &Option<Vec<u8>>| {
        let dir = dir.as_ref().filter(|_| path.is_some())?;
        directories.doubts(dir, name, at, order)
    };
    let old = of(&made_of.dir, &made_of.name, &file.path);
    let new = of(&made_of.new_dir, &made_of.new_name, &file.path2);
    if old.is_some() || new.is_some() {
        file.basis = Some(Basis::Moved);
    }
    file.also.clear();
    for other in old.iter().flatten() {
        file.also.extend_from_slice(other);
        file.also.push(0);
    }
}

fn file_is_dir(parts: &Parts<'_>) -> bool {
    parts.is(mask::ONDIR) && parts.name.is_empty()
}

/// Whether a name is what the kernel gives to a file without one (fs/dcache.c, `d_mark_tmpfile`).
fn is_stand_in(name: &[u8], ino: Option<u64>) -> bool {
    ino.is_some_and(|ino| {
        name.strip_prefix(b"#").is_some_and(|digits| digits == ino.to_string().as_bytes())
    })
}
