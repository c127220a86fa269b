//! Opens: summed under the file's identity, and given to the events of the window.

use event::ProcId;
use event::frame::Frame;
use event::frame::control::Source;
use event::frame::files::Opens;
use event::model::{File, FileOp, What};
use event::wire::{Malformed, Open, open_mode};

use super::Pipeline;
use super::counts::FileKey;

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
        self.counts.opened(id, key, opens.count);
        Ok(())
    }

    pub(super) fn on_open(&mut self, open: &Open) {
        let write = open.mode & open_mode::WRITE != 0;
        let key = self.file_key(open.dev, open.ino, Some(open.generation), write);
        self.counts.opened(open.head.process(), key, 1);
    }

    /// Gives the first `ready` events of the window their counts.
    pub(super) fn join_counts(&mut self, ready: usize) {
        let whole = self.coverage.is_whole(Source::Opens);
        let Pipeline { window, counts, processes, .. } = self;
        let wanted: Vec<(u64, ProcId, FileKey, u64)> = window
            .numbered(ready)
            .filter_map(|(serial, slot)| {
                let What::File(file) = &slot.event.what else { return None };
                Some((serial, slot.event.actor.as_ref()?.id, slot.key?, file.count))
            })
            .collect();
        for (serial, id, key, count) in &wanted {
            counts.used(*id, *key, *count, *serial);
        }
        for (_, id, key, _) in &wanted {
            counts.inherit(*id, *key, processes);
        }
        for (serial, id, key, count) in wanted {
            let (due, agrees) = counts.due(id, key, count, serial);
            let Some(slot) = window.get(serial) else { continue };
            let What::File(file) = &mut slot.event.what else { continue };
            file.count = due;
            file.count_exact = Some(agrees && whole);
            // Closed again, its open counted before: nothing new was read. A write is told.
            slot.folded = due == 0 && file.op == FileOp::Read;
        }
    }
}
