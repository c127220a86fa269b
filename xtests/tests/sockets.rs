//! Connections and datagrams are recorded with both ends and every byte.
#![forbid(unsafe_code)]

use std::{
    ffi::OsString,
    net::{TcpListener, UdpSocket},
    process::Command,
};

use xtests::{Event, Lab, Recorded};

const TIMES: u64 = 20;

#[test]
fn tcp_over_ipv4_has_its_bytes_at_both_ends() {
    check_tcp("127.0.0.1", 4);
}

#[test]
fn tcp_over_ipv6_has_its_bytes_at_both_ends() {
    check_tcp("[::1]", 6);
}

fn check_tcp(address: &str, family: u64) {
    let lab = Lab::new();
    let run = lab.run(connector(&lab, &format!("{address}:0"), TIMES, 1_000, 50_000)).succeed();
    run.assert_whole();
    let connects: Vec<_> = run.of("net", "connect").collect();
    assert_eq!(connects.len() as u64, TIMES, "connects");
    let server = connects.first().map(|event| event.text("peer")).unwrap_or_default();
    assert!(server.starts_with(address), "the server's address: {server}");
    for event in &connects {
        assert_eq!(event.text("result"), "established", "{event:?}");
        assert_eq!((event.text("peer"), event.text("proto")), (server, "tcp"), "{event:?}");
        assert_eq!(event.number("family"), Some(family), "{event:?}");
    }
    let accepts: Vec<_> = run.of("net", "accept").collect();
    assert_eq!(accepts.len() as u64, TIMES, "accepts");
    for event in &accepts {
        assert_eq!(event.text("local"), server, "{event:?}");
    }
    let (clients, servers): (Vec<&Event>, Vec<&Event>) =
        run.of("net", "flow").partition(|event| event.text("peer") == server);
    for (side, flows, sent, received) in
        [("client", clients, 1_000, 50_000), ("server", servers, 50_000, 1_000)]
    {
        assert_eq!(flows.len() as u64, TIMES, "flows of the {side}");
        for flow in flows {
            let bytes = (flow.number("sent_bytes"), flow.number("received_bytes"));
            assert_eq!(bytes, (Some(sent), Some(received)), "{side}: {flow:?}");
            assert_eq!(flow.text("role"), side, "{flow:?}");
            assert!(flow.text("exe").ends_with("/connector"), "{flow:?}");
        }
    }
}

#[test]
fn a_connection_to_a_server_outside_is_recorded_once() {
    let lab = Lab::new();
    let server = TcpListener::bind("127.0.0.1:0").expect("a port");
    let address = server.local_addr().expect("it has an address").to_string();
    let answer = std::thread::spawn(move || {
        use std::io::{Read, Write};
        let (mut client, _) = server.accept().expect("a client");
        let mut got = Vec::new();
        client.read_to_end(&mut got).expect("it is connected");
        client.write_all(&vec![b'<'; 321]).expect("it is connected");
        got.len()
    });
    let run = lab.run(connector(&lab, &address, 1, 123, 321)).succeed();
    assert_eq!(answer.join().expect("the server does not panic"), 123, "bytes that came");
    run.assert_whole();
    assert_eq!(run.number_of("net", "connect"), 1, "connects");
    assert_eq!(run.number_of("net", "accept"), 0, "the server is not of the run");
    assert_eq!(traffic_with(&run, &address), (1, 123, 321), "flows, bytes out, bytes in");
}

#[test]
fn a_connection_that_is_refused_is_recorded_as_failed() {
    let lab = Lab::new();
    for address in ["127.0.0.1:0", "[::1]:0"] {
        let server = TcpListener::bind(address).expect("a port");
        let closed = server.local_addr().expect("it has an address").to_string();
        drop(server);
        let run = lab.run(connector(&lab, &closed, 1, 1, 1)).record();
        assert_eq!(run.status.code(), Some(101), "the tester panics: {}", run.errors());
        run.assert_whole();
        let connects: Vec<_> = run.of("net", "connect").collect();
        assert_eq!(connects.len(), 1, "connects to {closed}");
        for event in connects {
            assert_eq!((event.text("peer"), event.text("result")), (closed.as_str(), "refused"));
        }
    }
}

#[test]
fn datagrams_are_counted_for_each_peer() {
    let lab = Lab::new();
    for (host, size) in [("127.0.0.1", 100), ("[::1]", 1_200)] {
        let peers: Vec<UdpSocket> =
            (0..2).map(|_| UdpSocket::bind(format!("{host}:0")).expect("a port")).collect();
        let names: Vec<String> = peers
            .iter()
            .map(|peer| peer.local_addr().expect("it has an address").to_string())
            .collect();
        let [one, two] = names.as_slice() else { panic!("two peers") };
        let mut command: Vec<OsString> = vec![lab.program("sender").into()];
        command.extend([format!("{host}:0"), size.to_string()].map(OsString::from));
        // One after the other, then the same again, then the other.
        command.extend([one, one, one, two, two, one].map(OsString::from));
        let run = lab.run(command).succeed();
        run.assert_whole();
        let sends: Vec<_> = run.of("net", "send").map(|event| event.text("peer")).collect();
        assert_eq!(sends, [one, two, one], "each change of the peer");
        for (name, times) in [(one, 4), (two, 2)] {
            let (_, sent, received) = traffic_with(&run, name);
            assert_eq!((sent, received), (times * size, 0), "bytes with {name}");
            let packets: u64 =
                flows_with(&run, name).filter_map(|f| f.number("sent_packets")).sum();
            assert_eq!(packets, times, "datagrams to {name}");
        }
        drop(peers);
    }
}

#[test]
fn a_program_of_the_system_is_recorded_like_a_tester() {
    let lab = Lab::new();
    let server = TcpListener::bind("127.0.0.1:0").expect("a port");
    let port = server.local_addr().expect("it has an address").port();
    let script = format!("exec 3<>/dev/tcp/127.0.0.1/{port}; echo hello >&3");
    let run = lab.run(["bash", "-c", &script]).succeed();
    drop(server);
    assert_eq!(run.number_of("net", "connect"), 1, "connects");
    let (_, sent, _) = traffic_with(&run, &format!("127.0.0.1:{port}"));
    assert_eq!(sent, 6, "bytes of `hello`");
}

#[test]
fn a_run_without_network_says_nothing_of_it_and_asks_nothing() {
    let lab = Lab::new();
    let run = lab.run(connector(&lab, "127.0.0.1:0", 3, 1, 1)).with(["--no-net"]).succeed();
    assert_eq!(run.number_of("net", ""), 0, "events");
    assert_eq!(run.tally("network").state, "not_asked");
    // A network namespace of its own that has no device up: nothing to record either.
    let done = Command::new("unshare")
        .args(["--net", "--"])
        .arg(lab.program("audit"))
        .args(["run", "--", "true"])
        .env("AUDIT_HOME", lab.home())
        .status();
    assert!(done.expect("unshare starts").success());
}

fn connector(lab: &Lab, address: &str, times: u64, send: u64, receive: u64) -> Vec<OsString> {
    let numbers = [times, send, receive].map(|number| OsString::from(number.to_string()));
    let mut words = vec![lab.program("connector").into(), OsString::from(address)];
    words.extend(numbers);
    words
}

fn flows_with<'a>(run: &'a Recorded, peer: &'a str) -> impl Iterator<Item = &'a Event> {
    run.of("net", "flow").filter(move |event| event.text("peer") == peer)
}

/// Flows, bytes out and bytes in of everything exchanged with a peer.
fn traffic_with(run: &Recorded, peer: &str) -> (u64, u64, u64) {
    let sum = |name: &str| flows_with(run, peer).filter_map(|event| event.number(name)).sum();
    (flows_with(run, peer).count() as u64, sum("sent_bytes"), sum("received_bytes"))
}
