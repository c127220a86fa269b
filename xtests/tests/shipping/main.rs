//! `audit ship`: what is sent arrives, once, whatever kills the shipper and whatever the server does.
#![forbid(unsafe_code)]

mod arriving;
mod server;
mod settled;
mod tls;
mod troubles;

use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
    process::{Command, Output},
};

use xtests::{Lab, not_run};

/// What a target holds: bytes by name.
type Objects = BTreeMap<String, Vec<u8>>;

/// Records so many small runs.
fn record(lab: &Lab, runs: usize) {
    for at in 0..runs {
        let run = lab.run(["sh", "-c", &format!("echo {at} >made{at}; cat made{at}")]).record();
        assert!(run.status.success(), "{}", run.errors());
    }
}

fn ship(lab: &Lab, arguments: &[&str]) -> Command {
    let _ = lab.program("audit-ship");
    let mut command = lab.audit();
    command.arg("ship").args(["--pause", "5ms", "--state"]).arg(lab.root().join("state"));
    command.args(arguments);
    for name in ["AUDIT_SHIP_TOKEN", "AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "http_proxy"] {
        command.env_remove(name);
    }
    command
}

fn said(output: &Output) -> String {
    [&output.stdout, &output.stderr].map(|it| String::from_utf8_lossy(it).into_owned()).concat()
}

fn ended(lab: &Lab, arguments: &[&str], status: i32) -> String {
    let output = ship(lab, arguments).output().expect("it starts");
    assert_eq!(output.status.code(), Some(status), "{arguments:?}: {}", said(&output));
    said(&output)
}

/// Files below a directory, by their names from there on.
fn files(dir: &Path) -> Objects {
    let mut all = Objects::new();
    let mut folders = vec![dir.to_owned()];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(&folder).into_iter().flatten() {
            let path = entry.expect("an entry").path();
            if path.is_dir() {
                folders.push(path);
            } else {
                let name = path.strip_prefix(dir).expect("below").to_str().expect("text");
                all.insert(name.to_owned(), fs::read(&path).expect("it reads"));
            }
        }
    }
    all
}

/// Parts of a run that this build can send, as ends of names.
fn ends(lab: &Lab) -> Vec<&'static str> {
    let mut ends = vec!["seal", "seal.sig"];
    for (format, end) in [("bundle", "audit"), ("parquet", "parquet")] {
        let tried = lab.ask(["export", "last", "--format", format, "-o", "/dev/null"]);
        if tried.status.success() {
            ends.push(end);
        } else {
            not_run(&format!("shipping of {format}"), "it is not in this build");
        }
    }
    ends
}

/// Every part of every run is there, and nothing else; seals are those of the runs.
fn assert_whole(lab: &Lab, ends: &[&str], objects: &Objects) {
    let runs = lab.runs();
    let expected = runs.len() * ends.len();
    assert_eq!(objects.len(), expected, "{:?}", objects.keys().collect::<Vec<_>>());
    for run in runs {
        let id = run.file_name().and_then(|name| name.to_str()).expect("an id");
        for end in ends {
            let name = format!("/{id}.{end}");
            let (_, bytes) = objects.iter().find(|(key, _)| key.ends_with(&name)).expect(&name);
            assert!(!bytes.is_empty(), "{name}");
            if end.starts_with("seal") {
                assert_eq!(*bytes, fs::read(run.join("segments").join(end)).expect("a seal"));
                assert!(bytes.len() < 1024, "{name} has {} bytes", bytes.len());
            }
        }
    }
}

fn directory(lab: &Lab) -> PathBuf {
    let dir = lab.root().join("evidence");
    fs::create_dir_all(&dir).expect("room");
    dir
}
