//! Signals and limits in unusual places: they reach the command once, and never leave `audit` behind.
#![forbid(unsafe_code)]

use std::{
    os::unix::process::ExitStatusExt,
    process::{Command, Output, Stdio},
};

use rustix::process::{Pid, Signal, kill_process};
use xtests::{Lab, Terminal, wait};

/// `script` for bash in a session of its own, where `$AUDIT` is the program.
fn in_session(lab: &Lab, script: &str) -> Command {
    let mut command = Command::new("setsid");
    command.args(["--wait", "bash", "-c", script]).current_dir(lab.work());
    command.env("AUDIT", lab.program("audit")).env("AUDIT_HOME", lab.home());
    command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    command
}

fn said(output: &Output) -> String {
    String::from_utf8_lossy(&output.stdout).into_owned()
}

#[test]
fn a_caller_that_ignores_the_end_of_its_children_gets_the_status() {
    let lab = Lab::new();
    let script = "exec env --ignore-signal=CHLD \
        $AUDIT run --on-error run -- sh -c 'echo ran; exit 3'";
    let output = in_session(&lab, script).output().expect("setsid starts");
    assert_eq!(output.status.code(), Some(3), "{output:?}");
    assert_eq!(said(&output), "ran\n", "how often it ran");
}

#[test]
fn kill_0_inside_the_run_arrives_once() {
    let lab = Lab::new();
    let script = "exec $AUDIT run -- bash -c '
        n=0; trap \"n=\\$((n+1))\" USR1
        bash -c \"trap : USR1; kill -USR1 0; read -t 0.5 <> <(:)\"
        read -t 0.5 <> <(:)
        echo got $n'";
    let output = in_session(&lab, script).output().expect("setsid starts");
    assert_eq!(said(&output), "got 1\n", "{output:?}");
}

#[test]
fn a_script_that_shares_the_group_can_end_the_command() {
    let lab = Lab::new();
    let script = "mkfifo up; $AUDIT run -- sh -c 'echo up > up; exec sleep 1000' & 
        read word < up; kill -TERM $!; wait $!; echo $?";
    let output = in_session(&lab, script).output().expect("setsid starts");
    assert_eq!(said(&output), "143\n", "{output:?}");
}

#[test]
fn a_command_that_is_stopped_and_continued_without_a_terminal_ends_the_run() {
    let lab = Lab::new();
    let script = "exec $AUDIT run -- bash -c '
        (until grep -q \"^State:.T\" /proc/$$/status; do :; done; kill -CONT $$) &
        kill -STOP $$; exit 4'";
    let output = in_session(&lab, script).output().expect("setsid starts");
    assert_eq!(output.status.code(), Some(4), "{output:?}");
}

#[test]
fn a_command_that_stops_itself_on_a_terminal_stops_the_job() {
    let lab = Lab::new();
    let mut terminal = Terminal::new(&lab);
    terminal.line("audit run -- sh -c 'kill -STOP $$; echo went''on; exit 4'");
    terminal.expect("Stopped");
    terminal.expect("ready> ");
    terminal.line("fg");
    terminal.expect("wenton");
    terminal.expect("ready> ");
    terminal.line("echo status $?");
    terminal.expect("status 4");
    terminal.close();
}

#[test]
fn a_signal_while_the_recorder_is_not_ready_ends_audit_and_nothing_stays() {
    let lab = Lab::new();
    let running = lab.run(["sleep", "1000"]).start_ungated();
    let supervisor = running.supervisor();
    kill_process(supervisor, Signal::STOP).expect("it has just started");
    running.signal(Signal::TERM);
    let gone = |pid: Pid| !std::path::Path::new(&format!("/proc/{}", pid.as_raw_pid())).exists();
    // It is waited for, unless somebody asks again; continued, it goes by itself.
    kill_process(supervisor, Signal::CONT).expect("it is waited for");
    let (status, errors) = running.end();
    assert_eq!(status.signal(), Some(Signal::TERM.as_raw()), "{status}: {errors}");
    wait::until("the end of the supervisor", || gone(supervisor).then_some(()));
    assert_eq!(lab.runs(), Vec::<std::path::PathBuf>::new(), "what is left in the store");
}

#[test]
fn a_soft_limit_on_files_is_the_commands_alone() {
    let lab = Lab::new();
    let script = "ulimit -S -f 1; exec $AUDIT run -- bash -c 'ulimit -S -f
        for i in {1..50}; do /bin/true; done'";
    let output = in_session(&lab, script).output().expect("setsid starts");
    assert!(output.status.success(), "{output:?}");
    assert_eq!(said(&output), "1\n", "the command's limit");
}
