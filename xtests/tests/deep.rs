//! Paths longer than any call takes: the record has them whole, or says how they are cut, and the pages
//! stay as wide as the screen.
#![forbid(unsafe_code)]

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
