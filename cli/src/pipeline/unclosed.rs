//! Opens of which no close was ever told: the file is open still, was closed by the kernel for somebody
//! (a ring of io_uring, a socket with the descriptor in it), or no mark watches it.

use event::ProcId;
use event::model::{Actor, Basis, File, FileOp, Missing, What};

use super::counts::{FileKey, Unclosed};
use super::{At, Pipeline};

impl Pipeline {
    /// Tells them, at the end of the record: until then a close may come.
    pub(super) fn tell_unclosed(&mut self, at: At) {
        self.counts.forget_all(&self.processes);
        let unclosed = self.counts.unclosed();
        self.tell_in_rings(&unclosed, at);
        for Unclosed { opener, key, count } in unclosed {
            // What is read of the kernel's own trees is not told (fsmon/src/kinds.rs).
            if !key.write && !self.mounts.is_by_handle(key.dev) {
                continue;
            }
            self.counts.told(count);
            self.tell_open_only(opener, key, count, at);
        }
    }

    /// Tells files that a ring of io_uring held to its end, but those whose open was counted.
    fn tell_in_rings(&mut self, unclosed: &[Unclosed], at: At) {
        let mut told: Vec<(ProcId, Option<FileKey>)> = Vec::new();
        for (actor, file) in std::mem::take(&mut self.in_rings) {
            let key = self.count_key(&file);
            let by = (actor.id, key);
            let known = unclosed.iter().any(|it| Some(it.key) == key) || told.contains(&by);
            if !known {
                told.push(by);
                self.push(at, Some(actor), What::File(file));
            }
        }
    }

    fn tell_open_only(&mut self, opener: Actor, key: FileKey, count: u64, at: At) {
        let op = if key.write { FileOp::Write } else { FileOp::Read };
        let path = self.names.of((key.dev, key.ino, key.generation)).first();
        let path = path.map(|name| name.to_vec());
        let file = File {
            missing: path.is_none().then_some(Missing::NotClosed),
            basis: path.is_some().then_some(Basis::Inode),
            path,
            dev: Some(key.dev),
            ino: Some(key.ino),
            generation: (key.generation != 0).then_some(key.generation),
            count,
            count_exact: Some(true),
            open_only: true,
            ..File::new(op)
        };
        self.push(at, Some(opener), What::File(file));
    }
}
