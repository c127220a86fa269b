//! Which file systems are watched how: one table, with reasons.

/// How the accesses of a file system may be watched.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Treatment {
    /// By handle, or by descriptor where it refuses that.
    Full,
    /// By descriptor, and only what is written.
    Writes,
    /// Only by descriptor, and only before the run begins: a program of the run could be its server.
    Server,
    /// Not at all.
    Never(&'static str),
}

/// `proc` and the like: reading them is all that `ps` and `top` do and tells nothing about files,
/// writing them changes the machine (`core_pattern`, `uid_map`). By descriptor the kernel opens the
/// file once more, which these take without effect.
const WRITES: &[&[u8]] = &[b"proc", b"sysfs", b"binfmt_misc"];

/// Types that must not be watched by descriptor, and why. The kernel would open the file again for
/// each event, with the recorder's rights.
const NEVER: &[(&[u8], &str)] = &[
    (b"devpts", "opening a terminal again can make it the recorder's own"),
    (b"mqueue", "message queues are not files"),
    (b"tracefs", "opening a trace file again can stop or drain the trace"),
    (b"debugfs", "opening a debug file again can have any effect in a driver"),
    (b"securityfs", "opening a policy file again can be refused to others or have effects"),
    (b"configfs", "opening an attribute again holds the module behind it"),
    (b"pstore", "holds the kernel's last words, not files"),
    (b"bpf", "holds pinned programs and maps, not files"),
    (b"fusectl", "opening a control file again holds the connection"),
    (b"rpc_pipefs", "opening a pipe again takes part in its protocol"),
    (b"autofs", "looking into it would mount something"),
    (b"nsfs", "holds namespaces, not files"),
];

/// Returns how a file system of type `fs_type` is watched.
pub(crate) fn treatment(fs_type: &[u8]) -> Treatment {
    if let Some((_, why)) = NEVER.iter().find(|(name, _)| *name == fs_type) {
        return Treatment::Never(why);
    }
    let base = fs_type.split(|byte| *byte == b'.').next().unwrap_or_default();
    match base {
        b"fuse" | b"fuseblk" => Treatment::Server,
        _ if WRITES.contains(&fs_type) => Treatment::Writes,
        _ => Treatment::Full,
    }
}
