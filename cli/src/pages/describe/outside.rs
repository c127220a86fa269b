//! Rare calls, and work that others do on request.

use crate::{
    pages::line::Line,
    text::{Safe, bytes, program},
};

/// A call: its name and command, what it concerns, its flags, how it failed.
pub(super) fn call(line: &Line) -> String {
    let mut words = vec![Safe::new(line.text("name")).to_string()];
    if line.has("cmd") {
        words[0].push_str(&format!(" {}", Safe::new(line.text("cmd"))));
    }
    for name in ["path", "label", "cgroup", "fs_type"] {
        words.extend(line.bytes(name).map(|bytes| Safe::bytes(&bytes).to_string()));
    }
    words.extend(claimed(line));
    words.extend(line.number("length").map(|length| format!("to {length} bytes")));
    let namespaces: Vec<String> =
        line.texts("namespaces").into_iter().map(|one| Safe::new(one).to_string()).collect();
    words.push(namespaces.join(" "));
    words.extend(other(line, ["target_pid", "target_exe", "target_comm"]).map(|other| {
        if line.flag("target_in_run") { other } else { format!("{other} outside the run") }
    }));
    for name in ["flags", "errno"] {
        words.push(Safe::new(line.text(name)).to_string());
    }
    words.retain(|word| !word.is_empty());
    words.join("  ")
}

/// What the caller says.
fn claimed(line: &Line) -> Option<String> {
    let text = |name| line.bytes(name).map(|bytes| Safe::bytes(&bytes).to_string());
    let Some(path) = text("path_claimed") else {
        return text("label_claimed").map(|label| format!("claimed {label}"));
    };
    let from = text("path2_claimed").map(|from| format!("{from} -> ")).unwrap_or_default();
    let base = text("cwd").filter(|_| !path.starts_with('/'));
    let base = base.map(|cwd| format!(" in {cwd}")).unwrap_or_default();
    Some(format!("claimed {from}{path}{base}"))
}

/// `dockerd[812]`.
pub(super) fn other(line: &Line, [pid, exe, comm]: [&str; 3]) -> Option<String> {
    let number = line.number(pid)?;
    let name = line.bytes(exe).map(|exe| program(&exe));
    let name = name.or_else(|| line.bytes(comm).map(|comm| Safe::bytes(&comm).to_string()));
    Some(format!("{}[{number}]", name.unwrap_or_default()))
}

/// An open file that went over a unix socket: what it is, and from or to whom.
pub(super) fn passed(line: &Line) -> String {
    let what = line.bytes("path").map_or_else(
        || Safe::new(line.text("passed")).to_string(),
        |path| Safe::bytes(&path).to_string(),
    );
    let way = if line.text("op") == "give" { "to" } else { "from" };
    let mut words = vec![format!("{what} ({})", Safe::new(&line.text("access").replace('_', "+")))];
    words.extend(other(line, ["peer_pid", "peer_exe", "peer_comm"]).map(|other| {
        let outside = if line.flag("peer_in_run") { "" } else { " outside the run" };
        format!("{way} {other}{outside}")
    }));
    words.join("  ")
}

/// A contact by a unix socket: its name, who is there, how it failed.
pub(super) fn unix(line: &Line) -> String {
    let text = |name| line.bytes(name).map(|bytes| Safe::bytes(&bytes).to_string());
    let name = text("path")
        .or_else(|| text("bound"))
        .or_else(|| text("abstract").map(|name| format!("@{name}")))
        .or_else(|| text("path_claimed").map(|name| format!("claimed {name}")))
        .or_else(|| text("abstract_claimed").map(|name| format!("claimed @{name}")))
        .or_else(|| (line.text("op") == "flow").then(String::new))
        .unwrap_or_else(|| "without a name".to_owned());
    let name = format!("unix {} {name}", Safe::new(line.text("sock_type")));
    let mut words = vec![name.trim_end().to_owned()];
    words.extend(other(line, ["peer_pid", "peer_exe", "peer_comm"]).map(|other| {
        if line.flag("peer_in_run") { other } else { format!("{other} outside the run") }
    }));
    if let (Some(sent), Some(received)) = (line.number("sent_bytes"), line.number("received_bytes"))
    {
        words.push(format!("{} out, {} in", bytes(sent), bytes(received)));
    }
    if line.has("errno") {
        words.push(Safe::new(line.text("errno")).to_string());
    }
    words.join("  ")
}

/// A use of something that works for others.
pub(super) fn delegation(line: &Line) -> String {
    let mut text = Safe::new(line.text("broker")).to_string();
    match line.bytes("path") {
        Some(path) => text.push_str(&format!(" by {}", Safe::bytes(&path))),
        None => text.push_str(&format!(" by its {}", Safe::new(line.text("how")))),
    }
    if let Some(peer) = other(line, ["peer_pid", "peer_exe", "peer_comm"]) {
        text.push_str(&format!("  {peer}"));
    }
    text
}
