//! Names of commands and flags of rare calls, as manual pages have them.

use event::wire::CallName;

/// Names by number.
type Names = &'static [(u64, &'static str)];

const NEW: Names = &[
    (0x80, "CLONE_NEWTIME"),
    (0x2_0000, "CLONE_NEWNS"),
    (0x0200_0000, "CLONE_NEWCGROUP"),
    (0x0400_0000, "CLONE_NEWUTS"),
    (0x0800_0000, "CLONE_NEWIPC"),
    (0x1000_0000, "CLONE_NEWUSER"),
    (0x2000_0000, "CLONE_NEWPID"),
    (0x4000_0000, "CLONE_NEWNET"),
    (0x400, "CLONE_FILES"),
    (0x200, "CLONE_FS"),
];

const MOUNT: Names = &[
    (0x1, "MS_RDONLY"),
    (0x2, "MS_NOSUID"),
    (0x4, "MS_NODEV"),
    (0x8, "MS_NOEXEC"),
    (0x10, "MS_SYNCHRONOUS"),
    (0x20, "MS_REMOUNT"),
    (0x40, "MS_MANDLOCK"),
    (0x80, "MS_DIRSYNC"),
    (0x100, "MS_NOSYMFOLLOW"),
    (0x400, "MS_NOATIME"),
    (0x800, "MS_NODIRATIME"),
    (0x1000, "MS_BIND"),
    (0x2000, "MS_MOVE"),
    (0x4000, "MS_REC"),
    (0x8000, "MS_SILENT"),
    (0x2_0000, "MS_UNBINDABLE"),
    (0x4_0000, "MS_PRIVATE"),
    (0x8_0000, "MS_SLAVE"),
    (0x10_0000, "MS_SHARED"),
    (0x20_0000, "MS_RELATIME"),
    (0x100_0000, "MS_STRICTATIME"),
    (0x200_0000, "MS_LAZYTIME"),
];

const UMOUNT: Names =
    &[(1, "MNT_FORCE"), (2, "MNT_DETACH"), (4, "MNT_EXPIRE"), (8, "UMOUNT_NOFOLLOW")];

const MOUNT_ATTR: Names = &[
    (1, "MOUNT_ATTR_RDONLY"),
    (2, "MOUNT_ATTR_NOSUID"),
    (4, "MOUNT_ATTR_NODEV"),
    (8, "MOUNT_ATTR_NOEXEC"),
];

const MOVE_MOUNT: Names = &[
    (0x1, "MOVE_MOUNT_F_SYMLINKS"),
    (0x2, "MOVE_MOUNT_F_AUTOMOUNTS"),
    (0x4, "MOVE_MOUNT_F_EMPTY_PATH"),
    (0x10, "MOVE_MOUNT_T_SYMLINKS"),
    (0x20, "MOVE_MOUNT_T_AUTOMOUNTS"),
    (0x40, "MOVE_MOUNT_T_EMPTY_PATH"),
    (0x100, "MOVE_MOUNT_SET_GROUP"),
    (0x200, "MOVE_MOUNT_BENEATH"),
];

const TREE: Names = &[
    (0x1, "OPEN_TREE_CLONE"),
    (0x100, "AT_SYMLINK_NOFOLLOW"),
    (0x800, "AT_NO_AUTOMOUNT"),
    (0x1000, "AT_EMPTY_PATH"),
    (0x8000, "AT_RECURSIVE"),
    (0x8_0000, "OPEN_TREE_CLOEXEC"),
];

const MODULE: Names = &[
    (1, "MODULE_INIT_IGNORE_MODVERSIONS"),
    (2, "MODULE_INIT_IGNORE_VERMAGIC"),
    (4, "MODULE_INIT_COMPRESSED_FILE"),
];

const UNLOAD: Names = &[(0x200, "O_TRUNC"), (0x800, "O_NONBLOCK")];

const MEMFD: Names = &[
    (0x1, "MFD_CLOEXEC"),
    (0x2, "MFD_ALLOW_SEALING"),
    (0x4, "MFD_HUGETLB"),
    (0x8, "MFD_NOEXEC_SEAL"),
    (0x10, "MFD_EXEC"),
];

const RING: Names = &[
    (0x1, "IORING_SETUP_IOPOLL"),
    (0x2, "IORING_SETUP_SQPOLL"),
    (0x4, "IORING_SETUP_SQ_AFF"),
    (0x8, "IORING_SETUP_CQSIZE"),
    (0x10, "IORING_SETUP_CLAMP"),
    (0x20, "IORING_SETUP_ATTACH_WQ"),
    (0x40, "IORING_SETUP_R_DISABLED"),
    (0x80, "IORING_SETUP_SUBMIT_ALL"),
    (0x100, "IORING_SETUP_COOP_TASKRUN"),
    (0x200, "IORING_SETUP_TASKRUN_FLAG"),
    (0x400, "IORING_SETUP_SQE128"),
    (0x800, "IORING_SETUP_CQE32"),
    (0x1000, "IORING_SETUP_SINGLE_ISSUER"),
    (0x2000, "IORING_SETUP_DEFER_TASKRUN"),
    (0x4000, "IORING_SETUP_NO_MMAP"),
    (0x8000, "IORING_SETUP_REGISTERED_FD_ONLY"),
    (0x1_0000, "IORING_SETUP_NO_SQARRAY"),
];

const OPEN: Names = &[(0x1, "UFFD_USER_MODE_ONLY"), (0x800, "O_NONBLOCK"), (0x8_0000, "O_CLOEXEC")];

const PERF: Names = &[
    (1, "PERF_FLAG_FD_NO_GROUP"),
    (2, "PERF_FLAG_FD_OUTPUT"),
    (4, "PERF_FLAG_PID_CGROUP"),
    (8, "PERF_FLAG_FD_CLOEXEC"),
];

const KEXEC: Names = &[(1, "KEXEC_ON_CRASH"), (2, "KEXEC_PRESERVE_CONTEXT")];
const KEXEC_FILE: Names =
    &[(1, "KEXEC_FILE_UNLOAD"), (2, "KEXEC_FILE_ON_CRASH"), (4, "KEXEC_FILE_NO_INITRAMFS")];

const PTRACE: Names = &[
    (0, "PTRACE_TRACEME"),
    (4, "PTRACE_POKETEXT"),
    (5, "PTRACE_POKEDATA"),
    (6, "PTRACE_POKEUSR"),
    (13, "PTRACE_SETREGS"),
    (15, "PTRACE_SETFPREGS"),
    (16, "PTRACE_ATTACH"),
    (0x4205, "PTRACE_SETREGSET"),
    (0x4206, "PTRACE_SEIZE"),
];

const REBOOT: Names = &[
    (0x0000_0000, "LINUX_REBOOT_CMD_CAD_OFF"),
    (0x0123_4567, "LINUX_REBOOT_CMD_RESTART"),
    (0x4321_fedc, "LINUX_REBOOT_CMD_POWER_OFF"),
    (0x4558_4543, "LINUX_REBOOT_CMD_KEXEC"),
    (0x89ab_cdef, "LINUX_REBOOT_CMD_CAD_ON"),
    (0xa1b2_c3d4, "LINUX_REBOOT_CMD_RESTART2"),
    (0xcdef_0123, "LINUX_REBOOT_CMD_HALT"),
    (0xd000_fce2, "LINUX_REBOOT_CMD_SW_SUSPEND"),
];

const CLOCK: Names = &[(0, "CLOCK_REALTIME"), (1, "CLOCK_MONOTONIC"), (11, "CLOCK_TAI")];

const BPF: Names = &[
    (0, "BPF_MAP_CREATE"),
    (5, "BPF_PROG_LOAD"),
    (6, "BPF_OBJ_PIN"),
    (7, "BPF_OBJ_GET"),
    (8, "BPF_PROG_ATTACH"),
    (9, "BPF_PROG_DETACH"),
    (10, "BPF_PROG_TEST_RUN"),
    (11, "BPF_PROG_GET_NEXT_ID"),
    (12, "BPF_MAP_GET_NEXT_ID"),
    (13, "BPF_PROG_GET_FD_BY_ID"),
    (14, "BPF_MAP_GET_FD_BY_ID"),
    (15, "BPF_OBJ_GET_INFO_BY_FD"),
    (16, "BPF_PROG_QUERY"),
    (17, "BPF_RAW_TRACEPOINT_OPEN"),
    (18, "BPF_BTF_LOAD"),
    (19, "BPF_BTF_GET_FD_BY_ID"),
    (20, "BPF_TASK_FD_QUERY"),
    (23, "BPF_BTF_GET_NEXT_ID"),
    (28, "BPF_LINK_CREATE"),
    (29, "BPF_LINK_UPDATE"),
    (30, "BPF_LINK_GET_FD_BY_ID"),
    (31, "BPF_LINK_GET_NEXT_ID"),
    (32, "BPF_ENABLE_STATS"),
    (33, "BPF_ITER_CREATE"),
    (34, "BPF_LINK_DETACH"),
    (35, "BPF_PROG_BIND_MAP"),
    (36, "BPF_TOKEN_CREATE"),
];

const KEYCTL: Names = &[
    (0, "KEYCTL_GET_KEYRING_ID"),
    (1, "KEYCTL_JOIN_SESSION_KEYRING"),
    (2, "KEYCTL_UPDATE"),
    (3, "KEYCTL_REVOKE"),
    (4, "KEYCTL_CHOWN"),
    (5, "KEYCTL_SETPERM"),
    (6, "KEYCTL_DESCRIBE"),
    (7, "KEYCTL_CLEAR"),
    (8, "KEYCTL_LINK"),
    (9, "KEYCTL_UNLINK"),
    (10, "KEYCTL_SEARCH"),
    (11, "KEYCTL_READ"),
    (12, "KEYCTL_INSTANTIATE"),
    (13, "KEYCTL_NEGATE"),
    (14, "KEYCTL_SET_REQKEY_KEYRING"),
    (15, "KEYCTL_SET_TIMEOUT"),
    (16, "KEYCTL_ASSUME_AUTHORITY"),
    (17, "KEYCTL_GET_SECURITY"),
    (18, "KEYCTL_SESSION_TO_PARENT"),
    (21, "KEYCTL_INVALIDATE"),
    (22, "KEYCTL_GET_PERSISTENT"),
    (29, "KEYCTL_RESTRICT_KEYRING"),
    (30, "KEYCTL_MOVE"),
];

/// `include/uapi/asm-generic/ioctls.h`: those that are recorded.
const TERMINAL: &[(u64, &str)] = &[(0x5412, "TIOCSTI"), (0x541c, "TIOCLINUX")];

/// Which argument says what is to be done, and its names.
pub(super) fn command(call: CallName, args: &[u64; 6]) -> Option<String> {
    let [first, second, third, ..] = *args;
    let (number, names) = match call {
        CallName::Ptrace => (first, PTRACE),
        CallName::Bpf => (first, BPF),
        CallName::Keyctl => (first, KEYCTL),
        CallName::ClockSettime => (first, CLOCK),
        CallName::Reboot => (third, REBOOT),
        CallName::Ioctl => (second, TERMINAL),
        _ => return None,
    };
    let number = number & u64::from(u32::MAX);
    let found = names.iter().find(|(known, _)| *known == number);
    Some(found.map_or_else(|| number.to_string(), |(_, name)| (*name).to_owned()))
}

/// The flags of a call by name, none where it has none set.
pub(super) fn flags(call: CallName, args: &[u64; 6], value: u64) -> Option<String> {
    let [first, second, third, fourth, fifth, _] = *args;
    let (bits, names) = match call {
        CallName::Unshare => (first, NEW),
        CallName::Setns => (second, NEW),
        CallName::Mount => (fourth, MOUNT),
        CallName::Umount => (second, UMOUNT),
        CallName::Fsmount => (third, MOUNT_ATTR),
        CallName::MoveMount => (fifth, MOVE_MOUNT),
        CallName::OpenTree | CallName::MountSetattr => (third, TREE),
        CallName::FinitModule => (third, MODULE),
        CallName::DeleteModule => (second, UNLOAD),
        CallName::KexecLoad => (fourth, KEXEC),
        CallName::KexecFileLoad => (fifth, KEXEC_FILE),
        CallName::MemfdCreate => (second, MEMFD),
        CallName::IoUringSetup => (value, RING),
        CallName::Userfaultfd => (first, OPEN),
        CallName::PerfEventOpen => (fifth, PERF),
        _ => return None,
    };
    named(bits & u64::from(u32::MAX), names)
}

/// Names of the bits that are set, joined by `|`; what has no name as one hexadecimal number.
fn named(bits: u64, names: Names) -> Option<String> {
    let set = names.iter().filter(|(bit, _)| bits & bit != 0);
    let mut words: Vec<String> = set.clone().map(|(_, name)| (*name).to_owned()).collect();
    let rest = set.fold(bits, |rest, (bit, _)| rest & !bit);
    if rest != 0 {
        words.push(format!("{rest:#x}"));
    }
    (!words.is_empty()).then(|| words.join("|"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn flags_and_commands_have_their_names() {
        let flags = |call, at: usize, bits: u64| {
            let mut args = [0; 6];
            args[at] = bits;
            flags(call, &args, 0)
        };
        let both = flags(CallName::Unshare, 0, 0x1002_0000);
        assert_eq!(both.as_deref(), Some("CLONE_NEWNS|CLONE_NEWUSER"));
        assert_eq!(flags(CallName::Mount, 3, 0x5000).as_deref(), Some("MS_BIND|MS_REC"));
        assert_eq!(flags(CallName::Umount, 1, 0x42).as_deref(), Some("MNT_DETACH|0x40"));
        assert_eq!(flags(CallName::Umount, 1, 0), None);
        assert_eq!(flags(CallName::Chroot, 0, 1), None);
        let command = |call, args| command(call, &args);
        assert_eq!(
            command(CallName::Ptrace, [16, 0, 0, 0, 0, 0]).as_deref(),
            Some("PTRACE_ATTACH")
        );
        assert_eq!(command(CallName::Bpf, [99, 0, 0, 0, 0, 0]).as_deref(), Some("99"));
        assert_eq!(command(CallName::Setns, [0; 6]), None);
    }

    #[test]
    fn no_number_has_two_names() {
        for names in [
            NEW, MOUNT, UMOUNT, MOUNT_ATTR, MOVE_MOUNT, TREE, MODULE, MEMFD, RING, OPEN, PERF,
            KEXEC, KEXEC_FILE, PTRACE, REBOOT, CLOCK, BPF, KEYCTL,
        ] {
            for (index, (number, name)) in names.iter().enumerate() {
                let rest = names.iter().skip(index + 1);
                assert!(rest.clone().all(|(other, _)| other != number), "{name}");
                assert!(rest.clone().all(|(_, other)| other != name), "{name}");
            }
        }
    }
}
