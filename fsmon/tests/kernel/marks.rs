//! What is said about each mount.

use fsmon::{Coverage, Gap, Placed, Scope};

use crate::harness::{Shell, Watch};

fn placed<'a>(watch: &'a Watch, point: &[u8]) -> Vec<&'a Placed> {
    watch.placement.mounts.iter().filter(|it| it.mount.mount_point == point).collect()
}

#[test]
fn every_mount_is_reported_and_the_usual_ones_are_watched() {
    let shell = Shell::new();
    let watch = Watch::on(&shell, Scope::Mount);
    let lines = fsmon::parse(&shell.mountinfo()).count();
    assert_eq!(watch.placement.mounts.len(), lines);
    for point in [&b"/"[..], b"/mnt", b"/dev"] {
        let found = placed(&watch, point);
        let last = found.last().expect("it is mounted");
        assert_eq!((last.access, last.names), (Coverage::Fid, Coverage::Fid), "{last:?}");
        assert!(last.fsid.is_some_and(|fsid| fsid != [0, 0]));
    }
    let proc = placed(&watch, b"/proc");
    assert_eq!(proc.first().map(|it| it.access), Some(Coverage::FdWrites));
}

#[test]
fn a_mount_below_another_is_called_hidden() {
    let mut shell = Shell::new();
    shell.run("mount -t tmpfs fsmon-top /mnt");
    let watch = Watch::on(&shell, Scope::Mount);
    let [below, top] = placed(&watch, b"/mnt")[..] else { panic!("two mounts") };
    assert_eq!(below.access, Coverage::None(Gap::Hidden));
    assert_eq!(top.access, Coverage::Fid);
}

#[test]
fn terminals_are_left_alone() {
    let mut shell = Shell::new();
    shell.run("mkdir /mnt/pts; mount -t devpts devpts /mnt/pts");
    let watch = Watch::on(&shell, Scope::Mount);
    let [pts] = placed(&watch, b"/mnt/pts")[..] else { panic!("one mount") };
    assert!(matches!(pts.access, Coverage::None(Gap::Policy(_))), "{pts:?}");
}

#[test]
fn a_mounted_file_is_told_under_the_path_it_is_mounted_at() {
    let mut shell = Shell::new();
    // The directory of this file is on no mount of the namespace, as with a container's /etc/hosts.
    shell.run(
        "mkdir /mnt/far; mount -t tmpfs fsmon-far /mnt/far; echo x > /mnt/far/file; : > /mnt/point
         mount --bind /mnt/far/file /mnt/point; umount -l /mnt/far",
    );
    let mut watch = Watch::on(&shell, Scope::Mount);
    let [point] = placed(&watch, b"/mnt/point")[..] else { panic!("one mount") };
    assert_eq!((point.access, point.is_dir), (Coverage::Fd, false));
    shell.run("cat /mnt/point > /dev/null");
    let told = watch.below_mnt();
    crate::harness::find(&told, fsmon::Kind::AccessFd, fsmon::mask::CLOSE_NOWRITE, "/mnt/point");
}

#[test]
fn mount_points_with_odd_names_are_found() {
    let mut shell = Shell::new();
    shell.run(
        "d=$(printf '/mnt/a b\\n\\\\040#\\377'); mkdir \"$d\"; mount -t tmpfs fsmon-odd \"$d\"",
    );
    let watch = Watch::on(&shell, Scope::Mount);
    let [odd] = placed(&watch, b"/mnt/a b\n\\040#\xff")[..] else { panic!("one mount") };
    assert_eq!(odd.access, Coverage::Fid);
}

#[test]
fn a_watched_file_system_can_be_unmounted_after_its_records_are_told() {
    let mut shell = Shell::new();
    shell.run("mkdir /mnt/in; mount -t tmpfs fsmon-in /mnt/in; mkdir /mnt/in/dir");
    let mut watch = Watch::on(&shell, Scope::Mount);
    shell.run(": > /mnt/in/dir/file");
    assert!(!watch.below_mnt().is_empty());
    shell.run("umount /mnt/in");
}

#[test]
fn records_by_handle_do_not_keep_a_file_system_busy() {
    let mut shell = Shell::new();
    shell.run("mkdir /mnt/in; mount -t tmpfs fsmon-in /mnt/in");
    let _watch = Watch::on(&shell, Scope::Mount);
    shell.run(": > /mnt/in/file; umount /mnt/in");
}

#[test]
fn a_server_that_does_not_answer_does_not_stop_the_marking() {
    let mut shell = Shell::new();
    // The other end of this file system is a descriptor that nobody reads.
    shell.run(
        "mkdir /mnt/dead; exec 3<>/dev/fuse
         mount -i -t fuse -o fd=3,rootmode=40000,user_id=0,group_id=0,default_permissions \
            fsmon-dead /mnt/dead",
    );
    let watch = Watch::on(&shell, Scope::Filesystem);
    let [dead] = placed(&watch, b"/mnt/dead")[..] else { panic!("one mount") };
    assert!(matches!(dead.access, Coverage::None(Gap::Policy(_))), "{dead:?}");
}
