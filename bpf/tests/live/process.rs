//! Fork, exec, exit, leaving.

use std::os::unix::fs::MetadataExt;

use event::wire::{Exec, ExecData, Record, exec_flag, fork_flag};

use crate::actor::{long_argv, odd_argv};
use crate::run::{Run, able};

fn execs<'a>(run: &'a Run, name: &'a str) -> impl Iterator<Item = (&'a Exec, ExecData<'a>)> {
    run.records().filter_map(move |record| match record {
        Record::Exec(exec, data) if data.file == name.as_bytes() => Some((exec, data)),
        _ => None,
    })
}

fn path(components: &[u8]) -> String {
    let mut names: Vec<&[u8]> = components.split(|b| *b == 0).collect();
    assert_eq!(names.pop(), Some(b"".as_slice()), "each component ends with NUL");
    names.iter().rev().map(|name| format!("/{}", String::from_utf8_lossy(name))).collect()
}

fn joined(args: &[Vec<u8>]) -> Vec<u8> {
    let mut bytes = b"/bin/true\0".to_vec();
    for arg in args {
        bytes.extend_from_slice(arg);
        bytes.push(0);
    }
    bytes
}

#[test]
fn an_exec_comes_back_with_file_directory_and_exact_argv() {
    if !able() {
        return;
    }
    let mut run = Run::begin();
    let (actor, _) = run.act("odd argv");
    let (exec, data) = execs(&run, "/bin/true").next().expect("the exec");
    let real = std::fs::canonicalize("/bin/true").expect("resolve");
    let meta = std::fs::metadata(&real).expect("stat");
    assert_eq!(path(data.exe), real.to_string_lossy());
    assert_eq!(exec.exe_ino, meta.ino());
    let (major, minor) = (exec.exe_dev >> 20, exec.exe_dev & 0xf_ffff);
    assert_eq!(rustix::fs::makedev(major, minor), meta.dev());
    assert_eq!(path(data.cwd), "/usr/share");
    assert_eq!(data.interp, b"");
    assert_eq!(data.argv, joined(&odd_argv()));
    assert_eq!(exec.argv_len, data.argv.len() as u64);
    assert_eq!(exec.argc as usize, odd_argv().len() + 1);
    assert_eq!(exec.parent_pid, actor);
    assert_eq!((exec.uid, exec.gid, exec.euid, exec.egid), (0, 0, 0, 0));
    assert_ne!(exec.cap_effective, 0);
    assert_eq!(exec.flags, 0);
    assert_eq!(u64::from(exec.mnt_ns), std::fs::metadata("/proc/self/ns/mnt").expect("stat").ino());
    run.assert_nothing_is_silent();
}

#[test]
fn a_long_argv_is_marked_and_all_of_it_is_sent() {
    if !able() {
        return;
    }
    let mut run = Run::begin();
    run.act("long argv");
    let (exec, data) = execs(&run, "/bin/true").next().expect("the exec");
    let whole = joined(&long_argv());
    assert_eq!(exec.argv_len, whole.len() as u64);
    assert_eq!(exec.flags, exec_flag::ARGV_CUT);
    let mut kept = data.argv.to_vec();
    for record in run.records() {
        if let Record::Argv(argv, bytes) = record
            && argv.head.process() == exec.head.process()
        {
            assert_eq!(argv.offset as usize, kept.len());
            assert_eq!(argv.flags, 0);
            kept.extend_from_slice(bytes);
        }
    }
    assert_eq!(kept, whole);
    let ends: Vec<_> = run
        .records()
        .filter_map(|record| match record {
            Record::ArgvEnd(end) => Some((end.head.process(), end.argv_len, end.sent, end.flags)),
            _ => None,
        })
        .collect();
    let len = whole.len() as u64;
    assert_eq!(ends, [(exec.head.process(), len, len, 0)]);
}

#[test]
fn a_script_is_named_with_its_interpreter() {
    if !able() {
        return;
    }
    let mut run = Run::begin();
    run.act("script");
    let found = run.records().find_map(|record| match record {
        Record::Exec(_, data) if data.interp == b"/bin/sh" => Some(data),
        _ => None,
    });
    let data = found.expect("the script's exec");
    assert!(String::from_utf8_lossy(data.file).contains("/script-"));
    assert_eq!(path(data.exe), std::fs::canonicalize("/bin/sh").expect("sh").to_string_lossy());
    let argv = [b"/bin/sh\0", data.file, b"\0x\0"].concat();
    assert_eq!(data.argv, argv);
}

#[test]
fn ends_tell_the_exit_code_or_the_signal_once_per_process() {
    if !able() {
        return;
    }
    let mut run = Run::begin();
    let (actor, _) = run.act("ends");
    let shells: Vec<u32> = execs(&run, "/bin/sh").map(|(exec, _)| exec.head.pid).collect();
    let code = |pid: u32| -> Vec<i32> {
        let exits = run.records().filter_map(|record| match record {
            Record::Exit(exit) if exit.head.pid == pid => Some(exit.code),
            _ => None,
        });
        exits.collect()
    };
    assert_eq!(shells.len(), 2);
    assert_eq!(code(shells[0]), [7 << 8]);
    assert_eq!(code(shells[1]), [9]);
    assert_eq!(code(actor), [0], "threads do not end the process");
}

#[test]
fn forks_name_child_and_parent_by_pid_and_start() {
    if !able() {
        return;
    }
    let mut run = Run::begin();
    let (actor, _) = run.act("odd argv");
    let (exec, _) = execs(&run, "/bin/true").next().expect("the exec");
    let fork = run.records().find_map(|record| match record {
        Record::Fork(fork) if fork.child_pid == exec.head.pid => Some(fork),
        _ => None,
    });
    let fork = fork.expect("the fork");
    assert_eq!(fork.child_start_ns, exec.head.start_ns);
    assert_eq!((fork.head.pid, fork.parent_pid), (actor, actor));
    assert_eq!(fork.parent_start_ns, exec.parent_start_ns);
    assert_eq!(fork.flags, 0);
}

#[test]
fn who_leaves_the_leaf_stays_recorded_with_its_children() {
    if !able() {
        return;
    }
    let mut run = Run::begin();
    run.act("leave");
    let (shell, _) = execs(&run, "/bin/sh").next().expect("the shell's exec");
    let left: Vec<u64> = run
        .records()
        .filter_map(|record| match record {
            Record::Left(left) if left.head.pid == shell.head.pid => Some(left.cgroup_id),
            _ => None,
        })
        .collect();
    assert_eq!(left, [run.leaf.parent_id()]);
    let (child, _) = execs(&run, "/bin/true").next().expect("what it ran outside");
    assert_eq!(child.parent_pid, shell.head.pid);
    run.assert_nothing_is_silent();
}

#[test]
fn the_first_process_is_cloned_into_the_leaf_from_outside() {
    if !able() {
        return;
    }
    let mut run = Run::begin();
    let child = clone_into(&run.leaf, 3);
    run.drain();
    let fork = run.records().find_map(|record| match record {
        Record::Fork(fork) => Some(*fork),
        _ => None,
    });
    let fork = fork.expect("the fork");
    assert_eq!(fork.child_pid, child);
    assert_eq!(fork.head.pid, std::process::id());
    assert_eq!(fork.flags, fork_flag::FROM_OUTSIDE);
    let exits: Vec<(u32, i32)> = run
        .records()
        .filter_map(|record| match record {
            Record::Exit(exit) => Some((exit.head.pid, exit.code)),
            _ => None,
        })
        .collect();
    assert_eq!(exits, [(child, 3 << 8)]);
}

/// include/uapi/linux/sched.h; libc's constant is too narrow for it.
const CLONE_INTO_CGROUP: u64 = 0x2_0000_0000;

/// Makes a child in the leaf that ends with `code`, and waits for it.
#[expect(unsafe_code, reason = "no safe wrapper of clone3 exists")]
fn clone_into(leaf: &crate::leaf::Leaf, code: i32) -> u32 {
    use std::os::fd::AsRawFd;
    // SAFETY: plain numbers; all zero means no flag and no pointer.
    let mut args: libc::clone_args = unsafe { std::mem::zeroed() };
    args.flags = CLONE_INTO_CGROUP;
    args.cgroup = leaf.fd().as_raw_fd() as u64;
    args.exit_signal = libc::SIGCHLD as u64;
    // SAFETY: `args` lives through the call and its size is told; without CLONE_VM the child has
    // its own copy of this process, as after fork(2).
    let pid = unsafe { libc::syscall(libc::SYS_clone3, &raw mut args, size_of_val(&args)) };
    if pid == 0 {
        // SAFETY: ends the child without touching locks that other threads may have held.
        unsafe { libc::_exit(code) };
    }
    let pid = i32::try_from(pid).expect("a pid");
    let found = rustix::process::Pid::from_raw(pid);
    assert!(found.is_some(), "clone3: {}", std::io::Error::last_os_error());
    rustix::process::waitpid(found, rustix::process::WaitOptions::empty()).expect("wait");
    u32::try_from(pid).expect("a pid")
}

#[test]
fn others_leave_no_record() {
    if !able() {
        return;
    }
    let mut run = Run::begin();
    for part in ["odd argv", "tcp4", "two peers", "opens"] {
        run.act_outside(part);
    }
    run.drain();
    assert_eq!(run.records().count(), 0);
    run.assert_nothing_is_silent();
}

#[test]
fn cpu_time_is_what_the_parent_is_told() {
    if !able() {
        return;
    }
    let mut run = Run::begin();
    let before = children_ns();
    let (actor, _) = run.act("hundred");
    let found = run.records().find_map(|record| match record {
        Record::Exit(exit) if exit.head.pid == actor => Some(exit.utime_ns + exit.stime_ns),
        _ => None,
    });
    let told = found.expect("the exit");
    assert!(told > 0);
    assert!(told <= children_ns() - before, "more than all children together had");
}

/// Returns the CPU time of all children waited for, as rusage has it.
fn children_ns() -> u64 {
    let stat = std::fs::read_to_string("/proc/self/stat").expect("own stat");
    let after = stat.rsplit(") ").next().expect("fields");
    let ticks: u64 = after
        .split(' ')
        .skip(13)
        .take(2)
        .map(|field| field.parse::<u64>().expect("a number"))
        .sum();
    (ticks + 2) * 10_000_000
}
