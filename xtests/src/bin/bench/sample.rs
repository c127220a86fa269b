//! One run of a workload, alone or recorded, and what it took.

use std::{
    collections::HashMap,
    fs,
    path::{Path, PathBuf},
    process::{Command, Stdio},
    sync::atomic::{AtomicBool, Ordering},
    time::{Duration, Instant},
};

use crate::{
    cgroup::Cgroup,
    fresh, record,
    workloads::{self, Workload},
};

/// How often the recorder is looked at.
/// How often memory is looked at by its shares, which takes the kernel a while.
const SECOND: Duration = Duration::from_secs(1);

const PACE: Duration = Duration::from_millis(20);

/// How long the recorder may go on after its front.
const PATIENCE_MS: u64 = 10_000;

/// Ticks of a second in /proc/PID/stat (`USER_HZ`).
const TICKS: f64 = 100.0;

/// What one run took. Times in seconds, sizes in bytes.
#[derive(Debug, Clone, Default)]
pub(crate) struct Sample {
    /// It did not end as it should: nothing else is of use.
    pub(crate) fails: bool,
    pub(crate) wall: f64,
    /// Of the command and of the recorder.
    pub(crate) cpu: f64,
    pub(crate) recorder: Recorder,
    pub(crate) events: u64,
    pub(crate) segment_bytes: u64,
    pub(crate) index_bytes: u64,
    /// Events that the workload is known to make, and how many of them are in the record.
    pub(crate) expected: Option<u64>,
    pub(crate) found: Vec<u64>,
    /// What the record says is lost.
    pub(crate) lost: u64,
    pub(crate) verdict: String,
}

/// What the recorder's processes took, as far as they were seen: up to [`PACE`] before their end.
#[derive(Debug, Clone, Default)]
pub(crate) struct Recorder {
    /// CPU seconds, of all its processes.
    pub(crate) cpu: f64,
    /// Most memory of the supervisor that is its own.
    pub(crate) own: u64,
    /// Most of it that is mapped: its file, and rings, twice.
    pub(crate) mapped: u64,
    /// Most resident memory of the front.
    pub(crate) front: u64,
    /// What it had about once a second.
    rests: Vec<Rest>,
    ticks: HashMap<u32, u64>,
}

/// What the recorder has at one moment. Memory by proportional set sizes (proc(5), smaps_rollup): what its two
/// processes share counts once.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Rest {
    at: Instant,
    /// CPU seconds so far, of all its processes.
    cpu: f64,
    /// The supervisor's own, of both of its processes.
    pub(crate) own: u64,
    /// What they have mapped.
    pub(crate) mapped: u64,
    /// The front.
    pub(crate) front: u64,
}

/// Where it happens.
pub(crate) struct Bench {
    audit: PathBuf,
    root: PathBuf,
    load: PathBuf,
}

impl Bench {
    pub(crate) fn new(bin: &Path, root: &Path) -> Bench {
        let load = root.join("load");
        compile(include_str!("load.c"), &["-O2", "-pthread"], &load);
        // A program that does nothing at all: what is left is the kernel's part.
        let none = "void _start(void) { __asm__(\"syscall\" :: \"a\"(231), \"D\"(0)); }";
        compile(none, &["-O2", "-static", "-nostdlib"], &root.join("nothing"));
        Bench { audit: bin.join("audit"), root: root.to_owned(), load }
    }

    /// Runs it alone and recorded in turns, `rounds` times or, after twice, until `limit` is over; not at all if it
    /// fails here.
    pub(crate) fn pairs(
        &self,
        workload: &Workload,
        rounds: usize,
        limit: Duration,
    ) -> Vec<(Sample, Sample)> {
        self.prepare(workload);
        let begin = Instant::now();
        // What is read for the first time is read from the disk: once for both.
        if self.alone(workload).fails {
            return Vec::new();
        }
        let mut pairs = Vec::new();
        while pairs.len() < rounds && (pairs.len() < 2 || begin.elapsed() < limit) {
            pairs.push((self.alone(workload), self.recorded(workload)));
        }
        pairs
    }

    /// Runs it once, with the words before it that are given.
    pub(crate) fn behind(&self, workload: &Workload, tool: &[&str]) -> Sample {
        let mut words = tool.iter().map(|word| (*word).to_owned()).collect::<Vec<_>>();
        words.extend(self.words(workload));
        // Looking wakes a recorder that watches all of a file system.
        let idle = workload.name.starts_with(workloads::IDLE);
        self.sample(&words, if idle { SECOND } else { PACE })
    }

    pub(crate) fn alone(&self, workload: &Workload) -> Sample {
        self.behind(workload, &[])
    }

    pub(crate) fn recorded(&self, workload: &Workload) -> Sample {
        let home = fresh(self.root.join("home"));
        let audit = self.audit.to_string_lossy().into_owned();
        let mut sample = self.behind(workload, &[&audit, "run", "-q", "--"]);
        let wanted: Vec<_> =
            workload.expected.iter().map(|(kind, op, part, _)| (*kind, *op, *part)).collect();
        record::read(&home, &wanted, &mut sample);
        sample.expected = workload.expected.map(|(.., times)| times);
        sample
    }

    /// Makes what each run gets a copy of.
    pub(crate) fn prepare(&self, workload: &Workload) {
        let made = fresh(self.root.join("made"));
        let mut prepare = Command::new("/bin/bash");
        prepare.args(["-ec", workload.prepare]).env("LOAD", &self.load).current_dir(&made);
        let done = prepare.stdout(Stdio::null()).status().expect("bash starts");
        assert!(done.success(), "cannot prepare {}", workload.name);
    }

    /// The program that switches on what a recorder uses, and does nothing with it.
    pub(crate) fn floor(&self) -> String {
        let to = self.root.join("floor");
        compile(include_str!("floor.c"), &["-O2"], &to);
        to.to_string_lossy().into_owned()
    }

    /// A file that the last run left behind.
    pub(crate) fn left(&self, name: &str) -> String {
        fs::read_to_string(self.root.join("job").join(name)).unwrap_or_default()
    }

    fn words(&self, workload: &Workload) -> Vec<String> {
        let words = workload.words.iter();
        words.map(|word| word.replace("$LOAD", &self.load.to_string_lossy())).collect()
    }

    fn sample(&self, words: &[String], pace: Duration) -> Sample {
        let work = fresh(self.root.join("job"));
        let mut copy = Command::new("cp");
        copy.arg("-a").arg(self.root.join("made/.")).arg(&work);
        assert!(copy.status().expect("cp starts").success(), "no room");
        let mut command = Command::new(&words[0]);
        command.args(&words[1..]).current_dir(&work);
        command.env("AUDIT_HOME", self.root.join("home")).env("NOTHING", self.root.join("nothing"));
        let cgroup = Cgroup::new("run");
        measure(&cgroup, &command, pace)
    }
}

fn compile(source: &str, flags: &[&str], to: &Path) {
    let file = to.with_extension("c");
    fs::write(&file, source).expect("room");
    let made = Command::new("cc").args(flags).arg("-o").arg(to).arg(&file).status();
    assert!(made.is_ok_and(|status| status.success()), "cc fails");
}

/// Runs `command` in `cgroup` to its end.
fn measure(cgroup: &Cgroup, command: &Command, pace: Duration) -> Sample {
    let over = AtomicBool::new(false);
    std::thread::scope(|scope| {
        let watcher = scope.spawn(|| {
            let mut recorder = Recorder::default();
            while !over.load(Ordering::Relaxed) {
                let pids = cgroup.processes();
                pids.iter().for_each(|pid| recorder.look_at(*pid));
                if recorder.rests.last().is_none_or(|it| it.at.elapsed() >= SECOND) {
                    recorder.rests.push(Rest::of(&pids));
                }
                std::thread::sleep(pace);
            }
            recorder
        });
        let mut inside = cgroup.within(command);
        inside.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
        let begin = Instant::now();
        let status = inside.status().expect("sh starts");
        let wall = begin.elapsed().as_secs_f64();
        // The recorder lets go of its programs after its front has ended; that is its time too.
        for _ in 0..PATIENCE_MS {
            if cgroup.processes().is_empty() {
                break;
            }
            std::thread::sleep(Duration::from_millis(1));
        }
        over.store(true, Ordering::Relaxed);
        let mut recorder = watcher.join().expect("no panic");
        recorder.cpu = recorder.ticks.values().sum::<u64>() as f64 / TICKS;
        Sample { wall, cpu: cgroup.cpu(), fails: !status.success(), recorder, ..Sample::default() }
    })
}

/// Whether it is of the recorder, and if so, whether it is the supervisor.
fn is_supervisor(name: &str) -> Option<bool> {
    let supervisor = name.starts_with("audit-superv");
    (supervisor || name == "audit").then_some(supervisor)
}

impl Rest {
    fn of(pids: &[u32]) -> Rest {
        let mut rest = Rest { at: Instant::now(), cpu: 0.0, own: 0, mapped: 0, front: 0 };
        for pid in pids {
            let read = |name: &str| fs::read_to_string(format!("/proc/{pid}/{name}"));
            let Some(supervisor) = read("comm").ok().and_then(|it| is_supervisor(it.trim())) else {
                continue;
            };
            // Nanoseconds on a processor, thread by thread (Documentation/scheduler/sched-stats.rst).
            let threads = fs::read_dir(format!("/proc/{pid}/task")).into_iter().flatten().flatten();
            let spent =
                threads.filter_map(|it| fs::read_to_string(it.path().join("schedstat")).ok());
            let spent = spent.filter_map(|it| it.split(' ').next()?.parse::<f64>().ok());
            rest.cpu += spent.sum::<f64>() / 1e9;
            let Ok(sizes) = read("smaps_rollup") else { continue };
            let (own, whole) = (kib(&sizes, "Pss_Anon:"), kib(&sizes, "Pss:"));
            if supervisor {
                rest.own += own;
                rest.mapped += whole - own;
            } else {
                rest.front += whole;
            }
        }
        rest
    }
}

/// What a file of proc(5) says behind `key`, in bytes.
fn kib(text: &str, key: &str) -> u64 {
    let line = text.lines().find_map(|line| line.strip_prefix(key));
    let kib = line.and_then(|it| it.trim().trim_end_matches(" kB").parse::<u64>().ok());
    kib.unwrap_or(0) << 10
}

impl Recorder {
    fn look_at(&mut self, pid: u32) {
        let read = |name: &str| fs::read_to_string(format!("/proc/{pid}/{name}"));
        let Ok(stat) = read("stat") else { return };
        let Some((name, rest)) = stat.split_once(") ") else { return };
        let Some(supervisor) = name.split_once('(').and_then(|(_, name)| is_supervisor(name))
        else {
            return;
        };
        // proc_pid_stat(5): utime and stime are the 14th and 15th.
        let ticks = rest.split(' ').skip(11).take(2).filter_map(|it| it.parse::<u64>().ok()).sum();
        self.ticks.insert(pid, ticks);
        let Ok(status) = read("status") else { return };
        let of = |key: &str| kib(&status, key);
        let now = match supervisor {
            true => [of("RssAnon:"), of("RssFile:") + of("RssShmem:"), 0],
            false => [0, 0, of("VmRSS:")],
        };
        self.own = self.own.max(now[0]);
        self.mapped = self.mapped.max(now[1]);
        self.front = self.front.max(now[2]);
    }

    /// What it has in the middle of the run, and the share of a processor that it takes from the third second to the
    /// last but one: starting and ending has a row of its own.
    pub(crate) fn at_rest(&self) -> Option<(Rest, f64)> {
        let settled = self.rests.get(3..self.rests.len().checked_sub(2)?)?;
        let (first, last) = (settled.first()?, settled.last()?);
        let share = (last.cpu - first.cpu) / (last.at - first.at).as_secs_f64();
        Some((settled[settled.len() / 2], share))
    }
}
