//! Processes: what they executed, how they ended, as whom they act.

use crate::{
    pages::line::Line,
    text::{Safe, command_line, program, signal},
};

pub(super) fn process(line: &Line) -> String {
    match line.text("op") {
        "fork" => fork(line),
        "exit" => outcome(line.number("code"), line.number("signal"), line.flag("core")),
        "left" => "left the run's cgroup, still recorded".to_owned(),
        "cred" => cred(line),
        _ => String::new(),
    }
}

/// The number where the recorder is; the one that the process itself sees, where that is another.
fn fork(line: &Line) -> String {
    let Some(pid) = line.number("child_pid") else { return String::new() };
    match line.number("ns_pid") {
        Some(inner) => format!("process {pid}, {inner} in its pid namespace"),
        None => format!("process {pid}"),
    }
}

/// As whom a task acts now: real and effective user and group, and whether it can do more than that.
fn cred(line: &Line) -> String {
    let id = |name| line.number(name).map_or_else(|| "?".to_owned(), |id| id.to_string());
    let pair = |real, effective| match (id(real), id(effective)) {
        (real, effective) if real == effective => real,
        (real, effective) => format!("{real} as {effective}"),
    };
    let caps = match line.number("caps") {
        Some(caps) if caps.count_ones() == 1 => "1 capability".to_owned(),
        caps => format!("{} capabilities", caps.unwrap_or(0).count_ones()),
    };
    format!("user {}, group {}, {caps}", pair("uid", "euid"), pair("gid", "egid"))
}

/// Returns how a process ended.
pub(in crate::pages) fn outcome(code: Option<u64>, killed: Option<u64>, core: bool) -> String {
    match (code, killed) {
        (Some(code), _) => format!("exit {code}"),
        (None, Some(number)) if core => format!("killed by {}, core dumped", signal(number)),
        (None, Some(number)) => format!("killed by {}", signal(number)),
        (None, None) => "exit unknown".to_owned(),
    }
}

/// Returns how the command ended, for a column: `0`, `3`, `TERM`.
pub(in crate::pages) fn exit_word(exit: storage::Exit) -> String {
    match (exit.code, exit.signal) {
        (Some(code), _) => code.to_string(),
        (None, Some(number)) => signal(u64::try_from(number).unwrap_or(0)),
        (None, None) => "-".to_owned(),
    }
}

/// Returns how the command ended, in words.
pub(in crate::pages) fn exit_words(exit: storage::Exit) -> String {
    let number = |number: Option<i32>| number.map(|number| u64::try_from(number).unwrap_or(0));
    outcome(number(exit.code), number(exit.signal), exit.core)
}

/// The arguments; the program's own path, where they name another.
pub(super) fn exec(line: &Line) -> String {
    let argv = line.list("argv");
    let exe = line.bytes("exe").unwrap_or_default();
    if line.flag("words_held") {
        return format!("{} {}", Safe::bytes(&exe), arguments(line, &argv)).trim_start().to_owned();
    }
    let mut text = arguments(line, &argv);
    let named = argv.first().map(|first| program(first)).unwrap_or_default();
    if named != program(&exe) {
        text = format!("{} as {text}", Safe::bytes(&exe));
    }
    text
}

/// Returns these arguments of an exec; that there are more, and what a loader does with them.
pub(in crate::pages) fn arguments(line: &Line, argv: &[Vec<u8>]) -> String {
    if line.flag("words_held") {
        return "(arguments held back)".to_owned();
    }
    let mut text = command_line(argv);
    if line.flag("argv_cut") {
        text.push_str(" …");
    }
    if let Some(program) = line.bytes("launched") {
        text.push_str(&format!(" (a loader, told to run {})", Safe::bytes(&program)));
    }
    text
}
