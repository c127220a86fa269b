//! File systems that refuse handles.

use fsmon::{Coverage, Gap, Kind, Scope, mask};

use crate::harness::{Shell, Watch, find};

/// A shell with an overlay on `/mnt/merged`.
fn overlay() -> Shell {
    let mut shell = Shell::new();
    shell.run(
        "mkdir /mnt/lower /mnt/upper /mnt/work /mnt/merged; echo x > /mnt/lower/below
         mount -t overlay -o lowerdir=/mnt/lower,upperdir=/mnt/upper,workdir=/mnt/work \
            fsmon-overlay /mnt/merged",
    );
    shell
}

#[test]
fn an_overlay_is_told_by_descriptor_with_the_merged_path() {
    let mut shell = overlay();
    let mut watch = Watch::on(&shell, Scope::Mount);
    let placed = watch.placement.mounts.iter().find(|it| it.mount.mount_point == b"/mnt/merged");
    let placed = placed.expect("it is in mountinfo").clone();
    assert_eq!(placed.access, Coverage::Fd);
    let refused = Gap::Refused { step: "mark its directory entries", errno: libc::EOPNOTSUPP };
    assert_eq!(placed.names, Coverage::None(refused));

    let ino = shell.run(
        "cat /mnt/merged/below > /dev/null; echo y > /mnt/merged/new; stat -c %i /mnt/merged/new",
    );
    let told = watch.below_mnt();
    find(&told, Kind::AccessFd, mask::CLOSE_NOWRITE, "/mnt/merged/below");
    let written = find(&told, Kind::AccessFd, mask::CLOSE_WRITE, "/mnt/merged/new");
    assert_eq!(written.file, Some((placed.mount.dev, ino.parse().expect("a number"))));
}

#[test]
fn a_file_system_scope_sees_an_overlay_from_a_nested_namespace() {
    let mut shell = overlay();
    let mut watch = Watch::on(&shell, Scope::Filesystem);
    let mut nested = shell.nested();
    nested.run("cat /mnt/merged/below > /dev/null");
    let told = watch.below_mnt();
    assert!(!find(&told, Kind::AccessFd, mask::CLOSE_NOWRITE, "/mnt/merged/below").doubtful);
    // With its namespace the mount goes, and what the kernel gives as path begins where it was.
    nested.run("cat /mnt/merged/below > /dev/null");
    drop(nested);
    let told = watch.drain();
    assert!(find(&told, Kind::AccessFd, mask::CLOSE_NOWRITE, "/below").doubtful);
    shell.run(":");
}

#[test]
fn a_removed_file_that_came_as_a_descriptor_keeps_its_last_path() {
    let mut shell = overlay();
    let mut watch = Watch::on(&shell, Scope::Mount);
    shell.run("echo y > /mnt/merged/gone; rm /mnt/merged/gone");
    let told = watch.below_mnt();
    assert!(find(&told, Kind::AccessFd, mask::CLOSE_WRITE, "/mnt/merged/gone").deleted);
}

#[test]
fn a_named_pipe_does_not_stop_the_reader() {
    let mut shell = overlay();
    shell.run("mkfifo /mnt/merged/pipe");
    let mut watch = Watch::on(&shell, Scope::Mount);
    // Linux 6.18 tells nothing of named pipes; others open them once more.
    shell.run("{ echo x > /mnt/merged/pipe; } & cat /mnt/merged/pipe; wait; : > /mnt/merged/after");
    find(&watch.below_mnt(), Kind::AccessFd, mask::CLOSE_WRITE, "/mnt/merged/after");
}

#[test]
fn no_descriptor_is_left_when_all_has_been_told() {
    let mut shell = overlay();
    let mut watch = Watch::on(&shell, Scope::Mount);
    let before = descriptors_on("/mnt/merged");
    shell.run("i=0; while [ $i -lt 600 ]; do : > /mnt/merged/$i; i=$((i+1)); done");
    let told = watch.below_mnt();
    for i in 0..600 {
        find(&told, Kind::AccessFd, mask::CLOSE_WRITE, format!("/mnt/merged/{i}"));
    }
    assert_eq!(descriptors_on("/mnt/merged"), before);
    // Records that are read and not taken are closed too, or this would be busy.
    shell.run(": > /mnt/merged/again");
    let mut buffer = fsmon::Buffer::for_files();
    let [_, _, group] = watch.monitor.groups();
    drop(buffer.read(group).expect("it can be read"));
    shell.run("umount /mnt/merged");
}

/// Counts this process's descriptors of files below `path`.
fn descriptors_on(path: &str) -> usize {
    let links = std::fs::read_dir("/proc/self/fd").expect("proc is mounted").flatten();
    links
        .filter_map(|link| std::fs::read_link(link.path()).ok())
        .filter(|to| to.starts_with(path))
        .count()
}

#[test]
fn of_proc_only_writes_are_told() {
    let mut shell = Shell::bare();
    shell.run("mount -t proc proc /proc");
    let mut watch = Watch::on(&shell, Scope::Mount);
    shell.run("cat /proc/self/status > /dev/null; echo 0 > /proc/$$/oom_score_adj");
    let told = watch.drain();
    let score = format!("/proc/{}/oom_score_adj", shell.pid());
    find(&told, Kind::AccessFd, mask::CLOSE_WRITE, score);
    assert!(told.iter().all(|it| !it.path.ends_with(b"/status")));
}
