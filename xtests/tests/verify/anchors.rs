//! What was said elsewhere when a run began and ended must still be there.

use std::{fs, os::unix::net::UnixDatagram, path::Path};

use xtests::Lab;

use crate::{assert_verify, said};

#[test]
fn a_run_that_is_deleted_or_replaced_is_missed() {
    let lab = Lab::new();
    let log = lab.root().join("anchors");
    let place = log.to_str().expect("it is UTF-8");
    let runs: Vec<_> = (0..2)
        .map(|_| lab.run(["true"]).with(["--anchor", place, "--anchor", "stderr"]).succeed())
        .collect();
    let lines = fs::read_to_string(&log).expect("it reads");
    assert_eq!(lines.lines().count(), 4, "{lines}");
    for run in &runs {
        let told = String::from_utf8_lossy(&run.stderr).into_owned();
        assert!(lines.contains(&told), "standard error says the same: {told}");
    }
    assert_verify(&lab, &["--anchor", place], 0, "verified");
    let hash = lines.split("sha256:").nth(1).and_then(|rest| rest.get(..64)).expect("a hash");
    assert_verify(&lab, &[runs[0].id(), "--anchor", hash], 0, "verified");
    assert_verify(&lab, &[runs[1].id(), "--anchor", hash], 1, "not the one that was named");
    // One put in the other's place, as whole as it was.
    let (first, second) = (&runs[0].dir, &runs[1].dir);
    let away = lab.root().join("away");
    fs::rename(first, &away).expect("it moves");
    let gone = format!("{}  altered", runs[0].id());
    assert_verify(&lab, &["--anchor", place], 1, &gone);
    assert_verify(&lab, &["--anchor", place], 1, "it was recorded and is not here");
    copy(second, first);
    assert_verify(&lab, &["--anchor", place], 1, "its anchor says");
}

fn copy(from: &Path, to: &Path) {
    let copied = std::process::Command::new("cp").arg("-a").args([from, to]).status();
    assert!(copied.expect("cp starts").success());
}

#[test]
fn a_place_that_cannot_be_had_stops_the_run_before_it_starts() {
    let lab = Lab::new();
    let output = lab.ask(["run", "--anchor", "/nonexistent/log", "--", "true"]);
    assert_eq!(output.status.code(), Some(125), "{}", said(&output));
    assert!(said(&output).contains("cannot anchor the run in /nonexistent/log"));
    assert_eq!(lab.runs().len(), 0);
}

#[test]
fn syslog_hears_of_a_run() {
    const LOG: &str = "/dev/log";
    let lab = Lab::new();
    let Ok(socket) = UnixDatagram::bind(LOG) else {
        xtests::not_run("anchors in syslog", "another program listens at /dev/log");
        return;
    };
    let run = lab.run(["true"]).with(["--anchor", "syslog"]).record();
    fs::remove_file(LOG).expect("it is ours");
    assert!(run.status.success(), "{}", String::from_utf8_lossy(&run.stderr));
    let mut heard = Vec::new();
    for _ in 0..2 {
        let mut room = [0; 512];
        let len = socket.recv(&mut room).expect("a line");
        heard.push(String::from_utf8_lossy(&room[..len]).into_owned());
    }
    assert!(heard[0].starts_with("<13>audit["), "{heard:?}");
    assert!(heard[0].contains(&format!("audit-anchor 1 start {} epoch-0 SHA256:", run.id())));
    assert!(heard[1].contains(&format!("audit-anchor 1 seal {} sha256:", run.id())), "{heard:?}");
}
