//! An ordinary user records by the installed recorder, and can do nothing to it or to the record.
#![forbid(unsafe_code)]

use std::{
    fs,
    os::unix::fs::{MetadataExt, PermissionsExt},
    path::{Path, PathBuf},
    process::{Command, Output},
};

use xtests::{
    Lab,
    installed::{Installed, STORE, SUPERVISOR, User},
    leaves, processes_running, wait,
};

fn says(output: &Output) -> String {
    String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr)
}

/// What a shell of that user says to `script`.
fn shell(installed: &Installed<'_>, user: &User, script: &str) -> Output {
    installed.command(user, "sh").arg("-c").arg(script).output().expect("a shell starts")
}

#[test]
fn an_ordinary_user_records_without_sudo_and_the_record_is_out_of_its_reach() {
    let lab = Lab::new();
    let installed = Installed::new(&lab, &["auditx1", "auditx2"]);
    let (own, other) = (installed.user(0), installed.user(1));
    let run = installed.record(own, ["sh", "-c", "id -u; echo written > made; exit 7"]);
    assert_eq!(run.status.code(), Some(7), "{}", run.errors());
    assert_eq!(run.stdout, format!("{}\n", own.uid).as_bytes());
    assert_eq!(run.meta["trust"], "sealed");
    run.assert_whole();
    assert_eq!(run.number_of("exec", ""), 2, "the shell and id");
    let start = run.of("start", "").next().expect("a start");
    assert_eq!(start.number("uid"), Some(u64::from(own.uid)));
    let made = own.home.join("made").into_os_string().into_encoded_bytes();
    let written: Vec<_> = run.of("file", "write").filter_map(|it| it.bytes("path")).collect();
    assert!(written.contains(&made), "the file that was written");

    // The runs are the recorder's; its user reads them, and that is all.
    let runs = installed.runs(own);
    let [dir] = runs.as_slice() else { panic!("one run: {runs:?}") };
    let segment = dir.join("segments/000001.seg");
    let owner = fs::metadata(&segment).expect("the segment").uid();
    assert!(owner != 0 && owner != own.uid, "the recorder's own user");
    let (dir, segment) = (dir.display(), segment.display());
    assert!(shell(&installed, own, &format!("cat {segment}")).status.success());
    for attempt in [
        format!("echo x >> {segment}"),
        format!("rm -f {segment}"),
        format!("mv {dir} {dir}.x"),
        format!("rm -rf {dir} && test ! -e {dir}"),
        format!("ln -s /etc {dir}/segments/000002.seg"),
        format!("ln {segment} linked"),
        format!("chmod 777 {dir}"),
        format!("setfacl -m u:{}:rwx {dir}", own.uid),
        format!("mkdir {STORE}/{}/runs/x", own.uid),
        format!("mkdir {STORE}/1"),
    ] {
        let output = shell(&installed, own, &attempt);
        assert!(!output.status.success(), "{attempt}: {}", says(&output));
    }
    for attempt in [format!("cat {segment}"), format!("ls {STORE}/{}", own.uid)] {
        let output = shell(&installed, other, &attempt);
        assert!(!output.status.success(), "another user: {attempt}: {}", says(&output));
    }
    assert!(leaves(run.id()).is_empty(), "no cgroup is left");
}

#[test]
fn of_all_probes_only_the_two_harmless_ones_succeed() {
    let lab = Lab::new();
    let installed = Installed::new(&lab, &["auditx1"]);
    let probes = lab.tester("probes");
    let run = installed.record(installed.user(0), [probes.as_os_str(), "audit-superviso".as_ref()]);
    assert!(run.status.success(), "{}", run.errors());
    let said = String::from_utf8_lossy(&run.stdout).into_owned();
    let (last, worked): (Vec<_>, Vec<_>) =
        said.lines().partition(|line| line.starts_with("processes "));
    // The recorder and its keeper.
    assert_eq!(last, ["processes 2 tried 40"], "{said}");
    assert_eq!(worked, ["worked cmdline", "worked pidfd_open"].repeat(2), "{said}");
    run.assert_whole();
}

#[test]
fn a_user_who_freezes_and_kills_its_own_cgroup_does_not_reach_the_recorder() {
    let lab = Lab::new();
    let installed = Installed::new(&lab, &["auditx1"]);
    let user = installed.user(0);
    let cgroup = OwnedCgroup::new(user);
    let inside = installed.command(user, lab.program("audit"));
    let words = inside.get_args().map(|word| word.to_string_lossy()).collect::<Vec<_>>().join(" ");
    // Root puts it there, as a session manager would.
    let mut run = Command::new("sh");
    run.env("HOME", &user.home).env_remove("AUDIT_HOME").current_dir(&user.home);
    run.arg("-c").arg(format!(
        "echo 0 > {}/cgroup.procs; exec setpriv {words} run -- sleep 1000",
        cgroup.0.join("own").display(),
    ));
    let mut run = run.spawn().expect("it starts");
    let recorders = wait::until("the recorder and its keeper", || {
        let found = processes_running(Path::new(SUPERVISOR));
        (found.len() == 2 && !installed.runs(user).is_empty() && cgroup.sleeps_in_a_leaf())
            .then_some(found)
    });
    for recorder in &recorders {
        let path = format!("/proc/{}/cgroup", recorder.as_raw_pid());
        let at = fs::read_to_string(path).expect("it lives");
        assert!(at.lines().any(|line| line == "0::/audit-run"), "{at}");
    }
    let own = cgroup.0.join("own");
    let script = format!("echo 1 > {0}/cgroup.freeze; echo 1 > {0}/cgroup.kill", own.display());
    let output = shell(&installed, user, &script);
    assert!(output.status.success(), "its own cgroup: {}", says(&output));
    let status = run.wait().expect("it ends");
    assert_eq!(status.code(), None, "the front was killed");
    wait::until_true("the recorder's own end", || {
        processes_running(Path::new(SUPERVISOR)).is_empty()
    });
    let listed = installed.ask(user, ["runs", "--json"]);
    let listed: serde_json::Value = serde_json::from_slice(&listed.stdout).expect("JSON");
    assert_eq!(listed[0]["state"], "sealed", "{listed}");
    assert_eq!(listed[0]["trust"], "sealed", "{listed}");
}

#[test]
fn runs_are_removed_from_outside_and_not_from_inside_a_recorded_run() {
    let lab = Lab::new();
    let installed = Installed::new(&lab, &["auditx1"]);
    let user = installed.user(0);
    let _ = installed.record(user, ["true"]);
    let audit = lab.program("audit");
    let inside = [audit.as_os_str(), "prune".as_ref(), "last~1".as_ref()];
    let run = installed.record(user, inside);
    assert_eq!(run.status.code(), Some(1), "{}", run.errors());
    assert!(run.errors().contains("from inside a recorded run"), "{}", run.errors());
    assert_eq!(installed.runs(user).len(), 2);
    let dry = installed.ask(user, ["prune", "--keep", "1", "--dry-run"]);
    assert!(dry.status.success(), "{}", says(&dry));
    assert_eq!(installed.runs(user).len(), 2, "nothing is removed yet");
    let pruned = installed.ask(user, ["prune", "--keep", "1"]);
    assert!(pruned.status.success(), "{}", says(&pruned));
    let left = installed.runs(user);
    assert_eq!(left.len(), 1);
    assert!(left[0].ends_with(run.id()), "the newest stays");
}

#[test]
fn a_recorder_started_as_no_front_does_it_neither_hangs_nor_writes_elsewhere() {
    let lab = Lab::new();
    let installed = Installed::new(&lab, &["auditx1"]);
    let user = installed.user(0);
    let misuse = lab.tester("misuse");
    let check = |way: &str, expected: &[&str]| {
        let mut command = installed.command(user, &misuse);
        let output = command.arg(way).arg(SUPERVISOR).output().expect("it starts");
        let said = String::from_utf8_lossy(&output.stdout).trim().to_owned();
        assert!(expected.contains(&said.as_str()), "{way}: {said}");
        wait::until_true("its end", || processes_running(Path::new(SUPERVISOR)).is_empty());
        assert_eq!(installed.runs(user), Vec::<PathBuf>::new(), "{way}: nothing is recorded");
    };
    // Not the socket of a front: it does not even begin.
    for way in ["no socket", "input closed"] {
        check(way, &["ended 1"]);
    }
    for way in ["garbage", "short", "order", "path as id", "prune path"] {
        check(way, &["refused ended 0"]);
    }
    for way in ["another's process", "no process", "path descriptor", "file descriptor"] {
        check(way, &["refused ended 0"]);
    }
    // With what it inherited: all of it is undone, and the front that says no more is told so.
    for way in ["signals", "umask", "outputs closed"] {
        check(way, &["refused ended 0"]);
    }
    // It may come before the recorder has taken it away: then it never began.
    check("alarm", &["refused ended 0", "signal 14"]);
    // Without the right to lift hard limits it says no; with it, it begins.
    for way in ["descriptors", "file size"] {
        check(way, &["refused ended 0", "ended 1", "ended 127"]);
    }
    // Where "path as id" leads to.
    assert!(!Path::new("/tmp/audit-misuse").exists() && Path::new("/etc/hostname").exists());
}

#[test]
fn the_program_refuses_to_run_from_another_place() {
    let lab = Lab::new();
    let installed = Installed::new(&lab, &["auditx1"]);
    let elsewhere = Path::new("/usr/libexec/audit-run/elsewhere");
    fs::hard_link(SUPERVISOR, elsewhere).expect("root may");
    let mut command = installed.command(installed.user(0), lab.tester("misuse"));
    let output = command.arg("order").arg(elsewhere).output().expect("it starts");
    fs::remove_file(elsewhere).expect("ours");
    assert_eq!(String::from_utf8_lossy(&output.stdout).trim(), "ended 1");
}

#[test]
fn what_keeps_a_user_from_recording_is_named_with_the_way_out() {
    let lab = Lab::new();
    let installed = Installed::new(&lab, &["auditx1", "auditx2"]);
    let (own, other) = (installed.user(0), installed.user(1));
    let audit = lab.program("audit");
    let check = |output: &Output, words: &[&str]| {
        let said = says(output);
        assert_eq!(output.status.code(), Some(125), "{said}");
        for word in words {
            assert!(said.contains(word), "no word of {word:?}: {said}");
        }
    };
    check(&installed.ask(other, ["run", "--", "true"]), &["usermod -aG audit"]);
    let sandbox = format!("setpriv --no-new-privs {} run -- true", audit.display());
    check(&shell(&installed, own, &sandbox), &["no_new_privs", "outside"]);
    let container = format!("unshare -Ur {} run -- true", audit.display());
    check(&shell(&installed, own, &container), &["user namespace"]);
    let local = ["--home", "x", "run", "--require-trust", "sealed", "--", "true"];
    check(&installed.ask(own, local), &["--home"]);
    let direct = lab.ask(["run", "--require-trust", "sealed", "--", "true"]);
    check(&direct, &["direct, not sealed", "audit setup"]);
    let enough = installed.ask(own, ["run", "--require-trust", "sealed", "--", "true"]);
    assert!(enough.status.success(), "{}", says(&enough));
}

#[test]
fn set_up_twice_is_done_once_and_taken_back_whole() {
    let lab = Lab::new();
    let installed = Installed::new(&lab, &["auditx1"]);
    let meta = fs::metadata(SUPERVISOR).expect("it is installed");
    assert_eq!(meta.permissions().mode() & 0o7777, 0o4750);
    assert_ne!(meta.uid(), 0, "set-uid, and never to root");
    let again = lab.told(["setup", "--user", "auditx1"]);
    assert!(again.lines().all(|line| !line.starts_with("does")), "{again}");
    let shown = lab.told(["setup", "--print"]);
    assert!(shown.contains("setcap ") && shown.contains("=p "), "{shown}");
    drop(installed);
    let passwd = fs::read_to_string("/etc/passwd").expect("users");
    let group = fs::read_to_string("/etc/group").expect("groups");
    assert!(!passwd.contains("_audit:") && !group.contains("\naudit:"));
    assert!(!Path::new("/usr/libexec/audit-run").exists());
}

/// A cgroup that belongs to a user, as a session of systemd's would with `Delegate=`; gone with this.
struct OwnedCgroup(PathBuf);

impl OwnedCgroup {
    fn new(user: &User) -> OwnedCgroup {
        let table = fs::read_to_string("/proc/self/mountinfo").expect("mounts");
        let line = table.lines().find(|line| line.contains(" - cgroup2 ")).expect("cgroup v2");
        let top = PathBuf::from(line.split(' ').nth(4).expect("a place"));
        let place = top.join(format!("x-{}", user.name));
        fs::create_dir_all(place.join("own")).expect("root may");
        let cgroup = OwnedCgroup(place);
        for path in [cgroup.0.clone(), cgroup.0.join("own")] {
            for file in ["", "cgroup.procs", "cgroup.freeze", "cgroup.kill"] {
                std::os::unix::fs::chown(path.join(file), Some(user.uid), None).expect("root may");
            }
        }
        cgroup
    }

    fn sleeps_in_a_leaf(&self) -> bool {
        let listed = fs::read_dir(self.0.join("own")).into_iter().flatten().flatten();
        let mut leaves = listed.filter(|it| it.file_name().to_string_lossy().starts_with("audit-"));
        let sleeps = |pid: &str| {
            fs::read_to_string(format!("/proc/{pid}/comm")).is_ok_and(|name| name == "sleep\n")
        };
        leaves.any(|leaf| {
            let inside = fs::read_to_string(leaf.path().join("cgroup.procs")).unwrap_or_default();
            inside.lines().any(sleeps)
        })
    }
}

impl Drop for OwnedCgroup {
    fn drop(&mut self) {
        let _ = fs::write(self.0.join("cgroup.kill"), "1");
        let _ = Command::new("find")
            .arg(&self.0)
            .args(["-depth", "-type", "d", "-exec", "rmdir", "{}", ";"])
            .output();
    }
}
