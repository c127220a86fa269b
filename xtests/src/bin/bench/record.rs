//! What the record of a workload holds.

use std::{
    fs::{self, File},
    io::{BufRead, BufReader},
    path::Path,
};

use serde_json::Value;

use crate::sample::Sample;

/// Type, operation and part of the path or program of events.
pub(crate) type Wanted = (&'static str, &'static str, &'static str);

/// Reads the one run below `home` into `sample`: its size, and how many events of each of `wanted` it has, with
/// those that are folded.
pub(crate) fn read(home: &Path, wanted: &[Wanted], sample: &mut Sample) {
    let mut runs = fs::read_dir(home.join("runs")).expect("a store");
    let run = runs.next().expect("a run").expect("it reads").path();
    let size = |name: &str| fs::metadata(run.join(name)).map_or(0, |meta| meta.len());
    let segments = fs::read_dir(run.join("segments")).into_iter().flatten().flatten();
    let is_segment =
        |entry: &fs::DirEntry| entry.path().extension().is_some_and(|end| end == "seg");
    sample.segment_bytes =
        segments.filter(is_segment).filter_map(|it| Some(it.metadata().ok()?.len())).sum();
    sample.index_bytes = size("index.sqlite") + size("events.jsonl.zst");
    sample.found = vec![0; wanted.len()];
    let packed = File::open(run.join("events.jsonl.zst")).expect("events");
    let lines = zstd::Decoder::new(packed).expect("they are packed");
    for line in BufReader::new(lines).lines() {
        let event: Value = serde_json::from_str(&line.expect("it reads")).expect("JSON");
        let text = |name: &str| event[name].as_str().unwrap_or_default();
        let times = event["count"].as_u64().unwrap_or(1);
        sample.events += 1;
        match text("type") {
            "end" => sample.verdict = text("verdict").to_owned(),
            "lost" => sample.lost += times,
            _ => {}
        }
        for (found, (kind, op, part)) in sample.found.iter_mut().zip(wanted) {
            let is_it = text("type") == *kind
                && (op.is_empty() || text("op") == *op)
                && (text("path").contains(part) || text("exe").contains(part));
            *found += if is_it { times } else { 0 };
        }
    }
}
