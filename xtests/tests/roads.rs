//! Roads to the same end: what the record holds of each, and what it does not (docs/coverage.md).
#![forbid(unsafe_code)]

use std::{
    fs::{self, Permissions},
    net::UdpSocket,
    os::unix::fs::PermissionsExt,
    path::{Path, PathBuf},
};

use xtests::{Lab, Recorded, Tmpfs};

/// Records a script of bash in the lab's work directory.
fn bash(lab: &Lab, script: &str) -> Recorded {
    let run = lab.run(["bash", "-ec", script]).succeed();
    run.assert_adds_up();
    run
}

fn count(run: &Recorded, op: &str, path: &Path) -> usize {
    run.at(op, path).count()
}

#[test]
fn names_of_every_kind_are_recorded_when_they_are_made() {
    let lab = Lab::new();
    let run =
        bash(&lab, "touch a; ln a hard; ln -s a soft; mkfifo pipe; mkdir dir; mknod null c 1 3");
    for name in ["a", "hard", "soft", "pipe", "dir", "null"] {
        assert_eq!(count(&run, "create", &lab.work().join(name)), 1, "{name}");
    }
    run.assert_whole();
}

#[test]
fn changes_of_mode_owner_and_times_are_recorded() {
    let lab = Lab::new();
    for name in ["mode", "owner", "times"] {
        fs::write(lab.work().join(name), "x").expect("room");
    }
    let run = bash(&lab, "chmod 600 mode; chown 4242 owner; touch -d 2020-01-01 times");
    for name in ["mode", "owner", "times"] {
        assert!(count(&run, "attrib", &lab.work().join(name)) >= 1, "{name}");
    }
}

#[test]
fn a_move_over_a_file_and_between_directories_has_both_paths() {
    let lab = Lab::new();
    let run = bash(&lab, "mkdir one two; echo x >one/a; echo y >two/b; mv one/a two/b");
    let (old, new) = (lab.work().join("one/a"), lab.work().join("two/b"));
    let renames: Vec<_> = run.at("rename", &old).collect();
    assert_eq!(renames.len(), 1);
    let to = renames.first().and_then(|event| event.bytes("path2"));
    assert_eq!(to, Some(new.into_os_string().into_encoded_bytes()));
}

#[test]
fn a_script_is_recorded_with_its_interpreter() {
    let lab = Lab::new();
    let script = lab.work().join("script");
    fs::write(&script, "#!/bin/sh -e\nexit 0\n").expect("room");
    fs::set_permissions(&script, Permissions::from_mode(0o755)).expect("ours");
    let run = lab.run([&script]).succeed();
    let exec = run.of("exec", "").next().expect("one");
    assert_eq!(Path::new(exec.text("file")), script, "{exec:?}");
    let shell = Path::new("/bin/sh").canonicalize().expect("a shell");
    assert_eq!(Path::new(exec.text("exe")), shell, "{exec:?}");
    assert_eq!(exec.text("interp"), "/bin/sh", "{exec:?}");
    assert_eq!(count(&run, "exec", &script), 1, "the script was opened to be executed");
}

#[test]
fn a_program_without_a_file_is_recorded_as_such() {
    let lab = Lab::new();
    let run = lab.run([lab.program("memfd"), lab.nothing()]).succeed();
    let execs: Vec<_> = run.of("exec", "").filter(|event| event.flag("unlinked")).collect();
    assert_eq!(execs.len(), 1, "{:?}", run.of("exec", "").collect::<Vec<_>>());
    assert!(execs.iter().all(|exec| exec.text("exe").contains("nothing")), "{execs:?}");
}

#[test]
fn a_set_uid_program_is_recorded_with_the_rights_it_got() {
    let lab = Lab::new();
    let program = lab.work().join("raise");
    fs::copy(lab.nothing(), &program).expect("room");
    fs::set_permissions(&program, Permissions::from_mode(0o4755)).expect("ours");
    let run = lab.run([&program]).with(["--user", "4242"]).succeed();
    let exec = run.execs_of(&program).next().expect("one");
    assert!(exec.flag("secure"), "{exec:?}");
    assert_eq!((exec.number("uid"), exec.number("euid")), (Some(4242), Some(0)), "{exec:?}");
}

#[test]
fn files_in_a_new_mount_namespace_and_on_new_mounts_are_recorded() {
    let lab = Lab::new();
    let script = "mkdir m; unshare --mount bash -ec '
        mount -t tmpfs none m; echo x >m/new; cat m/new >/dev/null; rm m/new'";
    let run = bash(&lab, script);
    let path = lab.work().join("m/new");
    let found: Vec<String> =
        run.of("file", "").map(|e| format!("{} {}", e.op(), e.text("path"))).collect();
    let seen = |op: &str| found.iter().any(|line| *line == format!("{op} {}", path.display()));
    let missing: Vec<_> =
        ["create", "write", "read", "delete"].into_iter().filter(|op| !seen(op)).collect();
    // Marks follow a new mount; what is quicker than they are must be told as a gap.
    let told = run.verdict() == "partial" && run.reasons().iter().any(|why| why.contains("mount"));
    assert!(
        missing.is_empty() || told,
        "{missing:?} are missing and the verdict is {}: {:?}",
        run.verdict(),
        run.reasons()
    );
}

#[test]
fn connections_in_a_new_network_namespace_are_recorded() {
    let lab = Lab::new();
    let script = format!(
        "unshare --net bash -ec 'ip link set lo up 2>/dev/null || ifconfig lo up; {} 127.0.0.1:0 5 10 20'",
        lab.program("connector").display()
    );
    let has_ip = ["/sbin/ip", "/usr/sbin/ip", "/bin/ip", "/usr/bin/ip", "/sbin/ifconfig"];
    let up = has_ip.iter().any(|path| Path::new(path).exists());
    // Without a tool that brings `lo` up, the connect fails, and that is recorded.
    let script = if up {
        script
    } else {
        script.replace("ip link set lo up 2>/dev/null || ifconfig lo up;", "")
    };
    let run = lab.run(["bash", "-c", &script]).record();
    run.assert_adds_up();
    let expected = if up { (5, "established") } else { (1, "unreachable") };
    let connects: Vec<_> = run.of("net", "connect").collect();
    assert_eq!(connects.len(), expected.0, "connects: {}", run.errors());
    for event in connects {
        assert_eq!(event.text("result"), expected.1, "{event:?}");
    }
}

#[test]
fn a_changed_root_does_not_hide_paths() {
    let lab = Lab::new();
    let root = lab.work().join("root");
    fs::create_dir(&root).expect("room");
    fs::copy(lab.nothing(), root.join("inside")).expect("room");
    let run = lab.run(["chroot".as_ref(), root.as_os_str(), "/inside".as_ref()]).succeed();
    assert_eq!(run.execs_of(&root.join("inside")).count(), 1, "by its path from outside");
    assert_eq!(count(&run, "exec", &root.join("inside")), 1, "by its path from outside");
}

#[test]
fn a_connected_udp_socket_is_recorded_with_its_bytes() {
    let lab = Lab::new();
    let peer = UdpSocket::bind("127.0.0.1:0").expect("a port");
    let address = peer.local_addr().expect("it has an address");
    let run = bash(&lab, &format!("echo hello >/dev/udp/127.0.0.1/{}", address.port()));
    let of_peer = |op| run.of("net", op).filter(|e| e.text("peer") == address.to_string());
    assert_eq!(of_peer("connect").count(), 1);
    let sent: u64 = of_peer("flow").filter_map(|event| event.number("sent_bytes")).sum();
    assert_eq!(sent, 6, "bytes of `hello`");
}

#[test]
fn an_overlay_is_recorded_by_the_paths_that_the_command_uses() {
    let lab = Lab::new();
    let memory = Tmpfs::new(&lab.root().join("memory"), 4096);
    let base = lab.root().join("memory");
    let script = "cd \"$1\"; mkdir low up tmp all; echo x >low/old
        mount -t overlay -o lowerdir=low,upperdir=up,workdir=tmp none all";
    let made = std::process::Command::new("sh").args(["-ec", script, "sh"]).arg(&base).status();
    assert!(made.expect("sh starts").success(), "an overlay can be mounted");
    let all = base.join("all");
    let mut start = lab.run(["bash", "-ec", "cat old >/dev/null; echo y >new; rm new"]);
    start.process.current_dir(&all);
    let run = start.succeed();
    let done = std::process::Command::new("umount").arg(&all).status();
    assert!(done.expect("umount starts").success());
    drop(memory);
    run.assert_adds_up();
    for (op, name) in [("read", "old"), ("write", "new")] {
        assert!(count(&run, op, &all.join(name)) >= 1, "{op} {name}: {:?}", run.reasons());
    }
    // Names on it are told, or that they are not.
    let named = ["create", "delete"].iter().all(|op| count(&run, op, &all.join("new")) == 1);
    assert!(named || run.verdict() == "partial", "{}: {:?}", run.verdict(), run.reasons());
}

#[test]
fn writes_to_files_of_the_kernel_and_reads_are_recorded() {
    let lab = Lab::new();
    let run = bash(&lab, "cat /proc/version >/dev/null; echo other >/proc/self/comm");
    assert_eq!(count(&run, "read", Path::new("/proc/version")), 1);
    let comm = run.of("file", "write").filter(|e| e.text("path").ends_with("/comm")).count();
    assert_eq!(comm, 1, "a write to /proc: {:?}", run.reasons());
}

#[test]
fn what_failed_and_what_was_only_looked_at_is_not_recorded() {
    let lab = Lab::new();
    fs::create_dir(lab.work().join("dir")).expect("room");
    let missing: PathBuf = lab.work().join("no-such-file");
    let run =
        bash(&lab, "cat no-such-file 2>/dev/null || true; ls dir; stat dir; test -e x || true");
    assert_eq!(run.of("file", "").filter(|e| Path::new(e.text("path")) == missing).count(), 0);
    assert_eq!(count(&run, "read", &lab.work().join("dir")), 0, "the list of a directory");
}

#[test]
fn a_file_cut_by_its_path_is_recorded() {
    let lab = Lab::new();
    fs::write(lab.work().join("long"), "xxxx").expect("room");
    let run = bash(&lab, "truncate -s 1 long");
    assert_eq!(count(&run, "write", &lab.work().join("long")), 1);
}
