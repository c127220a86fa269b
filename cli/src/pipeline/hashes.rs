//! Hashes of contents: frames as events.

use event::ProcId;
use event::digest;
use event::frame::Frame;
use event::frame::hash::{Hash as Told, basis, missing, what};
use event::model::{Hash, What};
use event::wire::Malformed;

use super::{At, Pipeline};

impl Pipeline {
    pub(super) fn on_hash(&mut self, frame: &Frame<'_>, at: At) -> Result<(), Malformed> {
        let (told, rest) = frame.body::<Told>()?;
        let len = usize::try_from(told.path_len).map_err(|_| Malformed::Length)?;
        let path = rest.get(..len).ok_or(Malformed::Length)?;
        let there = told.ino != 0;
        let hash = Hash {
            op: if told.what == what::EXEC { "exec" } else { "write" },
            path: (!path.is_empty()).then(|| path.to_vec()),
            dev: there.then_some(told.dev),
            ino: there.then_some(told.ino),
            size: there.then_some(told.size),
            blake3: (told.basis != basis::NONE).then(|| digest::hex(&told.blake3)),
            basis: basis_name(told.basis),
            missing: missing_name(told.missing),
        };
        let id = ProcId { pid: told.pid, start_ns: told.start_ns };
        let actor = (told.pid != 0).then(|| self.processes.actor(id));
        self.push(at, actor, What::Hash(Box::new(hash)));
        Ok(())
    }
}

fn basis_name(basis: u32) -> Option<&'static str> {
    match basis {
        basis::RUNNING => Some("running"),
        basis::CLOSE => Some("close"),
        basis::LATER => Some("later"),
        basis::OPENED => Some("opened"),
        _ => None,
    }
}

fn missing_name(missing: u32) -> Option<&'static str> {
    match missing {
        missing::TOO_LARGE => Some("too_large"),
        missing::QUEUE_FULL => Some("queue_full"),
        missing::GONE => Some("gone"),
        missing::CHANGING => Some("changing"),
        missing::UNREADABLE => Some("unreadable"),
        missing::NOT_DONE => Some("not_done"),
        missing::OTHER => Some("other"),
        _ => None,
    }
}
