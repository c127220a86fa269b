//! The same by other tools, where they are installed.

use crate::{
    sample::{Bench, Sample},
    workloads::{self, Workload, is_there},
};

/// Name, the program that must be there, and the words before the command.
const TOOLS: [(&str, &str, &[&str]); 4] = [
    ("strace -f", "strace", &["strace", "-f", "-qq", "-o", "/dev/null"]),
    (
        "strace -f --seccomp-bpf, files and processes",
        "strace",
        &[
            "strace",
            "-f",
            "-qq",
            "--seccomp-bpf",
            "-e",
            "trace=%file,%process,%network",
            "-o",
            "/dev/null",
        ],
    ),
    ("perf trace", "perf", &["perf", "trace", "-o", "/dev/null", "--"]),
    (
        "bpftrace, execs and opens",
        "bpftrace",
        &[
            "/bin/sh",
            "-c",
            "bpftrace -o /dev/null -e 'tracepoint:syscalls:sys_enter_openat { printf(\"%s %s\\n\", comm, str(args.filename)) }         tracepoint:sched:sched_process_exec { printf(\"%s\\n\", str(args.filename)) }' & watcher=$!; sleep 3;         \"$@\"; kill -INT $watcher; wait",
            "sh",
        ],
    ),
];

/// Workloads that they are tried with: they cost too much for all.
const TRIED: [&str; 6] = ["compile", "agent", "spawns", "open/read", "TCP", "UDP"];

/// A Markdown table: wall and CPU of each over those alone, by one run at a tenth of the size.
pub(crate) fn table(bench: &Bench, scale: u64) -> String {
    let there: Vec<_> = TOOLS.iter().filter(|(_, program, _)| is_there(program)).collect();
    let names: Vec<&str> = there.iter().map(|(name, ..)| *name).collect();
    let mut text = format!("| workload, a tenth | audit | {} |\n|---|---|", names.join(" | "));
    text += &"---|".repeat(there.len());
    let tried = |workload: &Workload| {
        TRIED.iter().any(|word| workload.name.contains(word)) && workload.missing().is_none()
    };
    for workload in workloads::all((scale / 10).max(1)).iter().filter(|it| tried(it)) {
        bench.prepare(workload);
        bench.alone(workload);
        let alone = bench.alone(workload);
        let over = |sample: &Sample| {
            if sample.fails {
                return "fails".to_owned();
            }
            format!("{:.2} / {:.2}", sample.wall / alone.wall, sample.cpu / alone.cpu)
        };
        let own = over(&bench.recorded(workload));
        let theirs: Vec<String> =
            there.iter().map(|(_, _, words)| over(&bench.behind(workload, words))).collect();
        text += &format!("\n| {} | {own} | {} |", workload.name, theirs.join(" | "));
    }
    for (name, program, _) in TOOLS.iter().filter(|(_, program, _)| !is_there(program)) {
        text += &format!("\n\n{name}: not run, {program} is not installed.");
    }
    text
}
