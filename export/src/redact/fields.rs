//! What the fields of events and of the page hold.

/// What a field holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Role {
    /// A word of ours, a number, a time: nothing to hide.
    Ours,
    /// A command line.
    Words,
    /// `NAME=value`.
    Env,
    /// A path.
    Path,
    /// Name of a machine.
    Host,
    /// Address and port.
    Address,
    /// Name of a user.
    User,
    /// Any other text.
    Text,
}

/// Paths.
pub(super) const PATHS: &[&str] = &[
    "exe",
    "cwd",
    "path",
    "path2",
    "path_claimed",
    "path2_claimed",
    "file",
    "interp",
    "launched",
    "also",
    "bound",
    "peer_exe",
    "target_exe",
];

/// Words of fixed lists, hashes of public things, times, and what `meta.json` has of the files of the run.
pub(super) const OURS: &[&str] = &[
    "run",
    "ts",
    "type",
    "op",
    "last_ts",
    "first_ts",
    "from_ts",
    "to_ts",
    "kernel",
    "version",
    "trust",
    "redaction_key",
    "verdict",
    "ending",
    "severity",
    "rule",
    "state",
    "source",
    "sources",
    "cause",
    "errno",
    "result",
    "proto",
    "domain",
    "sock_type",
    "role",
    "qtype",
    "rcode",
    "host_source",
    "path_basis",
    "path_missing",
    "blake3",
    "hash_basis",
    "hash_missing",
    "argv_hash_missing",
    "stdin",
    "stdout",
    "flags",
    "namespaces",
    "cmd",
    "fs_type",
    "how",
    "broker",
    "access",
    "passed",
    "peer_basis",
    "effects_outside",
];

/// Fields of the page alone.
pub(super) const PAGE: &[&str] = &[
    "id",
    "started",
    "ended",
    "exit",
    "coverage",
    "counts",
    "findings",
    "derived_from",
    "events",
    "index",
];

/// What the field of this name holds in events of this type; the page has none.
pub(super) fn role(kind: &str, name: &str) -> Role {
    match (kind, name) {
        ("file", "name") => Role::Path,
        ("call", "name") => Role::Ours,
        (_, "argv" | "command") => Role::Words,
        (_, "env") => Role::Env,
        (_, "user") => Role::User,
        (_, "host") => Role::Host,
        (_, "local" | "peer") => Role::Address,
        (_, name) if PATHS.contains(&name) => Role::Path,
        (_, name) if OURS.contains(&name) => Role::Ours,
        ("", name) if PAGE.contains(&name) => Role::Ours,
        _ => Role::Text,
    }
}
