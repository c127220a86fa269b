//! Roads of TCP and UDP: how connects end, sockets that are bound and listen.
#![forbid(unsafe_code)]

use std::net::{SocketAddr, TcpListener};

use rustix::process::{Pid, Signal, kill_process};
use xtests::{Event, Lab, Recorded};

/// A link whose other end answers nobody: `10.66.0.9` is silent, `10.66.0.77` has no hardware address.
const SILENT: &str = "ip link set lo up; ip link add v0 type veth peer name v1
    ip addr add 10.66.0.1/24 dev v0; ip link set v0 up; ip link set v1 up
    ip neigh add 10.66.0.9 lladdr 02:00:00:00:00:09 dev v0
    echo 1 >/proc/sys/net/ipv4/tcp_syn_retries";

/// Longer than the kernel looks for the hardware address of a neighbour (3 s).
const PATIENT: &str = "echo 6 >/proc/sys/net/ipv4/tcp_syn_retries";

/// Records the tester; returns what it said, and the record.
fn connects(lab: &Lab, how: &str, to: SocketAddr) -> (String, Recorded) {
    let (ip, port) = (to.ip().to_string(), to.port().to_string());
    let run =
        lab.run([lab.tester("connects").as_os_str(), how.as_ref(), ip.as_ref(), port.as_ref()]);
    let run = run.succeed();
    run.assert_whole();
    (String::from_utf8_lossy(&run.stdout).trim().to_owned(), run)
}

/// Records the tester in a network namespace of its own with the silent link.
fn connects_in_silence(lab: &Lab, how: &str, ip: &str, port: u16) -> (String, Recorded) {
    let tester = lab.tester("connects");
    in_silence(lab, &format!("exec {} {how} {ip} {port}", tester.display()))
}

fn in_silence(lab: &Lab, script: &str) -> (String, Recorded) {
    let script = format!("{SILENT}\n{script}");
    let run = lab.run(["unshare", "--net", "bash", "-ec", &script]).succeed();
    run.assert_adds_up();
    (String::from_utf8_lossy(&run.stdout).trim().to_owned(), run)
}

fn of_tester<'a>(run: &'a Recorded, op: &'a str) -> Vec<&'a Event> {
    run.of("net", op).filter(|event| event.text("exe").ends_with("/connects")).collect()
}

/// The one connect and the one flow with `peer`: their results and errno.
fn results<'r>(run: &'r Recorded, peer: &str) -> [(String, Option<&'r str>); 2] {
    ["connect", "flow"].map(|op| {
        let events = of_tester(run, op);
        let [event] = events.as_slice() else { panic!("one {op}, not {events:?}") };
        assert_eq!(event.text("peer"), peer, "{event:?}");
        (event.text("result").to_owned(), error(event))
    })
}

fn check(run: &Recorded, peer: &str, result: &str, errno: Option<&str>) {
    let expected = (result.to_owned(), errno);
    assert_eq!(results(run, peer), [expected.clone(), expected]);
}

fn error(event: &Event) -> Option<&str> {
    Some(event.text("errno")).filter(|name| !name.is_empty())
}

/// An address where nobody listens.
fn closed(address: &str) -> SocketAddr {
    let server = TcpListener::bind(address).expect("a port");
    server.local_addr().expect("it has an address")
}

#[test]
fn connects_that_succeed_say_so_blocking_or_not() {
    let lab = Lab::new();
    for (address, how) in [("127.0.0.1:0", "block"), ("127.0.0.1:0", "wait"), ("[::1]:0", "wait")] {
        let server = TcpListener::bind(address).expect("a port");
        let to = server.local_addr().expect("it has an address");
        let (said, run) = connects(&lab, how, to);
        assert_eq!(said, "0");
        check(&run, &to.to_string(), "established", None);
    }
}

#[test]
fn refused_connects_say_so_blocking_or_not() {
    let lab = Lab::new();
    for (address, how) in [("127.0.0.1:0", "block"), ("127.0.0.1:0", "wait"), ("[::1]:0", "block")]
    {
        let to = closed(address);
        let (said, run) = connects(&lab, how, to);
        assert_eq!(said, "111");
        check(&run, &to.to_string(), "refused", Some("ECONNREFUSED"));
    }
}

#[test]
fn a_connect_that_nobody_answers_has_timed_out_when_it_ends() {
    let lab = Lab::new();
    for how in ["block", "wait"] {
        let (said, run) = connects_in_silence(&lab, how, "10.66.0.9", 80);
        assert_eq!(said, "110");
        // It takes seconds: the connect is told before its end.
        let [connect, flow] = results(&run, "10.66.0.9:80");
        assert_eq!(connect, ("pending".to_owned(), None));
        assert_eq!(flow, ("timed_out".to_owned(), Some("ETIMEDOUT")));
    }
}

#[test]
fn connects_to_where_no_way_leads_say_so() {
    let lab = Lab::new();
    // No route: the connect fails at once.
    for how in ["block", "wait"] {
        let (said, run) = connects_in_silence(&lab, how, "192.0.2.1", 80);
        assert_eq!(said, "101");
        check(&run, "192.0.2.1:80", "unreachable", Some("ENETUNREACH"));
    }
    // A datagram socket likewise; it has no flow.
    let (said, run) = connects_in_silence(&lab, "udp", "192.0.2.1", 53);
    assert_eq!(said, "101");
    let events = of_tester(&run, "");
    let [event] = events.as_slice() else { panic!("one event, not {events:?}") };
    assert_eq!((event.text("proto"), event.text("peer")), ("udp", "192.0.2.1:53"));
    assert_eq!((event.text("result"), error(event)), ("unreachable", Some("ENETUNREACH")));
}

#[test]
fn a_connect_to_a_neighbour_that_is_not_there_is_unreachable() {
    let lab = Lab::new();
    let how = format!("{PATIENT}; exec {} block 10.66.0.77 80", lab.tester("connects").display());
    let (said, run) = in_silence(&lab, &how);
    assert_eq!(said, "113");
    let [_, flow] = results(&run, "10.66.0.77:80");
    assert_eq!(flow, ("unreachable".to_owned(), Some("EHOSTUNREACH")));
}

#[test]
fn a_connect_that_is_given_up_before_its_end_is_abandoned() {
    let lab = Lab::new();
    let (said, run) = connects_in_silence(&lab, "leave", "10.66.0.9", 80);
    assert_eq!(said, "115");
    check(&run, "10.66.0.9:80", "abandoned", None);
}

#[test]
fn a_connect_that_goes_on_when_recording_ends_is_pending() {
    let lab = Lab::new();
    let tester = lab.tester("connects");
    // The command ends when the tester has closed its standard output.
    let script =
        format!("{SILENT}\n{PATIENT}\ncat < <({} keep 10.66.0.9 80 2>/dev/null)", tester.display());
    let command = ["unshare", "--net", "bash", "-ec", &script];
    let run = lab.run(command).with(["--linger", "0s"]).succeed();
    let pid = String::from_utf8_lossy(&run.stdout).trim().parse().ok().and_then(Pid::from_raw);
    kill_process(pid.expect("a pid"), Signal::KILL).expect("it was left alone");
    lab.remove_leaf(run.id());
    run.assert_adds_up();
    check(&run, "10.66.0.9:80", "pending", None);
}

#[test]
fn sockets_that_are_bound_and_listen_are_recorded_with_the_port_they_got() {
    let lab = Lab::new();
    for (address, family) in [("127.0.0.1:0", 4), ("[::1]:0", 6)] {
        let any: SocketAddr = address.parse().expect("an address");
        let (port, run) = connects(&lab, "listen", any);
        let local = SocketAddr::new(any.ip(), port.parse().expect("a port")).to_string();
        for op in ["bind", "listen"] {
            let events = of_tester(&run, op);
            let [event] = events.as_slice() else { panic!("one {op}, not {events:?}") };
            assert_eq!(event.text("local"), local, "{event:?}");
            assert_eq!((event.text("proto"), event.number("family")), ("tcp", Some(family)));
            assert_eq!(event.text("peer"), "", "{event:?}");
        }
        let (port, run) = connects(&lab, "bind", any);
        let local = SocketAddr::new(any.ip(), port.parse().expect("a port")).to_string();
        let events = of_tester(&run, "");
        let [event] = events.as_slice() else { panic!("one event, not {events:?}") };
        assert_eq!(
            (event.op(), event.text("local"), event.text("proto")),
            ("bind", local.as_str(), "udp")
        );
    }
    // A connect that chooses its own port binds nothing.
    let server = TcpListener::bind("127.0.0.1:0").expect("a port");
    let (_, run) = connects(&lab, "block", server.local_addr().expect("it has an address"));
    assert_eq!(of_tester(&run, "bind").len(), 0);
}
