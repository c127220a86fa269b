//! What the command leaves behind is recorded until nobody is left, or for so long as is asked.
#![forbid(unsafe_code)]

use std::{fs, path::Path, time::Duration};

use rustix::process::{Pid, Signal, kill_process};
use xtests::{Lab, Recorded, processes_running, wait};

#[test]
fn a_daemon_is_recorded_until_it_ends() {
    let lab = Lab::new();
    let (daemonizer, file) = (lab.program("daemonizer"), lab.work().join("word"));
    let running = lab
        .run([daemonizer.as_os_str(), file.as_os_str()])
        .with(["--linger", "120s"])
        .start_ungated();
    wait::until_true("the daemon", || file.with_extension("here").exists());
    wait::until_true("the command's end", || processes_running(&daemonizer).len() == 1);
    let daemon = processes_running(&daemonizer);
    say(&file, "go");
    let run = running.record();
    assert!(run.status.success(), "{}", run.errors());
    run.assert_whole();
    let [daemon] = daemon.as_slice() else { panic!("{} daemons", daemon.len()) };
    let pid = u64::from(daemon.as_raw_pid().cast_unsigned());
    let reads: Vec<_> = run.at("read", &file).collect();
    assert_eq!(reads.len(), 1, "reads of {}", file.display());
    assert_eq!(reads.first().and_then(|event| event.number("pid")), Some(pid), "{reads:?}");
    let exits = run.of("process", "exit").filter(|event| event.number("pid") == Some(pid)).count();
    assert_eq!(exits, 1, "the daemon's end");
    assert_eq!(run.end().text("ending"), "empty", "{:?}", run.end());
}

#[test]
fn a_record_that_ends_before_its_processes_says_who_is_left_and_lets_them_be() {
    let lab = Lab::new();
    let script = "sleep 1000 >/dev/null 2>&1 & echo $!; exit 3";
    let run = lab.run(["sh", "-c", script]).with(["--linger", "300ms"]).record();
    assert_eq!(run.status.code(), Some(3), "the command's own status: {}", run.errors());
    assert_eq!(run.verdict(), "partial", "{:?}", run.reasons());
    let reasons = run.reasons().join("; ");
    assert!(reasons.contains("alive"), "no reason tells of who is left: {reasons}");
    assert_eq!(run.end().text("ending"), "lingered", "{:?}", run.end());
    assert_eq!(run.end().number("alive"), Some(1), "{:?}", run.end());
    let pid: i32 = String::from_utf8_lossy(&run.stdout).trim().parse().expect("a pid");
    let pid = Pid::from_raw(pid).expect("a pid");
    kill_process(pid, Signal::KILL).expect("it was left alone");
    lab.remove_leaf(run.id());
}

#[test]
fn without_waiting_the_command_is_over_when_it_ends_and_the_record_when_all_have() {
    let lab = Lab::new();
    let (daemonizer, file) = (lab.program("daemonizer"), lab.work().join("word"));
    let mut audit = lab.audit();
    audit.args(["run", "--no-wait", "--linger", "120s", "--"]).arg(&daemonizer).arg(&file);
    let ended = audit.output().expect("it starts");
    assert_eq!((ended.status.code(), ended.stderr.len()), (Some(0), 0), "{ended:?}");
    assert_eq!(processes_running(&daemonizer).len(), 1, "the daemon goes on");
    let dir = lab.runs().pop().expect("a run");
    let seal = dir.join("segments/seal");
    assert!(!seal.exists(), "and so does its record");
    say(&file, "go");
    wait::until_true("the seal", || seal.exists());
    let done = lab.ask(["view".as_ref(), dir.as_os_str()]);
    let run = Recorded::read(&dir, done.status, done.stdout, done.stderr);
    run.assert_whole();
    assert_eq!(run.at("read", &file).count(), 1, "what the daemon did then");
    let refused = lab.ask(["run", "--no-wait", "--strict", "--", "true"]);
    assert_eq!(refused.status.code(), Some(125), "there is nothing to judge by yet");
}

#[test]
fn nothing_is_waited_for_when_nothing_is_left() {
    let lab = Lab::new();
    let begun = std::time::Instant::now();
    let run = lab.run(["true"]).with(["--linger", "300s"]).succeed();
    run.assert_whole();
    assert!(begun.elapsed() < Duration::from_secs(30), "it took {:?}", begun.elapsed());
}

#[test]
fn a_pipe_behind_the_command_ends_when_the_command_does() {
    let lab = Lab::new();
    // The daemon has closed the pipe; whoever else held it would keep `cat` waiting.
    let (daemonizer, file) = (lab.program("daemonizer"), lab.work().join("word"));
    let mut running = lab
        .run([daemonizer.as_os_str(), file.as_os_str()])
        .with(["--linger", "120s"])
        .start_ungated();
    wait::until_true("the daemon", || file.with_extension("here").exists());
    let holders = running.holders_of_stdout();
    say(&file, "go");
    running.expect_end();
    let run = running.record();
    assert!(run.status.success(), "{}", run.errors());
    // The front has it as any parent would that waits for its child; the recorder must not.
    assert_eq!(holders, ["audit"], "who holds the pipe while only the daemon is left");
}

#[test]
fn a_process_moved_out_of_the_cgroup_stays_recorded() {
    let lab = Lab::new();
    let file = lab.work().join("file");
    fs::write(&file, "x").expect("room");
    // The way out that root has: another cgroup. This shell writes itself there.
    let script =
        "root=$(awk '$9 == \"cgroup2\" || / - cgroup2 / {print $5; exit}' /proc/self/mountinfo)
        echo $$ > \"$root/cgroup.procs\" && exec cat \"$1\"";
    let words = ["sh", "-c", script, "sh"].map(AsRef::as_ref);
    let run = lab.run(words.into_iter().chain([file.as_os_str()])).succeed();
    assert_eq!(run.number_of("process", "left"), 1, "leaving is told");
    let reads = run.at("read", &file).count();
    assert_eq!(reads, 1, "what it did afterwards");
    let execs = run.of("exec", "").filter(|event| event.text("exe").ends_with("/cat")).count();
    assert_eq!(execs, 1, "what it executed afterwards");
    run.assert_adds_up();
}

/// Makes a file that has its text from the beginning: of an empty one nothing would be read.
fn say(file: &Path, text: &str) {
    let unseen = file.with_extension("new");
    fs::write(&unseen, text).expect("room");
    fs::rename(&unseen, file).expect("the same directory");
}
