//! `audit rules` and the flags about rules, as a person uses them (docs/rules.md).
#![forbid(unsafe_code)]

use std::{
    fs,
    path::{Path, PathBuf},
    process::Output,
};

use xtests::{Lab, Recorded};

/// One lab, with a home whose rules are the user's own.
struct Case {
    lab: Lab,
    home: PathBuf,
}

/// What a command said, and its status.
struct Said {
    status: Option<i32>,
    out: String,
    errors: String,
}

impl Case {
    fn new() -> Case {
        let lab = Lab::new();
        let home = lab.work().join("home");
        fs::create_dir(&home).expect("room");
        Case { lab, home }
    }

    /// Writes a file of rules; its path.
    fn file(&self, name: &str, text: &str) -> String {
        let path = self.lab.root().join(name);
        fs::write(&path, text).expect("room");
        path.to_str().expect("text").to_owned()
    }

    /// Asks `audit rules …` as the user of this home.
    fn rules(&self, words: &[&str]) -> Said {
        let mut audit = self.lab.audit();
        audit.env_remove("AUDIT_NO_BUILTIN").env_remove("XDG_CONFIG_HOME").env("HOME", &self.home);
        let Output { status, stdout, stderr } =
            audit.arg("rules").args(words).output().expect("audit starts");
        let text = |bytes: Vec<u8>| String::from_utf8(bytes).expect("it is text");
        Said { status: status.code(), out: text(stdout), errors: text(stderr) }
    }

    /// Records a script, judged by the built-in rules and those of this home.
    fn recorded(&self, script: &str, options: &[&str]) -> Recorded {
        let mut run = self.lab.run(["sh", "-c", script]);
        run.process.env_remove("AUDIT_NO_BUILTIN").env_remove("XDG_CONFIG_HOME");
        run.process.env("HOME", &self.home);
        run.with(options).record()
    }
}

/// Ids of the rules that found something, each once, sorted.
fn found(run: &Recorded) -> Vec<String> {
    let mut ids: Vec<String> =
        run.of("finding", "").map(|event| event.text("rule").to_owned()).collect();
    ids.sort();
    ids.dedup();
    ids
}

/// A rule with these conditions.
fn rule(id: &str, when: &str) -> String {
    format!("rules:\n  - id: {id}\n    title: t\n    severity: high\n    when: {when}\n")
}

#[test]
fn rules_are_listed_and_shown() {
    let case = Case::new();
    let list = case.rules(&["list"]);
    assert_eq!(list.status, Some(0), "{}", list.errors);
    assert!(list.out.contains("CRED-READ-SSH") && list.out.contains("(built-in)"));
    assert!(list.out.lines().last().is_some_and(|line| line.ends_with(" rules")), "{}", list.out);
    let json: serde_json::Value =
        serde_json::from_str(&case.rules(&["list", "--json"]).out).expect("it is JSON");
    let rules = json["rules"].as_array().expect("a list");
    assert_eq!(rules.len() + 1, list.out.lines().count(), "a line each, and the number");
    let shown = case.rules(&["show", "CRED-READ-SSH"]).out;
    for part in ["CRED-READ-SSH  high", "\n  why ", "\n  do ", "attack.mitre.org", "near_miss:"] {
        assert!(shown.contains(part), "{part}: {shown}");
    }
    let none = case.rules(&["show", "NO-SUCH"]);
    assert_eq!(none.status, Some(2), "{}", none.errors);
    assert!(none.errors.contains("cannot find a rule NO-SUCH"), "{}", none.errors);
    let mine = case.file("mine.yml", &rule("MINE", "{exec: {}}"));
    let list = case.rules(&["list", "--rules", &mine, "--no-builtin"]).out;
    assert!(list.starts_with("high") && list.ends_with("1 rule\n"), "{list}");
}

#[test]
fn check_says_file_line_and_text_of_what_is_wrong() {
    let case = Case::new();
    let cases = [
        (
            rule("X", "{exec: {exee: sh}}"),
            1,
            ":5: there is no field 'exee'\n  | when: {exec: {exee",
        ),
        ("rules:\n  - {id: X, tilte: t}\n".to_owned(), 1, ":2: unknown key 'tilte'"),
        (
            rule("X", "{exec: {}}") + "  - {id: X, title: t, severity: low, when: {exec: {}}}\n",
            1,
            "the id X is taken by",
        ),
        (rule("X", "{exec: {}, port: 80}"), 0, ":2: warning: X can never hold"),
        (rule("X", "{file: {path: {regex: '('}}}"), 1, ":5: cannot read the pattern"),
    ];
    for (at, (text, status, part)) in cases.iter().enumerate() {
        let path = case.file(&format!("case-{at}.yml"), text);
        let said = case.rules(&["check", &path]);
        assert_eq!(said.status, Some(*status), "{text}\n{}", said.out);
        assert!(
            said.out.contains(&format!("case-{at}.yml")) && said.out.contains(part),
            "{}",
            said.out
        );
    }
    let good = case.file("good.yml", &rule("X", "{exec: {exe: sh}}"));
    let said = case.rules(&["check", &good]);
    assert_eq!((said.status, said.out.as_str()), (Some(0), "1 rule\n"));
    let both = case.rules(&["check", &good, &case.file("again.yml", &rule("X", "{exec: {}}"))]);
    assert_eq!(both.status, Some(1), "{}", both.out);
    assert!(both.out.contains("the id X is taken by"), "{}", both.out);
    let json = case.rules(&["check", "--json", &good]).out;
    let json: serde_json::Value = serde_json::from_str(&json).expect("it is JSON");
    assert_eq!(json["rules"], 1);
}

#[test]
fn test_holds_rules_against_their_samples() {
    let case = Case::new();
    let samples =
        "    example: {type: exec, exe: /bin/sh}\n    near_miss: {type: exec, exe: /bin/ls}\n";
    let good = case.file("good.yml", &(rule("X", "{exec: {exe: sh}}") + samples));
    let said = case.rules(&["test", &good]);
    assert_eq!(said.status, Some(0), "{}", said.out);
    assert!(said.out.contains("1 rule, 2 samples, 0 failed"), "{}", said.out);
    let bad = case.file("bad.yml", &(rule("X", "{exec: {exe: ls}}") + samples));
    let said = case.rules(&["test", &bad]);
    assert_eq!(said.status, Some(1), "{}", said.out);
    assert!(said.out.contains("X does not find its example"), "{}", said.out);
    assert!(said.out.contains("X finds its near miss"), "{}", said.out);
    let builtin = case.rules(&["test"]);
    assert_eq!(builtin.status, Some(0), "{}", builtin.out);
    assert!(builtin.out.ends_with(", 0 failed\n"), "{}", builtin.out);
}

#[test]
fn what_is_allowed_is_not_found_until_its_day_is_over() {
    let case = Case::new();
    fs::create_dir(case.home.join(".ssh")).expect("room");
    for name in ["id_rsa", "id_ed25519"] {
        fs::write(case.home.join(".ssh").join(name), "nothing\n").expect("room");
    }
    let read = |name: &str| found(&case.recorded(&format!("cat ~/.ssh/{name}"), &[]));
    let is_found = |name: &str| read(name).contains(&"CRED-READ-SSH".to_owned());
    assert!(is_found("id_rsa"));
    for (words, part) in [
        (&["allow", "NO-SUCH", "--exe", "cat"][..], "cannot find a rule NO-SUCH"),
        (&["allow", "CRED-READ-SSH"], "cannot allow everything"),
        (&["allow", "CRED-READ-SSH", "--exe", "cat", "--until", "soon"], "'soon' is no day"),
        (&["allow", "CRED-READ-SSH", "--dest", "1.2.3.4/99"], "1.2.3.4/99"),
    ] {
        let said = case.rules(words);
        assert!(said.status != Some(0) && said.errors.contains(part), "{words:?}: {}", said.errors);
    }
    assert!(is_found("id_rsa"), "a refused exception changes nothing");
    let past = ["allow", "CRED-READ-SSH", "--path", "~/.ssh/id_rsa", "--until", "2020-01-31"];
    assert_eq!(case.rules(&past).status, Some(0));
    assert!(is_found("id_rsa"), "its day is over");
    let now = ["allow", "CRED-READ-SSH", "--path", "~/.ssh/id_rsa", "--exe", "cat", "--until"];
    assert_eq!(
        case.rules(&[&now[..], &["2199-12-31", "--why", "a: 'test'"]].concat()).status,
        Some(0)
    );
    assert!(!is_found("id_rsa"));
    assert!(is_found("id_ed25519"), "it was for one file");
}

#[test]
fn sigma_rules_judge_a_run_and_what_cannot_be_used_is_said() {
    let case = Case::new();
    let dir = case.lab.root().join("sigma/linux");
    fs::create_dir_all(&dir).expect("room");
    let base = "logsource: {category: process_creation, product: linux}\nlevel: high\n";
    let made =
        "detection:\n  s: {Image|endswith: /touch, CommandLine|contains: made-}\n  condition: s\n";
    let count = "correlation:\n  type: event_count\n  rules: [made]\n  group-by: [User]\n  timespan: 5m\n  condition: {gte: 3}\n";
    let value = "correlation:\n  type: value_count\n  rules: [made]\n  timespan: 5m\n  condition: {gte: 2, field: CommandLine}\n";
    let gone = "detection:\n  s: {Image|endswith: /rm}\n  condition: s\n";
    let both = "correlation:\n  type: temporal\n  rules: [made, gone]\n  timespan: 5m\n";
    let order = "correlation:\n  type: temporal_ordered\n  rules: [made, gone]\n  timespan: 5m\n";
    let wrong = "correlation:\n  type: temporal_ordered\n  rules: [gone, made]\n  timespan: 5m\n";
    let head = |id: &str| format!("title: {id}\nid: {id}\nname: {id}\n");
    for (id, text) in [("made", made), ("gone", gone)] {
        fs::write(dir.join(id).with_extension("yml"), head(id) + base + text).expect("room");
    }
    for (id, text) in
        [("many", count), ("values", value), ("both", both), ("order", order), ("wrong", wrong)]
    {
        fs::write(dir.join(id).with_extension("yml"), head(id) + "level: medium\n" + text)
            .expect("room");
    }
    let other =
        "logsource: {service: sshd, product: linux}\ndetection:\n  s: {a: b}\n  condition: s\n";
    fs::write(dir.join("other.yml"), head("other") + other).expect("room");
    let dir = dir.to_str().expect("text");
    let script = "touch made-1; touch made-2; touch made-3; rm made-1";
    let run = case.recorded(script, &["--no-builtin", "--sigma", dir]);
    assert_eq!(found(&run), ["both", "many", "order", "values"], "{}", run.errors());
    assert!(run.errors().contains("1 rule cannot be used here"), "{}", run.errors());
    let many =
        run.of("finding", "").find(|event| event.text("rule") == "many").expect("it is there");
    assert_eq!(many.number("count"), Some(3));
    let few = case.recorded("touch made-4; touch made-4", &["--no-builtin", "--sigma", dir]);
    assert_eq!(found(&few), Vec::<String>::new());
    let listed = case.rules(&["check", dir]);
    assert!(listed.out.contains("not used: other (other): the log of sshd is not recorded"));
    assert_eq!(listed.status, Some(0), "{}", listed.out);
}

#[test]
fn a_project_never_weakens_what_the_user_and_the_system_set() {
    let case = Case::new();
    let user = case.home.join(".config/audit/rules.d");
    fs::create_dir_all(&user).expect("room");
    let mine = rule("USER-RULE", "{file: {op: create, path: '*/made-*'}}");
    fs::write(user.join("mine.yml"), mine + "override: {DEST-RM: critical}\n").expect("room");
    let project = case.lab.work().join(".audit/rules.d");
    fs::create_dir_all(&project).expect("room");
    let weak = "disable: [USER-RULE, DEST-RM]\noverride: {USER-RULE: info, DEST-RM: info}\n\
                allow: [{rule: USER-RULE, exe: touch}, {rule: DEST-RM, path: /}]\n\
                rules:\n  - {id: USER-RULE, title: mine, severity: info, when: {exec: {exe: nothing}}}\n  \
                - {id: PROJECT-RULE, title: t, severity: low, when: {file: {op: create, path: '*/made-*'}}}\n";
    fs::write(project.join("weak.yml"), weak).expect("room");
    let run = case.recorded("touch made-1; mkdir -p d; rm -rf d", &[]);
    let weight = |rule: &str| {
        let of_rule = run.of("finding", "").find(|event| event.text("rule") == rule);
        of_rule.map(|event| event.text("severity").to_owned())
    };
    assert_eq!(weight("USER-RULE").as_deref(), Some("high"), "{}", run.errors());
    assert_eq!(weight("DEST-RM").as_deref(), Some("critical"), "{}", run.errors());
    assert_eq!(weight("PROJECT-RULE").as_deref(), Some("low"), "it may add");
    let told = run.errors().matches("of the recorded project have no effect").count();
    assert_eq!(told, 6, "{}", run.errors());
    assert!(run.errors().contains("the id USER-RULE is taken by"), "{}", run.errors());
}

/// Files that nobody means well with, and what is said of them.
fn hostile() -> Vec<(&'static str, String, &'static str)> {
    let long = format!("{}|b", "a|".repeat(20_000));
    let alternation = format!("{{file: {{path: {{regex: '({long}){{500}}'}}}}}}");
    let depth = format!("rules: {}", "[".repeat(200_000));
    let bomb: String =
        (1..60).map(|n| format!("a{n}: &a{n} [*a{}, *a{}]\n", n - 1, n - 1)).collect();
    vec![
        ("long", "#".repeat(10 << 20), "longer than"),
        ("deep", depth, "cannot read it as YAML"),
        ("bomb", format!("a0: &a0 [x, x]\n{bomb}"), "aliases are not taken"),
        ("alternation", rule("X", &alternation), "cannot read the pattern"),
        (
            "repeated",
            rule("X", "{file: {path: {regex: '(a{1000}){1000}'}}}"),
            "cannot read the pattern",
        ),
        (
            "nested",
            rule("X", &format!("{}exec: {{}}{}", "{not: ".repeat(400), "}".repeat(400))),
            "YAML",
        ),
    ]
}

#[test]
fn hostile_files_are_refused_within_bounds() {
    let case = Case::new();
    for (name, text, part) in hostile() {
        let path = case.file(&format!("{name}.yml"), &text);
        // An address space of 1 GiB and 20 s of computing: beyond it the kernel ends the program.
        let script = format!("ulimit -v 1048576; ulimit -t 20; exec \"$0\" rules check '{path}'");
        let output = std::process::Command::new("sh")
            .args([Path::new("-c"), Path::new(&script), &case.lab.program("audit")])
            .env("HOME", &case.home)
            .output()
            .expect("sh starts");
        let said = [output.stdout, output.stderr].concat();
        let said = String::from_utf8_lossy(&said);
        assert!(matches!(output.status.code(), Some(1 | 2)), "{name}: {:?} {said}", output.status);
        assert!(said.contains(part) && said.len() < 4_000, "{name}: {said}");
    }
}
