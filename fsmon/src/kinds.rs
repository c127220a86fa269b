//! Which file systems are watched how: one table, with reasons.

/// How the accesses of a file system may be watched.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Treatment {
    /// By handle, or by descriptor where it refuses that.
    Full,
    /// By descriptor, and only what is written.
    Writes,
    /// Not at all.
    Never(&'static str),
}

/// `proc` and the like. Writing to them changes the machine (`core_pattern`, `uid_map`); reading them
/// is what `ps` does all day: 20 runs of it gave 8,403 records, 2.9 us of
/// the reader each, and no word about files. By descriptor the kernel opens the file once more,
/// which these take without effect.
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
    if is_served(fs_type) {
        return Treatment::Never(
            "its server, which the run may stop, would have to answer for each record",
        );
    }
    if WRITES.contains(&fs_type) { Treatment::Writes } else { Treatment::Full }
}

/// Whether a program of this machine answers for the file system (FUSE). It has no fsid, so there is
/// only the way by descriptor, and that sends the server an open for each record: one that the run
/// can stop (same user, `kill -STOP`) would stop the recorder. Placing the mark can already wait for
/// ever: with `default_permissions` fanotify_mark(2) asks the server who may read (measured, 6.18).
pub(crate) fn is_served(fs_type: &[u8]) -> bool {
    let base = fs_type.split(|byte| *byte == b'.').next().unwrap_or_default();
    matches!(base, b"fuse" | b"fuseblk")
}
