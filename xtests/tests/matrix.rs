//! Wherever it is started and however it ends, a command behind `audit run` looks to its caller like the
//! command alone: status, signal and output.
#![forbid(unsafe_code)]

use std::{
    fs,
    io::{BufRead, BufReader, Read},
    os::unix::{
        fs::PermissionsExt,
        process::{CommandExt, ExitStatusExt},
    },
    process::{Child, Command, Stdio},
};

use rustix::process::{Pid, Signal, kill_process, kill_process_group};
use xtests::{Lab, Terminal, wait};

/// Where no terminal is.
#[derive(Debug, Clone, Copy)]
enum Place {
    Pipe,
    Cron,
    Nohup,
    Service,
}

const PLACES: [Place; 4] = [Place::Pipe, Place::Cron, Place::Nohup, Place::Service];

/// What is done to the command once it is up.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Act {
    Nothing,
    Interrupt,
    StopAndContinue,
    Term,
}

/// How the command ends: a name, its script, what is done to it, and what the shell appends.
type Way = (&'static str, &'static str, Act, &'static str);

const WAYS: [Way; 10] = [
    ("exit 0", "echo =out; echo =err >&2", Act::Nothing, ""),
    ("exit 7", "echo =out; exit 7", Act::Nothing, ""),
    ("SIGTERM", "echo =out; kill -TERM $$", Act::Nothing, ""),
    ("SIGKILL", "echo =out; kill -KILL $$", Act::Nothing, ""),
    ("SIGSEGV", "ulimit -c 0; echo =out; kill -SEGV $$", Act::Nothing, ""),
    ("^C", "echo =up; exec sleep 1000", Act::Interrupt, ""),
    (
        "^Z and fg",
        "echo =up; until [ -e go ]; do sleep 0.05 & wait $!; done; echo =on; exit 3",
        Act::StopAndContinue,
        "",
    ),
    (
        "trap",
        "trap 'echo =trapped; exit 9' TERM; echo =up; while :; do sleep 0.05 & wait $!; done",
        Act::Term,
        "",
    ),
    ("background child", "(sleep 0.3; echo =late) & echo =out", Act::Nothing, ""),
    ("closed stdout", "echo =out; exit $?", Act::Nothing, " >&-"),
];

/// Makes the script that is the command.
fn script(lab: &Lab, body: &str) {
    let path = lab.work().join("t");
    let text = format!("#!/bin/bash\necho $$ $PPID > pids\n{body}\n");
    fs::write(&path, text).expect("room");
    fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).expect("it is ours");
    for file in ["go", "pids"] {
        let _ = fs::remove_file(lab.work().join(file));
    }
}

/// The process that the caller started: the command, or `audit` in front of it.
fn main_process(lab: &Lab, recorded: bool) -> Pid {
    let pids = fs::read_to_string(lab.work().join("pids")).expect("the command is up");
    let pid = pids.split_whitespace().nth(usize::from(recorded)).expect("two numbers");
    Pid::from_raw(pid.parse().expect("a number")).expect("not 0")
}

/// The command as the caller of `place` starts it.
fn command(lab: &Lab, place: Place, recorded: bool, redirect: &str) -> Command {
    let front = match recorded {
        true => format!("{} run -- ", lab.program("audit").display()),
        false => String::new(),
    };
    // In full: bash's exec makes it so for the command alone.
    let t = lab.work().join("t");
    let t = t.display();
    let line = match place {
        Place::Nohup => format!("exec nohup {front}{t}{redirect}"),
        // systemd starts services with SIGPIPE ignored.
        Place::Service => format!("trap '' PIPE; exec {front}{t}{redirect}"),
        Place::Pipe | Place::Cron => format!("exec {front}{t}{redirect}"),
    };
    let mut command = Command::new("/bin/bash");
    command.args(["-c", &line]).current_dir(lab.work()).process_group(0);
    if !matches!(place, Place::Pipe) {
        command.env_clear().env("PATH", "/usr/bin:/bin");
    }
    if matches!(place, Place::Service) {
        command.env("INVOCATION_ID", "00112233445566778899aabbccddeeff");
    }
    command.env("AUDIT_HOME", lab.home()).env("AUDIT_NO_BUILTIN", "1").env_remove("CI");
    command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    command
}

/// What the caller sees: status, signal, standard output, standard error.
type Seen = (Option<i32>, Option<i32>, String, String);

fn seen(lab: &Lab, place: Place, (_, body, act, redirect): Way, recorded: bool) -> Seen {
    script(lab, body);
    let mut child = command(lab, place, recorded, redirect).spawn().expect("bash starts");
    let mut out = BufReader::new(child.stdout.take().expect("a pipe"));
    let mut text = String::new();
    if act != Act::Nothing {
        out.read_line(&mut text).expect("it reads");
        assert_eq!(text, "=up\n", "{place:?}");
        do_to(lab, &child, act, recorded);
    }
    out.read_to_string(&mut text).expect("it reads");
    let mut errors = String::new();
    child.stderr.take().expect("a pipe").read_to_string(&mut errors).expect("it reads");
    let status = child.wait().expect("it ends");
    (status.code(), status.signal(), text, errors)
}

fn do_to(lab: &Lab, child: &Child, act: Act, recorded: bool) {
    let group = Pid::from_child(child);
    match act {
        Act::Nothing => {}
        Act::Interrupt => kill_process_group(group, Signal::INT).expect("it is there"),
        Act::Term => kill_process(main_process(lab, recorded), Signal::TERM).expect("it is there"),
        Act::StopAndContinue => {
            kill_process_group(group, Signal::TSTP).expect("it is there");
            // The command itself: without a terminal there is no job control, and `audit` goes on.
            let stat = format!("/proc/{}/stat", main_process(lab, false).as_raw_nonzero());
            let stopped = || fs::read_to_string(&stat).is_ok_and(|stat| stat.contains(") T "));
            wait::until_true("the command stops", stopped);
            kill_process_group(group, Signal::CONT).expect("it is there");
            fs::write(lab.work().join("go"), "").expect("room");
        }
    }
}

#[test]
fn without_a_terminal_the_caller_sees_the_command_as_if_it_were_alone() {
    let lab = Lab::new();
    for place in PLACES {
        for way in WAYS {
            let alone = seen(&lab, place, way, false);
            let recorded = seen(&lab, place, way, true);
            assert_eq!(alone, recorded, "{place:?}, {}: alone, and recorded", way.0);
        }
    }
    assert_eq!(lab.runs().len(), PLACES.len() * WAYS.len(), "each was recorded");
}

/// What the user of a terminal sees of the command: its lines and statuses, in order.
fn on_terminal(lab: &Lab, (_, body, act, redirect): Way, recorded: bool) -> Vec<String> {
    script(lab, body);
    let mut terminal = Terminal::new(lab);
    let front = if recorded { "audit run -- " } else { "" };
    // In two halves: what is typed is on the screen too.
    let end = "; echo \"=e\"\"nd $?\"";
    terminal.line(&format!("{front}./t{redirect}{end}"));
    let mut screen = String::new();
    if act != Act::Nothing {
        screen += &terminal.expect("=up");
        terminal.until_a_job_has_it();
    }
    match act {
        Act::Nothing => {}
        Act::Interrupt => terminal.keys("\x03"),
        Act::Term => kill_process(main_process(lab, recorded), Signal::TERM).expect("it is there"),
        Act::StopAndContinue => {
            terminal.keys("\x1a");
            screen += &terminal.expect("=end 148");
            terminal.line(&format!("fg{end}"));
            terminal.until_a_job_has_it();
            fs::write(lab.work().join("go"), "").expect("room");
        }
    }
    screen += &terminal.expect("=end ");
    screen += "=end ";
    screen += &terminal.expect("\n");
    let lines = screen.lines().map(|line| line.trim_matches('\r').to_owned());
    lines.filter(|line| line.starts_with('=')).collect()
}

#[test]
fn on_a_terminal_the_user_sees_the_command_as_if_it_were_alone() {
    let lab = Lab::new();
    for way in WAYS {
        // ^C ends the whole line of an interactive shell, what it would say of the end too; of what is
        // left in the background there is a test of its own in terminal.rs.
        if way.2 == Act::Interrupt || way.0 == "background child" {
            continue;
        }
        let alone = on_terminal(&lab, way, false);
        let recorded = on_terminal(&lab, way, true);
        assert!(alone.last().is_some_and(|line| line.starts_with("=end ")), "{alone:?}");
        assert_eq!(alone, recorded, "{}: alone, and recorded", way.0);
    }
    assert_eq!(lab.runs().len(), WAYS.len() - 2, "each was recorded");
}
