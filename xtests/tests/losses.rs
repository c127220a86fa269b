//! When the recorder cannot keep up, the numbers still add up: happened = stored + folded + lost.
#![forbid(unsafe_code)]

use std::{ffi::OsString, fs::File};

use rustix::process::{Signal, kill_process, setpriority_process};
use xtests::{Lab, Recorded};

const SPAWNS: u64 = 20_000;
const FILES: u64 = 1_000;
const ROUNDS: u64 = 20;

#[test]
fn rings_too_small_for_a_storm_lose_a_number_that_is_told() {
    let lab = Lab::new();
    let base = lab.run(storm(&lab, 0)).with(["--no-files"]).succeed();
    // Records of which a ring holds two, and a recorder that comes last.
    let mut command = storm(&lab, SPAWNS);
    command.push("x".repeat(1_500).into());
    let mut running = lab.run(command).with(["--ring-kib", "4,4,4", "--no-files"]).start();
    running.expect("ready");
    setpriority_process(Some(running.supervisor()), 19).expect("it is ours");
    running.go();
    running.expect("done");
    running.go();
    let run = running.record();
    assert!(run.status.success(), "{}: {}", run.status, run.errors());
    check_processes(&base, &run, "fork, exec and exit of each");
    check_page(&lab, &run);
}

#[test]
fn a_recorder_that_was_stopped_during_a_storm_tells_what_it_lost() {
    let lab = Lab::new();
    let base = lab.run(storm(&lab, 0)).succeed();
    let run = while_stopped(&lab, storm(&lab, SPAWNS), "64,64,64");
    check_processes(&base, &run, "fork, exec and exit of each");
    check_page(&lab, &run);
}

#[test]
fn a_recorder_that_was_stopped_during_opens_tells_how_many_it_lost() {
    let lab = Lab::new();
    for number in 0..FILES {
        File::create_new(lab.work().join(format!("f{number:06}"))).expect("a new file");
    }
    let base = lab.run(opener(&lab, 0)).succeed();
    let run = while_stopped(&lab, opener(&lab, ROUNDS), "64,64,64");
    let (before, after) = (base.tally("opens"), run.tally("opens"));
    assert_eq!(after.seen - before.seen, 2 * FILES * ROUNDS, "opens and closes: {after:?}");
    assert!(after.lost > 0, "a ring of 64 KiB held all of them: {after:?}");
    assert_partial(&run, "opens");
    // What was not lost is in the counts of files, and no more.
    let of = |op| -> u64 { run.paths_below(op, &lab.work()).values().sum() };
    let told = of("open") + of("read");
    assert!(told <= FILES * ROUNDS, "{told} opens told of {}", FILES * ROUNDS);
    assert!(
        told + after.lost >= FILES * ROUNDS,
        "{told} opens told and {} lost of {}",
        after.lost,
        FILES * ROUNDS
    );
    check_page(&lab, &run);
}

#[test]
fn a_recorder_that_was_stopped_loses_nothing_while_there_is_room() {
    let lab = Lab::new();
    let base = lab.run(storm(&lab, 0)).succeed();
    let run = while_stopped(&lab, storm(&lab, 500), "0,0,0");
    run.assert_whole();
    assert_eq!(run.tally("process").seen - base.tally("process").seen, 3 * 500);
}

fn storm(lab: &Lab, times: u64) -> Vec<OsString> {
    let words = [times.to_string(), "8".to_owned()].map(OsString::from);
    let [times, threads] = words;
    vec![lab.program("storm").into(), times, threads, lab.nothing().into()]
}

#[test]
fn a_mount_namespace_that_came_and_went_unseen_is_told_as_a_gap() {
    let lab = Lab::new();
    let work = "mkdir m; unshare -m sh -c 'mount -t tmpfs none m && echo x >m/gone && rm m/gone'";
    let run = lab.run_while_stopped(work, &[]);
    assert_eq!(run.number_of("file", "delete"), 0, "it was seen, so this shows nothing");
    assert_gap(&run, "was in a mount namespace of its own that could not be marked");
}

#[test]
fn a_mount_that_was_made_unseen_is_told_as_a_gap() {
    let lab = Lab::new();
    let work = "mkdir m; mount -t tmpfs none m && echo x >m/gone && rm m/gone";
    let run = lab.run_while_stopped(work, &["--mount-ns", "on"]);
    assert_eq!(run.number_of("file", "delete"), 0, "it was seen, so this shows nothing");
    assert_gap(&run, "mount");
}

fn assert_gap(run: &Recorded, why: &str) {
    assert_eq!(run.verdict(), "partial", "{:?}", run.reasons());
    let told =
        run.reasons().iter().any(|it| it.starts_with("access degraded: ") && it.contains(why));
    assert!(told, "{:?}", run.reasons());
}

fn opener(lab: &Lab, rounds: u64) -> Vec<OsString> {
    let words = [FILES.to_string(), rounds.to_string()].map(OsString::from);
    let [files, rounds] = words;
    vec![lab.program("opener").into(), lab.work().into(), files, rounds]
}

/// Records a command whose work is done while the recorder is stopped.
fn while_stopped(lab: &Lab, command: Vec<OsString>, rings: &str) -> Recorded {
    let mut running = lab.run(command).with(["--ring-kib", rings]).start();
    running.expect("ready");
    let supervisor = running.supervisor();
    kill_process(supervisor, Signal::STOP).expect("it is there");
    running.go();
    running.expect("done");
    kill_process(supervisor, Signal::CONT).expect("it is there");
    running.go();
    let run = running.record();
    assert!(run.status.success(), "{}: {}", run.status, run.errors());
    run
}

/// Each program started makes three records: fork, exec, exit.
fn check_processes(base: &Recorded, run: &Recorded, what: &str) {
    let (before, after) = (base.tally("process"), run.tally("process"));
    assert_eq!(after.seen - before.seen, 3 * SPAWNS, "{what}: {after:?}, without: {before:?}");
    assert!(after.lost > 0, "nothing was lost, so this shows nothing: {after:?}");
    assert_partial(run, "process");
    let told = run.number_of("process", "") + run.number_of("exec", "");
    assert_eq!(told as u64, after.stored, "events of processes");
}

fn assert_partial(run: &Recorded, source: &str) {
    run.assert_adds_up();
    assert_eq!(run.verdict(), "partial", "{:?}", run.reasons());
    let tally = run.tally(source);
    assert_eq!(run.lost(source), tally.lost, "lost events of {source}: {:?}", run.losses());
    let named = run.reasons().iter().any(|reason| reason.starts_with(source));
    assert!(named, "no reason names {source}: {:?}", run.reasons());
    for event in run.of("lost", "") {
        assert!(event.text("from_ts") <= event.text("to_ts"), "{event:?}");
        assert!(!event.text("from_ts").is_empty(), "a loss without its time: {event:?}");
    }
}

/// The page about the run says what is missing.
fn check_page(lab: &Lab, run: &Recorded) {
    let page = lab.told(["view", run.id()]);
    for word in ["partial", "lost"] {
        assert!(page.contains(word), "expected {word:?} on the page: {page}");
    }
}
