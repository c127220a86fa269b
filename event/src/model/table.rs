//! The one table of types, operations and fields.
//!
//! `docs/events.md` explains each entry and a test holds it to that; a query's `--type` and `--op`
//! are checked against it; [`super::Event::fields`] uses no name that is not here.

/// One type of event.
#[derive(Debug)]
pub struct Type {
    /// Its name: the value of `type`.
    pub name: &'static str,
    /// The values that `op` may have; empty where the type has none.
    pub ops: &'static [&'static str],
    /// Its fields, without those of [`COMMON`] and [`ACTOR`].
    pub fields: &'static [&'static str],
    /// Whether the fields of [`ACTOR`] may be there.
    pub has_actor: bool,
}

/// First fields of each event, always there.
pub const COMMON: &[&str] = &["run", "seq", "ts", "type"];

/// Fields of the process that did it, where it is known.
pub const ACTOR: &[&str] = &["pid", "start_ns", "ppid", "uid", "exe"];

/// Every type, in the order of the documents.
pub const TYPES: &[Type] = &[
    Type {
        name: "start",
        ops: &[],
        fields: &[
            "uid",
            "command",
            "command_cut",
            "cwd",
            "name",
            "user",
            "host",
            "kernel",
            "version",
            "trust",
            "redaction_key",
            "env",
        ],
        has_actor: false,
    },
    Type {
        name: "process",
        ops: &["fork", "exit", "left", "cred"],
        fields: &[
            "child_pid",
            "child_start_ns",
            "parent_pid",
            "new_mount_namespace",
            "ns_pid",
            "pid_ns",
            "code",
            "signal",
            "core",
            "utime_ns",
            "stime_ns",
            "cgroup_id",
            "tid",
            "gid",
            "euid",
            "egid",
            "suid",
            "sgid",
            "fsuid",
            "fsgid",
            "caps",
            "caps_permitted",
            "groups",
            "group_count",
        ],
        has_actor: true,
    },
    Type {
        name: "exec",
        ops: &[],
        fields: &[
            "exe_cut",
            "exe_dev",
            "exe_ino",
            "exe_gen",
            "argv",
            "argv_len",
            "argv_cut",
            "argv_fault",
            "redacted",
            "argv_hash",
            "argv_hash_missing",
            "argc",
            "cwd",
            "cwd_cut",
            "cwd_deleted",
            "file",
            "interp",
            "name_cut",
            "gid",
            "euid",
            "egid",
            "caps",
            "secure",
            "unlinked",
            "ns_pid",
            "pid_ns",
            "loader",
            "launched",
            "stdin",
            "stdout",
            "held_back",
            "words_held",
        ],
        has_actor: true,
    },
    Type {
        name: "file",
        ops: &[
            "create",
            "exec",
            "open_failed",
            "exec_failed",
            "open",
            "read",
            "write",
            "attrib",
            "truncate",
            "rename",
            "delete",
        ],
        fields: &[
            "path",
            "path2",
            "path_claimed",
            "cwd",
            "errno",
            "length",
            "name",
            "path_missing",
            "path_basis",
            "path_cut",
            "also",
            "inherited",
            "bytes",
            "open_only",
            "other_names",
            "dir",
            "dev",
            "ino",
            "gen",
            "count",
            "count_exact",
            "last_ts",
            "created",
            "truncated",
            "mapped",
            "unlinked",
            "size_before",
            "size_after",
        ],
        has_actor: true,
    },
    Type {
        name: "hash",
        ops: &["exec", "write"],
        fields: &["path", "dev", "ino", "size", "blake3", "hash_basis", "hash_missing"],
        has_actor: true,
    },
    Type {
        name: "net",
        ops: &["connect", "send", "accept", "bind", "listen", "socket", "flow"],
        fields: &[
            "proto",
            "family",
            "domain",
            "sock_type",
            "outside",
            "local",
            "peer",
            "address",
            "cookie",
            "host",
            "host_source",
            "ech",
            "alpn",
            "count",
            "result",
            "errno",
            "role",
            "sent_bytes",
            "received_bytes",
            "sent_packets",
            "received_packets",
            "first_ts",
        ],
        has_actor: true,
    },
    Type {
        name: "unix",
        ops: &["connect", "send", "accept", "receive", "give", "flow"],
        fields: &[
            "sock_type",
            "socket",
            "path",
            "path_cut",
            "bound",
            "abstract",
            "path_claimed",
            "abstract_claimed",
            "args_claimed",
            "errno",
            "peer_pid",
            "peer_start_ns",
            "peer_exe",
            "peer_comm",
            "peer_in_run",
            "peer_basis",
            "sender_uid",
            "passed",
            "access",
            "dev",
            "ino",
            "gen",
            "count",
            "unsure",
            "sent_bytes",
            "received_bytes",
            "sent_packets",
            "received_packets",
            "first_ts",
        ],
        has_actor: true,
    },
    Type {
        name: "call",
        ops: &[],
        fields: &[
            "name",
            "ret",
            "errno",
            "cmd",
            "flags",
            "path",
            "path_cut",
            "path_claimed",
            "path2_claimed",
            "cwd",
            "text_fault",
            "fs_type",
            "fs_type_claimed",
            "label",
            "label_claimed",
            "length",
            "namespaces",
            "cgroup",
            "cgroup_id",
            "target_pid",
            "target_start_ns",
            "target_exe",
            "target_comm",
            "target_in_run",
            "abi32",
        ],
        has_actor: true,
    },
    Type {
        name: "delegation",
        ops: &[],
        fields: &[
            "broker",
            "how",
            "evidence",
            "path",
            "peer_pid",
            "peer_start_ns",
            "peer_exe",
            "peer_comm",
            "peer_in_run",
        ],
        has_actor: true,
    },
    Type {
        name: "dns",
        ops: &["query", "answer"],
        fields: &[
            "proto",
            "local",
            "peer",
            "cookie",
            "role",
            "id",
            "host",
            "qtype",
            "rcode",
            "answers",
            "answers_cut",
            "truncated",
            "unasked",
            "unreadable",
        ],
        has_actor: true,
    },
    Type {
        name: "finding",
        ops: &[],
        fields: &[
            "rule",
            "severity",
            "title",
            "cause",
            "causes",
            "count",
            "repeat",
            "last_ts",
            "matched",
            "path",
            "peer",
            "host",
            "rule_from",
        ],
        has_actor: true,
    },
    Type {
        name: "lost",
        ops: &[],
        fields: &["source", "cause", "count", "from_ts", "to_ts"],
        has_actor: false,
    },
    Type {
        name: "source",
        ops: &[],
        fields: &["source", "state", "reason", "seen", "stored", "folded", "lost"],
        has_actor: false,
    },
    Type {
        name: "heartbeat",
        ops: &[],
        fields: &["beat", "interval_ms", "sources", "alive", "seen", "stored", "folded", "lost"],
        has_actor: false,
    },
    Type {
        name: "end",
        ops: &[],
        fields: &[
            "verdict",
            "reasons",
            "effects_outside",
            "ending",
            "code",
            "signal",
            "core",
            "alive",
            "events",
            "processes",
            "opens_seen",
            "opens_in_events",
            "opens_unnamed",
            "opens_lost",
        ],
        has_actor: false,
    },
];

/// Returns the type with this name.
#[must_use]
pub fn find(name: &str) -> Option<&'static Type> {
    TYPES.iter().find(|kind| kind.name == name)
}

/// Returns every operation once, in the order of the types.
#[must_use]
pub fn ops() -> Vec<&'static str> {
    let mut ops: Vec<&'static str> = Vec::new();
    for op in TYPES.iter().flat_map(|kind| kind.ops) {
        if !ops.contains(op) {
            ops.push(op);
        }
    }
    ops
}

/// Returns whether some type has this operation.
#[must_use]
pub fn is_op(name: &str) -> bool {
    TYPES.iter().any(|kind| kind.ops.contains(&name))
}

impl Type {
    /// Returns whether an event of this type may have the field (`_b64` twins not counted).
    #[must_use]
    pub fn has_field(&self, name: &str) -> bool {
        COMMON.contains(&name)
            || (name == "op" && !self.ops.is_empty())
            || (self.has_actor && ACTOR.contains(&name))
            || self.fields.contains(&name)
    }
}
