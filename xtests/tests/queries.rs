//! Questions are answered as documented: the same events as a reader of the lines would pick.
#![forbid(unsafe_code)]

use std::{collections::BTreeSet, fs, net::TcpListener, path::Path};

use xtests::{Event, Lab, Recorded};

/// A store with a few runs, the last one with something of everything.
struct Case {
    lab: Lab,
    run: Recorded,
    peer: String,
}

impl Case {
    fn new() -> Case {
        let lab = Lab::new();
        for name in ["one", "two"] {
            let run = lab.run(["true"]).with(["--name", name]).succeed();
            run.assert_whole();
        }
        let server = TcpListener::bind("127.0.0.1:0").expect("a port");
        let port = server.local_addr().expect("it has an address").port();
        fs::write(lab.work().join("words.txt"), "x").expect("room");
        let script = format!(
            "cat words.txt >/dev/null; echo x >made.txt; mv made.txt moved.txt; rm moved.txt
             exec 3<>/dev/tcp/127.0.0.1/{port}; echo hello >&3; exec 3>&-; sleep 0.3; ls /"
        );
        let run = lab
            .run(["bash", "-c", &script])
            .with(["--name", "words", "--tag", "ticket=7"])
            .succeed();
        run.assert_whole();
        drop(server);
        Case { lab, run, peer: format!("127.0.0.1:{port}") }
    }

    /// Sequence numbers that a query gives.
    fn asked(&self, words: &[&str]) -> Vec<u64> {
        let mut all = vec!["query", self.run.id(), "--all", "--format", "jsonl"];
        all.extend(words);
        let output = self.lab.ask(&all);
        let lines = String::from_utf8(output.stdout).expect("UTF-8");
        let errors = String::from_utf8_lossy(&output.stderr);
        let found: Vec<u64> = lines
            .lines()
            .map(|line| {
                Event(serde_json::from_str(line).expect("a line")).number("seq").expect("seq")
            })
            .collect();
        let code = i32::from(found.is_empty());
        assert_eq!(output.status.code(), Some(code), "{words:?}: {errors}");
        found
    }

    /// A query finds what `keep` keeps, and that is something.
    fn check(&self, words: &[&str], keep: impl Fn(&Event) -> bool) {
        let expected: Vec<u64> = self
            .run
            .events
            .iter()
            .filter(|event| keep(event))
            .filter_map(|event| event.number("seq"))
            .collect();
        assert!(!expected.is_empty(), "the job has nothing for {words:?}");
        assert_eq!(self.asked(words), expected, "audit query {words:?}");
    }
}

#[test]
fn queries_by_type_operation_and_process() {
    let case = Case::new();
    for kind in ["start", "process", "exec", "file", "net", "source", "end"] {
        case.check(&["--type", kind], |event| event.kind() == kind);
    }
    case.check(&["--type", "exec,net"], |event| matches!(event.kind(), "exec" | "net"));
    for op in ["read", "write", "create", "delete", "rename", "connect", "flow", "fork", "exit"] {
        case.check(&["--op", op], |event| event.op() == op);
    }
    case.check(&["--type", "file", "--op", "create,delete"], |event| {
        event.is("file", "create") || event.is("file", "delete")
    });
    let pid = case.run.of("exec", "").last().and_then(|event| event.number("pid")).expect("a pid");
    case.check(&["--pid", &pid.to_string()], |event| event.number("pid") == Some(pid));
}

#[test]
fn queries_by_path_program_and_text() {
    let case = Case::new();
    let words = case.lab.work().join("words.txt");
    let words = words.to_str().expect("a plain path");
    case.check(&["--path", words], |event| event.text("path") == words);
    case.check(&["--path", "words.txt"], |event| event.text("path").contains("words.txt"));
    // A report that is read after the rename has the file by both names.
    let moved = |event: &Event| {
        let names = ["path", "path2"].map(|name| event.text(name));
        names.into_iter().chain(event.list("also")).any(|name| name.ends_with("/moved.txt"))
    };
    case.check(&["--path", "**/moved.txt"], moved);
    case.check(&["--path", "moved.txt", "--op", "rename"], |event| {
        moved(event) && event.op() == "rename"
    });
    case.check(&["--exe", "**/cat"], |event| event.text("exe").ends_with("/cat"));
    case.check(&["--contains", "made.txt"], |event| event.0.to_string().contains("made.txt"));
    assert_eq!(case.asked(&["--path", "no-such-name"]), Vec::<u64>::new());
}

#[test]
fn queries_by_destination() {
    let case = Case::new();
    let to_peer = |event: &Event| event.text("peer") == case.peer;
    let (_, port) = case.peer.split_once(':').expect("a port");
    case.check(&["--dest", &case.peer], to_peer);
    case.check(&["--dest", "127.0.0.1", "--op", "connect"], |e| to_peer(e) && e.op() == "connect");
    case.check(&["--dest", &format!(":{port}")], to_peer);
    case.check(&["--dest", "127.0.0.0/8"], |event| event.text("peer").starts_with("127."));
    assert_eq!(case.asked(&["--dest", "10.0.0.0/8"]), Vec::<u64>::new());
}

#[test]
fn queries_by_time_and_number() {
    let case = Case::new();
    // The pause in the job: everything of `ls` comes after it.
    let ls = case.run.of("exec", "").find(|event| event.text("exe").ends_with("/ls"));
    let since = ls.expect("ls was executed").text("ts").to_owned();
    case.check(&["--since", &since], |event| event.text("ts") >= since.as_str());
    case.check(&["--until", &since], |event| event.text("ts") <= since.as_str());
    // Recording begins before the run does: the event `start` is the first.
    let start = case.run.events.first().expect("an event").text("ts").to_owned();
    case.check(&["--since", &start], |_| true);
    assert_eq!(case.asked(&["--since", "+1h"]), Vec::<u64>::new());
    let few = case.lab.told(["query", case.run.id(), "--limit", "3", "--format", "jsonl"]);
    assert_eq!(few.lines().count(), 3, "--limit 3");
    let default = case.lab.told(["query", case.run.id(), "--format", "jsonl"]);
    assert_eq!(default.lines().count(), 20, "the default limit");
}

#[test]
fn lines_of_a_query_are_lines_of_the_record() {
    let case = Case::new();
    let lines = case.lab.told(["query", case.run.id(), "--all", "--json"]);
    let record = xtests::lines(&case.run.dir);
    assert_eq!(lines, record);
}

#[test]
fn several_runs_are_asked_at_once() {
    let case = Case::new();
    let lines = case.lab.told(["query", "@one", "@two", "--type", "start", "--format", "jsonl"]);
    assert_eq!(lines.lines().count(), 2, "{lines}");
    let page = case.lab.told(["query", "@one", "@two", "--type", "start,end"]);
    let runs = case.lab.runs();
    for name in ["-one-", "-two-"] {
        let id = runs.iter().find(|dir| dir.to_string_lossy().contains(name)).expect("a run");
        let suffix = id.to_string_lossy().rsplit('-').next().expect("a suffix").to_owned();
        assert!(page.contains(&format!("{suffix}:1 ")), "{page}");
    }
    let few = case.lab.told(["query", "@one", "@two", "--limit", "1", "--format", "jsonl"]);
    assert_eq!(few.lines().count(), 1, "the limit is one for all");
}

#[test]
fn fields_are_chosen_counted_and_listed() {
    let case = Case::new();
    let names = case.lab.told(["query", "--fields"]);
    for name in ["seq", "path", "argv", "sent_bytes"] {
        assert!(names.lines().any(|line| line == name), "{name}: {names}");
    }
    let id = case.run.id();
    let lines =
        case.lab.told(["query", id, "--type", "exec", "--fields", "pid,argv", "--all", "--json"]);
    let expected: Vec<serde_json::Value> = case
        .run
        .of("exec", "")
        .map(|event| serde_json::json!({ "pid": event.0["pid"], "argv": event.0["argv"] }))
        .collect();
    let found: Vec<serde_json::Value> =
        lines.lines().map(|line| serde_json::from_str(line).expect("a line")).collect();
    assert_eq!(found, expected);
    let text = case.lab.told(["query", id, "--type", "exec", "--fields", "pid,argv"]);
    assert!(text.starts_with("PID ") && text.contains("ls /"), "{text}");
    let counts = case.lab.told(["query", id, "--count", "by", "type", "--all", "--json"]);
    let counts: serde_json::Value = serde_json::from_str(&counts).expect("JSON");
    for count in counts["counts"].as_array().expect("a list") {
        let kind = count["value"].as_str().expect("a type");
        assert_eq!(count["events"], case.run.number_of(kind, ""), "{kind}");
    }
    for wrong in [&["--fields", "nonsense"][..], &["--count", "by", "nonsense"]] {
        let output = case.lab.ask([&["query", id], wrong].concat());
        assert_eq!(output.status.code(), Some(2), "{wrong:?}");
        assert!(String::from_utf8_lossy(&output.stderr).contains("hint: audit query"));
    }
}

#[test]
fn the_index_answers_in_sql_and_is_only_read() {
    let case = Case::new();
    let id = case.run.id();
    let sql = "SELECT type, count(*) AS n FROM events WHERE type = 'exec' GROUP BY type";
    let line = case.lab.told(["query", id, "--sql", sql, "--json"]);
    let execs = case.run.number_of("exec", "");
    assert_eq!(line, format!("{{\"type\":\"exec\",\"n\":{execs}}}\n"));
    let index = fs::read(case.run.dir.join("index.sqlite")).expect("an index");
    for wrong in ["DELETE FROM events", "ATTACH 'x' AS x", "PRAGMA writable_schema=1"] {
        let output = case.lab.ask(["query", id, "--sql", wrong]);
        assert_eq!(output.status.code(), Some(2), "{wrong}");
    }
    assert_eq!(fs::read(case.run.dir.join("index.sqlite")).expect("an index"), index);
}

#[test]
fn a_shell_completes_runs_and_fields() {
    let case = Case::new();
    let complete = |words: &[&str]| {
        let mut command = case.lab.audit();
        command.env("COMPLETE", "bash").env("_CLAP_IFS", "\n");
        command.env("_CLAP_COMPLETE_INDEX", (words.len() - 1).to_string());
        let output = command.arg("--").args(words).output().expect("audit starts");
        String::from_utf8(output.stdout).expect("UTF-8")
    };
    let suffix = case.run.id().rsplit('-').next().expect("a suffix");
    let runs = complete(&["audit", "view", ""]);
    for word in ["last", suffix, "@words", "@one"] {
        assert!(runs.lines().any(|line| line == word), "{word}: {runs}");
    }
    let fields = complete(&["audit", "query", "--count", "by", "sent_"]);
    assert_eq!(fields.trim(), "sent_bytes\nsent_packets");
    let script = case.lab.told(["completions", "bash"]);
    assert!(script.contains("complete -"), "{script}");
}

#[test]
fn runs_are_found_by_all_that_they_are_called() {
    let case = Case::new();
    let runs = case.lab.runs();
    let ids: Vec<&str> = runs.iter().filter_map(|dir| dir.file_name()?.to_str()).collect();
    let suffix = |id: &str| id.rsplit('-').next().unwrap_or_default().to_owned();
    let by_name = |name: &str| *ids.iter().find(|id| id.contains(name)).expect("a run");
    let path = case.run.dir.to_str().expect("a plain path").to_owned();
    for (wanted, id) in [
        ("@words".to_owned(), by_name("-words-")),
        ("@one".to_owned(), by_name("-one-")),
        (suffix(by_name("-two-")), by_name("-two-")),
        (by_name("-two-").to_owned(), by_name("-two-")),
        (by_name("-one-").trim_end_matches(|c| c != '-').to_owned(), by_name("-one-")),
        (path, case.run.id()),
    ] {
        let line = case.lab.told(["query", &wanted, "--type", "start", "--format", "jsonl"]);
        let event = Event(serde_json::from_str(line.trim()).expect("one line"));
        assert_eq!(event.text("run"), id, "{wanted}");
    }
    // Ids of the same second are in the order of their names; `last` is the greatest.
    let mut sorted = ids.clone();
    sorted.sort_unstable();
    for (wanted, at) in [("last", 1), ("last~1", 2), ("last~2", 3)] {
        let line = case.lab.told(["query", wanted, "--type", "start", "--format", "jsonl"]);
        let event = Event(serde_json::from_str(line.trim()).expect("one line"));
        assert_eq!(event.text("run"), sorted[sorted.len() - at], "{wanted}");
    }
    for (wanted, word) in [("nope", "cannot find run"), ("2", "cannot tell which run")] {
        let output = case.lab.ask(["view", wanted]);
        assert_eq!(output.status.code(), Some(2), "{wanted}");
        let errors = String::from_utf8_lossy(&output.stderr);
        assert!(errors.contains(word), "{wanted}: {errors}");
    }
}

#[test]
fn pages_tell_what_was_done() {
    let case = Case::new();
    let list = case.lab.told(["runs"]);
    for word in ["words", "one", "two"] {
        assert!(list.contains(word), "audit runs without {word:?}: {list}");
    }
    let page = case.lab.told(["view"]);
    for word in ["bash", "cat", "rm", "words.txt", "moved.txt", case.peer.as_str()] {
        assert!(page.contains(word), "audit view without {word:?}: {page}");
    }
    assert!(page.contains("complete"), "audit view without the verdict: {page}");
    let tree = case.lab.told(["view", "--tree"]);
    for word in ["bash", "cat", "mv", "ls"] {
        assert!(tree.contains(word), "the tree without {word:?}: {tree}");
    }
    for words in [&["view", "--json"][..], &["runs", "--json"], &["status", "--json"]] {
        let text = case.lab.told(words);
        let value: Result<serde_json::Value, _> = serde_json::from_str(&text);
        assert!(value.is_ok(), "audit {words:?} is no JSON: {text}");
    }
    let status = case.lab.told(["status"]);
    assert!(status.contains('3'), "three runs: {status}");
}

#[test]
fn an_empty_store_is_told() {
    let lab = Lab::new();
    let output = lab.ask(["view"]);
    assert_eq!(output.status.code(), Some(2));
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(errors.contains("no run is recorded yet"), "{errors}");
    assert!(lab.ask(["runs"]).status.success(), "an empty list is no error");
}

#[test]
fn this_machine_can_record_and_doctor_says_so() {
    let lab = Lab::new();
    let output = lab.ask(["doctor"]);
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    assert_eq!(output.status.code(), Some(0), "{text}{}", String::from_utf8_lossy(&output.stderr));
    let trial = text.lines().find(|line| line.contains("  trial  ")).unwrap_or_default();
    assert!(trial.starts_with("ok"), "{text}");
    assert!(lab.runs().is_empty(), "trying left runs in the store");
}

#[test]
fn doctor_mends_by_asking_sudo_for_what_needs_root() {
    let dir = tempfile::Builder::new().prefix("doctor.").tempdir_in("/tmp").expect("a directory");
    let (sudo, asked) = (dir.path().join("sudo"), dir.path().join("asked"));
    let script = format!("#!/bin/sh\necho \"$*\" >>'{}'\n", asked.display());
    std::fs::write(&sudo, script).expect("it is written");
    for path in [dir.path(), sudo.as_path()] {
        let all = std::os::unix::fs::PermissionsExt::from_mode(0o777);
        std::fs::set_permissions(path, all).expect("it is ours");
    }
    let lab = Lab::new();
    let audit = lab.program("audit");
    // Where no recorder is installed, whatever other tests do meanwhile.
    let alone = "mount -t tmpfs none /usr/libexec && exec setpriv --reuid=65534 --regid=65534 \
                 --clear-groups -- \"$@\"";
    let output = std::process::Command::new("unshare")
        .args(["-m", "sh", "-c", alone, "sh"])
        .arg(&audit)
        .args(["doctor", "--fix"])
        .env("PATH", format!("{}:/usr/sbin:/usr/bin:/sbin:/bin", dir.path().display()))
        .env("HOME", dir.path())
        .output()
        .expect("unshare starts");
    let errors = String::from_utf8_lossy(&output.stderr);
    let asked = std::fs::read_to_string(&asked).unwrap_or_default();
    assert_eq!(asked, format!("{} setup\n", audit.display()), "{errors}");
    assert!(errors.contains("audit: running sudo "), "{errors}");
    assert_eq!(output.status.code(), Some(1), "nothing was really mended: {errors}");
}

#[test]
fn a_reader_that_goes_away_is_no_error() {
    let case = Case::new();
    let script = format!(
        "'{}' query last --all | head -n 1 >/dev/null; echo \"${{PIPESTATUS[0]}}\"",
        case.lab.program("audit").display()
    );
    let done = std::process::Command::new("bash")
        .args(["-c", &script])
        .env("AUDIT_HOME", case.lab.home())
        .output()
        .expect("bash starts");
    assert_eq!(String::from_utf8_lossy(&done.stdout).trim(), "0");
    assert_eq!(String::from_utf8_lossy(&done.stderr), "", "words about it");
}

#[test]
fn a_path_is_also_looked_for_among_the_other_names_of_a_file() {
    let lab = Lab::new();
    let script = "echo x >one; ln one two; cat two >/dev/null; cat one >/dev/null; echo y >three";
    let run = lab.run(["bash", "-ec", script]).succeed();
    run.assert_whole();
    let name = |name: &str| lab.work().join(name).to_str().expect("text").to_owned();
    let (one, two) = (name("one"), name("two"));
    let bash = run.at("create", Path::new(&one)).next().and_then(|event| event.number("pid"));
    let bash = bash.expect("it made the file");
    let also = |event: &Event| event.list("also").contains(&two.as_str());
    let own = |event: &Event| [event.text("path"), event.text("path2")].contains(&two.as_str());
    let of = |keep: &dyn Fn(&Event) -> bool| -> Vec<u64> {
        run.events.iter().filter(|event| keep(event)).filter_map(|it| it.number("seq")).collect()
    };
    let read = run.at("read", Path::new(&one)).next().expect("cat read it");
    assert!(also(read), "{read:?}");
    let asked = |words: &[&str]| -> Vec<u64> {
        let mut all = vec!["query", run.id(), "--all", "--format", "jsonl", "--path", &two];
        all.extend(words);
        let lines = lab.told(&all);
        let seq = |line: &str| Event(serde_json::from_str(line).expect("a line")).number("seq");
        lines.lines().filter_map(seq).collect()
    };
    assert_eq!(asked(&[]), of(&|event| own(event) || also(event)));
    assert_eq!(asked(&["--exact-name"]), of(&own));
    assert!(asked(&[]).len() > asked(&["--exact-name"]).len());
    // A page finds it by the index.
    let explain = |words: &[&str]| {
        let mut all = vec!["explain", run.id(), "--path", &two, "--format", "json"];
        all.extend(words);
        let page: serde_json::Value = serde_json::from_str(&lab.told(&all)).expect("JSON");
        page["processes"].as_array().expect("a list").len()
    };
    // ln and both cats. What bash wrote is another name's, unless it was read after the link was.
    let pids = |keep: &dyn Fn(&Event) -> bool| -> BTreeSet<u64> {
        run.of("file", "").filter(|event| keep(event)).filter_map(|it| it.number("pid")).collect()
    };
    let (any, exact) = (pids(&|event| own(event) || also(event)), pids(&own));
    assert!(any.len() == 3 || (any.len() == 4 && any.contains(&bash)), "{any:?}");
    assert_eq!((explain(&[]), explain(&["--exact-name"])), (any.len(), exact.len()));
    assert_eq!(exact.len(), 2);
}
