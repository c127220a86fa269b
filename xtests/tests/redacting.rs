//! `audit export --redact`: a record with secrets in it is given to strangers without them, in every format.
#![forbid(unsafe_code)]

use std::{
    collections::BTreeSet,
    fs,
    io::{Read, Write},
    net::TcpListener,
    path::{Path, PathBuf},
    process::Command,
};

use xtests::{Lab, Recorded, not_run};

/// No rule knows it by its form, and nothing else on the machine has it. Small letters: it is part of a host's name.
const SECRET: &str = "hunter2-zq9x";

/// Every format that is made of events.
const FORMATS: [&str; 11] = [
    "jsonl",
    "csv",
    "parquet",
    "otlp-json",
    "ocsf",
    "ecs",
    "in-toto",
    "perfetto",
    "pftrace",
    "syslog",
    "journal",
];

/// A run that was told to keep secrets, with one on a command line, in a URL, in a variable, in the name of a
/// host and in the name of a file that a finding is about.
fn recorded(lab: &Lab) -> Recorded {
    let rules = "rules:\n  - id: MADE\n    title: A file was made\n    severity: high\n    when:\n      \
                 file: {op: write, path: '*/made*'}\n";
    fs::write(lab.work().join("rules.yml"), rules).expect("room");
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let port = listener.local_addr().expect("an address").port();
    let server = std::thread::spawn(move || {
        let (mut stream, _) = listener.accept().expect("a client");
        let (mut request, mut piece) = (Vec::new(), [0; 512]);
        while !request.ends_with(b"\r\n\r\n") {
            let len = stream.read(&mut piece).expect("a request");
            assert_ne!(len, 0, "it ended within the request");
            request.extend(&piece[..len]);
        }
        let _ = stream.write_all(b"HTTP/1.0 204 No Content\r\n\r\n");
    });
    let script = format!(
        "{nothing} --password={SECRET}; {nothing} https://me:{SECRET}@h.example/a; echo x >made-{SECRET}
         exec 3<>/dev/tcp/127.0.0.1/{port}; printf 'GET / HTTP/1.1\\r\\nHost: {SECRET}.example\\r\\n\\r\\n' >&3; cat <&3",
        nothing = lab.nothing().display()
    );
    let mut run = lab.run(["bash", "-c", &script]).with(["--rules", "rules.yml", "--no-redact"]);
    run.process.env("TESTER_TOKEN", SECRET).env("TESTER_COLOUR", "greenish");
    let run = run.with(["--env", "TESTER_TOKEN", "--env", "TESTER_COLOUR"]).succeed();
    server.join().expect("no panic");
    run.assert_whole();
    let of_host = run.of("net", "").any(|net| net.text("host").contains(SECRET));
    assert!(of_host && run.number_of("finding", "") == 1, "{}", run.errors());
    run
}

/// The run in this format, as the bytes that a reader gets to see.
fn exported(lab: &Lab, run: &str, format: &str, flags: &[&str]) -> Option<Vec<u8>> {
    let file = lab.work().join(format!("out.{format}"));
    let _ = fs::remove_file(&file);
    let path = file.to_str().expect("it is UTF-8");
    let arguments = [&["export", run, "--format", format, "-o", path], flags].concat();
    let output = lab.ask(&arguments);
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    if format == "parquet" && said.contains("it is not in this build") {
        not_run("redacted columns", "this build has no Parquet");
        return None;
    }
    assert!(output.status.success(), "{arguments:?}: {said}");
    if format == "parquet" { columns(&file) } else { Some(fs::read(&file).expect("it is there")) }
}

/// All cells and the metadata of a file of columns, by DuckDB.
fn columns(file: &Path) -> Option<Vec<u8>> {
    let own = std::env::current_exe().expect("a running program has a file");
    let python: Option<PathBuf> =
        own.ancestors().map(|dir| dir.join("engines/bin/python3")).find(|path| path.exists());
    let Some(python) = python else {
        not_run(
            "redacted columns by DuckDB",
            "target/engines is not there (scripts/setup.sh --test)",
        );
        return None;
    };
    let script = "import duckdb, sys
for what in ('COLUMNS(*)::VARCHAR FROM read_parquet', 'decode(key), decode(value) FROM parquet_kv_metadata'):
    for row in duckdb.execute(f\"SELECT {what}('{sys.argv[1]}')\").fetchall():
        print(*row, sep='\\t')";
    let output = Command::new(python).args(["-c", script]).arg(file).output().expect("it starts");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    Some(output.stdout)
}

fn holds(bytes: &[u8], text: &str) -> bool {
    bytes.windows(text.len()).any(|window| window == text.as_bytes())
}

/// The marks in a text.
fn marks(bytes: &[u8]) -> BTreeSet<String> {
    let text = String::from_utf8_lossy(bytes).into_owned();
    let parts = text.split("[redacted:").skip(1);
    parts.filter_map(|rest| Some(rest.split_once(']')?.0.to_owned())).collect()
}

#[test]
fn a_secret_of_a_record_is_in_no_format_that_is_redacted() {
    let lab = Lab::new();
    let run = recorded(&lab);
    for format in FORMATS {
        let Some(plain) = exported(&lab, run.id(), format, &[]) else { continue };
        assert!(holds(&plain, SECRET), "{format}: without --redact it is there");
        for flags in [&["--redact"][..], &["--redact=all"]] {
            let told = exported(&lab, run.id(), format, flags).expect("as before");
            assert!(!holds(&told, SECRET), "{format} {flags:?}");
            assert!(!holds(&told, "greenish"), "{format} {flags:?}");
            let text = String::from_utf8_lossy(&told);
            assert!(
                text.to_lowercase().contains("redaction") && text.contains("replaced"),
                "{format} {flags:?}: {text}"
            );
        }
    }
}

#[test]
fn marks_are_the_same_by_the_same_key_and_others_by_another() {
    let lab = Lab::new();
    let (one, two) = (recorded(&lab), recorded(&lab));
    let lines =
        |run: &Recorded, flags: &[&str]| exported(&lab, run.id(), "jsonl", flags).expect("lines");
    let secret = |bytes: &[u8]| {
        let text = String::from_utf8_lossy(bytes).into_owned();
        let (_, rest) = text.split_once("\"--password=[redacted:").expect("it is hidden");
        rest.split_once(']').expect("a mark").0.to_owned()
    };
    let (first, second) = (lines(&one, &["--redact"]), lines(&two, &["--redact"]));
    assert_eq!(secret(&first), secret(&second));
    // What is redacted while it is recorded has that mark too: one key, one thing, one mark.
    let nothing = lab.nothing();
    let word = format!("--password={SECRET}");
    let kept = lab.run([nothing.as_os_str(), word.as_ref()]).succeed();
    assert_eq!(secret(&lines(&kept, &[])), secret(&first));

    let key = lab.work().join("key");
    fs::write(&key, [9; 32]).expect("room");
    let path = key.to_str().expect("it is UTF-8");
    let other = lines(&one, &["--redact", "--redact-key", path]);
    assert!(marks(&other).is_disjoint(&marks(&first)), "{:?}", marks(&other));
    assert_eq!(secret(&other), secret(&lines(&two, &["--redact", "--redact-key", path])));

    // Two redacted runs of one command are compared as any: the same programs with the same words.
    let words = |bytes: &[u8]| -> BTreeSet<String> {
        let lines = String::from_utf8_lossy(bytes).into_owned();
        let events = lines
            .lines()
            .map(|line| serde_json::from_str::<serde_json::Value>(line).expect("JSON"));
        events
            .filter(|event| event["type"] == "exec")
            .map(|event| format!("{} {}", event["exe"], event["argv"]))
            .collect()
    };
    let both = |flags: &[&str]| (words(&lines(&one, flags)), words(&lines(&two, flags)));
    // Ports differ from run to run, and so does the text that has one.
    let without = |words: BTreeSet<String>| -> BTreeSet<String> {
        words.into_iter().filter(|word| !word.contains("/dev/tcp/")).collect()
    };
    for flags in [&["--redact"][..], &["--redact=all"]] {
        let (first, second) = both(flags);
        assert_eq!(without(first.clone()), without(second), "{flags:?}");
        assert!(first.len() >= 4, "{first:?}");
    }
}

#[test]
fn what_was_hidden_is_said_in_the_first_line_with_its_numbers() {
    let lab = Lab::new();
    let run = recorded(&lab);
    let text = exported(&lab, run.id(), "jsonl", &["--redact=secrets,env,paths"]).expect("lines");
    let lines: Vec<serde_json::Value> = String::from_utf8_lossy(&text)
        .lines()
        .map(|line| serde_json::from_str(line).expect("JSON"))
        .collect();
    let told = &lines[0]["redaction"];
    assert_eq!(told["what"], serde_json::json!(["secrets", "env", "paths"]));
    assert_eq!(told["version"], 1);
    // Both variables; the one that is a secret too is counted as that.
    assert_eq!(told["replaced"]["env"], 1);
    assert_eq!(lines[0]["env"].as_array().map(Vec::len), Some(2));
    let in_lines = String::from_utf8_lossy(&text).matches("[redacted:").count() as u64;
    let replaced = told["replaced"].as_object().expect("numbers").values();
    assert_eq!(replaced.filter_map(serde_json::Value::as_u64).sum::<u64>(), in_lines);
    assert!(lines[1..].iter().all(|line| line.get("redaction").is_none()));
    assert_eq!(lines.len(), xtests::lines(&run.dir).lines().count());
}

#[test]
fn a_bundle_is_not_redacted_and_a_bad_word_or_key_is_refused() {
    let lab = Lab::new();
    let nothing = lab.nothing();
    let _ = lab.run([nothing.as_os_str()]).succeed();
    let short = lab.work().join("short");
    fs::write(&short, [1; 31]).expect("room");
    let short = short.to_str().expect("it is UTF-8");
    for (flags, words) in [
        (&["--format", "bundle", "--redact"][..], "its seal signs what was recorded"),
        (&["--redact=secret"], "it is none of secrets, env, users, hosts, addresses, paths, all"),
        (&["--redact", "--redact-key", short], "it is not 32 bytes long"),
        (&["--redact", "--redact-key", "/nonexistent"], "cannot redact with the key /nonexistent"),
        (&["--redact-key", short], "--redact"),
    ] {
        let output = lab.ask([&["export", "last", "-o", "/dev/null"], flags].concat());
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        assert_eq!(output.status.code(), Some(2), "{flags:?}: {said}");
        assert!(said.contains(words), "{flags:?}: {said}");
    }
}
