//! What a run may leave on the machine: processes, and cgroups named after runs.

use std::{
    fs,
    path::{Path, PathBuf},
    time::Duration,
};

use rustix::process::{Pid, Signal, kill_process};

use crate::wait;

/// How long the last steps of programs that have done their work may take.
const GRACE: Duration = Duration::from_secs(10);

/// Returns the processes that run a program in `dir`, or this very program.
#[must_use]
pub fn processes_running(dir: &Path) -> Vec<Pid> {
    let listed = fs::read_dir("/proc").into_iter().flatten().filter_map(Result::ok);
    let pids = listed.filter_map(|entry| entry.file_name().to_str()?.parse::<i32>().ok());
    let runs = |pid: &i32| {
        let exe = fs::read_link(format!("/proc/{pid}/exe"));
        exe.is_ok_and(|exe| exe.starts_with(dir))
    };
    pids.filter(runs).filter_map(Pid::from_raw).collect()
}

/// Ends what is left of a test's programs in `bin` and of its `runs`; returns what there was.
pub(crate) fn end_all(bin: &Path, runs: &[PathBuf]) -> Vec<String> {
    let mut found = Vec::new();
    let deadline = std::time::Instant::now() + GRACE;
    // The recorder may still be on its last steps after `audit` has returned.
    while !processes_running(bin).is_empty() && std::time::Instant::now() < deadline {
        std::thread::sleep(Duration::from_millis(5));
    }
    for pid in processes_running(bin) {
        let exe = fs::read_link(format!("/proc/{}/exe", pid.as_raw_pid())).unwrap_or_default();
        found.push(format!("process {} {}", pid.as_raw_pid(), exe.display()));
        let _ = kill_process(pid, Signal::KILL);
    }
    for run in runs {
        let Some(id) = run.file_name().and_then(|name| name.to_str()) else { continue };
        for leaf in leaves(id) {
            found.push(format!("cgroup {}", leaf.display()));
            remove(&leaf);
        }
    }
    found
}

/// Ends what is in a cgroup and removes it.
pub(crate) fn remove(leaf: &Path) {
    let _ = fs::write(leaf.join("cgroup.kill"), "1");
    // The recorder of the run may be ending still, and remove it first.
    wait::within(GRACE, "an empty cgroup", || match fs::remove_dir(leaf) {
        Ok(()) => Some(()),
        Err(why) => (why.kind() == std::io::ErrorKind::NotFound).then_some(()),
    });
}

/// Ends what is in a cgroup or below it and removes all of them.
pub(crate) fn remove_with_all_below(cgroup: &Path) {
    for entry in fs::read_dir(cgroup).into_iter().flatten().flatten() {
        if entry.file_type().is_ok_and(|kind| kind.is_dir()) {
            remove_with_all_below(&entry.path());
        }
    }
    remove(cgroup);
}

/// Cgroups of a run, by its id.
#[must_use]
pub fn leaves(id: &str) -> Vec<PathBuf> {
    let name = format!("audit-{id}");
    leaves_where(|leaf| leaf == name)
}

/// Cgroups of runs of the command `name`.
#[must_use]
pub fn leaves_named(name: &str) -> Vec<PathBuf> {
    let part = format!("-{name}-");
    leaves_where(|leaf| leaf.starts_with("audit-") && leaf.contains(&part))
}

fn leaves_where(is_wanted: impl Fn(&str) -> bool) -> Vec<PathBuf> {
    let mut found = Vec::new();
    let mut open: Vec<PathBuf> = unified().into_iter().collect();
    while let Some(dir) = open.pop() {
        for entry in fs::read_dir(&dir).into_iter().flatten().filter_map(Result::ok) {
            if !entry.file_type().is_ok_and(|kind| kind.is_dir()) {
                continue;
            }
            if entry.file_name().to_str().is_some_and(&is_wanted) {
                found.push(entry.path());
            }
            open.push(entry.path());
        }
    }
    // Those within others go first.
    found.sort_by_key(|path| std::cmp::Reverse(path.components().count()));
    found
}

/// Where the unified hierarchy is mounted.
pub(crate) fn unified() -> Option<PathBuf> {
    let table = fs::read_to_string("/proc/self/mountinfo").ok()?;
    table.lines().find_map(|line| {
        let (place, kind) = line.split_once(" - ")?;
        let of_v2 = kind.starts_with("cgroup2 ");
        of_v2.then(|| place.split(' ').nth(4).map(PathBuf::from)).flatten()
    })
}
