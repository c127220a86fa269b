//! Rare before many: a secret read, a program and a connection in the middle of a flood are in the
//! record, the numbers add up, and the recorder's memory stays bounded (docs/coverage.md, Numbers).
#![forbid(unsafe_code)]

use std::{
    collections::BTreeMap,
    ffi::OsString,
    fs::{self, File, Permissions},
    net::TcpListener,
    os::unix::fs::PermissionsExt,
    path::{Path, PathBuf},
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, Ordering},
    },
    thread::JoinHandle,
    time::Duration,
};

use rustix::process::Pid;
use xtests::{Lab, Recorded, long, wait};

/// Most memory that `audit-supervisor` may have used, KiB: tables that fill up to their size as they are
/// used, windows into the rings, the kernel's types while loading.
const SUPERVISOR_KIB: u64 = 64 << 10;

/// Most memory of `audit` that does not grow with the run, KiB: a window of a second, the index.
const FRONT_KIB: u64 = 32 << 10;

/// Bytes of `audit` for each different file, or each process: their identity is kept to the end, and an event
/// of 430 bytes while its window lasts, which on a fast machine is most of a second of them.
const BYTES_EACH: u64 = 1280;

#[test]
fn a_flood_of_opens_pushes_out_nothing_rare() {
    let lab = Lab::new();
    let (files, times) = if long() { (200_000, 1_000_000) } else { (20_000, 100_000) };
    for number in 0..files {
        File::create_new(lab.work().join(format!("f{number:06}"))).expect("a new file");
    }
    let work = lab.work();
    let (run, most) = flooded(
        &lab,
        ["opens".into(), work.clone().into(), files.to_string().into(), times.to_string().into()],
    );
    // Every open is in a count, or is lost and told.
    let opens = run.tally("opens");
    assert!(opens.seen > times, "{opens:?}");
    // Opened and closed: `open` where it is certain that nothing was read.
    let mut told: BTreeMap<Vec<u8>, u64> = run.paths_below("open", &work);
    for (path, times) in run.paths_below("read", &work) {
        *told.entry(path).or_default() += times;
    }
    told.retain(|path, _| {
        path.rsplit(|byte| *byte == b'/').next().is_some_and(|name| name.starts_with(b"f"))
    });
    let sum: u64 = told.values().sum();
    assert_eq!(told.len() as u64, files, "different files");
    assert!(
        sum <= times && sum + opens.lost >= times,
        "{sum} told, {} lost of {times}",
        opens.lost
    );
    assert_bounded(most, files);
}

#[test]
fn a_flood_of_denied_opens_is_counted_and_its_first_names_are_told() {
    let lab = Lab::new();
    let names: u64 = if long() { 1_000_000 } else { 20_000 };
    let shut = lab.root().join("shut");
    fs::create_dir(&shut).expect("a new directory");
    fs::set_permissions(&shut, Permissions::from_mode(0o700)).expect("ours");
    let (run, most) =
        flooded(&lab, ["denied".into(), shut.clone().into(), names.to_string().into()]);
    let shut = shut.to_str().expect("text");
    let told: Vec<_> = run
        .of("file", "open_failed")
        .filter(|it| it.text("path_claimed").starts_with(shut))
        .collect();
    assert!(told.iter().all(|event| event.text("errno") == "EACCES"));
    let sum: u64 = told.iter().map(|event| event.count()).sum();
    let lost = run.tally("calls").lost;
    assert!(sum <= names && sum + lost >= names, "{sum} told, {lost} lost of {names}");
    let [first, ..] = told.as_slice() else { panic!("none") };
    assert_eq!((first.text("path_claimed"), first.count()), (&*format!("{shut}/f000000"), 1));
    assert!(!first.flag("other_names"), "{first:?}");
    // A window of a second has 64 names and one event for all others.
    let crowds: Vec<_> = told.iter().filter(|event| event.flag("other_names")).collect();
    assert!(!crowds.is_empty() && told.len() <= 65 * crowds.len() + 64, "{}", told.len());
    let segments = fs::read_dir(run.dir.join("segments")).expect("a record");
    let bytes: u64 =
        segments.map(|it| it.and_then(|it| it.metadata()).expect("a segment").len()).sum();
    eprintln!("{names} denied: {} events, {bytes} bytes of segments, {lost} lost", told.len());
    assert!(bytes < 8 << 20, "{bytes}");
    assert_bounded(most, 0);
}

#[test]
fn a_storm_of_forks_pushes_out_nothing_rare() {
    let lab = Lab::new();
    let processes: u64 = if long() { 200_000 } else { 20_000 };
    let (run, most) = flooded(&lab, ["forks".into(), "8".into(), processes.to_string().into()]);
    let process = run.tally("process");
    assert!(process.seen >= 2 * processes, "a fork and an exit of each: {process:?}");
    let told = run.number_of("process", "fork") as u64;
    assert!(told + process.lost >= processes, "{told} forks told, {} records lost", process.lost);
    assert_bounded(most, processes);
}

/// Memory at its peak, KiB.
#[derive(Debug, Clone, Copy, Default)]
struct Most {
    supervisor: u64,
    front: u64,
}

fn assert_bounded(most: Most, things: u64) {
    eprintln!("at most {} KiB in audit-supervisor, {} KiB in audit", most.supervisor, most.front);
    assert!(most.supervisor <= SUPERVISOR_KIB, "{most:?}");
    assert!(most.front <= FRONT_KIB + things * BYTES_EACH / 1024, "{most:?}");
}

/// Records a flood with the rare ones in its middle and holds them to be in the record.
fn flooded<const N: usize>(lab: &Lab, what: [OsString; N]) -> (Recorded, Most) {
    let secret = lab.root().join("secret");
    fs::write(&secret, "secret").expect("room");
    let server = TcpListener::bind("127.0.0.1:0").expect("a port");
    let address = server.local_addr().expect("it has an address");
    let mut command: Vec<OsString> = vec![lab.tester("flood").into()];
    command.extend(what);
    command.extend([
        secret.clone().into(),
        lab.nothing().into(),
        address.port().to_string().into(),
    ]);
    let running = lab.run(command).start_ungated();
    wait::until("a run", || (!lab.runs().is_empty()).then_some(()));
    let watch = Watch::begin(running.supervisor(), running.front());
    let run = running.record();
    let most = watch.end();
    assert!(run.status.success(), "{}: {}", run.status, run.errors());
    run.assert_adds_up();
    check_rare(&run, &secret, &lab.nothing(), &address.to_string());
    (run, most)
}

fn check_rare(run: &Recorded, secret: &Path, program: &Path, peer: &str) {
    let reads: Vec<_> = run.at("read", secret).collect();
    assert_eq!(reads.len(), 1, "reads of the secret: {:?}", run.losses());
    assert!(reads.iter().all(|read| read.text("exe").ends_with("/flood")), "{reads:?}");
    let execs: Vec<_> = run.execs_of(program).map(|exec| exec.list("argv").len()).collect();
    assert_eq!(execs, [2], "the program and its argument: {:?}", run.losses());
    let connects: Vec<_> =
        run.of("net", "connect").map(|e| (e.text("peer"), e.text("result"))).collect();
    assert_eq!(connects, [(peer, "established")], "{:?}", run.losses());
}

/// Looks at the peak of two processes again and again, until they are gone.
struct Watch {
    over: Arc<AtomicBool>,
    most: Arc<Mutex<Most>>,
    thread: JoinHandle<()>,
}

impl Watch {
    fn begin(supervisor: Pid, front: Pid) -> Watch {
        let (over, most) =
            (Arc::new(AtomicBool::new(false)), Arc::new(Mutex::new(Most::default())));
        let (ended, found) = (Arc::clone(&over), Arc::clone(&most));
        let thread = std::thread::spawn(move || {
            while !ended.load(Ordering::Relaxed) {
                let mut most = found.lock().expect("nobody panics with it");
                most.supervisor = most.supervisor.max(peak(supervisor));
                most.front = most.front.max(peak(front));
                drop(most);
                // How often only decides how close to the end the last look is: peaks do not go down.
                std::thread::sleep(Duration::from_millis(5));
            }
        });
        Watch { over, most, thread }
    }

    fn end(self) -> Most {
        self.over.store(true, Ordering::Relaxed);
        self.thread.join().expect("it does not panic");
        let most = *self.most.lock().expect("nobody panics with it");
        assert!(most.supervisor > 0 && most.front > 0, "{most:?}");
        most
    }
}

/// `VmHWM` of a process, KiB; 0 when it is gone.
fn peak(pid: Pid) -> u64 {
    let path = PathBuf::from(format!("/proc/{}/status", pid.as_raw_pid()));
    let status = fs::read_to_string(path).unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    line.and_then(|rest| rest.split_whitespace().next()?.parse().ok()).unwrap_or(0)
}
