//! Paths longer than any call takes: the record has them whole, or says how they are cut, and the pages
//! stay as wide as the screen.
#![forbid(unsafe_code)]

use std::process::Command;

use xtests::Lab;

/// Levels of 255 bytes each: beyond `PATH_MAX`, and beyond 64 KiB.
const LEVELS: [usize; 2] = [20, 260];

#[test]
fn what_is_done_at_the_end_of_a_path_that_no_call_takes_has_it_whole() {
    for levels in LEVELS {
        let lab = Lab::new();
        let (exe, nothing) = (lab.tester("deep"), lab.nothing());
        let count = levels.to_string();
        let run = lab.run([exe.as_os_str(), count.as_ref(), nothing.as_ref()]).succeed();
        run.assert_whole();
        let mut dir = lab.work();
        for _ in 0..levels {
            dir.push("d".repeat(255));
        }
        let (old, new) = (dir.join("o".repeat(255)), dir.join("n".repeat(255)));
        for (op, path) in [("create", &old), ("write", &old), ("rename", &old), ("delete", &new)] {
            assert_eq!(run.at(op, path).count(), 1, "{op} at {levels}");
        }
        let rename = run.at("rename", &old).next().and_then(|event| event.bytes("path2"));
        assert_eq!(rename.as_deref(), Some(new.as_os_str().as_encoded_bytes()));
        assert_eq!(run.at("create", &dir).count(), 1);
        assert_eq!(run.at("delete", &dir).count(), 1);
        assert_eq!(run.at("exec", &dir.join("program")).count(), 1);
        let exec = run.of("exec", "").find(|event| event.text("exe").ends_with("/program"));
        assert!(exec.is_some_and(|event| event.flag("exe_cut")), "{exec:?}");
        let missing = run.of("file", "").filter(|event| !event.text("path_missing").is_empty());
        assert_eq!(missing.count(), 0);
        check_pages(&lab, run.id());
    }
}

#[test]
fn below_a_directory_of_before_with_such_a_path_events_say_that_it_is_too_long() {
    let lab = Lab::new();
    let (exe, nothing) = (lab.tester("deep"), lab.nothing());
    let words = |how: &str| {
        [exe.as_os_str(), "20".as_ref(), nothing.as_ref(), "255".as_ref(), how.as_ref()]
            .map(std::ffi::OsStr::to_owned)
    };
    let [program, rest @ ..] = words("make");
    let made = Command::new(program).args(rest).current_dir(lab.work()).status();
    assert!(made.expect("it starts").success());
    let run = lab.run(words("use")).succeed();
    let missing: Vec<_> =
        run.of("file", "").filter(|e| e.text("path_missing") == "too_long").collect();
    let ops = |op: &str| missing.iter().filter(|event| event.op() == op).count();
    // The file, and the link by which the program is executed.
    assert_eq!((ops("create"), ops("delete")), (2, 2), "{missing:?}");
    assert_eq!((ops("write"), ops("rename")), (1, 1), "{missing:?}");
}

#[test]
fn beyond_4096_levels_events_say_that_it_is_too_long() {
    let lab = Lab::new();
    let (exe, nothing) = (lab.tester("deep"), lab.nothing());
    let words = [exe.as_os_str(), "4200".as_ref(), nothing.as_ref(), "1".as_ref()];
    let run = lab.run(words).succeed();
    let of = |op: &str, missing: &str| {
        let like = |e: &&xtests::Event| e.op() == op && e.text("path_missing") == missing;
        run.of("file", op).filter(like).count()
    };
    assert!(of("create", "too_long") > 100 && of("delete", "too_long") > 100, "those below");
    assert!(of("create", "") > 4000 && of("delete", "") > 4000, "those above are told in full");
    assert_eq!(of("rename", "too_long"), 1);
    let ends = |op: &str| run.of("file", op).count();
    assert_eq!(ends("create"), 4200 + 2, "each directory, the file and the link");
    assert_eq!(ends("delete"), 4200 + 2);
}

/// No line is wider than the screen.
fn check_pages(lab: &Lab, id: &str) {
    for words in [&["view", id][..], &["query", id, "--all"]] {
        let output = lab.audit().args(words).env("COLUMNS", "80").output().expect("audit starts");
        assert!(output.status.success(), "{words:?}");
        let page = String::from_utf8(output.stdout).expect("pages are UTF-8");
        let widest = page.lines().map(|line| line.chars().count()).max().unwrap_or(0);
        assert!(widest <= 80, "{words:?}: {widest} columns");
        assert!(page.contains('…'), "{words:?} says that it is cut: {page}");
    }
}
