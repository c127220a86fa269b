//! What an event says, in one safe line of words for people.

mod files;
mod network;
mod outside;
mod processes;

pub(crate) use files::path;
pub(super) use files::times;
pub(super) use network::{net_result, peer};
pub(super) use processes::{arguments, exit_word, exit_words, outcome};

use super::line::Line;
use crate::text::{self, Safe, command_line, plural, program};

/// Returns the verb of an event: its `op`, else its `type`.
pub(crate) fn verb(line: &Line) -> String {
    let op = line.text("op");
    let verb = match (line.text("type"), op) {
        (kind, "") => kind,
        ("file", "create") if line.flag("dir") => "mkdir",
        ("file", "delete") if line.flag("dir") => "rmdir",
        _ => op,
    };
    Safe::new(verb).to_string()
}

/// Returns who did it: `node[4120]`.
pub(crate) fn who(line: &Line) -> String {
    let exe = line.bytes("exe").map(|exe| program(&exe));
    match (exe, line.number("pid")) {
        (Some(exe), Some(pid)) => format!("{exe}[{pid}]"),
        (None, Some(pid)) => format!("[{pid}]"),
        (Some(exe), None) => exe,
        (None, None) => String::new(),
    }
}

/// Returns what was done, without who and when.
pub(super) fn what(line: &Line) -> String {
    match line.text("type") {
        "start" => command_line(line.list("command")),
        "process" => processes::process(line),
        "exec" => processes::exec(line),
        "file" => files::file(line),
        "hash" => files::hash(line),
        "net" => network::net(line),
        "unix" if line.has("passed") => outside::passed(line),
        "unix" => outside::unix(line),
        "call" => outside::call(line),
        "delegation" => outside::delegation(line),
        "dns" => network::dns(line),
        "finding" => finding(line),
        "lost" => lost(line),
        "source" => source(line),
        "heartbeat" => heartbeat(line),
        "end" => end(line),
        _ => String::new(),
    }
}

/// `high CRED-READ  Cloud credentials were read: /root/.aws/credentials  x3`.
fn finding(line: &Line) -> String {
    let [severity, rule, title] =
        ["severity", "rule", "title"].map(|name| Safe::new(line.text(name)).to_string());
    let mut text = format!("{severity} {rule}  {title}");
    if let Some(about) = finding_about(line) {
        text.push_str(&format!(": {about}"));
    }
    if let Some(count) = line.number("count").filter(|count| *count > 1 || line.flag("repeat")) {
        text.push_str(&format!("  x{count}"));
    }
    text
}

/// What a finding is about, where it says.
pub(super) fn finding_about(line: &Line) -> Option<String> {
    let shown = |name| line.bytes(name).map(|bytes| Safe::bytes(&bytes).to_string());
    let peer = Some(line.text("peer")).filter(|peer| !peer.is_empty());
    let peer = peer.map(|peer| Safe::new(peer).to_string());
    shown("path").or_else(|| match (shown("host"), peer) {
        (Some(host), Some(peer)) => Some(format!("{host} ({peer})")),
        (host, peer) => host.or(peer),
    })
}

fn heartbeat(line: &Line) -> String {
    let number = |name| line.number(name).unwrap_or(0);
    let lost = text::count(number("lost"));
    format!("{}, {} alive, lost {lost}", number("beat"), plural(number("alive"), "process"))
}

fn lost(line: &Line) -> String {
    let count = line.number("count").unwrap_or(0);
    let cause = line.text("cause").replace('_', " ");
    format!(
        "{}: {} lost ({})",
        Safe::new(line.text("source")),
        text::count(count),
        Safe::new(&cause)
    )
}

fn source(line: &Line) -> String {
    let state = line.text("state").replace('_', " ");
    let mut head = format!("{} {}", Safe::new(line.text("source")), Safe::new(&state));
    // What it says is not of its state.
    head.truncate(head.trim_end().len());
    if line.has("seen") {
        let total = |name| text::count(line.number(name).unwrap_or(0));
        let (seen, stored, folded) = (total("seen"), total("stored"), total("folded"));
        head.push_str(&format!(", seen {seen} = stored {stored} + folded {folded}"));
        head.push_str(&format!(" + lost {}", total("lost")));
    }
    match line.bytes("reason").filter(|reason| !reason.is_empty()) {
        Some(reason) => format!("{head}: {}", Safe::bytes(&reason)),
        None => head,
    }
}

/// `effects outside this run possible: docker, systemd`
pub(crate) fn effects_outside<'n>(names: impl IntoIterator<Item = &'n str>) -> String {
    let names: Vec<String> = names.into_iter().map(|name| Safe::new(name).to_string()).collect();
    format!("effects outside this run possible: {}", names.join(", "))
}

fn end(line: &Line) -> String {
    let mut text = Safe::new(line.text("verdict")).to_string();
    if let Some(events) = line.number("events") {
        text.push_str(&format!(", {}", plural(events, "event")));
    }
    for reason in line.texts("reasons") {
        text.push_str(&format!("; {}", Safe::new(reason)));
    }
    let outside = line.texts("effects_outside");
    if !outside.is_empty() {
        text.push_str(&format!("; {}", effects_outside(outside)));
    }
    text
}

#[cfg(test)]
mod tests;
