//! Ways to make processes and to run programs: what the record holds of each (docs/coverage.md).
#![forbid(unsafe_code)]

use std::{
    fs::{self, Permissions},
    os::unix::fs::PermissionsExt,
    path::{Path, PathBuf},
    process::Command,
};

use xtests::{Event, Lab, Recorded};

/// A process of a record: pid and start time.
type Process = (u64, u64);

fn births(lab: &Lab, way: &str) -> Recorded {
    let (births, nothing) = (lab.tester("births"), lab.nothing());
    let run = lab.run([births.as_os_str(), way.as_ref(), nothing.as_ref()]).succeed();
    run.assert_whole();
    run
}

/// The numbers on standard output.
fn printed(run: &Recorded) -> Vec<u64> {
    let text = String::from_utf8_lossy(&run.stdout).into_owned();
    text.split_whitespace().map(|word| word.parse().expect("a number")).collect()
}

fn process(event: &Event) -> Process {
    (event.number("pid").expect("a pid"), event.number("start_ns").expect("a start"))
}

/// The one fork that made the process `pid`: who made it, and who it is.
fn fork_of(run: &Recorded, pid: u64) -> (Process, Process) {
    let forks: Vec<_> =
        run.of("process", "fork").filter(|event| event.number("child_pid") == Some(pid)).collect();
    let [fork] = forks.as_slice() else { panic!("{} forks of {pid}: {forks:?}", forks.len()) };
    (process(fork), (pid, fork.number("child_start_ns").expect("a start")))
}

fn execs_by(run: &Recorded, who: Process) -> Vec<&Event> {
    run.of("exec", "").filter(|event| process(event) == who).collect()
}

/// How a process ended, told exactly once.
fn code_of(run: &Recorded, who: Process) -> Option<u64> {
    let exits: Vec<_> = run.of("process", "exit").filter(|event| process(event) == who).collect();
    let [exit] = exits.as_slice() else { panic!("{} exits of {who:?}", exits.len()) };
    exit.number("code")
}

fn name(path: &Path) -> &str {
    path.to_str().expect("the lab's names are text")
}

/// Holds that `run` made one process by `way`, which executed `nothing` and ended well.
fn assert_one_life(lab: &Lab, run: &Recorded) {
    let [pid] = printed(run)[..] else { panic!("one process: {:?}", run.stdout) };
    let (maker, child) = fork_of(run, pid);
    let made_by = execs_by(run, maker);
    assert_eq!(made_by.last().map(|e| e.text("exe")), Some(name(&lab.tester("births"))));
    let execs = execs_by(run, child);
    assert_eq!(execs.len(), 1, "{execs:?}");
    assert_eq!(execs[0].text("exe"), name(&lab.nothing()));
    assert_eq!(execs[0].number("ppid"), Some(maker.0));
    assert_eq!(code_of(run, child), Some(0));
}

#[test]
fn a_fork_without_an_exec_runs_what_its_maker_runs() {
    let lab = Lab::new();
    let run = births(&lab, "fork");
    let pids = printed(&run);
    assert_eq!(pids.len(), 3);
    for (pid, code) in pids.into_iter().zip(1..) {
        let (_, child) = fork_of(&run, pid);
        assert_eq!(execs_by(&run, child).len(), 0);
        assert_eq!(code_of(&run, child), Some(code));
        let exit = run.of("process", "exit").find(|event| process(event) == child);
        assert_eq!(exit.map(|e| e.text("exe")), Some(name(&lab.tester("births"))));
    }
}

#[test]
fn a_vfork_is_one_process_with_its_program() {
    let lab = Lab::new();
    assert_one_life(&lab, &births(&lab, "vfork"));
}

#[test]
fn a_posix_spawn_is_one_process_with_its_program() {
    let lab = Lab::new();
    assert_one_life(&lab, &births(&lab, "spawn"));
}

#[test]
fn a_clone3_is_one_process_with_its_program() {
    let lab = Lab::new();
    assert_one_life(&lab, &births(&lab, "clone3"));
}

/// Where the unified hierarchy is mounted.
fn unified() -> PathBuf {
    let mounts = fs::read_to_string("/proc/self/mountinfo").expect("it can be read");
    let of_v2 = mounts.lines().find(|line| line.contains(" - cgroup2 ")).expect("cgroup v2");
    PathBuf::from(of_v2.split(' ').nth(4).expect("a mount point"))
}

#[test]
fn a_process_born_in_a_cgroup_outside_is_recorded_and_told_to_have_left() {
    let lab = Lab::new();
    let outside = unified().join(format!("audit-x-outside-{}", std::process::id()));
    fs::create_dir(&outside).expect("root may make a cgroup");
    let (births, nothing) = (lab.tester("births"), lab.nothing());
    let words = [births.as_os_str(), "clone3".as_ref(), nothing.as_ref(), outside.as_ref()];
    let run = lab.run(words).record();
    let gone = fs::remove_dir(&outside);
    assert!(run.status.success(), "{}", run.errors());
    gone.expect("nobody is left in it");
    assert_one_life(&lab, &run);
    let left: Vec<_> = run.of("process", "left").map(|event| event.number("pid")).collect();
    assert_eq!(left, [printed(&run).first().copied()]);
}

#[test]
fn a_process_born_in_a_cgroup_below_has_not_left() {
    let lab = Lab::new();
    // Below the run's own cgroup, which the command finds by itself.
    let script = format!(
        "own={}$(sed -n s/^0:://p /proc/self/cgroup); mkdir $own/below; \
         {} clone3 {} $own/below; rmdir $own/below",
        unified().display(),
        lab.tester("births").display(),
        lab.nothing().display(),
    );
    let run = lab.run(["sh", "-ec", &script]).succeed();
    assert_one_life(&lab, &run);
    assert_eq!(run.number_of("process", "left"), 0);
}

#[test]
fn a_thread_that_executes_is_the_same_process_with_another_program() {
    let lab = Lab::new();
    let run = births(&lab, "thread");
    let [pid] = printed(&run)[..] else { panic!("one process: {:?}", run.stdout) };
    let execs: Vec<_> = run.of("exec", "").filter(|e| e.number("pid") == Some(pid)).collect();
    let exes: Vec<_> = execs.iter().map(|event| event.text("exe")).collect();
    assert_eq!(exes, [name(&lab.tester("births")), name(&lab.nothing())]);
    let who = process(execs[0]);
    assert_eq!(process(execs[1]), who, "pid and start stay");
    assert_eq!(code_of(&run, who), Some(0), "one end of all its threads");
}

#[test]
fn a_daemon_is_recorded_after_its_makers_are_gone() {
    let lab = Lab::new();
    let run = births(&lab, "daemon");
    let [pid, session] = printed(&run)[..] else { panic!("two numbers: {:?}", run.stdout) };
    let (maker, daemon) = fork_of(&run, pid);
    assert_eq!(maker.0, session, "made by the leader of the new session");
    let (first, _) = fork_of(&run, maker.0);
    assert_eq!(code_of(&run, first), Some(0));
    assert_eq!(code_of(&run, maker), Some(0));
    let execs = execs_by(&run, daemon);
    assert_eq!(execs.len(), 1, "{execs:?}");
    assert_eq!(execs[0].text("exe"), name(&lab.nothing()));
    assert_ne!(execs[0].number("ppid"), Some(maker.0), "it has another parent by then");
    assert_eq!(code_of(&run, daemon), Some(0));
}

#[test]
fn each_of_500_lives_of_less_than_a_millisecond_is_recorded() {
    let lab = Lab::new();
    let (brief, program) = (lab.tester("brief"), shortest(&lab));
    let run = lab.run([brief.as_os_str(), "500".as_ref(), program.as_ref()]).succeed();
    run.assert_whole();
    let execs: Vec<_> = run.execs_of(&program).collect();
    assert_eq!(execs.len(), 500);
    for exec in &execs {
        let (_, child) = fork_of(&run, process(exec).0);
        assert_eq!(child, process(exec));
        assert_eq!(code_of(&run, child), Some(0));
    }
    let mut cpu: Vec<u64> = run
        .of("process", "exit")
        .filter(|event| event.text("exe") == name(&program))
        .map(|event| ["utime_ns", "stime_ns"].map(|of| event.number(of).unwrap_or(0)).iter().sum())
        .collect();
    cpu.sort_unstable();
    // Time on a CPU: how long each had to wait for one is the machine's business.
    let median = cpu.get(250).copied().expect("500 ends");
    assert!(median < 1_000_000, "half of them took more than {median} ns");
}

/// A program of two instructions' worth: no library, no loader.
fn shortest(lab: &Lab) -> PathBuf {
    let (source, path) = (lab.root().join("shortest.c"), lab.bin().join("shortest"));
    let exit = if cfg!(target_arch = "x86_64") {
        r#"__asm__("mov $60, %eax\n xor %edi, %edi\n syscall");"#
    } else {
        r#"__asm__("mov x8, #93\n mov x0, #0\n svc #0");"#
    };
    fs::write(&source, format!("void _start(void) {{ {exit} }}\n")).expect("room");
    let mut compiler = Command::new("cc");
    compiler.args(["-static", "-nostdlib", "-o"]).arg(&path).arg(&source);
    let made = compiler.output().expect("there is a compiler");
    assert!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));
    path
}

#[test]
fn a_set_uid_child_of_an_ordinary_user_has_what_it_got() {
    let lab = Lab::new();
    let program = lab.work().join("raise");
    fs::copy(lab.tester("credentials"), &program).expect("room");
    fs::set_permissions(&program, Permissions::from_mode(0o4755)).expect("ours");
    let script = format!("{} inherit; true", program.display());
    let run = lab.run(["sh", "-c", &script]).with(["--user", "4242"]).succeed();
    run.assert_whole();
    let shell = run.of("exec", "").next().expect("the shell");
    assert_eq!([shell.number("uid"), shell.number("euid")], [Some(4242), Some(4242)]);
    assert!(!shell.flag("secure") && shell.number("caps").is_none(), "{shell:?}");
    let execs: Vec<_> = run.execs_of(&program).collect();
    assert_eq!(execs.len(), 1);
    let exec = execs[0];
    assert_eq!([exec.number("uid"), exec.number("euid")], [Some(4242), Some(0)]);
    assert!(exec.flag("secure") && exec.number("caps").is_some_and(|caps| caps != 0), "{exec:?}");
    // It gives the right up for a while, its child takes it back.
    let creds: Vec<_> = run
        .of("process", "cred")
        .filter(|event| event.text("exe") == name(&program))
        .map(|event| ["uid", "euid", "suid"].map(|of| event.number(of)))
        .collect();
    let ids = |uid, euid, suid| [Some(uid), Some(euid), Some(suid)];
    assert_eq!(creds, [ids(4242, 4242, 0), ids(4242, 0, 0)]);
}

#[test]
fn a_name_and_arguments_that_are_rewritten_stay_as_they_were() {
    let lab = Lab::new();
    let disguise = lab.tester("disguise");
    let words = [disguise.as_os_str(), "--steal".as_ref(), "everything-that-is-there".as_ref()];
    let run = lab.run(words).succeed();
    run.assert_whole();
    assert_eq!(run.stdout, b"[kworker/0:1] kworker/0:1\n", "what ps(1) would show");
    let execs: Vec<_> = run.execs_of(&disguise).collect();
    assert_eq!(execs.len(), 1);
    let expected = [name(&disguise), "--steal", "everything-that-is-there"];
    assert_eq!(execs[0].list("argv"), expected);
    let exits: Vec<_> = run.of("process", "exit").map(|event| event.text("exe")).collect();
    assert_eq!(exits, [name(&disguise); 2], "and its child's");
    assert!(!run.mentions("kworker"));
}
