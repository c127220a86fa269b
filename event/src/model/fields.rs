//! An event's fields under the names that [`super::table`] documents, in the order of the JSON form.

use crate::errno;

use super::socket;
use super::{
    Actor, ArgvHash, Call, Cred, Delegation, Dns, End, Event, Exec, Exit, File, Fork, Heartbeat,
    Host, Inner, Loss, Net, Opens, Other, Source, Start, Totals, Unix, Usage, Value, What,
};

/// Takes the fields of an event, one after the other.
pub(super) type Take<'t> = dyn FnMut(&'static str, Value<'_>) + 't;

impl Event {
    /// Hands each field that the event has, but for `run`, `seq`, `ts` and `type`, to `take`.
    pub fn fields(&self, take: &mut Take<'_>) {
        text(take, "op", self.what.op());
        if let Some(actor) = &self.actor {
            actor.fields(take);
        }
        match &self.what {
            What::Start(start) => start.fields(take),
            What::Fork(fork) => fork.fields(take),
            What::Exec(exec) => exec.fields(take),
            What::Exit(exit) => exit.fields(take),
            What::Left(left) => take("cgroup_id", Value::Number(left.cgroup_id)),
            What::Cred(cred) => cred.fields(take),
            What::File(file) => file.fields(take),
            What::Hash(hash) => hash.fields(take),
            What::Net(net) => net.fields(take),
            What::Unix(unix) => unix.fields(take),
            What::Call(call) => call.fields(take),
            What::Delegation(delegation) => delegation.fields(take),
            What::Dns(dns) => dns.fields(take),
            What::Lost(loss) => loss.fields(take),
            What::Source(source) => source.fields(take),
            What::Heartbeat(beat) => beat.fields(take),
            What::End(end) => end.fields(take),
        }
    }
}

fn text(take: &mut Take<'_>, name: &'static str, value: Option<&str>) {
    if let Some(value) = value {
        take(name, Value::Text(value));
    }
}

fn bytes(take: &mut Take<'_>, name: &'static str, value: Option<&[u8]>) {
    if let Some(value) = value {
        take(name, Value::Bytes(value));
    }
}

fn number(take: &mut Take<'_>, name: &'static str, value: Option<impl Into<u64>>) {
    if let Some(value) = value {
        take(name, Value::Number(value.into()));
    }
}

fn time(take: &mut Take<'_>, name: &'static str, value: Option<i64>) {
    if let Some(value) = value {
        take(name, Value::Time(value));
    }
}

fn inner(take: &mut Take<'_>, inner: Option<Inner>) {
    number(take, "ns_pid", inner.map(|inner| inner.pid));
    number(take, "pid_ns", inner.map(|inner| inner.namespace));
}

/// A flag that is told only when it is set.
fn flag(take: &mut Take<'_>, name: &'static str, value: bool) {
    if value {
        take(name, Value::Bool(true));
    }
}

/// The two forms of a wait status: `code`, or `signal` and `core`.
fn status(take: &mut Take<'_>, status: i32) {
    let signal = status & 0x7f;
    if signal == 0 {
        take("code", Value::Signed(i64::from((status >> 8) & 0xff)));
    } else {
        take("signal", Value::Signed(i64::from(signal)));
        take("core", Value::Bool(status & 0x80 != 0));
    }
}

impl Actor {
    fn fields(&self, take: &mut Take<'_>) {
        take("pid", Value::Number(self.id.pid.into()));
        if self.id.start_ns != 0 {
            take("start_ns", Value::Number(self.id.start_ns));
        }
        number(take, "ppid", self.ppid);
        number(take, "uid", self.uid);
        bytes(take, "exe", self.exe.as_deref());
    }
}

impl Start {
    fn fields(&self, take: &mut Take<'_>) {
        number(take, "uid", self.uid);
        take("command", Value::List(&self.command));
        flag(take, "command_cut", self.command_cut);
        bytes(take, "cwd", self.cwd.as_deref());
        bytes(take, "name", self.name.as_deref());
        bytes(take, "user", self.user.as_deref());
        bytes(take, "host", self.host.as_deref());
        bytes(take, "kernel", self.kernel.as_deref());
        bytes(take, "version", self.version.as_deref());
        text(take, "trust", self.trust);
        bytes(take, "redaction_key", self.redaction_key.as_deref());
        if !self.env.is_empty() {
            take("env", Value::List(&self.env));
        }
    }
}

impl Fork {
    fn fields(&self, take: &mut Take<'_>) {
        take("child_pid", Value::Number(self.child.pid.into()));
        take("child_start_ns", Value::Number(self.child.start_ns));
        take("parent_pid", Value::Number(self.parent_pid.into()));
        flag(take, "new_mount_namespace", self.new_mount_namespace);
        inner(take, self.inner);
    }
}

impl Exec {
    fn fields(&self, take: &mut Take<'_>) {
        flag(take, "exe_cut", self.exe_cut);
        take("exe_dev", Value::Number(self.exe_dev.into()));
        take("exe_ino", Value::Number(self.exe_ino));
        take("exe_gen", Value::Number(self.exe_generation.into()));
        take("argv", Value::List(&self.argv));
        take("argv_len", Value::Number(self.argv_len));
        flag(take, "argv_cut", self.argv_cut);
        flag(take, "argv_fault", self.argv_fault);
        if !self.redacted.is_empty() {
            take("redacted", Value::Number(self.redacted.len() as u64));
        }
        match &self.argv_hash {
            Some(ArgvHash::Whole(hash)) => take("argv_hash", Value::Text(hash)),
            Some(ArgvHash::Missing(why)) => {
                take("argv_hash_missing", Value::Text(why.map_or("unknown", |why| why.name())));
            }
            None => {}
        }
        take("argc", Value::Number(self.argc.into()));
        bytes(take, "cwd", self.cwd.as_deref());
        flag(take, "cwd_cut", self.cwd_cut);
        take("file", Value::Bytes(&self.file));
        bytes(take, "interp", self.interp.as_deref());
        flag(take, "name_cut", self.name_cut);
        take("gid", Value::Number(self.gid.into()));
        take("euid", Value::Number(self.euid.into()));
        take("egid", Value::Number(self.egid.into()));
        if self.caps != 0 {
            take("caps", Value::Number(self.caps));
        }
        flag(take, "secure", self.secure);
        flag(take, "unlinked", self.unlinked);
        inner(take, self.inner);
        flag(take, "loader", self.loader);
        bytes(take, "launched", self.launched.as_deref());
    }
}

impl Cred {
    fn fields(&self, take: &mut Take<'_>) {
        let now = &self.now;
        number(take, "tid", self.tid);
        for (name, id) in [
            ("gid", now.gid),
            ("euid", now.euid),
            ("egid", now.egid),
            ("suid", now.suid),
            ("sgid", now.sgid),
            ("fsuid", now.fsuid),
            ("fsgid", now.fsgid),
        ] {
            take(name, Value::Number(id.into()));
        }
        take("caps", Value::Number(now.cap_effective));
        take("caps_permitted", Value::Number(now.cap_permitted));
        take("groups", Value::Texts(&self.groups));
        take("group_count", Value::Number(now.group_count.into()));
    }
}

impl Exit {
    fn fields(&self, take: &mut Take<'_>) {
        status(take, self.status);
        take("utime_ns", Value::Number(self.utime_ns));
        take("stime_ns", Value::Number(self.stime_ns));
    }
}

impl File {
    fn fields(&self, take: &mut Take<'_>) {
        bytes(take, "path", self.path.as_deref());
        bytes(take, "path2", self.path2.as_deref());
        bytes(take, "path_claimed", self.path_claimed.as_deref());
        bytes(take, "cwd", self.cwd.as_deref());
        if let Some(errno) = self.errno {
            take("errno", Value::Text(&errno::name(errno)));
        }
        number(take, "length", self.length);
        bytes(take, "name", self.name.as_deref());
        text(take, "path_missing", self.missing.map(super::Missing::name));
        text(take, "path_basis", self.basis.map(super::Basis::name));
        flag(take, "path_cut", self.cut);
        if !self.also.is_empty() {
            take("also", Value::List(&self.also));
        }
        flag(take, "inherited", self.inherited);
        number(take, "bytes", self.bytes);
        flag(take, "open_only", self.open_only);
        flag(take, "dir", self.dir);
        number(take, "dev", self.dev);
        number(take, "ino", self.ino);
        number(take, "gen", self.generation);
        take("count", Value::Number(self.count));
        if let Some(exact) = self.count_exact {
            take("count_exact", Value::Bool(exact));
        }
        time(take, "last_ts", self.last_ts_ns);
        self.usage.fields(take);
    }
}

impl Usage {
    fn fields(&self, take: &mut Take<'_>) {
        flag(take, "created", self.created);
        flag(take, "truncated", self.truncated);
        flag(take, "mapped", self.mapped);
        number(take, "size_before", self.size_before);
        number(take, "size_after", self.size_after);
    }
}

impl super::Hash {
    fn fields(&self, take: &mut Take<'_>) {
        bytes(take, "path", self.path.as_deref());
        number(take, "dev", self.dev);
        number(take, "ino", self.ino);
        number(take, "size", self.size);
        text(take, "blake3", self.blake3.as_deref());
        text(take, "hash_basis", self.basis);
        text(take, "hash_missing", self.missing);
    }
}

impl Net {
    fn fields(&self, take: &mut Take<'_>) {
        take("proto", Value::Text(&self.proto_name()));
        match self.ip_version() {
            Some(version) => take("family", Value::Number(version.into())),
            None => take("domain", Value::Text(&socket::domain_name(self.family))),
        }
        if let Some(number) = self.sock_type {
            take("sock_type", Value::Text(&socket::type_name(number)));
        }
        flag(take, "outside", self.outside);
        if let Some(local) = self.local {
            take("local", Value::Address(local));
        }
        if let Some(peer) = self.peer {
            take("peer", Value::Address(peer));
        }
        if let Some(host) = &self.host {
            host.fields(take);
        }
        if let Some(address) = self.odd_address() {
            take("address", Value::Text(&address));
        }
        if self.cookie != 0 {
            take("cookie", Value::Number(self.cookie));
        }
        if self.count > 1 {
            take("count", Value::Number(self.count));
        }
        text(take, "result", self.result.map(super::ConnectResult::name));
        if let Some(errno) = self.errno {
            take("errno", Value::Text(&errno::name(errno)));
        }
        text(take, "role", self.role.map(super::Role::name));
        if let Some(traffic) = &self.traffic {
            take("sent_bytes", Value::Number(traffic.sent_bytes));
            take("received_bytes", Value::Number(traffic.received_bytes));
            take("sent_packets", Value::Number(traffic.sent_packets));
            take("received_packets", Value::Number(traffic.received_packets));
        }
        time(take, "first_ts", self.first_ts_ns);
    }
}

impl Other {
    /// Names of its fields, as a `target` or as a `peer`.
    const TARGET: [&str; 5] =
        ["target_pid", "target_start_ns", "target_exe", "target_comm", "target_in_run"];
    const PEER: [&str; 5] = ["peer_pid", "peer_start_ns", "peer_exe", "peer_comm", "peer_in_run"];

    fn fields(&self, [pid, start, exe, comm, in_run]: [&'static str; 5], take: &mut Take<'_>) {
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
    fn fields(&self, take: &mut Take<'_>) {
        take("sock_type", Value::Text(self.kind_name()));
        take("socket", Value::Number(self.socket));
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
    }
}

impl Call {
    fn fields(&self, take: &mut Take<'_>) {
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
    fn fields(&self, take: &mut Take<'_>) {
        take("broker", Value::Text(self.broker));
        take("how", Value::Text(self.how));
        take("evidence", Value::Number(self.evidence));
        bytes(take, "path", self.path.as_deref());
        if let Some(peer) = &self.peer {
            peer.fields(Other::PEER, take);
        }
    }
}

impl Host {
    fn fields(&self, take: &mut Take<'_>) {
        take("host", Value::Bytes(&self.name));
        take("host_source", Value::Text(self.source.name()));
        flag(take, "ech", self.ech);
        if !self.alpn.is_empty() {
            take("alpn", Value::Texts(&self.alpn));
        }
    }
}

impl Dns {
    fn fields(&self, take: &mut Take<'_>) {
        take("proto", Value::Text(&self.proto_name()));
        if let Some(local) = self.local {
            take("local", Value::Address(local));
        }
        take("peer", Value::Address(self.peer));
        take("cookie", Value::Number(self.cookie));
        take("role", Value::Text(self.role.name()));
        take("id", Value::Number(self.id.into()));
        text(take, "host", self.host.as_deref());
        text(take, "qtype", self.qtype.as_deref());
        text(take, "rcode", self.rcode.as_deref());
        if self.op == super::DnsOp::Answer {
            take("answers", Value::Texts(&self.answers));
        }
        flag(take, "answers_cut", self.answers_cut);
        flag(take, "truncated", self.truncated);
        flag(take, "unasked", self.unasked);
        flag(take, "unreadable", self.unreadable);
    }
}

impl Loss {
    fn fields(&self, take: &mut Take<'_>) {
        take("source", Value::Text(self.source.name()));
        take("cause", Value::Text(self.cause.map_or("unknown", |cause| cause.name())));
        take("count", Value::Number(self.count));
        take("from_ts", Value::Time(self.from_ts_ns));
        take("to_ts", Value::Time(self.to_ts_ns));
    }
}

impl Source {
    fn fields(&self, take: &mut Take<'_>) {
        take("source", Value::Text(self.source.name()));
        text(take, "state", self.state.map(|state| state.name()));
        bytes(take, "reason", self.reason.as_deref());
        if let Some(totals) = &self.totals {
            totals.fields(take);
        }
    }
}

impl Totals {
    fn fields(&self, take: &mut Take<'_>) {
        take("seen", Value::Number(self.seen));
        take("stored", Value::Number(self.stored));
        take("folded", Value::Number(self.folded));
        take("lost", Value::Number(self.lost));
    }
}

impl Heartbeat {
    fn fields(&self, take: &mut Take<'_>) {
        take("beat", Value::Number(self.beat));
        take("interval_ms", Value::Number(self.interval_ms));
        take("sources", Value::Texts(&self.sources));
        take("alive", Value::Number(self.alive.into()));
        self.totals.fields(take);
    }
}

impl End {
    fn fields(&self, take: &mut Take<'_>) {
        take("verdict", Value::Text(self.verdict));
        take("reasons", Value::Texts(&self.reasons));
        if !self.effects_outside.is_empty() {
            take("effects_outside", Value::Texts(&self.effects_outside));
        }
        text(take, "ending", self.ending);
        if let Some(code) = self.status {
            status(take, code);
        }
        number(take, "alive", self.alive);
        take("events", Value::Number(self.events));
        take("processes", Value::Number(self.processes));
        if let Some(opens) = &self.opens {
            opens.fields(take);
        }
    }
}

impl Opens {
    fn fields(&self, take: &mut Take<'_>) {
        take("opens_seen", Value::Number(self.seen));
        take("opens_in_events", Value::Number(self.in_events));
        take("opens_unnamed", Value::Number(self.unnamed));
        take("opens_lost", Value::Number(self.lost));
    }
}
