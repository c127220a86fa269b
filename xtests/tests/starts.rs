//! The ways in which a recording is started that are no shell's: by a service manager that gives
//! capabilities, by cron, on a machine with cgroup v2 alone (docs/security.md, trust levels).
#![forbid(unsafe_code)]

use std::{
    fs,
    os::unix::fs::chown,
    process::{Command, Output, Stdio},
};

use xtests::{Lab, Recorded, installed::Installed};

/// What a unit would say in `AmbientCapabilities=` for a recorder of its own (docs/recipes.md).
const AMBIENT: &str =
    "+bpf,+perfmon,+net_admin,+sys_admin,+sys_ptrace,+dac_read_search,+dac_override";

fn said(output: &Output) -> String {
    String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr)
}

#[test]
fn a_service_with_ambient_capabilities_records_by_its_own_rights_and_says_so() {
    let lab = Lab::new();
    let installed = Installed::new(&lab, &["auditx1", "auditx2"]);
    // Not one of those who may use the installed one: its own rights are what it has.
    let user = installed.user(1);
    let seen = user.home.join("seen");
    fs::write(&seen, "x").expect("room");
    chown(&seen, Some(user.uid), None).expect("ours");
    let home = user.home.join("records");
    // As systemd does it with User=, AmbientCapabilities= and NoNewPrivileges=.
    let mut unit = Command::new("setpriv");
    unit.arg(format!("--reuid={}", user.name)).arg(format!("--regid={}", user.name));
    unit.args([
        "--clear-groups",
        "--no-new-privs",
        "--inh-caps",
        AMBIENT,
        "--ambient-caps",
        AMBIENT,
    ]);
    unit.arg("--").arg(lab.program("audit")).arg("--home").arg(&home).args(["run", "--", "cat"]);
    unit.arg(&seen).env_clear().env("PATH", "/usr/bin:/bin").current_dir("/");
    let output = unit.stdin(Stdio::null()).output().expect("setpriv starts");
    assert!(output.status.success(), "{}", said(&output));
    assert_eq!(output.stdout, b"x");
    let runs = fs::read_dir(home.join("runs")).expect("runs").flatten();
    let dirs: Vec<_> = runs.map(|it| it.path()).filter(|it| it.is_dir()).collect();
    let [dir] = dirs.as_slice() else { panic!("one run: {dirs:?}: {}", said(&output)) };
    let run = Recorded::read(dir, output.status, output.stdout, output.stderr);
    assert_eq!(run.meta["trust"], "local", "{}", run.errors());
    run.assert_whole();
    assert_eq!(run.at("read", &seen).count(), 1);
    let start = run.of("start", "").next().expect("a start");
    assert_eq!(start.number("uid"), Some(u64::from(user.uid)));
}

#[test]
fn roots_cron_without_home_or_terminal_records() {
    let lab = Lab::new();
    // In memory, and gone with the namespace: nothing of root's own is touched.
    let script = "mount -t tmpfs none /root && mount -t tmpfs none /var/lib && \
                  env -i PATH=/usr/bin:/bin \"$1\" run --summary always -- sh -c 'echo out; exit 3'; \
                  echo status $?; env -i \"$1\" runs --json";
    let mut cron = Command::new("setsid");
    cron.args(["unshare", "--mount", "--propagation", "private", "sh", "-c", script, "cron"]);
    cron.arg(lab.program("audit")).current_dir("/").stdin(Stdio::null());
    let output = cron.output().expect("setsid starts");
    let told = said(&output);
    let mut lines = told.lines();
    assert_eq!((lines.next(), lines.next()), (Some("out"), Some("status 3")), "{told}");
    let listed = String::from_utf8_lossy(&output.stdout).into_owned();
    let listed = listed.split_once("status 3\n").expect("its status").1;
    let runs: serde_json::Value = serde_json::from_str(listed).expect("JSON");
    assert_eq!(runs.as_array().map(Vec::len), Some(1), "{told}");
    assert_eq!(
        (&runs[0]["state"], &runs[0]["trust"]),
        (&"sealed".into(), &"direct".into()),
        "{told}"
    );
}

#[test]
fn a_user_whose_cgroup_is_not_its_own_records_where_cgroup_v2_is_alone() {
    let lab = Lab::new();
    let installed = Installed::new(&lab, &["auditx1"]);
    let user = installed.user(0);
    let inside = installed.command(user, lab.program("audit"));
    let words: Vec<_> = inside.get_args().map(|word| word.to_owned()).collect();
    let script =
        "umount -R /sys/fs/cgroup; mount -t cgroup2 none /sys/fs/cgroup; exec setpriv \"$@\"";
    let mut machine = Command::new("unshare");
    machine.args(["--mount", "--propagation", "private", "sh", "-ec", script, "sh"]).args(words);
    machine.args(["run", "--require-trust", "sealed", "--", "sh", "-c", "cat /proc/self/cgroup"]);
    machine.env("HOME", &user.home).env_remove("AUDIT_HOME").current_dir(&user.home);
    let output = machine.stdin(Stdio::null()).output().expect("unshare starts");
    assert!(output.status.success(), "{}", said(&output));
    let own = String::from_utf8_lossy(&output.stdout).into_owned();
    let leaf = own.lines().find(|line| line.starts_with("0::")).expect("its cgroup");
    assert!(leaf.contains("/audit-"), "in a leaf: {leaf}");
    let listed = installed.ask(user, ["runs", "--json"]);
    let listed: serde_json::Value = serde_json::from_slice(&listed.stdout).expect("JSON");
    assert_eq!((&listed[0]["trust"], &listed[0]["state"]), (&"sealed".into(), &"sealed".into()));
}
