//! Opens that failed: what was denied, and what was searched for.
#![forbid(unsafe_code)]

use std::{
    fs::{self, Permissions},
    os::unix::fs::PermissionsExt,
};

use xtests::{Event, Lab, Recorded};

/// A user that is not root.
const USER: [&str; 2] = ["--user", "4242"];

/// Failed opens and execs: op, errno, what was asked for, from where, how often.
fn failed(run: &Recorded) -> Vec<String> {
    // A shell looks for its programs and their libraries in places that a user may not enter.
    let own = |event: &&Event| !event.text("path_claimed").starts_with("/root/");
    let events = run.of("file", "").filter(|event| event.op().ends_with("_failed")).filter(own);
    let words = |event: &Event| {
        let text = |name| event.text(name).to_owned();
        assert_eq!(text("path_missing"), "claimed", "{event:?}");
        [text("op"), text("errno"), text("path_claimed"), format!("x{}", event.count())].join(" ")
    };
    events.map(words).collect()
}

/// Records a script of bash in the work directory.
fn record(lab: &Lab, options: &[&str], script: &str) -> Recorded {
    let run = lab.run(["bash", "-c", script]).with(options).succeed();
    run.assert_adds_up();
    run
}

#[test]
fn what_an_ordinary_user_may_not_open_is_told() {
    let lab = Lab::new();
    let secret = lab.work().join("secret");
    fs::write(&secret, "x").expect("room");
    fs::set_permissions(&secret, Permissions::from_mode(0o600)).expect("ours");
    let script = "for n in 1 2 3; do : <secret; done; : >secret; : <\"$PWD/secret\"; true";
    let run = record(&lab, &USER, script);
    let absolute = format!("open_failed EACCES {} x1", secret.display());
    assert_eq!(
        failed(&run),
        ["open_failed EACCES secret x3", "open_failed EACCES secret x1", absolute.as_str()]
    );
    let relative =
        run.of("file", "open_failed").find(|event| event.text("path_claimed") == "secret");
    let start = relative.and_then(|event| event.bytes("cwd"));
    assert_eq!(start, Some(lab.work().into_os_string().into_encoded_bytes()));
    run.assert_whole();
}

#[test]
fn a_search_for_secrets_is_told_and_one_for_other_files_is_not() {
    let lab = Lab::new();
    let script =
        "for f in none .ssh/id_rsa .bashrc .config/other .docker/config.json; do : <$f; done; true";
    let run = record(&lab, &[], script);
    let told = ["open_failed ENOENT .ssh/id_rsa x1", "open_failed ENOENT .docker/config.json x1"];
    assert_eq!(failed(&run), told);
}

/// The kernel's side looks at eight bytes at a time: each place of the dot in them, and what is no hidden name.
#[test]
fn a_search_for_secrets_is_told_wherever_in_the_name_its_directory_begins() {
    let lab = Lab::new();
    let before = |len: usize| "x".repeat(len);
    let hidden: Vec<String> = (1..=17).map(|len| format!("/{}/.ssh/id_rsa", before(len))).collect();
    let after = (1..=17).map(|len| format!("/../{}.ssh/..a.b/id_rsa", before(len)));
    let plain: Vec<String> =
        after.chain((1..=17).map(|len| format!("/{}./.", before(len)))).collect();
    let script = format!("for f in {} {}; do : <$f; done; true", plain.join(" "), hidden.join(" "));
    let run = record(&lab, &[], &script);
    let told: Vec<String> =
        hidden.iter().map(|name| format!("open_failed ENOENT {name} x1")).collect();
    assert_eq!(failed(&run), told);
    let mut relative: Vec<String> =
        (1..=9).map(|len| format!("{}/../.ssh/id_rsa", before(len))).collect();
    relative.push(".ssh/id_rsa".to_owned());
    let run = record(&lab, &[], &format!("for f in {}; do : <$f; done; true", relative.join(" ")));
    let told: Vec<String> =
        relative.iter().map(|name| format!("open_failed ENOENT {name} x1")).collect();
    assert_eq!(failed(&run), told);
}

#[test]
fn a_plain_name_looked_for_where_secrets_are_is_told() {
    let lab = Lab::new();
    for dir in [".ssh", ".config/gh", ".other"] {
        fs::create_dir_all(lab.work().join(dir)).expect("room");
    }
    let script = "cd .ssh; : <id_rsa; : <../none; cd ../.config/gh; : <hosts.yml; cd ../../.other; : <none; true";
    let run = record(&lab, &[], script);
    assert_eq!(failed(&run), ["open_failed ENOENT id_rsa x1", "open_failed ENOENT hosts.yml x1"]);
    let start = run.of("file", "open_failed").next().and_then(|event| event.bytes("cwd"));
    assert_eq!(start, Some(lab.work().join(".ssh").into_os_string().into_encoded_bytes()));
    run.assert_whole();
}

#[test]
fn every_failed_open_is_told_on_request() {
    let lab = Lab::new();
    let run = record(&lab, &["--failed-opens", "all"], ": <none; true");
    assert!(failed(&run).contains(&"open_failed ENOENT none x1".to_owned()), "{:?}", failed(&run));
}

#[test]
fn no_failed_open_is_told_on_request() {
    let lab = Lab::new();
    let run = record(&lab, &["--failed-opens", "none"], ": <.ssh/id_rsa; true");
    assert_eq!(failed(&run), Vec::<String>::new());
}

#[test]
fn what_may_not_be_executed_is_told() {
    let lab = Lab::new();
    fs::write(lab.work().join("plain"), "x").expect("room");
    let run = record(&lab, &[], "./plain 2>/dev/null; true");
    assert_eq!(failed(&run), ["exec_failed EACCES ./plain x1"]);
}

#[test]
fn a_write_to_a_program_that_runs_is_told() {
    let lab = Lab::new();
    let script = "cp \"$(command -v sleep)\" busy; ./busy 60 & until [ /proc/$!/exe -ef busy ]; do :; done; : >>busy; kill $!; wait; true";
    let run = record(&lab, &[], script);
    assert_eq!(failed(&run), ["open_failed ETXTBSY busy x1"]);
}
