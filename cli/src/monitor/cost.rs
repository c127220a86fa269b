//! What the recorder of a run costs: its processor time and memory by the kernel, its bytes on disk.

use std::{fs, os::unix::fs::MetadataExt, time::Duration};

use storage::RunDir;

/// `USER_HZ`, which is 100 wherever Linux runs (include/asm-generic/param.h): the unit of times in
/// /proc/PID/stat.
const TICK: Duration = Duration::from_millis(10);

/// What it costs.
#[derive(Debug, Default, Clone, Copy)]
pub(super) struct Cost {
    /// The recorder, while it lives and can be seen.
    pub(super) process: Option<Usage>,
    /// Bytes of the record.
    pub(super) record: u64,
}

/// What a process uses.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Usage {
    /// Its number.
    pub(super) pid: u32,
    /// Processor time so far.
    pub(super) cpu: Duration,
    /// Memory that it holds.
    pub(super) rss: u64,
}

impl Cost {
    /// Looks at the recorder of `run`: the process that has the lock on its segments.
    pub(super) fn of(run: &RunDir) -> Cost {
        let listed = run.listed();
        Cost { process: recorder(run).and_then(usage), record: listed.bytes }
    }
}

fn recorder(run: &RunDir) -> Option<u32> {
    let stat = fs::metadata(run.path().join("segments")).ok()?;
    let (major, minor) = (rustix::fs::major(stat.dev()), rustix::fs::minor(stat.dev()));
    let file = format!("{major:02x}:{minor:02x}:{}", stat.ino());
    holder(&fs::read_to_string("/proc/locks").ok()?, &file)
}

/// Who has the lock on a file: `1: FLOCK  ADVISORY  WRITE 812 08:01:1234 0 EOF` (proc_locks(5)).
fn holder(locks: &str, file: &str) -> Option<u32> {
    locks.lines().find_map(|line| {
        let words: Vec<&str> = line.split_whitespace().collect();
        let [_, "FLOCK", _, "WRITE", pid, of, ..] = words.as_slice() else { return None };
        (*of == file).then(|| pid.parse().ok())?
    })
}

fn usage(pid: u32) -> Option<Usage> {
    let text = |name: &str| fs::read_to_string(format!("/proc/{pid}/{name}")).ok();
    read(pid, &text("stat")?, &text("status")?)
}

/// Fields 14 and 15 of proc_pid_stat(5), behind a name that may hold anything; `VmRSS` of
/// proc_pid_status(5).
fn read(pid: u32, stat: &str, status: &str) -> Option<Usage> {
    let (_, rest) = stat.rsplit_once(") ")?;
    let field = |number: usize| rest.split(' ').nth(number - 3)?.parse::<u32>().ok();
    let held = status.lines().find_map(|line| line.strip_prefix("VmRSS:"))?;
    let held: u64 = held.split_whitespace().next()?.parse().ok()?;
    let cpu = TICK.saturating_mul(field(14)?.saturating_add(field(15)?));
    Some(Usage { pid, cpu, rss: held.saturating_mul(1024) })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_holder_of_a_lock_is_found_by_its_file() {
        let locks = "1: POSIX  ADVISORY  WRITE 7 08:01:55 0 EOF\n\
                     2: FLOCK  ADVISORY  WRITE 812 08:01:55 0 EOF\n2: -> FLOCK ADVISORY READ 9 08:01:55 0 EOF\n";
        assert_eq!(holder(locks, "08:01:55"), Some(812));
        assert_eq!(holder(locks, "08:01:5"), None);
    }

    #[test]
    fn a_process_with_any_name_is_read() {
        let stat = "812 (a) b (c)) S 1 812 812 0 -1 4194560 300 0 0 0 150 50 0 0 20 0 1 0 77";
        let status = "Name:\tx\nVmRSS:\t    4096 kB\n";
        let expected = Usage { pid: 812, cpu: Duration::from_secs(2), rss: 4 << 20 };
        assert_eq!(read(812, stat, status), Some(expected));
        assert_eq!(read(812, "812 (x", status), None);
    }
}
