//! What cannot be run or recorded is told before anything is started.
#![forbid(unsafe_code)]

use std::{
    fs::{self, Permissions},
    os::unix::{fs::PermissionsExt, process::CommandExt},
    path::{Path, PathBuf},
    process::{Command, Output},
};

use xtests::{Lab, Recorded, Tmpfs};

#[test]
fn an_unknown_command_gives_127() {
    let lab = Lab::new();
    for name in ["no-such-command-here", "./no-such-file", "/no/such/file", ""] {
        let output = lab.ask(["run", "--", name]);
        assert_status(&output, 127, name);
        assert!(says(&output).contains("audit: "), "no word of explanation: {}", says(&output));
    }
}

#[test]
fn what_cannot_be_executed_gives_126() {
    let lab = Lab::new();
    let text = lab.work().join("text");
    fs::write(&text, "#!/bin/sh\n").expect("room");
    fs::set_permissions(&text, Permissions::from_mode(0o644)).expect("ours");
    let loose = lab.work().join("loose");
    fs::write(&loose, "#!/no/such/interpreter\n").expect("room");
    fs::set_permissions(&loose, Permissions::from_mode(0o755)).expect("ours");
    for (path, status) in [(text, 126), (lab.work(), 126), (loose, 127)] {
        let as_env = Command::new("env").arg(&path).output().expect("env starts");
        assert_status(&as_env, status, "what env says");
        let output = lab.ask(["run".as_ref(), "--".as_ref(), path.as_os_str()]);
        assert_status(&output, status, &path.display().to_string());
        assert!(says(&output).contains("audit: "), "no word of explanation: {}", says(&output));
    }
}

#[test]
fn a_script_without_its_first_line_is_run_by_the_shell_as_env_does_it() {
    let lab = Lab::new();
    let script = lab.work().join("script");
    fs::write(&script, "exit 5\n").expect("room");
    fs::set_permissions(&script, Permissions::from_mode(0o755)).expect("ours");
    let run = lab.run([&script]).record();
    assert_eq!(run.status.code(), Some(5), "{}", run.errors());
    assert_eq!(run.number_of("exec", ""), 1, "the shell");
}

#[test]
fn the_record_of_a_command_that_was_not_found_has_no_exec() {
    let lab = Lab::new();
    let output = lab.ask(["run", "--", "no-such-command-here"]);
    assert_status(&output, 127, "no such command");
    let page = lab.ask(["view", "last"]);
    assert_status(&page, 0, "the page of the run");
    let run = read_only_run(&lab.home(), &page);
    assert_eq!(run.number_of("exec", ""), 0, "nothing was executed");
    assert_eq!(run.end().number("code"), Some(127), "{:?}", run.end());
    run.assert_adds_up();
}

#[test]
fn without_the_right_to_record_the_command_is_not_started_and_the_fix_is_told() {
    let lab = Lab::new();
    let marker = lab.work().join("marker");
    let mut command = touching(&lab, &marker, &lab.work().join("store"));
    let output = command.uid(4242).gid(4242).output().expect("audit starts");
    check_not_started(&output, &marker);
    let text = says(&output);
    assert!(text.contains("sudo"), "no command that fixes it: {text}");
}

#[test]
fn on_error_run_runs_the_command_without_a_record_and_warns_once() {
    let lab = Lab::new();
    let marker = lab.work().join("marker");
    let mut command = lab.audit();
    command.env("AUDIT_HOME", lab.work().join("store"));
    command.args(["run", "--on-error", "run", "--", "sh", "-c", "touch \"$1\"; exit 7", "sh"]);
    let output = command.arg(&marker).uid(4242).gid(4242).output().expect("audit starts");
    assert_status(&output, 7, "the command's own status");
    assert!(marker.exists(), "the command was not run: {}", says(&output));
    assert!(says(&output).contains("audit: "), "no warning: {}", says(&output));
}

#[test]
fn a_full_disk_is_found_before_the_command_is_started() {
    let lab = Lab::new();
    let disk = Tmpfs::new(&lab.root().join("small"), 512);
    disk.fill();
    let marker = lab.work().join("marker");
    let output = touching(&lab, &marker, &lab.root().join("small/store")).output();
    check_not_started(&output.expect("audit starts"), &marker);
}

#[test]
fn a_read_only_store_is_found_before_the_command_is_started() {
    let lab = Lab::new();
    let disk = Tmpfs::new(&lab.root().join("small"), 512);
    disk.make_read_only();
    let marker = lab.work().join("marker");
    let output = touching(&lab, &marker, &lab.root().join("small/store")).output();
    check_not_started(&output.expect("audit starts"), &marker);
}

#[test]
fn a_store_that_is_a_file_is_found_before_the_command_is_started() {
    let lab = Lab::new();
    let store = lab.work().join("store");
    fs::write(&store, "x").expect("room");
    let marker = lab.work().join("marker");
    let output = touching(&lab, &marker, &store).output();
    check_not_started(&output.expect("audit starts"), &marker);
}

#[test]
fn a_disk_that_fills_up_meanwhile_stops_the_record_and_not_the_command() {
    let lab = Lab::new();
    let store = lab.root().join("small");
    let disk = Tmpfs::new(&store, 4096);
    let marker = lab.work().join("marker");
    // Fills the disk, then does more than the recorder can have kept in memory.
    let script = "dd if=/dev/zero of=\"$2/filler\" bs=4096 2>/dev/null; \
                  \"$3\" 3000 \"$4\"; touch \"$1\"; exit 7";
    let mut command = lab.audit();
    command.env("AUDIT_HOME", &store).args(["run", "--", "sh", "-c", script, "sh"]);
    command.arg(&marker).arg(&store).arg(lab.program("spawner")).arg(lab.nothing());
    let output = command.output().expect("audit starts");
    assert_status(&output, 7, "the command's own status");
    assert!(marker.exists(), "the command did not come to its end: {}", says(&output));
    // Once there is room again, the record tells what it has and what it lacks.
    fs::remove_file(store.join("filler")).expect("it is there");
    let page = lab.audit().env("AUDIT_HOME", &store).args(["view", "last"]).output();
    let page = page.expect("audit starts");
    assert!(page.status.success(), "{}", says(&page));
    let text = String::from_utf8_lossy(&page.stdout).into_owned();
    assert!(text.contains("partial") || text.contains("truncated"), "no word of it: {text}");
    let run = read_only_run(&store, &page);
    assert_eq!(run.verdict(), "partial", "{:?}", run.reasons());
    run.assert_adds_up();
    let lost: u64 = run.losses().iter().filter(|loss| loss.cause == "disk").map(|l| l.count).sum();
    assert!(lost > 0, "nothing was lost to the disk: {:?}", run.losses());
    drop(disk);
}

/// `audit run` of a command that makes `marker`, with its store in `store`.
fn touching(lab: &Lab, marker: &Path, store: &Path) -> Command {
    let mut command = lab.audit();
    command.env("AUDIT_HOME", store).args(["run", "--", "touch"]).arg(marker);
    command
}

fn check_not_started(output: &Output, marker: &Path) {
    assert_status(output, 125, "not recorded");
    assert!(!marker.exists(), "the command was started: {}", says(output));
    let text = says(output);
    assert!(text.starts_with("audit: cannot "), "not `audit: cannot VERB OBJECT`: {text}");
}

fn assert_status(output: &Output, expected: i32, what: &str) {
    assert_eq!(output.status.code(), Some(expected), "{what}: {}: {}", output.status, says(output));
}

fn says(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

fn read_only_run(store: &Path, page: &Output) -> Recorded {
    let dirs: Vec<PathBuf> = fs::read_dir(store.join("runs"))
        .expect("a store")
        .filter_map(|entry| Some(entry.ok()?.path()))
        .filter(|path| path.is_dir())
        .collect();
    let [dir] = dirs.as_slice() else { panic!("{} runs", dirs.len()) };
    Recorded::read(dir, page.status, Vec::new(), page.stderr.clone())
}
