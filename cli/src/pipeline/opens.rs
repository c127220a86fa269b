//! Opens: summed under the file's identity, and given to the events of the window.

use event::ProcId;
use event::frame::Frame;
use event::frame::control::Source;
use event::frame::files::{Opens, Uses};
use event::model::{Basis, File, FileOp, What};
use event::path;
use event::wire::{Malformed, Open, OpenPath, open_flag, open_mode};

use super::counts::FileKey;
use super::{At, Pipeline};

/// An event that is to get its count.
struct Wanted {
    serial: u64,
    id: ProcId,
    key: FileKey,
    count: u64,
    opened: bool,
}

impl Pipeline {
    /// The key under which opens of the file are counted, for reads and writes.
    pub(super) fn count_key(&self, file: &File) -> Option<FileKey> {
        if file.dir || !matches!(file.op, FileOp::Read | FileOp::Write) {
            return None;
        }
        Some(self.file_key(file.dev?, file.ino?, file.generation, file.op == FileOp::Write))
    }

    fn file_key(&self, dev: u32, ino: u64, generation: Option<u32>, write: bool) -> FileKey {
        let known = generation.filter(|_| !self.mounts.is_by_descriptor(dev));
        FileKey { dev, ino, generation: known.unwrap_or(0), write }
    }

    pub(super) fn on_opens(&mut self, frame: &Frame<'_>) -> Result<(), Malformed> {
        let (opens, _) = frame.body::<Opens>()?;
        let id = ProcId { pid: opens.pid, start_ns: opens.start_ns };
        let write = opens.mode & open_mode::WRITE != 0;
        let key = self.file_key(opens.dev, opens.ino, Some(opens.generation), write);
        self.counts.opened(id, key, opens.count, opens.last_ns);
        Ok(())
    }

    pub(super) fn on_uses(&mut self, frame: &Frame<'_>) -> Result<(), Malformed> {
        let (uses, _) = frame.body::<Uses>()?;
        let id = ProcId { pid: uses.pid, start_ns: uses.start_ns };
        let write = uses.mode & open_mode::WRITE != 0;
        let key = self.file_key(uses.dev, uses.ino, Some(uses.generation), write);
        self.counts.showed(id, key, uses);
        Ok(())
    }

    pub(super) fn on_open(&mut self, open: &Open) {
        let write = open.mode & open_mode::WRITE != 0;
        let key = self.file_key(open.dev, open.ino, Some(open.generation), write);
        self.counts.opened(open.head.process(), key, 1, open.head.boot_ns);
    }

    /// An open that no mark tells is an event by itself.
    pub(super) fn on_open_path(&mut self, open: &OpenPath, path: &[u8], at: At) {
        let write = open.mode & open_mode::WRITE != 0;
        let cut = open.flags & open_flag::PATH_CUT != 0;
        let elsewhere = open.flags & open_flag::ELSEWHERE != 0;
        let file = File {
            path: Some(path::from_components(path, cut)),
            basis: Some(if elsewhere { Basis::Mount } else { Basis::Open }),
            cut,
            dev: Some(open.dev),
            ino: Some(open.ino),
            generation: Some(open.generation),
            ..File::new(if write { FileOp::Write } else { FileOp::Read })
        };
        self.names.opened(&file);
        let key = self.count_key(&file);
        let id = open.head.process();
        let stranger = self.processes.identify(id).is_none();
        let actor = self.processes.actor(id);
        let serial = self.push(at, Some(actor), What::File(file));
        if let Some(slot) = self.window.get(serial) {
            (slot.stranger, slot.key, slot.opened) = (stranger, key, true);
        }
    }

    /// Gives the first `ready` events of the window their counts.
    pub(super) fn join_counts(&mut self, ready: usize) {
        let whole = self.coverage.is_whole(Source::Opens);
        let Pipeline { window, counts, processes, .. } = self;
        let mut wanted: Vec<Wanted> = window
            .numbered(ready)
            .filter_map(|(serial, slot)| {
                let What::File(file) = &slot.event.what else { return None };
                let (id, key) = (slot.event.actor.as_ref()?.id, slot.key?);
                Some(Wanted { serial, id, key, count: file.count, opened: slot.opened })
            })
            .collect();
        let closed = || wanted.iter().filter(|wanted| !wanted.opened);
        for Wanted { serial, id, key, count, .. } in closed() {
            counts.used(*id, *key, *count, *serial);
        }
        for Wanted { id, key, .. } in closed() {
            counts.inherit(*id, *key, processes);
        }
        // An open that is in the count of its close needs no event of its own.
        wanted.sort_by_key(|wanted| wanted.opened);
        for Wanted { serial, id, key, count, opened } in &wanted {
            let (serial, id, key, count, opened) = (*serial, *id, *key, *count, *opened);
            let due = match opened {
                true => counts.due_open(id, key, whole),
                false => counts.due(id, key, count, serial),
            };
            let Some(slot) = window.get(serial) else { continue };
            let What::File(file) = &mut slot.event.what else { continue };
            file.count = due.count;
            file.count_exact = Some(due.agrees && whole);
            // Closed again, its open counted before: nothing new was read. A write is told.
            // Nor is what another process did, whose descriptor was counted as its ancestor's.
            slot.folded = due.count == 0 && (opened || file.op == FileOp::Read) && !due.lent;
            // What no mark watches is told at its open, which shows nothing of its use.
            if !opened {
                file.op = due.pool.op(file.op, whole);
                file.usage = due.pool.usage(file.op);
            }
        }
        for Wanted { id, key, .. } in wanted {
            counts.spent(id, key);
        }
    }
}
