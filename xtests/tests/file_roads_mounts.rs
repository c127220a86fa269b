//! Files on mounts, roots and in namespaces that the run makes for itself (docs/coverage.md).
#![forbid(unsafe_code)]

use std::{
    fs::{self, Permissions},
    os::unix::fs::PermissionsExt,
    path::{Path, PathBuf},
};

use xtests::{Event, Lab, Recorded, not_run};

/// A directory with everything that a way of `mounts` wants.
fn place(lab: &Lab, name: &str) -> PathBuf {
    let dir = lab.work().join(name);
    fs::create_dir(&dir).expect("a new directory");
    for inner in ["at", "from", "low", "up", "work"] {
        fs::create_dir(dir.join(inner)).expect("a new directory");
        fs::set_permissions(dir.join(inner), Permissions::from_mode(0o777)).expect("ours");
    }
    fs::set_permissions(&dir, Permissions::from_mode(0o777)).expect("ours");
    dir
}

/// Records this command in `dir`; `None`, and told, when the kernel does not have it (77).
fn record(lab: &Lab, dir: &Path, command: &[&str], options: &[&str]) -> Option<Recorded> {
    let mut run = lab.run(command).with(options);
    run.process.current_dir(dir);
    let run = run.record();
    if run.status.code() == Some(77) {
        not_run(&command.join(" "), "this kernel does not have it");
        return None;
    }
    assert_eq!(run.status.code(), Some(0), "{command:?}: {}", run.errors());
    run.assert_adds_up();
    Some(run)
}

/// What the tester did to the file it calls `made`: op, path, basis, count.
fn told(run: &Recorded, exe: &Path, op: &str) -> Vec<(PathBuf, String, u64)> {
    let of_made = |event: &&Event| {
        Path::new(event.text("exe")) == exe && event.text("path").ends_with("/made")
    };
    let short = |event: &Event| {
        (PathBuf::from(event.text("path")), event.text("path_basis").to_owned(), event.count())
    };
    run.of("file", op).filter(of_made).map(short).collect()
}

/// Each of one write and one read is told, once, by this path and with one of these bases.
fn check(way: &str, path: impl Fn(&Path) -> PathBuf, bases: &[&str]) {
    check_inside(way, path, bases, &[]);
}

/// The same; with one of `inside`, too, where it is done in a mount namespace that is gone with the tester,
/// perhaps before the recorder looks there.
fn check_inside(way: &str, path: impl Fn(&Path) -> PathBuf, bases: &[&str], inside: &[&str]) {
    let lab = Lab::new();
    let exe = lab.tester("mounts");
    let tester = exe.to_str().expect("text");
    let commands = [vec![tester, way], vec!["unshare", "--mount", tester, way]];
    for (number, command) in commands.iter().enumerate() {
        let dir = place(&lab, &format!("{number}"));
        let Some(run) = record(&lab, &dir, command, &["--mount-ns", "off"]) else { continue };
        let _ = std::process::Command::new("umount").arg(dir.join("at")).output();
        for op in ["write", "read"] {
            let told = told(&run, &exe, op);
            let expected = path(&dir);
            let inside = if command.len() > 2 { inside } else { &[] };
            let right = |(path, basis, count): &(PathBuf, String, u64)| {
                let basis = basis.as_str();
                let is_good = bases.contains(&basis) || inside.contains(&basis);
                *path == expected && is_good && *count == 1
            };
            let wrong = format!("{op} by {command:?}: {told:?}");
            assert_eq!(told.iter().filter(|told| right(told)).count(), 1, "{wrong}");
        }
    }
}

#[test]
fn files_on_a_file_system_that_is_mounted_nowhere_are_told_by_their_path_in_it() {
    check("detached", |_| "/made".into(), &["mount"]);
}

#[test]
fn files_behind_a_detached_copy_of_a_mount_are_told_by_the_path_of_the_original() {
    check("clone", |dir| dir.join("made"), &["", "last"]);
}

#[test]
fn files_on_a_tmpfs_of_a_moment_ago_are_told_whether_marks_came_in_time_or_not() {
    check("tmpfs", |dir| dir.join("at/made"), &["", "open"]);
}

#[test]
fn files_behind_a_bind_mount_are_told_by_the_path_of_the_original() {
    check("bind", |dir| dir.join("from/made"), &["", "last"]);
}

#[test]
fn files_of_an_overlay_are_told_by_the_merged_path() {
    check_inside("overlay", |dir| dir.join("at/made"), &["descriptor", "open"], &["doubtful"]);
}

#[test]
fn files_in_a_changed_root_are_told_by_the_path_from_outside() {
    check("chroot", |dir| dir.join("at/made"), &[""]);
}

#[test]
fn a_user_with_namespaces_of_its_own_hides_nothing() {
    let lab = Lab::new();
    let exe = lab.tester("mounts");
    let tester = exe.to_str().expect("text");
    let dir = place(&lab, "own");
    let tried = std::process::Command::new("unshare").args(["-Urm", "true"]).output();
    if !tried.is_ok_and(|tried| tried.status.success()) {
        return not_run("unshare -Urm", "this machine allows no user namespaces");
    }
    let command = ["unshare", "-Urm", tester, "tmpfs"];
    let Some(run) = record(&lab, &dir, &command, &["--user", "4242"]) else { return };
    for op in ["write", "read"] {
        let told = told(&run, &exe, op);
        assert_eq!(told.len(), 1, "{op}: {told:?}");
        assert_eq!(told[0].0, dir.join("at/made"), "{op}: {told:?}");
    }
}

#[test]
fn a_sandbox_of_bubblewrap_hides_nothing() {
    let lab = Lab::new();
    if std::process::Command::new("bwrap").arg("--version").output().is_err() {
        return not_run("bwrap", "bubblewrap is not installed");
    }
    let exe = lab.tester("opens");
    let dir = place(&lab, "box");
    let (tester, here) = (exe.to_str().expect("text"), dir.to_str().expect("text"));
    let command = [
        "bwrap",
        "--dev-bind",
        "/",
        "/",
        "--tmpfs",
        "/mnt",
        "--bind",
        here,
        "/mnt",
        "--chdir",
        "/mnt",
    ];
    let run = record(&lab, &dir, &[&command[..], &[tester, "open", "made"]].concat(), &[]);
    let Some(run) = run else { return };
    assert_eq!(
        run.told_of(&exe, &dir),
        ["create made x1", "write made x1"],
        "the path from outside"
    );
}

#[test]
fn a_file_has_all_its_names_where_it_has_several() {
    let lab = Lab::new();
    let dir = place(&lab, "names");
    let script = "echo 1 >one; ln one two; ln -s one soft; mount --bind . at
        cat at/two >/dev/null; echo 2 >>soft; umount at; rm one; cat two >/dev/null";
    let run = record(&lab, &dir, &["bash", "-ec", script], &["--mount-ns", "off"]);
    let run = run.expect("bash runs");
    let names = |name: &str| dir.join(name).to_str().expect("text").to_owned();
    let also = |op: &str, name: &str| -> Vec<Vec<String>> {
        let of = |event: &Event| event.list("also").iter().map(|it| (*it).to_owned()).collect();
        run.at(op, &dir.join(name)).map(of).collect()
    };
    // The soft name leads to the file; each hard name is one of it, also below the bind mount.
    assert!(
        also("create", "two").iter().any(|also| also.contains(&names("one"))),
        "{:?}",
        also("create", "two")
    );
    let through = also("read", "two");
    assert!(
        through[0].contains(&names("one")) && through[0].contains(&names("at/two")),
        "{through:?}"
    );
    assert!(!through[1].contains(&names("one")), "it was removed: {through:?}");
    let writes: u64 = run.at("write", &dir.join("one")).map(Event::count).sum();
    assert_eq!(writes, 2, "once by its name, once by the soft one");
}

#[test]
fn files_whose_server_is_of_the_run_are_told_by_their_path() {
    let lab = Lab::new();
    let tester = lab.tester("fuse");
    let dir = lab.work().join("served");
    std::fs::create_dir(&dir).expect("a new directory");
    let run = lab.run([tester.as_os_str(), dir.as_os_str()]).record();
    if run.status.code() == Some(77) {
        return not_run("FUSE", "this machine has no /dev/fuse, or refuses the mount");
    }
    assert!(run.status.success(), "{}", run.errors());
    // Each by its open, once; the server's own work on its device is none of theirs.
    assert_eq!(run.told_of(&tester, &dir), ["read hello x1", "write room x1"]);
    for (op, name) in [("read", "hello"), ("write", "room")] {
        let event = run.at(op, &dir.join(name)).next().expect("one");
        assert_eq!(event.text("path_basis"), "open", "{event:?}");
        assert!(event.flag("count_exact"), "{event:?}");
    }
    run.assert_adds_up();
}
