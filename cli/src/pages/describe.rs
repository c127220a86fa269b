//! What an event says, in one safe line of words for people.

mod outside;

use super::line::Line;
use crate::text::{self, Safe, command_line, plural, program, signal};

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
        "process" => process(line),
        "exec" => exec(line),
        "file" => file(line),
        "hash" => hash(line),
        "net" => net(line),
        "unix" if line.has("passed") => outside::passed(line),
        "unix" => outside::unix(line),
        "call" => outside::call(line),
        "delegation" => outside::delegation(line),
        "dns" => dns(line),
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

/// What a file held: `/usr/bin/make  af1349b9f5f9a1a6 running`.
fn hash(line: &Line) -> String {
    let path = line.bytes("path").map(|path| Safe::bytes(&path).to_string());
    let path = path.unwrap_or_else(|| "a file".to_owned());
    let digits: String = line.text("blake3").chars().take(16).collect();
    match line.text("hash_missing") {
        "" => format!("{path}  {} {}", Safe::new(&digits), Safe::new(line.text("hash_basis"))),
        why => format!("{path}  no hash: {}", Safe::new(why)),
    }
}

fn process(line: &Line) -> String {
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
pub(super) fn outcome(code: Option<u64>, killed: Option<u64>, core: bool) -> String {
    match (code, killed) {
        (Some(code), _) => format!("exit {code}"),
        (None, Some(number)) if core => format!("killed by {}, core dumped", signal(number)),
        (None, Some(number)) => format!("killed by {}", signal(number)),
        (None, None) => "exit unknown".to_owned(),
    }
}

/// Returns how the command ended, for a column: `0`, `3`, `TERM`.
pub(super) fn exit_word(exit: storage::Exit) -> String {
    match (exit.code, exit.signal) {
        (Some(code), _) => code.to_string(),
        (None, Some(number)) => signal(u64::try_from(number).unwrap_or(0)),
        (None, None) => "-".to_owned(),
    }
}

/// Returns how the command ended, in words.
pub(super) fn exit_words(exit: storage::Exit) -> String {
    let number = |number: Option<i32>| number.map(|number| u64::try_from(number).unwrap_or(0));
    outcome(number(exit.code), number(exit.signal), exit.core)
}

/// The arguments; the program's own path, where they name another.
fn exec(line: &Line) -> String {
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
pub(super) fn arguments(line: &Line, argv: &[Vec<u8>]) -> String {
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

/// Returns the path of a file event, or what stands for it.
pub(crate) fn path(line: &Line) -> String {
    if let Some(path) = line.bytes("path") {
        return Safe::bytes(&path).to_string();
    }
    let reason = Safe::new(line.text("path_missing")).to_string();
    if let Some(claimed) = line.bytes("path_claimed") {
        let start = line.bytes("cwd").filter(|_| !claimed.starts_with(b"/"));
        return match start {
            Some(start) => Safe::bytes(&event::path::join(&start, &claimed)).to_string(),
            None => Safe::bytes(&claimed).to_string(),
        };
    }
    match line.bytes("name") {
        Some(name) => format!("(directory {reason})/{}", Safe::bytes(&name)),
        None => format!("(path {reason})"),
    }
}

fn file(line: &Line) -> String {
    let mut text = path(line);
    if line.flag("dir") && !text.ends_with('/') {
        text.push('/');
    }
    if let Some(new) = line.bytes("path2") {
        text.push_str(" -> ");
        text.push_str(&Safe::bytes(&new).to_string());
    }
    if line.has("errno") {
        text.push_str(&format!("  {}", Safe::new(line.text("errno"))));
    }
    match line.number("count") {
        Some(count @ 2..) => format!("{text}  {}", times(count, line.flag("count_exact"))),
        _ => text,
    }
}

/// `x12`, or `x12+` where it may have been more.
pub(super) fn times(count: u64, exact: bool) -> String {
    format!("x{}{}", text::count(count), if exact { "" } else { "+" })
}

/// Returns the other end of a socket, or its own where there is none, with its name and how that is
/// known.
pub(super) fn peer(line: &Line) -> String {
    let end = if line.has("peer") { "peer" } else { "local" };
    let mut text = format!("{} {}", Safe::new(line.text("proto")), Safe::new(line.text(end)));
    if let Some(host) = line.bytes("host") {
        let source = Safe::new(line.text("host_source")).to_string();
        text.push_str(&format!(" ({}, {source})", Safe::bytes(&host)));
    }
    text
}

fn net(line: &Line) -> String {
    let mut text = peer(line);
    let result = net_result(line);
    if !result.is_empty() {
        text.push_str("  ");
        text.push_str(&result);
    }
    text
}

/// `A example.com from 192.0.2.53:53`, and for an answer what it says.
fn dns(line: &Line) -> String {
    let host = line.bytes("host").map(|host| Safe::bytes(&host).to_string());
    let host = host.unwrap_or_else(|| "(unreadable)".to_owned());
    let direction = if line.text("role") == "server" { "for" } else { "from" };
    let (kind, peer) = (Safe::new(line.text("qtype")), Safe::new(line.text("peer")));
    let mut text = format!("{kind} {host} {direction} {peer}").trim_start().to_owned();
    if !line.text("rcode").is_empty() {
        text.push_str(&format!("  {}", Safe::new(line.text("rcode"))));
    }
    for answer in line.texts("answers") {
        text.push_str(&format!("; {}", Safe::new(answer)));
    }
    text
}

/// Returns what became of a contact: its result, its bytes.
pub(super) fn net_result(line: &Line) -> String {
    let result = line.text("result");
    let sent = line.number("sent_bytes");
    let bytes = sent.map(|_| traffic(sent, line.number("received_bytes")));
    match (result, bytes) {
        ("" | "established", Some(bytes)) => bytes,
        (result, Some(bytes)) if sent != Some(0) => format!("{bytes}, {}", words(result)),
        (result, _) => words(result),
    }
}

/// `timed out`.
fn words(name: &str) -> String {
    Safe::new(&name.replace('_', " ")).to_string()
}

/// `1.9 MB out, 14.1 MB in`.
fn traffic(sent: Option<u64>, received: Option<u64>) -> String {
    let size = |bytes: Option<u64>| text::bytes(bytes.unwrap_or(0));
    format!("{} out, {} in", size(sent), size(received))
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
mod tests {
    use super::*;

    fn check(json: &str, expected: [&str; 3]) {
        let line = Line::parse(json.as_bytes());
        assert_eq!([verb(&line), who(&line), what(&line)], expected, "{json}");
    }

    #[test]
    fn events_are_told_in_words() {
        check(
            r#"{"type":"exec","pid":7,"exe":"/usr/bin/git","argv":["git","clone","a b"]}"#,
            ["exec", "git[7]", "git clone 'a b'"],
        );
        check(
            r#"{"type":"exec","pid":7,"exe":"/bin/busybox","argv":["sh"]}"#,
            ["exec", "busybox[7]", "/bin/busybox as sh"],
        );
        check(
            r#"{"type":"process","op":"exit","pid":7,"signal":11,"core":true}"#,
            ["exit", "[7]", "killed by SEGV, core dumped"],
        );
        check(
            r#"{"type":"process","op":"fork","pid":7,"child_pid":9,"ns_pid":1,"pid_ns":4026532200}"#,
            ["fork", "[7]", "process 9, 1 in its pid namespace"],
        );
        check(
            r#"{"type":"process","op":"cred","pid":7,"uid":0,"gid":5,"euid":33,"egid":5,"caps":3}"#,
            ["cred", "[7]", "user 0 as 33, group 5, 2 capabilities"],
        );
        check(
            r#"{"type":"exec","exe":"/lib/ld.so","argv":["ld.so","./a"],"loader":true,"launched":"./a"}"#,
            ["exec", "ld.so", "ld.so ./a (a loader, told to run ./a)"],
        );
        check(
            r#"{"type":"file","op":"rename","path":"/a","path2":"/b","count":1}"#,
            ["rename", "", "/a -> /b"],
        );
        check(
            r#"{"type":"file","op":"read","path":"/a","count":1000,"count_exact":true}"#,
            ["read", "", "/a  x1,000"],
        );
        check(
            r#"{"type":"file","op":"open_failed","path_missing":"claimed","path_claimed":"a/b","cwd":"/c","errno":"EACCES","count":2}"#,
            ["open_failed", "", "/c/a/b  EACCES  x2+"],
        );
        check(r#"{"type":"file","op":"create","dir":true,"path":"/d"}"#, ["mkdir", "", "/d/"]);
        check(
            r#"{"type":"file","op":"read","path_missing":"removed","name":"x"}"#,
            ["read", "", "(directory removed)/x"],
        );
        check(
            r#"{"type":"net","op":"flow","proto":"tcp","peer":"[::1]:443","sent_bytes":1900,"received_bytes":7}"#,
            ["flow", "", "tcp [::1]:443  1.9 KB out, 7 B in"],
        );
        check(
            r#"{"type":"net","op":"connect","proto":"tcp","peer":"192.0.2.7:443","host":"a.example","host_source":"tls_sni","result":"established"}"#,
            ["connect", "", "tcp 192.0.2.7:443 (a.example, tls_sni)  established"],
        );
        check(
            r#"{"type":"dns","op":"answer","role":"client","peer":"192.0.2.53:53","host":"a.example","qtype":"A","rcode":"NOERROR","answers":["a.example 60 A 192.0.2.7"]}"#,
            ["answer", "", "A a.example from 192.0.2.53:53  NOERROR; a.example 60 A 192.0.2.7"],
        );
        check(
            r#"{"type":"lost","source":"network","cause":"ring_full","count":12}"#,
            ["lost", "", "network: 12 lost (ring full)"],
        );
        check(
            r#"{"type":"source","source":"names","state":"off","reason":"no mount\u001b[2J"}"#,
            ["source", "", "names off: no mount\\x1b[2J"],
        );
        check(
            r#"{"type":"end","verdict":"complete","events":3,"reasons":[],"effects_outside":["docker","ssh"]}"#,
            ["end", "", "complete, 3 events; effects outside this run possible: docker, ssh"],
        );
        check(
            r#"{"type":"call","name":"ptrace","errno":"EPERM","cmd":"PTRACE_ATTACH","target_pid":7,"target_exe":"/bin/sleep"}"#,
            ["call", "", "ptrace PTRACE_ATTACH  sleep[7] outside the run  EPERM"],
        );
        check(
            r#"{"type":"call","name":"mount","ret":0,"flags":"MS_BIND","path_claimed":"b","path2_claimed":"/a","cwd":"/tmp"}"#,
            ["call", "", "mount  claimed /a -> b in /tmp  MS_BIND"],
        );
        check(
            r#"{"type":"call","name":"unshare","ret":0,"namespaces":["mnt:1","user:2"]}"#,
            ["call", "", "unshare  mnt:1 user:2"],
        );
        check(
            r#"{"type":"unix","op":"connect","sock_type":"stream","path":"/run/x","peer_pid":9,"peer_exe":"/bin/x"}"#,
            ["connect", "", "unix stream /run/x  x[9] outside the run"],
        );
        check(
            r#"{"type":"unix","op":"send","sock_type":"dgram","abstract_claimed":"a","errno":"ECONNREFUSED"}"#,
            ["send", "", "unix dgram claimed @a  ECONNREFUSED"],
        );
        check(
            r#"{"type":"delegation","broker":"docker","how":"path","path":"/run/docker.sock","peer_pid":9,"peer_exe":"/usr/bin/dockerd"}"#,
            ["delegation", "", "docker by /run/docker.sock  dockerd[9]"],
        );
    }

    #[test]
    fn nothing_in_a_line_acts_on_the_terminal() {
        let evil = "a\\u001b[31m\\n\\u202e";
        let fields = [
            "type",
            "op",
            "exe",
            "path",
            "path2",
            "name",
            "path_missing",
            "proto",
            "peer",
            "host",
            "host_source",
            "qtype",
            "rcode",
            "role",
            "result",
            "source",
            "state",
            "reason",
            "cause",
            "verdict",
            "launched",
            "name",
            "cmd",
            "flags",
            "errno",
            "path_claimed",
            "fs_type",
            "label",
            "cgroup",
            "target_exe",
            "target_comm",
            "broker",
            "how",
            "abstract",
            "bound",
            "sock_type",
            "peer_exe",
        ];
        for kind in [
            "start",
            "process",
            "exec",
            "file",
            "hash",
            "net",
            "unix",
            "dns",
            "call",
            "delegation",
            "finding",
            "lost",
            "source",
            "end",
            "new",
        ] {
            for field in fields {
                let json = format!(
                    r#"{{"type":"{kind}","pid":1,"{field}":"{evil}","argv":["{evil}"],"command":["{evil}"],"reasons":["{evil}"],"effects_outside":["{evil}"],"namespaces":["{evil}"],"answers":["{evil}"]}}"#
                );
                let line = Line::parse(json.as_bytes());
                for text in [verb(&line), who(&line), what(&line)] {
                    assert!(!text.contains(['\u{1b}', '\n', '\u{202e}']), "{json}: {text:?}");
                }
            }
        }
    }
}
