//! `make bench`: what a recorded command loses, what the machine loses, and whether anything is missing.
//!
//! Each workload runs alone and recorded in turns (A B A B ...), in one cgroup each, whose CPU time the
//! kernel counts: the recorder's is in it. Prints Markdown tables, and puts them into docs/benchmarks.md
//! when asked to.
#![forbid(unsafe_code)]

mod cgroup;
mod floors;
mod record;
mod sample;
mod sustained;
mod table;
mod tools;
mod workloads;

use std::{
    path::{Path, PathBuf},
    time::Duration,
};

use sample::Bench;
use table::Start;
use workloads::Workload;

const USAGE: &str = "bench [--rounds N] [--seconds N] [--only WORD] [--scale PERCENT] [--write]
             [--tools] [--floors] [--sustained SECONDS]

--rounds     pairs of runs, alone and recorded, of each workload (5)
--seconds    after so many no further pair of a workload begins; two are always run (30)
--only       only workloads whose name contains this
--scale      size of those that have one (100)
--tools      also strace, perf trace and bpftrace, where installed
--floors     only what the kernel's mechanisms cost by themselves
--sustained  also 50,000 file events and 5,000 programs a second for so long, and as many as go
--write      puts it all into docs/benchmarks.md";

struct Options {
    rounds: usize,
    limit: Duration,
    only: Option<String>,
    scale: u64,
    write: bool,
    tools: bool,
    floors: bool,
    sustained: Option<u64>,
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
    let bench = Bench::new(&bin, root.path());
    let mut all = String::new();
    let mut say = |text: String| {
        println!("{text}");
        all += &text;
        all.push('\n');
    };
    say(format!("{}\n", machine(&options, &bin)));
    if options.floors {
        floors::table(&bench, options.scale, options.rounds, options.only.as_deref(), &mut say);
        return;
    }
    say(table::HEAD.to_owned());
    let start = Start::measure(&bench, options.rounds, options.limit);
    say(start.row());
    for workload in workloads::all(options.scale) {
        if options.only.as_ref().is_none_or(|word| workload.name.contains(word.as_str())) {
            say(row(&bench, &workload, &options, &start));
        }
    }
    if options.tools {
        say(format!("\n{}", tools::table(&bench, options.scale)));
    }
    if let Some(seconds) = options.sustained {
        say(format!("\n{}", sustained::table(&bench, root.path(), seconds)));
    }
    if options.write {
        table::write(&all);
    }
}

fn row(bench: &Bench, workload: &Workload, options: &Options, start: &Start) -> String {
    if let Some(program) = workload.missing() {
        return format!("| {} | not run: no {program} here |", workload.name);
    }
    if workload.name.starts_with(workloads::IDLE) {
        bench.prepare(workload);
        return table::idle(workload, &bench.recorded(workload));
    }
    let pairs = bench.pairs(workload, options.rounds, options.limit);
    if pairs.is_empty() {
        return format!("| {} | not run: it fails here, unrecorded |", workload.name);
    }
    table::row(workload, &pairs, start)
}

fn options() -> Option<Options> {
    let mut options = Options {
        rounds: 5,
        limit: Duration::from_secs(30),
        only: None,
        scale: 100,
        write: false,
        tools: false,
        floors: false,
        sustained: None,
    };
    let mut words = std::env::args().skip(1);
    while let Some(word) = words.next() {
        match word.as_str() {
            "--write" => options.write = true,
            "--tools" => options.tools = true,
            "--floors" => options.floors = true,
            "--only" => options.only = Some(words.next()?),
            _ => {
                let number = words.next()?.parse().ok().filter(|number| *number > 0)?;
                match word.as_str() {
                    "--rounds" => options.rounds = usize::try_from(number).ok()?,
                    "--seconds" => options.limit = Duration::from_secs(number),
                    "--scale" => options.scale = number,
                    "--sustained" => options.sustained = Some(number),
                    _ => return None,
                }
            }
        }
    }
    Some(options)
}

/// The first line: where and when.
fn machine(options: &Options, bin: &Path) -> String {
    let read = |path: &str| std::fs::read_to_string(path).unwrap_or_default();
    let load: Vec<_> = read("/proc/loadavg").split(' ').take(3).map(str::to_owned).collect();
    let date = std::process::Command::new("date").args(["-u", "+%F %H:%M UTC"]).output();
    let date = date.map(|it| String::from_utf8_lossy(&it.stdout).trim().to_owned());
    let commit = std::process::Command::new("git").args(["rev-parse", "--short", "HEAD"]).output();
    let commit = commit.map(|it| String::from_utf8_lossy(&it.stdout).trim().to_owned());
    let words: Vec<String> = std::env::args().skip(1).collect();
    format!(
        "`bench {}`, {}, commit {}, {} build, Linux {}, {} CPUs, load {} at the start; up to {} pairs of each, scale {} %.",
        words.join(" "),
        date.unwrap_or_default(),
        commit.unwrap_or_default(),
        bin.file_name().and_then(|name| name.to_str()).unwrap_or_default(),
        read("/proc/sys/kernel/osrelease").trim(),
        std::thread::available_parallelism().map_or(0, usize::from),
        load.join(" "),
        options.rounds,
        options.scale
    )
}

/// A directory, made anew.
fn fresh(path: PathBuf) -> PathBuf {
    let _ = std::fs::remove_dir_all(&path);
    std::fs::create_dir_all(&path).expect("room");
    path
}
