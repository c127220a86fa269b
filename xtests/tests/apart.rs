//! Each record holds its own events and nothing of anybody else's.
#![forbid(unsafe_code)]

use std::{
    collections::BTreeSet,
    fs::{self, File},
    net::{SocketAddr, TcpListener, TcpStream},
    path::Path,
    process::{Command, Stdio},
};

use rustix::process::{Pid, Signal, kill_process};
use xtests::{Lab, Recorded, Running};

const FILES: u32 = 200;

#[test]
fn what_others_do_meanwhile_is_not_in_the_record() {
    let lab = Lab::new();
    let (own, other) = (files(&lab, "own"), files(&lab, "other"));
    let outside = Outside::new();
    let mut running = lab.run(opener(&lab, &own)).start();
    running.expect("ready");
    let pids = outside.act(&other, &running);
    running.go();
    running.expect("done");
    outside.act(&other, &running);
    running.go();
    let run = running.record();
    run.assert_whole();
    assert_eq!(run.paths_below("open", &own).len() as u32, FILES, "own files");
    check_absent(&run, &other, &pids);
    assert_eq!(run.number_of("net", ""), 0, "the run used no network");
    assert!(!run.mentions(&format!("127.0.0.1:{}", outside.address.port())), "an outsider's port");
}

#[test]
fn two_runs_at_once_hold_their_own_events() {
    let lab = Lab::new();
    let (one, two) = (files(&lab, "one"), files(&lab, "two"));
    let mut first = lab.run(opener(&lab, &one)).with(["--name", "first"]).start();
    first.expect("ready");
    let first_dir = first.dir();
    let mut second = lab.run(opener(&lab, &two)).with(["--name", "second"]).start();
    second.expect("ready");
    // Both work at the same time.
    first.go();
    second.go();
    first.expect("done");
    second.expect("done");
    second.go();
    let second = second.record();
    first.go();
    let first = first.record_in(&first_dir);
    for (run, own, other) in [(&first, &one, &two), (&second, &two, &one)] {
        assert!(run.status.success(), "{}", run.errors());
        run.assert_whole();
        assert_eq!(run.paths_below("open", own).len() as u32, FILES, "own files of {}", run.id());
        assert_eq!(run.paths_below("open", other).len(), 0, "files of the other in {}", run.id());
    }
    let pids = |run: &Recorded| -> BTreeSet<u64> {
        run.events.iter().filter_map(|event| event.number("pid")).collect()
    };
    let both: Vec<_> = pids(&first).intersection(&pids(&second)).copied().collect();
    assert_eq!(both, Vec::<u64>::new(), "processes in both records");
}

#[test]
fn a_run_inside_a_run_is_in_both_records_and_the_outer_one_has_more() {
    let lab = Lab::new();
    let (outer_files, inner_files) = (files(&lab, "outer"), files(&lab, "inner"));
    let inner_home = lab.root().join("inner-home");
    let script = format!(
        "cat {0}/f000000; {1} --home {2} run -- {3} {4} {FILES} 1; cat {0}/f000001",
        outer_files.display(),
        lab.program("audit").display(),
        inner_home.display(),
        lab.program("opener").display(),
        inner_files.display(),
    );
    let outer = lab.run(["sh", "-c", &script]).succeed();
    outer.assert_whole();
    let inner = only_run(&lab, &inner_home);
    inner.assert_whole();
    let count = |run: &Recorded, dir: &Path| run.paths_below("open", dir).len() as u32;
    assert_eq!(count(&inner, &inner_files), FILES, "inner files in the inner record");
    assert_eq!(count(&inner, &outer_files), 0, "outer files in the inner record");
    assert_eq!(count(&outer, &inner_files), FILES, "inner files in the outer record");
    assert_eq!(count(&outer, &outer_files), 2, "outer files in the outer record");
    let opener = lab.program("opener");
    assert_eq!(inner.execs_of(&opener).count(), 1, "the command in the inner record");
    assert_eq!(outer.execs_of(&opener).count(), 1, "the command in the outer record");
    assert_eq!(inner.execs_of(&lab.program("audit")).count(), 0, "no recorder in its own record");
}

#[test]
fn a_command_of_another_user_is_recorded_whole_and_runs_as_that_user() {
    let lab = Lab::new();
    let own = files(&lab, "own");
    for (user, uid) in [("4242", 4242), ("nobody", uid_of("nobody"))] {
        let run = lab.run(opener(&lab, &own)).with(["--user", user]).succeed();
        run.assert_whole();
        let exec = run.execs_of(&lab.program("opener")).next().expect("it was executed");
        for name in ["uid", "euid"] {
            assert_eq!(exec.number(name), Some(uid), "{name} of {exec:?}");
        }
        assert_eq!(exec.number("caps").unwrap_or(0), 0, "an ordinary user's rights: {exec:?}");
        assert_eq!(run.paths_below("open", &own).len() as u32, FILES, "files read as {user}");
        for event in run.of("file", "open").filter(|event| event.text("path").contains("/own/")) {
            assert_eq!(event.number("uid"), Some(uid), "{event:?}");
        }
    }
}

#[test]
fn both_layouts_of_cgroups_give_the_same_record() {
    let lab = Lab::new();
    let own = files(&lab, "own");
    // In mount namespaces of their own: one with v1 controllers beside v2, one with v2 alone.
    let hybrid = "mount -t tmpfs none /sys/fs/cgroup && mkdir /sys/fs/cgroup/unified && \
                  mount -t cgroup2 none /sys/fs/cgroup/unified && mkdir /sys/fs/cgroup/named && \
                  mount -t cgroup -o none,name=audit-xtests none /sys/fs/cgroup/named";
    let pure = "mount -t cgroup2 none /sys/fs/cgroup";
    for (layout, script) in [("hybrid", hybrid), ("pure", pure)] {
        let before = lab.runs();
        let mut words = vec![lab.program("audit").into_os_string(), "run".into()];
        words.extend(opener(&lab, &own));
        let script = format!("umount -R /sys/fs/cgroup; {script} && exec \"$@\"");
        let done = Command::new("unshare")
            .args(["--mount", "--propagation", "private", "sh", "-ec", &script, "sh"])
            .args(words)
            .env("AUDIT_HOME", lab.home())
            .stdin(Stdio::null())
            .output()
            .expect("unshare starts");
        let errors = String::from_utf8_lossy(&done.stderr).into_owned();
        assert!(done.status.success(), "{layout}: {}: {errors}", done.status);
        let mut new = lab.runs();
        new.retain(|dir| !before.contains(dir));
        let [dir] = new.as_slice() else { panic!("{layout}: {} new runs: {errors}", new.len()) };
        let run = Recorded::read(dir, done.status, done.stdout, done.stderr);
        run.assert_whole();
        assert_eq!(run.paths_below("open", &own).len() as u32, FILES, "{layout}: own files");
        assert_eq!(run.execs_of(&lab.program("opener")).count(), 1, "{layout}: the command");
    }
}

/// Somebody else on this machine: a process outside of the run, and this very test.
struct Outside {
    server: TcpListener,
    address: SocketAddr,
}

impl Outside {
    fn new() -> Outside {
        let server = TcpListener::bind("127.0.0.1:0").expect("a port");
        let address = server.local_addr().expect("it has an address");
        Outside { server, address }
    }

    /// Reads, makes and removes files, connects and starts a program; returns whose pids that were.
    fn act(&self, dir: &Path, running: &Running<'_>) -> BTreeSet<u64> {
        for number in 0..FILES {
            fs::read(dir.join(format!("f{number:06}"))).expect("it is there");
        }
        let name = dir.join("outsider");
        fs::write(&name, "x").and_then(|()| fs::remove_file(&name)).expect("room");
        let client = TcpStream::connect(self.address).expect("it listens");
        drop((self.server.accept().expect("a client"), client));
        let mut child = Command::new("cat")
            .arg(dir.join("f000000"))
            .stdout(Stdio::null())
            .spawn()
            .expect("cat starts");
        let pid = u64::from(child.id());
        assert!(child.wait().expect("it is ours").success());
        // The recorder and the front are outsiders too: they do a lot and are not asked about.
        let of_audit = [running.front(), running.supervisor()].map(Pid::as_raw_pid);
        let own = u64::from(std::process::id());
        of_audit.iter().map(|pid| u64::from(pid.cast_unsigned())).chain([pid, own]).collect()
    }
}

fn check_absent(run: &Recorded, dir: &Path, pids: &BTreeSet<u64>) {
    let about = |event: &&xtests::Event| {
        let by = event.number("pid").is_some_and(|pid| pids.contains(&pid));
        // The first process of the run is forked by the front: that is how the run begins.
        let first = event.is("process", "fork") || event.kind() == "start" || event.kind() == "end";
        by && !first
    };
    let foreign: Vec<_> = run.events.iter().filter(about).collect();
    assert!(foreign.is_empty(), "{} events of others: {:?}", foreign.len(), foreign.first());
    let dir = dir.to_str().expect("a plain path");
    assert!(!run.mentions(dir), "files of others are named in the record");
}

fn files(lab: &Lab, name: &str) -> std::path::PathBuf {
    let dir = lab.work().join(name);
    fs::create_dir(&dir).expect("room");
    for number in 0..FILES {
        File::create_new(dir.join(format!("f{number:06}"))).expect("a new file");
    }
    dir
}

fn opener(lab: &Lab, dir: &Path) -> Vec<std::ffi::OsString> {
    vec![lab.program("opener").into(), dir.into(), FILES.to_string().into(), "1".into()]
}

fn only_run(lab: &Lab, home: &Path) -> Recorded {
    let dirs: Vec<_> = fs::read_dir(home.join("runs"))
        .expect("a store")
        .filter_map(|entry| Some(entry.ok()?.path()))
        .filter(|path| path.is_dir())
        .collect();
    let [dir] = dirs.as_slice() else { panic!("{} runs in {}", dirs.len(), home.display()) };
    // Its own `audit` has derived already; nothing more is asked here.
    let done = Command::new(lab.nothing()).output().expect("it starts");
    Recorded::read(dir, done.status, Vec::new(), Vec::new())
}

fn uid_of(user: &str) -> u64 {
    let said = Command::new("id").args(["-u", user]).output().expect("id starts");
    String::from_utf8_lossy(&said.stdout).trim().parse().expect("a uid")
}

#[test]
fn signals_to_a_run_reach_nobody_else() {
    let lab = Lab::new();
    let mut bystander = Command::new("sleep").arg("1000").spawn().expect("sleep starts");
    // A command that cannot end by itself before the signal comes.
    let mut running = lab.run(["sh", "-c", "echo ready; exec sleep 1000"]).start_ungated();
    running.expect("ready");
    running.signal(Signal::TERM);
    let run = running.record();
    assert!(!run.status.success(), "it was ended");
    let alive = matches!(bystander.try_wait(), Ok(None));
    kill_process(Pid::from_child(&bystander), Signal::KILL).expect("it is ours");
    bystander.wait().expect("it is ours");
    assert!(alive, "another process of the same group was ended too");
}
