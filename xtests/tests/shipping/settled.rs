//! What the shipper is told: settings, secrets, whom to trust.

use std::{fs, process::Stdio};

use xtests::{Lab, wait};

use crate::{
    assert_whole, directory, ended, ends, files, record, said,
    server::{Server, Trouble},
    ship, tls,
};

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
