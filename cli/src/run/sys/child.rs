//! The command's process: clone, wait, become the command.

use std::{
    ffi::{CStr, CString, c_char, c_int},
    io,
    os::fd::{AsRawFd, BorrowedFd, FromRawFd, OwnedFd, RawFd},
};

use super::{Mask, inherited};

/// `CLONE_INTO_CGROUP` (include/uapi/linux/sched.h, 5.7); libc's constant is cut to 32 bits.
const CLONE_INTO_CGROUP: u64 = 0x2_0000_0000;

/// Everything the child needs, prepared while allocating is allowed.
#[derive(Debug)]
pub(in crate::run) struct Launch {
    /// Files to try, in order.
    pub(in crate::run) files: Vec<CString>,
    /// The command's argv.
    pub(in crate::run) argv: Vec<CString>,
    /// The command's environment, `NAME=value`.
    pub(in crate::run) envp: Vec<CString>,
    /// More of it: each `NAME=`, followed by the number of the command's process.
    pub(in crate::run) own_pid: Vec<String>,
    /// User, group and supplementary groups to become.
    pub(in crate::run) become_user: Option<(u32, u32, Vec<u32>)>,
    /// Whether to get a mount namespace of its own.
    pub(in crate::run) own_mounts: bool,
    /// The signal mask to restore.
    pub(in crate::run) mask: Mask,
}

/// What the child was at when it failed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::run) enum Stage {
    /// unshare(2) of the mount namespace.
    Mounts,
    /// Becoming another user.
    User,
    /// execve(2).
    Exec,
}

/// Descriptors the child talks over; all are closed by exec.
#[derive(Debug)]
pub(in crate::run) struct ChildPipes {
    /// A byte is written when the child waits.
    pub(in crate::run) ready: OwnedFd,
    /// A byte is read before exec; end of file means that nobody waits any more.
    pub(in crate::run) go: OwnedFd,
    /// Stage and errno are written when something fails.
    pub(in crate::run) failed: OwnedFd,
    /// The other ends, which the child must not hold.
    pub(in crate::run) parents: [RawFd; 3],
}

/// Pointers into a [`Launch`], as exec wants them.
struct Pointers {
    files: Vec<*const c_char>,
    argv: Vec<*const c_char>,
    envp: Vec<*const c_char>,
    script: Vec<*const c_char>,
    /// [`Launch::own_pid`] with room for the number, which only the child knows.
    own_pid: Vec<Vec<u8>>,
}

/// Digits of the largest number of a process (proc_sys_kernel(5): 2^22), and the ending NUL.
const PID_ROOM: usize = 11;

impl Pointers {
    fn to(launch: &Launch) -> Self {
        let ended = |strings: &[CString]| {
            let mut list: Vec<_> = strings.iter().map(|s| s.as_ptr()).collect();
            list.push(std::ptr::null());
            list
        };
        // `sh FILE ARGS…`: place for the shell and the file, then the arguments after argv[0].
        let mut script = vec![c"/bin/sh".as_ptr(), std::ptr::null()];
        script.extend(ended(launch.argv.get(1..).unwrap_or_default()));
        let with_room = |name: &String| [name.as_bytes(), [0; PID_ROOM].as_slice()].concat();
        let own_pid: Vec<_> = launch.own_pid.iter().map(with_room).collect();
        let mut envp = ended(&launch.envp);
        let last = envp.len() - 1;
        envp.splice(last..last, own_pid.iter().map(|entry| entry.as_ptr().cast()));
        Pointers {
            files: launch.files.iter().map(|s| s.as_ptr()).collect(),
            argv: ended(&launch.argv),
            envp,
            script,
            own_pid,
        }
    }

    /// Writes the number of this process to where it belongs; takes no memory.
    fn number_own_process(&mut self) {
        // SAFETY: takes no pointer.
        let pid = unsafe { libc::getpid() }.unsigned_abs();
        for entry in &mut self.own_pid {
            let at = entry.len().saturating_sub(PID_ROOM);
            let room = entry.get_mut(at..).unwrap_or_default();
            write_number(pid, room);
        }
    }
}

/// Clones the command's process into the cgroup `leaf`, or into ours; it waits for `pipes.go`.
///
/// Returns its pid and pidfd. Must be called while the process has one thread.
pub(in crate::run) fn spawn(
    launch: &Launch,
    leaf: Option<BorrowedFd<'_>>,
    pipes: &ChildPipes,
) -> io::Result<(u32, OwnedFd)> {
    let mut pointers = Pointers::to(launch);
    let mut pidfd: RawFd = -1;
    // SAFETY: all zeros is a valid clone_args (clone(2): unused fields are zero).
    let mut args: libc::clone_args = unsafe { std::mem::zeroed() };
    args.flags = libc::CLONE_PIDFD as u64;
    args.pidfd = (&raw mut pidfd) as u64;
    args.exit_signal = libc::SIGCHLD as u64;
    if let Some(leaf) = leaf {
        args.flags |= CLONE_INTO_CGROUP;
        args.cgroup = leaf.as_raw_fd() as u64;
    }
    // SAFETY: like fork: no CLONE_VM, so the child has a copy of everything; `args` is valid and the
    // size is its own; the process has one thread, so no lock is held by a thread that is gone.
    let pid = unsafe { libc::syscall(libc::SYS_clone3, &raw mut args, size_of_val(&args)) };
    match pid {
        0 => in_child(launch, &mut pointers, pipes),
        pid if pid > 0 => {
            // SAFETY: clone3 stored a new descriptor there, ours alone (CLONE_PIDFD).
            Ok((pid as u32, unsafe { OwnedFd::from_raw_fd(pidfd) }))
        }
        _ => Err(io::Error::last_os_error()),
    }
}

/// Returns the environment block as it is, entries without `=` included.
pub(in crate::run) fn environment() -> Vec<CString> {
    unsafe extern "C" {
        static environ: *const *const c_char;
    }
    let mut entries = Vec::new();
    // SAFETY: `environ` is set up by the C library before main; nothing in this process changes it.
    let mut at = unsafe { environ };
    if at.is_null() {
        return entries;
    }
    loop {
        // SAFETY: the block is a list of pointers that ends with null (environ(7)); `at` is within.
        let entry = unsafe { *at };
        if entry.is_null() {
            return entries;
        }
        // SAFETY: each entry is a C string that lives as long as the process.
        entries.push(unsafe { CStr::from_ptr(entry) }.to_owned());
        // SAFETY: the terminating null was not reached yet.
        at = unsafe { at.add(1) };
    }
}

/// Becomes the command without a record; returns only if that fails.
pub(in crate::run) fn exec_unrecorded(launch: &Launch) -> (Stage, io::Error) {
    let mut pointers = Pointers::to(launch);
    let (stage, errno) = become_command(launch, &mut pointers);
    (stage, io::Error::from_raw_os_error(errno))
}

fn in_child(launch: &Launch, pointers: &mut Pointers, pipes: &ChildPipes) -> ! {
    for fd in pipes.parents {
        // SAFETY: these are this process's copies; their owners are in memory that the child never gets
        // back to, for it executes or exits. While it held `go`, end of file could never come.
        unsafe { libc::close(fd) };
    }
    let fail = |stage: Stage, errno: c_int| -> ! {
        let mut message = [0; 5];
        message[0] = stage as u8;
        message[1..].copy_from_slice(&errno.to_ne_bytes());
        let _ = rustix::io::write(&pipes.failed, &message);
        // SAFETY: _exit runs no handlers of the copied process and never returns.
        unsafe { libc::_exit(exit_status(stage, errno)) }
    };
    if launch.own_mounts {
        // SAFETY: takes no pointer; the process has one thread and shares nothing with its parent.
        if unsafe { libc::unshare(libc::CLONE_NEWNS) } != 0 {
            fail(Stage::Mounts, last_errno());
        }
    }
    let _ = rustix::io::write(&pipes.ready, &[1]);
    let mut go = [0];
    if !matches!(rustix::io::read(&pipes.go, &mut go), Ok(1)) {
        // SAFETY: as above.
        unsafe { libc::_exit(125) };
    }
    let (stage, errno) = become_command(launch, pointers);
    fail(stage, errno)
}

/// Restores what the command must find and executes it. Returns only on failure.
fn become_command(launch: &Launch, pointers: &mut Pointers) -> (Stage, c_int) {
    if let Some((uid, gid, groups)) = &launch.become_user
        && let Err(errno) = become_user(*uid, *gid, groups)
    {
        return (Stage::User, errno);
    }
    inherited::restore(&launch.mask);
    pointers.number_own_process();
    (Stage::Exec, exec_first(pointers))
}

fn become_user(uid: u32, gid: u32, groups: &[u32]) -> Result<(), c_int> {
    // SAFETY: the pointer and length are of one slice of gid_t (u32).
    let set = unsafe { libc::setgroups(groups.len(), groups.as_ptr()) };
    // SAFETY: takes no pointer.
    if set != 0 || unsafe { libc::setresgid(gid, gid, gid) } != 0 {
        return Err(last_errno());
    }
    // SAFETY: takes no pointer.
    if unsafe { libc::setresuid(uid, uid, uid) } != 0 {
        return Err(last_errno());
    }
    Ok(())
}

/// Tries the files like execvp(3): goes on after ENOENT, remembers EACCES, hands a file without
/// a known format to the shell. Returns the errno to report.
fn exec_first(pointers: &mut Pointers) -> c_int {
    let mut errno = libc::ENOENT;
    for file in &pointers.files {
        // SAFETY: the pointers are to C strings that `launch` keeps alive, and the lists end with null.
        unsafe { libc::execve(*file, pointers.argv.as_ptr(), pointers.envp.as_ptr()) };
        match last_errno() {
            libc::ENOENT | libc::ENOTDIR => {}
            libc::EACCES => errno = libc::EACCES,
            libc::ENOEXEC => {
                pointers.script[1] = *file;
                let script = pointers.script.as_ptr();
                // SAFETY: as above; `script` is "/bin/sh", the file, the arguments, null.
                unsafe { libc::execve(c"/bin/sh".as_ptr(), script, pointers.envp.as_ptr()) };
                return libc::ENOEXEC;
            }
            other => return other,
        }
    }
    errno
}

/// Writes `number` in decimal to the beginning of `room`, which is zeroed and long enough.
fn write_number(number: u32, room: &mut [u8]) {
    let digits = number.checked_ilog10().unwrap_or(0) + 1;
    for (place, power) in room.iter_mut().zip((0..digits).rev()) {
        let digit = number / 10_u32.pow(power) % 10;
        *place = b'0' + u8::try_from(digit).unwrap_or(0);
    }
}

/// Exit status for a failure of the child, as `env` and `timeout` use them.
pub(in crate::run) fn exit_status(stage: Stage, errno: c_int) -> c_int {
    match (stage, errno) {
        (Stage::Exec, libc::ENOENT | libc::ENOTDIR) => 127,
        (Stage::Exec, _) => 126,
        (Stage::Mounts | Stage::User, _) => 125,
    }
}

/// Reads what the child wrote to `failed`.
pub(in crate::run) fn stage_from(message: [u8; 5]) -> (Stage, c_int) {
    let [stage, errno @ ..] = message;
    let stage = [Stage::Mounts, Stage::User, Stage::Exec]
        .into_iter()
        .find(|known| *known as u8 == stage)
        .unwrap_or(Stage::Exec);
    (stage, c_int::from_ne_bytes(errno))
}

/// The errno of the last failed call; takes no memory.
fn last_errno() -> c_int {
    io::Error::last_os_error().raw_os_error().unwrap_or(libc::EIO)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_written_as_format_does() {
        for number in [0, 1, 9, 10, 4_194_304, u32::MAX] {
            let mut room = [0; PID_ROOM];
            write_number(number, &mut room);
            let text = CStr::from_bytes_until_nul(&room).expect("there is room for the end");
            assert_eq!(text.to_bytes(), number.to_string().as_bytes());
        }
    }
}
