//! Rare system calls: each is an event with what the kernel made of it, and apart from it what only
//! the caller says (docs/events.md, `call`).
#![forbid(unsafe_code)]

use std::{
    fs,
    io::{BufRead, BufReader},
    os::unix::fs::MetadataExt,
    path::Path,
    process::{Child, Command, Stdio},
};

use xtests::{Event, Lab, Recorded};

/// Records the tester on one road.
fn record(lab: &Lab, words: &[&str]) -> Recorded {
    let tester = lab.tester("calls");
    let mut command = vec![tester.to_str().expect("text")];
    command.extend(words);
    let run = lab.run(command).succeed();
    run.assert_whole();
    run
}

/// Calls of the tester by this name.
fn calls<'r>(run: &'r Recorded, name: &str) -> Vec<&'r Event> {
    run.of("call", "").filter(|call| call.text("name") == name).collect()
}

/// The only call of this name.
fn call<'r>(run: &'r Recorded, name: &str) -> &'r Event {
    let found = calls(run, name);
    let [call] = found.as_slice() else { panic!("{} calls of {name}: {found:?}", found.len()) };
    call
}

/// Numbers that the tester printed.
fn printed(run: &Recorded) -> Vec<u64> {
    let text = String::from_utf8_lossy(&run.stdout);
    text.lines().map(|line| line.parse().expect("a number")).collect()
}

/// Through what the run says it may have had effects outside.
fn outside(run: &Recorded) -> Vec<&str> {
    run.of("end", "").next().map(|end| end.list("effects_outside")).unwrap_or_default()
}

/// A process that no run knows, ended when dropped.
struct Stranger(Child, String);

impl Stranger {
    /// Starts the tester as a victim and reads where it can be written to.
    fn start(lab: &Lab) -> Stranger {
        let mut command = Command::new(lab.tester("calls"));
        let mut child =
            command.arg("victim").stdout(Stdio::piped()).spawn().expect("the tester starts");
        let mut address = String::new();
        let stdout = child.stdout.as_mut().expect("a pipe");
        BufReader::new(stdout).read_line(&mut address).expect("it tells");
        Stranger(child, address.trim().to_owned())
    }

    fn pid(&self) -> String {
        self.0.id().to_string()
    }
}

impl Drop for Stranger {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// The call reached into the stranger, and the record says that it is one.
fn assert_outside(call: &Event, stranger: &Stranger, lab: &Lab) {
    assert_eq!(call.number("target_pid"), Some(stranger.0.id().into()), "{call:?}");
    assert_eq!(call.text("target_exe"), lab.tester("calls").to_str().expect("text"), "{call:?}");
    assert_eq!((call.text("target_comm"), call.flag("target_in_run")), ("calls", false));
    assert!(call.number("target_start_ns").is_some_and(|start| start > 0), "{call:?}");
}

#[test]
fn a_child_that_is_traced_and_written_to_is_told_once_for_each_way() {
    let lab = Lab::new();
    let run = record(&lab, &["trace-child"]);
    let [child] = printed(&run)[..] else { panic!("one number") };
    let traced: Vec<_> = calls(&run, "ptrace").iter().map(|call| call.text("cmd")).collect();
    assert_eq!(traced, ["PTRACE_ATTACH", "PTRACE_POKEDATA"], "100 pokes are one event");
    for call in calls(&run, "ptrace").into_iter().chain([call(&run, "process_vm_writev")]) {
        assert_eq!(call.number("target_pid"), Some(child), "{call:?}");
        assert!(call.flag("target_in_run"), "{call:?}");
        assert_eq!(call.text("errno"), "", "{call:?}");
    }
    assert_eq!(outside(&run), Vec::<&str>::new());
}

#[test]
fn who_traces_a_stranger_may_act_through_it_and_the_record_says_so() {
    let lab = Lab::new();
    let stranger = Stranger::start(&lab);
    let run = record(&lab, &["trace", &stranger.pid()]);
    let attach = call(&run, "ptrace");
    assert_eq!(attach.text("cmd"), "PTRACE_ATTACH");
    assert_outside(attach, &stranger, &lab);
    assert_eq!(outside(&run), ["ptrace"]);
    assert!(lab.told(["view", run.id()]).contains("effects outside this run possible: ptrace"));

    let run = record(&lab, &["trace-nobody"]);
    let seize = call(&run, "ptrace");
    assert_eq!((seize.text("cmd"), seize.text("errno")), ("PTRACE_SEIZE", "ESRCH"));
    assert_eq!((seize.number("target_pid"), outside(&run)), (None, vec![]));

    let run = record(&lab, &["trace-me"]);
    assert_eq!(call(&run, "ptrace").text("cmd"), "PTRACE_TRACEME");
    assert_eq!(outside(&run), Vec::<&str>::new());
}

#[test]
fn memory_written_and_descriptors_taken_of_a_stranger_are_told() {
    let lab = Lab::new();
    let stranger = Stranger::start(&lab);
    let run = record(&lab, &["write", &stranger.pid(), &stranger.1]);
    assert_outside(call(&run, "process_vm_writev"), &stranger, &lab);
    assert_outside(call(&run, "process_vm_readv"), &stranger, &lab);
    assert_eq!(call(&run, "process_vm_writev").number("ret"), Some(8), "bytes");
    assert_eq!(outside(&run), ["process_vm_writev"]);

    let run = record(&lab, &["steal", &stranger.pid()]);
    assert_outside(call(&run, "pidfd_getfd"), &stranger, &lab);
    assert_eq!(outside(&run), ["pidfd_getfd"]);
}

#[test]
fn new_namespaces_are_told_by_kind_and_inode() {
    let lab = Lab::new();
    for (kind, flag) in [
        ("mnt", "CLONE_NEWNS"),
        ("net", "CLONE_NEWNET"),
        ("user", "CLONE_NEWUSER"),
        ("uts", "CLONE_NEWUTS"),
    ] {
        let tester = lab.tester("calls");
        let run = lab.run([tester.to_str().expect("text"), "unshare", kind]).succeed();
        let [inode] = printed(&run)[..] else { panic!("one number") };
        let call = call(&run, "unshare");
        assert_eq!(call.text("flags"), flag);
        assert_eq!(call.list("namespaces"), [format!("{kind}:{inode}")], "{call:?}");
        assert_eq!(outside(&run), Vec::<&str>::new(), "its own");
    }
    let run = record(&lab, &["clone"]);
    let [ipc, uts, child] = printed(&run)[..] else { panic!("three numbers") };
    let call = call(&run, "clone");
    assert_eq!(call.list("namespaces"), [format!("ipc:{ipc}"), format!("uts:{uts}")]);
    assert_eq!((call.number("target_pid"), call.flag("target_in_run")), (Some(child), true));
}

#[test]
fn entering_a_namespace_of_others_is_told_with_its_inode() {
    let lab = Lab::new();
    let mut holder = Command::new("unshare");
    let holder = holder.args(["-u", "cat"]).stdin(Stdio::piped()).stdout(Stdio::null());
    let stranger = Stranger(holder.spawn().expect("unshare starts"), String::new());
    let path = format!("/proc/{}/ns/uts", stranger.pid());
    let own = fs::metadata("/proc/self/ns/uts").expect("ours").ino();
    let inode = xtests::wait::until("its namespace", || {
        fs::metadata(&path).ok().map(|it| it.ino()).filter(|it| *it != own)
    });
    let run = record(&lab, &["enter", &path]);
    assert_eq!(call(&run, "setns").list("namespaces"), [format!("uts:{inode}")]);
    assert_eq!(outside(&run), ["setns"]);
    drop(stranger);
}

#[test]
fn a_new_root_is_told_by_the_kernel_and_a_refused_one_as_claimed() {
    let lab = Lab::new();
    let dir = lab.work();
    let run = record(&lab, &["chroot", dir.to_str().expect("text")]);
    let found = calls(&run, "chroot");
    let [done, refused] = found.as_slice() else { panic!("two calls: {found:?}") };
    assert_eq!(done.bytes("path").as_deref(), Some(dir.as_os_str().as_encoded_bytes()));
    assert_eq!(done.text("path_claimed"), "", "the caller's \".\" is of no interest");
    assert_eq!((refused.text("path_claimed"), refused.text("errno")), ("/not/there", "ENOENT"));
    assert_eq!(refused.bytes("path"), None, "{refused:?}");
}

#[test]
fn mounts_of_both_kinds_are_told() {
    let lab = Lab::new();
    let dir = lab.work().join("places");
    for name in ["old", "new"] {
        fs::create_dir_all(dir.join(name)).expect("a new directory");
    }
    let tester = lab.tester("calls");
    let words = ["mount", dir.to_str().expect("text")];
    let run = lab.run([tester.to_str().expect("text")].into_iter().chain(words)).succeed();
    let found = calls(&run, "mount");
    let [private, mount] = found.as_slice() else { panic!("two calls: {found:?}") };
    assert_eq!(private.text("flags"), "MS_REC|MS_PRIVATE");
    assert_eq!((mount.text("path_claimed"), mount.text("path2_claimed")), ("old", "store"));
    assert_eq!((mount.text("fs_type_claimed"), mount.text("flags")), ("tmpfs", "MS_NOSUID"));
    assert_eq!(mount.text("cwd"), words[1], "from where a relative path goes");
    assert_eq!(call(&run, "fsopen").text("fs_type"), "tmpfs", "by the kernel");
    assert_eq!(call(&run, "fsmount").text("fs_type"), "tmpfs");
    let moved = call(&run, "move_mount");
    assert_eq!(moved.text("path"), dir.join("new").to_str().expect("text"), "by the kernel");
    assert_eq!(call(&run, "open_tree").text("path"), dir.join("old").to_str().expect("text"));
    let umounts: Vec<_> =
        calls(&run, "umount").iter().map(|it| (it.text("flags"), it.text("errno"))).collect();
    assert_eq!(umounts, [("MNT_DETACH", ""), ("", "EINVAL")]);
}

#[test]
fn what_makes_files_and_rings_without_a_path_has_the_kernels_names() {
    let lab = Lab::new();
    let run = record(&lab, &["memfd", "payload"]);
    let memfd = call(&run, "memfd_create");
    assert_eq!((memfd.text("label"), memfd.text("flags")), ("memfd:payload", "MFD_CLOEXEC"));
    let run = record(&lab, &["uring"]);
    assert_eq!(call(&run, "io_uring_setup").text("flags"), "IORING_SETUP_SQPOLL");
    let run = record(&lab, &["bpf"]);
    let cmds: Vec<_> =
        calls(&run, "bpf").iter().map(|it| (it.text("cmd"), it.text("errno"))).collect();
    assert_eq!(cmds, [("BPF_MAP_CREATE", ""), ("BPF_PROG_LOAD", "E2BIG")], "no element calls");
}

#[test]
fn what_is_refused_is_told_with_its_errno() {
    let lab = Lab::new();
    let run = record(&lab, &["refused"]);
    let told: Vec<_> = run.of("call", "").map(|it| (it.text("name"), it.text("errno"))).collect();
    let names = told.iter().map(|(name, _)| *name);
    assert_eq!(
        names.collect::<Vec<_>>(),
        [
            "init_module",
            "finit_module",
            "delete_module",
            "reboot",
            "swapon",
            "clock_settime",
            "keyctl",
            "perf_event_open",
            "kexec_load",
            "memfd_create",
        ]
    );
    for (name, errno) in told {
        assert!(errno.starts_with('E'), "{name} {errno}");
    }
    assert_eq!(
        call(&run, "finit_module").text("path"),
        lab.tester("calls").to_str().expect("text")
    );
    assert_eq!(call(&run, "delete_module").text("label_claimed"), "no_such_module");
    assert_eq!(call(&run, "swapon").text("path_claimed"), "/not/there");
    assert_eq!(call(&run, "reboot").text("cmd"), "LINUX_REBOOT_CMD_RESTART");
    assert_eq!(outside(&run), Vec::<&str>::new(), "nothing was done");
}

#[test]
fn what_is_typed_for_a_terminal_is_told_with_the_terminal() {
    let lab = Lab::new();
    let run = record(&lab, &["types"]);
    let [number] = printed(&run)[..] else { panic!("one number") };
    let terminal = format!("/dev/pts/{number}");
    let told: Vec<_> = calls(&run, "ioctl")
        .iter()
        .map(|it| (it.text("cmd"), it.number("ret"), it.text("errno"), it.text("path")))
        .collect();
    let expected = [("TIOCSTI", Some(0), "", terminal.as_str()), ("TIOCSTI", None, "EBADF", "")];
    assert_eq!(told, expected, "the first of each outcome, and no other request");
}

#[test]
fn a_file_cut_by_its_path_is_told_with_the_path_as_claimed() {
    let lab = Lab::new();
    let file = lab.work().join("file");
    fs::write(&file, "12345678").expect("room");
    let path = file.to_str().expect("text");
    let run = record(&lab, &["truncate", path, "3"]);
    assert_eq!(fs::read(&file).expect("it is there"), b"123");
    let told = call(&run, "truncate");
    assert_eq!((told.text("path_claimed"), told.number("length")), (path, Some(3)));
    let changes: Vec<_> = run.of("file", "truncate").collect();
    let [change] = changes.as_slice() else { panic!("one change: {changes:?}") };
    assert_eq!((change.text("path_claimed"), change.bytes("path")), (path, None));
    assert_eq!((change.text("path_missing"), change.number("length")), ("claimed", Some(3)));
}

#[cfg(target_arch = "x86_64")]
#[test]
fn calls_by_the_32_bit_numbers_are_told_alike() {
    let lab = Lab::new();
    let file = Path::new("/var/tmp").join(format!("calls-{}", std::process::id()));
    fs::write(&file, "12345678").expect("room");
    let tester = lab.tester("calls");
    let words = ["compat", file.to_str().expect("text")];
    let run = lab.run([tester.to_str().expect("text")].into_iter().chain(words)).record();
    let _ = fs::remove_file(&file);
    if run.errors().contains("truncate64: ") {
        return xtests::not_run("calls by 32-bit numbers", "the kernel has no 32-bit calls");
    }
    assert!(run.status.success(), "{}", run.errors());
    let [uts] = printed(&run)[..] else { panic!("one number") };
    let lengths: Vec<_> =
        calls(&run, "truncate").iter().map(|it| (it.number("length"), it.flag("abi32"))).collect();
    assert_eq!(lengths, [(Some((1 << 32) + 5), true), (Some(7), true)], "both forms");
    let memfd = call(&run, "memfd_create");
    assert_eq!((memfd.text("label"), memfd.flag("abi32")), ("memfd:small", true));
    assert_eq!(call(&run, "unshare").list("namespaces"), [format!("uts:{uts}")]);
}
