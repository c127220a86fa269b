//! The command cannot tell that it is recorded, and neither can its caller.
#![forbid(unsafe_code)]

use std::{
    ffi::OsString,
    fs,
    os::unix::process::ExitStatusExt,
    process::{Command, Stdio},
};

use rustix::process::Signal;
use xtests::Lab;

#[test]
fn exit_statuses_are_the_commands() {
    let lab = Lab::new();
    for code in [0, 1, 2, 3, 42, 100, 124, 125, 126, 127, 128, 130, 143, 200, 254, 255] {
        let run = lab.run(exit_with(&lab, "code", code)).record();
        assert_eq!(run.status.code(), Some(code), "status of audit: {}", run.errors());
        assert_eq!(run.end().0.get("code").and_then(|n| n.as_i64()), Some(code.into()), "recorded");
        assert_eq!(run.errors(), "", "words on standard error");
    }
}

#[test]
fn a_command_that_dies_by_a_signal_takes_audit_with_it_by_the_same_signal() {
    let lab = Lab::new();
    for signal in [
        Signal::HUP,
        Signal::INT,
        Signal::QUIT,
        Signal::ABORT,
        Signal::KILL,
        Signal::SEGV,
        Signal::TERM,
        Signal::USR1,
        Signal::XCPU,
    ] {
        let number = signal.as_raw();
        let run = lab.run(exit_with(&lab, "signal", number)).record();
        assert_eq!(run.status.signal(), Some(number), "audit's end: {}", run.status);
        assert!(!run.status.core_dumped(), "a core of audit itself, signal {number}");
        assert_eq!(run.end().number("signal"), Some(number as u64), "recorded: {:?}", run.end());
        let exits = run.of("process", "exit").filter(|e| e.number("signal") == Some(number as u64));
        assert_eq!(exits.count(), 1, "the exit of the command, signal {number}");
    }
}

#[test]
fn signals_sent_to_audit_reach_the_command() {
    let lab = Lab::new();
    let script =
        "for s in HUP INT QUIT USR1 USR2 TERM WINCH ALRM URG PWR IO; do trap \"got=$s\" $s; done
        while [ \"$got\" != TERM ]; do
            got=
            echo ready
            while [ -z \"$got\" ]; do sleep 0.02; done
            echo $got
        done; exit 9";
    let mut running = lab.run(["bash", "-c", script]).start_ungated();
    for (signal, name) in [
        (Signal::HUP, "HUP"),
        (Signal::INT, "INT"),
        (Signal::QUIT, "QUIT"),
        (Signal::USR1, "USR1"),
        (Signal::USR2, "USR2"),
        (Signal::WINCH, "WINCH"),
        (Signal::ALARM, "ALRM"),
        (Signal::URG, "URG"),
        (Signal::POWER, "PWR"),
        (Signal::IO, "IO"),
        (Signal::TERM, "TERM"),
    ] {
        running.expect("ready");
        running.signal(signal);
        running.expect(name);
    }
    let run = running.record();
    assert_eq!(run.status.code(), Some(9), "{}", run.errors());
    run.assert_adds_up();
}

#[test]
fn a_command_that_stops_goes_on_when_audit_is_continued() {
    let lab = Lab::new();
    let script = "echo $$ >pid; echo ready; read go; kill -STOP $$; echo on";
    let mut running = lab.run(["sh", "-c", script]).start_ungated();
    running.expect("ready");
    let pid = fs::read_to_string(lab.work().join("pid")).expect("it is there");
    let pid: i32 = pid.trim().parse().expect("a pid");
    running.go();
    xtests::wait::until_true("the command to be stopped", || state_of(pid) == 'T');
    // Where there is a terminal there is job control, and `audit` stops with its command
    // (terminal.rs); elsewhere nobody would continue it.
    let front = running.front().as_raw_pid();
    if fs::File::open("/dev/tty").is_ok() {
        xtests::wait::until_true("audit to be stopped", || state_of(front) == 'T');
    } else {
        assert_ne!(state_of(front), 'T', "stopped where there is no job control");
    }
    running.signal(Signal::CONT);
    running.expect("on");
    let run = running.record();
    assert!(run.status.success(), "{}: {}", run.status, run.errors());
}

#[test]
fn what_a_process_sees_of_its_start_is_the_same_with_audit_and_without() {
    let lab = Lab::new();
    let plain = portrait(&lab, "exec", &[]);
    assert!(plain.len() > 40, "the portrait has its parts: {plain:?}");
    let recorded = portrait(&lab, "exec", &["run", "--"]);
    let (added, rest): (Vec<String>, Vec<String>) =
        recorded.into_iter().partition(|line| line.starts_with("env AUDIT_RUN_ID="));
    assert_eq!(added.len(), 1, "one variable is added");
    assert_lines(&rest, &plain);
    assert_lines(&portrait(&lab, "exec", &["run", "--no-env", "--"]), &plain);
}

#[test]
fn odd_inheritance_arrives_unchanged() {
    let lab = Lab::new();
    let odd = "umask 027; ulimit -n 512; ulimit -s 4096; ulimit -S -c 0; cd /; \
               exec 3</dev/null 7</etc/passwd 9>/dev/null 63</dev/zero; \
               exec nice -n 3 env --block-signal=USR1,TERM,CHLD --ignore-signal=HUP,INT,PIPE \
               --default-signal=QUIT ODD='a\nb' EMPTY= ";
    let plain = portrait(&lab, odd, &[]);
    let recorded = portrait(&lab, odd, &["run", "--no-env", "--"]);
    assert_lines(&recorded, &plain);
    let has = |line: &str| plain.iter().any(|known| known.contains(line));
    for line in ["fd 63", "nice Ok(3)", "Umask:\t0027", "env EMPTY="] {
        assert!(has(line), "the set-up itself failed, no {line:?}: {plain:?}");
    }
}

#[test]
fn standard_streams_are_the_callers_own() {
    let lab = Lab::new();
    let mut running =
        lab.run(["sh", "-c", "readlink /proc/$$/fd/1; cat; echo problem >&2"]).start_ungated();
    let own =
        fs::read_link(format!("/proc/{}/fd/1", running.front().as_raw_pid())).expect("a pipe");
    running.expect(own.to_str().expect("a plain name"));
    running.go();
    running.expect("go");
    let run = running.record();
    assert!(run.status.success());
    assert_eq!(run.errors(), "problem\n", "standard error has the command's words alone");
}

#[test]
fn the_commands_parent_is_audit_and_its_name_is_as_typed() {
    let lab = Lab::new();
    let mut running = lab.run(["sh", "-c", "echo $PPID; echo $0; read go"]).start_ungated();
    running.expect(&running.front().as_raw_pid().to_string());
    running.expect("sh");
    running.go();
    let run = running.record();
    let main = run.of("exec", "").next().expect("the command's exec");
    assert_eq!(main.list("argv").first().copied(), Some("sh"), "{main:?}");
}

#[test]
fn options_of_the_command_are_not_options_of_audit() {
    let lab = Lab::new();
    let output = lab.ask(["run", "echo", "--name", "x", "-q", "--", "y"]);
    assert_eq!(String::from_utf8_lossy(&output.stdout), "--name x -q -- y\n");
    assert!(output.status.success());
}

#[test]
fn an_unknown_option_starts_nothing() {
    let lab = Lab::new();
    let marker = lab.work().join("marker");
    let output = lab.ask([
        "run".as_ref(),
        "--nmae".as_ref(),
        "x".as_ref(),
        "touch".as_ref(),
        marker.as_os_str(),
    ]);
    assert!(!output.status.success(), "a mistyped option was accepted");
    assert!(!marker.exists(), "the command was started");
}

fn exit_with(lab: &Lab, how: &str, number: i32) -> Vec<OsString> {
    vec![lab.program("exit_with").into(), how.into(), number.to_string().into()]
}

/// Lines of a portrait of a process that `shell` executes, `words` of audit before it.
fn portrait(lab: &Lab, shell: &str, words: &[&str]) -> Vec<String> {
    let mut script = OsString::from(shell);
    script.push(" ");
    if !words.is_empty() {
        script.push(lab.program("audit"));
    }
    for word in words {
        script.push(" ");
        script.push(word);
    }
    script.push(" ");
    script.push(lab.program("portrait"));
    script.push(" 'an argument'");
    let out = lab.work().join("portrait");
    let file = || fs::File::create(&out).expect("room");
    let errors = lab.work().join("errors");
    let status = Command::new("bash")
        .arg("-c")
        .arg(&script)
        .env("AUDIT_HOME", lab.home())
        .env_remove("CI")
        .env_remove("_")
        .stdin(Stdio::null())
        .stdout(file())
        .stderr(fs::File::create(&errors).expect("room"))
        .status()
        .expect("bash starts");
    let said = fs::read_to_string(&errors).expect("it is there");
    assert!(status.success(), "{script:?}: {status}: {said}");
    let text = fs::read_to_string(&out).expect("a portrait");
    // bash tells each program its own path.
    let own = |line: &&str| !line.starts_with("env _=");
    text.lines().filter(own).map(|line| settled(line, &lab.work())).collect()
}

/// Takes out what two processes one after the other cannot share: the size of the file written so
/// far is no property, the process group of this test is.
fn settled(line: &str, work: &std::path::Path) -> String {
    line.replace(work.to_str().expect("a plain path"), "WORK")
}

fn assert_lines(found: &[String], expected: &[String]) {
    let missing: Vec<_> = expected.iter().filter(|line| !found.contains(line)).collect();
    let strange: Vec<_> = found.iter().filter(|line| !expected.contains(line)).collect();
    assert!(
        missing.is_empty() && strange.is_empty(),
        "without audit: {missing:#?}\nwith audit: {strange:#?}"
    );
    assert_eq!(found, expected, "the order of lines");
}

fn state_of(pid: i32) -> char {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
    stat.rsplit_once(") ").and_then(|(_, rest)| rest.chars().next()).unwrap_or(' ')
}
