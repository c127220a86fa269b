//! Connects, accepts, datagrams, and the sums of bytes.

use std::collections::BTreeMap;
use std::net::SocketAddr;

use event::wire::{Flow, Kind, Record, Sock, sock_flag};

use crate::actor::{MANY, addresses};
use crate::run::{Run, able};

fn socks(run: &Run, kind: Kind) -> Vec<&Sock> {
    let found = run.records().filter_map(|record| match record {
        Record::Sock(of, sock) if of == kind => Some(sock),
        _ => None,
    });
    found.collect()
}

fn flows(run: &Run) -> impl Iterator<Item = &Flow> {
    run.records().filter_map(|record| match record {
        Record::Flow(flow) => Some(flow),
        _ => None,
    })
}

/// Sums of (sent, received) bytes by socket and peer.
fn sums(run: &Run) -> BTreeMap<(u64, SocketAddr), (u64, u64)> {
    let mut sums = BTreeMap::new();
    for flow in flows(run) {
        let sum: &mut (u64, u64) = sums.entry((flow.cookie, flow.ends.peer())).or_default();
        sum.0 += flow.sent_bytes;
        sum.1 += flow.received_bytes;
    }
    sums
}

fn a_connection_is_told_from_both_sides(part: &str, family: u16) {
    let mut run = Run::begin();
    let (actor, _) = run.act(part);
    run.until(|run| socks(run, Kind::Closed).len() == 2);
    let connect = socks(&run, Kind::Connect);
    let established = socks(&run, Kind::Established);
    let accepted = socks(&run, Kind::Accepted);
    assert_eq!((connect.len(), established.len(), accepted.len()), (1, 1, 1));
    assert_eq!(connect[0].cookie, established[0].cookie);
    assert_ne!(connect[0].cookie, accepted[0].cookie);
    let (ours, theirs) = (established[0].ends, accepted[0].ends);
    assert_eq!(connect[0].ends.peer(), ours.peer());
    assert_eq!((ours.local(), ours.peer()), (theirs.peer(), theirs.local()));
    assert_eq!((ours.family, ours.proto), (family, 6));
    for sock in [connect[0], established[0], accepted[0]] {
        assert_eq!(sock.head.pid, actor);
    }
    assert_eq!(accepted[0].flags, sock_flag::OWNER_LISTENER);
    assert!(socks(&run, Kind::Closed).iter().all(|closed| closed.flags == 0));
    let many = MANY as u64;
    let expected = [
        ((established[0].cookie, ours.peer()), (many, many)),
        ((accepted[0].cookie, theirs.peer()), (many, many)),
    ];
    assert_eq!(sums(&run), BTreeMap::from(expected));
    assert!(flows(&run).all(|flow| flow.head.pid == actor));
    run.assert_nothing_is_silent();
}

#[test]
fn a_tcp_connection_over_ipv4_is_told_from_both_sides_with_exact_bytes() {
    if able() {
        a_connection_is_told_from_both_sides("tcp4", 2);
    }
}

#[test]
fn a_tcp_connection_over_ipv6_is_told_from_both_sides_with_exact_bytes() {
    if able() {
        a_connection_is_told_from_both_sides("tcp6", 10);
    }
}

#[test]
fn a_refused_connect_is_closed_without_having_been_established() {
    if !able() {
        return;
    }
    let mut run = Run::begin();
    let told = addresses(&run.tell("refused"));
    run.until(|run| socks(run, Kind::Closed).len() == 1);
    let connect = socks(&run, Kind::Connect);
    let closed = socks(&run, Kind::Closed);
    assert_eq!(connect[0].ends.peer(), told[0]);
    assert_eq!(closed[0].cookie, connect[0].cookie);
    assert_eq!(closed[0].ends.peer(), told[0]);
    assert_eq!(closed[0].flags, sock_flag::NEVER_ESTABLISHED);
    assert!(socks(&run, Kind::Established).is_empty());
    assert!(sums(&run).values().all(|sum| *sum == (0, 0)));
    run.assert_nothing_is_silent();
}

#[test]
fn datagrams_to_two_peers_are_told_and_summed_per_peer() {
    if !able() {
        return;
    }
    let mut run = Run::begin();
    let told = addresses(&run.tell("two peers"));
    let (one, two, sender) = (told[0], told[1], told[2]);
    let sends = socks(&run, Kind::Send);
    let peers: Vec<SocketAddr> = sends.iter().map(|send| send.ends.peer()).collect();
    assert_eq!(peers, [one, two, one], "a repeated peer is not told again");
    let cookie = sends[0].cookie;
    let of_sender: BTreeMap<SocketAddr, (u64, u64)> = sums(&run)
        .into_iter()
        .filter(|((of, _), _)| *of == cookie)
        .map(|((_, peer), sum)| (peer, sum))
        .collect();
    assert_eq!(of_sender, BTreeMap::from([(one, (114, 0)), (two, (1000, 0))]));
    let received: Vec<u64> =
        sums(&run).into_iter().filter(|((_, p), _)| *p == sender).map(|(_, s)| s.1).collect();
    assert_eq!(received.iter().sum::<u64>(), 1114);
    assert_eq!(received.len(), 2);
    run.assert_nothing_is_silent();
}

#[test]
fn a_connected_udp_socket_tells_both_ends() {
    if !able() {
        return;
    }
    let mut run = Run::begin();
    let told = addresses(&run.tell("connected udp"));
    let connect = socks(&run, Kind::Connect);
    assert_eq!(connect.len(), 1);
    assert_eq!((connect[0].ends.local(), connect[0].ends.peer()), (told[0], told[1]));
    let own: Vec<&Flow> = flows(&run).filter(|flow| flow.cookie == connect[0].cookie).collect();
    assert_eq!(own.len(), 1);
    assert_eq!((own[0].ends.local(), own[0].ends.peer()), (told[0], told[1]));
    assert_eq!((own[0].sent_bytes, own[0].received_bytes), (500, 70));
    assert_eq!((own[0].sent_packets, own[0].received_packets), (1, 1));
    run.assert_nothing_is_silent();
}
