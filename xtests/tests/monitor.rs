//! The monitor is driven by keys on a terminal, and gives the terminal back however it ends.
#![forbid(unsafe_code)]

use rustix::process::{Pid, Signal, kill_process};
use serde_json::Value;
use xtests::{Lab, Terminal, processes_running, wait};

/// Looks whether the terminal is as a shell wants it: lines, echo, signals by keys.
fn is_given_back(terminal: &mut Terminal) {
    terminal.line("stty -a | tr -d ';' | tr ' ' '\\n' | grep -cx -e icanon -e echo -e isig | sed 's/^/modes=/'");
    terminal.expect("modes=3");
    terminal.expect("ready> ");
}

/// A terminal of a size, with what the monitor needs to draw.
fn wide(lab: &Lab) -> Terminal {
    let mut terminal = Terminal::new(lab);
    terminal.line("stty rows 30 cols 100; export TERM=xterm NO_COLOR=1");
    terminal.expect("ready> ");
    terminal
}

/// The process that shows the monitor.
fn monitor(lab: &Lab) -> Pid {
    let program = lab.program("audit");
    let shows = |pid: &Pid| {
        let line = std::fs::read(format!("/proc/{}/cmdline", pid.as_raw_nonzero()));
        line.is_ok_and(|line| line.split(|byte| *byte == 0).any(|word| word == b"monitor"))
    };
    wait::until("the monitor", || processes_running(&program).into_iter().find(shows))
}

#[test]
fn a_live_run_is_shown_and_keys_turn_pages_stop_and_go() {
    let lab = Lab::new();
    let script =
        "echo ready; echo x >first.txt; read -r x; echo x >second.txt; echo done; read -r x";
    let mut running = lab.run(["sh", "-c", script]).start_ungated();
    running.expect("ready");
    let mut terminal = wide(&lab);
    terminal.line("audit monitor");
    terminal.expect("recording");
    terminal.expect("first.txt");
    terminal.keys("4");
    terminal.expect("[4 files]");
    running.go();
    running.expect("done");
    terminal.expect("second.txt");
    terminal.keys("\x1a");
    terminal.expect("Stopped");
    terminal.expect("ready> ");
    is_given_back(&mut terminal);
    terminal.line("fg");
    terminal.expect("[4 files]");
    terminal.keys("\t");
    terminal.expect("[5 network]");
    running.go();
    // Only what is different is drawn again: "exit 0" has its first letter from "recording".
    terminal.expect("complete");
    terminal.keys("q");
    terminal.expect("ready> ");
    is_given_back(&mut terminal);
    let screen = terminal.close();
    assert!(!screen.contains("\x1b[31m") && !screen.contains("\x1b[38;5;"), "NO_COLOR was set");
    assert!(running.record().status.success());
}

#[test]
fn a_run_that_is_over_is_shown_and_control_c_and_signals_give_the_terminal_back() {
    let lab = Lab::new();
    let name = "b\u{202e}ad\x1b[2Jname.txt";
    lab.run(["sh", "-c", "echo x >\"$0\"", name]).succeed().assert_whole();
    let mut terminal = wide(&lab);
    terminal.line("audit monitor last");
    terminal.expect("exit 0");
    terminal.keys("4");
    terminal.expect("\\x1b[2Jname.txt");
    terminal.keys("\x03");
    terminal.expect("ready> ");
    is_given_back(&mut terminal);
    terminal.line("audit monitor");
    terminal.expect("exit 0");
    kill_process(monitor(&lab), Signal::TERM).expect("it lives");
    terminal.expect("Terminated");
    terminal.expect("ready> ");
    is_given_back(&mut terminal);
    let screen = terminal.close();
    assert!(!screen.contains('\u{202e}') && !screen.contains("ad\x1b[2Jname"), "{screen:?}");
}

#[test]
fn scripts_are_told_the_numbers_of_the_record() {
    let lab = Lab::new();
    // In other languages the files of `rm` alone, which may be told behind its removal, fill the list.
    let script = "export LC_ALL=C; echo x >made.txt; cat made.txt; rm made.txt";
    let run = lab.run(["sh", "-c", script]).succeed();
    run.assert_whole();
    let page: Value =
        serde_json::from_str(&lab.told(["monitor", "--once", "--json"])).expect("JSON");
    assert_eq!(page["schema"], "audit.monitor");
    assert_eq!(page["live"], false);
    assert_eq!(page["outcome"], "exit 0");
    assert_eq!(page["events"], run.events.len());
    assert_eq!(page["processes"]["executed"], run.number_of("exec", ""));
    assert_eq!(page["processes"]["alive"], 0);
    let changed: u64 = ["create", "write", "delete"]
        .iter()
        .flat_map(|op| run.of("file", op))
        .map(xtests::Event::count)
        .sum();
    assert_eq!(page["files"]["changed"], changed);
    let latest = page["files"]["latest"].as_array().expect("a list");
    let made = |file: &&Value| file["path"].as_str().is_some_and(|path| path.ends_with("made.txt"));
    assert!(latest.iter().any(|file| made(&file)), "{page}");
    let text = lab.told(["monitor", "--once"]);
    assert!(text.contains("made.txt") && text.contains("exit 0"), "{text}");
    let refused = lab.ask(["monitor"]);
    assert_eq!(refused.status.code(), Some(2));
    assert!(String::from_utf8_lossy(&refused.stderr).contains("--once"));
}

#[test]
fn the_recorder_of_a_live_run_is_named_with_what_it_costs() {
    let lab = Lab::new();
    let mut running = lab.run(["sh", "-c", "echo ready; read -r x"]).start_ungated();
    running.expect("ready");
    let page: Value =
        serde_json::from_str(&lab.told(["monitor", "--once", "--json"])).expect("JSON");
    assert_eq!(page["live"], true);
    assert_eq!(page["recorder"]["pid"], running.supervisor().as_raw_nonzero().get());
    assert!(page["recorder"]["rss_bytes"].as_u64() > Some(100_000), "{page}");
    assert!(page["record_bytes"].as_u64() > Some(100), "{page}");
    running.go();
    assert!(running.record().status.success());
}
