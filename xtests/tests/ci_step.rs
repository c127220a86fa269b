//! A step of CI, recorded: its status, its summary, its files.
#![forbid(unsafe_code)]

use std::{
    env, fs,
    path::Path,
    process::{Command, Output},
};

use xtests::Lab;

fn step(lab: &Lab, run: &str, set: &[(&str, &str)]) -> Output {
    let top =
        Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("the crate is in the repository");
    let audit = lab.program("audit");
    let path = env::var("PATH").unwrap_or_default();
    let mut step = Command::new(top.join("packaging/ci-step.sh"));
    step.env("PATH", format!("{}:{path}", audit.parent().expect("a folder").display()));
    step.env("AUDIT_HOME", lab.home()).env("AUDIT_STEP_RUN", run).env("AUDIT_STEP_NAME", "tests");
    step.env_remove("GITHUB_ACTIONS").envs(set.iter().copied()).current_dir(lab.work());
    step.output().expect("a shell")
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

#[test]
fn the_status_of_a_step_is_the_commands() {
    let lab = Lab::new();
    let failed = step(&lab, "echo out; false; echo not reached", &[]);
    assert_eq!(failed.status.code(), Some(1), "{failed:?}");
    assert_eq!(text(&failed.stdout), "out\n");
    assert!(text(&failed.stderr).contains("JUnit: "), "{failed:?}");
    let junit = fs::read_to_string(lab.home().join("tests.xml")).expect("it is written");
    assert!(junit.starts_with("<?xml"), "{junit}");
    assert!(lab.home().join("tests.sarif").exists());
}

#[test]
fn on_github_a_step_has_a_summary_annotations_and_outputs() {
    let lab = Lab::new();
    let home = lab.work();
    let (summary, outputs) = (lab.root().join("summary.md"), lab.root().join("outputs"));
    let set = [
        ("GITHUB_ACTIONS", "true"),
        ("GITHUB_STEP_SUMMARY", summary.to_str().expect("UTF-8")),
        ("GITHUB_OUTPUT", outputs.to_str().expect("UTF-8")),
        ("AUDIT_STEP_FAIL_ON", "high"),
        ("HOME", home.to_str().expect("UTF-8")),
    ];
    let key = lab.work().join(".ssh");
    fs::create_dir(&key).expect("room");
    fs::write(key.join("id_ed25519"), "not a key\n").expect("room");
    let step = step(&lab, "cat ~/.ssh/id_ed25519 >copy", &set);
    assert_eq!(step.status.code(), Some(1), "a secret was read: {step:?}");
    assert!(
        text(&step.stdout).lines().any(|line| line.starts_with("::")),
        "{}",
        text(&step.stdout)
    );
    let summary = fs::read_to_string(summary).expect("it is written");
    assert!(summary.contains("CRED"), "{summary}");
    let outputs = fs::read_to_string(outputs).expect("they are written");
    let value = |name: &str| {
        let line = outputs.lines().find_map(|line| line.strip_prefix(&format!("{name}=")));
        line.unwrap_or_else(|| panic!("{name} is missing: {outputs}")).to_owned()
    };
    assert!(Path::new(&value("dir")).join("segments").is_dir());
    assert_eq!(Path::new(&value("dir")).file_name(), Some(value("run-id").as_ref()));
    assert!(fs::read_to_string(value("sarif")).expect("it is written").contains("\"2.1.0\""));
}

#[test]
fn a_step_that_does_what_its_baseline_never_did_fails() {
    let lab = Lab::new();
    let known = step(&lab, "cat /etc/hostname >/dev/null", &[]);
    assert_eq!(known.status.code(), Some(0), "{known:?}");
    let last = lab.runs().last().expect("a run").clone();
    lab.told(["baseline", "save", "ci", last.to_str().expect("UTF-8")]);
    let file = lab.root().join("ci.json");
    fs::copy(lab.home().join("baselines/ci.json"), &file).expect("it copies");
    let set = [("AUDIT_STEP_BASELINE", file.to_str().expect("UTF-8"))];
    let same = step(&lab, "cat /etc/hostname >/dev/null", &set);
    assert_eq!(same.status.code(), Some(0), "{same:?}");
    let new = step(&lab, "cat /etc/hostname >/dev/null; id >/dev/null", &set);
    assert_eq!(new.status.code(), Some(1), "{new:?}");
    assert!(text(&new.stdout).contains("/usr/bin/id"), "{new:?}");
}
