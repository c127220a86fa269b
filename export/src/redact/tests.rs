//! Claims about what is hidden, and what is not.

use event::model::table::{COMMON, TYPES};
use proptest::prelude::*;
use serde_json::{Value, json};

use super::{fields, *};

const KEY: [u8; 32] = [7; 32];

fn mark(text: &str) -> String {
    event::redact::shown(&Key::new(KEY).mark(text.as_bytes()))
}

/// The lines as they are exported with this hidden.
fn redacted(what: &[What], lines: &[Value]) -> Vec<Value> {
    redacted_by(KEY, what, lines)
}

fn redacted_by(key: [u8; 32], what: &[What], lines: &[Value]) -> Vec<Value> {
    let policy = Policy::new(what, Key::new(key));
    let texts: Vec<String> = lines.iter().map(Value::to_string).collect();
    let mut learning = Learning::new(&policy, &Run::default());
    texts.iter().for_each(|line| learning.line(line.as_bytes()));
    let mut redactor = learning.settle().expect("few");
    for line in &texts {
        redactor.line(line.as_bytes()).expect("an event");
    }
    let counts = redactor.begin();
    let new = texts
        .iter()
        .map(|line| {
            let new = redactor.line(line.as_bytes()).expect("an event");
            serde_json::from_slice(new).expect("a line is JSON")
        })
        .collect();
    assert_eq!(redactor.counts(), counts);
    new
}

fn field(what: &[What], kind: &str, name: &str, value: Value) -> Value {
    let line = json!({ "type": kind, name: value });
    redacted(what, &[line])[0][name].clone()
}

#[test]
fn a_secret_that_shows_itself_once_is_hidden_wherever_it_stands() {
    let lines = [
        json!({"type": "file", "path": "/tmp/hunter2-Zq9.txt"}),
        json!({"type": "exec", "argv": ["curl", "-u", "me:hunter2-Zq9", "x"], "argv_len": 40, "argc": 4}),
        json!({"type": "finding", "matched": ["argv=x hunter2-Zq9"], "title": "T", "severity": "high"}),
    ];
    let new = redacted(&What::DEFAULT, &lines);
    let mark = mark("hunter2-Zq9");
    assert_eq!(new[0]["path"], format!("/tmp/{mark}.txt"));
    assert_eq!(new[1]["argv"], json!(["curl", "-u", format!("me:{mark}"), "x"]));
    assert_eq!(new[1]["redacted"], 1);
    assert_eq!(new[1].get("argv_len"), None, "it tells how long the secret is");
    assert_eq!(new[2]["matched"], json!([format!("argv=x {mark}")]));
    let told = json!({
        "version": 1, "what": ["secrets", "env"], "key": Key::new(KEY).name(),
        "replaced": {"secrets": 3, "env": 0},
    });
    assert_eq!(new[0]["redaction"], told, "the first line says it");
    assert_eq!(new[1].get("redaction"), None);
}

#[test]
fn a_mark_of_the_recorder_stays_and_is_counted_on() {
    let old = mark("hunter2-Zq9");
    let line = json!({"type": "exec", "redacted": 1, "argv": ["x", format!("--password={old}"), "--token=hunter2-Zq9"]});
    let new = redacted(&What::DEFAULT, &[line]);
    let words = json!(["x", format!("--password={old}"), format!("--token={old}")]);
    assert_eq!(new[0]["argv"], words, "one secret, one mark, whoever made it");
    assert_eq!(new[0]["redacted"], 2);
}

#[test]
fn another_key_gives_other_marks() {
    let lines = [json!({"type": "exec", "argv": ["x", "--password=hunter2-Zq9"]})];
    let one = redacted_by([1; 32], &What::DEFAULT, &lines);
    assert_eq!(one, redacted_by([1; 32], &What::DEFAULT, &lines));
    let other = redacted_by([2; 32], &What::DEFAULT, &lines);
    assert_ne!(one[0]["argv"], other[0]["argv"]);
    assert_ne!(one[0]["redaction"]["key"], other[0]["redaction"]["key"]);
}

#[test]
fn values_of_variables_are_hidden_and_their_names_stay() {
    let new = field(&[What::Env], "start", "env", json!(["LANG=C", "EMPTY=", "TOKEN=abc"]));
    let expected =
        json!([format!("LANG={}", mark("C")), "EMPTY=", format!("TOKEN={}", mark("abc"))]);
    assert_eq!(new, expected);
}

#[test]
fn users_are_hidden_as_whole_words_and_below_home() {
    let lines = [
        json!({"type": "start", "user": "ana", "host": "build-3"}),
        json!({"type": "exec", "argv": ["ls", "/home/ben/analysis", "-u", "ana", "carl@web-1"]}),
        json!({"type": "file", "path": "/home/ben/x", "op": "read"}),
        json!({"type": "start", "user": "root"}),
    ];
    let new = redacted(&[What::Users], &lines);
    let (ana, ben, carl) = (mark("ana"), mark("ben"), mark("carl"));
    assert_eq!(new[0]["user"], ana);
    assert_eq!(new[0]["host"], "build-3");
    let words = json!(["ls", format!("/home/{ben}/analysis"), "-u", ana, format!("{carl}@web-1")]);
    assert_eq!(new[1]["argv"], words);
    assert_eq!(new[2]["path"], format!("/home/{ben}/x"));
    assert_eq!(new[3]["user"], "root");
}

#[test]
fn machines_are_hidden_by_name_and_by_address() {
    let lines = [
        json!({"type": "start", "host": "build-3", "command": ["curl", "https://me@www.example.org:8443/a", "10.0.0.7"]}),
        json!({"type": "net", "host": "db.example.org", "peer": "10.0.0.7:443", "local": "[2001:db8::1]:9"}),
        json!({"type": "dns", "host": "x.example", "answers": ["x.example 60 CNAME cdn.example.net", "cdn.example.net 60 A 10.0.0.7"]}),
        json!({"type": "exec", "argv": ["ping", "build-3", "rebuild-3", "cdn.example.net", "localhost", "127.0.0.1:80"]}),
    ];
    let new = redacted(&[What::Hosts, What::Addresses], &lines);
    let (build, www, db) = (mark("build-3"), mark("www.example.org"), mark("db.example.org"));
    let (cdn, ip, six) = (mark("cdn.example.net"), mark("10.0.0.7"), mark("2001:db8::1"));
    assert_eq!(new[0]["host"], build);
    assert_eq!(new[0]["command"], json!(["curl", format!("https://me@{www}:8443/a"), ip]));
    assert_eq!(new[1]["host"], db);
    assert_eq!(new[1]["peer"], format!("{ip}:443"));
    assert_eq!(new[1]["local"], format!("[{six}]:9"));
    let x = mark("x.example");
    assert_eq!(
        new[2]["answers"],
        json!([format!("{x} 60 CNAME {cdn}"), format!("{cdn} 60 A {ip}")])
    );
    assert_eq!(
        new[3]["argv"],
        json!(["ping", build, "rebuild-3", cdn, "localhost", "127.0.0.1:80"])
    );
}

#[test]
fn names_of_files_are_hidden_and_the_systems_are_not() {
    let (plan, txt) = (mark("plan-x"), mark("list.txt"));
    for (path, expected) in [
        ("/usr/lib/x/list.txt", "/usr/lib/x/list.txt".to_owned()),
        ("/etc/passwd", "/etc/passwd".to_owned()),
        ("/tmp/plan-x", format!("/tmp/{plan}")),
        ("/dev/shm/plan-x", format!("/dev/shm/{plan}")),
        ("/plan-x/../list.txt", format!("/{plan}/../{txt}")),
        ("plan-x/list.txt", format!("{plan}/{txt}")),
        ("/", "/".to_owned()),
    ] {
        assert_eq!(field(&[What::Paths], "file", "path", json!(path)), expected, "{path}");
    }
    let lines = [
        json!({"type": "file", "path": "/home/u/plan-x/list.txt", "op": "read"}),
        json!({"type": "exec", "exe": "/usr/bin/cat", "argv": ["cat", "list.txt", "-I/src/plan-x", "https://h/a", "/usr/x"]}),
        json!({"type": "call", "name": "mount", "path_claimed": "plan-x"}),
    ];
    let new = redacted(&[What::Paths], &lines);
    assert_eq!(new[0]["path"], format!("/home/{}/{plan}/{txt}", mark("u")));
    let src = mark("src");
    assert_eq!(
        new[1]["argv"],
        json!(["cat", txt, format!("-I/{src}/{plan}"), "https://h/a", "/usr/x"])
    );
    assert_eq!(new[1]["exe"], "/usr/bin/cat");
    assert_eq!((&new[2]["name"], &new[2]["path_claimed"]), (&json!("mount"), &json!(plan)));
}

#[test]
fn bytes_that_are_no_text_are_hidden_in_both_their_forms() {
    // `x\xffhunter2-Zq9` and its twin.
    let line = json!({"type": "exec", "argv": ["x", "--password=\u{fffd}hunter2-Zq9"], "argv_b64": ["eA==", "LS1wYXNzd29yZD3/aHVudGVyMi1acTk="]});
    let new = redacted(&What::DEFAULT, &[line])[0].clone();
    let mark = event::redact::shown(&Key::new(KEY).mark(b"\xffhunter2-Zq9"));
    assert_eq!(new["argv"][1], format!("--password={mark}"));
    assert_eq!(new.get("argv_b64"), None, "all of it is text now");
}

#[test]
fn an_argv_hash_that_everybody_could_try_guesses_against_is_a_mark() {
    let line = json!({"type": "exec", "argv": ["x"], "argv_hash": "ab12"});
    let new = redacted(&What::DEFAULT, &[line])[0].clone();
    assert!(new["argv_hash"].as_str().is_some_and(|text| text.starts_with("[redacted:")), "{new}");
}

#[test]
fn the_page_is_without_it_and_says_the_policy() {
    let page = json!({"host": "build-3", "command": ["x", "--password=hunter2-Zq9"], "verdict": "complete",
        "tags": {"who": "ana"}, "user": "ana"});
    let run = Run { page: page.as_object().cloned().expect("an object"), ..Run::default() };
    let policy = Policy::new(&What::ALL, Key::new(KEY));
    let mut redactor = Learning::new(&policy, &run).settle().expect("few");
    redactor.begin();
    let new = redactor.run(&run);
    assert_eq!(new.text("host"), mark("build-3"));
    assert_eq!(policy.host("build-3"), mark("build-3"));
    assert_eq!(new.page["command"], json!(["x", format!("--password={}", mark("hunter2-Zq9"))]));
    assert_eq!(new.page["tags"], json!({"who": mark("ana")}));
    assert_eq!(new.text("verdict"), "complete");
    assert_eq!(new.redaction.expect("it is there")["what"].as_array().map(Vec::len), Some(6));
}

#[test]
fn every_name_in_the_lists_is_a_field() {
    let known = |name: &str| {
        COMMON.contains(&name)
            || ["op", "exe"].contains(&name)
            || TYPES.iter().any(|kind| kind.has_field(name))
    };
    for name in fields::PATHS.iter().chain(fields::OURS) {
        assert!(known(name), "{name}");
    }
}

#[test]
fn the_document_has_every_word() {
    let document = include_str!("../../../docs/export.md");
    for what in What::ALL {
        assert!(document.contains(&format!("| `{}` | ", what.word())), "{}", what.word());
    }
}

#[test]
fn more_than_can_be_looked_for_is_refused_and_not_passed() {
    let policy = Policy::new(&What::DEFAULT, Key::new(KEY));
    let mut learning = Learning::new(&policy, &Run::default());
    let secret = "x".repeat(1 << 20);
    for n in 0..5 {
        let line = json!({"type": "exec", "argv": ["x", format!("--password={n}{secret}")]});
        learning.line(line.to_string().as_bytes());
    }
    assert_eq!(learning.settle().expect_err("too much"), TooMuch);
}

proptest! {
    /// Lines are as hostile as any: none makes it panic, and what comes out is a line.
    #[test]
    fn a_line_of_any_bytes_is_refused_or_stays_a_line(bytes in proptest::collection::vec(any::<u8>(), 0..200), text in ".*") {
        let policy = Policy::new(&What::ALL, Key::new(KEY));
        let lines = [bytes, json!({"type": "exec", "argv": [&text, "-p"], "cwd": &text, "host": &text}).to_string().into_bytes()];
        let mut learning = Learning::new(&policy, &Run::default());
        lines.iter().for_each(|line| learning.line(line));
        let mut redactor = learning.settle().expect("few");
        for line in &lines {
            if let Some(new) = redactor.line(line) {
                prop_assert!(serde_json::from_slice::<Value>(new).is_ok());
            }
        }
    }

    #[test]
    fn a_named_secret_is_nowhere(secret in "[a-zA-Z0-9!%+]{6,40}", before in "[a-z /.]{0,9}", after in "[a-z /.]{0,9}") {
        let lines = [
            json!({"type": "exec", "argv": ["x", format!("--password={secret}")]}),
            json!({"type": "file", "op": "read", "path": format!("/{before}{secret}{after}")}),
            json!({"type": "net", "host": secret, "peer": secret}),
        ];
        for line in redacted(&What::DEFAULT, &lines) {
            // A mark may hold the letters of a secret that is hexadecimal.
            let bare = line.to_string().split("[redacted:").map(|part| part.split_once(']').map_or(part, |(_, rest)| rest).to_owned()).collect::<String>();
            prop_assert!(!bare.contains(&secret), "{bare}");
        }
    }
}
