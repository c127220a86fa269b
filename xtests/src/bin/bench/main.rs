//! `make bench`: what a recorded command loses, what the machine loses, and whether anything is missing.
//!
//! Each workload runs alone and recorded in turns (A B A B ...), in one cgroup each, whose CPU time the
//! kernel counts: the recorder's is in it. Prints a Markdown table for docs/benchmarks.md.
#![forbid(unsafe_code)]

mod cgroup;
mod record;
mod sample;
mod workloads;

use std::path::{Path, PathBuf};

use sample::{Bench, Sample};
use workloads::Workload;

const USAGE: &str = "bench [--rounds N] [--only WORD] [--scale PERCENT]";

struct Options {
    rounds: usize,
    only: Option<String>,
    scale: u64,
}

fn main() {
    let options = options().unwrap_or_else(|| {
        eprintln!("usage: {USAGE}");
        std::process::exit(2);
    });
    if !rustix::process::geteuid().is_root() {
        eprintln!("bench: records for real and needs root");
        std::process::exit(1);
    }
    let own = std::env::current_exe().expect("a running program has a file");
    let bin = own.parent().expect("it lies in a folder").to_owned();
    let root =
        tempfile::Builder::new().prefix("audit-bench.").tempdir_in("/var/tmp").expect("room");
    println!("{}\n", machine(&options, &bin));
    println!(
        "| workload | wall alone, s | ratio of wall | ratio of CPU | recorder's CPU, s | recorder's memory, MiB | events | bytes/event, log + index | complete |"
    );
    println!("|---|---|---|---|---|---|---|---|---|");
    let bench = Bench::new(&bin, root.path());
    let start = net_start(&bench, options.rounds);
    for workload in workloads::all(options.scale) {
        let wanted = options.only.as_ref().is_none_or(|word| workload.name.contains(word.as_str()));
        if wanted {
            match workload.missing() {
                Some(program) => println!("| {} | not run: no {program} here |", workload.name),
                None => println!("{}", line(&bench, &workload, options.rounds, &start)),
            }
        }
    }
}

fn options() -> Option<Options> {
    let mut options = Options { rounds: 5, only: None, scale: 100 };
    let mut words = std::env::args().skip(1);
    while let Some(word) = words.next() {
        let value = words.next()?;
        match word.as_str() {
            "--rounds" => options.rounds = value.parse().ok().filter(|rounds| *rounds > 0)?,
            "--only" => options.only = Some(value),
            "--scale" => options.scale = value.parse().ok().filter(|scale| *scale > 0)?,
            _ => return None,
        }
    }
    Some(options)
}

/// The first line: where and when.
fn machine(options: &Options, bin: &Path) -> String {
    let read = |path: &str| std::fs::read_to_string(path).unwrap_or_default();
    let load: Vec<_> = read("/proc/loadavg").split(' ').take(3).map(str::to_owned).collect();
    let build = bin.file_name().and_then(|name| name.to_str()).unwrap_or_default().to_owned();
    format!(
        "Linux {}, {} CPUs, load {} at the start, {} build, {} rounds, scale {} %",
        read("/proc/sys/kernel/osrelease").trim(),
        std::thread::available_parallelism().map_or(0, usize::from),
        load.join(" "),
        build,
        options.rounds,
        options.scale
    )
}

/// What recording costs a command that does nothing: taken off those of under a second.
fn net_start(bench: &Bench, rounds: usize) -> (Sample, Sample) {
    let nothing = Workload::command("start-up: `true`", "", &["/bin/true"]);
    let pairs = bench.pairs(&nothing, rounds.max(7));
    let (alone, recorded) = medians(&pairs);
    println!(
        "| {} | {:.4} | +{:.0} ms | +{:.0} ms | | {} | {} | | {} |",
        nothing.name,
        alone.wall,
        (recorded.wall - alone.wall) * 1000.0,
        (recorded.cpu - alone.cpu) * 1000.0,
        mib(recorded.memory),
        recorded.events,
        recorded.verdict,
    );
    (alone, recorded)
}

fn line(bench: &Bench, workload: &Workload, rounds: usize, start: &(Sample, Sample)) -> String {
    let pairs = bench.pairs(workload, rounds);
    let (alone, recorded) = medians(&pairs);
    // Workloads of under a second are measured net of the start-up, which has a line of its own.
    let net = if alone.wall < 1.0 {
        (start.1.wall - start.0.wall, start.1.cpu - start.0.cpu)
    } else {
        (0.0, 0.0)
    };
    let ratio = |of: fn(&Sample) -> f64, off: f64| {
        let mut all: Vec<f64> = pairs.iter().map(|(a, b)| (of(b) - off) / of(a)).collect();
        middle(&mut all)
    };
    let bytes =
        (recorded.segment_bytes + recorded.index_bytes) as f64 / recorded.events.max(1) as f64;
    let log = recorded.segment_bytes as f64 / recorded.events.max(1) as f64;
    let complete = match recorded.expected {
        Some(expected) => format!("{} of {expected} {}", recorded.found, recorded.verdict),
        None => recorded.verdict.clone(),
    };
    format!(
        "| {} | {:.2} | {:.2} | {:.2} | {:.2} | {} | {} | {log:.0} + {:.0} | {complete} |",
        workload.name,
        alone.wall,
        ratio(|s| s.wall, net.0),
        ratio(|s| s.cpu, net.1),
        recorded.recorder_cpu,
        mib(recorded.memory),
        recorded.events,
        bytes - log,
    )
}

fn mib(bytes: u64) -> String {
    format!("{:.0}", bytes as f64 / f64::from(1 << 20))
}

fn middle(all: &mut [f64]) -> f64 {
    all.sort_by(f64::total_cmp);
    all[all.len() / 2]
}

/// The pair in the middle of each, by wall time.
fn medians(pairs: &[(Sample, Sample)]) -> (Sample, Sample) {
    let mut alone: Vec<&Sample> = pairs.iter().map(|(a, _)| a).collect();
    let mut recorded: Vec<&Sample> = pairs.iter().map(|(_, b)| b).collect();
    alone.sort_by(|a, b| a.wall.total_cmp(&b.wall));
    recorded.sort_by(|a, b| a.wall.total_cmp(&b.wall));
    (alone[pairs.len() / 2].clone(), recorded[pairs.len() / 2].clone())
}

/// A directory, made anew.
fn fresh(path: PathBuf) -> PathBuf {
    let _ = std::fs::remove_dir_all(&path);
    std::fs::create_dir_all(&path).expect("room");
    path
}
