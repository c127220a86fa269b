//! Nothing is allocated per record.

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;
use std::os::fd::AsFd;

use fsmon::{Drained, File, FoldTable, Hit, Item, Scope};

use crate::harness::{Shell, Watch};

struct Counting;

thread_local! {
    static ALLOCATIONS: Cell<u64> = const { Cell::new(0) };
}

/// Counts one allocation of this thread.
fn count() {
    let _ = ALLOCATIONS.try_with(|count| count.set(count.get() + 1));
}

// SAFETY: all is left to the system's allocator; counting neither allocates nor unwinds.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        count();
        // SAFETY: the caller keeps the contract, which is the same.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, at: *mut u8, layout: Layout) {
        // SAFETY: as above; `at` came from `System`.
        unsafe { System.dealloc(at, layout) }
    }

    unsafe fn realloc(&self, at: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        count();
        // SAFETY: as above; `at` came from `System`.
        unsafe { System.realloc(at, layout, size) }
    }
}

#[global_allocator]
static ALLOCATOR: Counting = Counting;

/// Counts the allocations of `work`.
fn allocations(work: impl FnOnce()) -> u64 {
    let before = ALLOCATIONS.get();
    work();
    ALLOCATIONS.get() - before
}

#[test]
fn the_counter_counts() {
    assert_eq!(allocations(|| drop(std::hint::black_box(vec![0_u8; 100]))), 1);
}

#[test]
fn reading_looking_up_and_folding_allocate_nothing() {
    let mut shell = Shell::new();
    let long = "p".repeat(250);
    shell.run(&format!(
        "mkdir /mnt/lower /mnt/upper /mnt/work /mnt/merged; mkdir -p /mnt/{long}/{long}/{long}
         mount -t overlay -o lowerdir=/mnt/lower,upperdir=/mnt/upper,workdir=/mnt/work \\
            fsmon-overlay /mnt/merged
         mount -t tmpfs fsmon-far /mnt/{long}/{long}/{long}"
    ));
    let mut watch = Watch::on(&shell, Scope::Mount);
    let mut folds: FoldTable<u32> = FoldTable::new(64);
    shell.run(&format!(
        "for i in $(seq 100); do mkdir /mnt/$i; : > /mnt/$i/file; : > /mnt/merged/$i; done
         mv /mnt/1 /mnt/moved; rm -r /mnt/2; : > /mnt/{long}/{long}/{long}/file; touch /mnt/*/file"
    ));
    let (mut records, mut files, mut full) = (0, 0, 0);
    let counted = allocations(|| {
        let drained = watch.monitor.drain(usize::MAX, |seen| {
            let Item::Record(record) = seen.item else { return };
            records += 1;
            if let Some(dir) = record.dir {
                let _ = seen.dirs.lookup(&dir);
            }
            if let File::Open(fd) = &record.file {
                files += u32::from(seen.dirs.file(fd.as_fd()).path.is_ok());
            }
            let key = [&record.pid.to_ne_bytes()[..], record.name];
            full += u32::from(folds.hit(&key, 0, 0, 0) == Hit::Full);
        });
        assert_eq!(drained, Drained::Empty);
        folds.drain(|_| ());
    });
    assert!(records > 400 && files >= 100 && full > 0, "{records} {files} {full}");
    assert_eq!(counted, 0);
}
