//! Claims about conversations: each is told once, and no byte is lost.

use std::collections::BTreeMap;

use event::model::{ConnectResult, NetOp, Role, Traffic};
use event::wire::{Ends, Flow, Head, Kind, Sock, flow_flag, sock_flag};
use proptest::prelude::*;

use super::{Done, Flows, Said};

const UDP: u16 = 17;
const TCP: u16 = 6;

fn head(kind: Kind) -> Head {
    Head { boot_ns: 0, start_ns: 5, kind: kind as u32, size: 0, pid: 42, tid: 42 }
}

fn ends(proto: u16, peer: u8, local_port: u16) -> Ends {
    let mapped = |last| [0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff, 10, 0, 0, last];
    let local = if local_port == 0 { [0; 16] } else { mapped(1) };
    Ends { local, peer: mapped(peer), local_port, peer_port: 80, family: 2, proto }
}

fn sock(kind: Kind, cookie: u64, ends: Ends, flags: u32) -> Sock {
    Sock { head: head(kind), cookie, ends, flags, error: 0 }
}

fn flow(cookie: u64, ends: Ends, bytes: u64, flags: u32) -> Flow {
    Flow {
        head: head(Kind::Flow),
        cookie,
        sent_bytes: bytes,
        received_bytes: bytes * 2,
        sent_packets: 1,
        received_packets: 2,
        ends,
        flags,
        pad: 0,
    }
}

fn settled(flows: &mut Flows) -> Vec<Done> {
    let mut out = Vec::new();
    flows.settle(|done| out.push(done));
    out
}

fn finished(flows: &mut Flows) -> Vec<Done> {
    let mut out = Vec::new();
    flows.finish(|done| out.push(done));
    out
}

fn sums(done: &[Done]) -> Traffic {
    done.iter().filter_map(|done| done.net.traffic).fold(Traffic::default(), |a, b| Traffic {
        sent_bytes: a.sent_bytes + b.sent_bytes,
        received_bytes: a.received_bytes + b.received_bytes,
        sent_packets: a.sent_packets + b.sent_packets,
        received_packets: a.received_packets + b.received_packets,
    })
}

#[test]
fn a_connection_is_a_connect_a_result_and_one_flow_after_its_close() {
    let mut flows = Flows::default();
    let (early, late) = (ends(TCP, 9, 0), ends(TCP, 9, 4000));
    let Said::Event(event) = flows.sock(Kind::Connect, &sock(Kind::Connect, 1, early, 0), 10)
    else {
        panic!("a connect is an event");
    };
    assert_eq!((event.op, event.result), (NetOp::Connect, Some(ConnectResult::Pending)));
    assert_eq!((event.local, event.peer), (None, "10.0.0.9:80".parse().ok()));
    let said = flows.sock(Kind::Established, &sock(Kind::Established, 1, late, 0), 11);
    let local = "10.0.0.1:4000".parse().ok();
    assert_eq!(
        said,
        Said::Result { cookie: 1, result: ConnectResult::Established, errno: None, local }
    );
    flows.flow(&flow(1, late, 100, flow_flag::RELEASED), 12);
    assert_eq!(settled(&mut flows), []);
    flows.sock(Kind::Closed, &sock(Kind::Closed, 1, late, 0), 14);
    // The last totals may come after the close.
    flows.flow(&flow(1, late, 7, flow_flag::CLOSED), 13);
    let done = settled(&mut flows);
    assert_eq!(done.len(), 1);
    assert_eq!((done[0].first_ns, done[0].last_ns, done[0].owner.pid), (10, 14, 42));
    assert_eq!(done[0].net.traffic.map(|t| (t.sent_bytes, t.received_bytes)), Some((107, 214)));
    assert_eq!(
        (done[0].net.result, done[0].net.role),
        (Some(ConnectResult::Established), Some(Role::Client))
    );
    assert_eq!(done[0].net.local, local);
    assert_eq!(finished(&mut flows), []);
}

#[test]
fn a_refused_connection_has_a_flow_too_and_it_failed() {
    let mut flows = Flows::default();
    let to = ends(TCP, 9, 0);
    flows.sock(Kind::Connect, &sock(Kind::Connect, 1, to, 0), 1);
    flows.sock(Kind::Closed, &sock(Kind::Closed, 1, to, sock_flag::NEVER_ESTABLISHED), 2);
    let done = settled(&mut flows);
    assert_eq!(done.len(), 1);
    assert_eq!(done[0].net.result, Some(ConnectResult::Abandoned));
}

#[test]
fn a_socket_that_connects_again_after_a_failure_has_two_flows() {
    let mut flows = Flows::default();
    for (peer, flags) in [(9, sock_flag::NEVER_ESTABLISHED), (9, 0)] {
        let to = ends(TCP, peer, 0);
        flows.sock(Kind::Connect, &sock(Kind::Connect, 1, to, 0), 1);
        flows.sock(Kind::Closed, &sock(Kind::Closed, 1, to, flags), 2);
    }
    let results: Vec<_> = settled(&mut flows).iter().filter_map(|done| done.net.result).collect();
    assert_eq!(results, [ConnectResult::Abandoned, ConnectResult::Established]);
}

#[test]
fn udp_has_one_flow_per_peer_when_the_socket_is_released() {
    let mut flows = Flows::default();
    for (peer, bytes, flags) in [
        (1, 10, flow_flag::PEER_CHANGED),
        (2, 20, flow_flag::PEER_CHANGED),
        (1, 30, flow_flag::PEER_CHANGED),
        (2, 40, flow_flag::RELEASED),
    ] {
        assert_eq!(settled(&mut flows), []);
        flows.flow(&flow(3, ends(UDP, peer, 53), bytes, flags), 1);
    }
    let done = settled(&mut flows);
    let sent: Vec<_> = done.iter().filter_map(|d| d.net.traffic).map(|t| t.sent_bytes).collect();
    assert_eq!(sent, [40, 60]);
    assert!(done.iter().all(|done| done.net.result.is_none() && done.net.role.is_none()));
}

#[test]
fn connections_that_are_open_at_the_end_are_told_in_the_order_of_their_begin() {
    let mut flows = Flows::default();
    for cookie in [7, 3, 5] {
        let to = ends(TCP, 9, 0);
        flows.sock(Kind::Connect, &sock(Kind::Connect, cookie, to, 0), cookie);
    }
    let done = finished(&mut flows);
    assert_eq!(done.iter().map(|done| done.net.cookie).collect::<Vec<_>>(), [7, 3, 5]);
    assert!(done.iter().all(|done| done.net.result == Some(ConnectResult::Pending)));
}

#[test]
fn ten_thousand_connects_are_ten_thousand_flows() {
    let mut flows = Flows::default();
    let mut told = 0;
    for cookie in 0..10_000 {
        let to = ends(TCP, 9, 0);
        flows.sock(Kind::Connect, &sock(Kind::Connect, cookie, to, 0), 1);
        flows.flow(&flow(cookie, to, 3, flow_flag::RELEASED), 2);
        if cookie % 3 > 0 {
            flows.sock(Kind::Closed, &sock(Kind::Closed, cookie, to, 0), 3);
        }
        if cookie % 100 == 0 {
            flows.settle(|_| told += 1);
        }
    }
    flows.finish(|_| told += 1);
    assert_eq!(told, 10_000);
}

#[test]
fn memory_is_bounded_and_nothing_is_lost_by_that() {
    let mut flows = Flows::default();
    let mut done = Vec::new();
    let count = super::MAX_HELD as u64 * 2;
    for cookie in 0..count {
        flows.flow(&flow(cookie, ends(UDP, 1, 53), 1, 0), 1);
        if cookie % 1000 == 0 {
            flows.settle(|one| done.push(one));
            assert!(flows.held <= super::MAX_HELD);
        }
    }
    for peer in 0..2000u16 {
        let to = Ends { peer_port: peer, ..ends(UDP, 1, 53) };
        flows.flow(&flow(count, to, 1, 0), 1);
        assert!(flows.sockets[&count].len() <= super::MAX_PEERS);
    }
    done.extend(finished(&mut flows));
    assert_eq!(sums(&done).sent_bytes, count + 2000);
    assert_eq!(flows.held, 0);
}

#[derive(Debug, Clone)]
enum Step {
    Sock(Kind, u64, Ends, u32),
    Flow(u64, Ends, u64, u32),
    Settle,
}

fn step() -> impl Strategy<Value = Step> {
    let kinds = [Kind::Connect, Kind::Send, Kind::Established, Kind::Accepted, Kind::Closed];
    let to = (prop::sample::select(vec![TCP, UDP]), 0u8..3, prop::sample::select(vec![0u16, 99]))
        .prop_map(|(proto, peer, port)| ends(proto, peer, port));
    prop_oneof![
        4 => (prop::sample::select(kinds.to_vec()), 0u64..4, to.clone(), 0u32..4)
            .prop_map(|(kind, cookie, to, flags)| Step::Sock(kind, cookie, to, flags)),
        4 => (0u64..4, to, 0u64..1000, 0u32..8)
            .prop_map(|(cookie, to, bytes, flags)| Step::Flow(cookie, to, bytes, flags)),
        1 => Just(Step::Settle),
    ]
}

proptest! {
    #[test]
    fn sums_are_conserved_for_any_records_in_any_order(steps in prop::collection::vec(step(), 0..60)) {
        let mut flows = Flows::default();
        let (mut done, mut expected) = (Vec::new(), Traffic::default());
        let mut per_peer = BTreeMap::<_, u64>::new();
        for (at, step) in (0..).zip(steps) {
            match step {
                Step::Sock(kind, cookie, to, flags) => {
                    flows.sock(kind, &sock(kind, cookie, to, flags), at);
                }
                Step::Flow(cookie, to, bytes, flags) => {
                    flows.flow(&flow(cookie, to, bytes, flags), at);
                    expected.sent_bytes += bytes;
                    expected.received_bytes += bytes * 2;
                    expected.sent_packets += 1;
                    expected.received_packets += 2;
                    if to.proto == UDP {
                        *per_peer.entry((cookie, to.peer)).or_default() += bytes;
                    }
                }
                Step::Settle => flows.settle(|one| done.push(one)),
            }
        }
        done.extend(finished(&mut flows));
        prop_assert_eq!(sums(&done), expected);
        let mut told = BTreeMap::<_, u64>::new();
        for Done { net, .. } in done.iter().filter(|done| done.net.proto == UDP) {
            let Some(std::net::IpAddr::V4(ip)) = net.peer.map(|peer| peer.ip()) else { continue };
            let sent = net.traffic.map_or(0, |traffic| traffic.sent_bytes);
            *told.entry((net.cookie, ip.to_ipv6_mapped().octets())).or_default() += sent;
        }
        told.retain(|key, _| per_peer.contains_key(key));
        prop_assert_eq!(told, per_peer);
        prop_assert_eq!(flows.held, 0);
    }
}
