//! What happens at the limits, each one told or counted.

use std::os::fd::AsFd;

use fsmon::{Buffer, Dirs, Group, Groups, Item, Kind, Lookup, Root, Scope, place};

use crate::harness::{Shell, Watch};

#[test]
fn a_full_queue_is_told_as_an_overflow() {
    let mut shell = Shell::new();
    let groups = Groups {
        power: std::rc::Rc::new(fsmon::Own),
        names: Group::limited(Kind::Names).expect("root"),
        access: Group::limited(Kind::Access).expect("root"),
        access_fd: Group::limited(Kind::AccessFd).expect("root"),
    };
    let root = shell.root();
    let placement = place(&groups, root.as_fd(), &shell.mountinfo(), Scope::Mount);
    assert_eq!(placement.malformed, 0);
    // 16,384 is the kernel's limit (fanotify(7)).
    shell.run("seq -f /mnt/%.0f 1 17000 | xargs touch");
    let (mut records, mut overflows) = (0, 0);
    let mut buffer = Buffer::new(Buffer::MAX);
    while let Some(items) = buffer.read(&groups.access).expect("it can be read") {
        for item in items {
            match item {
                Item::Record(_) => records += 1,
                Item::Overflow => overflows += 1,
                other => panic!("{other:?}"),
            }
        }
    }
    assert_eq!(overflows, 1);
    assert!(records < 17_000, "{records}");
}

#[test]
fn a_full_table_of_directories_is_emptied_and_counted() {
    let mut shell = Shell::new();
    let mut watch = Watch::on(&shell, Scope::Mount);
    let mut dirs = Dirs::new(4);
    dirs.see(Root::Kept(shell.root()), &watch.placement.mounts).expect("the shell lives");
    shell.run("for i in 1 2 3 4 5 6 7 8 9; do mkdir /mnt/$i; : > /mnt/$i/file; done");
    let mut ids = std::collections::HashSet::new();
    let drained = watch.monitor.drain(usize::MAX, |seen| {
        let Item::Record(record) = seen.item else { panic!("{:?}", seen.item) };
        if let Some(dir) = record.dir
            && let Lookup::New { id, .. } = dirs.lookup(&dir)
        {
            assert!(ids.insert(id), "number {id} used twice");
        }
    });
    dirs.end_batch();
    assert_eq!(drained, fsmon::Drained::Empty);
    assert!(dirs.stats().cleared > 0);
    assert!(ids.len() >= 10);
}

#[test]
fn a_drain_stops_at_its_budget_and_goes_on_where_it_stopped() {
    let mut shell = Shell::new();
    let mut watch = Watch::on(&shell, Scope::Mount);
    shell.run("seq -f /mnt/%.0f 1 5000 | xargs touch");
    let mut first = 0;
    assert_eq!(watch.monitor.drain(10, |_| first += 1), fsmon::Drained::More);
    assert!(first > 0);
    let mut rest = 0;
    while watch.monitor.drain(10, |_| rest += 1) == fsmon::Drained::More {}
    assert!(first + rest >= 10_000, "{first} {rest}");
}

#[test]
fn a_path_longer_than_a_page_is_told_as_such() {
    let mut shell = Shell::new();
    let mut watch = Watch::on(&shell, Scope::Mount);
    // Two chains of directories, each short enough to name, one moved below the other.
    let chain = vec!["d".repeat(250); 10].join("/");
    shell.run(&format!(
        "mkdir -p /mnt/x/{chain} /mnt/y/{chain}; cd /mnt/x/{chain}; mv /mnt/x /mnt/y/{chain}/x
         : > file"
    ));
    let told = watch.drain();
    let written = crate::harness::find(&told, Kind::Access, fsmon::mask::CLOSE_WRITE, "file");
    assert_eq!(written.errno, libc::ENAMETOOLONG);
}
