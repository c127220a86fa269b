//! Unix sockets: the kernel's name of the peer, and who it is.

use event::model::{Other, Unix, What};
use event::path;
use event::wire::{self, Malformed, UnixData, UnixOp, unix_flag};

use super::{At, Pipeline};

impl Pipeline {
    pub(super) fn on_unix(
        &mut self,
        record: &wire::Unix,
        data: &UnixData<'_>,
        at: At,
    ) -> Result<(), Malformed> {
        let op = UnixOp::from_wire(record.op).ok_or(Malformed::Unknown { kind: record.op })?;
        let actor = self.processes.actor(record.head.process());
        self.push_by(at, actor, What::Unix(Box::new(unix(op, record, data))));
        Ok(())
    }
}

fn unix(op: UnixOp, record: &wire::Unix, data: &UnixData<'_>) -> Unix {
    let is = |flag| record.flags & flag != 0;
    let path_cut = is(unix_flag::PATH_CUT);
    let path = (!data.path.is_empty()).then(|| path::from_components(data.path, path_cut));
    let (name, abstract_name) = match data.name {
        [] => (None, None),
        [0, rest @ ..] => (None, Some(rest.to_vec()).filter(|rest| !rest.is_empty())),
        name => (name.split(|byte| *byte == 0).next().map(<[u8]>::to_vec), None),
    };
    let claimed = is(unix_flag::CLAIMED);
    let told = |name: Option<Vec<u8>>| name.filter(|_| !claimed);
    Unix {
        op,
        kind: record.kind,
        socket: record.socket,
        error: record.error,
        bound: told(name.clone()).filter(|name| path.as_ref() != Some(name)),
        path,
        path_cut,
        abstract_name: told(abstract_name.clone()),
        path_claimed: name.filter(|_| claimed),
        abstract_claimed: abstract_name.filter(|_| claimed),
        args_claimed: is(unix_flag::ARGS_CLAIMED),
        peer: peer(record, data.exe),
        passed: None,
        flow: None,
    }
}

fn peer(record: &wire::Unix, exe: &[u8]) -> Option<Other> {
    let cut = record.flags & unix_flag::EXE_CUT != 0;
    let comm = record.peer_comm.split(|byte| *byte == 0).next().unwrap_or_default();
    Some(Other {
        id: record.peer()?,
        exe: (!exe.is_empty()).then(|| path::from_components(exe, cut).into()),
        comm: (!comm.is_empty()).then(|| comm.to_vec()),
        in_run: false,
    })
}
