//! That paths are the right ones: those of the run's namespace, at about the time of the event.

use fsmon::{Kind, Scope, mask};

use crate::harness::{Shell, Watch, find};

#[test]
fn a_renamed_directory_gets_a_new_number_and_others_keep_theirs() {
    let mut shell = Shell::new();
    shell.run("mkdir /mnt/moves /mnt/stays");
    let mut watch = Watch::on(&shell, Scope::Mount);
    shell.run(": > /mnt/moves/1; : > /mnt/stays/1");
    let before = watch.below_mnt();
    shell.run("mv /mnt/moves /mnt/moved; : > /mnt/moved/2; : > /mnt/stays/2");
    let after = watch.below_mnt();
    let dir = |told: &[_], path: &str| find(told, Kind::Access, mask::CLOSE_WRITE, path).dir;
    assert_ne!(dir(&before, "/mnt/moves/1"), dir(&after, "/mnt/moved/2"));
    assert_eq!(dir(&before, "/mnt/stays/1"), dir(&after, "/mnt/stays/2"));
}

#[test]
fn a_rename_between_two_reads_does_not_leave_an_old_path() {
    let mut shell = Shell::new();
    shell.run("mkdir /mnt/0; : > /mnt/0/file");
    let mut watch = Watch::on(&shell, Scope::Mount);
    for i in 1..20 {
        shell.run(&format!("cat /mnt/{}/file; mv /mnt/{0} /mnt/{i}; cat /mnt/{i}/file", i - 1));
        let told = watch.below_mnt();
        find(&told, Kind::Access, mask::CLOSE_NOWRITE, format!("/mnt/{i}/file"));
    }
}

#[test]
fn a_removed_directory_is_told_as_stale_with_the_names_in_it() {
    let mut shell = Shell::new();
    let mut watch = Watch::on(&shell, Scope::Mount);
    shell.run("mkdir /mnt/gone; : > /mnt/gone/file; rm -r /mnt/gone");
    let told = watch.drain();
    let written = find(&told, Kind::Access, mask::CLOSE_WRITE, "file");
    assert_eq!(written.errno, libc::ESTALE);
    // Its path can be learned from how it was made: the same handle, with directory and name.
    find(&told, Kind::Names, mask::CREATE | mask::ONDIR, "/mnt/gone");
}

#[test]
fn a_removed_directory_that_is_still_in_use_keeps_its_last_path() {
    let mut shell = Shell::new();
    let mut watch = Watch::on(&shell, Scope::Mount);
    shell.run("mkdir /mnt/gone; cd /mnt/gone; : > file; rm -r /mnt/gone");
    let told = watch.drain();
    let written = find(&told, Kind::Access, mask::CLOSE_WRITE, "/mnt/gone/file");
    assert!(written.deleted);
}

#[test]
fn a_directory_that_is_called_deleted_is_not_taken_for_one() {
    let mut shell = Shell::new();
    let mut watch = Watch::on(&shell, Scope::Mount);
    shell.run("mkdir '/mnt/x (deleted)'; : > '/mnt/x (deleted)/file'");
    let told = watch.below_mnt();
    let written = find(&told, Kind::Access, mask::CLOSE_WRITE, "/mnt/x (deleted)/file");
    assert!(!written.deleted);
}

#[test]
fn a_part_of_a_file_system_that_is_mounted_elsewhere_has_the_path_it_has_there() {
    let mut shell = Shell::new();
    // Only /mnt/b/point is left of this file system, with its directory "part" as root.
    shell.run(
        "mkdir /mnt/a /mnt/b; mount -t tmpfs fsmon-part /mnt/a; mkdir -p /mnt/a/part/dir /mnt/b/point
         mount --bind /mnt/a/part /mnt/b/point; umount -l /mnt/a",
    );
    let mut watch = Watch::on(&shell, Scope::Mount);
    shell.run(": > /mnt/b/point/dir/file; : > /mnt/b/point/top");
    let told = watch.below_mnt();
    find(&told, Kind::Access, mask::CLOSE_WRITE, "/mnt/b/point/dir/file");
    find(&told, Kind::Names, mask::CREATE, "/mnt/b/point/top");
}

#[test]
fn a_directory_outside_the_mounted_part_gets_no_made_up_path() {
    let mut shell = Shell::new();
    // The shell stays in a directory that no mount of the namespace leads to. What the kernel would
    // say of it, "/outside", exists as well.
    shell.run(
        "mkdir /mnt/a /mnt/b /mnt/outside; mount -t tmpfs fsmon-part /mnt/a
         mkdir -p /mnt/a/part /mnt/a/mnt/outside; mount --bind /mnt/a/part /mnt/b
         cd /mnt/a/mnt/outside; umount -l /mnt/a",
    );
    let mut watch = Watch::on(&shell, Scope::Mount);
    shell.run(": > file");
    let told = watch.drain();
    let created = find(&told, Kind::Names, mask::CREATE, "file");
    assert_eq!(created.errno, libc::EXDEV);
}

#[test]
fn the_paths_of_a_chroot_begin_at_its_root() {
    let mut shell = Shell::new();
    shell.run("mkdir /mnt/jail /mnt/jail/dir; for d in bin lib lib64 usr; do [ ! -e /$d ] || { mkdir /mnt/jail/$d; mount --bind /$d /mnt/jail/$d; }; done");
    shell.enter("chroot /mnt/jail");
    let mut watch = Watch::on(&shell, Scope::Mount);
    shell.run(": > /dir/file");
    find(&watch.drain(), Kind::Access, mask::CLOSE_WRITE, "/dir/file");
}
