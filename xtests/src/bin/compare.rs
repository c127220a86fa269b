//! Compares what a record and strace say of the same job. `compare RUN-DIR STRACE-DIR CWD FRESH`
//!
//! Prints what only one of them has; exits with 0 when they agree, with 1 when they do not.
#![forbid(unsafe_code)]

use std::{
    collections::{BTreeMap, BTreeSet},
    path::Path,
    process::ExitCode,
};

use xtests::{
    Event,
    strace::{Job, Paths},
};

fn main() -> ExitCode {
    let args: Vec<_> = std::env::args_os().collect();
    let [_, run, traced, cwd, fresh] = args.as_slice() else {
        panic!("compare RUN-DIR STRACE-DIR CWD FRESH")
    };
    let lines = xtests::lines(Path::new(run));
    let events: Vec<Event> =
        lines.lines().map(|line| Event(serde_json::from_str(line).expect("JSON"))).collect();
    let mut recorded = Job::recorded(&events);
    let traced = Job::traced(Path::new(traced), Path::new(cwd), Path::new(fresh)).expect("a trace");
    // An exec opens its program and the loader within the kernel, and closes them: fanotify tells of a
    // read, strace of none. One that strace has must be there all the same.
    let executed: BTreeSet<&str> = events
        .iter()
        .filter(|event| event.is("file", "exec"))
        .map(|event| event.text("path"))
        .collect();
    recorded
        .read
        .retain(|path, _| !executed.contains(path.as_str()) || traced.read.contains_key(path));
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
    // gcc and collect2 name their temporary files ccXXXXXX and add what is in them.
    let (stem, ending) = name.split_once('.').unwrap_or((name, ""));
    let endings = ["", "s", "o", "c", "ld", "le", "res", "cdtor.c", "cdtor.o"];
    if stem.len() == 8 && stem.starts_with("cc") && endings.contains(&ending) {
        return format!("{dir}/cc*.{ending}");
    }
    // git, while it writes objects, packs and indices; GNU make, for output and its job server.
    for start in ["tmp_obj_", "tmp_pack_", "tmp_idx_", "tmp_rev_", "GMfifo", "Gm"] {
        if name.starts_with(start) {
            return format!("{dir}/{start}*");
        }
    }
    // git init looks whether the file system knows links: tXXXXXX in .git.
    if dir.ends_with("/.git") && name.len() == 7 && name.starts_with('t') {
        return format!("{dir}/t*");
    }
    // Who reads about itself in /proc/PID has another pid next time; the kernel names /proc/self so.
    let (first, rest) =
        path.strip_prefix("/proc/").and_then(|rest| rest.split_once('/')).unwrap_or(("", ""));
    if first == "self" || (!first.is_empty() && first.bytes().all(|byte| byte.is_ascii_digit())) {
        return format!("/proc/*/{rest}");
    }
    path.to_owned()
}
