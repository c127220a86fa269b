//! Fork, exec, exit and leaving the leaf.

use zerocopy::{FromBytes, Immutable, IntoBytes, KnownLayout};

use super::{Head, Malformed};

/// Bits of [`Fork::flags`] (`enum fork_flag`).
pub mod fork_flag {
    /// The child's mount namespace is not the caller's.
    pub const NEW_MNT_NS: u32 = 1;
    /// The caller is not of the run: the child is its first process.
    pub const FROM_OUTSIDE: u32 = 2;
    /// What the child does is held back.
    pub const HELD: u32 = 4;
}

/// Bits of [`Exec::flags`] (`enum exec_flag`).
pub mod exec_flag {
    /// argv is longer than the cap.
    pub const ARGV_CUT: u32 = 1;
    /// A page of argv could not be read.
    pub const ARGV_FAULT: u32 = 2;
    /// The path of the file was cut.
    pub const PATH_CUT: u32 = 4;
    /// The working directory's path was cut.
    pub const CWD_CUT: u32 = 8;
    /// The working directory has no name any more.
    pub const CWD_DELETED: u32 = 2048;
    /// The exec raised rights (`AT_SECURE`).
    pub const SECURE: u32 = 16;
    /// The file has no link left (memfd, deleted).
    pub const UNLINKED: u32 = 32;
    /// The name given to execve or the interpreter's was cut.
    pub const NAME_CUT: u32 = 64;
    /// Of [`ArgvEnd`](super::ArgvEnd) only: no room for more than what is kept.
    pub const ARGV_STOPPED: u32 = 128;
    /// What the program does is held back: it has rights that the run's owner has not.
    pub const HELD: u32 = 256;
    /// So are argv, directory and names: a program that is held back gave them.
    pub const WORDS_HELD: u32 = 512;
    /// And the path of the file.
    pub const EXE_HELD: u32 = 1024;
}

/// Returns the name of what a standard stream is (`enum stdio`).
#[must_use]
pub fn stdio(kind: u8, ino: u32) -> Option<String> {
    let name = match kind {
        1 => "closed",
        2 => return Some(format!("pipe:{ino}")),
        3 => "inet",
        4 => "inet6",
        5 => "unix",
        6 => "socket",
        7 => "tty",
        8 => "null",
        9 => "file",
        10 => "other",
        _ => return None,
    };
    Some(name.to_owned())
}

/// Bytes of argv that are kept (`enum limit`).
pub const ARGV_CAP: u64 = 128 * 1024;

/// Supplementary groups that are told (`enum limit`).
pub const CRED_GROUPS: usize = 16;

/// A new process (`struct rec_fork`); the head is the caller's.
#[derive(Debug, Clone, Copy, FromBytes, IntoBytes, KnownLayout, Immutable)]
#[repr(C)]
pub struct Fork {
    /// The caller.
    pub head: Head,
    /// Start time of the child.
    pub child_start_ns: u64,
    /// Start time of the child's parent.
    pub parent_start_ns: u64,
    /// The child.
    pub child_pid: u32,
    /// Its parent: not the caller with `CLONE_PARENT`.
    pub parent_pid: u32,
    /// Inode of the child's mount namespace.
    pub mnt_ns: u32,
    /// See [`fork_flag`].
    pub flags: u32,
    /// The child's number in its own pid namespace.
    pub ns_pid: u32,
    /// Inode of that namespace; 0 when it is the recorder's.
    pub pid_ns: u32,
    /// Real user of the child.
    pub uid: u32,
    /// Zero.
    pub pad: u32,
}

/// A program was executed (`struct rec_exec`); [`ExecData`] follows.
#[derive(Debug, Clone, Copy, FromBytes, IntoBytes, KnownLayout, Immutable)]
#[repr(C)]
pub struct Exec {
    /// The process.
    pub head: Head,
    /// Inode of the file that runs.
    pub exe_ino: u64,
    /// Bytes of the whole argv.
    pub argv_len: u64,
    /// Start time of the parent.
    pub parent_start_ns: u64,
    /// Effective capabilities after the exec.
    pub cap_effective: u64,
    /// Device of the file, `major << 20 | minor`.
    pub exe_dev: u32,
    /// Generation of the inode.
    pub exe_generation: u32,
    /// The parent.
    pub parent_pid: u32,
    /// Real user.
    pub uid: u32,
    /// Real group.
    pub gid: u32,
    /// Effective user.
    pub euid: u32,
    /// Effective group.
    pub egid: u32,
    /// Number of arguments.
    pub argc: u32,
    /// Inode of the mount namespace.
    pub mnt_ns: u32,
    /// Bytes of argv in this record.
    pub argv_kept: u32,
    /// Bytes of the path of the file, as components.
    pub exe_len: u16,
    /// Bytes of the working directory, as components.
    pub cwd_len: u16,
    /// Bytes of the name given to execve.
    pub file_len: u16,
    /// Bytes of the interpreter's name.
    pub interp_len: u16,
    /// See [`exec_flag`].
    pub flags: u32,
    /// The process's number in its own pid namespace.
    pub ns_pid: u32,
    /// Inode of that namespace; 0 when it is the recorder's.
    pub pid_ns: u32,
    /// What standard input is: see [`stdio()`].
    pub stdin_kind: u8,
    /// The same of standard output.
    pub stdout_kind: u8,
    /// Zero.
    pub pad: u16,
    /// Inode of the pipe that is standard input.
    pub stdin_ino: u32,
    /// Inode of the pipe that is standard output.
    pub stdout_ino: u32,
}

/// What follows an [`Exec`]: five byte strings, in this order.
#[derive(Debug, Clone, Copy)]
pub struct ExecData<'a> {
    /// Path components of the file, last first, each ended by NUL.
    pub exe: &'a [u8],
    /// Path components of the working directory, last first, each ended by NUL.
    pub cwd: &'a [u8],
    /// The name given to execve.
    pub file: &'a [u8],
    /// The interpreter of a script, else empty.
    pub interp: &'a [u8],
    /// The first bytes of argv, arguments ended by NUL.
    pub argv: &'a [u8],
}

impl<'a> ExecData<'a> {
    pub(super) fn split(exec: &Exec, data: &'a [u8]) -> Result<Self, Malformed> {
        let mut rest = data;
        let mut take = |len: usize| {
            let (part, after) = rest.split_at_checked(len).ok_or(Malformed::Length)?;
            rest = after;
            Ok(part)
        };
        Ok(ExecData {
            exe: take(exec.exe_len.into())?,
            cwd: take(exec.cwd_len.into())?,
            file: take(exec.file_len.into())?,
            interp: take(exec.interp_len.into())?,
            argv: take(usize::try_from(exec.argv_kept).map_err(|_| Malformed::Length)?)?,
        })
    }
}

/// More of argv (`struct rec_argv`), followed by `len` bytes.
#[derive(Debug, Clone, Copy, FromBytes, IntoBytes, KnownLayout, Immutable)]
#[repr(C)]
pub struct Argv {
    /// The process.
    pub head: Head,
    /// Where in argv the bytes belong.
    pub offset: u32,
    /// How many follow.
    pub len: u32,
    /// [`exec_flag::ARGV_FAULT`] or 0.
    pub flags: u32,
    /// Zero.
    pub pad: u32,
}

/// All of an argv beyond the cap was sent (`struct rec_argv_end`).
#[derive(Debug, Clone, Copy, FromBytes, IntoBytes, KnownLayout, Immutable)]
#[repr(C)]
pub struct ArgvEnd {
    /// The process.
    pub head: Head,
    /// Bytes of the whole argv.
    pub argv_len: u64,
    /// Bytes that were sent, from the front.
    pub sent: u64,
    /// [`exec_flag::ARGV_FAULT`], [`exec_flag::ARGV_STOPPED`].
    pub flags: u32,
    /// Zero.
    pub pad: u32,
}

/// As whom a task acts (`struct creds`).
#[derive(Debug, Clone, Copy, PartialEq, Eq, FromBytes, IntoBytes, KnownLayout, Immutable)]
#[repr(C)]
pub struct Creds {
    /// Effective capabilities.
    pub cap_effective: u64,
    /// Permitted capabilities.
    pub cap_permitted: u64,
    /// Real user.
    pub uid: u32,
    /// Real group.
    pub gid: u32,
    /// Effective user.
    pub euid: u32,
    /// Effective group.
    pub egid: u32,
    /// Saved user.
    pub suid: u32,
    /// Saved group.
    pub sgid: u32,
    /// User for files.
    pub fsuid: u32,
    /// Group for files.
    pub fsgid: u32,
    /// Number of supplementary groups.
    pub group_count: u32,
    /// Zero.
    pub pad: u32,
    /// The first of them.
    pub groups: [u32; CRED_GROUPS],
}

/// A task changed its credentials other than by exec (`struct rec_cred`).
#[derive(Debug, Clone, Copy, FromBytes, IntoBytes, KnownLayout, Immutable)]
#[repr(C)]
pub struct Cred {
    /// The task; each thread has credentials of its own.
    pub head: Head,
    /// What they are now.
    pub now: Creds,
}

/// A process ended (`struct rec_exit`).
#[derive(Debug, Clone, Copy, FromBytes, IntoBytes, KnownLayout, Immutable)]
#[repr(C)]
pub struct Exit {
    /// The process.
    pub head: Head,
    /// CPU time in user mode, nanoseconds, all threads.
    pub utime_ns: u64,
    /// CPU time in the kernel, nanoseconds, all threads.
    pub stime_ns: u64,
    /// As wait(2) gives it.
    pub code: i32,
    /// Zero.
    pub pad: u32,
}

/// A task left the leaf (`struct rec_left`); it stays recorded.
#[derive(Debug, Clone, Copy, FromBytes, IntoBytes, KnownLayout, Immutable)]
#[repr(C)]
pub struct Left {
    /// The task.
    pub head: Head,
    /// Where it is now.
    pub cgroup_id: u64,
}
