//! What is told about reads, writes and executions.

use std::os::unix::fs::MetadataExt;
use std::process::Command;

use fsmon::{Kind, Scope, mask};

use crate::harness::{Shell, Watch, find};

#[test]
fn reads_writes_and_executions_are_told_apart() {
    let mut shell = Shell::new();
    shell.run("echo x > /mnt/read; printf '#!/bin/sh\\n' > /mnt/script; chmod +x /mnt/script");
    let mut watch = Watch::on(&shell, Scope::Mount);
    shell.run("cat /mnt/read; echo y > /mnt/written; /mnt/script");
    let told = watch.below_mnt();
    find(&told, Kind::Access, mask::CLOSE_NOWRITE, "/mnt/read");
    find(&told, Kind::Access, mask::CLOSE_WRITE, "/mnt/written");
    find(&told, Kind::Access, mask::OPEN_EXEC, "/mnt/script");
    assert!(told.iter().all(|it| it.path != b"/mnt/read" || it.mask & mask::CLOSE_WRITE == 0));
}

#[test]
fn what_is_executed_is_told_by_its_number_among_the_names_too() {
    let mut shell = Shell::new();
    let dir = tempfile::tempdir_in("/var/tmp").expect("/var/tmp can be written");
    let on_ext4 = dir.path().join("program").display().to_string();
    for program in ["/mnt/program", &on_ext4] {
        shell.run(&format!("cp /bin/true {program}"));
        let mut watch = Watch::on(&shell, Scope::Mount);
        let ino = shell.run(&format!("stat -c %i {program}; {program}"));
        let ino: u64 = ino.parse().expect("a number");
        let told = watch.drain();
        for group in [Kind::Names, Kind::Access] {
            let exec = find(&told, group, mask::OPEN_EXEC, program);
            assert_eq!(exec.executed, Some(ino as u32), "{group:?} of {program}");
        }
        let read = told.iter().find(|it| it.mask & mask::OPEN_EXEC == 0).expect("some");
        assert_eq!(read.executed, None);
    }
}

#[test]
fn the_process_told_is_the_one_that_did_it() {
    let mut shell = Shell::new();
    let mut watch = Watch::on(&shell, Scope::Mount);
    shell.run(": > /mnt/by-shell");
    let child = shell.run("sh -c ': > /mnt/by-child; echo $$'");
    let told = watch.below_mnt();
    let by_shell = find(&told, Kind::Access, mask::CLOSE_WRITE, "/mnt/by-shell");
    assert_eq!(by_shell.pid.cast_unsigned(), shell.pid());
    let by_child = find(&told, Kind::Access, mask::CLOSE_WRITE, "/mnt/by-child");
    assert_eq!(by_child.pid.to_string(), child);
}

#[test]
fn listing_directories_is_not_told() {
    let mut shell = Shell::new();
    shell.run("mkdir -p /mnt/a/b/c; : > /mnt/a/file");
    let mut watch = Watch::on(&shell, Scope::Mount);
    shell.run("find /mnt > /dev/null; ls -R /mnt > /dev/null");
    assert!(watch.below_mnt().is_empty());
}

#[test]
fn the_handle_of_a_tmpfs_file_holds_its_inode_number() {
    let mut shell = Shell::new();
    let mut watch = Watch::on(&shell, Scope::Mount);
    let ino = shell.run("echo x > /mnt/file; stat -c %i /mnt/file");
    let told = watch.below_mnt();
    let write = find(&told, Kind::Access, mask::CLOSE_WRITE, "/mnt/file");
    let create = find(&told, Kind::Names, mask::CREATE, "/mnt/file");
    assert_eq!(write.target, create.target);
    let (kind, bytes) = write.target.expect("a target");
    let (found, _) = event::handle::inode(b"tmpfs", kind, &bytes).expect("a form that is known");
    assert_eq!(found.to_string(), ino);
}

#[test]
fn the_handle_of_an_ext4_file_holds_inode_number_and_generation() {
    let mut shell = Shell::bare();
    // Made new, so that nothing else on this machine touches it.
    let dir = tempfile::tempdir_in("/var/tmp").expect("/var/tmp can be written");
    let path = dir.path().join("file");
    let fs_type = shell.run(&format!("stat -f -c %T {}", dir.path().display()));
    assert_eq!(fs_type, "ext2/ext3", "this test needs ext4 below /var/tmp");
    let mut watch = Watch::on(&shell, Scope::Mount);
    shell.run(&format!("echo x > {}", path.display()));
    let told = watch.drain();
    let name = path.to_str().expect("ours");
    let (kind, bytes) =
        find(&told, Kind::Access, mask::CLOSE_WRITE, name).target.expect("a target");
    let (ino, generation) = event::handle::inode(b"ext4", kind, &bytes).expect("a known form");
    assert_eq!(ino, std::fs::metadata(&path).expect("it was made").ino());
    // FS_IOC_GETVERSION, asked for by lsattr.
    let lsattr = Command::new("lsattr").arg("-v").arg(&path).output().expect("lsattr is installed");
    let version = String::from_utf8(lsattr.stdout).expect("digits first");
    assert_eq!(version.split_whitespace().next(), Some(generation.to_string().as_str()));
}

#[test]
fn the_handle_of_a_cgroup_file_holds_its_inode_number() {
    let shell = Shell::bare();
    let mut watch = Watch::on(&shell, Scope::Filesystem);
    let cgroup = shell_cgroup();
    let file = std::fs::read_to_string(cgroup.join("cgroup.procs"));
    file.expect("a cgroup can be read");
    let ino = std::fs::metadata(cgroup.join("cgroup.procs")).expect("as above").ino();
    let told = watch.drain();
    let name = cgroup.join("cgroup.procs");
    let name = name.to_str().expect("ascii");
    let read = find(&told, Kind::Access, mask::CLOSE_NOWRITE, name);
    let (kind, bytes) = read.target.expect("a target");
    assert_eq!(event::handle::inode(b"cgroup2", kind, &bytes), Some((ino, 1)));
}

/// Returns where the second version of cgroups is mounted.
fn shell_cgroup() -> std::path::PathBuf {
    let mounts = std::fs::read("/proc/self/mountinfo").expect("proc is mounted");
    let mount = fsmon::parse(&mounts).flatten().find(|mount| mount.fs_type == b"cgroup2");
    String::from_utf8(mount.expect("cgroup2 is mounted").mount_point).expect("ascii").into()
}
