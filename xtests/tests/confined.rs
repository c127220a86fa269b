//! The recorder that root starts gives up what it does not need before the command runs, as the installed
//! one does (docs/security.md, "Capabilities of an installed recorder").
#![forbid(unsafe_code)]

use std::{fs, path::Path};

use rustix::process::Pid;
use xtests::{Lab, processes_running};

/// `CAP_DAC_READ_SEARCH` and `CAP_SYS_ADMIN`, include/uapi/linux/capability.h.
const RECORDER: &str = "0000000000200004";
/// The same with `CAP_DAC_OVERRIDE` and `CAP_SYS_PTRACE`.
const KEEPER: &str = "0000000000280006";

/// A line of /proc/PID/status.
fn status(pid: Pid, name: &str) -> String {
    let path = format!("/proc/{}/status", pid.as_raw_pid());
    let text = fs::read_to_string(path).expect("it lives");
    let line = text.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(':'));
    line.unwrap_or_default().trim().to_owned()
}

#[test]
fn roots_recorder_has_two_capabilities_left_while_the_command_runs_and_is_shut_in() {
    let lab = Lab::new();
    let script =
        "echo ready; read go; unshare -m sh -c 'mount -t tmpfs none /mnt; echo x > /mnt/there'";
    let mut running = lab.run(["sh", "-c", script]).start_ungated();
    running.expect("ready");
    let recorder = running.supervisor();
    let all = processes_running(&lab.program("audit-supervisor"));
    let others: Vec<Pid> = all.into_iter().filter(|pid| *pid != recorder).collect();
    let [keeper] = others[..] else { panic!("one keeper: {others:?}") };
    for (pid, capabilities) in [(recorder, RECORDER), (keeper, KEEPER)] {
        assert_eq!(status(pid, "CapPrm"), capabilities);
        assert_eq!(status(pid, "CapEff"), capabilities);
        assert_eq!(status(pid, "CapInh"), "0000000000000000");
        assert_eq!(status(pid, "NoNewPrivs"), "1");
        assert_eq!(status(pid, "Seccomp"), "2", "a filter");
    }
    running.go();
    let run = running.record();
    assert!(run.status.success(), "{}", run.errors());
    assert_eq!(run.meta["trust"], "direct");
    // What came later was marked all the same, by the keeper.
    assert_eq!(run.at("write", Path::new("/mnt/there")).count(), 1, "{:?}", run.reasons());
    assert!(!run.mentions("not shut in"));
}
