//! Frames of processes: forks, execs, users, ends.

use event::frame::control::{ArgvHash, Hashed, KIND_ARGV_HASH, Source};
use event::frame::redact::{KIND_REDACTED, Redacted};
use event::wire::{self, Head, Kind};
use zerocopy::IntoBytes;

use super::{Maker, components, start_of};

impl Maker {
    pub(in crate::pipeline::tests) fn fork(&mut self, pid: u32, child: u32) {
        let fork = wire::Fork {
            head: self.head(Kind::Fork, pid),
            child_start_ns: start_of(child),
            parent_start_ns: start_of(pid),
            child_pid: child,
            parent_pid: pid,
            mnt_ns: 1,
            flags: 0,
            ns_pid: child,
            pid_ns: 0,
            uid: 1000,
            pad: 0,
        };
        self.record(Kind::Fork, fork, &[]);
    }

    pub(in crate::pipeline::tests) fn exec(&mut self, pid: u32, exe: &str, argv: &[u8]) {
        self.exec_part(pid, exe, argv, argv.len() as u64);
    }

    /// An exec with the first bytes of an argv of `argv_len`.
    pub(in crate::pipeline::tests) fn exec_part(
        &mut self,
        pid: u32,
        exe: &str,
        argv: &[u8],
        argv_len: u64,
    ) {
        self.exec_flagged(pid, exe, (argv, argv_len), 0);
    }

    /// The same with flags of the exec.
    pub(in crate::pipeline::tests) fn exec_flagged(
        &mut self,
        pid: u32,
        exe: &str,
        (argv, argv_len): (&[u8], u64),
        flags: u32,
    ) {
        let (path, cwd) = (components(exe), components("/src"));
        let exec = wire::Exec {
            head: self.head(Kind::Exec, pid),
            exe_ino: 77,
            argv_len,
            parent_start_ns: start_of(1),
            cap_effective: 0,
            exe_dev: 0x80_0001,
            exe_generation: 1,
            parent_pid: 1,
            uid: 1000,
            gid: 1000,
            euid: 1000,
            egid: 1000,
            argc: argv.iter().filter(|byte| **byte == 0).count() as u32,
            mnt_ns: 1,
            argv_kept: argv.len() as u32,
            exe_len: path.len() as u16,
            cwd_len: cwd.len() as u16,
            file_len: exe.len() as u16,
            interp_len: 0,
            flags,
            ns_pid: pid,
            pid_ns: 0,
            stdin_kind: 7,
            stdout_kind: 2,
            pad: 0,
            stdin_ino: 0,
            stdout_ino: 4711,
        };
        self.record(Kind::Exec, exec, &[&path, &cwd, exe.as_bytes(), argv]);
    }

    pub(in crate::pipeline::tests) fn argv(&mut self, pid: u32, offset: u32, bytes: &[u8]) {
        let argv = wire::Argv {
            head: self.head(Kind::Argv, pid),
            offset,
            len: bytes.len() as u32,
            flags: 0,
            pad: 0,
        };
        self.record(Kind::Argv, argv, &[bytes]);
    }

    /// A secret in the argv that comes next.
    pub(in crate::pipeline::tests) fn redacted(&mut self, pid: u32, at: u64, len: u32) {
        let (start_ns, mark) = (start_of(pid), [0xab; event::redact::MARK]);
        let told = Redacted { start_ns, at, pid, len, rule: 1, mark, pad: [0; 6] };
        self.frame(KIND_REDACTED, &[told.as_bytes()]);
    }

    /// What came of the hash of a long argv.
    pub(in crate::pipeline::tests) fn argv_hash(&mut self, pid: u32, argv_len: u64, state: Hashed) {
        let start_ns = start_of(pid);
        let state = state as u32;
        let told = ArgvHash { start_ns, argv_len, hashed: argv_len, hash: [0xab; 32], pid, state };
        self.frame(KIND_ARGV_HASH, &[told.as_bytes()]);
        self.count(Kind::ArgvEnd as u32, Source::Process, [1, 1, 0, 0]);
    }

    /// The thread `tid` acts for the user `uid` now, with all else of user 1000.
    pub(in crate::pipeline::tests) fn cred(&mut self, pid: u32, tid: u32, uid: u32) {
        self.cred_at(self.now(), pid, tid, uid);
    }

    /// The same, at another time than its frame's.
    pub(in crate::pipeline::tests) fn cred_at(
        &mut self,
        boot_ns: u64,
        pid: u32,
        tid: u32,
        uid: u32,
    ) {
        let mut groups = [0; wire::CRED_GROUPS];
        groups[..2].copy_from_slice(&[27, 1000]);
        let now = wire::Creds {
            cap_effective: 0,
            cap_permitted: 1 << 21,
            uid,
            gid: 1000,
            euid: uid,
            egid: 1000,
            suid: 1000,
            sgid: 1000,
            fsuid: uid,
            fsgid: 1000,
            group_count: 2,
            pad: 0,
            groups,
        };
        let head = Head { boot_ns, tid, ..self.head(Kind::Cred, pid) };
        self.record(Kind::Cred, wire::Cred { head, now }, &[]);
    }

    pub(in crate::pipeline::tests) fn exit(&mut self, pid: u32, code: i32) {
        let exit =
            wire::Exit { head: self.head(Kind::Exit, pid), utime_ns: 5, stime_ns: 6, code, pad: 0 };
        self.record(Kind::Exit, exit, &[]);
    }
}
