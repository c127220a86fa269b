//! Every way to open, change, name and rename a file: the record has it by its path, by the process
//! that did it, as often as it was done (docs/coverage.md).
#![forbid(unsafe_code)]

use std::{
    fs::{self, Permissions},
    os::unix::fs::PermissionsExt,
    path::{Path, PathBuf},
};

use xtests::{Lab, Recorded, not_run};

/// As root in the shared mount namespace, and as an ordinary user in one of its own.
const USERS: [&[&str]; 2] = [&["--mount-ns", "off"], &["--user", "4242"]];

/// A directory for one run, with these files in it, each with eight bytes, open to everybody.
fn place(lab: &Lab, name: &str, files: &[&str]) -> PathBuf {
    let dir = lab.work().join(name);
    fs::create_dir(&dir).expect("a new directory");
    fs::set_permissions(&dir, Permissions::from_mode(0o777)).expect("ours");
    for file in files {
        fs::write(dir.join(file), "12345678").expect("room");
        fs::set_permissions(dir.join(file), Permissions::from_mode(0o666)).expect("ours");
    }
    dir
}

/// Records a script of bash in `dir`.
fn record(lab: &Lab, options: &[&str], dir: &Path, script: &str) -> Recorded {
    let mut run = lab.run(["bash", "-ec", script]).with(options);
    run.process.current_dir(dir);
    run.succeed()
}

/// Holds `tester WAY NAME` for each way to what it says the record tells.
fn check(tester: &str, files: &[&str], ways: &[(&str, &[&str])]) {
    let lab = Lab::new();
    let exe = lab.tester(tester);
    for (number, options) in USERS.into_iter().enumerate() {
        for (index, (words, expected)) in ways.iter().enumerate() {
            let dir = place(&lab, &format!("{number}-{index}"), files);
            let run = record(&lab, options, &dir, &format!("{} {words}", exe.display()));
            assert_eq!(run.told_of(&exe, &dir), *expected, "{words} {options:?}");
            run.assert_whole();
        }
    }
}

#[test]
fn every_open_that_makes_a_file_is_told_once_as_made_and_once_as_written() {
    let told: &[&str] = &["create f x1", "write f x1"];
    check(
        "opens",
        &[],
        &[
            ("open f", told),
            ("old-open f", told),
            ("creat f", told),
            ("openat2-root f", told),
            ("openat2-beneath f", told),
        ],
    );
}

#[test]
fn calls_by_the_32_bit_numbers_are_told_as_others_are() {
    let lab = Lab::new();
    let exe = lab.tester("opens");
    let dir = place(&lab, "try", &[]);
    let tried = std::process::Command::new(&exe).args(["open-32", "f"]).current_dir(&dir).status();
    if tried.expect("the tester starts").code() == Some(38) {
        return not_run("32-bit calls", "this kernel has no 32-bit system calls");
    }
    drop(lab);
    let told: &[&str] = &["create f x1", "write f x1"];
    check("opens", &[], &[("open-32 f", told), ("creat-32 f", told), ("openat-32 f", told)]);
}

#[test]
fn a_file_opened_by_its_handle_is_told_by_its_path() {
    let lab = Lab::new();
    let exe = lab.tester("opens");
    let dir = place(&lab, "handle", &["f"]);
    let script = format!("{0} handle-write f; {0} handle-read f", exe.display());
    // The right to do so is root's.
    let run = record(&lab, &[], &dir, &script);
    assert_eq!(run.told_of(&exe, &dir), ["open f x1", "open f x1"]);
    run.assert_whole();
}

#[test]
fn names_are_told_as_they_are_made_moved_and_removed() {
    check(
        "names",
        &["a", "b"],
        &[
            ("rename a c", &["rename a -> c"]),
            ("rename a b", &["rename a -> b"]),
            ("noreplace a c", &["rename a -> c"]),
            ("exchange a b", &["rename a -> b", "rename b -> a"]),
            ("link a c", &["create c x1"]),
            ("symlink a c", &["create c x1"]),
            ("unlink a", &["delete a x1"]),
            ("mkdir d", &["create d x1"]),
            ("mkfifo p", &["create p x1"]),
            ("mknod r", &["create r x1"]),
        ],
    );
}

#[test]
fn names_that_only_root_makes_are_told() {
    let lab = Lab::new();
    let exe = lab.tester("names");
    let dir = place(&lab, "root", &["a", "b"]);
    let ways = ["device n", "whiteout a c", "mkdir d", "rmdir d"];
    let script: String = ways.iter().map(|way| format!("{} {way}\n", exe.display())).collect();
    let run = record(&lab, &[], &dir, &script);
    let told = ["create d x1", "create n x1", "delete d x1", "rename a -> c"];
    assert_eq!(run.told_of(&exe, &dir), told);
    run.assert_whole();
}

#[test]
fn each_change_of_attributes_is_told() {
    let lab = Lab::new();
    let exe = lab.tester("names");
    for (number, options) in USERS.into_iter().enumerate() {
        let dir = place(&lab, &format!("{number}"), &[]);
        let mut ways = vec!["chmod f", "utimensat f", "setxattr f", "removexattr f"];
        if number == 0 {
            ways.push("chown f");
        }
        let script: String = ways.iter().map(|way| format!("{} {way}\n", exe.display())).collect();
        let run = record(&lab, options, &dir, &format!("echo x >f\n{script}"));
        assert_eq!(run.told_of(&exe, &dir), vec!["attrib f x1"; ways.len()], "{options:?}");
        run.assert_whole();
    }
}

#[test]
fn every_change_of_contents_is_told_as_a_write_of_its_file() {
    let both: &[&str] = &["read from x1", "write to x1"];
    let one: &[&str] = &["write to x1"];
    check(
        "content",
        &["from", "to"],
        &[
            ("ftruncate from to", one),
            ("fallocate from to", one),
            ("mmap from to", one),
            ("mmap-exit from to", one),
            ("vmsplice from to", one),
            ("copy_file_range from to", both),
            ("sendfile from to", both),
            ("splice from to", both),
        ],
    );
}

#[test]
fn a_descriptor_that_was_passed_is_told_of_the_process_that_wrote_last() {
    check(
        "descriptors",
        &["old"],
        &[
            ("passed new", &["create new x1", "write new x1"]),
            ("dropped new", &["create new x1", "write new x1"]),
            ("again old", &["open old x1", "write old x1"]),
        ],
    );
}

#[test]
fn a_file_made_without_a_name_is_told_with_the_name_that_it_got() {
    let lab = Lab::new();
    let exe = lab.tester("opens");
    for (number, options) in USERS.into_iter().enumerate() {
        let dir = place(&lab, &format!("{number}"), &[]);
        let run = record(&lab, options, &dir, &format!("{} tmpfile f", exe.display()));
        assert_eq!(run.at("create", &dir.join("f")).count(), 1, "{options:?}");
        let write = run.of("file", "write").find(|event| event.text("path_basis") == "nameless");
        let write = write.expect("a write");
        let stand_in = format!("#{}", write.number("ino").expect("it has an inode"));
        assert_eq!(Path::new(write.text("path")), dir.join(stand_in));
        assert_eq!(write.list("also"), [dir.join("f").to_str().expect("text")]);
        run.assert_whole();
    }
}

#[test]
fn a_descriptor_that_nobody_takes_is_told_from_its_open() {
    let lab = Lab::new();
    let exe = lab.tester("descriptors");
    let dir = place(&lab, "collected", &[]);
    let run = record(&lab, USERS[0], &dir, &format!("{} collected f", exe.display()));
    assert_eq!(run.told_of(&exe, &dir), ["create f x1", "write f x1"]);
    let write = run.at("write", &dir.join("f")).next().expect("one");
    assert!(write.flag("open_only"), "{write:?}");
    assert_eq!(write.text("path_basis"), "inode", "{write:?}");
}

#[test]
fn a_thousand_names_rewritten_while_the_call_runs_are_told_as_what_was_opened() {
    for (way, op) in
        [("open", "write"), ("creat", "create"), ("rename", "rename"), ("unlink", "delete")]
    {
        check_flips(way, op);
    }
}

/// The calls by name are the ones that the tester found, told by the events of `op`.
fn check_flips(way: &str, op: &str) {
    let lab = Lab::new();
    let exe = lab.tester("flips");
    let dir = place(&lab, way, &[]);
    let run = record(&lab, USERS[0], &dir, &format!("{} {way}", exe.display()));
    let counts = String::from_utf8(run.stdout.clone()).expect("two numbers");
    let counts: Vec<u64> =
        counts.split_whitespace().map(|n| n.parse().expect("a number")).collect();
    assert_eq!(counts.iter().sum::<u64>(), 1000, "{counts:?}");
    println!("{way}: {counts:?}");
    assert!(counts.iter().all(|count| *count > 0), "{way}: nobody raced: {counts:?}");
    let told = run.paths_below(op, &dir);
    let of = |name: &str| told.get(dir.join(name).as_os_str().as_encoded_bytes()).copied();
    assert_eq!([of("x0").unwrap_or(0), of("x1").unwrap_or(0)], [counts[0], counts[1]], "{way}");
    run.assert_whole();
}
