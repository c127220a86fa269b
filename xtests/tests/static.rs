//! The recorder of a release, linked to no library (scripts/static.sh), records like the other one. It is
//! built by the long form; the short one takes it where it was built.
#![forbid(unsafe_code)]

use std::{
    fs,
    path::{Path, PathBuf},
    process::{Command, Stdio},
};

use xtests::{Lab, Recorded};

/// `PT_INTERP`, elf(5): the program wants a loader.
const INTERP: u32 = 3;

fn repository() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("the crate is in the repository")
}

/// Where the script puts it.
fn place() -> PathBuf {
    let target = std::env::var_os("CARGO_TARGET_DIR").map(PathBuf::from);
    let target = target.unwrap_or_else(|| repository().join("target"));
    let triple = format!("{}-unknown-linux-musl", std::env::consts::ARCH);
    target.join("static").join(triple).join("release/audit-supervisor")
}

/// The types of the program headers of a 64-bit ELF file.
fn headers(program: &[u8]) -> Vec<u32> {
    let word = |at: usize| u32::from_le_bytes(program[at..at + 4].try_into().expect("four"));
    let half = |at: usize| usize::from(u16::from_le_bytes([program[at], program[at + 1]]));
    assert_eq!(&program[..5], b"\x7fELF\x02");
    let (first, size, count) = (word(32) as usize, half(54), half(56));
    (0..count).map(|number| word(first + number * size)).collect()
}

#[test]
fn the_recorder_of_a_release_needs_no_library_and_records() {
    if xtests::long() {
        let made = Command::new(repository().join("scripts/static.sh")).output().expect("a shell");
        assert!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));
    }
    let Ok(recorder) = fs::read(place()) else {
        return xtests::not_run("a static recorder", "scripts/static.sh has not made one");
    };
    assert!(!headers(&recorder).contains(&INTERP), "it wants a loader");
    let lab = Lab::new();
    let ours = lab.program("audit-supervisor");
    fs::remove_file(&ours).expect("ours");
    fs::copy(place(), &ours).expect("room");
    let made = lab.work().join("made");
    let script = "echo x > \"$0\"; cat \"$0\"; exec sh -c 'exit 3'";
    let run: Recorded = lab.run(["sh", "-c", script, made.to_str().expect("UTF-8")]).record();
    assert_eq!((run.status.code(), run.stdout.as_slice()), (Some(3), &b"x\n"[..]));
    run.assert_whole();
    assert_eq!(run.at("write", &made).count(), 1);
    assert_eq!(run.number_of("exec", ""), 3);
    lab.told(["verify", run.id()]);
}

#[test]
fn with_no_descriptor_to_spare_it_says_no_by_itself() {
    let Some(recorder) = place().exists().then(place) else {
        return xtests::not_run("a static recorder", "scripts/static.sh has not made one");
    };
    // The loader of the other one ends before its first line: status 127.
    let line = format!("ulimit -n 3; exec {}", recorder.display());
    let output =
        Command::new("sh").arg("-c").arg(line).stdin(Stdio::null()).output().expect("a shell");
    assert_eq!(output.status.code(), Some(1), "{}", String::from_utf8_lossy(&output.stderr));
}
