//! Compares what a record and strace say of the same job. `compare RUN-DIR STRACE-DIR CWD FRESH`
//!
//! Prints what only one of them has; exits with 0 when they agree, with 1 when they do not.
#![forbid(unsafe_code)]

use std::{collections::BTreeMap, fs, path::Path, process::ExitCode};

use xtests::{
    Event,
    strace::{Job, Paths},
};

fn main() -> ExitCode {
    let args: Vec<_> = std::env::args_os().collect();
    let [_, run, traced, cwd, fresh] = args.as_slice() else {
        panic!("compare RUN-DIR STRACE-DIR CWD FRESH")
    };
    let lines = fs::read_to_string(Path::new(run).join("events.jsonl")).expect("a record");
    let events: Vec<Event> =
        lines.lines().map(|line| Event(serde_json::from_str(line).expect("JSON"))).collect();
    let recorded = Job::recorded(&events);
    let traced = Job::traced(Path::new(traced), Path::new(cwd), Path::new(fresh)).expect("a trace");
    let all = [
        // How often a file was opened depends on how fast the other half of `make -j2` is, and so
        // does nothing else: names are made, moved and removed the same number of times.
        differ("executed", &recorded.executed, &traced.executed, true),
        differ("read", &recorded.read, &traced.read, false),
        differ("written", &recorded.written, &traced.written, false),
        differ("created", &recorded.created, &traced.created, true),
        differ("deleted", &recorded.deleted, &traced.deleted, true),
        differ("renamed", &recorded.renamed, &traced.renamed, true),
    ];
    if all.contains(&true) { ExitCode::from(1) } else { ExitCode::SUCCESS }
}

/// Prints what differs; returns whether anything does.
fn differ(what: &str, recorded: &Paths, traced: &Paths, counts: bool) -> bool {
    let (recorded, traced) = (plain(recorded), plain(traced));
    let only = |one: &Paths, other: &Paths| -> Vec<String> {
        let missing = |(path, times): (&String, &u64)| {
            let there = other.get(path).copied().unwrap_or(0);
            let fewer = if counts { there < *times } else { there == 0 };
            fewer.then(|| format!("{path} ({times} against {there})"))
        };
        one.iter().filter_map(missing).collect()
    };
    let (more, less) = (only(&recorded, &traced), only(&traced, &recorded));
    println!(
        "{what}: {} paths recorded, {} traced; {} only recorded, {} only traced",
        recorded.len(),
        traced.len(),
        more.len(),
        less.len()
    );
    more.iter().for_each(|path| println!("    recorded, not traced: {path}"));
    less.iter().for_each(|path| println!("    traced, not recorded: {path}"));
    !(more.is_empty() && less.is_empty())
}

/// Names that differ from one time to the next, made equal.
fn plain(paths: &Paths) -> Paths {
    let mut out = BTreeMap::new();
    for (path, times) in paths {
        let plain: Vec<String> = path.split(" -> ").map(steady).collect();
        *out.entry(plain.join(" -> ")).or_default() += times;
    }
    out
}

/// Replaces the parts of names that programs draw by chance or take from their pid.
fn steady(path: &str) -> String {
    let (dir, name) = path.rsplit_once('/').unwrap_or(("", path));
    let same = |start: &str| format!("{dir}/{start}*");
    // gcc and collect2: ccXXXXXX.s, .o, .le, .res, .ld, .c.
    if let Some((stem, end)) = name.split_once('.').or(Some((name, ""))) {
        if stem.len() == 8 && stem.starts_with("cc") && matches!(end, "s" | "o" | "le" | "res" | "ld" | "c" | "") {
            return format!("{dir}/cc*.{end}");
        }
    }
    // git: an object, pack or index while it is written; probes of the file system; GNU make: output
    // and job server.
    for start in ["tmp_obj_", "tmp_pack_", "tmp_idx_", "tmp_rev_", "GmXXXXXX", "Gm", "GMfifo"] {
        if name.starts_with(start) {
            return same(start);
        }
    }
    // git init looks whether the file system knows links: tXXXXXX in .git.
    if dir.ends_with("/.git") && name.len() == 7 && name.starts_with('t') {
        return same("t");
    }
    // /proc/PID: who reads about itself has another pid next time.
    if let Some(rest) = path.strip_prefix("/proc/") {
        let (pid, rest) = rest.split_once('/').unwrap_or((rest, ""));
        if !pid.is_empty() && pid.bytes().all(|byte| byte.is_ascii_digit()) {
            return format!("/proc/*/{rest}");
        }
    }
    path.to_owned()
}
