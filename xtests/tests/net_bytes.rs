//! Bytes and packets of each flow, exact to what was sent, on the roads that IP has.
#![forbid(unsafe_code)]

use std::{collections::BTreeMap, path::PathBuf};

use rustix::process::{Pid, Signal, kill_process};
use xtests::{Event, Lab, Recorded, not_run};

/// Runs the tester; returns the numbers that it printed, and the record.
fn road(lab: &Lab, words: &[&str]) -> (Vec<u64>, Recorded) {
    let tester = lab.tester("ip_roads").into_os_string();
    let command = std::iter::once(tester).chain(words.iter().map(|word| (*word).into()));
    let run = lab.run(command).with(["--no-files"]).succeed();
    (said(&run), run)
}

fn said(run: &Recorded) -> Vec<u64> {
    let text = String::from_utf8_lossy(&run.stdout);
    text.lines().map(|line| line.parse().expect("a number")).collect()
}

fn numbers(event: &Event, of: &[&str]) -> Vec<u64> {
    of.iter().map(|name| event.number(name).unwrap_or(u64::MAX)).collect()
}

const BYTES: [&str; 2] = ["sent_bytes", "received_bytes"];

/// Each of `times` connections to the port: one connect, one accept, two flows with all bytes.
fn check_tcp(run: &Recorded, peer: &str, times: usize) {
    let to = |op| run.of("net", op).filter(|e| e.text("peer") == peer).collect::<Vec<_>>();
    let connects = to("connect");
    assert_eq!(connects.len(), times, "{connects:?}");
    for event in connects {
        assert_eq!(event.text("result"), "established", "{event:?}");
    }
    let accepts: Vec<_> = run.of("net", "accept").filter(|e| e.text("local") == peer).collect();
    assert_eq!(accepts.len(), times, "{accepts:?}");
    let clients = to("flow");
    let servers: Vec<_> = run.of("net", "flow").filter(|e| e.text("local") == peer).collect();
    for (flows, role, bytes) in [(clients, "client", [3000, 200]), (servers, "server", [200, 3000])]
    {
        assert_eq!(flows.len(), times, "{flows:?}");
        for flow in flows {
            assert_eq!((flow.text("role"), flow.text("proto")), (role, "tcp"), "{flow:?}");
            assert_eq!(numbers(flow, &BYTES), bytes, "{flow:?}");
        }
    }
}

#[test]
fn a_fast_open_connection_has_its_bytes_at_both_ends() {
    let lab = Lab::new();
    let tester: PathBuf = lab.tester("ip_roads");
    let script = format!(
        "ip link set lo up; echo 3 >/proc/sys/net/ipv4/tcp_fastopen; {} tfo; exec cat /proc/net/netstat >&2",
        tester.display()
    );
    let run = lab.run(["unshare", "--net", "bash", "-ec", &script]).with(["--no-files"]).succeed();
    run.assert_whole();
    check_tcp(&run, &format!("127.0.0.1:{}", said(&run)[0]), 2);
    // The kernel's own count says that the second had its data with its first packet.
    assert_eq!(fast_opens(&run.errors()), Some(1));
}

/// `TCPFastOpenPassive` of /proc/net/netstat: a line of names, then one of numbers.
fn fast_opens(netstat: &str) -> Option<u64> {
    let mut lines = netstat.lines().filter(|line| line.starts_with("TcpExt:"));
    let at = lines.next()?.split(' ').position(|name| name == "TCPFastOpenPassive")?;
    lines.next()?.split(' ').nth(at)?.parse().ok()
}

#[test]
fn a_multipath_connection_is_that_of_its_path() {
    let lab = Lab::new();
    if std::fs::read_to_string("/proc/sys/net/mptcp/enabled").is_ok_and(|on| on.trim() == "1") {
        let (said, run) = road(&lab, &["mptcp"]);
        run.assert_whole();
        check_tcp(&run, &format!("127.0.0.1:{}", said[0]), 1);
        let made: Vec<_> = run.of("net", "socket").collect();
        assert!(made.iter().all(|event| event.text("proto") == "mptcp"), "{made:?}");
        assert_eq!(made.len(), 2, "the listener and the client: {made:?}");
    } else {
        not_run("multipath TCP", "net.mptcp.enabled is not 1");
    }
}

#[test]
fn listeners_of_one_port_and_accepts_by_a_child_have_every_connection() {
    let lab = Lab::new();
    let (said, run) = road(&lab, &["reuseport"]);
    run.assert_whole();
    check_tcp(&run, &format!("127.0.0.1:{}", said[0]), 4);
    assert_eq!((run.number_of("net", "bind"), run.number_of("net", "listen")), (2, 2));
    let (said, run) = road(&lab, &["child"]);
    run.assert_whole();
    check_tcp(&run, &format!("127.0.0.1:{}", said[0]), 1);
}

#[test]
fn ipv6_sockets_that_speak_ipv4_are_told_with_the_address_that_they_mean() {
    let lab = Lab::new();
    let (said, run) = road(&lab, &["mapped"]);
    run.assert_whole();
    check_tcp(&run, &format!("127.0.0.1:{}", said[0]), 1);
    let peer = format!("127.0.0.1:{}", said[1]);
    let sends: Vec<_> = run.of("net", "send").collect();
    assert_eq!(sends.len(), 1, "{sends:?}");
    assert_eq!((sends[0].text("peer"), sends[0].number("family")), (peer.as_str(), Some(6)));
    let flow = run.of("net", "flow").find(|e| e.text("peer") == peer).expect("a flow");
    assert_eq!(numbers(flow, &BYTES), [10, 0], "{flow:?}");
}

#[test]
fn each_datagram_of_a_sendmmsg_is_counted_for_its_peer() {
    let lab = Lab::new();
    for (name, host) in [("mmsg", "127.0.0.1"), ("mmsg6", "[::1]")] {
        let (said, run) = road(&lab, &[name]);
        run.assert_whole();
        let peers: Vec<_> = said.iter().map(|port| format!("{host}:{port}")).collect();
        let sends: Vec<_> = run.of("net", "send").map(|e| e.text("peer")).collect();
        let [one, two] = [peers[0].as_str(), peers[1].as_str()];
        assert_eq!(sends, [one, two, one, two, one, two], "each change of the peer");
        for peer in &peers {
            let flows: Vec<_> = run.of("net", "flow").filter(|e| e.text("peer") == *peer).collect();
            assert_eq!(flows.len(), 1, "{flows:?}");
            let all = numbers(flows[0], &["sent_bytes", "sent_packets", "received_packets"]);
            assert_eq!(all, [30, 3, 0], "{:?}", flows[0]);
            // The other end: nobody reads all of it, but all of it came.
            let ends: Vec<_> = run.of("net", "flow").filter(|e| e.text("local") == *peer).collect();
            assert_eq!(ends.len(), 1, "{ends:?}");
            let all = numbers(ends[0], &["received_bytes", "received_packets"]);
            assert_eq!(all, [30, 3], "{:?}", ends[0]);
        }
    }
}

#[test]
fn datagrams_to_the_peer_of_the_one_before_are_counted_and_make_no_record() {
    let lab = Lab::new();
    let records = ["2", "5000"].map(|times| {
        let (said, run) = road(&lab, &["steady", times]);
        run.assert_whole();
        let peer = format!("127.0.0.1:{}", said[0]);
        let flow = run.of("net", "flow").find(|e| e.text("peer") == peer).expect("a flow");
        assert_eq!(flow.number("sent_packets"), times.parse().ok(), "{flow:?}");
        run.tally("network").seen
    });
    assert_eq!(records[0], records[1], "whatever is sent, as long as it goes to one peer");
}

const SENDS: u64 = 300_000;

/// The one connect of the flood tester, with its result.
fn check_connect(run: &Recorded) {
    let port = said(run).pop().expect("a port");
    let peer = format!("127.0.0.1:{port}");
    let connects: Vec<_> = run.of("net", "connect").collect();
    let [connect] = connects.as_slice() else { panic!("one connect, not {connects:?}") };
    assert_eq!((connect.text("peer"), connect.text("result")), (peer.as_str(), "established"));
}

#[test]
fn a_connect_in_a_flood_of_datagrams_is_kept_and_all_are_counted() {
    let lab = Lab::new();
    let base = road(&lab, &["flood", "2"]).1;
    let (_, run) = road(&lab, &["flood", &SENDS.to_string()]);
    run.assert_adds_up();
    check_connect(&run);
    let (seen, lost) = (run.tally("network").seen, run.tally("network").lost);
    // Each send to another peer is told, and ends what was exchanged with the one before.
    assert_eq!(seen - base.tally("network").seen, 2 * (SENDS - 2), "{:?}", run.tally("network"));
    let told = run.number_of("net", "send") as u64;
    assert!(told <= SENDS && told + lost >= SENDS, "told {told}, lost {lost}");
    eprintln!("{SENDS} sends: {told} told, {lost} records lost; {}", run.verdict());
}

#[test]
fn a_connect_in_a_flood_is_kept_though_the_recorder_stands_still() {
    let lab = Lab::new();
    let base = road(&lab, &["flood", "2"]).1;
    let tester = lab.tester("ip_roads").into_os_string();
    let command = [tester, "flood".into(), SENDS.to_string().into()];
    let mut running = lab.run(command).with(["--no-files"]).start();
    running.expect("ready");
    let supervisor = running.supervisor();
    kill_process(supervisor, Signal::STOP).expect("it is there");
    running.go();
    running.expect("done");
    kill_process(supervisor, Signal::CONT).expect("it is there");
    running.go();
    let run = running.record();
    assert!(run.status.success(), "{}: {}", run.status, run.errors());
    run.assert_adds_up();
    check_connect(&run);
    let tally = run.tally("network");
    assert_eq!(tally.seen - base.tally("network").seen, 2 * (SENDS - 2), "{tally:?}");
    assert!(tally.lost > SENDS, "the ring held them, so this shows nothing: {tally:?}");
    let told = run.number_of("net", "send") as u64;
    assert!(told < SENDS && told + tally.lost >= SENDS, "told {told}, {tally:?}");
    assert_eq!(run.verdict(), "partial", "{:?}", run.reasons());
    eprintln!("{SENDS} sends: {told} told, {} records lost", tally.lost);
}

#[test]
fn a_datagram_whose_address_is_rewritten_meanwhile_is_told_as_it_went() {
    const ROUNDS: u64 = 1_000;
    let lab = Lab::new();
    let (said, run) = road(&lab, &["race", &ROUNDS.to_string()]);
    run.assert_whole();
    let mut told: BTreeMap<String, u64> = BTreeMap::new();
    let mut by_socket: BTreeMap<u64, &str> = BTreeMap::new();
    for event in run.of("net", "send") {
        *told.entry(event.text("peer").to_owned()).or_default() += 1;
        by_socket.insert(event.number("cookie").expect("a cookie"), event.text("peer"));
    }
    let got: BTreeMap<String, u64> = said
        .chunks(2)
        .filter(|pair| pair[1] > 0)
        .map(|pair| (format!("127.0.0.1:{}", pair[0]), pair[1]))
        .collect();
    assert_eq!(told.values().sum::<u64>(), ROUNDS);
    assert_eq!(told, got, "told, and what each peer really got");
    // And of each socket the send and the flow agree.
    let flows = run.of("net", "flow").filter(|e| e.number("sent_packets") == Some(1));
    let wrong = flows.filter(|e| {
        by_socket.get(&e.number("cookie").unwrap_or(0)).is_some_and(|peer| *peer != e.text("peer"))
    });
    assert_eq!(wrong.count(), 0, "flows with another peer than their send");
}

#[test]
fn sockets_still_open_when_recording_ends_have_their_bytes() {
    let lab = Lab::new();
    let script = format!("cat < <({} open 2>/dev/null)", lab.tester("ip_roads").display());
    let run = lab.run(["bash", "-ec", &script]).with(["--linger", "0s"]).succeed();
    let said = said(&run);
    let pid = i32::try_from(said[0]).ok().and_then(Pid::from_raw).expect("a pid");
    kill_process(pid, Signal::KILL).expect("it was left alone");
    lab.remove_leaf(run.id());
    run.assert_adds_up();
    check_tcp(&run, &format!("127.0.0.1:{}", said[1]), 1);
    let peer = format!("127.0.0.1:{}", said[2]);
    let flow = run.of("net", "flow").find(|e| e.text("peer") == peer).expect("a flow");
    assert_eq!(numbers(flow, &BYTES), [10, 0], "{flow:?}");
}
