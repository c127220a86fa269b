//! Whose accesses are told, by scope.

use fsmon::{Kind, Scope, mask};

use crate::harness::{Shell, Watch, find};

#[test]
fn a_mount_scope_tells_nothing_of_processes_in_other_namespaces() {
    let mut shell = Shell::bare();
    let dir = tempfile::tempdir_in("/var/tmp").expect("/var/tmp can be written");
    let (inside, outside) = (dir.path().join("inside"), dir.path().join("outside"));
    let mut watch = Watch::on(&shell, Scope::Mount);
    std::fs::write(&outside, "x").expect("it can be written");
    shell.run(&format!("echo x > {}", inside.display()));
    let told = watch.drain();
    find(&told, Kind::Access, mask::CLOSE_WRITE, inside.to_str().expect("ours"));
    let of_others = |it: &&crate::harness::Told| {
        it.group == Kind::Access && it.pid.cast_unsigned() == std::process::id()
    };
    assert_eq!(told.iter().filter(of_others).count(), 0);
    // Directory entries are told of everybody: the kernel marks them by file system only.
    find(&told, Kind::Names, mask::CREATE, outside.to_str().expect("ours"));
}

#[test]
fn a_filesystem_scope_tells_of_a_child_in_a_namespace_of_its_own() {
    let mut shell = Shell::new();
    let mut watch = Watch::on(&shell, Scope::Filesystem);
    shell.run("unshare -m sh -c 'echo x > /mnt/nested'");
    find(&watch.below_mnt(), Kind::Access, mask::CLOSE_WRITE, "/mnt/nested");
}

#[test]
fn a_mount_scope_is_blind_to_a_new_namespace_until_it_is_followed() {
    let mut shell = Shell::new();
    let mut watch = Watch::on(&shell, Scope::Mount);
    shell.run("unshare -m sh -c 'echo x > /mnt/lost'");
    let told = watch.below_mnt();
    find(&told, Kind::Names, mask::CREATE, "/mnt/lost");
    assert!(told.iter().all(|it| it.group != Kind::Access || it.path != b"/mnt/lost"));

    watch
        .monitor
        .follow(shell.process(), &shell.mountinfo(), Scope::Filesystem)
        .expect("the shell lives");
    shell.run("unshare -m sh -c 'echo x > /mnt/seen'");
    find(&watch.below_mnt(), Kind::Access, mask::CLOSE_WRITE, "/mnt/seen");
}

#[test]
fn a_file_system_mounted_in_a_followed_namespace_gets_paths() {
    let shell = Shell::new();
    let mut watch = Watch::on(&shell, Scope::Mount);
    let mut nested = Shell::bare();
    nested.run("mkdir -p /var/tmp; mount -t tmpfs fsmon-nested /mnt; mkdir /mnt/dir");
    let placement = watch
        .monitor
        .follow(nested.process(), &nested.mountinfo(), Scope::Filesystem)
        .expect("the nested shell lives");
    assert!(placement.mounts.iter().any(|it| it.mount.mount_point == b"/mnt"));
    nested.run("echo x > /mnt/dir/new");
    find(&watch.below_mnt(), Kind::Access, mask::CLOSE_WRITE, "/mnt/dir/new");
}
