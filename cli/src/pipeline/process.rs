//! Process records: the table is fed first, then the event is made.

use event::ProcId;
use event::model::{Actor, Bytes, Exec, Exit, Fork, Left, What};
use event::path;
use event::wire::{self, ExecData, exec_flag, fork_flag};

use super::{At, Pipeline};

/// Bytes of argv that a record has at most (`ARGV_CHUNK * ARGV_CHUNKS`, bpf/progs/exec.h).
const ARGV_CAP: u64 = 128 * 1024;

impl Pipeline {
    pub(super) fn on_fork(&mut self, fork: &wire::Fork, at: At) {
        let child = ProcId { pid: fork.child_pid, start_ns: fork.child_start_ns };
        let parent = ProcId { pid: fork.parent_pid, start_ns: fork.parent_start_ns };
        let caller = fork.head.process();
        let actor = self.processes.actor(caller);
        self.processes.fork(caller, child, parent);
        let what = What::Fork(Fork {
            child,
            parent_pid: fork.parent_pid,
            new_mount_namespace: fork.flags & fork_flag::NEW_MNT_NS != 0,
        });
        self.push(at, Some(actor), what);
    }

    pub(super) fn on_exec(&mut self, exec: &wire::Exec, data: &ExecData<'_>, at: At) {
        let id = exec.head.process();
        let parent = ProcId { pid: exec.parent_pid, start_ns: exec.parent_start_ns };
        let is = |flag| exec.flags & flag != 0;
        let exe: Bytes = path::from_components(data.exe, is(exec_flag::PATH_CUT)).into();
        let cwd = path::from_components(data.cwd, is(exec_flag::CWD_CUT));
        let shared: Bytes = cwd.as_slice().into();
        self.processes.exec(id, parent, exec.uid, exe.clone(), Some(shared));
        let actor = Actor { id, ppid: Some(exec.parent_pid), uid: Some(exec.uid), exe: Some(exe) };
        let what = What::Exec(Box::new(Exec {
            exe_dev: exec.exe_dev,
            exe_ino: exec.exe_ino,
            exe_generation: exec.exe_generation,
            exe_cut: is(exec_flag::PATH_CUT),
            argv: data.argv.to_vec(),
            argv_len: exec.argv_len,
            argc: exec.argc,
            argv_cut: (data.argv.len() as u64) < exec.argv_len,
            argv_fault: is(exec_flag::ARGV_FAULT),
            cwd: Some(cwd),
            cwd_cut: is(exec_flag::CWD_CUT),
            file: data.file.to_vec(),
            interp: (!data.interp.is_empty()).then(|| data.interp.to_vec()),
            name_cut: is(exec_flag::NAME_CUT),
            gid: exec.gid,
            euid: exec.euid,
            egid: exec.egid,
            caps: exec.cap_effective,
            secure: is(exec_flag::SECURE),
            unlinked: is(exec_flag::UNLINKED),
        }));
        let serial = self.push(at, Some(actor), what);
        if (data.argv.len() as u64) < exec.argv_len.min(ARGV_CAP) {
            self.executing.insert(id, serial);
            if let Some(slot) = self.window.get(serial) {
                slot.more_argv = true;
            }
        }
    }

    /// More of the argv of the exec before. A piece that does not follow the bytes so far means that
    /// one between was lost: argv ends there, marked as cut.
    pub(super) fn on_argv(&mut self, argv: &wire::Argv, bytes: &[u8]) {
        let id = argv.head.process();
        let Some(serial) = self.executing.get(&id).copied() else { return };
        let Some(slot) = self.window.get(serial) else { return };
        let What::Exec(exec) = &mut slot.event.what else { return };
        let follows = usize::try_from(argv.offset).is_ok_and(|offset| offset == exec.argv.len());
        if follows {
            exec.argv.extend_from_slice(bytes);
            exec.argv_fault |= argv.flags & exec_flag::ARGV_FAULT != 0;
        }
        let len = exec.argv.len() as u64;
        exec.argv_cut = len < exec.argv_len;
        if !follows || len >= exec.argv_len.min(ARGV_CAP) {
            slot.more_argv = false;
            self.executing.remove(&id);
        }
    }

    pub(super) fn on_exit(&mut self, exit: &wire::Exit, at: At) {
        let id = exit.head.process();
        let actor = self.processes.actor(id);
        self.processes.exit(id);
        if self.main == Some(id.pid) {
            self.main_status.get_or_insert(exit.code);
        }
        let what = Exit { status: exit.code, utime_ns: exit.utime_ns, stime_ns: exit.stime_ns };
        self.push(at, Some(actor), What::Exit(what));
    }

    pub(super) fn on_left(&mut self, left: &wire::Left, at: At) {
        let actor = self.processes.actor(left.head.process());
        self.push(at, Some(actor), What::Left(Left { cgroup_id: left.cgroup_id }));
    }
}
