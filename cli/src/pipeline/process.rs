//! Process records: the table is fed first, then the event is made.

use event::ProcId;
use event::frame::Frame;
use event::frame::control::{self, Hashed};
use event::model::{Actor, ArgvHash, Bytes, Cred, Exec, Exit, Fork, Inner, Left, What};
use event::path;
use event::wire::{self, ARGV_CAP, ExecData, Kind, Malformed, exec_flag, fork_flag};

use super::{At, Pipeline, launch};

impl Pipeline {
    pub(super) fn on_fork(&mut self, fork: &wire::Fork, at: At) {
        let child = ProcId { pid: fork.child_pid, start_ns: fork.child_start_ns };
        let parent = ProcId { pid: fork.parent_pid, start_ns: fork.parent_start_ns };
        let caller = fork.head.process();
        let actor = self.processes.actor(caller);
        self.processes.fork(caller, child, parent, fork.uid);
        let what = What::Fork(Fork {
            child,
            parent_pid: fork.parent_pid,
            new_mount_namespace: fork.flags & fork_flag::NEW_MNT_NS != 0,
            inner: Inner::from_wire(fork.ns_pid, fork.pid_ns),
        });
        self.push(at, Some(actor), what);
    }

    pub(super) fn on_exec(&mut self, exec: &wire::Exec, data: &ExecData<'_>, at: At) {
        let id = exec.head.process();
        let parent = ProcId { pid: exec.parent_pid, start_ns: exec.parent_start_ns };
        let is = |flag| exec.flags & flag != 0;
        let exe: Option<Bytes> = (!is(exec_flag::EXE_HELD))
            .then(|| path::from_components(data.exe, is(exec_flag::PATH_CUT)).into());
        let words_held = is(exec_flag::WORDS_HELD);
        let cwd = (!words_held).then(|| path::from_components(data.cwd, is(exec_flag::CWD_CUT)));
        let shared = cwd.as_deref().map(Bytes::from);
        let user = (exec.uid, exec.head.boot_ns);
        self.processes.exec(id, parent, user, exe.clone(), shared);
        let loader = exe.as_deref().is_some_and(launch::is_loader);
        let actor = Actor { id, ppid: Some(exec.parent_pid), uid: Some(exec.uid), exe };
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
            redacted: self.marks.remove(&id).unwrap_or_default(),
            argv_hash: None,
            cwd,
            cwd_cut: is(exec_flag::CWD_CUT),
            cwd_deleted: is(exec_flag::CWD_DELETED),
            file: data.file.to_vec(),
            interp: (!data.interp.is_empty()).then(|| data.interp.to_vec()),
            name_cut: is(exec_flag::NAME_CUT),
            gid: exec.gid,
            euid: exec.euid,
            egid: exec.egid,
            caps: exec.cap_effective,
            secure: is(exec_flag::SECURE),
            unlinked: is(exec_flag::UNLINKED),
            inner: Inner::from_wire(exec.ns_pid, exec.pid_ns),
            loader,
            launched: loader.then(|| launch::launched(data.argv)).flatten(),
            stdin: wire::stdio(exec.stdin_kind, exec.stdin_ino),
            stdout: wire::stdio(exec.stdout_kind, exec.stdout_ino),
            held_back: is(exec_flag::HELD),
            words_held,
        }));
        let serial = self.push(at, Some(actor), what);
        if (data.argv.len() as u64) < exec.argv_len {
            self.executing.insert(id, serial);
            if let Some(slot) = self.window.get(serial) {
                slot.more_argv = true;
            }
        }
    }

    /// More of the argv of the exec before. A piece that does not follow the bytes so far means that
    /// one between was lost: argv ends there, marked as cut. One that is longer than the record keeps
    /// waits for its hash.
    pub(super) fn on_argv(&mut self, argv: &wire::Argv, bytes: &[u8]) {
        let id = argv.head.process();
        let Some(serial) = self.executing.get(&id).copied() else { return };
        let Some(slot) = self.window.get(serial) else { return };
        let What::Exec(exec) = &mut slot.event.what else { return };
        let follows = usize::try_from(argv.offset).is_ok_and(|offset| offset == exec.argv.len());
        if follows {
            exec.redacted.extend(self.marks.remove(&id).unwrap_or_default());
            exec.argv.extend_from_slice(bytes);
            exec.argv_fault |= argv.flags & exec_flag::ARGV_FAULT != 0;
        }
        let len = exec.argv.len() as u64;
        exec.argv_cut = len < exec.argv_len;
        let hashed = exec.argv_len > ARGV_CAP;
        if !hashed && (!follows || !exec.argv_cut) {
            slot.more_argv = false;
            self.executing.remove(&id);
        }
    }

    /// The hash of the argv of the exec before, or why there is none.
    pub(super) fn on_argv_hash(&mut self, frame: &Frame<'_>) -> Result<(), Malformed> {
        let (told, _) = frame.body::<control::ArgvHash>()?;
        self.coverage.stored(Kind::ArgvEnd);
        let id = ProcId { pid: told.pid, start_ns: told.start_ns };
        let Some(serial) = self.executing.remove(&id) else { return Ok(()) };
        let Some(slot) = self.window.get(serial) else { return Ok(()) };
        slot.more_argv = false;
        if let What::Exec(exec) = &mut slot.event.what {
            exec.argv_hash = Some(match Hashed::from_wire(told.state) {
                Some(Hashed::Whole) => ArgvHash::Whole(hex(&told.hash)),
                why => ArgvHash::Missing(why),
            });
        }
        Ok(())
    }

    pub(super) fn on_cred(&mut self, cred: &wire::Cred, at: At) {
        let (id, now) = (cred.head.process(), cred.now);
        let leads = cred.head.tid == cred.head.pid;
        if leads {
            self.users.change(id, self.processes.user(id), cred.head.boot_ns, now.uid);
            self.processes.become_user(id, now.uid, cred.head.boot_ns);
        }
        let mut actor = self.processes.actor(id);
        actor.uid = Some(now.uid);
        let told = usize::try_from(now.group_count).unwrap_or(usize::MAX);
        let groups = now.groups.iter().take(told).map(u32::to_string).collect();
        let tid = (!leads).then_some(cred.head.tid);
        self.push(at, Some(actor), What::Cred(Box::new(Cred { tid, now, groups })));
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

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}
