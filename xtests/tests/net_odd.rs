//! Sockets that are neither TCP nor UDP, and sockets that somebody else made.
#![forbid(unsafe_code)]

use std::{
    io::{IoSlice, Read, Write},
    mem::MaybeUninit,
    net::{SocketAddr, TcpListener, TcpStream},
    os::fd::{AsFd, OwnedFd},
    os::unix::net::UnixStream,
    process::Stdio,
    thread::JoinHandle,
};

use rustix::net::{
    AddressFamily, SendAncillaryBuffer, SendAncillaryMessage, SendFlags, SocketType, sendmsg,
    socket,
};
use xtests::{Event, Lab, Recorded, not_run};

/// Records the tester; returns what it said.
fn odd(lab: &Lab, kind: &str) -> (i64, Recorded) {
    let tester = lab.tester("odd_sockets");
    let run = lab.run([tester.as_os_str(), kind.as_ref()]).succeed();
    run.assert_whole();
    let said = String::from_utf8_lossy(&run.stdout).trim().parse().expect("a number");
    (said, run)
}

fn of_tester<'a>(run: &'a Recorded, op: &'a str) -> Vec<&'a Event> {
    let ours = |event: &&Event| {
        ["/odd_sockets", "/foreign_socket"].iter().any(|name| event.text("exe").ends_with(name))
    };
    run.of("net", op).filter(ours).collect()
}

fn one<'a>(run: &'a Recorded, op: &'a str) -> &'a Event {
    let events = of_tester(run, op);
    let [event] = events.as_slice() else { panic!("one {op}, not {events:?}") };
    event
}

fn numbers(event: &Event) -> [Option<u64>; 4] {
    ["sent_bytes", "received_bytes", "sent_packets", "received_packets"].map(|it| event.number(it))
}

#[test]
fn raw_sockets_are_recorded_with_their_peer_and_bytes() {
    let lab = Lab::new();
    let (said, run) = odd(&lab, "raw");
    assert!(said >= 0, "errno {said}");
    let made = one(&run, "socket");
    assert_eq!((made.text("proto"), made.text("sock_type")), ("icmp", "raw"), "{made:?}");
    let sent = one(&run, "send");
    assert_eq!((sent.text("proto"), sent.text("peer")), ("icmp", "127.0.0.1:0"), "{sent:?}");
    let flow = one(&run, "flow");
    assert_eq!(flow.text("peer"), "127.0.0.1:0", "{flow:?}");
    assert_eq!(flow.number("cookie"), made.number("cookie"));
    // Two requests of 64 bytes; the socket gets each request as well as its answer.
    assert_eq!(numbers(flow), [Some(128), Some(256), Some(2), Some(4)], "{flow:?}");
}

#[test]
fn ping_sockets_are_recorded_with_their_peer_and_bytes() {
    let lab = Lab::new();
    let tester = lab.tester("odd_sockets");
    let script = format!(
        "ip link set lo up; echo 0 0 >/proc/sys/net/ipv4/ping_group_range; exec {} ping",
        tester.display()
    );
    let run = lab.run(["unshare", "--net", "bash", "-ec", &script]).succeed();
    run.assert_adds_up();
    let made = one(&run, "socket");
    assert_eq!((made.text("proto"), made.text("sock_type")), ("icmp", "dgram"), "{made:?}");
    let flow = one(&run, "flow");
    assert_eq!(numbers(flow), [Some(128), Some(128), Some(2), Some(2)], "{flow:?}");
}

#[test]
fn packet_sockets_are_recorded_with_their_bytes() {
    let lab = Lab::new();
    let (said, run) = odd(&lab, "packet");
    assert!(said >= 0, "errno {said}");
    let made = one(&run, "socket");
    assert_eq!((made.text("domain"), made.text("sock_type")), ("packet", "raw"), "{made:?}");
    let flow = one(&run, "flow");
    assert_eq!(flow.text("domain"), "packet");
    assert_eq!(numbers(flow), [Some(300), Some(0), Some(3), Some(0)], "{flow:?}");
}

#[test]
fn netlink_sockets_are_one_event_for_all_that_a_process_makes_alike() {
    let lab = Lab::new();
    let (each, run) = odd(&lab, "netlink");
    let made = one(&run, "socket");
    assert_eq!((made.text("domain"), made.text("proto")), ("netlink", "route"), "{made:?}");
    assert_eq!(made.number("count"), Some(3), "{made:?}");
    let flow = one(&run, "flow");
    let sent = u64::try_from(each * 3).ok();
    assert_eq!(numbers(flow), [sent, Some(0), Some(3), Some(0)], "{flow:?}");
}

#[test]
fn vsock_connects_are_recorded_with_their_address_and_error() {
    let lab = Lab::new();
    let (said, run) = odd(&lab, "vsock");
    let made = of_tester(&run, "socket");
    if made.is_empty() {
        return not_run("vsock", "the kernel has no vsock sockets");
    }
    assert_eq!((made[0].text("domain"), made[0].text("sock_type")), ("vsock", "stream"));
    let connect = one(&run, "connect");
    assert_eq!(connect.text("address"), "2:4321", "{connect:?}");
    if said < 0 {
        // A machine without a host, with one that does not listen, with one that does not answer.
        let names = [(-19, "ENODEV"), (-104, "ECONNRESET"), (-110, "ETIMEDOUT")];
        let name = names.iter().find(|(errno, _)| *errno == said).map(|(_, name)| *name);
        assert_eq!(Some(connect.text("errno")), name, "{connect:?}");
        not_run("vsock: bytes", "nobody answers here: no loopback (VSOCKETS_LOOPBACK), no host");
    }
}

#[test]
fn sockets_of_other_families_are_recorded_when_they_are_made() {
    let lab = Lab::new();
    for kind in ["alg", "xdp"] {
        let (said, run) = odd(&lab, kind);
        if said < 0 {
            not_run(&format!("{kind} sockets"), &format!("socket(2) gives errno {}", -said));
            continue;
        }
        assert_eq!(one(&run, "socket").text("domain"), kind);
    }
}

/// A peer that is not of the run: reads 1,000 bytes, writes 500; as often as asked.
fn outsider(mut stream: TcpStream, times: usize) -> JoinHandle<()> {
    std::thread::spawn(move || {
        for _ in 0..times {
            stream.read_exact(&mut [0; 1000]).expect("1,000 bytes come");
            stream.write_all(&[0; 500]).expect("it is connected");
        }
    })
}

/// A connection that the test made: the tester's end, the other's, and their addresses.
fn connection() -> (TcpStream, TcpStream, [SocketAddr; 2]) {
    let server = TcpListener::bind("127.0.0.1:0").expect("a port");
    let address = server.local_addr().expect("it has an address");
    let ours = TcpStream::connect(address).expect("it listens");
    let (theirs, from) = server.accept().expect("a client");
    (ours, theirs, [from, address])
}

fn foreign(lab: &Lab, how: &str, stdin: impl Into<OwnedFd>) -> Recorded {
    let tester = lab.tester("foreign_socket");
    let mut run = lab.run([tester.as_os_str(), how.as_ref()]);
    run.process.stdin(Stdio::from(stdin.into()));
    let run = run.succeed();
    run.assert_whole();
    run
}

/// Its first use, and its exact bytes, by each of `processes`.
fn check_foreign(run: &Recorded, [local, peer]: [SocketAddr; 2], processes: usize) {
    for op in ["socket", "flow"] {
        let events = of_tester(run, op);
        assert_eq!(events.len(), processes, "{op}: {events:?}");
        for event in events {
            assert!(event.flag("outside"), "{event:?}");
            assert_eq!(event.text("proto"), "tcp");
            assert_eq!(event.text("local"), local.to_string());
            assert_eq!(event.text("peer"), peer.to_string());
            if op == "flow" {
                let [sent, received, calls, _] = numbers(event);
                assert_eq!((sent, received, calls), (Some(1000), Some(500), Some(4)), "{event:?}");
            }
        }
    }
}

#[test]
fn an_inherited_socket_is_recorded_with_its_ends_and_bytes() {
    let lab = Lab::new();
    let (ours, theirs, ends) = connection();
    let peer = outsider(theirs, 1);
    let run = foreign(&lab, "use", ours);
    peer.join().expect("it does not panic");
    check_foreign(&run, ends, 1);
}

#[test]
fn a_socket_that_two_processes_use_is_counted_for_each() {
    let lab = Lab::new();
    let (ours, theirs, ends) = connection();
    let peer = outsider(theirs, 2);
    let run = foreign(&lab, "share", ours);
    peer.join().expect("it does not panic");
    check_foreign(&run, ends, 2);
}

#[test]
fn a_socket_that_was_passed_is_recorded_with_its_ends_and_bytes() {
    let lab = Lab::new();
    let (ours, theirs, ends) = connection();
    let peer = outsider(theirs, 1);
    let (near, far) = UnixStream::pair().expect("a pair");
    let fds = [ours.as_fd()];
    let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(1))];
    let mut control = SendAncillaryBuffer::new(&mut space);
    assert!(control.push(SendAncillaryMessage::ScmRights(&fds)));
    let part = [IoSlice::new(b"x")];
    sendmsg(&near, &part, &mut control, SendFlags::empty()).expect("there is room");
    let run = foreign(&lab, "pass", far);
    peer.join().expect("it does not panic");
    check_foreign(&run, ends, 1);
}

#[test]
fn a_connection_taken_from_an_inherited_listener_is_recorded() {
    let lab = Lab::new();
    let server = TcpListener::bind("127.0.0.1:0").expect("a port");
    let address = server.local_addr().expect("it has an address");
    let client = TcpStream::connect(address).expect("it listens");
    let from = client.local_addr().expect("it has an address");
    let peer = outsider(client, 1);
    let run = foreign(&lab, "accept", server);
    peer.join().expect("it does not panic");
    check_foreign(&run, [address, from], 1);
}

/// A socket that the test made and did not connect.
fn unconnected(kind: SocketType) -> OwnedFd {
    socket(AddressFamily::INET, kind, None).expect("a socket")
}

/// The tester connects the socket on its standard input; returns the run and what it printed.
fn connects(lab: &Lab, how: &str, stdin: OwnedFd, to: &str, port: u16) -> (Recorded, String) {
    let tester = lab.tester("foreign_socket");
    let port = port.to_string();
    let mut run = lab.run([tester.as_os_str(), how.as_ref(), to.as_ref(), port.as_ref()]);
    run.process.stdin(Stdio::from(stdin));
    let run = run.succeed();
    run.assert_whole();
    let said = String::from_utf8_lossy(&run.stdout).trim().to_owned();
    (run, said)
}

/// The only connect: its peer, result and errno.
fn connect_of(run: &Recorded) -> [String; 3] {
    let connects = of_tester(run, "connect");
    let [event] = connects.as_slice() else { panic!("{connects:?}") };
    assert!(event.flag("outside"), "{event:?}");
    ["peer", "result", "errno"].map(|name| event.text(name).to_owned())
}

#[test]
fn connects_of_inherited_tcp_sockets_are_told_with_their_result() {
    let lab = Lab::new();
    let server = TcpListener::bind("127.0.0.1:0").expect("a port");
    let open = server.local_addr().expect("it has an address");
    let shut = TcpListener::bind("127.0.0.1:0").and_then(|it| it.local_addr()).expect("a port");
    for how in ["connect", "connect-later"] {
        let socket = unconnected(SocketType::STREAM);
        let (run, said) = connects(&lab, how, socket, "127.0.0.1", open.port());
        assert_eq!(said, "connected");
        assert_eq!(connect_of(&run), [open.to_string(), "established".into(), String::new()]);
        let flows = of_tester(&run, "flow");
        let [flow] = flows.as_slice() else { panic!("{flows:?}") };
        assert_eq!((flow.number("sent_bytes"), flow.flag("outside")), (Some(5), true));
        let socket = unconnected(SocketType::STREAM);
        let (run, said) = connects(&lab, how, socket, "127.0.0.1", shut.port());
        assert_eq!(said, "ECONNREFUSED");
        assert_eq!(connect_of(&run), [shut.to_string(), "refused".into(), said]);
    }
}

#[test]
fn a_connect_of_an_inherited_socket_that_fails_before_it_begins_is_told_without_its_peer() {
    let lab = Lab::new();
    let socket = unconnected(SocketType::STREAM);
    let (run, said) = connects(&lab, "connect", socket, "255.255.255.255", 9);
    assert_eq!(said, "ENETUNREACH");
    assert_eq!(connect_of(&run), [String::new(), "unreachable".into(), said]);
}

#[test]
fn a_connect_of_an_inherited_udp_socket_is_told_with_its_peer() {
    let lab = Lab::new();
    let (run, said) = connects(&lab, "connect", unconnected(SocketType::DGRAM), "127.0.0.1", 9);
    assert_eq!(said, "connected");
    assert_eq!(connect_of(&run), ["127.0.0.1:9".to_owned(), String::new(), String::new()]);
}
