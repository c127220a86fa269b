//! A record that nobody touched is verified, by us and by ssh-keygen alone; whoever touched one is named.
#![forbid(unsafe_code)]

mod anchors;
mod attacks;
#[path = "../forge/mod.rs"]
mod forge;

use std::{
    fs,
    io::Write,
    path::{Path, PathBuf},
    process::{Command, Output, Stdio},
};

use rustix::process::{Signal, kill_process};
use storage::{HostLog, RunDir, Trusted, Verification, Weight};
use xtests::{Lab, processes_running, wait};

/// Records a small run to its end; returns its directory.
pub(crate) fn record(lab: &Lab) -> PathBuf {
    let file = lab.work().join("told");
    let script = format!("echo told > {0}; cat {0}; sleep 1.1; rm {0}", file.display());
    let run = lab.run(["sh", "-c", &script]).succeed();
    run.assert_whole();
    let supervisor = lab.program("audit-supervisor");
    wait::until_true("the recorder's end", || processes_running(&supervisor).is_empty());
    run.dir
}

/// Verifies the record in `dir` as `audit verify --record-only` does.
pub(crate) fn verified(lab: &Lab, dir: &Path) -> Verification {
    let hosts = HostLog::of_this_machine(&lab.home()).expect("the keys are ours");
    let run = RunDir::open(dir).expect("it is a run");
    storage::verify(&run, &Trusted { hosts, ..Trusted::default() }).expect("it reads")
}

pub(crate) fn said(output: &Output) -> String {
    String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr)
}

/// Checks exit status and words of `audit verify`.
pub(crate) fn assert_verify(lab: &Lab, arguments: &[&str], status: i32, words: &str) {
    let output = lab.ask(["verify"].iter().chain(arguments));
    let said = said(&output);
    assert_eq!(output.status.code(), Some(status), "verify {arguments:?}: {said}");
    assert!(said.contains(words), "verify {arguments:?} lacks {words:?}: {said}");
}

fn shell(dir: &Path, script: &str) -> (bool, String) {
    let mut child = Command::new("sh")
        .args(["-ec", script])
        .current_dir(dir)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("sh starts");
    child.stdin.take().expect("a pipe").flush().expect("it is open");
    let output = child.wait_with_output().expect("it ends");
    (output.status.success(), said(&output))
}

/// What docs/verify.md tells a stranger to do.
const STRANGER: &str = r#"
    ssh-keygen -Y verify -f ../../../allowed -I audit-run -n audit-seal -s seal.sig \
        -Overify-time="$(jq -r '.started[:19] | gsub("[-:T]"; "")' seal)Z" < seal
    jq -r '.segments[] | "\(.sha256)  \(.file)"' seal | sha256sum -c --strict
    test "$(ls *.seg | wc -l)" = "$(jq '.segments | length' seal)"
"#;

#[test]
fn an_untouched_run_is_verified_here_and_by_ssh_keygen_alone() {
    let lab = Lab::new();
    // Where a recorder is installed, or was, its keys are listed too.
    let installed = lab.ask(["keys", "--allowed-signers"]).stdout;
    let installed = String::from_utf8_lossy(&installed).lines().count();
    let (first, second) = (record(&lab), record(&lab));
    assert_verify(&lab, &["last", "last~1"], 0, "events, index and page are what the record tells");
    let signers = lab.told(["keys", "--allowed-signers"]);
    assert_eq!(signers.lines().count(), installed + 2, "{signers}");
    fs::write(lab.home().join("allowed"), &signers).expect("room");
    for dir in [&first, &second] {
        let (good, said) = shell(&dir.join("segments"), STRANGER);
        assert!(good && said.contains("000001.seg: OK"), "{said}");
    }
    // What was signed is what is said of it.
    let seal = second.join("segments/seal");
    let text = fs::read_to_string(&seal).expect("it reads");
    fs::write(&seal, text.replace(r#""wait_status":0"#, r#""wait_status":1"#)).expect("room");
    let (good, said) = shell(&second.join("segments"), STRANGER);
    assert!(!good && said.contains("Could not verify signature"), "{said}");
}

#[test]
fn who_is_named_is_trusted_and_nobody_else() {
    let lab = Lab::new();
    let dir = record(&lab);
    let id = dir.file_name().and_then(|name| name.to_str()).expect("a name");
    let file = |name: &str, text: String| {
        let path = lab.root().join(name);
        fs::write(&path, text).expect("room");
        path.to_str().expect("it is UTF-8").to_owned()
    };
    let key = file("key", lab.told(["keys"]));
    let signers = file("signers", lab.told(["keys", "--allowed-signers"]));
    assert_verify(&lab, &[id, "--key", &key], 0, "a key that was named");
    assert_verify(&lab, &[id, "--allowed-signers", &signers], 0, "an allowed signer");
    let other = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIE7PJjoxoaec++5weCxCr3qnx+6OeaNpk8rD8bOx8g6f";
    let other = file("other", format!("{other}\n"));
    assert_verify(&lab, &[id, "--key", &other], 1, "which is not known here");
    // Elsewhere nobody knows this host.
    let elsewhere = lab.root().join("elsewhere");
    let there = elsewhere.to_str().expect("it is UTF-8");
    let path = dir.to_str().expect("it is UTF-8");
    assert_verify(&lab, &["--home", there, path], 1, "which is not known here");
    assert_verify(&lab, &["--home", there, path, "--allowed-signers", &signers], 0, "verified");
    assert_verify(&lab, &[id, "--key", "/nonexistent"], 3, "cannot read /nonexistent");
    assert_verify(&lab, &["zzzz"], 3, "no run of 1 has this id");
    assert_verify(&lab, &["--nonsense"], 3, "nonsense");
}

#[test]
fn a_run_that_goes_on_or_whose_recorder_died_has_no_end() {
    let lab = Lab::new();
    let mut running = lab.run(["sh", "-c", "echo up; read go"]).start_ungated();
    running.expect("up");
    let dir = running.dir();
    // Two checkpoints: something is signed by then.
    wait::until_true("a signature", || {
        let said = verified(&lab, &dir).consumed.said;
        said.signed.is_some_and(|signed| signed.checkpoints >= 2)
    });
    let id = dir.file_name().and_then(|name| name.to_str()).expect("a name").to_owned();
    assert_verify(&lab, &[&id], 2, "it is still being recorded");
    kill_process(running.supervisor(), Signal::KILL).expect("it is there");
    running.go();
    let (status, errors) = running.end();
    assert!(status.success(), "{errors}");
    assert_verify(&lab, &[&id], 2, "it has no seal: the recorder died");
    let signed = verified(&lab, &dir).consumed.said.signed.expect("it is signed");
    assert!(signed.checkpoints >= 2 && signed.frame > 10, "{signed:?}");
}

#[test]
fn derived_files_that_were_touched_are_named() {
    let lab = Lab::new();
    let dir = record(&lab);
    let check = |name: &str, change: &dyn Fn(&mut Vec<u8>), words: &str| {
        let path = dir.join(name);
        let whole = fs::read(&path).expect("it reads");
        let mut bytes = whole.clone();
        change(&mut bytes);
        fs::write(&path, &bytes).expect("room");
        assert_verify(&lab, &[], 1, words);
        assert_verify(&lab, &["--record-only"], 0, "verified");
        fs::write(&path, &whole).expect("room");
    };
    let lines = |change: fn(&mut Vec<u8>)| {
        move |bytes: &mut Vec<u8>| {
            let mut lines = zstd::decode_all(&**bytes).expect("they unpack");
            change(&mut lines);
            *bytes = xtests::packed(&lines);
        }
    };
    const LINES: &str = "events.jsonl.zst";
    check(
        LINES,
        &lines(|lines| lines[40] ^= 1),
        "events.jsonl.zst at byte 40: it is not what the segments tell",
    );
    check(LINES, &lines(|lines| lines.truncate(lines.len() - 1)), "it ends before the segments do");
    check(LINES, &lines(|lines| lines.extend(b"{}\n")), "there is more than the segments tell");
    check(LINES, &|bytes| bytes[40] ^= 1, "it is not what the segments tell");
    check(LINES, &|bytes| bytes.truncate(bytes.len() - 1), "it does not end as packed lines do");
    check(LINES, &|bytes| bytes.extend(b"{}\n"), "it does not end as packed lines do");
    check("index.sqlite", &|bytes| bytes[9_000] ^= 1, "index.sqlite at byte 9000");
    check("index.sqlite", &|bytes| bytes.extend([0; 8192]), "index.sqlite at byte");
    let edit = |from: &'static str, to: &'static str| {
        move |bytes: &mut Vec<u8>| {
            let text = String::from_utf8(std::mem::take(bytes)).expect("it is JSON");
            assert!(text.contains(from), "{text}");
            *bytes = text.replacen(from, to, 1).into_bytes();
        }
    };
    check("meta.json", &edit(r#""code": 0"#, r#""code": 7"#), "meta.json: its field exit is not");
    check(
        "meta.json",
        &edit(r#""trust": "direct""#, r#""trust": "sealed""#),
        "its field trust is not",
    );
    check("meta.json", &edit("{", "["), "meta.json: cannot read");
    for name in [LINES, "index.sqlite"] {
        let path = dir.join(name);
        let away = dir.join("away");
        fs::rename(&path, &away).expect("it is there");
        assert_verify(&lab, &[], 1, &format!("{name}: it is missing"));
        fs::rename(&away, &path).expect("it is there");
    }
    fs::remove_file(dir.join("meta.json")).expect("it is there");
    assert_verify(&lab, &[], 0, "nothing is derived yet");
    assert_eq!(verified(&lab, &dir).weight(), Weight::Note);
}

#[test]
fn findings_are_what_the_rules_kept_with_the_run_tell() {
    let lab = Lab::new();
    let rules = "rules:\n  - id: MADE\n    title: A file was made\n    severity: high\n    when:\n      \
                 file: {op: write, path: '*/made'}\n";
    fs::write(lab.work().join("rules.yml"), rules).expect("room");
    let run = lab.run(["sh", "-c", "echo x > made"]).with(["--rules", "rules.yml"]).succeed();
    assert_eq!(run.number_of("finding", ""), 1);
    assert_verify(&lab, &[], 0, "events, index and page are what the record tells");
    let path = run.dir.join("events.jsonl.zst");
    let whole = xtests::lines(&run.dir);
    let (from, to) = (r#""severity":"high""#, r#""severity":"info""#);
    assert_eq!(whole.matches(from).count(), 1);
    fs::write(&path, xtests::packed(whole.replace(from, to).as_bytes())).expect("room");
    assert_verify(&lab, &[], 1, "it is not what the segments tell");
}
