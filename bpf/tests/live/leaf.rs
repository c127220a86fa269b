//! A cgroup for one test, removed with it.

use std::fs::{self, File};
use std::os::fd::{AsFd, BorrowedFd};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant};

pub(crate) struct Leaf {
    path: PathBuf,
    folder: File,
}

static MADE: AtomicU32 = AtomicU32::new(0);

impl Leaf {
    pub(crate) fn make() -> Leaf {
        let name = format!(
            "audit-bpf-test-{}-{}",
            std::process::id(),
            MADE.fetch_add(1, Ordering::Relaxed)
        );
        let path = own_cgroup().join(name);
        fs::create_dir(&path).expect("make a cgroup");
        let folder = File::open(&path).expect("open the cgroup");
        Leaf { path, folder }
    }

    pub(crate) fn fd(&self) -> BorrowedFd<'_> {
        self.folder.as_fd()
    }

    pub(crate) fn procs(&self) -> PathBuf {
        self.path.join("cgroup.procs")
    }

    pub(crate) fn parent_procs(&self) -> PathBuf {
        self.path.with_file_name("cgroup.procs")
    }

    pub(crate) fn parent_id(&self) -> u64 {
        fs::metadata(self.path.parent().expect("has a parent")).expect("stat").ino()
    }
}

impl Drop for Leaf {
    /// A cgroup can be removed once its last task is reaped, which may be init's turn.
    fn drop(&mut self) {
        drop(fs::write(self.path.join("cgroup.kill"), "1"));
        let end = Instant::now() + Duration::from_secs(10);
        while fs::remove_dir(&self.path).is_err() && Instant::now() < end {
            std::thread::yield_now();
        }
    }
}

/// Returns the folder of this process in the unified hierarchy, wherever that is mounted.
fn own_cgroup() -> PathBuf {
    let mounts = fs::read_to_string("/proc/self/mountinfo").expect("read mounts");
    let mount = mounts
        .lines()
        .find(|line| line.contains(" - cgroup2 "))
        .and_then(|line| line.split(' ').nth(4))
        .expect("a unified hierarchy");
    let own = fs::read_to_string("/proc/self/cgroup").expect("read own cgroup");
    let own = own.lines().find_map(|line| line.strip_prefix("0::")).expect("a unified cgroup");
    Path::new(mount).join(own.trim_start_matches('/'))
}
