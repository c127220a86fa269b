//! Open files that go over unix sockets.

use event::ProcId;
use event::model::{Other, Passed, PeerBasis, Unix, What};
use event::path;
use event::wire::{self, Malformed, UnixOp, open_mode, passed_flag};

use super::{At, Pipeline};

/// What is one event within a window: the same file, between the same two, in the same way.
pub(super) type Alike = (UnixOp, ProcId, Option<ProcId>, (u32, u64, u32), u32);

/// `S_IFMT` of stat(2).
const FIFO: u16 = 0o010_000;
const CHARACTER: u16 = 0o020_000;
const DIRECTORY: u16 = 0o040_000;
const BLOCK: u16 = 0o060_000;
const REGULAR: u16 = 0o100_000;
const SOCKET: u16 = 0o140_000;

impl Pipeline {
    pub(super) fn on_passed(
        &mut self,
        record: &wire::Passed,
        path: &[u8],
        at: At,
    ) -> Result<(), Malformed> {
        let op = UnixOp::from_wire(record.op).ok_or(Malformed::Unknown { kind: record.op })?;
        let file = (record.dev, record.ino, record.generation);
        let alike = (op, record.head.process(), record.peer(), file, record.mode);
        let known = self.passing.get(&alike).and_then(|serial| self.window.what(*serial));
        if let Some(What::Unix(unix)) = known
            && let Some(passed) = &mut unix.passed
        {
            passed.count += 1;
            return Ok(());
        }
        let actor = self.processes.actor(record.head.process());
        let serial = self.push_by(at, actor, What::Unix(Box::new(unix(op, record, path))));
        self.passing.insert(alike, serial);
        Ok(())
    }
}

fn unix(op: UnixOp, record: &wire::Passed, components: &[u8]) -> Unix {
    let cut = record.flags & passed_flag::CUT != 0;
    let comm = record.peer_comm.split(|byte| *byte == 0).next().unwrap_or_default();
    let peer = record.peer().map(|id| Other {
        id,
        exe: None,
        comm: (!comm.is_empty()).then(|| comm.to_vec()),
        in_run: false,
    });
    Unix {
        op,
        kind: record.kind,
        socket: record.socket,
        error: 0,
        path: (!components.is_empty()).then(|| path::from_components(components, cut)),
        path_cut: cut,
        bound: None,
        abstract_name: None,
        path_claimed: None,
        abstract_claimed: None,
        args_claimed: false,
        passed: Some(Passed {
            what: what(record),
            dev: record.dev,
            ino: record.ino,
            generation: record.generation,
            access: access(record.mode),
            basis: peer.is_some().then(|| basis(op, record.flags)),
            sender_uid: record.uid,
            unsure: record.flags & passed_flag::UNSURE != 0,
            count: 1,
        }),
        peer,
        flow: None,
    }
}

fn basis(op: UnixOp, flags: u32) -> PeerBasis {
    match op {
        UnixOp::Give => PeerBasis::Receiver,
        _ if flags & passed_flag::BY_MESSAGE != 0 => PeerBasis::Message,
        _ if flags & passed_flag::BY_LAST != 0 => PeerBasis::Last,
        _ => PeerBasis::Connection,
    }
}

fn access(mode: u32) -> &'static str {
    match mode & (open_mode::READ | open_mode::WRITE) {
        0 => "path",
        open_mode::READ => "read",
        open_mode::WRITE => "write",
        _ => "read_write",
    }
}

fn what(record: &wire::Passed) -> String {
    let kind = match (record.file_type, record.family) {
        (REGULAR, _) => "file",
        (DIRECTORY, _) => "dir",
        (CHARACTER | BLOCK, _) => "device",
        (FIFO, _) => "pipe",
        (SOCKET, 1) => "unix",
        (SOCKET, 2) => "inet",
        (SOCKET, 10) => "inet6",
        (SOCKET, _) => "socket",
        _ => "other",
    };
    match record.file_type {
        FIFO | SOCKET => format!("{kind}:{}", record.ino),
        _ => kind.to_owned(),
    }
}
