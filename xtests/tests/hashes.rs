//! `audit run --hash`: what executed and written files held, each hash with what it is worth.
#![forbid(unsafe_code)]

use std::path::Path;

use xtests::{Event, Lab, Recorded};

fn record(lab: &Lab, script: &str) -> Recorded {
    let run = lab.run(["bash", "-ec", script]).with(["--hash"]).succeed();
    run.assert_whole();
    run
}

/// The hash events of a file.
fn of<'a>(run: &'a Recorded, op: &'a str, path: &Path) -> Vec<&'a Event> {
    run.of("hash", op).filter(|event| Path::new(event.text("path")) == path).collect()
}

/// The two test vectors of BLAKE3 that the suite relies on; others are compared with each other.
const OF_NOTHING: &str = "af1349b9f5f9a1a6a0404dea36dcc9499bcb25c9adc112b7cc9a93cae41f3262";
const OF_ABC: &str = "6437b3ac38465133ffb63b75273a8db548c558465d79db03fd359c6cd5bd9d85";

#[test]
fn nothing_is_hashed_unless_it_is_asked_for() {
    let lab = Lab::new();
    let run = lab.run(["bash", "-ec", "echo hello >a"]).succeed();
    assert_eq!(run.number_of("hash", ""), 0);
}

#[test]
fn a_written_file_has_the_hash_of_what_it_held_when_it_was_closed() {
    let lab = Lab::new();
    let run = record(&lab, "printf abc >a; : >empty");
    for (name, hash, size) in [("a", OF_ABC, 3), ("empty", OF_NOTHING, 0)] {
        let path = lab.work().join(name);
        let told = of(&run, "write", &path);
        assert_eq!(told.len(), 1, "{told:?}");
        assert_eq!(told[0].text("blake3"), hash, "{told:?}");
        assert_eq!((told[0].text("hash_basis"), told[0].number("size")), ("close", Some(size)));
        let inode = run.at("write", &path).next().and_then(|event| event.number("ino"));
        assert_eq!(told[0].number("ino"), inode, "it is the file of the event");
    }
}

#[test]
fn an_executed_program_has_the_hash_of_what_ran() {
    let lab = Lab::new();
    let (source, program) = (lab.tester("stay"), lab.work().join("program"));
    let script = format!("cp {} program; ./program; ./program", source.display());
    let run = record(&lab, &script);
    let (ran, copied) = (of(&run, "exec", &program), of(&run, "write", &program));
    assert_eq!((ran.len(), copied.len()), (1, 1), "each version is told once: {ran:?} {copied:?}");
    assert_eq!(ran[0].text("blake3").len(), 64, "{ran:?}");
    assert_eq!(ran[0].text("blake3"), copied[0].text("blake3"));
    assert_eq!(ran[0].text("hash_basis"), "running");
    let exec = run.execs_of(&program).next().expect("it ran");
    assert_eq!(ran[0].number("ino"), exec.number("exe_ino"));
    assert_eq!(ran[0].number("pid"), exec.number("pid"));
}

#[test]
fn of_a_file_that_is_rewritten_only_what_it_really_held_is_told() {
    let lab = Lab::new();
    let script = "for i in $(seq 200); do echo $i >v$i; done; : >v0
        for i in $(seq 200); do echo $i >often; done";
    let run = record(&lab, script);
    let of_version = |number: u32| {
        let told = of(&run, "write", &lab.work().join(format!("v{number}")));
        told.first().map(|event| event.text("blake3").to_owned()).expect("each has a hash")
    };
    let held: Vec<String> = (0..=200).map(of_version).collect();
    let told = of(&run, "write", &lab.work().join("often"));
    let hashes: Vec<&str> =
        told.iter().map(|e| e.text("blake3")).filter(|h| !h.is_empty()).collect();
    assert!(!hashes.is_empty() && hashes.len() < 100, "at most two a window: {}", hashes.len());
    assert!(hashes.iter().all(|hash| held.iter().any(|held| held == hash)), "{told:?}");
    assert_eq!(hashes.last().copied(), Some(held[200].as_str()), "what it held last");
}

#[test]
fn a_file_that_is_too_large_is_told_as_not_hashed() {
    let lab = Lab::new();
    let run = record(&lab, "truncate -s 257M large");
    let told: Vec<_> =
        run.of("hash", "write").filter(|e| !e.text("hash_missing").is_empty()).collect();
    assert_eq!(told.len(), 1, "{told:?}");
    assert_eq!(told[0].text("hash_missing"), "too_large");
    assert_eq!(told[0].number("size"), Some(257 << 20));
    assert_eq!(told[0].text("blake3"), "");
}

#[test]
fn a_file_that_is_removed_at_once_has_its_hash_or_is_told_as_gone_or_changing() {
    let lab = Lab::new();
    let run = record(&lab, "for i in $(seq 50); do printf abc >gone; rm gone; done; sleep 0.1");
    let told: Vec<_> = run.of("hash", "write").collect();
    let writes = run.at("write", &lab.work().join("gone")).count();
    assert!(writes >= 1, "{writes}");
    assert_eq!(told.len(), 50, "each file, by its inode or not: {told:?}");
    for event in told {
        // The removal changes the inode, whose bytes may be read at that moment.
        let missing = ["gone", "changing"].contains(&event.text("hash_missing"));
        assert!(event.text("blake3") == OF_ABC || missing, "{event:?}");
    }
}

#[test]
fn a_script_has_the_hash_of_what_was_opened_to_be_executed() {
    let lab = Lab::new();
    // An interpreter that lives long enough to be hashed while it runs.
    let stay = lab.tester("stay");
    let line =
        format!("printf '#!{}\\n' >script; chmod +x script; ./script; ./script", stay.display());
    let run = record(&lab, &line);
    let script = lab.work().join("script");
    let line_len = stay.as_os_str().len() as u64 + 3;
    let (ran, written) = (of(&run, "exec", &script), of(&run, "write", &script));
    assert_eq!(
        (ran.len(), written.len()),
        (1, 1),
        "each version is told once: {ran:?} {written:?}"
    );
    assert_eq!(ran[0].text("blake3").len(), 64, "{ran:?}");
    assert_eq!(ran[0].text("blake3"), written[0].text("blake3"));
    assert_eq!((ran[0].text("hash_basis"), ran[0].number("size")), ("opened", Some(line_len)));
    let ran = of(&run, "exec", &stay);
    assert_eq!(ran.len(), 1, "{ran:?}");
    assert_eq!(ran[0].text("hash_basis"), "running");
}
