//! Exports are as those who defined their formats want them, by validators that are not ours.
#![forbid(unsafe_code)]

use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
};

use xtests::Lab;

/// Where `scripts/setup.sh --test` puts validators.
fn validators() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../target/validators")
}

/// A script of `xtests/scripts/validators`.
fn script(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("scripts/validators").join(name)
}

/// A run with processes, files, names that are odd, a refused connection and findings.
fn recorded(lab: &Lab) -> u64 {
    let rules = "rules:\n  - id: MADE\n    title: A file was <made>\n    severity: high\n    when:\n      \
                 file: {op: write, path: '*/made*'}\n";
    fs::write(lab.work().join("rules.yml"), rules).expect("room");
    let script = "for n in made 'made \u{1b}[2J' 'made\u{202e}'; do echo x >\"$n\"; cat \"$n\"; mv \"$n\" x; rm x; done; \
                  (exec 3<>/dev/tcp/127.0.0.1/1) 2>/dev/null; kill -9 $$";
    let run = lab.run(["bash", "-c", script]).with(["--rules", "rules.yml"]).record();
    assert!(run.number_of("finding", "") >= 3, "{}", run.errors());
    lab.told(["export"]).lines().count() as u64
}

/// The last run in this format, in a file.
fn exported(lab: &Lab, format: &str) -> PathBuf {
    exported_with(lab, format, &[])
}

fn exported_with(lab: &Lab, format: &str, flags: &[&str]) -> PathBuf {
    let file = lab.work().join(format!("run.{format}"));
    let path = file.to_str().expect("it is UTF-8");
    lab.told([&["export", "--format", format, "-o", path], flags].concat());
    file
}

/// What the validator counted, if it found nothing wrong.
fn counted(validator: &mut Command, file: &Path) -> Result<u64, String> {
    let output = validator.arg(file).output().expect("it starts");
    let said = String::from_utf8_lossy(&output.stdout).into_owned();
    let count = said.split_whitespace().rev().find_map(|word| word.parse().ok());
    match (output.status.success(), count) {
        (true, Some(count)) => Ok(count),
        _ => Err(said + &String::from_utf8_lossy(&output.stderr)),
    }
}

/// Checks a format by a script of Python, which counts events, and that the script does say no. What is redacted
/// is of the same form.
fn check(format: &str, validator: impl Fn() -> Command, from: &str, to: &str) {
    let lab = Lab::new();
    let events = recorded(&lab);
    let file = exported_with(&lab, format, &["--redact=all"]);
    let text = fs::read_to_string(&file).expect("it is text");
    assert!(text.contains("[redacted:") && text.contains("redaction"), "{format}");
    assert_eq!(counted(&mut validator(), &file), Ok(events), "{format}, redacted");
    let file = exported(&lab, format);
    assert_eq!(counted(&mut validator(), &file), Ok(events), "{format}");
    let text = fs::read_to_string(&file).expect("it is text");
    assert!(!text.chars().any(|char| char != '\n' && event::json::acts(char)), "{format}");
    let other = text.replacen(from, to, 1);
    assert_ne!(other, text, "{format} has no {from}");
    fs::write(&file, other).expect("room");
    assert!(counted(&mut validator(), &file).is_err(), "{format}: the validator does say no");
}

/// Python with the validators, if they are there.
fn python(road: &str, name: &str) -> Option<impl Fn() -> Command> {
    let python = validators().join("bin/python");
    if !python.exists() {
        xtests::not_run(road, "there are no validators (scripts/setup.sh --test)");
        return None;
    }
    let script = script(name);
    Some(move || {
        let mut command = Command::new(&python);
        command.arg(&script);
        command
    })
}

#[test]
fn opentelemetrys_own_protobuf_reads_the_logs() {
    let Some(python) = python("OTLP by opentelemetry-proto", "otlp.py") else { return };
    check("otlp-json", python, "\"severityNumber\":9", "\"severityNumber\":\"nine\"");
}

#[test]
fn ocsf_is_valid_by_its_schema() {
    let Some(python) = python("OCSF by its schema", "ocsf.py") else { return };
    check("ocsf", python, "\"device\"", "\"device_\"");
}

#[test]
fn ecs_has_fields_types_and_values_of_ecs() {
    let package = validators().join("node_modules/@elastic/ecs/build/commonjs/index.js");
    if !package.exists() {
        xtests::not_run("ECS by @elastic/ecs", "it is not there (scripts/setup.sh --test)");
        return;
    }
    let node = || {
        let mut command = Command::new("node");
        command.arg(script("ecs.js")).arg(&package);
        command
    };
    check("ecs", node, "\"outcome\":\"success\"", "\"outcome\":\"fine\"");
}

#[test]
fn a_statement_is_one_of_in_toto_and_its_envelope_is_signed_by_the_key() {
    let Some(python) = python("in-toto by in-toto-attestation", "intoto.py") else { return };
    let lab = Lab::new();
    let script =
        "echo x >made; mv made kept; cat kept; (exec 3<>/dev/tcp/127.0.0.1/1) 2>/dev/null; true";
    let run = lab.run(["bash", "-c", script]).with(["--hash"]).succeed();
    run.assert_whole();
    let hidden = exported_with(&lab, "in-toto", &["--redact=all"]);
    assert_eq!(counted(&mut python(), &hidden), Ok(1));
    let bare = exported(&lab, "in-toto");
    assert_eq!(counted(&mut python(), &bare), Ok(1));
    let text = fs::read_to_string(&bare).expect("it is text");
    let statement: serde_json::Value = serde_json::from_str(&text).expect("it is JSON");
    let sums = Command::new("sha256sum").arg(run.dir.join("segments/seal")).output();
    let sums = String::from_utf8(sums.expect("it runs").stdout).expect("it is text");
    assert_eq!(statement["subject"][0]["digest"]["sha256"], sums[..64]);
    // `made` was hashed as it was written.
    assert_eq!(statement["subject"][1]["digest"]["blake3"].as_str().map(str::len), Some(64));
    let log = &statement["predicate"]["monitorLog"];
    assert_eq!(log["process"].as_array().map(Vec::len), Some(run.number_of("exec", "")));
    assert_eq!(log["network"][0]["peer"], "127.0.0.1:1");
    fs::write(&bare, text.replacen("in-toto.io/Statement/v1", "in-toto.io/Statement/v0", 1))
        .expect("room");
    assert!(counted(&mut python(), &bare).is_err(), "the validator does say no");

    let key = |name: &str| {
        let path = lab.work().join(name);
        let made =
            Command::new("ssh-keygen").args(["-qt", "ed25519", "-N", "", "-f"]).arg(&path).status();
        assert!(made.expect("it runs").success());
        path.to_str().expect("it is UTF-8").to_owned()
    };
    let (ours, other) = (key("ours"), key("other"));
    let file = lab.work().join("envelope");
    let path = file.to_str().expect("it is UTF-8");
    lab.told(["export", "--format", "in-toto", "--sign-key", &ours, "-o", path]);
    let verified = |key: &str| counted(python().arg(format!("{key}.pub")), &file);
    assert_eq!(verified(&ours), Ok(1));
    assert!(verified(&other).is_err(), "another key did not sign it");
    let envelope = fs::read_to_string(&file).expect("it is text");
    // Another letter inside the base64 of the payload.
    let at = envelope.find(r#""payload":""#).expect("it is there") + 60;
    let letter = if envelope.as_bytes()[at] == b'A' { "B" } else { "A" };
    fs::write(&file, [&envelope[..at], letter, &envelope[at + 1..]].concat()).expect("room");
    let said = verified(&ours).expect_err("it was changed");
    assert!(said.contains("VerificationError"), "{said}");

    let refused = lab.ask(["export", "--format", "csv", "--sign-key", &ours]);
    assert_eq!(refused.status.code(), Some(2));
    let refused = lab.ask(["export", "--format", "in-toto", "--sign-key", &format!("{ours}.pub")]);
    assert!(
        String::from_utf8_lossy(&refused.stderr).contains("it is no private key file of OpenSSH")
    );
}

#[test]
fn systemd_journal_remote_takes_the_findings_as_they_are() {
    let root = validators().join("debian/root");
    let program = root.join("lib/systemd/systemd-journal-remote");
    if !program.exists() {
        let why = "systemd-journal-remote is not there (scripts/setup.sh --test)";
        return xtests::not_run("the journal's form by systemd", why);
    }
    let lab = Lab::new();
    recorded(&lab);
    let file = exported(&lab, "journal");
    let journal = lab.work().join("made.journal");
    // Its own libraries lie beside it: nothing of it is installed.
    let taken = || {
        let _ = fs::remove_file(&journal);
        let mut remote = Command::new(&program);
        remote.arg("-o").arg(&journal).arg("-").stdin(fs::File::open(&file).expect("it is there"));
        remote.env("LD_LIBRARY_PATH", root.join("usr/lib/x86_64-linux-gnu"));
        let said = remote.output().expect("it starts");
        let mut read = Command::new("journalctl");
        read.args(["--no-pager", "-o", "json", "--file"]).arg(&journal);
        let lines = read.output().expect("it starts").stdout;
        (lines, String::from_utf8_lossy(&said.stderr).into_owned())
    };
    let (lines, said) = taken();
    let entries: Vec<serde_json::Value> = String::from_utf8_lossy(&lines)
        .lines()
        .map(|line| serde_json::from_str(line).expect("JSON"))
        .collect();
    let findings: Vec<serde_json::Value> = lab
        .told(["query", "--all", "--type", "finding", "--format", "jsonl", "last"])
        .lines()
        .map(|line| serde_json::from_str(line).expect("JSON"))
        .collect();
    assert_eq!(entries.len(), findings.len(), "{said}");
    for (entry, finding) in entries.iter().zip(&findings) {
        assert_eq!(entry["AUDIT_SEQ"], finding["seq"].to_string());
        assert_eq!(entry["MESSAGE"], finding["title"]);
        assert_eq!(entry["PRIORITY"], "3");
        // What is not printable is a list of bytes in JSON.
        let bytes = entry["AUDIT_PATH"].as_array().map(|bytes| {
            bytes.iter().filter_map(|byte| u8::try_from(byte.as_u64()?).ok()).collect::<Vec<u8>>()
        });
        let text = entry["AUDIT_PATH"].as_str().map(|text| text.as_bytes().to_vec());
        let path = finding["path"].as_str().map(|text| text.as_bytes().to_vec());
        assert_eq!(bytes.or(text), path);
    }
    // One byte less than the length of a field says: what comes behind is no entry.
    let mut bytes = fs::read(&file).expect("it is there");
    let at =
        bytes.windows(12).position(|window| window == b"\nAUDIT_PATH\n").expect("a binary field");
    bytes[at + 12] += 1;
    fs::write(&file, bytes).expect("room");
    let (lines, said) = taken();
    let count = String::from_utf8_lossy(&lines).lines().count();
    assert!(count < findings.len(), "it does say no: {said}");
}

#[test]
fn a_trace_has_a_track_for_each_process_and_its_slices_end() {
    let lab = Lab::new();
    let script = "(echo x >made); cat made | tr x y; sh -c 'exec cat made'; true";
    let run = lab.run(["bash", "-c", script]).succeed();
    run.assert_whole();
    let python = || {
        let mut command = Command::new("python3");
        command.arg(self::script("trace.py"));
        command
    };
    let file = exported_with(&lab, "perfetto", &["--redact=all"]);
    assert_eq!(counted(&mut python(), &file), Ok(5));
    let file = exported(&lab, "perfetto");
    // The command, a subshell, cat, tr and sh: the command's own fork is in the record too.
    let processes = 5;
    assert_eq!(run.number_of("process", "fork"), 5);
    assert_eq!(counted(&mut python(), &file), Ok(processes));
    let text = fs::read_to_string(&file).expect("it is text");
    fs::write(&file, text.replacen("\"ph\":\"B\"", "\"ph\":\"E\"", 1)).expect("room");
    assert!(counted(&mut python(), &file).is_err(), "the checker does say no");

    let Some(python) = self::python("Perfetto's own messages", "pftrace.py") else { return };
    for flags in [&["--redact=all"][..], &[]] {
        let file = exported_with(&lab, "pftrace", flags);
        assert_eq!(counted(&mut python(), &file), Ok(processes), "{flags:?}");
        let mut bytes = fs::read(&file).expect("it is there");
        // The first packet is one byte longer than it is.
        bytes[1] += 1;
        fs::write(&file, bytes).expect("room");
        assert!(counted(&mut python(), &file).is_err(), "the messages do say no");
    }
}
