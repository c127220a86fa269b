//! Rare calls: what the kernel's objects say, and apart from it what only the caller says.

mod words;

use event::ProcId;
use event::model::{Call, File, FileOp, Missing, Other, What};
use event::path;
use event::wire::{self, CallData, CallName, Malformed, NAMESPACES, call_flag};

use super::{At, Pipeline};

/// `unshare` and `clone` flags of the namespaces, in the order of [`NAMESPACES`].
const NEW: [u64; 7] =
    [0x0002_0000, 0x2000_0000, 0x4000_0000, 0x1000_0000, 0x0800_0000, 0x0400_0000, 0x0200_0000];

impl Pipeline {
    pub(super) fn on_call(
        &mut self,
        record: &wire::Call,
        data: &CallData<'_>,
        at: At,
    ) -> Result<(), Malformed> {
        let unknown = Malformed::Unknown { kind: record.call };
        let name = CallName::from_wire(record.call).ok_or(unknown)?;
        let actor = self.processes.actor(record.head.process());
        let call = call(name, record, data);
        self.effects.namespaces(name, record);
        let file = (name == CallName::Truncate && record.ret >= 0).then(|| truncated(&call));
        self.push_by(at, actor.clone(), What::Call(Box::new(call)));
        if let Some(file) = file {
            self.push_by(at, actor, What::File(file));
        }
        Ok(())
    }
}

fn call(name: CallName, record: &wire::Call, data: &CallData<'_>) -> Call {
    let is = |flag| record.flags & flag != 0;
    let done = record.ret >= 0;
    let mut call = Call::new(name, record.ret);
    call.cmd = words::command(name, &record.args);
    // The old umount of the 32-bit ABI has no flags: its register holds anything.
    call.flags = words::flags(name, &record.args, record.value)
        .filter(|_| !(name == CallName::Umount && is(call_flag::COMPAT)));
    call.path_cut = is(call_flag::PATH_CUT);
    call.text_fault = is(call_flag::TEXT_FAULT) || is(call_flag::TEXT_CUT);
    call.compat = is(call_flag::COMPAT);
    let has_path = matches!(name, CallName::Chroot | CallName::PivotRoot) && done;
    if has_path || !data.path.is_empty() {
        call.path = Some(path::from_components(data.path, call.path_cut));
    }
    take_texts(&mut call, record, data);
    let bytes = |bytes: &[u8]| (!bytes.is_empty()).then(|| bytes.to_vec());
    match name {
        CallName::MemfdCreate => call.label = bytes(data.name),
        CallName::CgroupMkdir => {
            call.cgroup = bytes(data.name);
            call.cgroup_id = Some(record.value);
        }
        CallName::Truncate => call.length = Some(record.value),
        _ => call.fs_type = bytes(data.name),
    }
    call.namespaces = changed(name, record);
    call.target = record.target().map(|id| other(id, data.target, record));
    call
}

/// Gives the strings of the caller their places.
fn take_texts(call: &mut Call, record: &wire::Call, data: &CallData<'_>) {
    let mut texts = data.text.split(|byte| *byte == 0).map(|text| Some(text.to_vec()));
    let mut next = || texts.next().flatten().filter(|text| !text.is_empty());
    match call.name {
        CallName::MemfdCreate | CallName::DeleteModule => call.label_claimed = next(),
        CallName::Fsopen => call.fs_type_claimed = next(),
        _ => {
            call.path_claimed = next();
            call.path2_claimed = next();
            call.fs_type_claimed = next();
        }
    }
    if call.path_claimed.is_some() || record.cwd_len > 0 {
        call.cwd = Some(path::from_components(data.cwd, call.path_cut));
    }
}

fn other(id: ProcId, exe: &[u8], record: &wire::Call) -> Other {
    let cut = record.flags & call_flag::TARGET_CUT != 0;
    let comm = record.target_comm.split(|byte| *byte == 0).next().unwrap_or_default();
    Other {
        id,
        exe: (!exe.is_empty()).then(|| path::from_components(exe, cut).into()),
        comm: (!comm.is_empty()).then(|| comm.to_vec()),
        in_run: false,
    }
}

/// Which namespaces the call changed, by the order of [`NAMESPACES`].
pub(super) fn changed_places(name: CallName, record: &wire::Call) -> impl Iterator<Item = usize> {
    let [flags, kinds, ..] = record.args;
    let done = record.ret >= 0;
    (0..NAMESPACES.len()).filter(move |place| {
        let bit = NEW.get(*place).copied().unwrap_or(0);
        let now = record.namespaces.get(*place).copied().unwrap_or(0);
        done && match name {
            CallName::Unshare => flags & bit != 0,
            CallName::Clone => record.changed & 1 << place != 0,
            // A descriptor of a namespace, or of a process with the kinds to take from it.
            CallName::Setns if record.entered != 0 => now == record.entered,
            CallName::Setns => kinds & bit != 0,
            _ => false,
        }
    })
}

fn changed(name: CallName, record: &wire::Call) -> Vec<String> {
    let named = |place: usize| {
        let (kind, inode) = (NAMESPACES.get(place)?, record.namespaces.get(place)?);
        Some(format!("{kind}:{inode}"))
    };
    changed_places(name, record).filter_map(named).collect()
}

/// truncate(2) of a path opens nothing that could be asked for the file's name.
fn truncated(call: &Call) -> File {
    let mut file = File::new(FileOp::Truncate);
    file.missing = Some(Missing::Claimed);
    file.path_claimed.clone_from(&call.path_claimed);
    file.cwd.clone_from(&call.cwd);
    file.length = call.length;
    file
}
