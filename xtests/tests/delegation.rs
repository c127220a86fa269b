//! Work that is handed to others, and leaving: told, named, and said at the end of the record
//! (docs/events.md, `delegation`).
#![forbid(unsafe_code)]

use std::{
    fs,
    os::unix::{fs::DirBuilderExt, net::UnixListener},
    path::{Path, PathBuf},
};

use xtests::{Event, Lab, Recorded, not_run};

/// Through what the run says it may have had effects outside: in its last event, in meta.json, on
/// the page, in the summary.
fn outside(lab: &Lab, run: &Recorded) -> Vec<String> {
    let end = run.of("end", "").next().expect("the record has an end");
    let names: Vec<String> = end.list("effects_outside").into_iter().map(str::to_owned).collect();
    let meta = run.meta.get("effects_outside").and_then(|list| list.as_array());
    assert_eq!(meta.map_or(0, Vec::len), names.len(), "meta.json: {:?}", run.meta);
    let said = format!("effects outside this run possible: {}", names.join(", "));
    let page = lab.told(["view", run.id()]);
    assert_eq!(page.contains(&said), !names.is_empty(), "{page}");
    assert_eq!(run.errors().contains(&said), !names.is_empty(), "{}", run.errors());
    names
}

/// Records a command whose summary is printed in any case.
fn record(lab: &Lab, words: &[&str]) -> Recorded {
    lab.run(words).with(["--summary", "always"]).succeed()
}

fn delegations(run: &Recorded) -> Vec<&Event> {
    run.of("delegation", "").collect()
}

/// A socket with a famous name, if nobody has it, gone when dropped.
struct Famous {
    path: PathBuf,
    /// Directories that were made for it, the innermost last.
    made: Vec<PathBuf>,
    _listener: UnixListener,
}

impl Famous {
    fn bind(path: &str) -> Option<Famous> {
        let path = PathBuf::from(path);
        if path.exists() {
            return None;
        }
        let missing = path.ancestors().skip(1).take_while(|dir| !dir.exists());
        let mut made: Vec<PathBuf> = missing.map(Path::to_owned).collect();
        made.reverse();
        for dir in &made {
            fs::DirBuilder::new().mode(0o700).create(dir).expect("root may");
        }
        let listener = UnixListener::bind(&path).expect("a socket");
        Some(Famous { path, made, _listener: listener })
    }
}

impl Drop for Famous {
    fn drop(&mut self) {
        let _ = fs::remove_file(&self.path);
        for dir in self.made.iter().rev() {
            let _ = fs::remove_dir(dir);
        }
    }
}

#[test]
fn sockets_of_brokers_are_named_by_their_paths() {
    let lab = Lab::new();
    let tester = lab.tester("unix");
    let tester = tester.to_str().expect("text");
    for (path, broker) in [
        ("/run/docker.sock", "docker"),
        ("/run/containerd/containerd.sock", "containerd"),
        ("/run/podman/podman.sock", "podman"),
        ("/run/dbus/system_bus_socket", "dbus"),
        ("/run/user/4242/bus", "dbus"),
        ("/run/systemd/private", "systemd"),
        ("/tmp/tmux-0/calls-test", "tmux"),
        ("/run/screen/S-calls/1.test", "screen"),
        ("/run/user/4242/gnupg/S.gpg-agent", "gpg-agent"),
        ("/tmp/ssh-calls-test/agent.1", "ssh-agent"),
        ("/run/snapd.socket", "snapd"),
        ("/run/libvirt/libvirt-sock", "libvirt"),
    ] {
        let Some(famous) = Famous::bind(path) else {
            not_run(&format!("the socket of {broker}"), &format!("{path} is there already"));
            continue;
        };
        let run = record(&lab, &[tester, "connect", "stream", path]);
        drop(famous);
        run.assert_whole();
        let found = delegations(&run);
        let [told] = found.as_slice() else { panic!("{path}: {found:?}") };
        assert_eq!((told.text("broker"), told.text("how")), (broker, "path"), "{told:?}");
        assert_eq!(told.text("path"), path, "{told:?}");
        assert_eq!(told.number("peer_pid"), Some(std::process::id().into()), "{told:?}");
        let evidence = run.events.iter().find(|it| it.number("seq") == told.number("evidence"));
        assert!(evidence.is_some_and(|it| it.is("unix", "connect")), "{evidence:?}");
        assert_eq!(outside(&lab, &run), [broker]);
    }
}

#[test]
fn a_server_of_the_run_itself_is_no_delegation() {
    let lab = Lab::new();
    let path = "/tmp/tmux-0/calls-inside";
    let Some(famous) = Famous::bind(path) else { panic!("{path} is there") };
    fs::remove_file(path).expect("ours");
    let tester = lab.tester("unix");
    let run = record(&lab, &[tester.to_str().expect("text"), "both", "stream", path]);
    drop(famous);
    assert_eq!(delegations(&run).len(), 0);
    assert_eq!(outside(&lab, &run), Vec::<String>::new());
}

#[test]
fn each_broker_is_told_once_for_each_process() {
    let lab = Lab::new();
    let Some(famous) = Famous::bind("/tmp/ssh-calls-twice/agent.1") else { panic!("it is there") };
    let tester = lab.tester("unix");
    let tester = tester.to_str().expect("text");
    let path = famous.path.to_str().expect("text");
    let script = format!("{tester} connect stream {path}; {tester} connect stream {path}");
    let run = record(&lab, &["sh", "-c", &script]);
    assert_eq!(run.number_of("unix", "connect"), 2);
    assert_eq!(delegations(&run).len(), 2, "two processes");
    assert_eq!(outside(&lab, &run), ["ssh-agent"]);
}

#[test]
fn files_from_which_others_take_orders_are_told() {
    let lab = Lab::new();
    for (dir, broker) in
        [("/etc/cron.d", "cron"), ("/var/spool/at", "at"), ("/run/systemd/transient", "systemd")]
    {
        let made = !Path::new(dir).exists();
        fs::create_dir_all(dir).expect("root may");
        let file = format!("{dir}/calls-test");
        let run = record(&lab, &["sh", "-c", &format!("echo '# nothing' > {file}; rm {file}")]);
        if made {
            let _ = fs::remove_dir(dir);
        }
        let found = delegations(&run);
        let [told] = found.as_slice() else { panic!("{file}: {found:?}") };
        assert_eq!((told.text("broker"), told.text("how")), (broker, "file"));
        assert_eq!(told.text("path"), file);
        assert_eq!(outside(&lab, &run), [broker]);
    }
}

#[test]
fn the_port_of_ssh_on_this_machine_is_told() {
    let lab = Lab::new();
    let run = record(&lab, &[lab.tester("unix").to_str().expect("text"), "ssh"]);
    let found = delegations(&run);
    let [told] = found.as_slice() else { panic!("{found:?}") };
    assert_eq!((told.text("broker"), told.text("how")), ("ssh", "port"));
    assert_eq!(outside(&lab, &run), ["ssh"]);
}

/// Mount point of the unified hierarchy.
const ROOT: &str =
    "root=$(awk '$9 == \"cgroup2\" || / - cgroup2 / {print $5; exit}' /proc/self/mountinfo)";

#[test]
fn leaving_the_cgroup_is_said_at_the_end() {
    let lab = Lab::new();
    let run = record(&lab, &["sh", "-c", &format!("{ROOT}; echo $$ > $root/cgroup.procs")]);
    assert_eq!(run.number_of("process", "left"), 1);
    assert_eq!(outside(&lab, &run), ["another cgroup"]);
}

#[test]
fn a_cgroup_made_below_is_told_and_its_processes_are_of_the_run() {
    let lab = Lab::new();
    let own = "own=$root$(sed -n 's/^0:://p' /proc/self/cgroup)";
    let go = "mkdir $own/below; echo $$ > $own/below/cgroup.procs; /bin/true";
    let back = "echo $$ > $own/cgroup.procs; rmdir $own/below";
    let run = record(&lab, &["sh", "-ec", &format!("{ROOT}; {own}; {go}; {back}")]);
    let made: Vec<_> = run.of("call", "").filter(|it| it.text("name") == "cgroup_mkdir").collect();
    let [made] = made.as_slice() else { panic!("{made:?}") };
    assert!(made.text("cgroup").ends_with("/below"), "{made:?}");
    assert!(made.number("cgroup_id").is_some_and(|id| id > 0), "{made:?}");
    assert_eq!(run.number_of("process", "left"), 0, "it is below the run's own");
    let below = run.of("exec", "").filter(|it| it.text("exe").ends_with("/true"));
    assert_eq!(below.count(), 1);
    assert_eq!(outside(&lab, &run), Vec::<String>::new());
}

#[test]
fn memory_of_a_stranger_written_through_proc_is_said() {
    let lab = Lab::new();
    let mut stranger = std::process::Command::new("sleep").arg("600").spawn().expect("it starts");
    let script = format!("exec 3<>/proc/{}/mem; exec 3>&-", stranger.id());
    let run = record(&lab, &["bash", "-c", &script]);
    let _ = stranger.kill();
    let _ = stranger.wait();
    assert_eq!(outside(&lab, &run), ["/proc/PID/mem"]);
}
