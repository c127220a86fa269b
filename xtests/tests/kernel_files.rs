//! Files of the kernel, and of file systems that marks do not reach.
#![forbid(unsafe_code)]

use xtests::{Event, Lab, Recorded, not_run};

fn record(lab: &Lab, script: &str) -> Recorded {
    let run = lab.run(["bash", "-ec", script]).succeed();
    run.assert_whole();
    run
}

/// What is told of files below these directories: op, path, how often.
fn told(run: &Recorded, below: &str) -> Vec<String> {
    let events = run.of("file", "").filter(|event| event.text("path").starts_with(below));
    let words = |event: &Event| {
        assert_eq!(event.text("path_basis"), "kernel", "{event:?}");
        format!("{} {} x{}", event.op(), event.text("path"), event.count())
    };
    events.map(words).collect()
}

#[test]
fn reading_the_environment_of_another_process_is_told() {
    let lab = Lab::new();
    // Of this test, which is not of the run.
    let path = format!("/proc/{}/environ", std::process::id());
    let run = record(&lab, &format!("for n in 1 2; do exec 3<{path} 3<&-; done"));
    assert_eq!(told(&run, &path), [format!("read {path} x2")]);
}

#[test]
fn the_memory_of_a_process_is_told_by_its_own_path() {
    let lab = Lab::new();
    let run = record(&lab, "echo $$; exec 3</proc/self/mem 3<&-");
    let pid = String::from_utf8_lossy(&run.stdout).trim().to_owned();
    let path = format!("/proc/{pid}/mem");
    assert_eq!(told(&run, &path), [format!("read {path} x1")]);
}

#[test]
fn reads_of_sysfs_are_told() {
    let lab = Lab::new();
    let run = record(&lab, "exec 3</sys/kernel/uevent_seqnum 3<&-");
    assert_eq!(told(&run, "/sys/kernel/uevent_seqnum"), ["read /sys/kernel/uevent_seqnum x1"]);
}

#[test]
fn writes_to_proc_are_told_once() {
    let lab = Lab::new();
    let run = record(&lab, "echo other >/proc/self/comm");
    let comm = run.of("file", "").filter(|event| event.text("path").ends_with("/comm"));
    let ops: Vec<&str> = comm.map(Event::op).collect();
    assert_eq!(ops, ["write"]);
}

#[test]
fn terminals_and_files_of_tracefs_are_told() {
    let lab = Lab::new();
    let trace = "/sys/kernel/tracing/available_tracers";
    if std::fs::File::open(trace).is_err() {
        not_run("tracefs", "it is not mounted here");
        return;
    }
    let run = record(&lab, &format!("exec 3<{trace} 3<&-"));
    assert_eq!(told(&run, trace), [format!("read {trace} x1")]);
}
