//! Sigma rules: sources, modifiers, conditions, correlations; what is not evaluated is listed.
#![forbid(unsafe_code)]

mod common;

use common::{by, connect, exec, file, load};
use event::model::{Event, What};

/// Whether a rule with this detection, of this source, holds for an event.
fn holds(source: &str, detection: &str, event: Event) -> bool {
    let text = format!(
        "title: t\nid: one\nlogsource: {{product: linux, {source}}}\ndetection:\n{detection}\n"
    );
    let set = load(&[&text]);
    assert_eq!(set.unusable, [], "{text}");
    !set.held(&[event], Default::default()).is_empty()
}

fn of_process(detection: &str, line: &str) -> bool {
    holds("category: process_creation", detection, exec(line))
}

#[test]
fn values_are_compared_as_their_modifiers_say() {
    let one =
        |item: &str, line: &str| of_process(&format!("  s: {{{item}}}\n  condition: s"), line);
    assert!(one("Image|endswith: /CURL", "curl x"));
    assert!(!one("Image|endswith|cased: /CURL", "curl x"));
    assert!(one("CommandLine|contains|all: [a, b]", "x b a"));
    assert!(!one("CommandLine|contains|all: [a, c]", "x b a"));
    assert!(one("CommandLine: 'x *c'", "x b c"));
    assert!(one("CommandLine|startswith: x", "x b c"));
    assert!(one("CommandLine|re: '^x .{1} c$'", "x b c"));
    assert!(one("CommandLine|re|i: '^X'", "x b c"));
    assert!(one("CommandLine|windash|contains: ' -f '", "x /f y"));
    assert!(one("CommandLine|base64|contains: 'hello '", "x aGVsbG8g y"));
    assert!(one("CommandLine|base64offset|contains: 'hello'", "x eGhlbGxv y"));
    assert!(one("CommandLine|neq: y", "x"));
    assert!(one("ParentImage: null", "x"));
    assert!(one("ProcessId|gte: 100", "x"));
    assert!(!one("ProcessId|lt: 100", "x"));
    assert!(one("CurrentDirectory|exists: false", "x"));
}

#[test]
fn conditions_combine_searches() {
    let is = |condition: &str| {
        let searches = "  sel_a: {CommandLine|contains: a}\n  sel_b: {CommandLine|contains: b}\n  \
                        filter: {CommandLine|contains: z}\n  _x: {CommandLine|contains: q}\n";
        of_process(&format!("{searches}  condition: {condition}"), "x b")
    };
    for (condition, expected) in [
        ("sel_a", false),
        ("sel_b", true),
        ("1 of sel_*", true),
        ("all of sel_*", false),
        ("1 of them", true),
        ("all of them", false),
        ("any of sel_* and not filter", true),
        ("not (sel_a or sel_b)", false),
        ("sel_b and (sel_a or not filter)", true),
        ("[sel_a, sel_b]", true),
    ] {
        assert_eq!(is(condition), expected, "{condition}");
    }
}

#[test]
fn lists_of_maps_and_words_are_any_of_them() {
    assert!(of_process(
        "  s:\n    - {CommandLine: no}\n    - {Image|endswith: /x}\n  condition: s",
        "x y"
    ));
    assert!(of_process("  keywords: [nothing, yes]\n  condition: keywords", "say yes"));
    assert!(of_process("  keywords: [ay ye]\n  condition: keywords", "say yes"));
    assert!(of_process("  keywords:\n    '|all': [ay, ye]\n  condition: keywords", "say yes"));
    assert!(!of_process("  keywords:\n    '|all': [ay, no]\n  condition: keywords", "say yes"));
    assert!(of_process("  keywords:\n    '|all': [say, yes]\n  condition: keywords", "say yes"));
}

#[test]
fn files_connections_and_names_have_their_fields() {
    let path = "  s: {TargetFilename|startswith: /etc/cron}\n  condition: s";
    assert!(holds("category: file_event", path, file("write", "/etc/cron.d/x")));
    assert!(!holds("category: file_event", path, file("read", "/etc/cron.d/x")));
    let net = "  s: {DestinationIp|cidr: 10.0.0.0/8, DestinationPort: 4444, Initiated: 'true'}\n  condition: s";
    assert!(holds("category: network_connection", net, connect("10.1.2.3:4444")));
    assert!(!holds("category: network_connection", net, connect("11.1.2.3:4444")));
}

#[test]
fn records_of_auditd_are_events_of_ours() {
    let is = |detection: &str, event: Event| {
        holds("service: auditd", &format!("{detection}\n  condition: s"), event)
    };
    assert!(is("  s: {type: EXECVE, a0: truncate, a1: -s}", exec("truncate -s 0 x")));
    assert!(!is("  s: {type: EXECVE, a1: -t}", exec("truncate -s 0 x")));
    assert!(is("  s: {type: execve, a0: truncate}", exec("truncate -s 0 x")));
    let words = "  e: {type: EXECVE}\n  w: ['.bash_history']\n  s: {uid: 1000}";
    assert!(holds(
        "service: auditd",
        &format!("{words}\n  condition: e and w"),
        exec("rm .bash_history")
    ));
    assert!(is("  s: {type: PATH, name: /etc/passwd}", file("read", "/etc/passwd")));
    assert!(is("  s: {type: SYSCALL, SYSCALL: execve, comm: x}", by("/bin/x", exec("x").what)));
}

#[test]
fn what_cannot_be_evaluated_is_listed_with_the_reason() {
    for (source, item, why) in [
        ("service: sshd", "a: b", "the log of sshd is not recorded"),
        ("category: process_access", "a: b", "category 'process_access' are not recorded"),
        ("category: process_creation", "Hashes: b", "our events have no 'Hashes'"),
        (
            "category: process_creation",
            "Image|expand: '%x%'",
            "the modifier 'expand' is not evaluated",
        ),
        ("service: auditd", "type: USER_AUTH", "records of type USER_AUTH are not recorded"),
        (
            "service: auditd",
            "type: SYSCALL, syscall: ptrace, a0: '16'",
            "what calls were given is not recorded as such",
        ),
        ("service: auditd", "type: SYSCALL, syscall: openat", "the call openat is not recorded"),
    ] {
        let set = load(&[&format!(
            "title: t\nid: one\nlogsource: {{product: linux, {source}}}\ndetection:\n  s: {{{item}}}\n  condition: s\n"
        )]);
        let [(id, reason)] = set.unusable.as_slice() else { panic!("{:?}", set.unusable) };
        assert!(id == "one (t)" && reason.contains(why), "{reason}");
        assert_eq!(set.rules.len(), 0);
    }
}

fn base(name: &str, part: &str) -> String {
    format!(
        "title: {name}\nid: {name}\nname: {name}\nlogsource: {{category: process_creation}}\ndetection:\n  s: {{CommandLine|contains: {part}}}\n  condition: s\n"
    )
}

#[test]
fn correlations_count_and_follow() {
    let later = |line: &str, seconds: i64, seq: u64| {
        let event = exec(line);
        Event { ts_ns: event.ts_ns + seconds * 1_000_000_000, seq, ..event }
    };
    let correlation = |rest: &str| {
        let text =
            format!("title: many\nid: many\ncorrelation:\n  timespan: 1m\n  rules: [a, b]\n{rest}");
        load(&[&base("a", "aa"), &base("b", "bb"), &text])
    };
    let held = |rest: &str, events: &[Event]| {
        let ids = correlation(rest).held(events, Default::default());
        ids.iter().map(|id| id.to_string()).collect::<Vec<_>>().join(" ")
    };
    let five: Vec<Event> = (0..5).map(|at| later("aa", at, 1 + at as u64)).collect();
    let count = "  type: event_count\n  group-by: [Image]\n  condition: {gte: 5}\n";
    assert_eq!(held(count, &five), "many");
    assert_eq!(held(count, &five[..4]), "");
    let slow: Vec<Event> = (0..5).map(|at| later("aa", at * 50, 1)).collect();
    assert_eq!(held(count, &slow), "", "not within the minute");
    let values = "  type: value_count\n  condition: {gte: 2, field: CommandLine}\n";
    assert_eq!(held(values, &five), "");
    assert_eq!(held(values, &[later("aa", 0, 1), later("aa c", 1, 2)]), "many");
    let ordered = "  type: temporal_ordered\n";
    let (first, second) = (later("aa", 0, 1), later("bb", 5, 2));
    assert_eq!(held(ordered, &[first.clone(), second.clone()]), "many");
    assert_eq!(held("  type: temporal\n  generate: true\n", &[first.clone(), second]), "a b many");
    let before = later("bb", -5, 0);
    assert_eq!(held(ordered, &[before, first]), "");
}

#[test]
fn events_of_other_kinds_are_passed_over() {
    let event = by(
        "/usr/bin/x",
        What::Fork(event::model::Fork {
            child: Default::default(),
            parent_pid: 1,
            new_mount_namespace: false,
            inner: None,
        }),
    );
    assert!(!holds(
        "category: process_creation",
        "  s: {Image|endswith: x}\n  condition: s",
        event
    ));
}
