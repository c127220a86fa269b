//! `audit` itself as part of a recorded command, at each trust level: what it would do to the record around
//! it is refused, and that it was tried is in that record (docs/security.md, "`audit` from inside").
#![forbid(unsafe_code)]

use std::{
    ffi::OsString,
    fs,
    path::{Path, PathBuf},
    process::{Command, Output, Stdio},
};

use xtests::{
    Lab, Recorded,
    installed::{Installed, User},
};

/// What is tried, in this order; `OWN` is the run around it, `OTHER` one of before.
const TRIED: [&str; 13] = [
    "verify OWN",
    "view OWN",
    "tail OWN",
    "report OWN --output report.html",
    "config show",
    "prune OWN",
    "prune OTHER",
    "prune --keep 0",
    "keep OWN",
    "run -- true",
    "run --retain-runs 1 -- true",
    "setup --undo",
    "verify OTHER",
];

/// A run that goes on has no end.
const NO_END: &str = "verify OWN: 2";

/// A shell that says the id of its run, tries all of it, and says with which status each ended.
fn script(audit: &Path, other: &str) -> String {
    let tried = TRIED.iter().map(|words| {
        let line = words.replace("OWN", "$AUDIT_RUN_ID").replace("OTHER", other);
        let audit = audit.display();
        format!("{audit} {line} </dev/null >/dev/null 2>&1; echo \"{words}: $?\"\n")
    });
    ["echo $AUDIT_RUN_ID\n".to_owned()].into_iter().chain(tried).collect()
}

/// What the shell said: the run around it, and the words that did not end with 0.
fn refused(output: &Output) -> (String, Vec<String>) {
    let said = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(output.status.success(), "{said}{}", String::from_utf8_lossy(&output.stderr));
    let mut lines = said.lines();
    let id = lines.next().expect("an id").to_owned();
    let tried: Vec<&str> = lines.collect();
    assert_eq!(tried.len(), TRIED.len(), "{said}");
    // `tail` has 1 while the first second of the run is not over: there is no event yet.
    let fine = |line: &&str| line.ends_with(": 0") || line.starts_with("tail OWN: ");
    let refused = tried.into_iter().filter(|line| !fine(line));
    (id, refused.map(str::to_owned).collect())
}

/// Each of them is an exec in the record, by its words.
fn are_told(run: &Recorded, id: &str, other: &str) {
    run.assert_adds_up();
    let told: Vec<String> = run
        .of("exec", "")
        .map(|exec| exec.list("argv").get(1..).unwrap_or_default().join(" "))
        .collect();
    for words in TRIED {
        let words = words.replace("OWN", id).replace("OTHER", other);
        assert_eq!(told.iter().filter(|line| **line == words).count(), 1, "{words}: {told:?}");
    }
}

fn id_of(dir: &Path) -> String {
    dir.file_name().expect("it has a name").to_string_lossy().into_owned()
}

#[test]
fn from_inside_a_run_of_roots_no_run_is_removed() {
    let lab = Lab::new();
    let other = lab.run(["true"]).succeed();
    // Root's own command could take back the machine's installation: that is not tried.
    let script = script(&lab.program("audit"), other.id()).replace("setup --undo", "setup --help");
    let script = script.replace("echo \"setup --help", "echo \"setup --undo");
    let output = lab.run(["sh", "-c", &script]).into_process().output().expect("audit starts");
    let (id, refused) = refused(&output);
    let expected = [NO_END, "prune OWN: 2", "prune OTHER: 2", "prune --keep 0: 2"];
    assert_eq!(refused, expected);
    assert_eq!(lab.runs().len(), 4, "with the two of inside");
    for dir in lab.runs() {
        lab.told(["verify", &id_of(&dir)]);
    }
    let dir = lab.home().join("runs").join(id);
    let run = Recorded::read(&dir, output.status, output.stdout, output.stderr);
    assert_eq!(run.meta["trust"], "direct");
}

#[test]
fn from_inside_a_run_of_roots_another_user_reaches_no_run() {
    let lab = Lab::new();
    let other = lab.run(["true"]).succeed();
    let script = script(&lab.program("audit"), other.id());
    let run = lab.run(["sh", "-c", &script]).with(["--user", "4242"]);
    let output = run.into_process().output().expect("audit starts");
    let (id, refused) = refused(&output);
    // `config show` is the only one that touches nothing of root's.
    assert_eq!(refused.len(), TRIED.len() - 2, "{refused:?}");
    assert!(!refused.iter().any(|line| line.starts_with("config")), "{refused:?}");
    assert_eq!(lab.runs().len(), 2, "no run went, none came");
    for run in [id.as_str(), other.id()] {
        lab.told(["verify", run]);
    }
    let dir = lab.home().join("runs").join(&id);
    let run = Recorded::read(&dir, output.status, output.stdout, output.stderr);
    assert_eq!(run.meta["trust"], "direct");
    are_told(&run, &id, other.id());
}

/// Directories of the runs in this home.
fn runs(home: &Path) -> Vec<PathBuf> {
    let listed = fs::read_dir(home.join("runs")).into_iter().flatten().flatten();
    let mut dirs: Vec<PathBuf> = listed.map(|it| it.path()).filter(|it| it.is_dir()).collect();
    dirs.sort();
    dirs
}

#[test]
fn from_inside_a_sealed_run_its_user_removes_nothing() {
    let lab = Lab::new();
    let installed = Installed::new(&lab, &["auditx1"]);
    let user = installed.user(0);
    let _ = installed.record(user, ["true"]);
    let other = id_of(&installed.runs(user)[0]);
    let script = script(&lab.program("audit"), &other);
    let output = installed.ask(user, ["run", "--", "sh", "-c", &script]);
    let (id, refused) = refused(&output);
    let expected =
        [NO_END, "prune OWN: 1", "prune OTHER: 1", "prune --keep 0: 1", "setup --undo: 2"];
    assert_eq!(refused, expected);
    assert_eq!(installed.runs(user).len(), 4, "with the two of inside");
    for dir in installed.runs(user) {
        let verified = installed.ask(user, ["verify", &id_of(&dir)]);
        assert!(verified.status.success(), "{}", String::from_utf8_lossy(&verified.stdout));
    }
    let told = installed.ask(user, ["query", &id, "--type", "exec", "--all", "--format", "jsonl"]);
    let told = String::from_utf8_lossy(&told.stdout).into_owned();
    assert_eq!(told.matches(r#""prune","#).count(), 3, "{told}");
    assert!(told.contains(r#""setup","--undo"]"#), "{told}");
}

#[test]
fn from_inside_a_local_run_what_its_user_does_to_it_is_told() {
    let lab = Lab::new();
    let installed = Installed::new(&lab, &["auditx1", "auditx2"]);
    let user = installed.user(1);
    let home = user.home.join("records");
    let record = |words: &[&str]| {
        let output = local(&lab, user, &home).args(["run", "--"]).args(words).output();
        output.expect("setpriv starts")
    };
    assert!(record(&["true"]).status.success());
    let other = id_of(&runs(&home)[0]);
    let output = record(&["sh", "-c", &script(&lab.program("audit"), &other)]);
    let (id, refused) = refused(&output);
    let expected =
        [NO_END, "prune OWN: 2", "prune OTHER: 2", "prune --keep 0: 2", "setup --undo: 2"];
    assert_eq!(refused, expected);
    let dir = home.join("runs").join(&id);
    let run = Recorded::read(&dir, output.status, output.stdout, output.stderr);
    assert_eq!(run.meta["trust"], "local");
    are_told(&run, &id, &other);
    // With its own hands it can: only that it did so is told.
    let gone = home.join("runs").join(&other);
    let output = record(&["rm", "-r", gone.to_str().expect("UTF-8")]);
    assert!(output.status.success() && !gone.exists());
    let dir = runs(&home).into_iter().find(|dir| id_of(dir).contains("-rm-")).expect("it is there");
    let run = Recorded::read(&dir, output.status, output.stdout, output.stderr);
    assert_eq!(run.at("delete", &gone).count(), 1);
}

/// `audit` as a unit with `User=` and `AmbientCapabilities=` starts it (docs/recipes.md).
fn local(lab: &Lab, user: &User, home: &Path) -> Command {
    const AMBIENT: &str =
        "+bpf,+perfmon,+net_admin,+sys_admin,+sys_ptrace,+dac_read_search,+dac_override";
    let mut unit = Command::new("setpriv");
    let ids = [format!("--reuid={}", user.name), format!("--regid={}", user.name)];
    unit.args(ids).args(["--clear-groups", "--no-new-privs"]);
    unit.args(["--inh-caps", AMBIENT, "--ambient-caps", AMBIENT]).arg("--");
    unit.arg(lab.program("audit")).env_clear().env("PATH", "/usr/bin:/bin");
    unit.env("AUDIT_HOME", OsString::from(home)).current_dir(&user.home).stdin(Stdio::null());
    unit
}
