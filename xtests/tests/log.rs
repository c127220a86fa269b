//! `audit run --log`: a copy of the events, and nothing but a copy.
#![forbid(unsafe_code)]

use std::{fs, os::unix::fs::PermissionsExt, process::Command};

use xtests::Lab;

#[test]
fn the_log_has_every_event_of_every_run_line_by_line() {
    let lab = Lab::new();
    let log = lab.root().join("log");
    let mut expected = Vec::new();
    for word in ["one", "two"] {
        let run = lab.run(["sh", "-c", &format!("echo {word} >{word}; cat {word}")]);
        let run = run.with(["--log".as_ref(), log.as_os_str()]).succeed();
        run.assert_whole();
        expected.extend(lab.ask(["export", run.id(), "--format", "jsonl"]).stdout);
    }
    let logged = fs::read(&log).expect("it reads");
    assert!(logged == expected, "{}", String::from_utf8_lossy(&logged));
    assert_eq!(fs::metadata(&log).expect("it is there").permissions().mode() & 0o777, 0o600);
}

#[test]
fn a_log_that_cannot_be_had_is_refused_before_the_command_starts() {
    let lab = Lab::new();
    let made = lab.work().join("made");
    let mut audit = lab.audit();
    audit.args(["run", "--log", "/nonexistent/log", "--", "touch"]).arg(&made);
    let output = audit.output().expect("audit starts");
    let errors = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(125), "{errors}");
    assert!(errors.starts_with("audit: cannot log to /nonexistent/log: "), "{errors}");
    assert!(!made.exists(), "the command ran");
}

#[test]
fn a_log_that_fills_up_costs_the_record_nothing() {
    let lab = Lab::new();
    let run = lab.run(["sh", "-c", "exit 7"]).with(["--log", "/dev/full"]).record();
    assert_eq!(run.status.code(), Some(7), "{}", run.errors());
    run.assert_whole();
    let errors = run.errors();
    assert!(errors.contains("cannot log to /dev/full: no space left on device"), "{errors}");
    assert!(errors.contains("audit export"), "what to do: {errors}");
}

#[test]
fn a_log_whose_reader_goes_away_costs_neither_status_nor_record() {
    let lab = Lab::new();
    let fifo = lab.root().join("fifo");
    let made = Command::new("mkfifo").arg(&fifo).status().expect("mkfifo starts");
    assert!(made.success());
    // Opened, so that the log opens as well, and gone before its first line.
    let mut reader = Command::new("sh")
        .args(["-c", "exec 3<\"$0\""])
        .arg(&fifo)
        .spawn()
        .expect("a shell starts");
    let run = lab.run(["sh", "-c", "exit 7"]).with(["--log".as_ref(), fifo.as_os_str()]).record();
    assert_eq!(run.status.code(), Some(7), "{}", run.errors());
    reader.wait().expect("it ends");
    run.assert_whole();
    assert!(run.errors().contains("cannot log to"), "{}", run.errors());
}
