//! Counts of opens.

use event::wire::{Record, open_mode};

use crate::actor::OPENS;
use crate::run::{Run, able};

#[test]
fn every_open_of_a_regular_file_is_counted_and_no_other() {
    if !able() {
        return;
    }
    let mut run = Run::begin();
    let inode: u64 = run.tell("opens").trim().parse().expect("an inode");
    let modes: Vec<u32> = run
        .records()
        .filter_map(|record| match record {
            Record::Open(open) if open.ino == inode => Some(open.mode),
            _ => None,
        })
        .collect();
    let reads = modes.iter().filter(|mode| **mode == open_mode::READ).count();
    let writes = modes.iter().filter(|mode| **mode == open_mode::WRITE).count();
    assert_eq!((reads, writes, modes.len()), (OPENS, 1, OPENS + 1));
    let null = std::os::unix::fs::MetadataExt::ino(&std::fs::metadata("/dev/null").expect("stat"));
    let devices = run.records().filter(|r| matches!(r, Record::Open(open) if open.ino == null));
    assert_eq!(devices.count(), 0);
    run.assert_nothing_is_silent();
}
