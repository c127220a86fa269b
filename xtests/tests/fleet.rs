//! Three machines, one store: the questions of docs/fleet.md have one answer, by DuckDB, by ClickHouse's
//! engine and by the record itself, from a directory and from a bucket.
#![forbid(unsafe_code)]

use std::{
    fs,
    net::{TcpListener, TcpStream},
    path::{Path, PathBuf},
    process::{Child, Command, Output, Stdio},
};

use xtests::{Lab, not_run, wait};

/// What each machine runs: a set-uid program, a key for somebody, a packet to somewhere.
const JOB: &str = "cp /bin/true suid; chmod u+s suid; setpriv --reuid 65534 --clear-groups ./suid
mkdir -p .ssh; echo key >.ssh/authorized_keys
for n in 1 2 3; do echo hello; done >/dev/udp/192.0.2.$1/9
exec 3<>/dev/tcp/127.0.0.1/1 || true";

/// A machine of its own by name and network; what is sent there goes nowhere.
const MACHINE: &str = "hostname \"$1\"; shift
ip link set lo up; ip addr add 192.0.2.1/24 dev lo; exec \"$@\"";

fn said(output: &Output) -> String {
    [&output.stdout, &output.stderr].map(|it| String::from_utf8_lossy(it).into_owned()).concat()
}

fn must(command: &mut Command) -> String {
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

/// Records `script` on the machine `host`, as the job `name`.
fn record(lab: &Lab, host: &str, name: &str, script: &str, argument: &str) -> Option<i32> {
    let mut command = Command::new("unshare");
    command.args(["--uts", "--net", "sh", "-c", MACHINE, "sh", host]).arg(lab.program("audit"));
    command.args(["run", "--quiet", "--hash", "--name", name, "--", "bash", "-c", script, "bash"]);
    command.arg(argument).env("AUDIT_HOME", lab.home()).env_remove("AUDIT_RUN_ID").env_remove("CI");
    let work = lab.work().join(host);
    fs::create_dir_all(&work).expect("room");
    command.current_dir(work).stdin(Stdio::null()).output().expect("it starts").status.code()
}

/// The bundles that were shipped to a directory: one for each run, by day and machine.
fn bundles(dir: &Path) -> Vec<PathBuf> {
    let below = |dir: PathBuf| {
        let entries = fs::read_dir(dir).expect("it is there");
        entries.map(|entry| entry.expect("an entry").path())
    };
    below(dir.to_owned()).flat_map(below).flat_map(below).collect()
}

/// moto's S3 on a port of this machine; gone with the test.
struct Bucket {
    child: Child,
    address: String,
}

impl Bucket {
    fn start(python: &Path) -> Bucket {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        let port = listener.local_addr().expect("an address").port();
        drop(listener);
        let program = python.with_file_name("moto_server");
        let mut command = Command::new(program);
        command.args(["-H", "127.0.0.1", "-p", &port.to_string()]);
        command.stdout(Stdio::null()).stderr(Stdio::null());
        let child = command.spawn().expect("it starts");
        let bucket = Bucket { child, address: format!("http://127.0.0.1:{port}") };
        wait::until_true("moto listens", || TcpStream::connect(("127.0.0.1", port)).is_ok());
        let make =
            "import sys, urllib.request as r; r.urlopen(r.Request(sys.argv[1], method='PUT'))";
        let place = format!("{}/evidence", bucket.address);
        must(Command::new(python).args(["-c", make, &place]));
        bucket
    }

    fn ship(&self, lab: &Lab, state: &str, arguments: &[&str]) -> String {
        let _ = lab.program("audit-ship");
        let mut command = lab.audit();
        command.args([
            "ship",
            "--endpoint",
            &self.address,
            "--to",
            "s3://evidence/prod",
            "--state",
        ]);
        command.arg(lab.root().join(state)).args(arguments);
        command.env("AWS_ACCESS_KEY_ID", "key").env("AWS_SECRET_ACCESS_KEY", "secret");
        must(command.env_remove("AWS_SESSION_TOKEN"))
    }
}

impl Drop for Bucket {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

#[test]
fn ten_questions_have_one_answer_by_every_reader() {
    let lab = Lab::new();
    for (host, name, to) in
        [("web-1", "deploy", "7"), ("web-2", "deploy", "8"), ("db", "backup", "7")]
    {
        assert_eq!(record(&lab, host, name, JOB, to), Some(0), "{host}");
    }
    // Another second, as runs are told apart by their times; a failure with something new in it.
    std::thread::sleep(std::time::Duration::from_millis(1100));
    let failing = "cp /bin/uname odd; ./odd >made; cat made >/dev/null; exit 3";
    assert_eq!(record(&lab, "web-2", "deploy", failing, ""), Some(3));
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

    let lines = lab.root().join("lines.jsonl");
    let bundles = bundles(&dir.join("bundles"));
    assert_eq!(bundles.len(), 4, "{bundles:?}");
    // Whoever reads the evidence has none of our runs.
    let all: String = bundles
        .iter()
        .map(|path| {
            let mut ask = lab.audit();
            ask.args(["query", "--all", "--format", "jsonl"]).arg(path);
            ask.env("AUDIT_HOME", lab.root().join("none"));
            ask.env("XDG_CACHE_HOME", lab.root().join("cache"));
            let output = ask.output().expect("it starts");
            assert!(output.status.success(), "{}", said(&output));
            String::from_utf8(output.stdout).expect("lines are text")
        })
        .collect();
    fs::write(&lines, all).expect("room");
    let top = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut ask = Command::new(&python);
    ask.arg(top.join("scripts/fleet.py")).arg(top.join("../docs/fleet.md"));
    ask.arg(dir.join("events")).arg(&lines);
    ask.arg(format!("{}/evidence/prod/events", bucket.address)).args(["key", "secret"]);
    let told = must(ask.current_dir(lab.root()));
    println!("{told}");
    let with_rows = told.lines().filter(|line| !line.contains(": 0 rows")).count();
    assert_eq!(told.lines().filter(|line| line.contains("by 5 readers")).count(), 10, "{told}");
    assert!(with_rows >= 8, "questions without an answer show little:\n{told}");
}
