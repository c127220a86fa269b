//! Other processes, and calls that change the world around one.

use crate::errno;
use crate::model::{Call, Delegation, Other, Passed, Unix, Value};

use super::{Take, bytes, flag, number, text};

impl Other {
    /// Names of its fields, as a `target` or as a `peer`.
    const TARGET: [&str; 5] =
        ["target_pid", "target_start_ns", "target_exe", "target_comm", "target_in_run"];
    const PEER: [&str; 5] = ["peer_pid", "peer_start_ns", "peer_exe", "peer_comm", "peer_in_run"];

    pub(super) fn fields(
        &self,
        [pid, start, exe, comm, in_run]: [&'static str; 5],
        take: &mut Take<'_>,
    ) {
        take(pid, Value::Number(self.id.pid.into()));
        if self.id.start_ns != 0 {
            take(start, Value::Number(self.id.start_ns));
        }
        bytes(take, exe, self.exe.as_deref());
        bytes(take, comm, self.comm.as_deref());
        flag(take, in_run, self.in_run);
    }
}

impl Unix {
    pub(super) fn fields(&self, take: &mut Take<'_>) {
        take("sock_type", Value::Text(self.kind_name()));
        if self.socket != 0 {
            take("socket", Value::Number(self.socket));
        }
        bytes(take, "path", self.path.as_deref());
        flag(take, "path_cut", self.path_cut);
        bytes(take, "bound", self.bound.as_deref());
        bytes(take, "abstract", self.abstract_name.as_deref());
        bytes(take, "path_claimed", self.path_claimed.as_deref());
        bytes(take, "abstract_claimed", self.abstract_claimed.as_deref());
        flag(take, "args_claimed", self.args_claimed);
        if self.error != 0 {
            take("errno", Value::Text(&errno::name(self.error)));
        }
        if let Some(peer) = &self.peer {
            peer.fields(Other::PEER, take);
        }
        if let Some(passed) = &self.passed {
            passed.fields(take);
        }
        if let Some((traffic, first_ts_ns)) = &self.flow {
            traffic.fields(take);
            take("first_ts", Value::Time(*first_ts_ns));
        }
    }
}

impl Passed {
    fn fields(&self, take: &mut Take<'_>) {
        text(take, "peer_basis", self.basis.map(super::super::PeerBasis::name));
        take("sender_uid", Value::Number(self.sender_uid.into()));
        take("passed", Value::Text(&self.what));
        take("access", Value::Text(self.access));
        take("dev", Value::Number(self.dev.into()));
        take("ino", Value::Number(self.ino));
        take("gen", Value::Number(self.generation.into()));
        take("count", Value::Number(self.count));
        flag(take, "unsure", self.unsure);
    }
}

impl Call {
    pub(super) fn fields(&self, take: &mut Take<'_>) {
        take("name", Value::Text(self.name.name()));
        match u32::try_from(self.ret.saturating_neg()) {
            Ok(errno @ 1..) => take("errno", Value::Text(&errno::name(errno))),
            _ => take("ret", Value::Signed(self.ret)),
        }
        text(take, "cmd", self.cmd.as_deref());
        text(take, "flags", self.flags.as_deref());
        bytes(take, "path", self.path.as_deref());
        flag(take, "path_cut", self.path_cut);
        bytes(take, "path_claimed", self.path_claimed.as_deref());
        bytes(take, "path2_claimed", self.path2_claimed.as_deref());
        bytes(take, "cwd", self.cwd.as_deref());
        flag(take, "text_fault", self.text_fault);
        bytes(take, "fs_type", self.fs_type.as_deref());
        bytes(take, "fs_type_claimed", self.fs_type_claimed.as_deref());
        bytes(take, "label", self.label.as_deref());
        bytes(take, "label_claimed", self.label_claimed.as_deref());
        number(take, "length", self.length);
        if !self.namespaces.is_empty() {
            take("namespaces", Value::Texts(&self.namespaces));
        }
        bytes(take, "cgroup", self.cgroup.as_deref());
        number(take, "cgroup_id", self.cgroup_id);
        if let Some(target) = &self.target {
            target.fields(Other::TARGET, take);
        }
        flag(take, "abi32", self.compat);
    }
}

impl Delegation {
    pub(super) fn fields(&self, take: &mut Take<'_>) {
        take("broker", Value::Text(self.broker));
        take("how", Value::Text(self.how));
        take("evidence", Value::Number(self.evidence));
        bytes(take, "path", self.path.as_deref());
        if let Some(peer) = &self.peer {
            peer.fields(Other::PEER, take);
        }
    }
}
