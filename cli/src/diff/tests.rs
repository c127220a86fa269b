//! The same job is the same; what was planted is found, and nothing else.

use super::{Collector, Difference, Facts, Kind, Section, compare, normal::Rule};
use crate::pages::Line;

/// Numbers that are different in each recording.
struct Take {
    pid: u64,
    tmp: &'static str,
    time: &'static str,
    port: u16,
}

const ONE: Take = Take { pid: 4001, tmp: "aB3xYz", time: "20261121-020000", port: 40_001 };
const TWO: Take = Take { pid: 5310, tmp: "qqqqqq", time: "20261122-020000", port: 51_007 };

/// A backup, recorded.
fn job(take: &Take) -> Vec<String> {
    let Take { pid, tmp, time, port } = take;
    let exe = r#""exe":"/usr/bin/backup""#;
    let who = format!(r#""pid":{pid},"uid":0,{exe}"#);
    [
        format!(r#""type":"exec",{who},"euid":0,"argv":["backup","--pid","{pid}","/b/x-{time}.tar"]"#),
        format!(r#""type":"file","op":"create",{who},"path":"/tmp/b.{tmp}""#),
        format!(r#""type":"file","op":"write",{who},"path":"/tmp/b.{tmp}","size_after":10"#),
        format!(r#""type":"file","op":"delete",{who},"path":"/tmp/b.{tmp}""#),
        format!(r#""type":"file","op":"read",{who},"path":"/proc/{pid}/stat""#),
        format!(r#""type":"file","op":"write",{who},"path":"/b/x-{time}.tar","size_after":812000"#),
        format!(r#""type":"file","op":"write",{who},"path":"/b/log","size_after":900"#),
        format!(r#""type":"net","op":"flow",{who},"role":"client","peer":"192.0.2.1:22","host":"b.example","sent_bytes":9000"#),
        format!(r#""type":"net","op":"flow",{who},"role":"client","peer":"127.0.0.1:{port}","sent_bytes":5"#),
        format!(r#""type":"unix","op":"connect",{who},"path":"/run/log.sock""#),
        r#""type":"source","source":"network","state":"on","seen":3,"lost":0"#.to_owned(),
        r#""type":"end","verdict":"complete","code":0"#.to_owned(),
    ]
    .into()
}

fn facts(lines: &[String], rules: &[Rule], seconds: i64) -> Facts {
    let mut collector = Collector::default();
    for (at, line) in lines.iter().enumerate() {
        let last = at + 1 == lines.len();
        let line = Line::parse(format!(r#"{{"seq":{},{line}}}"#, at + 1).as_bytes());
        collector.add(if last { seconds * 1_000_000_000 } else { 0 }, &line);
    }
    collector.finish(rules)
}

fn diff(a: &[String], b: &[String]) -> Difference {
    compare(&facts(a, &Rule::ALL, 41), &facts(b, &Rule::ALL, 41), &[], 2_000)
}

#[test]
fn the_same_job_is_the_same() {
    let found = diff(&job(&ONE), &job(&TWO));
    assert_eq!(found.changes, []);
    assert_eq!(found.same.get(&Section::Files), Some(&4));
}

#[test]
fn a_number_that_a_process_has_by_chance_is_not_its_in_what_was_there_before() {
    let file = |op: &str, path: &str| {
        format!(r#""type":"file","op":"{op}","pid":311,"exe":"/usr/bin/python3","path":"{path}""#)
    };
    let lines = [
        file("read", "/usr/lib/python3.11/_bisect.cpython-311-x86_64-linux-gnu.so"),
        file("create", "/b/job-311"),
        file("read", "/b/job-311/part"),
        file("read", "/b/job-312/part"),
        file("open_failed", "/b/perf-311.map"),
        file("read", "/proc/311/stat"),
    ];
    let found = facts(&lines, &[Rule::Pids], 1);
    let names: Vec<&str> = found.sections[&Section::Files].keys().map(String::as_str).collect();
    let expected = [
        "/b/job-312/part",
        "/b/job-PID",
        "/b/job-PID/part",
        "/b/perf-PID.map",
        "/proc/PID/stat",
        "/usr/lib/python3.11/_bisect.cpython-311-x86_64-linux-gnu.so",
    ];
    assert_eq!(names, expected);
}

#[test]
fn without_calling_alike_every_chance_shows() {
    let (a, b) = (facts(&job(&ONE), &[], 41), facts(&job(&TWO), &[], 41));
    assert!(a.notes.is_empty());
    let found = compare(&a, &b, &[], 2_000);
    assert!(found.changes.len() > 6, "{found:?}");
}

/// A line is put in, changed or taken out; just this is told.
fn planted(change: impl Fn(&mut Vec<String>), expected: &[(Section, Kind, &str)]) {
    let mut lines = job(&TWO);
    change(&mut lines);
    let found = diff(&job(&ONE), &lines);
    let told: Vec<_> =
        found.changes.iter().map(|it| (it.section, it.kind, it.name.as_str())).collect();
    assert_eq!(told, expected);
}

fn put(line: &'static str) -> impl Fn(&mut Vec<String>) {
    move |lines| lines.insert(1, line.to_owned())
}

fn swap(what: &'static str, by: &'static str) -> impl Fn(&mut Vec<String>) {
    move |lines| {
        for line in lines.iter_mut() {
            *line = line.replace(what, by);
        }
    }
}

#[test]
fn each_planted_change_is_the_only_one_told() {
    use Kind::{Changed, Gone, New};
    use Section::{Arguments, Coverage, Files, Findings, Network, Programs, Unix, Users};
    let host =
        r#""type":"net","op":"connect","pid":1,"peer":"203.0.113.9:443","host":"paste.example""#;
    planted(put(host), &[(Network, New, "paste.example:443")]);
    let program = r#""type":"exec","pid":1,"uid":0,"exe":"/usr/bin/curl","argv":["curl","-T","-"]"#;
    planted(put(program), &[(Programs, New, "/usr/bin/curl")]);
    let secret = r#""type":"file","op":"read","pid":1,"path":"/home/ana/.ssh/id_ed25519""#;
    planted(put(secret), &[(Files, New, "/home/ana/.ssh/id_ed25519")]);
    planted(|lines| lines.retain(|line| !line.contains("/b/log")), &[(Files, Gone, "/b/log")]);
    planted(swap("812000", "12000"), &[(Files, Changed, "/b/x-TIME.tar")]);
    let cron = r#""type":"file","op":"create","pid":1,"path":"/etc/cron.d/backup2""#;
    planted(put(cron), &[(Files, New, "/etc/cron.d/backup2")]);
    planted(
        swap(r#""backup","--pid""#, r#""backup","--fast","--pid""#),
        &[(Arguments, Changed, "/usr/bin/backup")],
    );
    planted(
        |lines| {
            lines.insert(1, r#""type":"process","op":"cred","pid":1,"uid":0,"euid":33"#.to_owned());
        },
        &[(Users, New, "uid 0 as 33")],
    );
    let socket = r#""type":"unix","op":"connect","pid":1,"path":"/run/docker.sock""#;
    planted(put(socket), &[(Unix, New, "/run/docker.sock")]);
    let finding = r#""type":"finding","pid":1,"rule":"CRED-READ","severity":"high","path":"/x""#;
    planted(put(finding), &[(Findings, New, "high CRED-READ /x")]);
    planted(swap(r#""lost":0"#, r#""lost":7"#), &[(Coverage, Changed, "network")]);
}

#[test]
fn a_program_that_is_called_otherwise_is_one_change_from_what_to_what() {
    let mut lines = job(&TWO);
    swap(r#""backup","--pid""#, r#""backup","--fast","--pid""#)(&mut lines);
    lines.insert(
        1,
        r#""type":"exec","pid":1,"uid":0,"exe":"/usr/bin/backup","argv":["x"]"#.to_owned(),
    );
    let found = diff(&job(&ONE), &lines);
    let told: Vec<_> =
        found.changes.iter().map(|it| (it.kind, it.name.as_str(), it.values.clone())).collect();
    let values = ["backup --pid PID /b/x-TIME.tar", "backup --fast --pid PID /b/x-TIME.tar"];
    let [was, is] = values.map(str::to_owned);
    let expected = [
        (Kind::New, "/usr/bin/backup: x", None),
        (Kind::Changed, "/usr/bin/backup", Some((was, is))),
    ];
    assert_eq!(told, expected, "what has nothing to be paired with is new");
}

#[test]
fn twelve_planted_changes_are_twelve_and_only_these() {
    let mut lines = job(&TWO);
    lines.retain(|line| !line.contains("/b/log"));
    swap("812000", "12000")(&mut lines);
    swap(r#""backup","--pid""#, r#""backup","--fast","--pid""#)(&mut lines);
    swap(r#""lost":0"#, r#""lost":7"#)(&mut lines);
    for line in [
        r#""type":"net","op":"connect","pid":1,"peer":"203.0.113.9:443","host":"paste.example""#,
        r#""type":"exec","pid":1,"uid":0,"exe":"/usr/bin/curl","argv":["curl"]"#,
        r#""type":"file","op":"read","pid":1,"path":"/usr/bin/curl""#,
        r#""type":"file","op":"read","pid":1,"path":"/home/ana/.ssh/id_ed25519""#,
        r#""type":"file","op":"create","pid":1,"path":"/etc/cron.d/backup2""#,
        r#""type":"process","op":"cred","pid":1,"uid":0,"euid":33"#,
        r#""type":"unix","op":"connect","pid":1,"path":"/run/docker.sock""#,
        r#""type":"finding","pid":1,"rule":"CRED-READ","severity":"high","path":"/x""#,
    ] {
        lines.insert(1, line.to_owned());
    }
    let (a, b) = (facts(&job(&ONE), &Rule::ALL, 41), facts(&lines, &Rule::ALL, 190));
    let found = compare(&a, &b, &[], 2_000);
    let names: Vec<&str> = found.changes.iter().map(|change| change.name.as_str()).collect();
    let expected = [
        "/usr/bin/curl",
        "/usr/bin/backup",
        "/b/x-TIME.tar",
        "/etc/cron.d/backup2",
        "/home/ana/.ssh/id_ed25519",
        "/b/log",
        "paste.example:443",
        "/run/docker.sock",
        "uid 0 as 33",
        "high CRED-READ /x",
        "network",
        "duration",
    ];
    assert_eq!(names, expected);
}

#[test]
fn a_run_that_took_much_longer_is_told_and_one_that_took_a_little_longer_is_not() {
    let (a, b) = (facts(&job(&ONE), &Rule::ALL, 41), facts(&job(&TWO), &Rule::ALL, 190));
    let found = compare(&a, &b, &[], 2_000);
    let told: Vec<_> = found.changes.iter().map(|it| (it.name.as_str(), &it.values)).collect();
    assert_eq!(told, [("duration", &Some(("41s".to_owned(), "3m10s".to_owned())))]);
    let little = facts(&job(&TWO), &Rule::ALL, 50);
    assert_eq!(compare(&a, &little, &[], 2_000).changes, []);
}

#[test]
fn facts_survive_being_written_down() {
    let was = facts(&job(&ONE), &Rule::ALL, 41);
    let text = serde_json::to_string(&was).expect("it serializes");
    let is: Facts = serde_json::from_str(&text).expect("it parses");
    assert_eq!(is.sections, was.sections);
}
