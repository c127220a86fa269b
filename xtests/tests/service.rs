//! Under a service manager, a recorded service speaks to it as if it were alone (`sd_notify(3)`).
#![forbid(unsafe_code)]

use std::{
    fs,
    io::{IoSliceMut, Read},
    mem::MaybeUninit,
    os::{
        fd::OwnedFd,
        linux::net::SocketAddrExt,
        unix::net::{SocketAddr, UnixDatagram},
    },
    path::{Path, PathBuf},
    process::Command,
};

use rustix::net::{
    RecvAncillaryBuffer, RecvAncillaryMessage, RecvFlags, recvmsg, sockopt::set_socket_passcred,
};
use xtests::{Lab, wait};

/// A manager that listens, with a time limit.
struct Manager {
    socket: UnixDatagram,
    path: PathBuf,
}

/// What came to it.
struct Heard {
    text: String,
    sender: i32,
    descriptors: Vec<OwnedFd>,
}

impl Manager {
    fn new(lab: &Lab) -> Manager {
        let path = lab.work().join("manager");
        let socket = UnixDatagram::bind(&path).expect("a socket");
        socket.set_read_timeout(Some(wait::DEADLINE)).expect("a time limit");
        set_socket_passcred(&socket, true).expect("credentials");
        Manager { socket, path }
    }

    fn hear(&self) -> Heard {
        let mut room = [0; 4096];
        let mut space =
            [MaybeUninit::uninit(); rustix::cmsg_space!(ScmCredentials(1), ScmRights(8))];
        let mut control = RecvAncillaryBuffer::new(&mut space);
        let mut parts = [IoSliceMut::new(&mut room)];
        let got = recvmsg(&self.socket, &mut parts, &mut control, RecvFlags::empty())
            .expect("a message in time");
        let (mut sender, mut descriptors) = (0, Vec::new());
        for message in control.drain() {
            match message {
                RecvAncillaryMessage::ScmRights(fds) => descriptors.extend(fds),
                RecvAncillaryMessage::ScmCredentials(it) => sender = it.pid.as_raw_pid(),
                _ => {}
            }
        }
        let text = room.get(..got.bytes).expect("it fits");
        Heard { text: String::from_utf8_lossy(text).into_owned(), sender, descriptors }
    }
}

#[test]
fn what_a_service_says_comes_from_the_front_whole_and_in_order() {
    let lab = Lab::new();
    let manager = Manager::new(&lab);
    let tester = lab.tester("notifier");
    let mut running = lab
        .run([tester.as_os_str(), "talk".as_ref()])
        .env("NOTIFY_SOCKET", &manager.path)
        .start_ungated();
    let front = running.front().as_raw_pid();
    let address = running.line();
    // Who is not of the run has no say in it, whatever its user.
    let name = address.strip_prefix('@').expect("a name of the kernel's");
    let stranger = UnixDatagram::unbound().expect("a socket");
    let to = SocketAddr::from_abstract_name(name).expect("a name");
    stranger.send_to_addr(b"STATUS=forged", &to).expect("it is listened to");
    running.go();

    let ready = manager.hear();
    assert_eq!((ready.text.as_str(), ready.sender), ("READY=1\nSTATUS=up", front));
    let kept = manager.hear();
    assert_eq!((kept.text.as_str(), kept.sender), ("FDSTORE=1\nFDNAME=kept", front));
    let [pipe] = <[OwnedFd; 1]>::try_from(kept.descriptors).expect("one descriptor");
    let mut word = [0; 8];
    fs::File::from(pipe).read_exact(&mut word).expect("a pipe with a word in it");
    assert_eq!(&word, b"in store");
    let barrier = manager.hear();
    assert_eq!((barrier.text.as_str(), barrier.descriptors.len()), ("BARRIER=1", 1));
    drop(barrier);
    running.expect("passed the barrier");
    assert_eq!(manager.hear().text, "WATCHDOG=1");
    running.record().assert_whole();
}

#[test]
fn variables_for_one_process_are_for_the_command() {
    let lab = Lab::new();
    fs::write(lab.work().join("passed"), "here").expect("room");
    let tester = lab.tester("notifier");
    let recorded = pids(&lab, Some(&lab.program("audit")), &tester);
    assert_eq!(recorded, "watchdog 1 listen 1\npassed here\n");
    assert_eq!(recorded, pids(&lab, None, &tester), "the same as without us");
}

/// What the tester says of variables that a manager meant for the process it started.
fn pids(lab: &Lab, audit: Option<&Path>, tester: &Path) -> String {
    let prefix = audit.map_or(String::new(), |audit| format!("{} run --", audit.display()));
    let script = format!(
        "export WATCHDOG_PID=$$ LISTEN_PID=$$ LISTEN_FDS=1; exec {prefix} {} pids 3<passed",
        tester.display()
    );
    let mut command = Command::new("sh");
    command.args(["-c", &script]).current_dir(lab.work()).env("AUDIT_HOME", lab.home());
    let output = command.output().expect("a shell");
    assert!(output.status.success(), "{output:?}");
    String::from_utf8(output.stdout).expect("it is text")
}
