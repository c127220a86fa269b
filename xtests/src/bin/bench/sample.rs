//! One run of a workload, alone or recorded, and what it took.

use std::{
    fs,
    path::{Path, PathBuf},
    process::{Command, Stdio},
    sync::atomic::{AtomicBool, Ordering},
    time::{Duration, Instant},
};

use crate::{cgroup::Cgroup, fresh, record, workloads::Workload};

/// How often the recorder's memory is looked at.
const PACE: Duration = Duration::from_millis(20);

/// What one run took. Times in seconds, sizes in bytes.
#[derive(Debug, Clone, Default)]
pub(crate) struct Sample {
    pub(crate) wall: f64,
    /// Of the command and of the recorder.
    pub(crate) cpu: f64,
    pub(crate) recorder_cpu: f64,
    /// Most resident memory of supervisor and front together.
    pub(crate) memory: u64,
    pub(crate) events: u64,
    pub(crate) segment_bytes: u64,
    pub(crate) index_bytes: u64,
    /// Events that the workload is known to make, and how many of them are in the record.
    pub(crate) expected: Option<u64>,
    pub(crate) found: u64,
    pub(crate) verdict: String,
}

/// Where it happens.
pub(crate) struct Bench {
    audit: PathBuf,
    root: PathBuf,
    load: PathBuf,
}

impl Bench {
    pub(crate) fn new(bin: &Path, root: &Path) -> Bench {
        let (source, load) = (root.join("load.c"), root.join("load"));
        fs::write(&source, include_str!("load.c")).expect("room");
        let made =
            Command::new("cc").args(["-O2", "-pthread", "-o"]).arg(&load).arg(&source).status();
        assert!(made.is_ok_and(|status| status.success()), "cc fails");
        Bench { audit: bin.join("audit"), root: root.to_owned(), load }
    }

    /// Runs it alone and recorded in turns.
    pub(crate) fn pairs(&self, workload: &Workload, rounds: usize) -> Vec<(Sample, Sample)> {
        // What is read for the first time is read from the disk: once for both.
        self.sample(workload, false);
        (0..rounds).map(|_| (self.sample(workload, false), self.sample(workload, true))).collect()
    }

    fn sample(&self, workload: &Workload, recorded: bool) -> Sample {
        let work = fresh(self.root.join("job"));
        let home = fresh(self.root.join("home"));
        if !workload.prepare.is_empty() {
            let mut prepare = Command::new("/bin/bash");
            prepare.args(["-ec", workload.prepare]).env("LOAD", &self.load).current_dir(&work);
            let done = prepare.stdout(Stdio::null()).status().expect("bash starts");
            assert!(done.success(), "cannot prepare {}", workload.name);
        }
        let words =
            workload.words.iter().map(|word| word.replace("$LOAD", &self.load.to_string_lossy()));
        let words: Vec<String> = words.collect();
        let mut command = match recorded {
            true => Command::new(&self.audit),
            false => Command::new(&words[0]),
        };
        match recorded {
            true => command.args(["run", "-q", "--"]).args(&words),
            false => command.args(&words[1..]),
        };
        command.current_dir(&work).env("AUDIT_HOME", &home);
        let cgroup = Cgroup::new("run");
        let mut sample = measure(&cgroup, &command);
        if recorded {
            record::read(&home, workload, &mut sample);
            sample.recorder_cpu = (sample.cpu - sample.recorder_cpu).max(0.0);
        }
        sample
    }
}

/// Runs `command` in `cgroup` to its end.
fn measure(cgroup: &Cgroup, command: &Command) -> Sample {
    let over = AtomicBool::new(false);
    std::thread::scope(|scope| {
        let memory = scope.spawn(|| {
            let mut most = 0;
            while !over.load(Ordering::Relaxed) {
                most = most.max(memory(cgroup));
                std::thread::sleep(PACE);
            }
            most
        });
        let mut inside = cgroup.within(command);
        inside.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
        let begin = Instant::now();
        let status = inside.status().expect("sh starts");
        let wall = begin.elapsed().as_secs_f64();
        over.store(true, Ordering::Relaxed);
        assert!(status.success(), "{command:?}: {status}");
        let memory = memory.join().expect("no panic");
        Sample { wall, cpu: cgroup.cpu(), memory, ..Sample::default() }
    })
}

/// Resident memory of the recorder's processes.
fn memory(cgroup: &Cgroup) -> u64 {
    let of = |pid: u32| {
        let status = fs::read_to_string(format!("/proc/{pid}/status")).ok()?;
        let name = status.lines().next()?.strip_prefix("Name:\t")?;
        if name != "audit" && !name.starts_with("audit-superv") {
            return None;
        }
        let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"))?;
        line.trim().trim_end_matches(" kB").parse::<u64>().ok().map(|kib| kib << 10)
    };
    cgroup.processes().into_iter().filter_map(of).sum()
}
