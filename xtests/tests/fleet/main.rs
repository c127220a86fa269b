//! Three machines on three days, one store: the questions of docs/fleet.md have one answer, by DuckDB, by
//! ClickHouse's engine and by the record itself, from a directory and from a bucket.
#![forbid(unsafe_code)]

mod bucket;
mod days;
#[path = "../forge/mod.rs"]
mod forge;

use std::{
    fs,
    path::{Path, PathBuf},
    process::{Command, Output, Stdio},
};

use bucket::Bucket;
use xtests::{Lab, not_run};

/// What each machine runs: a set-uid program, a key for somebody, a packet to somewhere.
const JOB: &str = "cp /bin/true suid; chmod u+s suid; setpriv --reuid 65534 --clear-groups ./suid
mkdir -p .ssh; echo key >.ssh/authorized_keys
for n in 1 2 3; do echo hello; done >/dev/udp/192.0.2.$1/9
exec 3<>/dev/tcp/127.0.0.1/1 || true";

/// Programs while the recorder does not look: more than rings of a page have room for.
const BLIND: &str = "env true; recorders=
for p in /proc/[0-9]*; do [ $p/exe -ef \"$1\" ] && recorders+=\" ${p#/proc/}\"; done
kill -STOP $recorders || exit 9; for n in {1..50}; do env true; done; kill -CONT $recorders";

/// A failure with something new in it.
const ODD: &str = "cp /bin/uname odd; ./odd >made; read -r line <made; exit 3";

/// A recording: days since 1970, the machine, its job, options, what is run, its argument, the status.
type Recording =
    (i64, &'static str, &'static str, &'static [&'static str], &'static str, &'static str, i32);

/// The last day is of another year.
const RUNS: [Recording; 7] = [
    (20_452, "web-1", "deploy", &[], JOB, "7", 0),
    (20_452, "web-2", "deploy", &[], JOB, "8", 0),
    (20_452, "db", "backup", &[], JOB, "7", 0),
    (20_453, "web-2", "deploy", &[], JOB, "8", 0),
    (20_453, "db", "backup", &["--ring-kib", "4,4,4"], BLIND, "RECORDER", 0),
    (20_454, "web-1", "deploy", &[], JOB, "9", 0),
    (20_454, "web-2", "deploy", &[], ODD, "", 3),
];

/// How many rows answers have that follow from the days.
const ROWS: [(u32, usize); 4] = [
    (1, 1), // web-1 to 192.0.2.9
    (2, 3), // on web-2 odd; on db env and true, while it was seen
    (4, 1), // the blind one
    (9, 1), // odd
];

/// Questions changed so that they take no account of days, and those of which the answer must then differ.
const DAYLESS: [(&str, &str, &[u32]); 3] = [
    ("HAVING min(date) = (SELECT max(date) FROM events)", "", &[1, 9]),
    ("max(run) AS last_run", "min(run) AS last_run", &[2]),
    (
        "SELECT * FROM read_parquet",
        "SELECT * REPLACE (DATE '2026-01-01' AS date) FROM read_parquet",
        &[1, 9],
    ),
];

fn said(output: &Output) -> String {
    [&output.stdout, &output.stderr].map(|it| String::from_utf8_lossy(it).into_owned()).concat()
}

pub(crate) fn must(command: &mut Command) -> String {
    let output = command.output().expect("it starts");
    assert!(output.status.success(), "{command:?}: {}", said(&output));
    said(&output)
}

/// The Python that scripts/setup.sh --test puts beside what is built, with the engines in it.
fn python() -> Option<PathBuf> {
    let own = std::env::current_exe().expect("a running program has a file");
    let found =
        own.ancestors().map(|dir| dir.join("engines/bin/python3")).find(|path| path.exists());
    if found.is_none() {
        not_run(
            "questions to DuckDB and ClickHouse",
            "target/engines is not there (scripts/setup.sh --test)",
        );
    }
    found
}

/// A machine of its own by name and network; what is sent there goes nowhere.
const MACHINE: &str = "hostname \"$1\"; shift
ip link set lo up; ip addr add 192.0.2.1/24 dev lo; exec \"$@\"";

/// Records, and moves the run to its day.
fn record(lab: &Lab, recording: &Recording) -> PathBuf {
    let (day, host, name, options, script, argument, status) = *recording;
    let mut command = Command::new("unshare");
    command.args(["--uts", "--net", "sh", "-c", MACHINE, "sh", host]).arg(lab.program("audit"));
    command.args(["run", "--quiet", "--hash", "--name", name]).args(options);
    command.args(["--", "bash", "-c", script, "bash"]);
    command
        .arg(argument.replace("RECORDER", lab.program("audit-supervisor").to_str().expect("text")));
    command.env("AUDIT_HOME", lab.home()).env_remove("AUDIT_RUN_ID").env_remove("CI");
    let work = lab.work().join(host);
    fs::create_dir_all(&work).expect("room");
    let before = lab.runs();
    let output = command.current_dir(work).stdin(Stdio::null()).output().expect("it starts");
    assert_eq!(output.status.code(), Some(status), "{host}: {}", said(&output));
    let new = lab.runs().into_iter().find(|dir| !before.contains(dir)).expect("it was recorded");
    days::moved(&new, day)
}

/// The bundles that were shipped to a directory: one for each run, by day and machine.
fn bundles(dir: &Path) -> Vec<PathBuf> {
    let below = |dir: PathBuf| {
        let entries = fs::read_dir(dir).expect("it is there");
        entries.map(|entry| entry.expect("an entry").path())
    };
    below(dir.to_owned()).flat_map(below).flat_map(below).collect()
}

/// All lines of the bundles, by `audit query`; whoever reads the evidence has none of our runs.
fn lines(lab: &Lab, bundles: &[PathBuf]) -> PathBuf {
    let of = |path: &PathBuf| {
        let mut ask = lab.audit();
        ask.args(["query", "--all", "--format", "jsonl"]).arg(path);
        ask.env("AUDIT_HOME", lab.root().join("none"));
        ask.env("XDG_CACHE_HOME", lab.root().join("cache"));
        must(&mut ask)
    };
    let lines = lab.root().join("lines.jsonl");
    fs::write(&lines, bundles.iter().map(of).collect::<String>()).expect("room");
    lines
}

/// Rows of each answer, and by how many readers, as the script tells them.
fn answers(told: &str) -> Vec<(u32, usize, usize)> {
    let numbers = |line: &str| -> Option<(u32, usize, usize)> {
        let words: Vec<&str> = line.strip_prefix("question ")?.split_whitespace().collect();
        let [question, rows, "rows", "by", readers, "readers"] = words[..] else { return None };
        let question = question.trim_end_matches(':').parse().ok()?;
        Some((question, rows.parse().ok()?, readers.parse().ok()?))
    };
    told.lines().filter_map(numbers).collect()
}

#[test]
fn ten_questions_have_one_answer_by_every_reader() {
    let lab = Lab::new();
    let runs: Vec<PathBuf> = RUNS.iter().map(|recording| record(&lab, recording)).collect();
    let key = lab.root().join("key");
    fs::write(&key, days::key().line() + "\n").expect("room");
    lab.told(
        ["verify".as_ref(), "--key".as_ref(), key.as_os_str()]
            .into_iter()
            .chain(runs.iter().map(|run| run.as_os_str())),
    );
    if !lab.ask(["export", "last", "--format", "parquet", "-o", "/dev/null"]).status.success() {
        return not_run("columns of three machines", "this build has no Parquet");
    }
    let Some(python) = python() else { return };

    let dir = lab.root().join("evidence");
    fs::create_dir(&dir).expect("room");
    let bucket = Bucket::start(&python);
    bucket.ship(&lab, "state", &["--to", dir.to_str().expect("text")]);
    // A second shipper that knows nothing of the first finds every byte there.
    let again = bucket.ship(&lab, "another", &[]);
    assert!(again.contains("was there, the same") && !again.contains("cannot"), "{again}");

    let bundles = bundles(&dir.join("bundles"));
    assert_eq!(bundles.len(), RUNS.len(), "{bundles:?}");
    let days: Vec<PathBuf> = fs::read_dir(dir.join("events"))
        .expect("columns")
        .map(|day| day.expect("an entry").path())
        .collect();
    assert_eq!(days.len(), 3, "{days:?}");
    let lines = lines(&lab, &bundles);
    let top = Path::new(env!("CARGO_MANIFEST_DIR"));
    let page = top.join("../docs/fleet.md");
    let ask = |page: &Path| {
        let mut ask = Command::new(&python);
        ask.arg(top.join("scripts/fleet.py")).arg(page).arg(dir.join("events")).arg(&lines);
        ask.current_dir(lab.root());
        ask
    };
    let s3 = format!("{}/evidence/prod/events", bucket.address);
    let told = must(ask(&page).args([&s3, "key", "secret"]));
    println!("{told}");
    let answers = answers(&told);
    assert_eq!(answers.iter().map(|answer| answer.0).collect::<Vec<_>>(), Vec::from_iter(1..=10));
    for (question, rows, readers) in &answers {
        assert!(*rows > 0 && *readers == 5, "question {question} shows little:\n{told}");
    }
    for (question, rows) in ROWS {
        assert!(
            answers.contains(&(question, rows, 5)),
            "question {question}, {rows} rows:\n{told}"
        );
    }

    // The same questions without their days have other answers, and the script says so.
    let text = fs::read_to_string(&page).expect("it reads");
    for (from, to, differ) in DAYLESS {
        assert!(text.contains(from), "docs/fleet.md has {from:?}");
        let changed = lab.root().join("changed.md");
        fs::write(&changed, text.replace(from, to)).expect("room");
        let output = ask(&changed).arg("--duckdb").output().expect("it starts");
        let told = said(&output);
        let named: Vec<u32> =
            (1..=10).filter(|n| told.contains(&format!("question {n}: duckdb says"))).collect();
        assert_eq!((output.status.code(), &named[..]), (Some(1), differ), "{to:?}: {told}");
    }
}
