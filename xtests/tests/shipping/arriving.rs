//! What is sent is there, once, whatever kills the shipper.

use std::{
    fs,
    process::Stdio,
    time::{Duration, SystemTime},
};

use xtests::{Lab, long, not_run, wait};

use crate::{
    Objects, assert_whole, directory, ended, ends, files, record,
    server::{Server, Trouble},
    ship,
};

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
