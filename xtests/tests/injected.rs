//! Faults put in on purpose: kills at any moment, disks that fill at any point, start-ups in which any
//! system call fails, many runs at once. Long forms: AUDIT_TEST_LONG=1, figures in docs/reliability.md.
#![forbid(unsafe_code)]

use std::{
    collections::BTreeSet,
    ffi::{OsStr, OsString},
    fs::{self, Permissions},
    os::unix::fs::PermissionsExt,
    path::{Path, PathBuf},
    process::{Command, ExitStatus},
    time::Duration,
};

use rustix::{
    process::{Signal, kill_process},
    time::{ClockId, clock_gettime},
};
use xtests::{Lab, Recorded, Running, Tmpfs, long, processes_running, wait};

/// The command's own status, whatever happens to the recorder.
const STATUS: i32 = 7;

/// How often: `AUDIT_TEST_ROUNDS` for a part of the long form.
fn rounds(short: u32, whole: u32) -> u32 {
    let asked = std::env::var("AUDIT_TEST_ROUNDS").ok().and_then(|text| text.parse().ok());
    asked.unwrap_or(if long() { whole } else { short })
}

fn ticker(lab: &Lab, milliseconds: u32) -> Vec<OsString> {
    let ticker = lab.tester("ticker");
    vec![ticker.into(), milliseconds.to_string().into(), lab.nothing().into()]
}

fn boot_ns() -> u64 {
    let now = clock_gettime(ClockId::Boottime);
    let [sec, nsec] =
        [now.tv_sec, now.tv_nsec].map(|part| u64::try_from(part).expect("it is past 1970"));
    sec * 1_000_000_000 + nsec
}

/// Waits for a moment that nobody chose: the `round`th of a sequence that fills `most` evenly.
fn some_moment(round: u32, most: u64) {
    let part = (f64::from(round) * 0.618_033_988_749_895).fract();
    std::thread::sleep(Duration::from_micros((part * most as f64 * 1000.0) as u64));
}

/// Times at which the recorded programs were started.
fn ticks(lab: &Lab, run: &Recorded) -> Vec<u64> {
    let words = run
        .execs_of(&lab.nothing())
        .filter_map(|exec| exec.list("argv").get(1).map(ToString::to_string));
    words.map(|word| word.parse().expect("a time")).collect()
}

fn recorder_is_gone(lab: &Lab) {
    let supervisor = lab.program("audit-supervisor");
    wait::until_true("the recorder's end", || processes_running(&supervisor).is_empty());
}

/// What the ticker says at its end: when each program was started, and when it had ended.
fn told_times(line: &str) -> Vec<(u64, u64)> {
    let pair = |word: &str| {
        let (begun, ended) = word.split_once('-')?;
        Some((begun.parse().ok()?, ended.parse().ok()?))
    };
    line.split_whitespace().map(|word| pair(word).expect("two times")).collect()
}

/// Opens a run as a user would, and reads what that made.
fn opened(lab: &Lab, dir: &Path, status: ExitStatus) -> Recorded {
    let id = dir.file_name().and_then(|name| name.to_str()).expect("an id");
    lab.told(["view", id]);
    Recorded::read(dir, status, Vec::new(), Vec::new())
}

#[test]
fn a_recorder_killed_at_any_moment_leaves_a_readable_marked_record_and_the_command_its_status() {
    let lab = Lab::new();
    let (mut most, mut late) = (0, 0);
    let rounds = rounds(6, 1000);
    for round in 0..rounds {
        let mut running = lab.run(ticker(&lab, 300)).start_ungated();
        running.expect("ready");
        let dir = latest(&lab);
        let supervisor = running.supervisor();
        some_moment(round, 250);
        let before = boot_ns();
        kill_process(supervisor, Signal::KILL).expect("it is there");
        running.hang_up();
        let done = told_times(&running.line());
        let (status, errors) = ended(running);
        assert_eq!(status.code(), Some(STATUS), "round {round}: {errors}");
        let run = opened(&lab, &dir, status);
        assert_eq!(run.verdict(), "truncated", "round {round}: {:?}", run.reasons());
        // All that had ended before the kill, but for the last moment.
        let told: BTreeSet<u64> = ticks(&lab, &run).into_iter().collect();
        let missing = |(begun, ended): &&(u64, u64)| *ended < before && !told.contains(begun);
        let first = done.iter().find(missing).map_or(before, |(_, ended)| *ended);
        let lost_ms = (before - first) / 1_000_000;
        most = most.max(lost_ms);
        late += u32::from(lost_ms > 50);
        fs::remove_dir_all(&dir).expect("it is ours");
    }
    eprintln!(
        "{rounds} kills: 0 unreadable, {late} with more than 50 ms before them missing, at most {most} ms"
    );
}

#[test]
fn a_front_killed_at_any_moment_leaves_a_whole_record() {
    let lab = Lab::new();
    let rounds = rounds(4, 1000);
    for round in 0..rounds {
        let mut running = lab.run(ticker(&lab, 200)).start_ungated();
        running.expect("ready");
        let dir = latest(&lab);
        some_moment(round, 150);
        kill_process(running.front(), Signal::KILL).expect("it is there");
        let (status, _) = ended(running);
        recorder_is_gone(&lab);
        let run = opened(&lab, &dir, status);
        assert_sealed(&run, round);
        let end = run.end().number("code");
        assert_eq!(end, Some(STATUS.unsigned_abs().into()), "round {round}: {:?}", run.end());
        // How many there are is a matter of the machine's load.
        assert!(!ticks(&lab, &run).is_empty(), "round {round}");
        fs::remove_dir_all(&dir).expect("it is ours");
    }
    eprintln!("{rounds} kills of the front: {rounds} whole records");
}

/// Holds a record to be sealed and without a loss. What others mount meanwhile may not be markable.
fn assert_sealed(run: &Recorded, round: u32) {
    let mounts = ["access degraded: ", "names degraded: "];
    let others = |reason: &&str| mounts.iter().any(|mount| reason.starts_with(mount));
    let complete = run.verdict().starts_with("complete");
    let reasons = run.reasons();
    let only_others = run.verdict() == "partial" && reasons.iter().all(others);
    assert!(complete || only_others, "round {round}: {}: {reasons:?}", run.verdict());
    assert_eq!(run.losses(), [], "round {round}: lost events");
    run.assert_adds_up();
}

fn latest(lab: &Lab) -> PathBuf {
    lab.runs().pop().expect("a run goes on")
}

/// The end of `audit` and of the command, which may live on without it.
fn ended(running: Running<'_>) -> (ExitStatus, String) {
    running.end()
}

#[test]
fn a_disk_that_fills_at_any_point_leaves_a_readable_record_that_says_so() {
    let lab = Lab::new();
    let points = rounds(5, 100);
    let (mut refused, mut told, mut whole) = (0, 0, 0);
    for point in 0..points {
        let place = lab.root().join(format!("small-{point}"));
        // From too little for a beginning to enough for all: the reserve takes 1 MiB.
        let disk = Tmpfs::new(&place, 1_000 + point * 300 / points);
        let mut command = Command::new(lab.program("audit"));
        command.args(["run", "--summary", "always", "--"]).args(ticker(&lab, 250));
        command.env("AUDIT_HOME", place.join("home")).env_remove("CI").current_dir(lab.work());
        let out = command.output().expect("audit starts");
        recorder_is_gone(&lab);
        let said = String::from_utf8_lossy(&out.stderr).into_owned();
        let dirs: Vec<PathBuf> = fs::read_dir(place.join("home/runs"))
            .into_iter()
            .flatten()
            .filter_map(|entry| Some(entry.ok()?.path()))
            .collect();
        match (out.status.code(), dirs.as_slice()) {
            (Some(125), []) => {
                assert!(said.contains("cannot"), "point {point}: {said}");
                refused += 1;
            }
            (Some(STATUS), [dir]) => {
                grow(&place);
                let id = dir.file_name().and_then(|name| name.to_str()).expect("an id");
                let view = Command::new(lab.program("audit"))
                    .args(["view", id])
                    .env("AUDIT_HOME", place.join("home"))
                    .output()
                    .expect("audit starts");
                assert!(
                    view.status.success(),
                    "point {point}: {}",
                    String::from_utf8_lossy(&view.stderr)
                );
                let run = Recorded::read(dir, out.status, out.stdout, out.stderr);
                run.assert_adds_up();
                let lost: u64 = run
                    .losses()
                    .iter()
                    .filter(|loss| loss.cause == "disk")
                    .map(|loss| loss.count)
                    .sum();
                let marked = matches!(run.verdict(), "partial" | "truncated");
                assert!(lost == 0 || marked, "point {point}: {lost} lost, {}", run.verdict());
                *(if marked { &mut told } else { &mut whole }) += 1;
            }
            (code, dirs) => panic!("point {point}: {code:?}, {} runs: {said}", dirs.len()),
        }
        drop(disk);
    }
    eprintln!(
        "{points} points: {refused} clean refusals, {told} records that tell of it, {whole} whole"
    );
    assert_eq!(refused + told + whole, points);
    assert!(refused > 0, "no disk was too small");
}

/// Gives a small file system more room.
fn grow(place: &Path) {
    let status = Command::new("mount").args(["-o", "remount,size=64m"]).arg(place).status();
    assert!(status.expect("mount starts").success(), "a remount");
}

/// System calls of a start, and how many of each are made to fail one by one in the long form.
const CALLS: [(&str, u32); 24] = [
    ("openat", 30),
    ("mmap", 30),
    ("bpf", 120),
    ("read", 12),
    ("ioctl", 8),
    ("fcntl", 12),
    ("epoll_create1", 1),
    ("epoll_ctl", 14),
    ("fanotify_init", 4),
    ("fanotify_mark", 30),
    ("name_to_handle_at", 8),
    ("mkdirat", 2),
    ("mkdir", 2),
    ("statx", 8),
    ("statfs", 4),
    ("fstatfs", 8),
    ("recvmsg", 4),
    ("sendmsg", 2),
    ("signalfd4", 1),
    ("setsid", 1),
    ("fallocate", 1),
    ("flock", 1),
    ("pwrite64", 4),
    ("clone3", 3),
];

/// The short form: one of each kind of part.
const FEW: [(&str, u32); 9] = [
    ("bpf", 1),
    ("bpf", 60),
    ("fanotify_init", 2),
    ("fanotify_mark", 3),
    ("epoll_ctl", 4),
    ("pwrite64", 1),
    ("openat", 12),
    ("sendmsg", 1),
    ("sendmsg", 2),
];

/// What became of a start with a fault.
enum Start {
    Refused,
    Full,
    /// It says what is missing.
    Degraded,
}

#[test]
fn a_start_in_which_any_system_call_fails_is_a_clean_refusal_or_a_full_recording() {
    let lab = Lab::new();
    let real = lab.bin().join("real-supervisor");
    fs::rename(lab.program("audit-supervisor"), &real).expect("it is ours");
    let points: Vec<(&str, u32)> = match long() {
        true => CALLS.iter().flat_map(|(call, most)| (1..=*most).map(|at| (*call, at))).collect(),
        false => FEW.to_vec(),
    };
    // Of its own name, so that its cgroups are told from those of others.
    let touch = lab.bin().join(format!("touch-{}", std::process::id()));
    fs::copy("/usr/bin/touch", &touch).expect("room");
    let (mut refused, mut full, mut degraded) = (0, 0, 0);
    for (call, at) in &points {
        match start_with(&lab, (&real, &touch), call, *at) {
            Start::Refused => refused += 1,
            Start::Full => full += 1,
            Start::Degraded => degraded += 1,
        }
    }
    eprintln!(
        "{} failed calls: {refused} refusals, {full} full recordings, {degraded} that say what is missing",
        points.len()
    );
}

/// Records a command with a recorder whose `at`th `call` fails in each of its threads.
fn start_with(lab: &Lab, (real, touch): (&Path, &Path), call: &str, at: u32) -> Start {
    // The supervisor starts without an environment.
    let script = format!(
        "#!/bin/sh\nexec /usr/bin/strace -f --seccomp-bpf -o /dev/null -e trace={call} \
         -e inject={call}:error=ENOMEM:when={at} {}\n",
        real.display()
    );
    let wrapper = lab.bin().join("audit-supervisor");
    fs::write(&wrapper, script).expect("room");
    fs::set_permissions(&wrapper, Permissions::from_mode(0o755)).expect("it is ours");
    let before = lab.runs();
    let mark = lab.work().join("ran");
    let out = lab.audit().args(["run", "--"]).args([touch, &mark]).output().expect("audit starts");
    wait::until_true("the recorder's end", || processes_running(real).is_empty());
    let said = String::from_utf8_lossy(&out.stderr).into_owned();
    let new: Vec<PathBuf> = lab.runs().into_iter().filter(|dir| !before.contains(dir)).collect();
    let start = match (out.status.code(), mark.exists(), new.as_slice()) {
        (Some(125), false, _) => {
            assert!(said.starts_with("audit: "), "{call} {at}: {said}");
            let name = touch.file_name().and_then(OsStr::to_str).expect("a name");
            assert_eq!(xtests::leaves_named(name), Vec::<PathBuf>::new(), "{call} {at}");
            Start::Refused
        }
        (Some(0), true, [dir]) => {
            let run = opened(lab, dir, out.status);
            let created = run.at("create", &mark).count() + run.at("write", &mark).count();
            let complete = run.verdict().starts_with("complete");
            assert!(!complete || created > 0, "{call} {at}: complete without the file");
            assert!(complete || !run.reasons().is_empty(), "{call} {at}: {}", run.verdict());
            if complete { Start::Full } else { Start::Degraded }
        }
        other => panic!("{call} {at}: {other:?}: {said}"),
    };
    let _ = fs::remove_file(&mark);
    for dir in new {
        let id = dir.file_name().and_then(|name| name.to_str()).expect("an id").to_owned();
        for leaf in xtests::leaves(&id) {
            fs::remove_dir(leaf).expect("nobody is in it");
        }
        fs::remove_dir_all(&dir).expect("it is ours");
    }
    start
}

#[test]
fn runs_at_once_hold_no_event_of_each_other() {
    let lab = Lab::new();
    let runs = rounds(6, 100);
    let words: Vec<String> = (0..runs).map(|number| format!("only-in-{number}-")).collect();
    let nothing = lab.nothing();
    let script = "i=0; while [ $i -lt 20 ]; do \"$0\" \"$1\"; i=$((i+1)); done";
    let children: Vec<_> = words
        .iter()
        .map(|word| {
            let mut audit = lab.audit();
            audit.args([
                "run",
                "--name",
                word.trim_end_matches('-'),
                "--ring-kib",
                "256,64,256",
                "--",
                "sh",
                "-c",
                script,
            ]);
            audit.arg(&nothing).arg(word);
            (word, audit.spawn().expect("audit starts"))
        })
        .collect();
    let mut whole = 0;
    for (word, child) in children {
        let out = child.wait_with_output().expect("audit ends");
        assert!(out.status.success(), "{word}: {}", String::from_utf8_lossy(&out.stderr));
        let name = word.trim_end_matches('-');
        let is_its = |dir: &PathBuf| {
            let meta = fs::read_to_string(dir.join("meta.json")).unwrap_or_default();
            meta.contains(&format!("\"name\": \"{name}\""))
                || meta.contains(&format!("\"name\":\"{name}\""))
        };
        let dirs: Vec<PathBuf> = lab.runs().into_iter().filter(is_its).collect();
        let [dir] = dirs.as_slice() else { panic!("{name}: {} runs", dirs.len()) };
        let run = Recorded::read(dir, out.status, out.stdout, out.stderr);
        run.assert_adds_up();
        whole += u32::from(run.verdict().starts_with("complete"));
        let others = words.iter().filter(|other| *other != word);
        let foreign: Vec<_> = others.filter(|other| run.mentions(other)).collect();
        assert_eq!(foreign, Vec::<&String>::new(), "events of others in {name}");
        assert_eq!(
            run.execs_of(&nothing).count() as u64 + run.lost("process"),
            20,
            "{name}: {:?}",
            run.losses()
        );
    }
    eprintln!("{runs} runs at once: no event of another run in any, {whole} whole");
}
