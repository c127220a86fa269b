//! `audit ship --findings nats://…`: a stream has each finding once, while the run goes on, whatever is killed.
#![forbid(unsafe_code)]

mod builtin;
mod server;

use std::{
    collections::BTreeMap,
    fs,
    process::{Child, Command, Output, Stdio},
};

use server::{Message, Server};
use xtests::{Lab, processes_running, wait};

/// A rule of which every new file `hit…` is a finding.
const RULES: &str = "rules:
  - {id: HIT, title: t, severity: high, when: {file: {op: create, path: '*/hit*'}}}
";

/// Makes such files until there is one named `stop`.
const JOB: &str = "i=0; while [ ! -e stop ]; do i=$((i+1)); : >hit$i; sleep 0.005; done";

/// A command that is recorded, judged by the rule.
fn recorded(lab: &Lab, script: &str) -> Command {
    let rules = lab.root().join("rules.yml");
    fs::write(&rules, RULES).expect("room");
    let run = lab.run(["sh", "-c", script]).with(["--quiet", "--rules"]).with([rules]);
    let mut command = run.into_process();
    command.stdin(Stdio::null());
    command
}

fn ship(lab: &Lab, arguments: &[&str]) -> Command {
    let _ = lab.program("audit-ship");
    let mut command = lab.audit();
    command.args(["ship", "--pause", "5ms", "--interval", "50ms", "--state"]);
    command.arg(lab.root().join("state")).args(arguments);
    for name in ["AUDIT_SHIP_NATS_USER", "AUDIT_SHIP_NATS_PASSWORD", "AUDIT_SHIP_NATS_TOKEN"] {
        command.env_remove(name);
    }
    command
}

fn watcher(lab: &Lab, address: &str) -> Child {
    let mut command = ship(lab, &["--watch", "--quiet", "--findings", address]);
    command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    command.spawn().expect("it starts")
}

fn kill(mut child: Child) {
    child.kill().expect("it lives");
    child.wait().expect("it ends");
}

/// How many processes `audit tail` there are.
fn readers(lab: &Lab) -> usize {
    let pids = processes_running(&lab.bin());
    let lines =
        pids.iter().filter_map(|pid| fs::read(format!("/proc/{}/cmdline", pid.as_raw_pid())).ok());
    lines.filter(|line| line.split(|byte| *byte == 0).any(|word| word == b"tail")).count()
}

fn said(output: &Output) -> String {
    [&output.stdout, &output.stderr].map(|it| String::from_utf8_lossy(it).into_owned()).concat()
}

fn ended(command: &mut Command, status: i32) -> String {
    let output = command.output().expect("it starts");
    assert_eq!(output.status.code(), Some(status), "{command:?}: {}", said(&output));
    said(&output)
}

/// Findings of all runs as the record has them: lines by `RUN:SEQ`.
fn of_the_record(lab: &Lab) -> BTreeMap<String, Vec<u8>> {
    let mut all = BTreeMap::new();
    for run in lab.runs() {
        let run = run.to_str().expect("text").to_owned();
        let told = lab.told(["query", &run, "--type", "finding", "--all", "--format", "jsonl"]);
        for line in told.lines() {
            let event: serde_json::Value = serde_json::from_str(line).expect("it is JSON");
            let id = format!("{}:{}", event["run"].as_str().expect("a run"), event["seq"]);
            assert_eq!(all.insert(id, line.as_bytes().to_vec()), None);
        }
    }
    all
}

/// The stream has every finding of the record, byte by byte, once, and nothing else; their number.
fn assert_each_once(lab: &Lab, server: &Server) -> usize {
    let (expected, messages) = (of_the_record(lab), server.messages());
    let kept: BTreeMap<String, Vec<u8>> =
        messages.iter().map(|Message { id, body }| (id.clone(), body.clone())).collect();
    assert_eq!(messages.len(), kept.len(), "no finding is there twice");
    assert_eq!(
        kept.keys().collect::<Vec<_>>(),
        expected.keys().collect::<Vec<_>>(),
        "nothing is lost, nothing is made up"
    );
    assert!(kept == expected, "lines are those of the record");
    kept.len()
}

#[test]
fn shippers_killed_while_a_run_goes_on_lose_and_duplicate_no_finding() {
    let lab = Lab::new();
    let Some(server) = Server::start(&lab.root().join("nats"), true, None) else { return };
    server.make_stream();
    let mut run = recorded(&lab, JOB).stdout(Stdio::null()).spawn().expect("it starts");
    let kills = 10;
    for at in 0..kills {
        let shipper = watcher(&lab, &server.address());
        let before = server.count();
        wait::until_true("findings arrive while the run goes on", || {
            server.count() > before + at % 3
        });
        kill(shipper);
        wait::until_true("its readers end with it", || readers(&lab) == 0);
    }
    assert_eq!(run.try_wait().expect("a child"), None, "the run goes on all the while");
    let live = server.count();
    fs::write(lab.work().join("stop"), "").expect("room");
    assert!(run.wait().expect("a child").success());
    let told = ended(&mut ship(&lab, &["--findings", &server.address()]), 0);
    let all = assert_each_once(&lab, &server);
    let dropped = told.matches("(was there)").count();
    println!("{kills} kills, {live} findings while the run went on, {all} in all, each once");
    println!("{dropped} were sent again at the end and dropped by the server");
    assert_eq!(ended(&mut ship(&lab, &["--findings", &server.address()]), 0), "");
    let status = ended(&mut ship(&lab, &["status", "--findings", &server.address()]), 0);
    assert!(status.contains(&format!("sent {all}, refused 0; runs with more 0")), "{status}");
    // Who lost the state sends all again, and the stream has each once.
    fs::remove_dir_all(lab.root().join("state")).expect("it was there");
    let told = ended(&mut ship(&lab, &["--findings", &server.address()]), 0);
    assert_eq!(told.matches("(was there)").count(), all);
    assert_each_once(&lab, &server);
}

#[test]
fn a_server_that_goes_away_and_comes_back_misses_nothing_and_no_run_waits_for_it() {
    let lab = Lab::new();
    let Some(mut server) = Server::start(&lab.root().join("nats"), true, None) else { return };
    server.make_stream();
    let shipper = watcher(&lab, &server.address());
    let script = "for i in 1 2 3 4 5 6 7 8 9; do : >hit$0$i; done";
    let record = |name: &str| {
        ended(&mut recorded(&lab, &script.replace("$0", name)), 0);
    };
    record("a");
    wait::until_true("the first run arrives", || server.count() == 9);
    server.goes_away();
    record("b");
    record("c");
    server.come_back();
    wait::until_true("what was recorded meanwhile arrives", || server.count() == 27);
    // It had them before it was killed, and is asked nothing again.
    server.goes_away();
    server.come_back();
    record("d");
    wait::until_true("what comes later arrives too", || server.count() == 36);
    kill(shipper);
    assert_eq!(assert_each_once(&lab, &server), 36);
    println!("36 findings of 4 runs, each once; the server was away twice");
}

#[test]
fn what_cannot_work_is_told_in_words() {
    let lab = Lab::new();
    let login = Some(("ana", "hunter2"));
    let Some(server) = Server::start(&lab.root().join("nats"), true, login) else { return };
    ended(&mut recorded(&lab, ": >hit"), 0);
    let try_at = |address: &str, password: &str, status: i32, words: &str| {
        let mut command = ship(&lab, &["--tries", "2", "--findings", address]);
        command.env("AUDIT_SHIP_NATS_USER", "ana").env("AUDIT_SHIP_NATS_PASSWORD", password);
        let told = ended(&mut command, status);
        assert!(told.contains(words) && !told.contains("hunter2"), "{told}");
    };
    let address = server.address();
    try_at("nats://ana:hunter2@localhost/x", "", 2, "holds no password");
    try_at("tls://localhost/x", "", 2, "TLS is not spoken to NATS");
    try_at("nats://192.0.2.1/x", "", 2, "nats:// shows everything");
    try_at(&address, "wrong", 1, "Authorization Violation");
    try_at(&address, "hunter2", 1, "no stream takes the subject audit.findings");
    ended(&mut ship(&lab, &["status", "--findings", &address]), 1);
    server.make_stream();
    try_at(&address, "hunter2", 0, "sent finding");
    assert_eq!(assert_each_once(&lab, &server), 1);
    let plain = Server::start(&lab.root().join("plain"), false, None).expect("it is there");
    try_at(&plain.address(), "", 1, "has no JetStream");
}
