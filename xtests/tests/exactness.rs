//! Everything that a command does is in its record, as often as it was done.
#![forbid(unsafe_code)]

use std::{
    collections::{BTreeMap, BTreeSet},
    fs::{self, File},
    path::{Path, PathBuf},
};

use xtests::{Lab, Recorded, Tmpfs, long};

/// Which process: pid and start time.
type Process = (u64, u64);

#[test]
fn each_of_2000_programs_started_one_after_the_other_is_recorded() {
    let lab = Lab::new();
    let nothing = lab.nothing();
    let times = if long() { 20_000 } else { 2_000 };
    let run = lab
        .run([lab.program("spawner").as_os_str(), times.to_string().as_ref(), nothing.as_ref()])
        .succeed();
    assert_whole_lives(&run, &nothing, times);
}

#[test]
fn each_of_20000_programs_started_side_by_side_by_vfork_is_recorded() {
    let lab = Lab::new();
    let nothing = lab.nothing();
    let times = if long() { 100_000 } else { 20_000 };
    let storm = lab.program("storm");
    let run = lab
        .run([storm.as_os_str(), times.to_string().as_ref(), "8".as_ref(), nothing.as_ref()])
        .succeed();
    assert_whole_lives(&run, &nothing, times);
}

#[test]
fn each_of_20000_files_created_on_disk_is_recorded() {
    let lab = Lab::new();
    check_creates(&lab, &lab.work());
}

#[test]
fn each_of_20000_files_created_in_memory_is_recorded() {
    let lab = Lab::new();
    let memory = Tmpfs::new(&lab.root().join("memory"), 256 * 1024);
    check_creates(&lab, &lab.root().join("memory"));
    drop(memory);
}

#[test]
fn each_of_100000_opens_of_1000_files_is_counted_for_its_file() {
    let lab = Lab::new();
    let rounds = if long() { 1_000 } else { 100 };
    let files = make_files(&lab.work(), 1_000);
    let opener = lab.program("opener");
    let run = lab
        .run([
            opener.as_os_str(),
            lab.work().as_ref(),
            "1000".as_ref(),
            rounds.to_string().as_ref(),
        ])
        .succeed();
    run.assert_whole();
    let expected: BTreeMap<_, _> = files.into_iter().map(|path| (path, rounds)).collect();
    // Nothing was read from them, and that is told; but of what is closed just as a window ends it is not
    // known, so an event of a later window may say that it was read (docs/events.md).
    let opened = run.paths_below("open", &lab.work());
    // So it is of what somebody outside looks at just then (`ls -l /proc/PID/fd`): tests beside this one do.
    let doubtful = expected.len().saturating_sub(opened.len());
    assert!(doubtful <= 5, "{doubtful} files were not only opened in their first window");
    let mut found = opened;
    for (path, count) in run.paths_below("read", &lab.work()) {
        *found.entry(path).or_default() += count;
    }
    assert_same("opens", &found, &expected);
    assert_eq!(found.values().sum::<u64>(), 1_000 * rounds);
    let own = lab.work().into_os_string().into_encoded_bytes();
    let of_files =
        |event: &&xtests::Event| event.bytes("path").is_some_and(|p| p.starts_with(&own));
    for event in run.of("file", "open").filter(of_files) {
        assert!(event.flag("count_exact"), "a count that is not exact: {event:?}");
    }
}

#[test]
fn each_of_10000_connects_to_a_server_on_this_machine_is_recorded() {
    let lab = Lab::new();
    let connector = lab.program("connector");
    let run = lab
        .run([
            connector.as_os_str(),
            "127.0.0.1:0".as_ref(),
            "10000".as_ref(),
            "0".as_ref(),
            "0".as_ref(),
        ])
        .succeed();
    run.assert_whole();
    for op in ["connect", "accept"] {
        let cookies: BTreeSet<_> =
            run.of("net", op).map(|event| event.number("cookie").expect("a cookie")).collect();
        assert_eq!((run.number_of("net", op), cookies.len()), (10_000, 10_000), "{op}, sockets");
    }
    let locals: BTreeSet<_> = run.of("net", "connect").map(|event| event.text("peer")).collect();
    assert_eq!(locals.len(), 1, "one server: {locals:?}");
    for event in run.of("net", "connect") {
        assert_eq!(event.text("result"), "established", "{event:?}");
    }
}

fn check_creates(lab: &Lab, dir: &Path) {
    let times = if long() { 200_000 } else { 20_000 };
    let creator = lab.program("creator");
    let run = lab.run([creator.as_os_str(), dir.as_ref(), times.to_string().as_ref()]).succeed();
    run.assert_whole();
    let expected: BTreeMap<_, _> =
        (0..times).map(|n| (bytes(&dir.join(format!("f{n:06}"))), 1)).collect();
    assert_same("created", &run.paths_below("create", dir), &expected);
    assert_same("written", &run.paths_below("write", dir), &expected);
}

/// Holds that `times` processes were forked, executed `program` and exited with 0.
fn assert_whole_lives(run: &Recorded, program: &Path, times: usize) {
    run.assert_whole();
    let executed: BTreeSet<Process> = run
        .execs_of(program)
        .map(|event| {
            (event.number("pid").expect("a pid"), event.number("start_ns").expect("a time"))
        })
        .collect();
    assert_eq!((run.execs_of(program).count(), executed.len()), (times, times), "execs, processes");
    let forked: BTreeSet<Process> = run
        .of("process", "fork")
        .map(|event| {
            let number = |name| event.number(name).expect("a number");
            (number("child_pid"), number("child_start_ns"))
        })
        .collect();
    let unborn: Vec<_> = executed.difference(&forked).collect();
    assert!(unborn.is_empty(), "{} executed and were not forked: {unborn:?}", unborn.len());
    let ended: BTreeSet<Process> = run
        .of("process", "exit")
        .filter(|event| event.number("code") == Some(0))
        .map(|event| (event.number("pid").unwrap_or(0), event.number("start_ns").unwrap_or(0)))
        .collect();
    let endless: Vec<_> = executed.difference(&ended).collect();
    assert!(endless.is_empty(), "{} executed and did not exit: {endless:?}", endless.len());
}

fn assert_same(what: &str, found: &BTreeMap<Vec<u8>, u64>, expected: &BTreeMap<Vec<u8>, u64>) {
    let shown = |path: &[u8]| String::from_utf8_lossy(path).into_owned();
    let wrong: Vec<_> = expected
        .iter()
        .filter(|(path, times)| found.get(*path) != Some(times))
        .map(|(path, times)| (shown(path), *times, found.get(path).copied()))
        .collect();
    let strange: Vec<_> = found.keys().filter(|path| !expected.contains_key(*path)).collect();
    assert!(
        wrong.is_empty() && strange.is_empty(),
        "{what}: {} of {} paths are wrong (path, expected, found): {:?}; {} unexpected: {:?}",
        wrong.len(),
        expected.len(),
        &wrong[..wrong.len().min(5)],
        strange.len(),
        strange.iter().take(5).map(|path| shown(path)).collect::<Vec<_>>()
    );
}

fn make_files(dir: &Path, files: u32) -> Vec<Vec<u8>> {
    let paths: Vec<PathBuf> = (0..files).map(|n| dir.join(format!("f{n:06}"))).collect();
    for path in &paths {
        File::create_new(path).expect("a new file");
    }
    assert_eq!(fs::read_dir(dir).expect("it is there").count(), paths.len());
    paths.iter().map(|path| bytes(path)).collect()
}

fn bytes(path: &Path) -> Vec<u8> {
    path.as_os_str().as_encoded_bytes().to_vec()
}
