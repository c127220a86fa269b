//! Rare system calls.

use zerocopy::{FromBytes, Immutable, IntoBytes, KnownLayout};

use super::{Head, Malformed};
use crate::ProcId;

/// Which call: `enum call_name`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[repr(u32)]
#[expect(missing_docs, reason = "each is the call of this name: its manual page says what it does")]
pub enum CallName {
    Ptrace = 1,
    ProcessVmReadv = 2,
    ProcessVmWritev = 3,
    PidfdGetfd = 4,
    Unshare = 5,
    Setns = 6,
    Clone = 7,
    Chroot = 8,
    PivotRoot = 9,
    Mount = 10,
    Umount = 11,
    Fsopen = 12,
    Fsmount = 13,
    MoveMount = 14,
    OpenTree = 15,
    MountSetattr = 16,
    Bpf = 17,
    InitModule = 18,
    FinitModule = 19,
    DeleteModule = 20,
    KexecLoad = 21,
    KexecFileLoad = 22,
    MemfdCreate = 23,
    MemfdSecret = 24,
    IoUringSetup = 25,
    Userfaultfd = 26,
    PerfEventOpen = 27,
    Truncate = 28,
    Swapon = 29,
    Reboot = 30,
    Settimeofday = 31,
    ClockSettime = 32,
    Keyctl = 33,
    CgroupMkdir = 34,
    /// ioctl(2), only what puts input into a terminal: `TIOCSTI` and `TIOCLINUX`.
    Ioctl = 35,
}

impl CallName {
    /// Every call, in the order of their numbers.
    pub const ALL: [CallName; 35] = [
        CallName::Ptrace,
        CallName::ProcessVmReadv,
        CallName::ProcessVmWritev,
        CallName::PidfdGetfd,
        CallName::Unshare,
        CallName::Setns,
        CallName::Clone,
        CallName::Chroot,
        CallName::PivotRoot,
        CallName::Mount,
        CallName::Umount,
        CallName::Fsopen,
        CallName::Fsmount,
        CallName::MoveMount,
        CallName::OpenTree,
        CallName::MountSetattr,
        CallName::Bpf,
        CallName::InitModule,
        CallName::FinitModule,
        CallName::DeleteModule,
        CallName::KexecLoad,
        CallName::KexecFileLoad,
        CallName::MemfdCreate,
        CallName::MemfdSecret,
        CallName::IoUringSetup,
        CallName::Userfaultfd,
        CallName::PerfEventOpen,
        CallName::Truncate,
        CallName::Swapon,
        CallName::Reboot,
        CallName::Settimeofday,
        CallName::ClockSettime,
        CallName::Keyctl,
        CallName::CgroupMkdir,
        CallName::Ioctl,
    ];

    /// Returns the call that `number` stands for.
    #[must_use]
    pub fn from_wire(number: u32) -> Option<CallName> {
        CallName::ALL.into_iter().find(|name| *name as u32 == number)
    }
}

/// Bits of [`Call::flags`] (`enum call_flag`).
pub mod call_flag {
    /// Made by the 32-bit ABI.
    pub const COMPAT: u32 = 1;
    /// The path or the directory it goes from is cut.
    pub const PATH_CUT: u32 = 2;
    /// A string of the caller could not be read.
    pub const TEXT_FAULT: u32 = 4;
    /// A string of the caller is cut.
    pub const TEXT_CUT: u32 = 8;
    /// The path of the target's program is cut.
    pub const TARGET_CUT: u32 = 16;
}

/// How many numbers [`Call::namespaces`] has (`NS_COUNT`).
pub const NS_COUNT: usize = 8;

/// Names of the namespaces, in the order of [`Call::namespaces`] (`enum call_namespace`).
pub const NAMESPACES: [&str; 7] = ["mnt", "pid", "net", "user", "ipc", "uts", "cgroup"];

/// A rare call came back (`struct rec_call`); [`CallData`] follows.
#[derive(Debug, Clone, Copy, FromBytes, IntoBytes, KnownLayout, Immutable)]
#[repr(C)]
pub struct Call {
    /// Who called.
    pub head: Head,
    /// What it returned: below zero an errno.
    pub ret: i64,
    /// The caller's registers.
    pub args: [u64; 6],
    /// Start of the process that the call concerns.
    pub target_start_ns: u64,
    /// `io_uring_setup`: flags of the ring; `cgroup_mkdir`: its id; `truncate`: the length.
    pub value: u64,
    /// Inodes of the caller's namespaces (`clone`: of the child's), 0 where not told.
    pub namespaces: [u32; NS_COUNT],
    /// `clone`: bits of those that are not the caller's.
    pub changed: u32,
    /// `setns`: inode of the namespace behind the descriptor, 0 if it is of a process.
    pub entered: u32,
    /// Another process that the call concerns; 0 when there is none, or it was gone.
    pub target_pid: u32,
    /// A [`CallName`].
    pub call: u32,
    /// See [`call_flag`].
    pub flags: u32,
    /// Bytes of [`CallData::path`].
    pub path_len: u16,
    /// Bytes of [`CallData::cwd`].
    pub cwd_len: u16,
    /// Bytes of [`CallData::target`].
    pub target_len: u16,
    /// Bytes of [`CallData::name`].
    pub name_len: u16,
    /// Bytes of [`CallData::text`].
    pub text_len: u16,
    /// Zero.
    pub pad: u16,
    /// The target's name for itself, padded with NUL.
    pub target_comm: [u8; 16],
}

impl Call {
    /// Returns the process that the call concerns.
    #[must_use]
    pub fn target(&self) -> Option<ProcId> {
        let id = ProcId { pid: self.target_pid, start_ns: self.target_start_ns };
        (id.pid != 0).then_some(id)
    }
}

/// What follows a [`Call`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CallData<'a> {
    /// Components, last first, of what the call made or changed: from the kernel's object.
    pub path: &'a [u8],
    /// Components of the directory from which the caller's path goes.
    pub cwd: &'a [u8],
    /// Components of the program that the target runs.
    pub target: &'a [u8],
    /// A name that the kernel has: of a memfd, a file system, a cgroup.
    pub name: &'a [u8],
    /// Strings of the caller, each ended by NUL: what it says, not what the kernel did.
    pub text: &'a [u8],
}

impl<'a> CallData<'a> {
    pub(super) fn split(call: &Call, data: &'a [u8]) -> Result<Self, Malformed> {
        let mut rest = data;
        let mut part = |len: u16| {
            let (part, after) = rest.split_at_checked(len.into()).ok_or(Malformed::Length)?;
            rest = after;
            Ok(part)
        };
        Ok(CallData {
            path: part(call.path_len)?,
            cwd: part(call.cwd_len)?,
            target: part(call.target_len)?,
            name: part(call.name_len)?,
            text: part(call.text_len)?,
        })
    }
}
