//! Servers that fail, refuse, or have something else under the name.

use std::{fs, path::PathBuf, process::Stdio};

use xtests::{Lab, wait};

use crate::{
    assert_whole, directory, ended, ends, record,
    server::{Server, Trouble},
    ship,
};

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
    let told = ended(&lab, &["--to", "/nonexistent/evidence"], 1);
    assert!(told.contains("there is no such directory") && !told.contains(" yet"), "{told}");
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
