//! As whom processes act, and by which numbers: changes of credentials, pid namespaces
//! (docs/coverage.md).
#![forbid(unsafe_code)]

use std::path::Path;

use xtests::{Event, Lab, Recorded, not_run};

fn name(path: &Path) -> &str {
    path.to_str().expect("the lab's names are text")
}

/// What the record tells of changes of credentials by the tester, in order.
fn creds(lab: &Lab, way: &str) -> (Recorded, Vec<Event>) {
    let program = lab.tester("credentials");
    let run = lab.run([program.as_os_str(), way.as_ref()]).succeed();
    run.assert_whole();
    let of_program = |event: &&Event| event.text("exe") == name(&program);
    let events = run.of("process", "cred").filter(of_program).cloned().collect();
    (run, events)
}

fn numbers<const N: usize>(event: &Event, names: [&str; N]) -> [u64; N] {
    names.map(|name| event.number(name).unwrap_or_else(|| panic!("no {name}: {event:?}")))
}

const USERS: [&str; 4] = ["uid", "euid", "suid", "fsuid"];
const GROUPS: [&str; 4] = ["gid", "egid", "sgid", "fsgid"];

#[test]
fn each_change_of_users_and_groups_is_told_once_with_what_came_of_it() {
    let lab = Lab::new();
    let (run, creds) = creds(&lab, "users");
    let found: Vec<_> = creds.iter().map(|e| (numbers(e, USERS), numbers(e, GROUPS))).collect();
    let expected = [
        ([0, 0, 0, 0], [0, 0, 0, 0]),
        ([0, 0, 0, 0], [4243, 4243, 4243, 4243]),
        ([0, 4242, 0, 4242], [4243, 4243, 4243, 4243]),
        ([4242, 4242, 4242, 4242], [4243, 4243, 4243, 4243]),
    ];
    assert_eq!(found, expected, "a repeat and a refused call are not told");
    for event in &creds {
        assert_eq!(event.list("groups"), ["7", "9", "4243"], "as the kernel sorts them");
        assert_eq!(event.number("group_count"), Some(3));
    }
    // With the last root user go the capabilities; the effective ones went with the effective user.
    let caps: Vec<_> = creds.iter().map(|e| numbers(e, ["caps", "caps_permitted"])).collect();
    assert!(caps[1][0] != 0 && caps[1][0] == caps[1][1], "{caps:?}");
    assert_eq!((caps[2], caps[3]), ([0, caps[1][1]], [0, 0]));
    let exit = run.of("process", "exit").last().expect("its end");
    assert_eq!(exit.number("uid"), Some(4242), "who it is from then on");
}

#[test]
fn the_older_calls_are_told_too() {
    let lab = Lab::new();
    let (_, creds) = creds(&lab, "older");
    let found: Vec<_> = creds.iter().map(|e| (numbers(e, USERS), numbers(e, GROUPS))).collect();
    let expected = [
        ([0, 0, 0, 0], [5, 6, 6, 6]),
        ([0, 0, 0, 0], [7, 7, 7, 7]),
        ([0, 0, 0, 0], [7, 7, 7, 8]),
        ([0, 0, 0, 9], [7, 7, 7, 8]),
        ([10, 11, 11, 11], [7, 7, 7, 8]),
    ];
    assert_eq!(found, expected);
}

#[test]
fn calls_by_the_numbers_of_32_bits_are_told() {
    let lab = Lab::new();
    let program = lab.tester("credentials");
    let run = lab.run([program.as_os_str(), "compat".as_ref()]).record();
    if run.status.code() == Some(77) {
        return not_run("credentials by 32-bit calls", "this kernel has no 32-bit ABI");
    }
    assert!(run.status.success(), "{}", run.errors());
    let found: Vec<_> = run
        .of("process", "cred")
        .filter(|event| event.text("exe") == name(&program))
        .map(|event| (numbers(event, USERS), numbers(event, GROUPS)))
        .collect();
    let expected = [
        ([0, 4242, 0, 4242], [0, 0, 0, 0]),
        ([0, 0, 0, 0], [0, 0, 0, 0]),
        ([0, 0, 0, 0], [7, 7, 7, 7]),
        ([0, 0, 0, 0], [7, 7, 7, 8]),
    ];
    assert_eq!(found, expected);
}

#[test]
fn changes_of_capabilities_are_told() {
    const NET_RAW: u64 = 1 << 13;
    const NET_ADMIN: u64 = 1 << 12;
    let lab = Lab::new();
    let (_, creds) = creds(&lab, "capabilities");
    let found: Vec<_> = creds.iter().map(|e| numbers(e, ["caps", "caps_permitted"])).collect();
    assert_eq!(found, [[NET_RAW, NET_RAW | NET_ADMIN], [0, 0]]);
}

#[test]
fn capabilities_of_a_new_user_namespace_are_told() {
    let lab = Lab::new();
    let program = lab.tester("credentials");
    let run = lab.run([program.as_os_str(), "namespace".as_ref()]).record();
    if run.errors().contains("unshare") {
        return not_run("a user namespace of an ordinary user", &run.errors());
    }
    assert!(run.status.success(), "{}", run.errors());
    let creds: Vec<_> = run
        .of("process", "cred")
        .filter(|event| event.text("exe") == name(&program))
        .map(|event| numbers(event, ["uid", "caps", "caps_permitted"]))
        .collect();
    let [[4242, 0, 0], [_, caps, permitted]] = creds[..] else { panic!("two changes: {creds:?}") };
    assert!(caps != 0 && caps == permitted, "{caps:x} {permitted:x}");
}

#[test]
fn a_flood_of_changes_is_counted_to_the_last_one() {
    let lab = Lab::new();
    let program = lab.tester("credentials");
    let run = lab.run([program.as_os_str(), "flood".as_ref()]).succeed();
    run.assert_adds_up();
    let creds: Vec<_> =
        run.of("process", "cred").filter(|event| event.text("exe") == name(&program)).collect();
    let lost = run.lost("calls");
    assert_eq!(creds.len() as u64 + lost, 20_001);
    if lost == 0 {
        let last = creds.last().expect("some");
        assert_eq!(numbers(last, USERS), [33, 33, 33, 33]);
    }
}

#[test]
fn a_thread_that_changes_its_credentials_alone_is_named() {
    let lab = Lab::new();
    let (run, creds) = creds(&lab, "thread");
    let tid = String::from_utf8_lossy(&run.stdout).trim().parse().expect("a number");
    let [event] = creds.as_slice() else { panic!("one change: {creds:?}") };
    assert_eq!(numbers(event, ["tid", "uid", "euid"]), [tid, 4242, 4242]);
    let exit = run.of("process", "exit").last().expect("its end");
    assert_eq!(exit.number("uid"), Some(0), "the process stays what it was");
}

#[test]
fn a_child_begins_with_what_its_maker_had() {
    let lab = Lab::new();
    let (run, creds) = creds(&lab, "inherit");
    let found: Vec<_> = creds.iter().map(|e| numbers(e, USERS)).collect();
    assert_eq!(found, [[0, 4242, 0, 4242], [0, 0, 0, 0]], "once by each");
    let pids: Vec<_> = creds.iter().map(|event| event.number("pid")).collect();
    let child = run.of("process", "fork").last().and_then(|fork| fork.number("child_pid"));
    assert_eq!(pids[1], child);
    assert_ne!(pids[0], child);
}

/// Inode of the pid namespace of this test.
fn own_pid_namespace() -> String {
    let link = std::fs::read_link("/proc/self/ns/pid").expect("it can be read");
    link.to_str().expect("text").trim_matches(|c: char| !c.is_ascii_digit()).to_owned()
}

#[test]
fn a_process_in_an_inner_pid_namespace_has_both_numbers() {
    let lab = Lab::new();
    let witness = lab.tester("witness");
    let words = ["unshare", "--pid", "--fork", name(&witness)];
    let run = lab.run(words).succeed();
    run.assert_adds_up();
    let printed = String::from_utf8_lossy(&run.stdout).into_owned();
    assert!(printed.starts_with("1\t"), "it is the first in its namespace: {printed}");
    let exec = run.execs_of(&witness).next().expect("it was executed");
    let [pid, ns_pid, pid_ns] = numbers(exec, ["pid", "ns_pid", "pid_ns"]);
    assert_eq!(ns_pid, 1);
    assert!(pid != 1 && pid_ns.to_string() != own_pid_namespace(), "{exec:?}");
    let forks: Vec<_> =
        run.of("process", "fork").filter(|e| e.number("child_pid") == Some(pid)).collect();
    let [fork] = forks.as_slice() else { panic!("one fork: {forks:?}") };
    assert_eq!(numbers(fork, ["ns_pid", "pid_ns"]), [1, pid_ns]);
    // Those outside have one number.
    let outside = run.of("exec", "").find(|event| event.text("exe").ends_with("/unshare"));
    let outside = outside.expect("unshare was executed");
    assert_eq!((outside.number("ns_pid"), outside.number("pid_ns")), (None, None));
    let exit = run.of("process", "exit").find(|event| event.number("pid") == Some(pid));
    assert_eq!(exit.and_then(|event| event.number("code")), Some(0));
}

#[test]
fn a_recorder_inside_a_pid_namespace_records_as_anywhere() {
    let lab = Lab::new();
    let (audit, witness) = (lab.program("audit"), lab.tester("witness"));
    let script = format!("echo x >made; cat made >/dev/null; {}; exit 7", witness.display());
    let mut inside = std::process::Command::new("unshare");
    inside.args(["--pid", "--fork", "--mount-proc"]).arg(&audit).args(["run", "--"]);
    inside.args(["sh", "-c", &script]).env("AUDIT_HOME", lab.home()).current_dir(lab.work());
    let output = inside.output().expect("unshare starts");
    let [dir] = &lab.runs()[..] else { panic!("one run: {output:?}") };
    let run = Recorded::read(dir, output.status, output.stdout, output.stderr);
    assert_eq!(run.status.code(), Some(7), "{}", run.errors());
    run.assert_whole();
    let made = lab.work().join("made");
    for (op, times) in [("create", 1), ("write", 1), ("read", 1)] {
        let told: Vec<_> = run.at(op, &made).collect();
        assert_eq!(told.len(), times, "{op}: {told:?}");
        assert!(told[0].text("exe").ends_with(if op == "read" { "/cat" } else { "sh" }));
    }
    let exec = run.execs_of(&witness).next().expect("it was executed");
    let printed = String::from_utf8_lossy(&run.stdout).into_owned();
    let own = exec.number("pid").expect("a pid").to_string();
    assert_eq!(printed.split('\t').next(), Some(own.as_str()), "its number as it sees it");
    assert_eq!(exec.number("ns_pid"), None, "which is the recorder's too");
    assert_eq!(run.end().number("code"), Some(7));
    let page = lab.told(["view", run.id()]);
    assert!(page.contains("exit 7") && page.contains("complete"), "{page}");
}

#[test]
fn a_recorder_whose_proc_is_of_another_namespace_records_no_files_and_says_why() {
    let lab = Lab::new();
    let audit = lab.program("audit");
    let mut inside = std::process::Command::new("unshare");
    inside.args(["--pid", "--fork"]).arg(&audit).args(["run", "--"]);
    inside.args(["sh", "-c", "exit 7"]).env("AUDIT_HOME", lab.home()).current_dir(lab.work());
    let output = inside.output().expect("unshare starts");
    let [dir] = &lab.runs()[..] else { panic!("one run: {output:?}") };
    let run = Recorded::read(dir, output.status, output.stdout, output.stderr);
    assert_eq!(run.status.code(), Some(7), "{}", run.errors());
    assert_eq!(run.verdict(), "partial");
    let why = "/proc is that of another pid namespace";
    assert!(run.reasons().iter().any(|reason| reason.contains(why)), "{:?}", run.reasons());
    assert_eq!(run.end().number("code"), Some(7));
}
