//! Runs of one name: one at a time, compared with the one before, kept for so long and no longer; and
//! settings that say so.
#![forbid(unsafe_code)]

use std::{
    fs,
    path::Path,
    process::{Command, Output},
};

use rustix::process::Signal;
use xtests::{Lab, wait};

fn errors(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

fn out(output: &Output) -> String {
    String::from_utf8_lossy(&output.stdout).into_owned()
}

/// `audit run` with these words, as cron would: no terminal.
fn run(lab: &Lab, words: &[&str]) -> Output {
    lab.ask(["run"].iter().chain(words))
}

#[test]
fn while_a_run_of_a_name_goes_on_others_of_that_name_do_not_start() {
    let lab = Lab::new();
    let ran = lab.work().join("ran");
    let touch = ["--", "touch", ran.to_str().expect("UTF-8")];
    let mut first = lab
        .run(["sh", "-c", "echo up; read word"])
        .with(["--name", "sync", "--lock"])
        .start_ungated();
    first.expect("up");
    let skipped = run(&lab, &[&["--name", "sync", "--lock"][..], &touch].concat());
    assert_eq!((skipped.status.code(), errors(&skipped)), (Some(0), String::new()), "skipped");
    let failed = run(&lab, &[&["--name", "sync", "--lock=fail"][..], &touch].concat());
    assert_eq!(failed.status.code(), Some(75));
    assert_eq!(
        errors(&failed),
        "audit: cannot start: the run sync goes on\n  hint: audit status\n"
    );
    assert!(!ran.exists() && lab.runs().len() == 1, "neither of them started its command");
    let other = run(&lab, &["--name", "other", "--lock=fail", "--", "true"]);
    assert_eq!(other.status.code(), Some(0), "{}", errors(&other));
    first.go();
    first.end();
    let again = run(&lab, &[&["--name", "sync", "--lock=fail"][..], &touch].concat());
    assert_eq!(again.status.code(), Some(0), "{}", errors(&again));
    assert!(ran.exists());
}

#[test]
fn a_name_stays_taken_when_only_the_front_is_killed() {
    let lab = Lab::new();
    let mut first = lab
        .run(["sh", "-c", "echo up; read word"])
        .with(["--name", "sync", "--lock"])
        .start_ungated();
    first.expect("up");
    first.signal(Signal::KILL);
    let second = || run(&lab, &["--name", "sync", "--lock=fail", "--", "true"]).status.code();
    assert_eq!(second(), Some(75), "the command lives, and so does its record");
    first.go();
    let id = first.dir();
    first.end();
    let ended = || out(&lab.ask(["status"])).starts_with("Nothing is being recorded.");
    wait::until_true("the record ends", ended);
    assert_eq!(second(), Some(0));
    assert_eq!(lab.runs().iter().filter(|dir| **dir != id).count(), 1, "another run");
}

#[test]
fn a_lock_needs_a_name() {
    let lab = Lab::new();
    for flag in ["--lock", "--diff-last"] {
        let output = run(&lab, &[flag, "--", "true"]);
        assert_eq!(output.status.code(), Some(125));
        assert!(errors(&output).contains("--name <NAME>"), "{}", errors(&output));
    }
}

#[test]
fn what_is_new_since_the_last_run_of_a_name_is_said_and_can_be_a_failure() {
    let lab = Lab::new();
    let flags = ["--name", "job", "--diff-last=fail-on-new", "--fail-code", "9", "--"];
    let job = |script: &str| run(&lab, &[&flags[..], &["sh", "-c", script]].concat());
    let first = job("cat /etc/hostname");
    assert_eq!((first.status.code(), errors(&first)), (Some(0), String::new()), "nothing before");
    let same = job("cat /etc/hostname");
    assert_eq!((same.status.code(), errors(&same)), (Some(0), String::new()), "nothing new");
    let new = job("cat /etc/hostname; touch made; id");
    assert_eq!(new.status.code(), Some(9), "{}", errors(&new));
    let said = errors(&new);
    let head = said.lines().next().unwrap_or_default();
    assert!(
        head.starts_with("audit ") && head.contains("  since ") && head.contains(" new"),
        "{said}"
    );
    for line in ["+ programs  /usr/bin/touch", "+ programs  /usr/bin/id"] {
        assert!(said.contains(line), "{line}: {said}");
    }
    assert!(
        said.lines().last().is_some_and(|line| line.starts_with("  next      audit diff ")),
        "{said}"
    );
    let failed = job("cat /etc/hostname; exit 3");
    assert_eq!(failed.status.code(), Some(3), "the command's own failure: {}", errors(&failed));
}

#[test]
fn a_gate_that_cannot_be_checked_is_not_passed_in_silence() {
    let lab = Lab::new();
    let job = |flags: &[&str], script: &str| {
        let gate = ["--name", "job", "--diff-last=fail-on-new"];
        run(&lab, &[&gate[..], flags, &["--", "sh", "-c", script]].concat())
    };
    assert_eq!(job(&["--strict"], "true").status.code(), Some(0), "the first has none before it");
    // Its index has to be made again, and cannot be.
    let last = lab.runs().pop().expect("a run");
    fs::remove_file(last.join("index.sqlite")).expect("it is there");
    let mount = |words: &[&str]| {
        let done = Command::new("mount").args(words).arg(&last).status();
        assert!(done.expect("there is mount").success());
    };
    mount(&["--bind", last.to_str().expect("UTF-8")]);
    mount(&["-o", "remount,bind,ro"]);
    // Of runs of one second the newest is not known: only the first may be there.
    let strict = job(&["--strict"], "true");
    for dir in lab.runs().into_iter().filter(|dir| *dir != last) {
        fs::remove_dir_all(dir).expect("it is ours");
    }
    let plain = job(&[], "true");
    for dir in lab.runs().into_iter().filter(|dir| *dir != last) {
        fs::remove_dir_all(dir).expect("it is ours");
    }
    let failed = job(&["--strict"], "exit 3");
    assert!(Command::new("umount").arg(&last).status().expect("there is umount").success());
    assert_eq!(strict.status.code(), Some(122), "{}", errors(&strict));
    assert_eq!(plain.status.code(), Some(0), "{}", errors(&plain));
    assert_eq!(failed.status.code(), Some(3), "{}", errors(&failed));
    for said in [strict, plain, failed].map(|it| errors(&it)) {
        assert!(said.contains("read-only file system"), "{said}");
    }
}

#[test]
fn the_newest_runs_are_kept_and_those_that_are_pinned() {
    let lab = Lab::new();
    let keep = ["--retain-runs", "2", "--min-free", "0", "--", "true"];
    let record = || {
        // Runs of one second are in no order.
        let second = || std::time::SystemTime::UNIX_EPOCH.elapsed().expect("it is later").as_secs();
        let begun = second();
        wait::until_true("another second", || second() != begun);
        let output = run(&lab, &keep);
        assert_eq!((output.status.code(), errors(&output)), (Some(0), String::new()));
        lab.runs().len()
    };
    // Tidied at first, then once a day, but at once when there are half as many more.
    assert_eq!([record(), record(), record()], [1, 2, 3]);
    let first = lab.runs().first().expect("a run").clone();
    let id = first.file_name().and_then(|name| name.to_str()).expect("an id").to_owned();
    lab.told(["keep", &id]);
    let refused = lab.ask(["prune", &id]);
    assert_eq!(refused.status.code(), Some(2));
    assert!(errors(&refused).contains("it is pinned"), "{}", errors(&refused));
    let middle = lab.runs()[1].clone();
    assert_eq!(record(), 3, "the first is pinned, and two are the newest");
    assert!(first.exists() && !middle.exists());
    lab.told(["keep", "--undo", &id]);
    assert_eq!(lab.told(["prune", "--keep", "1", "--dry-run"]).lines().count(), 2);
    assert_eq!(lab.told(["prune", "--keep", "1"]), "Removed: 2 runs\n");
    assert_eq!(lab.told(["prune", "--max-size", "0", "--keep", "0"]), "Removed: 1 run\n");
    assert_eq!(lab.runs().len(), 0);
}

#[test]
fn from_inside_a_run_nothing_is_tidied() {
    let lab = Lab::new();
    for _ in 0..3 {
        run(&lab, &["--", "true"]);
    }
    let audit = lab.program("audit");
    let inner = [audit.to_str().expect("UTF-8"), "run", "--retain-runs", "1", "--", "true"];
    let outer = run(&lab, &[&["--"][..], &inner].concat());
    assert_eq!(outer.status.code(), Some(0), "{}", errors(&outer));
    assert_eq!(lab.runs().len(), 5);
}

#[test]
fn where_the_disk_is_nearly_full_the_oldest_runs_go_first() {
    let lab = Lab::new();
    for _ in 0..3 {
        run(&lab, &["--", "true"]);
    }
    let pinned = lab.runs()[1].clone();
    lab.told(["keep", pinned.file_name().and_then(|name| name.to_str()).expect("an id")]);
    // More than any disk has.
    let output = run(&lab, &["--min-free", "1000000TB", "--summary", "always", "--", "true"]);
    assert_eq!(output.status.code(), Some(0), "{}", errors(&output));
    assert!(
        errors(&output).contains("2 runs removed: the disk is nearly full"),
        "{}",
        errors(&output)
    );
    assert_eq!(lab.runs().len(), 2, "the pinned one and the new one");
    assert!(pinned.exists());
}

/// `audit` with the user's settings.
fn configured(lab: &Lab, text: &str) -> Command {
    let dir = lab.root().join("config");
    fs::create_dir_all(dir.join("audit")).expect("room");
    fs::write(dir.join("audit/config.toml"), text).expect("room");
    let mut audit = lab.audit();
    audit.env("XDG_CONFIG_HOME", dir);
    audit
}

#[test]
fn flags_are_over_the_environment_and_that_is_over_files() {
    let lab = Lab::new();
    let file = "[run]\nsummary = 'always'\nno-net = true\n";
    let said = |variable: Option<&str>, flags: &[&str]| {
        let mut audit = configured(&lab, file);
        audit.env_remove("AUDIT_SUMMARY");
        audit.envs(variable.map(|value| ("AUDIT_SUMMARY", value)));
        let output = audit.arg("run").args(flags).args(["--", "true"]).output().expect("it starts");
        assert_eq!(output.status.code(), Some(0), "{}", errors(&output));
        !errors(&output).is_empty()
    };
    assert!(said(None, &[]), "the file");
    assert!(said(Some(""), &[]), "an empty variable is none");
    assert!(!said(Some("never"), &[]), "the environment");
    assert!(said(Some("never"), &["--summary", "always"]), "the flag");
    let page = configured(&lab, file)
        .env("AUDIT_SUMMARY", "never")
        .args(["config", "show", "--origin"])
        .output()
        .expect("it starts");
    let page = out(&page);
    let line = |key: &str| {
        let of = page.lines().find(|line| line.split_whitespace().next() == Some(key));
        of.map(|line| line.split_whitespace().skip(1).collect::<Vec<_>>().join(" "))
    };
    let path = lab.root().join("config/audit/config.toml");
    assert_eq!(line("run.summary").as_deref(), Some("never environment AUDIT_SUMMARY"), "{page}");
    assert_eq!(line("run.no-net"), Some(format!("true {}:3", path.display())), "{page}");
    assert_eq!(line("run.linger").as_deref(), Some("5s default"), "{page}");
    let home = format!("{} environment AUDIT_HOME", lab.home().display());
    assert_eq!(line("store.home"), Some(home), "{page}");
}

#[test]
fn a_file_that_is_wrong_is_named_with_its_line_and_need_not_stop_a_command() {
    let lab = Lab::new();
    let path = lab.root().join("config/audit/config.toml");
    for (text, said) in [
        ("[run]\nlinger = 'long'\n", "2: invalid value 'long' for '--linger <DURATION>'"),
        ("[run]\n\nlingre = 5\n", "3: there is no setting run.lingre"),
        ("[run\n", "1: "),
    ] {
        let failed =
            configured(&lab, text).args(["run", "--", "true"]).output().expect("it starts");
        assert_eq!(failed.status.code(), Some(125), "{text}: {}", errors(&failed));
        let start = format!("audit: {}:{said}", path.display());
        assert!(errors(&failed).starts_with(&start), "{text}: {}", errors(&failed));
        let mut audit = configured(&lab, text);
        let ran = audit.args(["run", "--on-error", "run", "--", "sh", "-c", "exit 7"]).output();
        let ran = ran.expect("it starts");
        assert_eq!(ran.status.code(), Some(7), "{text}");
        assert!(errors(&ran).starts_with(&start), "{text}: {}", errors(&ran));
    }
    assert_eq!(lab.runs().len(), 3, "what ran was recorded");
    let listing = configured(&lab, "[run\n").arg("runs").output().expect("it starts");
    assert_eq!(listing.status.code(), Some(2), "no run is started, and nothing else either");
}

#[test]
fn a_project_adds_rules_and_nothing_that_it_writes_keeps_its_runs_from_being_recorded() {
    let lab = Lab::new();
    let project = lab.work();
    let rule = "rules:\n- id: OURS\n  title: The name of the host was read\n  severity: high\n  \
        when:\n    file: {op: read, path: /etc/hostname}\n";
    fs::write(project.join("ours.yml"), rule).expect("room");
    let audit = |settings: &str, words: &[&str]| {
        fs::write(project.join(".audit.toml"), settings).expect("room");
        lab.audit().env_remove("AUDIT_NO_BUILTIN").args(words).output().expect("it starts")
    };
    let checked = lab.ask(["rules", "check", "ours.yml"]);
    assert_eq!(checked.status.code(), Some(0), "{}{}", out(&checked), errors(&checked));
    let found =
        audit("rules = ['ours.yml']", &["run", "--fail-on", "high", "--", "cat", "/etc/hostname"]);
    assert_eq!(found.status.code(), Some(1), "{}", errors(&found));
    let broken = audit("home = '/tmp'\n", &["run", "--", "sh", "-c", "exit 7"]);
    assert_eq!(broken.status.code(), Some(7));
    assert!(
        errors(&broken).contains("the project's settings are not used: .audit.toml:1"),
        "{}",
        errors(&broken)
    );
    assert_eq!(lab.runs().len(), 2);
    assert!(!Path::new("/tmp/runs").exists());
}
