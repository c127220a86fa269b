//! Under an interactive shell on a terminal, a recorded command is a job like any other.
#![forbid(unsafe_code)]

use xtests::{Lab, Terminal};

#[test]
fn control_z_stops_the_job_and_fg_continues_it() {
    let lab = Lab::new();
    let mut terminal = Terminal::new(&lab);
    // exec: a shell that has vforked cannot be stopped before its child executes (vfork(2)), and when
    // the child is stopped first it never will be, recorded or not.
    terminal.line("audit run -- sh -c 'echo be''gun; exec sleep 1000'");
    terminal.expect("begun");
    terminal.keys("\x1a");
    terminal.expect("Stopped");
    terminal.expect("ready> ");
    terminal.line("jobs");
    terminal.expect("Stopped");
    terminal.expect("audit run");
    terminal.line("fg");
    terminal.expect("audit run");
    terminal.until_a_job_has_it();
    terminal.keys("\x03");
    terminal.expect("ready> ");
    terminal.line("echo status $?");
    terminal.expect("status 130");
    terminal.close();
    check_records(&lab, 1);
}

#[test]
fn a_job_in_the_background_goes_on() {
    let lab = Lab::new();
    let mut terminal = Terminal::new(&lab);
    terminal.line("audit run -- sh -c 'echo be''gun; exec sleep 1000' ");
    terminal.expect("begun");
    terminal.keys("\x1a");
    terminal.expect("Stopped");
    terminal.line("bg");
    terminal.expect("ready> ");
    terminal.line("jobs");
    terminal.expect("Running");
    terminal.line("kill %1; wait %1; echo status $?");
    terminal.expect("status 143");
    terminal.close();
    check_records(&lab, 1);
}

#[test]
fn control_c_ends_the_command_and_a_shell_script_around_it() {
    let lab = Lab::new();
    let mut terminal = Terminal::new(&lab);
    // A shell leaves its loop when its child died by SIGINT, and only then. exec: a shell that catches
    // SIGINT while it vforks forgets it (dash, onsig), recorded or not.
    terminal.line(
        "for i in 1 2 3; do audit run -- sh -c 'echo round''ed; exec sleep 1000'; done; echo status $?",
    );
    terminal.expect("rounded");
    terminal.keys("\x03");
    terminal.expect("ready> ");
    terminal.line("echo after $?");
    let before = terminal.expect("after 130");
    assert!(!before.contains("rounded"), "the loop went on: {before}");
    terminal.close();
    check_records(&lab, 1);
}

#[test]
fn a_command_that_catches_control_c_decides_itself() {
    let lab = Lab::new();
    let mut terminal = Terminal::new(&lab);
    terminal.line(
        // A signal between two commands of bash is caught when the next one ends.
        "audit run -- bash -c 'trap \"echo cau\"\"ght; exit 7\" INT; echo be''gun; while :; do sleep 0.05; done'",
    );
    terminal.expect("begun");
    terminal.keys("\x03");
    terminal.expect("caught");
    terminal.expect("ready> ");
    terminal.line("echo status $?");
    let between = terminal.expect("status 7");
    assert_eq!(between.matches("caught").count(), 0, "it came twice: {between}");
    terminal.close();
    check_records(&lab, 1);
}

#[test]
fn a_command_reads_from_the_terminal_and_knows_its_size() {
    let lab = Lab::new();
    let mut terminal = Terminal::new(&lab);
    terminal.line("stty rows 33 cols 77");
    terminal.expect("ready> ");
    terminal.line("audit run -- bash -c 'read -p \"na\"\"me? \" n; echo \"it is $n\"; stty size; tty; test -t 0 -a -t 1 -a -t 2; echo t\"\"ty $?'");
    terminal.expect("name? ");
    terminal.line("Ada");
    terminal.expect("it is Ada");
    terminal.expect("33 77");
    terminal.expect("/dev/pts/");
    terminal.expect("tty 0");
    terminal.close();
    check_records(&lab, 1);
}

#[test]
fn a_summary_of_one_line_is_shown_on_a_terminal() {
    let lab = Lab::new();
    let mut terminal = Terminal::new(&lab);
    terminal.line("audit run -- true");
    terminal.expect("exit 0");
    terminal.expect("ready> ");
    terminal.line("audit run -q -- true; echo qui''et");
    let said = terminal.expect("quiet");
    assert!(!said.contains("exit 0"), "-q still prints: {said}");
    terminal.close();
    check_records(&lab, 2);
}

#[test]
fn the_prompt_does_not_wait_for_what_the_command_leaves_behind_and_that_is_recorded() {
    let lab = Lab::new();
    let mut terminal = Terminal::new(&lab);
    let left = "(until [ -e go ]; do read -t 0.05 <> <(:); done; cat go; echo la\"\"te) &";
    terminal.line(&format!(
        "audit run --name left --linger 10m -- bash -c '{left} exit 3'; echo sta\"\"tus $?"
    ));
    let said = terminal.expect("status 3");
    assert!(said.contains("still recording what the command left behind"), "{said}");
    // With its text from the beginning.
    std::fs::write(lab.work().join("new"), "now").expect("room");
    std::fs::rename(lab.work().join("new"), lab.work().join("go")).expect("the same directory");
    terminal.expect("nowlate");
    terminal.line("audit run --strict -- bash -c 'sleep 0.7 & exit 4'; echo sta\"\"tus $?");
    let said = terminal.expect("status 4");
    assert!(!said.contains("still recording"), "--strict needs the whole record: {said}");
    terminal.close();
    for dir in lab.runs() {
        xtests::wait::until_true("the seal", || dir.join("segments/seal").exists());
    }
    check_records(&lab, 2);
    let left = lab.told(["query", "--path", "go", "--op", "read", "--all", "--json", "@left"]);
    let go = lab.work().join("go");
    assert!(left.contains(go.to_str().expect("text")), "what was left did this: {left}");
}

fn check_records(lab: &Lab, number: usize) {
    assert_eq!(lab.runs().len(), number, "runs in the store");
    for dir in lab.runs() {
        let done = lab.ask(["view".as_ref(), dir.as_os_str()]);
        let run = xtests::Recorded::read(&dir, done.status, done.stdout, done.stderr);
        assert!(run.status.success(), "{}", run.errors());
        run.assert_whole();
    }
}
