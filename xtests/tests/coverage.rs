//! The record says what it could not see: per source, with numbers and times, and `--strict` acts on it.
#![forbid(unsafe_code)]

use rustix::process::{Signal, kill_process};
use xtests::{Lab, wait};

#[test]
fn strict_changes_nothing_when_the_record_is_complete() {
    let lab = Lab::new();
    let run = lab.run(["sh", "-c", "exit 3"]).with(["--strict"]).record();
    assert_eq!((run.status.code(), run.verdict()), (Some(3), "complete"), "{}", run.errors());
}

#[test]
fn strict_has_a_status_of_its_own_when_the_record_is_not_complete() {
    let lab = Lab::new();
    // A process that outlives the recording makes it partial.
    let left = "sleep 1000 >/dev/null 2>&1 & echo $!; exit 3";
    let of = |strict: &[&str]| {
        let options = ["--linger", "0", "--summary", "always"].iter().chain(strict);
        let run = lab.run(["sh", "-c", left]).with(options).record();
        let pid = String::from_utf8_lossy(&run.stdout).trim().parse().expect("a pid");
        let pid = rustix::process::Pid::from_raw(pid).expect("a pid");
        kill_process(pid, Signal::KILL).expect("it was left behind");
        lab.remove_leaf(run.id());
        assert_eq!(run.verdict(), "partial");
        // The command's own status is in the summary and in the record, whatever ours is.
        assert!(run.errors().contains("exit 3"), "{}", run.errors());
        assert_eq!(run.end().number("code"), Some(3));
        run.status.code()
    };
    assert_eq!((of(&[]), of(&["--strict"])), (Some(3), Some(123)));
}

#[test]
fn strict_does_not_take_a_dead_recorder_for_a_complete_record() {
    let lab = Lab::new();
    let command = ["sh", "-c", "echo ready; read line; exit 0"];
    let mut running = lab.run(command).with(["--strict"]).start();
    running.expect("ready");
    kill_process(running.supervisor(), Signal::KILL).expect("it is ours");
    running.go();
    let run = running.record();
    assert_eq!((run.status.code(), run.verdict()), (Some(123), "truncated"), "{}", run.errors());
}

#[test]
fn a_reader_of_a_live_run_hears_heartbeats() {
    hears_heartbeats(1, 3);
}

#[test]
fn a_quiet_recorder_says_less_and_beats_in_time() {
    hears_heartbeats(5, 2);
}

/// Of a command that does nothing: so many, as many seconds apart.
fn hears_heartbeats(seconds: u64, wanted: usize) {
    let lab = Lab::new();
    let command = ["sh", "-c", "echo ready; read line"];
    let mut running = lab.run(command).with(["--heartbeat", &format!("{seconds}s")]).start();
    running.expect("ready");
    let lines = running.dir().join("events.jsonl");
    let beats = || {
        let text = std::fs::read_to_string(&lines).unwrap_or_default();
        text.lines().filter(|line| line.contains("\"type\":\"heartbeat\"")).count()
    };
    // The command does nothing at all meanwhile.
    wait::until_true("the last heartbeat", || beats() >= wanted);
    running.go();
    let run = running.record();
    let told: Vec<_> = run.of("heartbeat", "").collect();
    let numbers: Vec<u64> = told.iter().filter_map(|beat| beat.number("beat")).collect();
    assert_eq!(numbers, (1..=told.len() as u64).collect::<Vec<_>>());
    for beat in told {
        assert_eq!(beat.number("interval_ms"), Some(seconds * 1_000));
        let sources = beat.list("sources");
        for source in ["process", "network", "opens", "access", "names", "calls"] {
            assert!(sources.contains(&source), "{source} of {sources:?}");
        }
        assert_eq!(beat.number("lost"), Some(0));
        assert!(beat.number("alive") >= Some(1), "{:?}", beat.0);
    }
    run.assert_whole();
}

#[test]
fn heartbeats_can_be_switched_off() {
    let lab = Lab::new();
    let run = lab.run(["sleep", "2.5"]).with(["--heartbeat", "0"]).succeed();
    assert_eq!(run.number_of("heartbeat", ""), 0);
}

#[test]
fn the_coverage_page_has_every_source_and_the_time_of_each_gap() {
    let lab = Lab::new();
    let whole = lab.run(["true"]).succeed();
    let page = lab.told(["view", whole.id(), "--coverage"]);
    for tally in whole.tallies() {
        let row = page.lines().find(|line| line.trim_start().starts_with(&tally.source));
        let row = row.unwrap_or_else(|| panic!("no {}:\n{page}", tally.source));
        let told: Vec<u64> = row.split_whitespace().skip(2).take(4).map(number).collect();
        assert_eq!(told, [tally.seen, tally.stored, tally.folded, tally.lost], "{row}");
    }
    assert!(page.contains("none told"), "{page}");
    let storm = [lab.program("storm").into_os_string(), "20000".into(), "8".into()];
    let command = storm.into_iter().chain([lab.nothing().into_os_string()]);
    let mut running = lab.run(command).with(["--ring-kib", "64,64,64"]).start();
    running.expect("ready");
    kill_process(running.supervisor(), Signal::STOP).expect("it is there");
    running.go();
    running.expect("done");
    kill_process(running.supervisor(), Signal::CONT).expect("it is there");
    running.go();
    let run = running.record();
    let lost = run.losses();
    assert!(!lost.is_empty(), "a ring of 64 KiB held 20,000 programs: {:?}", run.tallies());
    let page = lab.told(["view", run.id(), "--coverage"]);
    let gaps: Vec<&str> = page.lines().filter(|line| line.contains("(ring full)")).collect();
    assert!(!gaps.is_empty(), "{page}");
    assert!(gaps.iter().all(|gap| gap.trim_start().starts_with('+') && gap.contains(" to +")));
}

/// Reads `1,904`.
fn number(text: &str) -> u64 {
    text.replace(',', "").parse().unwrap_or_else(|_| panic!("{text} is no number"))
}
