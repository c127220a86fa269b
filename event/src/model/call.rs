//! Rare system calls, and work that others do on request.

use super::Bytes;
use crate::ProcId;
use crate::wire::CallName;

impl CallName {
    /// Returns its name in events.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            CallName::Ptrace => "ptrace",
            CallName::ProcessVmReadv => "process_vm_readv",
            CallName::ProcessVmWritev => "process_vm_writev",
            CallName::PidfdGetfd => "pidfd_getfd",
            CallName::Unshare => "unshare",
            CallName::Setns => "setns",
            CallName::Clone => "clone",
            CallName::Chroot => "chroot",
            CallName::PivotRoot => "pivot_root",
            CallName::Mount => "mount",
            CallName::Umount => "umount",
            CallName::Fsopen => "fsopen",
            CallName::Fsmount => "fsmount",
            CallName::MoveMount => "move_mount",
            CallName::OpenTree => "open_tree",
            CallName::MountSetattr => "mount_setattr",
            CallName::Bpf => "bpf",
            CallName::InitModule => "init_module",
            CallName::FinitModule => "finit_module",
            CallName::DeleteModule => "delete_module",
            CallName::KexecLoad => "kexec_load",
            CallName::KexecFileLoad => "kexec_file_load",
            CallName::MemfdCreate => "memfd_create",
            CallName::MemfdSecret => "memfd_secret",
            CallName::IoUringSetup => "io_uring_setup",
            CallName::Userfaultfd => "userfaultfd",
            CallName::PerfEventOpen => "perf_event_open",
            CallName::Truncate => "truncate",
            CallName::Swapon => "swapon",
            CallName::Reboot => "reboot",
            CallName::Settimeofday => "settimeofday",
            CallName::ClockSettime => "clock_settime",
            CallName::Keyctl => "keyctl",
            CallName::CgroupMkdir => "cgroup_mkdir",
            CallName::Ioctl => "ioctl",
        }
    }
}

/// Another process that something was done to, or with.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Other {
    /// Which; its start is 0 where it was gone.
    pub id: ProcId,
    /// The file it ran.
    pub exe: Option<Bytes>,
    /// Its name for itself.
    pub comm: Option<Vec<u8>>,
    /// It is of the run.
    pub in_run: bool,
}

/// A rare call came back.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Call {
    /// Which.
    pub name: CallName,
    /// What it returned: below zero an errno.
    pub ret: i64,
    /// What was asked for, of calls that do many things.
    pub cmd: Option<String>,
    /// Flags by their names, joined by `|`.
    pub flags: Option<String>,
    /// What the call made or changed: from the kernel's object.
    pub path: Option<Vec<u8>>,
    /// `path` or `cwd` lacks its first components.
    pub path_cut: bool,
    /// The path that the caller's memory held after the call.
    pub path_claimed: Option<Vec<u8>>,
    /// The second one, of calls that take two.
    pub path2_claimed: Option<Vec<u8>>,
    /// Directory from which `path_claimed` goes if it is relative.
    pub cwd: Option<Vec<u8>>,
    /// A string of the caller could not be read, or is cut.
    pub text_fault: bool,
    /// File system type that the kernel has.
    pub fs_type: Option<Vec<u8>>,
    /// File system type that the caller named.
    pub fs_type_claimed: Option<Vec<u8>>,
    /// The kernel's name of a memfd.
    pub label: Option<Vec<u8>>,
    /// A name that the caller gave: of a memfd that was not made, of a module.
    pub label_claimed: Option<Vec<u8>>,
    /// New length of a file.
    pub length: Option<u64>,
    /// Namespaces that the process (for `clone`: the new one) is in and was not before: `mnt:INODE`.
    pub namespaces: Vec<String>,
    /// Path of a cgroup within its hierarchy.
    pub cgroup: Option<Vec<u8>>,
    /// Its id.
    pub cgroup_id: Option<u64>,
    /// The process that it concerns.
    pub target: Option<Other>,
    /// Made by the 32-bit ABI.
    pub compat: bool,
}

impl Call {
    /// Returns a call of which nothing else is known.
    #[must_use]
    pub fn new(name: CallName, ret: i64) -> Call {
        Call {
            name,
            ret,
            cmd: None,
            flags: None,
            path: None,
            path_cut: false,
            path_claimed: None,
            path2_claimed: None,
            cwd: None,
            text_fault: false,
            fs_type: None,
            fs_type_claimed: None,
            label: None,
            label_claimed: None,
            length: None,
            namespaces: Vec::new(),
            cgroup: None,
            cgroup_id: None,
            target: None,
            compat: false,
        }
    }
}

/// A process used something that works for others: what it does on request is not in the record.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Delegation {
    /// What is used: `docker`, `systemd`, …
    pub broker: &'static str,
    /// How it was recognised: `path`, `abstract`, `program`, `port`, `file`.
    pub how: &'static str,
    /// Number of the event that shows it.
    pub evidence: u64,
    /// The socket or file.
    pub path: Option<Vec<u8>>,
    /// Who answers, where that is known.
    pub peer: Option<Other>,
}
