//! File frames: one report of the kernel may be several events; paths are joined to it.

use event::ProcId;
use event::frame::Frame;
use event::frame::files::{File as Report, FileRepeat, file_flag};
use event::model::{Basis, File, FileOp, Missing, What};
use event::wire::Malformed;

use super::directories::{self, Key};
use super::window::Unnamed;
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
        let unnamed = self.place(&mut file, parts);
        let id = ProcId { pid: report.pid, start_ns: report.start_ns };
        let known = self.processes.identify(id).is_some();
        let actor = self.processes.actor(id);
        let key = self.count_key(&file);
        let serial = self.push(at, Some(actor), What::File(file));
        if let Some(slot) = self.window.get(serial) {
            slot.stranger = !known;
            slot.key = key;
            slot.unnamed = unnamed.map(Box::new);
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
    /// are made of if one is missing.
    fn place(&mut self, file: &mut File, parts: &Parts<'_>) -> Option<Unnamed> {
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
        let place = self.unnamed(file.op, parts);
        if file.op.is_access() && is_stand_in(&place.name, file.ino) {
            file.basis = Some(Basis::Nameless);
        }
        let missing = self.name(file, &place);
        if file.dir {
            self.learn(file.op, parts, &place);
        }
        missing.then_some(place)
    }

    /// What the paths of an event are made of. With `MOVED_TO` alone only the new one is told.
    fn unnamed(&self, op: FileOp, parts: &Parts<'_>) -> Unnamed {
        let known = |id| self.directories.by_id(id).cloned();
        let (dir, name) = (known(parts.report.dir), parts.name.to_vec());
        if op != FileOp::Rename {
            // A report on a directory itself may name no other.
            let dir = dir.or_else(|| file_is_dir(parts).then(|| parts.target_key()).flatten());
            return Unnamed { dir, name, ..Unnamed::default() };
        }
        if parts.is(mask::RENAME) {
            let (new_dir, new_name) = (known(parts.report.new_dir), parts.new_name.to_vec());
            return Unnamed { dir, name, new_dir, new_name };
        }
        if parts.is(mask::MOVED_FROM) {
            return Unnamed { dir, name, ..Unnamed::default() };
        }
        Unnamed { new_dir: dir, new_name: name, ..Unnamed::default() }
    }

    /// Puts the paths together; returns whether one is missing.
    fn name(&self, file: &mut File, place: &Unnamed) -> bool {
        let both = file.op == FileOp::Rename;
        let has_old = !both || place.dir.is_some() || !place.name.is_empty();
        let has_new = both && (place.new_dir.is_some() || !place.new_name.is_empty());
        file.missing = None;
        if has_old {
            file.path = self.one_path(place.dir.as_ref(), &place.name, file);
        }
        if has_new {
            file.path2 = self.one_path(place.new_dir.as_ref(), &place.new_name, file);
        }
        if !has_old && !has_new {
            file.missing = Some(Missing::NoDirectory);
        }
        let unnamed = if has_old && file.path.is_none() { &place.name } else { &place.new_name };
        file.name = (file.missing.is_some() && !unnamed.is_empty()).then(|| unnamed.clone());
        file.missing.is_some()
    }

    fn one_path(&self, dir: Option<&Key>, name: &[u8], file: &mut File) -> Option<Vec<u8>> {
        let found = match dir {
            Some(dir) => self.directories.path(dir, name),
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
    }

    /// Reports on directories teach where they are.
    fn learn(&mut self, op: FileOp, parts: &Parts<'_>, place: &Unnamed) {
        let Some(target) = parts.target_key() else { return };
        let old = || place.dir.clone().filter(|dir| *dir != target);
        let new = || place.new_dir.clone().filter(|dir| *dir != target);
        match op {
            FileOp::Create => {
                if let Some(parent) = old() {
                    self.directories.placed(target, parent, &place.name);
                }
            }
            FileOp::Rename => {
                if let Some(parent) = new() {
                    self.directories.placed(target, parent, &place.new_name);
                }
            }
            FileOp::Delete => {
                if let Some(parent) = old() {
                    self.directories.removed(target, parent, &place.name);
                }
            }
            FileOp::Exec
            | FileOp::Open
            | FileOp::OpenFailed
            | FileOp::ExecFailed
            | FileOp::Read
            | FileOp::Write
            | FileOp::Attrib
            | FileOp::Truncate => {}
        }
    }

    /// Names again what had no path: later reports of the window may have told the directory's name.
    pub(super) fn name_again(&mut self) {
        let mut window = std::mem::take(&mut self.window);
        for slot in window.first(usize::MAX) {
            let What::File(file) = &mut slot.event.what else { continue };
            let named = |place: &Unnamed| !self.name(file, place) || self.names.complete(file);
            if slot.unnamed.as_deref().is_some_and(named) {
                slot.unnamed = None;
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

fn file_is_dir(parts: &Parts<'_>) -> bool {
    parts.is(mask::ONDIR) && parts.name.is_empty()
}

/// Whether a name is what the kernel gives to a file without one (fs/dcache.c, `d_mark_tmpfile`).
fn is_stand_in(name: &[u8], ino: Option<u64>) -> bool {
    ino.is_some_and(|ino| {
        name.strip_prefix(b"#").is_some_and(|digits| digits == ino.to_string().as_bytes())
    })
}
