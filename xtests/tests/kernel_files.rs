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

#[test]
fn terminals_are_told_by_the_kernels_own_path() {
    let lab = Lab::new();
    let run = record(&lab, "exec 3<>/dev/pts/ptmx 3>&-");
    assert_eq!(told(&run, "/dev/pts/ptmx"), ["write /dev/pts/ptmx x1"]);
}

/// Mounts a file system of the kernel in the run, and opens a file in it for reading.
fn check_mounted(kind: &str, prepare: &str, file: &str) {
    let lab = Lab::new();
    let script = format!(
        "mkdir it; mount -t {kind} none it || exit 77; {prepare}; set -- it/{file}
        [ -e \"$1\" ] || exit 78; exec 3<\"$1\" || exit 1; exec 3<&-; umount it; echo \"$1\""
    );
    let run = lab.run(["unshare", "-m", "bash", "-c", &script]).record();
    if run.status.code() == Some(77) {
        return not_run(kind, "this kernel does not mount it here");
    }
    if run.status.code() == Some(78) {
        return not_run(kind, "there is no such file in it here");
    }
    assert!(run.status.success(), "{kind}: {}", run.errors());
    let said = String::from_utf8_lossy(&run.stdout).trim().to_owned();
    let path = lab.work().join(said);
    let path = path.to_str().expect("plain");
    assert_eq!(told(&run, path).last(), Some(&format!("read {path} x1")), "{kind}");
}

#[test]
fn files_of_message_queues_and_of_the_kernels_own_trees_are_told() {
    check_mounted("mqueue", ": >it/queue", "queue");
    check_mounted("debugfs", ":", "devices_deferred");
    check_mounted("securityfs", ":", "lsm");
    check_mounted("pstore", ":", "*");
    check_mounted("configfs", ":", "*");
}
