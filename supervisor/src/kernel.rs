//! Claims about the recorder that only a real kernel can answer. They need root.

use std::{
    fs,
    io::Write,
    ops::ControlFlow,
    os::fd::{AsFd, OwnedFd},
    process::{Child, Command, Stdio},
    rc::Rc,
    time::Duration,
};

use event::{frame::control::Ending, protocol::Begin};
use rustix::{
    fs::{AtFlags, Mode, OFlags},
    process::{Pid, PidfdFlags, pidfd_open},
};

use crate::{
    cgroup::{Leaf, Parent},
    clock, marking,
    queues::Queues,
    recorder::{Asked, Recorder},
    segment::Writer,
    sensors::Sensors,
    sys::counting,
    window::Window,
};

fn settings(name: &str) -> Begin {
    let mut run = [0; 64];
    for (place, byte) in run.iter_mut().zip(name.bytes()) {
        *place = byte;
    }
    Begin {
        linger_ms: 10_000,
        segment_bytes: 64 << 20,
        run,
        ring_kib: [0; 3],
        without: 0,
        trust: 2,
        failed_opens: 0,
        heartbeat_ms: 10_000,
        pad: 0,
        redaction: [0; 32],
    }
}

/// A shell that waits for a line before it does `job`.
fn waiting(job: &str) -> Child {
    Command::new("/bin/sh")
        .args(["-c", &format!("read go; {job}")])
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .spawn()
        .expect("a shell starts")
}

fn open_dir(path: &std::path::Path) -> OwnedFd {
    rustix::fs::open(path, OFlags::DIRECTORY | OFlags::CLOEXEC, Mode::empty()).expect("it opens")
}

/// A recorder with everything on, whose command is `child`.
fn recorder(child: &Child, name: &str, dir: &std::path::Path) -> Recorder {
    let settings = settings(name);
    let leaf = Leaf::create(
        Parent::find().expect("a cgroup"),
        &format!("audit-test-{name}-{}", child.id()),
    )
    .expect("a leaf");
    let writer = Writer::create(open_dir(dir), &settings, clock::boot_ns()).expect("a writer");
    let (sensors, refused) = Sensors::load(&settings, None, &leaf).expect("the programs load");
    assert!(refused.is_empty(), "{refused:?}");
    let procs = rustix::fs::openat(leaf.as_fd(), "cgroup.procs", OFlags::WRONLY, Mode::empty());
    let pid = child.id();
    fs::File::from(procs.expect("it opens")).write_all(pid.to_string().as_bytes()).expect("moved");
    let queues = Queues::new(sensors, writer, true);
    let mut recorder =
        Recorder::new(leaf, queues, Duration::from_secs(10), 10_000).expect("a recorder");
    let Queues { sensors, writer, processes, .. } = &mut recorder.queues;
    let members = &mut processes.members;
    let monitor = marking::mark(pid, false, writer, sensors, members, Rc::new(fsmon::Own));
    let monitor = monitor.expect("marks");
    recorder.add_files(monitor, pid, false).expect("registered");
    let target = Pid::from_raw(pid.cast_signed()).expect("a pid");
    let pidfd = pidfd_open(target, PidfdFlags::empty()).expect("a pidfd");
    recorder.add_command(pid, 2, pidfd).expect("registered");
    recorder
}

#[test]
fn no_record_on_its_way_asks_for_memory() {
    let dir = tempfile::tempdir().expect("a directory");
    let work = tempfile::tempdir().expect("a directory");
    let job = format!(
        "cd {}; i=0; while [ $i -lt 300 ]; do /bin/echo $i > f$i; cat f$i f0; rm f$i; i=$((i+1)); done",
        work.path().display()
    );
    let mut child = waiting(&job);
    let mut recorder = recorder(&child, "allocation", dir.path());
    // Checkpoints may allocate: out of the way.
    recorder.window = Window::first(u64::MAX, 0);
    child.stdin.take().expect("piped").write_all(b"go\n").expect("it reads");

    // The first turn looks at everything once, mounts too.
    let _ = recorder.turn(|_| Asked::GoOn).expect("the loop turns");
    let before = counting::asked();
    let ending = loop {
        let turned = recorder.turn(|_| Asked::GoOn).expect("the loop turns");
        if let ControlFlow::Break(ending) = turned {
            break ending;
        }
        // The shell is our child here: it stays a zombie in the leaf's count until it is waited for.
        let _ = child.try_wait();
    };
    let asked = counting::asked() - before;
    recorder.queues.drain_all();
    child.wait().expect("it ended");

    assert_eq!(ending, Ending::Empty);
    let account = recorder.queues.writer.account();
    let execs = account.stored(event::wire::Kind::Exec as u32).frames;
    let files = account.stored(event::frame::control::TALLY_ACCESS).happened;
    let names = account.stored(event::frame::control::TALLY_NAMES).frames;
    assert!(execs >= 900, "{execs} execs");
    // fanotify merges the creation and removal of one file into one record.
    assert!(files >= 900 && names >= 300, "{files} accesses, {names} names");
    assert_eq!(asked, 0, "allocations for {} records", execs + files + names);
}

#[test]
fn a_leaf_whose_recorder_is_gone_is_removed_by_the_next_and_no_other() {
    let name = |which: &str| format!("audit-test-{which}-{}", std::process::id());
    let parent = || Parent::find().expect("a cgroup");
    let alive = Leaf::create(parent(), &name("alive")).expect("a leaf");
    let (place, _) = alive.place();
    // As a recorder leaves it that is killed right after it made it: nobody holds the lock.
    for which in ["dead", "young"] {
        rustix::fs::mkdirat(place, name(which), Mode::from_raw_mode(0o755)).expect("root may");
    }
    let hour = rustix::fs::Timespec { tv_sec: clock::real_ns() / 1_000_000_000 - 3600, tv_nsec: 0 };
    let old = rustix::fs::Timestamps { last_access: hour, last_modification: hour };
    for which in ["dead", "alive"] {
        rustix::fs::utimensat(place, name(which), &old, AtFlags::empty()).expect("ours");
    }
    let next = Leaf::create(parent(), &name("next")).expect("a leaf");
    let exists =
        |which: &str| rustix::fs::statat(place, name(which), AtFlags::SYMLINK_NOFOLLOW).is_ok();
    let there = ["alive", "dead", "young", "next"].map(exists);
    rustix::fs::unlinkat(place, name("young"), AtFlags::REMOVEDIR).expect("nobody is in it");
    assert_eq!(there, [true, false, true, true]);
    drop(next);
}
