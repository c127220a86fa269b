//! What the record of a workload holds.

use std::{
    fs::{self, File},
    io::{BufRead, BufReader},
    path::Path,
};

use serde_json::Value;

use crate::{sample::Sample, workloads::Workload};

/// Reads the one run below `home` into `sample`; `recorder_cpu` becomes what the command's processes took
/// by their own accounts.
pub(crate) fn read(home: &Path, workload: &Workload, sample: &mut Sample) {
    let mut runs = fs::read_dir(home.join("runs")).expect("a store");
    let run = runs.next().expect("a run").expect("it reads").path();
    let size = |name: &str| fs::metadata(run.join(name)).map_or(0, |meta| meta.len());
    let segments = fs::read_dir(run.join("segments")).into_iter().flatten().flatten();
    let is_segment =
        |entry: &fs::DirEntry| entry.path().extension().is_some_and(|end| end == "seg");
    sample.segment_bytes =
        segments.filter(is_segment).filter_map(|it| Some(it.metadata().ok()?.len())).sum();
    sample.index_bytes = size("index.sqlite") + size("events.jsonl");
    let (mut cpu_ns, mut found) = (0, 0);
    for line in BufReader::new(File::open(run.join("events.jsonl")).expect("events")).lines() {
        let event: Value = serde_json::from_str(&line.expect("it reads")).expect("JSON");
        let text = |name: &str| event[name].as_str().unwrap_or_default();
        let number = |name: &str| event[name].as_u64();
        sample.events += 1;
        match (text("type"), text("op")) {
            ("process", "exit") => {
                cpu_ns += number("utime_ns").unwrap_or(0) + number("stime_ns").unwrap_or(0);
            }
            ("end", _) => sample.verdict = text("verdict").to_owned(),
            _ => {}
        }
        if workload.expected.is_some_and(|(kind, op, part, _)| {
            text("type") == kind
                && (op.is_empty() || text("op") == op)
                && (text("path").contains(part) || text("exe").contains(part))
        }) {
            found += number("count").unwrap_or(1);
        }
    }
    sample.found = found;
    sample.expected = workload.expected.map(|(.., times)| times);
    sample.recorder_cpu = cpu_ns as f64 / 1e9;
}
