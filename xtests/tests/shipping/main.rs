//! `audit ship`: what is sent arrives, once, whatever kills the shipper and whatever the server does.
#![forbid(unsafe_code)]

mod server;
mod tls;

use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
    process::{Command, Output, Stdio},
    time::{Duration, SystemTime},
};

use server::{Server, Trouble};
use xtests::{Lab, long, not_run, wait};

/// What a target holds: bytes by name.
type Objects = BTreeMap<String, Vec<u8>>;

/// Records so many small runs.
fn record(lab: &Lab, runs: usize) {
    for at in 0..runs {
        let run = lab.run(["sh", "-c", &format!("echo {at} >made{at}; cat made{at}")]).record();
        assert!(run.status.success(), "{}", run.errors());
    }
}

fn ship(lab: &Lab, arguments: &[&str]) -> Command {
    let _ = lab.program("audit-ship");
    let mut command = lab.audit();
    command.arg("ship").args(["--pause", "5ms", "--state"]).arg(lab.root().join("state"));
    command.args(arguments);
    for name in ["AUDIT_SHIP_TOKEN", "AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "http_proxy"] {
        command.env_remove(name);
    }
    command
}

fn said(output: &Output) -> String {
    [&output.stdout, &output.stderr].map(|it| String::from_utf8_lossy(it).into_owned()).concat()
}

fn ended(lab: &Lab, arguments: &[&str], status: i32) -> String {
    let output = ship(lab, arguments).output().expect("it starts");
    assert_eq!(output.status.code(), Some(status), "{arguments:?}: {}", said(&output));
    said(&output)
}

/// Files below a directory, by their names from there on.
fn files(dir: &Path) -> Objects {
    let mut all = Objects::new();
    let mut folders = vec![dir.to_owned()];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(&folder).into_iter().flatten() {
            let path = entry.expect("an entry").path();
            if path.is_dir() {
                folders.push(path);
            } else {
                let name = path.strip_prefix(dir).expect("below").to_str().expect("text");
                all.insert(name.to_owned(), fs::read(&path).expect("it reads"));
            }
        }
    }
    all
}

/// Parts of a run that this build can send, as ends of names.
fn ends(lab: &Lab) -> Vec<&'static str> {
    let mut ends = vec!["seal", "seal.sig"];
    for (format, end) in [("bundle", "audit"), ("parquet", "parquet")] {
        let tried = lab.ask(["export", "last", "--format", format, "-o", "/dev/null"]);
        if tried.status.success() {
            ends.push(end);
        } else {
            not_run(&format!("shipping of {format}"), "it is not in this build");
        }
    }
    ends
}

/// Every part of every run is there, and nothing else; seals are those of the runs.
fn assert_whole(lab: &Lab, ends: &[&str], objects: &Objects) {
    let runs = lab.runs();
    let expected = runs.len() * ends.len();
    assert_eq!(objects.len(), expected, "{:?}", objects.keys().collect::<Vec<_>>());
    for run in runs {
        let id = run.file_name().and_then(|name| name.to_str()).expect("an id");
        for end in ends {
            let name = format!("/{id}.{end}");
            let (_, bytes) = objects.iter().find(|(key, _)| key.ends_with(&name)).expect(&name);
            assert!(!bytes.is_empty(), "{name}");
            if end.starts_with("seal") {
                assert_eq!(*bytes, fs::read(run.join("segments").join(end)).expect("a seal"));
                assert!(bytes.len() < 1024, "{name} has {} bytes", bytes.len());
            }
        }
    }
}

fn directory(lab: &Lab) -> PathBuf {
    let dir = lab.root().join("evidence");
    fs::create_dir_all(&dir).expect("room");
    dir
}

#[test]
fn runs_arrive_in_a_directory_by_day_and_machine_and_a_second_time_is_none() {
    let lab = Lab::new();
    record(&lab, 2);
    let (ends, dir) = (ends(&lab), directory(&lab));
    let to = dir.to_str().expect("text");
    let planned = ended(&lab, &["--dry-run", "--to", to], 0);
    assert_eq!(planned.lines().count(), 2 * ends.len(), "{planned}");
    assert!(files(&dir).is_empty());
    ended(&lab, &["status", "--to", to], 1);
    ended(&lab, &["--to", to], 0);
    let there = files(&dir);
    assert_whole(&lab, &ends, &there);
    assert!(there.keys().all(|key| key.contains("/date=2") && key.contains("/host=")), "{there:?}");
    assert!(planned.lines().all(|line| there.contains_key(&line[to.len() + 1..])), "{planned}");
    assert_eq!(ended(&lab, &["--to", to], 0), "", "there is nothing to send");
    ended(&lab, &["status", "--to", to], 0);
    // Who lost the state makes all again, also after other runs, and sends nothing: each part has one form.
    assert!(ends.contains(&"audit"), "bundles are in every build");
    record(&lab, 1);
    fs::remove_dir_all(lab.root().join("state")).expect("it was there");
    let again = ended(&lab, &["--to", to], 0);
    assert_eq!(again.matches("was there, the same").count(), 2 * ends.len(), "{again}");
    let now = files(&dir);
    assert!(there.iter().all(|(key, bytes)| now.get(key) == Some(bytes)), "nothing was replaced");
    assert_whole(&lab, &ends, &now);
}

#[test]
fn a_server_that_fails_in_every_way_is_survived() {
    let lab = Lab::new();
    record(&lab, 2);
    let (ends, server) = (ends(&lab), Server::start());
    let each = [
        Trouble::Status(500),
        Trouble::Status(503),
        Trouble::Reset,
        Trouble::HalfRead,
        Trouble::HalfAnswer,
        Trouble::KeptThenReset,
        Trouble::Slow,
        Trouble::Status(429),
        Trouble::KeptThenReset,
        Trouble::Status(408),
        Trouble::HalfAnswer,
        Trouble::None,
        Trouble::KeptThenReset,
    ];
    server.trouble(each);
    ended(&lab, &["--tries", "100", "--to", &server.address()], 0);
    assert_eq!(server.troubles_left(), 0, "every trouble was met");
    let kept = server.kept();
    assert_whole(&lab, &ends, &kept.objects);
    assert!(kept.puts.values().all(|times| *times == 1), "{:?}", kept.puts);
}

#[test]
fn a_server_that_never_answers_well_is_given_up_and_a_watcher_goes_on() {
    let lab = Lab::new();
    record(&lab, 1);
    let server = Server::start();
    server.always("evidence", Trouble::Status(503));
    let told = ended(&lab, &["--tries", "3", "--to", &server.address()], 1);
    assert!(told.contains("given up after 3 tries") && told.contains("503"), "{told}");
    assert!(server.kept().objects.is_empty());
    let to = server.address();
    let mut watcher = ship(&lab, &["--watch", "--interval", "50ms", "--to", &to]);
    let mut watcher =
        watcher.stdout(Stdio::null()).stderr(Stdio::null()).spawn().expect("it starts");
    let asked = server.kept().asked.len();
    wait::until_true("the watcher tries", || server.kept().asked.len() > asked + 2);
    server.always("nothing", Trouble::None);
    let expected = ends(&lab).len();
    wait::until_true("it arrives", || server.kept().objects.len() == expected);
    record(&lab, 1);
    wait::until_true("what comes later arrives too", || {
        server.kept().objects.len() == 2 * expected
    });
    watcher.kill().expect("it lives");
    watcher.wait().expect("it ends");
}

#[test]
fn seals_leave_at_once_while_all_else_waits() {
    let lab = Lab::new();
    record(&lab, 3);
    let ends = ends(&lab);
    if ends.len() == 2 {
        return not_run("a bundle that waits", "this build makes none");
    }
    let server = Server::start();
    // Neither bundles nor columns are taken.
    server.always(
        if ends.contains(&"audit") { "/bundles/" } else { "/events/" },
        Trouble::Status(503),
    );
    ended(&lab, &["--tries", "2", "--to", &server.address()], 1);
    let seals = server.kept().objects.keys().filter(|key| key.contains("/seals/")).count();
    assert_eq!(seals, 6);
}

#[test]
fn a_run_that_is_pruned_while_it_waits_is_sent_all_the_same() {
    let lab = Lab::new();
    record(&lab, 1);
    let ends = ends(&lab);
    let server = Server::start();
    server.always("evidence", Trouble::Status(503));
    ended(&lab, &["--tries", "1", "--to", &server.address()], 1);
    fs::remove_dir_all(&lab.runs()[0]).expect("it was there");
    server.always("nothing", Trouble::None);
    ended(&lab, &["--to", &server.address()], 0);
    assert_eq!(
        server.kept().objects.len(),
        ends.len() - 2,
        "all but the seals, which go at once or not"
    );
    assert_eq!(files(&lab.root().join("state/spool")), Objects::new(), "nothing waits");
}

#[test]
fn something_else_under_the_name_is_told_and_never_replaced() {
    let lab = Lab::new();
    record(&lab, 1);
    let dir = directory(&lab);
    let to = dir.to_str().expect("text");
    let plan = ended(&lab, &["--dry-run", "--parts", "seal", "--to", to], 0);
    let name = PathBuf::from(plan.lines().next().expect("a line"));
    fs::create_dir_all(name.parent().expect("a folder")).expect("room");
    fs::write(&name, "forged").expect("room");
    let told = ended(&lab, &["--parts", "seal", "--to", to], 1);
    assert!(told.contains("is there with other content"), "{told}");
    assert_eq!(fs::read(&name).expect("it is there"), b"forged");
    let status = ended(&lab, &["status", "--parts", "seal", "--to", to], 1);
    assert!(status.contains("sent 1, waiting 0, refused 1"), "{status}");
    let server = Server::start();
    let path = format!("/evidence/{}", name.strip_prefix(&dir).expect("below").display());
    let path = path.replace('=', "%3D");
    server.kept().objects.insert(path.clone(), b"forged".to_vec());
    let told = ended(&lab, &["--parts", "seal", "--to", &server.address()], 1);
    assert!(told.contains("is there with other content"), "{told}");
    assert_eq!(server.kept().objects[&path], b"forged");
}

#[test]
fn what_can_never_work_is_told_in_words_and_ends() {
    let lab = Lab::new();
    record(&lab, 1);
    let refused = |arguments: &[&str], words: &str| {
        let told = ended(&lab, arguments, 2);
        assert!(told.contains(words), "{arguments:?}: {told}");
    };
    refused(&[], "nowhere to send to");
    refused(&["--to", "evidence"], "a directory is given from / on");
    refused(&["--to", "ftp://host/x"], "ftp:// is none of");
    refused(&["--to", "http://192.0.2.1/x"], "http:// shows everything");
    refused(&["--to", "s3://bucket"], "AWS_ACCESS_KEY_ID is not set");
    refused(&["--to", "s3:///x"], "s3://BUCKET/PREFIX");
    refused(
        &["--ca", "/nonexistent.pem", "--to", "https://localhost/"],
        "cannot read /nonexistent.pem",
    );
    let told = ended(&lab, &["--to", "https://ana:hunter2@localhost/"], 2);
    assert!(told.contains("holds no password") && !told.contains("hunter2"), "{told}");
    let server = Server::start();
    for (trouble, words) in
        [(Trouble::Redirect, "is not followed"), (Trouble::Status(403), "answers 403: <Code>Busy")]
    {
        server.always("evidence", trouble);
        let told = ended(&lab, &["--to", &server.address()], 1);
        assert!(told.contains(words), "{told}");
    }
}

#[test]
fn a_token_reaches_the_server_and_no_list_of_processes() {
    let lab = Lab::new();
    record(&lab, 1);
    let server = Server::start();
    server.trouble([Trouble::Status(500)]);
    let mut command = ship(&lab, &["--watch", "--to", &server.address()]);
    command.env("AUDIT_SHIP_TOKEN", "hunter2");
    let child = command.stderr(Stdio::piped()).stdout(Stdio::null()).spawn().expect("it starts");
    wait::until_true("it asks", || server.authorization().as_deref() == Some("Bearer hunter2"));
    let line = fs::read(format!("/proc/{}/cmdline", child.id())).expect("it lives");
    rustix::process::kill_process(
        rustix::process::Pid::from_raw(i32::try_from(child.id()).expect("a pid")).expect("a pid"),
        rustix::process::Signal::TERM,
    )
    .expect("it lives");
    let output = child.wait_with_output().expect("it ends");
    let line = String::from_utf8_lossy(&line).into_owned();
    assert!(line.contains("audit-ship") && !line.contains("hunter2"), "{line}");
    assert!(!said(&output).contains("hunter2"), "{}", said(&output));
    let state = files(&lab.root().join("state"));
    assert!(state.values().all(|bytes| !String::from_utf8_lossy(bytes).contains("hunter2")));
}

#[test]
fn a_server_is_spoken_to_when_its_certificate_is_of_a_trusted_ca_and_its_name() {
    let lab = Lab::new();
    record(&lab, 1);
    let ends = ends(&lab);
    let (Some(ours), Some(other)) =
        (tls::issue(lab.root(), "ours"), tls::issue(lab.root(), "other"))
    else {
        return;
    };
    let server = Server::start();
    let front = tls::Front::start(&ours.certificate, &ours.key, server.port());
    let at = |host: &str| format!("https://{host}:{}/evidence", front.port);
    let ca = |issued: &tls::Issued| issued.ca.to_str().expect("text").to_owned();
    let refused = |to: &str, flags: &[&str], words: &str| {
        let told = ended(&lab, &[&["--tries", "1", "--to", to], flags].concat(), 1);
        assert!(told.contains(words), "{to} {flags:?}: {told}");
        assert!(server.kept().asked.is_empty(), "nothing was asked before it was trusted");
    };
    refused(&at("localhost"), &[], "UnknownIssuer");
    refused(&at("localhost"), &["--ca", &ca(&other)], "UnknownIssuer");
    // The certificate is for `localhost`, and not for its address.
    refused(
        &at("127.0.0.1"),
        &["--ca", &ca(&ours)],
        "certificate not valid for name \"127.0.0.1\"",
    );
    ended(&lab, &["--to", &at("localhost"), "--ca", &ca(&ours)], 0);
    assert_whole(&lab, &ends, &server.kept().objects);
}

#[test]
fn settings_say_where_runs_go_and_config_show_says_which_file_did() {
    let lab = Lab::new();
    record(&lab, 1);
    let (ends, dir, config) = (ends(&lab), directory(&lab), lab.root().join("config"));
    fs::create_dir_all(config.join("audit")).expect("room");
    let text = format!("[ship]\nto = [\"{}\"]\ntries = 3\n", dir.display());
    fs::write(config.join("audit/config.toml"), text).expect("room");
    let settled = |words: &[&str]| {
        let mut command = if words == ["ship"] { ship(&lab, &[]) } else { lab.audit() };
        if words != ["ship"] {
            command.args(words);
        }
        let output =
            command.env("XDG_CONFIG_HOME", &config).env("AUDIT_SHIP_PAUSE", "7ms").output();
        let output = output.expect("it starts");
        assert!(output.status.success(), "{words:?}: {}", said(&output));
        said(&output)
    };
    let page = settled(&["config", "show", "--origin"]);
    let line = |key: &str| {
        let line = page.lines().find(|line| line.starts_with(key)).expect(key);
        line.split_whitespace().map(str::to_owned).collect::<Vec<_>>()
    };
    let file = config.join("audit/config.toml");
    assert_eq!(
        line("ship.to "),
        ["ship.to", &dir.display().to_string(), &format!("{}:2", file.display())]
    );
    assert_eq!(line("ship.tries "), ["ship.tries", "3", &format!("{}:3", file.display())]);
    assert_eq!(line("ship.pause "), ["ship.pause", "7ms", "environment", "AUDIT_SHIP_PAUSE"]);
    assert_eq!(line("ship.interval ")[2], "default");
    settled(&["ship"]);
    assert_whole(&lab, &ends, &files(&dir));
}

#[test]
fn one_shipper_at_a_time_uses_a_state() {
    let lab = Lab::new();
    record(&lab, 1);
    let server = Server::start();
    server.always("evidence", Trouble::Status(503));
    let mut first = ship(&lab, &["--watch", "--to", &server.address()]);
    let mut first = first.stdout(Stdio::null()).stderr(Stdio::null()).spawn().expect("it starts");
    wait::until_true("it works", || !server.kept().asked.is_empty());
    let told = ended(&lab, &["--to", "/tmp"], 2);
    assert!(told.contains("another `audit ship` uses"), "{told}");
    first.kill().expect("it lives");
    first.wait().expect("it ends");
}

#[test]
fn shippers_killed_at_any_moment_lose_and_duplicate_nothing() {
    let lab = Lab::new();
    record(&lab, 6);
    let (ends, server, dir) = (ends(&lab), Server::start(), directory(&lab));
    let address = server.address();
    let arguments = ["--to", &address, "--to", dir.to_str().expect("text")];
    let kills = if long() { 500 } else { 50 };
    let mut struck = 0;
    let mut rounds = 0;
    while struck < kills {
        let mut command = ship(&lab, &arguments);
        let mut child =
            command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().expect("it starts");
        // Any moment of the first third of a second: chance by the clock's last digits.
        let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).expect("after 1970");
        std::thread::sleep(Duration::from_micros(u64::from(now.subsec_nanos()) / 1000 % 300_000));
        let over = child.try_wait().expect("a child").is_some();
        child.kill().expect("a child");
        child.wait().expect("a child");
        if over {
            // All was sent: it begins anew, with what it sent still there.
            fs::remove_dir_all(lab.root().join("state")).expect("it was there");
            rounds += 1;
        } else {
            struck += 1;
        }
    }
    ended(&lab, &arguments, 0);
    let kept = server.kept();
    assert_whole(&lab, &ends, &kept.objects);
    assert!(kept.puts.values().all(|times| *times == 1), "{:?}", kept.puts);
    let there = files(&dir);
    assert_whole(&lab, &ends, &there);
    let by_name = |objects: &Objects, from: &str| -> Objects {
        objects.iter().map(|(k, v)| (k.replace("%3D", "=").replace(from, ""), v.clone())).collect()
    };
    assert_eq!(by_name(&kept.objects, "/evidence/"), by_name(&there, ""), "both have the same");
    assert_eq!(files(&lab.root().join("state/spool")), Objects::new(), "nothing waits");
    println!("{struck} kills, {rounds} times all was sent between them");
}
