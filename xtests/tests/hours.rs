//! A run of hours in a short time: the same work again and again. Segments follow each other, the index
//! grows with the events, and neither recorder nor front grows with them.
#![forbid(unsafe_code)]

use std::{fs, path::Path};

use rustix::process::Pid;
use xtests::Lab;

/// Programs started in each round.
const ROUND: usize = 400;

/// Resident memory of a process, KiB.
fn resident(pid: Pid) -> u64 {
    let status =
        fs::read_to_string(format!("/proc/{}/status", pid.as_raw_pid())).expect("it is there");
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).expect("it has memory");
    line.trim().trim_end_matches(" kB").parse().expect("a number")
}

/// Whether memory stays as it was after the first rounds, when caches had filled, but for a part and
/// what an allocator keeps.
fn is_flat(at: &[u64]) -> bool {
    let settled = at.get(at.len() / 2).copied().unwrap_or(0);
    at.last().is_some_and(|last| *last <= settled + settled / 5 + 2048)
}

fn segments(dir: &Path) -> usize {
    let listed = fs::read_dir(dir.join("segments")).expect("a run has them").flatten();
    listed.filter(|entry| entry.path().extension().is_some_and(|end| end == "seg")).count()
}

#[test]
fn a_run_of_hours_fills_segment_after_segment_and_no_memory() {
    let lab = Lab::new();
    let rounds = if xtests::long() { 120 } else { 12 };
    let script = "i=0; while [ $i -lt \"$3\" ]; do \"$1\" \"$4\" \"$2\"; echo round; read -r go; i=$((i+1)); done";
    let spawner = lab.program("spawner").display().to_string();
    let nothing = lab.nothing().display().to_string();
    let (times, each) = (rounds.to_string(), ROUND.to_string());
    let words = ["sh", "-c", script, "sh", &spawner, &nothing, &times, &each];
    let mut running = lab.run(words).with(["--segment-mib", "1"]).start_ungated();
    let front = running.front();
    let (mut of_recorder, mut of_front) = (Vec::new(), Vec::new());
    for _ in 0..rounds {
        running.expect("round");
        of_recorder.push(resident(running.supervisor()));
        of_front.push(resident(front));
        running.go();
    }
    let run = running.record();
    assert!(run.status.success(), "{}", run.errors());
    run.assert_whole();
    assert_eq!(run.execs_of(&lab.nothing()).count(), rounds * ROUND);
    let segments = segments(&run.dir);
    // Packed, 12,000 programs are less than one of a MiB: only the long form, of 48,000, fills several.
    assert!(!xtests::long() || segments > 1, "{segments} segments of a MiB");
    assert!(is_flat(&of_recorder), "KiB of the recorder: {of_recorder:?}");
    assert!(is_flat(&of_front), "KiB of the front: {of_front:?}");
    let size = |name: &str| fs::metadata(run.dir.join(name)).map_or(0, |meta| meta.len() >> 10);
    eprintln!(
        "{rounds} rounds, {} events, {segments} segments, index {} KiB; KiB of the recorder {:?} .. {:?}, of the front {:?} .. {:?}",
        run.events.len(),
        size("index.sqlite"),
        of_recorder.get(rounds / 2),
        of_recorder.last(),
        of_front.get(rounds / 2),
        of_front.last()
    );
}
