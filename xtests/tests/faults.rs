//! What is damaged is named, what is derived is made again, and nothing is deleted.
#![forbid(unsafe_code)]

use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
    process::{Command, Output},
};

use rustix::process::{Signal, kill_process};
use xtests::{Event, Lab, Recorded, processes_running, wait};

/// A store with one run in it, and what its record said when it was whole.
struct Case {
    lab: Lab,
    run: Recorded,
    /// Every file of the run, as it was.
    files: BTreeMap<PathBuf, Vec<u8>>,
}

impl Case {
    fn new() -> Case {
        let lab = Lab::new();
        let spawner = lab.program("spawner");
        let run = lab.run([spawner.as_os_str(), "300".as_ref(), lab.nothing().as_ref()]).succeed();
        run.assert_whole();
        // A run whose recorder lives is not over, and the recorder's last step comes after `audit`'s.
        let supervisor = lab.program("audit-supervisor");
        wait::until_true("the recorder's end", || processes_running(&supervisor).is_empty());
        let files = contents(&run.dir);
        Case { lab, run, files }
    }

    fn file(&self, name: &str) -> PathBuf {
        self.run.dir.join(name)
    }

    fn segment(&self) -> PathBuf {
        self.file("segments/000001.seg")
    }

    /// Changes a file of the run.
    fn damage(&self, file: &Path, change: impl FnOnce(&mut Vec<u8>)) {
        let mut bytes = fs::read(file).expect("it is there");
        change(&mut bytes);
        fs::write(file, bytes).expect("it is ours");
    }

    /// Looks at the page of the run; returns it with what was said on standard error.
    fn view(&self) -> String {
        let output = self.lab.ask(["view", self.run.id()]);
        assert!(output.status.success(), "{}: {}", output.status, said(&output));
        said(&output)
    }

    /// Reads the record as it is now.
    fn read(&self) -> Recorded {
        Recorded::read(&self.run.dir, self.run.status, Vec::new(), Vec::new())
    }

    /// All events by query.
    fn queried(&self) -> Vec<Event> {
        let lines = self.lab.told(["query", self.run.id(), "--all", "--format", "jsonl"]);
        lines.lines().map(|line| Event(serde_json::from_str(line).expect("a line"))).collect()
    }

    fn assert_all_there(&self) {
        let (now, then) = (self.read(), &self.run);
        assert_eq!(now.events.len(), then.events.len(), "events");
        let same = now.events.iter().zip(&then.events).all(|(one, other)| one.0 == other.0);
        assert!(same, "other events than before");
        assert_eq!(now.verdict(), then.verdict());
        assert_eq!(self.queried().len(), then.events.len(), "events by query");
        now.assert_whole();
    }

    /// Everything up to the damage is there, and the damage is named.
    fn assert_up_to_damage(&self, least: usize, verdict: &[&str]) {
        let text = self.view();
        assert!(text.contains("damage") || text.contains("truncated"), "not named: {text}");
        let now = self.read();
        assert!(verdict.contains(&now.verdict()), "verdict {}: {:?}", now.verdict(), now.reasons());
        assert!(!now.reasons().is_empty(), "no reason is given");
        let happened = |event: &&Event| !matches!(event.kind(), "lost" | "source" | "end");
        let found: Vec<_> = now.events.iter().filter(happened).collect();
        let before: Vec<_> = self.run.events.iter().filter(happened).collect();
        let same = found.iter().zip(&before).take_while(|(one, other)| is_same(one, other)).count();
        assert!(same >= least, "{same} events are as before, expected {least} of {}", before.len());
        assert_eq!(found.len(), same, "events that were not there before: {:?}", found.get(same));
        assert_eq!(self.queried().len(), now.events.len(), "events by query");
    }

    fn assert_segments_untouched(&self, damaged: &[u8]) {
        assert_eq!(
            fs::read(self.segment()).expect("it is there"),
            damaged,
            "a segment was changed"
        );
        let now = contents(&self.run.dir);
        let gone: Vec<_> = self.files.keys().filter(|path| !now.contains_key(*path)).collect();
        assert_eq!(gone, Vec::<&PathBuf>::new(), "files were deleted");
    }
}

/// Counts may be less when the window's rest is gone; everything else is as it was.
fn is_same(one: &Event, other: &Event) -> bool {
    let key =
        |event: &Event| ["type", "op", "ts", "path", "exe"].map(|name| event.text(name).to_owned());
    key(one) == key(other) && one.number("pid") == other.number("pid")
}

#[test]
fn derived_files_that_are_gone_are_made_again() {
    let case = Case::new();
    for names in [
        &["events.jsonl.zst"][..],
        &["index.sqlite"],
        &["meta.json"],
        &["events.jsonl.zst", "index.sqlite", "meta.json"],
    ] {
        for name in names {
            fs::remove_file(case.file(name)).expect("it is there");
        }
        case.view();
        case.assert_all_there();
    }
}

/// Ways to damage a file.
const CHANGES: [fn(&mut Vec<u8>); 4] = [
    |bytes| flip_in_the_middle(bytes),
    |bytes| bytes.truncate(bytes.len() / 2),
    Vec::clear,
    |bytes| bytes.splice(.., *b"something else\n").for_each(drop),
];

fn flip_in_the_middle(bytes: &mut [u8]) {
    let at = bytes.len() / 2;
    if let Some(byte) = bytes.get_mut(at) {
        *byte ^= 0x04;
    }
}

#[test]
fn derived_files_that_were_changed_are_made_again() {
    let case = Case::new();
    for name in ["events.jsonl.zst", "index.sqlite", "meta.json"] {
        for (index, change) in CHANGES.into_iter().enumerate() {
            case.damage(&case.file(name), change);
            let text = case.view();
            let words = format!("{name}, change {index}: {text}");
            assert!(text.contains(case.run.id()) || !text.is_empty(), "{words}");
            case.assert_all_there();
        }
    }
    case.assert_segments_untouched(case.files.get(Path::new("segments/000001.seg")).expect("one"));
}

#[test]
fn a_line_added_to_the_events_does_not_become_an_event() {
    let case = Case::new();
    case.damage(&case.file("events.jsonl.zst"), |bytes| {
        let line = format!("{{\"run\":\"{}\",\"seq\":99999,\"ts\":\"2026-01-01T00:00:00Z\",\"type\":\"exec\",\"exe\":\"/evil\"}}\n", case.run.id());
        let lines = [xtests::lines(&case.run.dir).as_bytes(), line.as_bytes()].concat();
        *bytes = xtests::packed(&lines);
    });
    case.view();
    case.assert_all_there();
}

#[test]
fn a_segment_that_is_cut_off_opens_up_to_the_cut() {
    let case = Case::new();
    case.damage(&case.segment(), |bytes| bytes.truncate(bytes.len() / 2));
    let damaged = fs::read(case.segment()).expect("it is there");
    case.assert_up_to_damage(100, &["truncated"]);
    case.assert_segments_untouched(&damaged);
}

#[test]
fn a_flipped_bit_in_a_segment_is_found_and_all_before_it_opens() {
    let case = Case::new();
    case.damage(&case.segment(), |bytes| flip_in_the_middle(bytes));
    let damaged = fs::read(case.segment()).expect("it is there");
    case.assert_up_to_damage(100, &["truncated", "partial"]);
    case.assert_segments_untouched(&damaged);
}

#[test]
fn a_segment_without_a_readable_frame_is_told_and_kept() {
    let case = Case::new();
    case.damage(&case.segment(), |bytes| bytes.fill(0xa5));
    let damaged = fs::read(case.segment()).expect("it is there");
    let output = case.lab.ask(["view", case.run.id()]);
    let text = said(&output);
    assert!(text.contains("damage") || text.contains("cannot "), "not told: {text}");
    case.assert_segments_untouched(&damaged);
    let list = case.lab.told(["runs"]);
    assert!(list.contains(suffix(case.run.id())), "the run is not listed: {list}");
}

#[test]
fn a_recorder_killed_meanwhile_leaves_a_record_up_to_then_and_the_command_alone() {
    let lab = Lab::new();
    let script = "\"$1\" 200 \"$2\"; echo ready; read go; \"$1\" 200 \"$2\"; exit 7";
    let (spawner, nothing) = (lab.program("spawner"), lab.nothing());
    let words = ["sh", "-c", script, "sh"].map(AsRef::as_ref);
    let command = words.into_iter().chain([spawner.as_os_str(), nothing.as_os_str()]);
    let mut running = lab.run(command).start_ungated();
    running.expect("ready");
    kill_process(running.supervisor(), Signal::KILL).expect("it is there");
    running.go();
    let dir = running.dir();
    let (status, errors) = running.end();
    assert_eq!(status.code(), Some(7), "the command's own status: {errors}");
    let id = dir.file_name().and_then(|name| name.to_str()).expect("an id").to_owned();
    let page = lab.told(["view", &id]);
    assert!(page.contains("truncated"), "the page does not tell: {page}");
    let list = lab.told(["runs"]);
    assert!(list.contains("truncated"), "the list does not tell: {list}");
    let run = Recorded::read(&dir, status, Vec::new(), Vec::new());
    assert_eq!(run.verdict(), "truncated", "{:?}", run.reasons());
    let execs = run.execs_of(&nothing).count();
    // Nothing is held back for longer than 50 ms, and the kill came after the first 200.
    assert!(execs <= 200, "{execs} programs recorded after the recorder's end");
}

#[test]
fn a_front_killed_meanwhile_changes_nothing_for_the_record() {
    let lab = Lab::new();
    let spawner = lab.program("spawner");
    let mut running =
        lab.run([spawner.as_os_str(), "200".as_ref(), lab.nothing().as_os_str()]).start();
    running.expect("ready");
    kill_process(running.front(), Signal::KILL).expect("it is there");
    running.go();
    running.expect("done");
    running.go();
    let dir = running.dir();
    let (status, _) = running.end();
    let supervisor = lab.program("audit-supervisor");
    wait::until_true("the recorder's end", || processes_running(&supervisor).is_empty());
    let id = dir.file_name().and_then(|name| name.to_str()).expect("an id").to_owned();
    lab.told(["view", &id]);
    let run = Recorded::read(&dir, status, Vec::new(), Vec::new());
    run.assert_whole();
    assert_eq!(run.execs_of(&lab.nothing()).count(), 200, "programs started");
    assert_eq!(run.end().number("code"), Some(0), "the command's end: {:?}", run.end());
}

#[test]
fn a_run_that_still_goes_on_can_be_looked_at() {
    let lab = Lab::new();
    let spawner = lab.program("spawner");
    let mut running =
        lab.run([spawner.as_os_str(), "50".as_ref(), lab.nothing().as_os_str()]).start();
    running.expect("ready");
    running.go();
    running.expect("done");
    let list = lab.told(["runs"]);
    assert!(list.contains("recording") || list.contains("running"), "not told: {list}");
    let page = lab.told(["view", "last"]);
    assert!(!page.contains("truncated"), "a run that goes on is not broken: {page}");
    running.go();
    let run = running.record();
    run.assert_whole();
    assert_eq!(run.execs_of(&lab.nothing()).count(), 50, "programs started");
}

fn contents(dir: &Path) -> BTreeMap<PathBuf, Vec<u8>> {
    let listed = Command::new("find").arg(dir).args(["-type", "f", "-printf", "%P\\n"]).output();
    let listed = String::from_utf8(listed.expect("find starts").stdout).expect("plain names");
    listed
        .lines()
        .map(|name| (name.into(), fs::read(dir.join(name)).expect("it is there")))
        .collect()
}

fn said(output: &Output) -> String {
    let text = [output.stdout.as_slice(), output.stderr.as_slice()].concat();
    String::from_utf8_lossy(&text).into_owned()
}

fn suffix(id: &str) -> &str {
    id.rsplit('-').next().unwrap_or(id)
}

/// Ends the recorder by these signals while the command goes on, and the record is sealed up to there.
fn check_recorder_told_to_end(options: &[&str], signals: &[Signal]) {
    let lab = Lab::new();
    let script = ": >early; echo first; read go; : >late; exit 7";
    let mut running = lab.run(["sh", "-c", script]).with(options).start_ungated();
    running.expect("first");
    let recorder = running.supervisor();
    for signal in signals {
        kill_process(recorder, *signal).expect("it is there");
    }
    let program = lab.program("audit-supervisor");
    wait::until_true("the recorder's end", || processes_running(&program).is_empty());
    assert!(!lab.work().join("late").exists(), "the command waits");
    running.go();
    let run = running.record();
    assert_eq!(run.status.code(), Some(7), "{}", run.errors());
    assert!(lab.work().join("late").exists(), "the command went on");
    assert_eq!(run.at("create", &lab.work().join("early")).count(), 1);
    assert_eq!(run.at("create", &lab.work().join("late")).count(), 0);
    let end = run.end();
    assert_eq!((end.text("ending"), end.text("verdict")), ("stopped", "partial"), "{end:?}");
    assert_eq!((end.number("alive"), end.number("code")), (Some(1), None), "{end:?}");
    assert!(run.reasons().contains(&"the recorder was stopped"), "{:?}", run.reasons());
}

#[test]
fn a_recorder_told_to_end_seals_what_it_has_and_lets_the_command_be() {
    check_recorder_told_to_end(&["--linger", "0s"], &[Signal::TERM]);
}

#[test]
fn a_recorder_told_twice_ends_at_once() {
    check_recorder_told_to_end(&["--linger", "1h"], &[Signal::TERM, Signal::INT]);
}
