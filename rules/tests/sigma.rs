//! Sigma rules: sources, modifiers, conditions; what is not evaluated is listed.
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
    assert!(one("CommandLine|utf16be|base64offset|contains: 'hi'", "x AGgAaQ== y"));
    assert!(one("CommandLine|utf16|base64: 'hi'", "//5oAGkA"));
    assert!(one("ParentImage: null", "x"));
    assert!(one("ProcessId|gte: 100", "x"));
    assert!(!one("ProcessId|lt: 100", "x"));
    assert!(one("ProcessId|gt: 99.5", "x") && !one("ProcessId|lte: 99.5", "x"));
    assert!(one("ProcessId|gt: -1", "x") && !one("ProcessId|lt: 0", "x"));
    assert!(one("CurrentDirectory|exists: false", "x"));
}

#[test]
fn windash_takes_every_dash_of_a_value_for_any_of_them() {
    let one = |line: &str| {
        of_process("  s: {CommandLine|windash|contains: ' -a -b'}\n  condition: s", line)
    };
    for line in ["x -a -b", "x /a /b", "x /a -b", "x \u{2013}a \u{2015}b"] {
        assert!(one(line), "{line}");
    }
    assert!(!one("x +a -b") && !one("x \u{2012}a -b"));
}

#[test]
fn a_field_is_held_against_another_one() {
    let is = |item: &str, line: &str| of_process(&format!("  s: {{{item}}}\n  condition: s"), line);
    let two = "/usr/bin/x";
    // `exec` runs /usr/bin/ and the first word.
    assert!(!is("Image|fieldref: CommandLine", "../bin/x"));
    assert!(is("CommandLine|endswith|fieldref: Image", &format!("x {two}")));
    assert!(is("CommandLine|fieldref|contains: Image", &format!("x {two} y")));
    assert!(is("CommandLine|contains|fieldref: Image", "x /USR/bin/X y"));
    assert!(!is("CommandLine|contains|cased|fieldref: Image", "x /USR/bin/X y"));
    assert!(!is("CommandLine|startswith|fieldref: Image", &format!("x {two}")));
    assert!(is("CommandLine|fieldref|neq: Image", "x"));
    // The parent is not known: there is nothing to compare with.
    assert!(!is("Image|fieldref: ParentImage", "x"));
    assert!(is("Image|fieldref|neq: ParentImage", "x"));
    assert!(is("ProcessId|fieldref: [ParentProcessId, ProcessId]", "x"));
    assert!(!is("ProcessId|fieldref|all: [ParentProcessId, ProcessId]", "x"));
    let own = "  s: {type: PATH, name|startswith|fieldref: exe}\n  condition: s";
    assert!(holds("service: auditd", own, file("write", "/usr/bin/x.new")));
    assert!(!holds("service: auditd", own, file("write", "/usr/bin/y")));
}

#[test]
fn a_field_is_held_against_the_whole_of_a_long_command_line() {
    let line = format!("x {} /usr/bin/x", "a".repeat(6_000));
    let ends = "  s: {CommandLine|endswith|fieldref: Image}\n  condition: s";
    assert!(of_process(ends, &line));
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
        ("1 of *el*b", true),
        ("1 of *el*a*", false),
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
        ("category: process_creation", "Image|expand: '%x%'", "nobody says what %x% is"),
        ("category: process_creation", "UtcTime: 2026-11-22", "a date is compared by its parts"),
        ("category: process_creation", "Image|hour: 3", "'Image' is no date"),
        ("category: process_creation", "Image|near: x", "the modifier 'near' is not evaluated"),
        ("category: process_creation", "Image|fieldref: Hashes", "our events have no 'Hashes'"),
        (
            "category: process_creation",
            "Image|re|fieldref: User",
            "the modifiers `re` and `fieldref` do not go together",
        ),
        ("category: process_creation", "Image|wide: x", "NUL bytes"),
        ("service: auditd", "exe|fieldref: comm", "'comm' is compared with words only"),
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

#[test]
fn parts_of_the_time_are_numbers() {
    // 2026-11-22, a Sunday, 00:00 UTC.
    let one = |item: &str| of_process(&format!("  s: {{{item}}}\n  condition: s"), "x");
    for item in [
        "UtcTime|hour: 0",
        "UtcTime|minute|lt: 1",
        "UtcTime|day: [21, 22]",
        "UtcTime|week: 47",
        "UtcTime|month|gte: 11",
        "UtcTime|year: 2026",
        "UtcTime|hour|neq: 1",
    ] {
        assert!(one(item), "{item}");
    }
    assert!(!one("UtcTime|hour|gte: 1") && !one("UtcTime|day: 23"));
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
