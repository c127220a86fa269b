//! Files by io_uring, which no system call of the program tells of (docs/coverage.md).
#![forbid(unsafe_code)]

use std::{
    fs::{self, Permissions},
    os::unix::fs::PermissionsExt,
    path::{Path, PathBuf},
};

use xtests::{Lab, Recorded, not_run};

fn place(lab: &Lab, name: &str) -> PathBuf {
    let dir = lab.work().join(name);
    fs::create_dir(&dir).expect("a new directory");
    for file in ["read", "old", "gone"] {
        fs::write(dir.join(file), "12345678").expect("room");
        fs::set_permissions(dir.join(file), Permissions::from_mode(0o666)).expect("ours");
    }
    fs::set_permissions(&dir, Permissions::from_mode(0o777)).expect("ours");
    dir
}

/// Records `uring MODE`; `None` where the kernel refuses io_uring, which is told.
fn record(lab: &Lab, mode: &str, options: &[&str], dir: &Path) -> Option<Recorded> {
    let mut run = lab.run([lab.tester("uring").as_os_str(), mode.as_ref()]).with(options);
    run.process.current_dir(dir);
    let run = run.record();
    if run.status.code() == Some(77) {
        not_run(&format!("io_uring, {mode} {options:?}"), "this kernel refuses io_uring_setup");
        return None;
    }
    assert_eq!(run.status.code(), Some(0), "{mode}: {}", run.errors());
    Some(run)
}

fn check(mode: &str) {
    let lab = Lab::new();
    let exe = lab.tester("uring");
    for (number, options) in [&["--mount-ns", "off"], &["--user", "4242"]].iter().enumerate() {
        let dir = place(&lab, &format!("{number}"));
        let Some(run) = record(&lab, mode, *options, &dir) else { continue };
        let told = [
            "create made x1",
            "delete gone x1",
            "read read x1",
            "rename old -> new",
            "write made x1",
        ];
        assert_eq!(run.told_of(&exe, &dir), told, "{mode} {options:?}");
        // Worker threads and the kernel's polling thread are threads of the program.
        let main = run.execs_of(&exe).next().and_then(|exec| exec.number("pid"));
        for event in run.of("file", "").filter(|e| Path::new(e.text("path")).starts_with(&dir)) {
            assert_eq!(event.number("pid"), main, "{event:?}");
        }
        run.assert_whole();
    }
}

#[test]
fn requests_done_at_once_are_told_as_calls_are() {
    check("inline");
}

#[test]
fn requests_done_by_worker_threads_are_told_of_their_program() {
    check("async");
}

#[test]
fn requests_that_a_kernel_thread_took_are_told_of_their_program() {
    check("sqpoll");
}

#[test]
fn files_that_are_in_no_descriptor_table_are_told() {
    check("fixed");
}

#[test]
fn a_file_that_only_the_ring_holds_is_told_from_its_open() {
    let lab = Lab::new();
    let exe = lab.tester("uring");
    let dir = place(&lab, "registered");
    let Some(run) = record(&lab, "registered", &["--mount-ns", "off"], &dir) else { return };
    assert_eq!(run.told_of(&exe, &dir), ["create made x1", "write made x1"]);
    let write = run.at("write", &dir.join("made")).next().expect("one");
    assert!(write.flag("open_only"), "{write:?}");
}

#[test]
fn files_that_io_uring_opened_into_slots_and_left_there_are_told() {
    let lab = Lab::new();
    let exe = lab.tester("uring");
    for (mode, options) in [
        ("kept", &["--mount-ns", "off"]),
        ("kept-closed", &["--mount-ns", "off"]),
        ("kept", &["--user", "4242"]),
    ] {
        let dir = place(&lab, &format!("{mode}{}", options[1]));
        let Some(run) = record(&lab, mode, options, &dir) else { continue };
        let told = ["create made x1", "read read x1", "write made x1"];
        assert_eq!(run.told_of(&exe, &dir), told, "{mode} {options:?}");
        for (op, name) in [("write", "made"), ("read", "read")] {
            // A worker of the kernel that gives the ring's files back may be told as well, as a stranger.
            let path = dir.join(name);
            let own = |event: &&xtests::Event| exe == std::path::Path::new(event.text("exe"));
            let event = run.at(op, &path).find(own).expect("one");
            assert!(event.flag("open_only"), "{event:?}");
        }
        run.assert_whole();
    }
}
