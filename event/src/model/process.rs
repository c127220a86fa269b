//! Process events: fork, exec, exit, and leaving the run's cgroup.

use crate::ProcId;
use crate::frame::control::Hashed;
use crate::wire::Creds;

/// A process was forked; the actor is the caller.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fork {
    /// The new process.
    pub child: ProcId,
    /// Its parent: not the caller with `CLONE_PARENT`.
    pub parent_pid: u32,
    /// The child got a mount namespace of its own.
    pub new_mount_namespace: bool,
    /// The child's place in another pid namespace than the recorder's.
    pub inner: Option<Inner>,
}

/// A process in a pid namespace that is not the recorder's.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Inner {
    /// Its number there.
    pub pid: u32,
    /// Inode of the namespace: the innermost that it is in.
    pub namespace: u32,
}

impl Inner {
    /// From a record's numbers; the namespace is 0 when it is the recorder's.
    #[must_use]
    pub fn from_wire(pid: u32, namespace: u32) -> Option<Inner> {
        (namespace != 0).then_some(Inner { pid, namespace })
    }
}

/// A program was executed; the actor runs it now, its `exe` is the new one.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Exec {
    /// Device of the file, `major << 20 | minor`.
    pub exe_dev: u32,
    /// Inode of the file.
    pub exe_ino: u64,
    /// Generation of the inode.
    pub exe_generation: u32,
    /// The path lacks its first components.
    pub exe_cut: bool,
    /// Arguments, each ended by NUL.
    pub argv: Vec<u8>,
    /// Bytes of the whole argv.
    pub argv_len: u64,
    /// Number of arguments that the program got.
    pub argc: u32,
    /// Bytes of argv are missing here.
    pub argv_cut: bool,
    /// A page of argv could not be read; its bytes are NUL.
    pub argv_fault: bool,
    /// Secrets that are not stored.
    pub redacted: Vec<Redaction>,
    /// BLAKE3 over the whole argv, where the record does not keep all of it.
    pub argv_hash: Option<ArgvHash>,
    /// Working directory.
    pub cwd: Option<Vec<u8>>,
    /// The directory's path lacks its first components.
    pub cwd_cut: bool,
    /// The working directory has no name any more.
    pub cwd_deleted: bool,
    /// The name given to execve(2).
    pub file: Vec<u8>,
    /// The interpreter of a script.
    pub interp: Option<Vec<u8>>,
    /// `file` or `interp` is cut.
    pub name_cut: bool,
    /// Real group.
    pub gid: u32,
    /// Effective user.
    pub euid: u32,
    /// Effective group.
    pub egid: u32,
    /// Effective capabilities.
    pub caps: u64,
    /// The exec raised rights (set-uid, set-gid, file capabilities).
    pub secure: bool,
    /// The file has no name any more (memfd, deleted).
    pub unlinked: bool,
    /// Its place in another pid namespace than the recorder's.
    pub inner: Option<Inner>,
    /// The file is a dynamic loader, by its name.
    pub loader: bool,
    /// The program that the loader was told to run, by its arguments.
    pub launched: Option<Vec<u8>>,
    /// What standard input is: `pipe:INODE`, `inet`, `inet6`, `unix`, `socket`, `tty`, `file`, `null`,
    /// `closed`, `other`.
    pub stdin: Option<String>,
    /// The same of standard output.
    pub stdout: Option<String>,
    /// What it does is held back: it has rights that the user who records has not.
    pub held_back: bool,
    /// So are `argv`, `argc`, `cwd`, `file` and `interp`, which are empty.
    pub words_held: bool,
}

/// A secret in an argv, of which only a mark is stored.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Redaction {
    /// Where it began.
    pub at: usize,
    /// Its bytes.
    pub len: usize,
    /// Keyed hash of it.
    pub mark: [u8; crate::redact::MARK],
}

/// The hash of a long argv.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ArgvHash {
    /// In hexadecimal.
    Whole(String),
    /// Why there is none.
    Missing(Option<Hashed>),
}

/// A task has other credentials than before, without an exec.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Cred {
    /// The thread, where it is not the process's first: each has credentials of its own.
    pub tid: Option<u32>,
    /// What they are now.
    pub now: Creds,
    /// The supplementary groups that the record has, as text.
    pub groups: Vec<String>,
}

/// The last thread of a process ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Exit {
    /// As wait(2) gives it.
    pub status: i32,
    /// CPU time in user mode.
    pub utime_ns: u64,
    /// CPU time in the kernel.
    pub stime_ns: u64,
}

/// A task was moved to a cgroup outside the run's; it stays recorded.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Left {
    /// Where it is now.
    pub cgroup_id: u64,
}

/// Splits bytes in which each string is ended by NUL; a last one without NUL counts too.
pub fn arguments(bytes: &[u8]) -> impl Iterator<Item = &[u8]> {
    let ended = bytes.strip_suffix(b"\0");
    let inner = ended.unwrap_or(bytes);
    let none = ended.is_none() && inner.is_empty();
    inner.split(|byte| *byte == 0).take(if none { 0 } else { usize::MAX })
}
