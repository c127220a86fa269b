//! Rules on this kernel: attacks give their findings, everyday work gives few, a stored run judged again
//! gives the same (docs/rules.md).
#![forbid(unsafe_code)]

use std::{
    collections::BTreeMap,
    fs,
    io::{Read, Write},
    net::TcpListener,
    path::{Path, PathBuf},
};

use xtests::{Event, Lab, Recorded, Run};

/// Sessions of a file: what stands behind `== `, and the lines after it.
fn sessions(text: &'static str) -> Vec<(&'static str, &'static str)> {
    let parts = text.split("\n== ").skip(1);
    parts.filter_map(|part| part.split_once('\n')).collect()
}

/// Weights of findings that people are to look at.
const HEAVY: [&str; 3] = ["medium", "high", "critical"];

fn findings(run: &Recorded) -> Vec<&Event> {
    run.of("finding", "").collect()
}

/// A run that is judged by the built-in rules, at home in `home`.
fn judged<'l>(lab: &'l Lab, script: &Path, home: &Path) -> Run<'l> {
    let mut run = lab.run([Path::new("sh"), script]);
    run.process.env_remove("AUDIT_NO_BUILTIN").env("HOME", home);
    run.process.env_remove("XDG_CONFIG_HOME");
    run
}

/// A home with secrets that open nothing.
fn home(lab: &Lab) -> PathBuf {
    let home = lab.work().join("home");
    for path in [
        ".ssh/id_rsa",
        ".ssh/id_ed25519",
        ".aws/credentials",
        ".kube/config",
        ".docker/config.json",
        ".netrc",
        ".npmrc",
        ".config/google-chrome/Default/Login Data",
        ".password-store/mail.gpg",
        ".codex/auth.json",
        ".bash_history",
        "app/.env",
        "copy2",
    ] {
        let path = home.join(path);
        fs::create_dir_all(path.parent().expect("it is below")).expect("room");
        fs::write(path, "nothing\n").expect("room");
    }
    home
}

/// Programs that do nothing, under names that do harm.
fn fakes(lab: &Lab) -> PathBuf {
    let dir = lab.work().join("fakes");
    fs::create_dir(&dir).expect("room");
    let nothing = lab.nothing();
    for name in
        "nc socat ssh ngrok xmrig git dd mkfs.ext4 docker kubectl terraform aws dropdb tcpdump \
                 systemctl systemd-run iptables insmod crontab useradd chattr"
            .split_whitespace()
    {
        fs::copy(&nothing, dir.join(name)).expect("room");
    }
    dir
}

/// Answers every connection with a script that says hello; its port.
fn server() -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let port = listener.local_addr().expect("bound").port();
    std::thread::spawn(move || {
        for client in listener.incoming().flatten() {
            let mut client = client;
            let _ = client.set_read_timeout(Some(std::time::Duration::from_secs(2)));
            let _ = client.read(&mut [0; 512]);
            let _ = client.write_all(
                b"HTTP/1.0 200 OK\r\nContent-Length: 23\r\n\r\n#!/bin/sh\necho fetched\n",
            );
        }
    });
    port
}

/// What attack scripts find around them.
struct Field<'l> {
    lab: &'l Lab,
    home: PathBuf,
    fakes: PathBuf,
    port: u16,
    /// Removed with all that scripts left in it.
    temporary: tempfile::TempDir,
}

impl<'l> Field<'l> {
    fn new(lab: &'l Lab) -> Field<'l> {
        // They are built before anything is recorded.
        let _ = (lab.tester("netns"), lab.tester("odd_sockets"), lab.nothing());
        // Rules look for /tmp itself; where that is memory, big files have no place in it.
        let parent = lab.root().parent().expect("it is below a directory");
        let temporary = tempfile::Builder::new().prefix(".audit-attack.").tempdir_in(parent);
        let temporary = temporary.expect("room");
        Field { lab, home: home(lab), fakes: fakes(lab), port: server(), temporary }
    }

    /// Records a script, judged by the built-in rules.
    fn record(&self, script: &Path) -> Recorded {
        let mut run = judged(self.lab, script, &self.home);
        let path = std::env::var("PATH").unwrap_or_default();
        run.process.env("PATH", format!("{}:{path}", self.fakes.display()));
        run.process.env("FAKES", &self.fakes).env("PORT", self.port.to_string());
        run.process.env("NOTHING", self.lab.nothing()).env("TMPDIR", self.temporary.path());
        run.process.env("NETNS", self.lab.tester("netns"));
        run.process.env("ODD", self.lab.tester("odd_sockets"));
        run.record()
    }
}

#[test]
fn every_attack_gives_its_finding() {
    let lab = Lab::new();
    let field = Field::new(&lab);
    let attacks = sessions(include_str!("../corpus/attacks.txt"));
    assert!(attacks.len() >= 40, "{}", attacks.len());
    // One run for all: each script is a shell of its own, and its findings are known by their pids.
    let mut all = String::from("cd \"$HOME\"\n");
    for (at, (_, script)) in attacks.iter().enumerate() {
        fs::write(lab.work().join(format!("{at}.sh")), script).expect("room");
        all.push_str(&format!("sh {}/{at}.sh > /dev/null 2>&1\n", lab.work().display()));
    }
    let script = lab.work().join("all.sh");
    fs::write(&script, all).expect("room");
    let run = field.record(&script);
    let families = families(&run, attacks.len());
    let found = findings(&run);
    let mut missing = Vec::new();
    for (at, (rule, script)) in attacks.iter().enumerate() {
        let ours = |event: &&&Event| event.text("rule") == *rule;
        let in_family = |event: &&Event| {
            let pid = event.number("pid").unwrap_or(0);
            families.get(&pid).is_some_and(|of| *of == at)
        };
        // The same program doing the same again within 30 s is a repeat, told by its count.
        let told = found.iter().filter(ours).any(|event| in_family(event) || event.flag("repeat"));
        // What counts over a lineage may have counted an earlier script of this one: alone, then.
        let alone = || {
            let run = field.record(&lab.work().join(format!("{at}.sh")));
            findings(&run).iter().any(|event| event.text("rule") == *rule)
        };
        if !told && !alone() {
            missing.push(format!("{rule}: {}", script.trim()));
        }
    }
    let mut rules: Vec<&str> = attacks.iter().map(|(rule, _)| *rule).collect();
    rules.sort_unstable();
    rules.dedup();
    println!(
        "{} attack scripts, {} rules, {} not found",
        attacks.len(),
        rules.len(),
        missing.len()
    );
    let rules: Vec<&str> = found.iter().map(|event| event.text("rule")).collect();
    assert!(missing.is_empty(), "not found:\n{}\nfound: {rules:?}", missing.join("\n"));
}

/// Which script each process belongs to: that of its ancestor which was started for it.
fn families(run: &Recorded, scripts: usize) -> BTreeMap<u64, usize> {
    let mut of = BTreeMap::new();
    for event in &run.events {
        let Some(pid) = event.number("pid") else { continue };
        if event.is("process", "fork")
            && let (Some(child), Some(family)) = (event.number("child_pid"), of.get(&pid).copied())
        {
            of.insert(child, family);
        }
        if event.is("exec", "") {
            let script = event.list("argv").get(1).and_then(|word| {
                word.rsplit('/').next()?.strip_suffix(".sh")?.parse::<usize>().ok()
            });
            if let Some(script) = script.filter(|script| *script < scripts) {
                of.insert(pid, script);
            }
        }
    }
    of
}

#[test]
fn everyday_work_gives_few_findings() {
    let lab = Lab::new();
    let sessions = sessions(include_str!("../corpus/benign.txt"));
    assert!(sessions.len() >= 40, "{}", sessions.len());
    let home = lab.work().join("home");
    fs::create_dir(&home).expect("room");
    let mut all = format!("cd {}\n", lab.work().display());
    for (at, (_, script)) in sessions.iter().enumerate() {
        fs::write(lab.work().join(format!("{at}.sh")), script).expect("room");
        all.push_str(&format!("sh {}/{at}.sh > /dev/null 2>&1\n", lab.work().display()));
    }
    let script = lab.work().join("all.sh");
    fs::write(&script, all).expect("room");
    let run = judged(&lab, &script, &home).record();
    let heavy: Vec<String> = findings(&run)
        .iter()
        .filter(|event| HEAVY.contains(&event.text("severity")))
        .map(|event| format!("{} {:?}", event.text("rule"), event.list("matched")))
        .collect();
    println!("{} sessions, {} findings of medium or more: {heavy:#?}", sessions.len(), heavy.len());
    assert!(heavy.len() < sessions.len(), "{heavy:#?}");
    // Far fewer than one a session is what we have; more would be news.
    assert!(heavy.len() <= 4, "{heavy:#?}");
}

const RULES: &str = "rules:\n\
    - {id: MINE, title: something was made, severity: high, when: {file: {op: create, path: '*/made-*'}}}\n\
    - {id: TOO-MANY, title: many were made, severity: medium, when: {file: {op: create, path: '*/made-*'}}, count: {above: 2, within: 1m}}\n\
    - id: CHAIN\n  title: made, then removed\n  severity: low\n  sequence:\n    within: 1m\n    steps:\n    \
      - {file: {op: create, path: '*/made-1'}}\n    - {same: file, file: {op: delete}}\n";

/// Rule, cause and count of findings.
fn told(lines: impl IntoIterator<Item = serde_json::Value>) -> Vec<(String, u64, u64)> {
    let mut all: Vec<(String, u64, u64)> = lines
        .into_iter()
        .map(|line| {
            let number = |name: &str| line[name].as_u64().unwrap_or(0);
            (line["rule"].as_str().unwrap_or_default().to_owned(), number("cause"), number("count"))
        })
        .collect();
    all.sort();
    all
}

#[test]
fn a_stored_run_judged_again_gives_what_it_gave_live() {
    let lab = Lab::new();
    let rules = lab.root().join("mine.yml");
    fs::write(&rules, RULES).expect("room");
    let script = "touch made-1; touch made-2; touch made-3; rm made-1";
    let rules = rules.to_str().expect("text");
    let live = lab.run(["sh", "-c", script]).with(["--rules", rules]).succeed();
    let of_live = told(findings(&live).iter().map(|event| event.0.clone()));
    let ids: Vec<&str> = of_live.iter().map(|(rule, ..)| rule.as_str()).collect();
    assert_eq!(ids, ["CHAIN", "MINE", "MINE", "MINE", "TOO-MANY"], "{of_live:?}");
    for event in findings(&live) {
        let cause = event.number("cause").expect("it has one");
        assert_eq!(live.events[cause as usize - 1].kind(), "file");
    }
    // The same record again, with the rules that were kept beside it.
    for name in ["events.jsonl.zst", "index.sqlite", "meta.json"] {
        fs::remove_file(live.dir.join(name)).expect("it is there");
    }
    fs::remove_file(rules).expect("it is there");
    let again = lab.told(["query", "--type", "finding", "--all", "--json", live.id()]);
    let lines = |text: &str| -> Vec<serde_json::Value> {
        text.lines().map(|line| serde_json::from_str(line).expect("JSON")).collect()
    };
    assert_eq!(told(lines(&again)), of_live);
    // A run that was recorded without, judged by the same rules afterwards.
    fs::write(rules, RULES).expect("room");
    for left in ["made-2", "made-3"] {
        fs::remove_file(lab.work().join(left)).expect("the first run left it");
    }
    let plain = lab.run(["sh", "-c", script]).succeed();
    assert_eq!(findings(&plain).len(), 0);
    let later = lab.told(["query", "--rules", rules, "--json", live.id()]);
    let ids = |told: &[(String, u64, u64)]| -> Vec<String> {
        told.iter().map(|(rule, ..)| rule.clone()).collect()
    };
    assert_eq!(ids(&told(lines(&later))), ids(&of_live));
    let causes = |told: Vec<(String, u64, u64)>| -> Vec<u64> {
        told.into_iter().map(|(_, cause, _)| cause).collect()
    };
    assert_eq!(causes(told(lines(&later))), causes(of_live));
    let later = lab.told(["query", "--rules", rules, "--json", plain.id()]);
    assert_eq!(told(lines(&later)).len(), 5);
}

#[test]
fn findings_are_told_and_can_be_the_status() {
    let lab = Lab::new();
    let rules = lab.root().join("mine.yml");
    fs::write(&rules, RULES).expect("room");
    let rules = rules.to_str().expect("text");
    let run = |options: &[&str]| {
        let options = [&["--rules", rules], options].concat();
        lab.run(["sh", "-c", "rm -f made-1; touch made-1"]).with(options).record()
    };
    let told = run(&[]);
    let said = told.errors();
    assert!(said.lines().next().is_some_and(|line| line.contains("  1 finding  ")), "{said}");
    assert!(said.contains("\n  high     MINE  something was made: "), "{said}");
    assert_eq!(told.meta["findings"]["high"], 1);
    let page = lab.told(["view", told.id()]);
    assert!(page.contains("FINDINGS   high 1   see: audit explain "), "{page}");
    assert!(page.contains("\n  high  MINE  "), "{page}");
    assert_eq!(told.status.code(), Some(0));
    assert_eq!(run(&["--fail-on", "high"]).status.code(), Some(1));
    assert_eq!(run(&["--fail-on", "medium", "--fail-code", "7"]).status.code(), Some(7));
    assert_eq!(run(&["--fail-on", "critical"]).status.code(), Some(0));
    let script = "rm made-1; touch made-1; exit 3";
    let failing = lab.run(["sh", "-c", script]).with(["--rules", rules, "--fail-on", "low"]);
    assert_eq!(failing.record().status.code(), Some(3), "a status that is not zero stays");
    let listed = lab.told(["query", "--type", "finding", "--severity", "high", told.id()]);
    assert!(listed.contains("MINE"), "{listed}");
}

#[test]
fn broken_rules_keep_a_run_from_starting_and_a_project_cannot_weaken() {
    let lab = Lab::new();
    let broken = lab.root().join("broken.yml");
    fs::write(&broken, "rules:\n  - {id: X, title: t, severity: big}\n").expect("room");
    let output = lab.ask(["run", "--rules", broken.to_str().expect("text"), "--", "touch", "ran"]);
    let errors = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_eq!(output.status.code(), Some(125), "{errors}");
    assert!(errors.contains("broken.yml:2: ") && errors.contains("severity: big"), "{errors}");
    assert!(!lab.work().join("ran").exists() && lab.runs().is_empty());
    fs::create_dir_all(lab.work().join(".audit/rules.d")).expect("room");
    let weak = "disable: [CRED-READ-SSH]\nallow: [{rule: CRED-READ-SSH, exe: cat}]\n";
    fs::write(lab.work().join(".audit/rules.d/x.yml"), weak).expect("room");
    fs::write(lab.work().join(".audit/rules.d/y.yml"), "rules: [").expect("room");
    let home = home(&lab);
    let script = lab.work().join("read.sh");
    fs::write(&script, "cat ~/.ssh/id_rsa\n").expect("room");
    let run = judged(&lab, &script, &home).record();
    let rules: Vec<&str> = findings(&run).iter().map(|event| event.text("rule")).collect();
    assert!(rules.contains(&"CRED-READ-SSH"), "{rules:?}: {}", run.errors());
    assert!(run.errors().contains("of the recorded project have no effect"), "{}", run.errors());
}
