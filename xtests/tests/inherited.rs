//! Files that were open before the run: `audit run CMD >FILE` and what else a caller hands over.
#![forbid(unsafe_code)]

use std::{fs, io::Write, path::Path, process::Command};

use xtests::{Event, Lab, Recorded, Run, not_run};

/// A run whose front, and so whose command, the shell gives these redirections.
fn redirected<'lab>(lab: &'lab Lab, redirections: &str, command: &[&str]) -> Run<'lab> {
    let mut run = lab.run(command);
    let audit = lab.program("audit");
    let mut process = Command::new("sh");
    process.args(["-c", &format!("exec \"$0\" \"$@\" {redirections}")]).arg(audit);
    process.env("AUDIT_HOME", lab.home()).env_remove("CI").env_remove("AUDIT_RUN_ID");
    process.current_dir(lab.work()).stdout(std::process::Stdio::piped());
    run.process = process;
    run
}

fn name_of(path: &[u8]) -> String {
    String::from_utf8_lossy(path.rsplit(|byte| *byte == b'/').next().unwrap_or(path)).into_owned()
}

/// What is told of files from before the run: `PROGRAM OP NAME: BYTES, SIZE to SIZE`, sorted.
fn told(run: &Recorded) -> Vec<String> {
    told_where(run, |_| true)
}

fn told_where(run: &Recorded, of_interest: impl Fn(&Event) -> bool) -> Vec<String> {
    let words = |event: &Event| {
        let number = |name| event.number(name).map_or("?".to_owned(), |number| number.to_string());
        let path = event.bytes("path").unwrap_or_default();
        let mut words = format!(
            "{} {} {}: {}",
            name_of(&event.bytes("exe").unwrap_or_default()),
            event.op(),
            name_of(&path),
            number("bytes")
        );
        if event.op() == "write" {
            words += &format!(", {} to {}", number("size_before"), number("size_after"));
        }
        words
    };
    let inherited = |event: &&Event| event.flag("inherited") && of_interest(event);
    let mut told: Vec<_> = run.of("file", "").filter(inherited).map(words).collect();
    told.sort();
    told
}

#[test]
fn what_the_callers_shell_redirects_is_told_by_who_used_it() {
    let lab = Lab::new();
    fs::write(lab.work().join("in"), "seed\n").expect("room");
    fs::write(lab.work().join("appended"), "abc").expect("room");
    let script = "cat; echo more; echo wrong >&2; dd if=/dev/zero bs=10 count=2 2>/dev/null >&9";
    let redirections = "<in >out 2>err 9>>appended";
    let run = redirected(&lab, redirections, &["sh", "-c", script]).succeed();
    run.assert_adds_up();
    let expected = [
        "cat read in: 5",
        "cat write out: 5, 0 to 5",
        "dash write err: 6, 0 to 6",
        "dash write out: 5, 0 to 10",
        "dd write appended: 20, 3 to 23",
    ];
    assert_eq!(told(&run), expected);
    assert_eq!(fs::read(lab.work().join("out")).expect("it is there"), b"seed\nmore\n");
    // Whole paths, of the same files as anybody sees.
    for event in run.of("file", "").filter(|event| event.flag("inherited")) {
        let path = event.bytes("path").expect("a path");
        let path = String::from_utf8(path).expect("plain");
        assert_eq!(Path::new(&path).parent(), Some(lab.work().as_path()));
        use std::os::unix::fs::MetadataExt;
        assert_eq!(event.number("ino"), Some(fs::metadata(&path).expect("it is there").ino()));
    }
}

#[test]
fn both_ends_of_a_pipeline_within_a_run_write_to_the_callers_files() {
    let lab = Lab::new();
    let script = "seq 1 100 | tee /dev/fd/9 | wc -c";
    let run = redirected(&lab, ">out 9>copy", &["bash", "-c", script]).succeed();
    // tee opens /dev/fd/9 anew: that one is closed, and told as any file.
    assert_eq!(told(&run), ["wc write out: 4, 0 to 4"]);
    assert_eq!(run.at("write", &lab.work().join("copy")).count(), 1);
    let run = redirected(&lab, ">out 2>&1", &["sh", "-c", "seq 1 100 >&2 | cat"]).succeed();
    assert_eq!(told(&run), ["seq write out: 292, 0 to 292"]);
}

#[test]
fn what_others_write_meanwhile_is_not_in_the_bytes_of_the_run() {
    let lab = Lab::new();
    let script = "echo one >&9; echo ready; read go; echo two >&9";
    let mut run = redirected(&lab, "9>>shared", &["sh", "-c", script]).start_ungated();
    run.expect("ready");
    let mut outside =
        fs::File::options().append(true).open(lab.work().join("shared")).expect("it is there");
    outside.write_all(b"outside\n").expect("room");
    run.go();
    let run = run.record();
    assert_eq!(told(&run), ["dash write shared: 8, 0 to 16"]);
}

#[test]
fn a_file_that_is_handed_over_and_not_used_is_not_told() {
    let lab = Lab::new();
    fs::write(lab.work().join("in"), "seed\n").expect("room");
    let run = redirected(&lab, "<in >out 9>>log", &["sh", "-c", "exit 0"]).succeed();
    assert_eq!(told(&run), Vec::<String>::new());
    run.assert_whole();
}

/// Ways to use descriptors 8 and 9, and what is told of each.
const WAYS: [(&str, &[&str]); 21] = [
    ("write", &["handed write to: 3"]),
    ("twice", &["handed write to: 5"]),
    ("dup", &["handed write to: 3"]),
    ("pwrite", &["handed write to: 3"]),
    ("writev", &["handed write to: 5"]),
    ("pwritev", &["handed write to: 5"]),
    ("pwritev2", &["handed write to: 5"]),
    ("write32", &["handed write to: 3"]),
    ("sendfile", &["handed read from: 4", "handed write to: 4"]),
    ("splice", &["handed read from: 4", "handed write to: 4"]),
    ("copy", &["handed read from: 4", "handed write to: 4"]),
    ("ftruncate", &["handed write to: 0"]),
    ("fallocate", &["handed write to: 0"]),
    ("store", &["handed read to: 0", "handed write to: 0"]),
    ("load", &["handed read from: 0"]),
    ("read", &["handed read from: 2"]),
    ("pread", &["handed read from: 2"]),
    ("readv", &["handed read from: 5"]),
    ("preadv", &["handed read from: 5"]),
    ("preadv2", &["handed read from: 5"]),
    ("nothing", &[]),
];

#[test]
fn each_call_that_reads_or_writes_is_counted_to_the_byte() {
    let lab = Lab::new();
    for file in ["from", "to"] {
        fs::write(lab.work().join(file), "0123456789abcdef0123").expect("room");
    }
    let tester = lab.tester("handed");
    let ways: Vec<&str> = WAYS.iter().map(|(way, _)| *way).collect();
    let script = format!("for way in {}; do \"$0\" $way || echo $way $?; done", ways.join(" "));
    let command = ["sh", "-c", &script, tester.to_str().expect("plain")];
    let run = redirected(&lab, "8<from 9<>to", &command).succeed();
    let failed = String::from_utf8_lossy(&run.stdout).into_owned();
    assert!(["", "write32 38\n"].contains(&failed.as_str()), "{failed}");
    for (way, expected) in WAYS {
        if failed.starts_with(way) && way == "write32" {
            not_run("32-bit calls", "this machine or kernel has none");
            continue;
        }
        let mine = run.execs_of(&tester).find(|exec| exec.list("argv").last() == Some(&way));
        let pid = mine.and_then(|exec| exec.number("pid"));
        assert!(pid.is_some(), "{way}");
        let mine = |event: &Event| event.number("pid") == pid;
        let told = told_where(&run, mine);
        let told: Vec<_> = told.iter().filter_map(|line| line.split(',').next()).collect();
        assert_eq!(told, expected, "{way}");
        let mapped = ["store", "load"].contains(&way);
        let mut flags = run.of("file", "").filter(|event| event.flag("inherited") && mine(event));
        assert!(flags.all(|event| event.flag("mapped") == mapped), "{way}");
    }
}

#[test]
fn a_run_without_exact_counts_tells_them_too() {
    let lab = Lab::new();
    let run = redirected(&lab, ">out", &["echo", "hi"]).with(["--no-open-counts"]).succeed();
    assert_eq!(told(&run), ["echo write out: 3, 0 to 3"]);
    let run = redirected(&lab, ">out", &["echo", "hi"]).with(["--no-files"]).succeed();
    assert_eq!(told(&run), Vec::<String>::new());
}
