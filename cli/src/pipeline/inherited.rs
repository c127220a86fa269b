//! Files that were open before the run: who of it used them. Whoever opened them may hold them for longer,
//! so no close tells of that; the recorder sums what calls read and wrote.

use std::collections::BTreeMap;

use foldhash::HashMap;

use event::ProcId;
use event::frame::Frame;
use event::frame::files::{INHERITED_ENDED, InheritedTold};
use event::model::{Basis, File, FileOp, Missing, What};
use event::path;
use event::wire::{
    Inherited, InheritedKey, InheritedUse, Kind, Malformed, inherited_flag, open_flag, open_mode,
};

use super::{At, Pipeline};

/// Files of which the record tells, and their uses that are not told yet.
#[derive(Debug, Default)]
pub(super) struct Handed {
    /// By the kernel's open file.
    files: HashMap<u64, File>,
    uses: BTreeMap<(u64, u32, u64), InheritedUse>,
}

impl Pipeline {
    /// The command begins with a descriptor of a file, or a ring of io_uring that goes has it.
    pub(super) fn on_held(&mut self, kind: Kind, seen: &Inherited, path: &[u8]) {
        let cut = seen.flags & open_flag::PATH_CUT != 0;
        let elsewhere = seen.flags & open_flag::ELSEWHERE != 0;
        let mut file = File {
            path: Some(path::from_components(path, cut)),
            basis: Some(if elsewhere { Basis::Mount } else { Basis::Open }),
            cut,
            dev: Some(seen.dev),
            ino: Some(seen.ino),
            generation: Some(seen.generation),
            count_exact: None,
            ..File::new(if seen.mode & open_mode::WRITE != 0 {
                FileOp::Write
            } else {
                FileOp::Read
            })
        };
        self.names.opened(&file);
        if kind == Kind::RingFile {
            file.open_only = true;
            let actor = self.processes.actor(seen.head.process());
            return self.in_rings.push((actor, file));
        }
        file.inherited = true;
        file.usage.size_before = Some(seen.size);
        self.handed.files.insert(seen.file, file);
    }

    /// What a process did with one so far. It is told when the process has ended, or at the end.
    pub(super) fn on_inherited_use(&mut self, frame: &Frame<'_>, at: At) -> Result<(), Malformed> {
        let (told, _) = frame.body::<InheritedTold>()?;
        let InheritedKey { file, start_ns, pid, .. } = told.key;
        self.handed.uses.insert((file, pid, start_ns), told.used);
        if told.used.flags & INHERITED_ENDED != 0 {
            self.handed.uses.remove(&(file, pid, start_ns));
            self.tell_handed(file, ProcId { pid, start_ns }, &told.used, at.frame);
        }
        Ok(())
    }

    /// Tells what is left.
    pub(super) fn tell_all_handed(&mut self) {
        let Some(At { frame, .. }) = self.last else { return };
        let mut left: Vec<_> = std::mem::take(&mut self.handed.uses).into_iter().collect();
        left.sort_by_key(|(_, used)| used.last_ns);
        for ((file, pid, start_ns), used) in left {
            self.tell_handed(file, ProcId { pid, start_ns }, &used, frame);
        }
    }

    fn tell_handed(&mut self, file: u64, id: ProcId, used: &InheritedUse, frame: u64) {
        let unknown = || File {
            missing: Some(Missing::Untold),
            inherited: true,
            count_exact: None,
            ..File::new(FileOp::Write)
        };
        let known = self.handed.files.get(&file).cloned().unwrap_or_else(unknown);
        let is = |flag| used.flags & flag != 0;
        let uses = [
            (inherited_flag::READ, FileOp::Read, used.read_bytes),
            (inherited_flag::WRITTEN, FileOp::Write, used.written_bytes),
        ];
        for (_, op, bytes) in uses.into_iter().filter(|(flag, ..)| is(*flag)) {
            let mut file = File { op, bytes: Some(bytes), ..known.clone() };
            file.usage.mapped = is(inherited_flag::MAPPED);
            match op {
                FileOp::Write if used.written_bytes > 0 || !file.usage.mapped => {
                    file.usage.size_after = Some(used.size_after);
                }
                FileOp::Write => {}
                _ => file.usage.size_before = None,
            }
            let at = At { frame, boot_ns: used.last_ns };
            let actor = self.processes.actor(id);
            self.push_by(at, actor, What::File(file));
        }
    }
}
