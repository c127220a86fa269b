//! Attacks that the built-in rules find, one after the other, and shippers that are killed between them.

use std::{
    collections::BTreeSet,
    fs,
    process::{Child, Stdio},
};

use xtests::{Lab, Running, wait};

use crate::{
    assert_each_once, ended, kill, readers,
    server::{Message, Server},
    ship,
};

/// Rules whose first script in the corpus of attacks needs files of a home and programs that are everywhere.
/// All of them in the long form; each takes a second, as what a process did is told when it is over.
const RULES: [&str; 10] = [
    "CRED-READ-SSH",
    "PERSIST-SHELL",
    "CRED-READ-CLOUD",
    "CRED-AUTHORIZED-KEYS",
    "PERSIST-GIT-HOOK",
    "PERSIST-CI",
    "CRED-READ-GIT",
    "CRED-READ-DOTENV",
    "CRED-WRITE-REGISTRY",
    "PERSIST-SYSTEMD-USER",
];

/// Files that the scripts read.
const FILES: [&str; 6] =
    [".ssh/id_ed25519", ".aws/credentials", ".netrc", ".npmrc", "app/.env", ".gitconfig"];

/// Does the scripts in their order, each when a line tells it to.
const JOB: &str = "n=0; while read -r go; do sh $1/$n.sh </dev/null; n=$((n+1)); done";

/// The first script of this rule.
fn attack(rule: &str) -> &'static str {
    let corpus = include_str!("../../corpus/attacks.txt");
    let (_, script) = corpus.split_once(&format!("\n== {rule}\n")).expect("the corpus has it");
    script.split_once("\n== ").map_or(script, |(script, _)| script)
}

/// Starts the run: judged by the built-in rules, and no others.
fn start(lab: &Lab) -> Running<'_> {
    let (home, steps) = (lab.work().join("home"), lab.work().join("steps"));
    for path in FILES.map(|path| home.join(path)) {
        fs::create_dir_all(path.parent().expect("it is below")).expect("room");
        fs::write(path, "nothing\n").expect("room");
    }
    fs::create_dir(&steps).expect("room");
    for (at, rule) in RULES.iter().enumerate() {
        fs::write(steps.join(format!("{at}.sh")), attack(rule)).expect("room");
    }
    let words = ["sh", "-c", JOB, "sh", steps.to_str().expect("text")];
    let mut run = lab.run(words).with(["--quiet"]);
    run.process.env_remove("AUDIT_NO_BUILTIN").env("HOME", &home).env_remove("XDG_CONFIG_HOME");
    run.start_ungated()
}

/// Sends live, as its user has it: nothing says that built-in rules are not wanted.
fn watcher(lab: &Lab, server: &Server) -> Child {
    let mut command = ship(lab, &["--watch", "--quiet", "--findings", &server.address()]);
    command.env_remove("AUDIT_NO_BUILTIN").stdin(Stdio::null());
    command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().expect("it starts")
}

/// Rules of the findings that the stream has, looked at once each.
#[derive(Default)]
struct Told {
    rules: BTreeSet<String>,
    seen: u64,
}

impl Told {
    fn wait_for(&mut self, rule: &str, server: &Server) {
        wait::until_true(rule, || {
            for Message { body, .. } in server.messages_after(self.seen) {
                let event: serde_json::Value = serde_json::from_slice(&body).expect("it is JSON");
                self.rules.insert(event["rule"].as_str().expect("a rule").to_owned());
                self.seen += 1;
            }
            self.rules.contains(rule)
        });
    }
}

#[test]
fn findings_of_the_built_in_rules_arrive_live_each_once_whatever_is_killed() {
    let lab = Lab::new();
    let Some(server) = Server::start(&lab.root().join("nats"), true, None) else { return };
    server.make_stream();
    let mut run = start(&lab);
    let mut told = Told::default();
    let rules = if xtests::long() { &RULES[..] } else { &RULES[..6] };
    // Of each two, one happens while nobody ships and one while a shipper looks on.
    for pair in rules.chunks(2) {
        run.go();
        let shipper = watcher(&lab, &server);
        told.wait_for(pair[0], &server);
        run.go();
        told.wait_for(pair[1], &server);
        kill(shipper);
        wait::until_true("its readers end with it", || readers(&lab) == 0);
    }
    // It still waits for another line, so all of these were sent live.
    let live = server.count();
    let (status, errors) = run.end();
    assert!(status.success(), "{errors}");
    ended(&mut ship(&lab, &["--findings", &server.address()]), 0);
    let all = assert_each_once(&lab, &server);
    let (rules, kills) = (told.rules.len(), rules.len() / 2);
    println!("{all} findings of {rules} built-in rules, {live} live, {kills} kills, each once");
}
