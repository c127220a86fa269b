//! Names are those that the process was told, and no others.

use event::wire::Head;
use proptest::prelude::*;

use super::*;
use crate::dns::tests::{ASKED, message};
use crate::quic::tests::example;
use crate::tls::tests::{hello, records, server_name};

const OUT: u32 = payload_flag::OUT;

fn mapped(last: u8) -> [u8; 16] {
    [0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff, 192, 0, 2, last]
}

fn payload(pid: u32, cookie: u64, (proto, port): (u16, u16), kind: u32, flags: u32) -> Payload {
    let head = Head { boot_ns: 0, start_ns: 1, kind: 27, size: 0, pid, tid: pid };
    let ends = Ends {
        local: mapped(1),
        peer: mapped(7),
        local_port: 4000,
        peer_port: port,
        family: 2,
        proto,
    };
    Payload { head, cookie, ends, offset: 0, len: 0, kind, flags }
}

fn who(pid: u32) -> ProcId {
    ProcId { pid, start_ns: 1 }
}

fn address(last: u8, port: u16) -> SocketAddr {
    SocketAddr::from(([192, 0, 2, last], port))
}

fn told(hosts: &mut Hosts, payload: &Payload, data: &[u8], at_ns: u64) -> Vec<Dns> {
    let mut told = Vec::new();
    hosts.payload(payload, data, at_ns, &mut |dns| told.push(dns));
    told
}

/// Asks for `name` and answers with 192.0.2.9.
fn resolve(hosts: &mut Hosts, pid: u32, name: &str, at_ns: u64) {
    let udp = |flags| payload(pid, u64::from(pid), (17, 53), payload_kind::DNS, flags);
    told(hosts, &udp(OUT), &message(5, 0x0100, (name, 1), &[]), at_ns);
    let answer = message(5, 0x8180, (name, 1), &[(ASKED, 1, &[192, 0, 2, 9])]);
    let dns = told(hosts, &udp(0), &answer, at_ns);
    assert!(dns.iter().all(|dns| !dns.unasked && dns.op == DnsOp::Answer), "{dns:?}");
}

fn name(hosts: &Hosts, pid: u32, at_ns: u64) -> Option<(String, HostSource)> {
    let host = hosts.of(99, address(9, 443), who(pid), at_ns)?;
    Some((String::from_utf8(host.name).expect("text"), host.source))
}

#[test]
fn an_address_is_called_as_this_process_was_told_last() {
    let mut hosts = Hosts::default();
    resolve(&mut hosts, 1, "one.example", 10);
    resolve(&mut hosts, 1, "two.example", 20);
    resolve(&mut hosts, 2, "three.example", 30);
    let dns = |name: &str| Some((name.to_owned(), HostSource::Dns));
    assert_eq!(name(&hosts, 1, 9), None, "not before the answer");
    assert_eq!(name(&hosts, 1, 15), dns("one.example"));
    assert_eq!(name(&hosts, 1, 40), dns("two.example"), "the process's own last");
    assert_eq!(name(&hosts, 2, 40), dns("three.example"));
    assert_eq!(name(&hosts, 3, 25), dns("two.example"), "else the last of the run");
    resolve(&mut hosts, 1, "one.example", 50);
    assert_eq!(name(&hosts, 1, 60), dns("one.example"), "told again");
}

#[test]
fn an_answer_that_nobody_asked_for_names_nothing() {
    let mut hosts = Hosts::default();
    let udp = |cookie, flags| payload(1, cookie, (17, 53), payload_kind::DNS, flags);
    let answer = |id, asked: &str| message(id, 0x8180, (asked, 1), &[(ASKED, 1, &[192, 0, 2, 9])]);
    told(&mut hosts, &udp(4, OUT), &message(5, 0x0100, ("a.example", 1), &[]), 1);
    for (cookie, bytes) in
        [(4, answer(6, "a.example")), (4, answer(5, "b.example")), (5, answer(5, "a.example"))]
    {
        let dns = told(&mut hosts, &udp(cookie, 0), &bytes, 2);
        assert!(dns.iter().all(|dns| dns.unasked) && dns.len() == 1, "{dns:?}");
    }
    assert_eq!(name(&hosts, 1, 9), None);
    assert!(!told(&mut hosts, &udp(4, 0), &answer(5, "A.Example"), 3)[0].unasked);
    let missing = message(5, 0x8183, ("a.example", 1), &[]);
    assert_eq!(told(&mut hosts, &udp(4, 0), &missing, 4)[0].rcode.as_deref(), Some("NXDOMAIN"));
}

#[test]
fn dns_over_tcp_is_read_in_any_pieces() {
    let one = message(1, 0x0100, ("a.example", 28), &[]);
    let two = message(2, 0x0100, ("b.example", 65), &[]);
    let framed = |bytes: &[u8]| [&(bytes.len() as u16).to_be_bytes()[..], bytes].concat();
    let stream = [framed(&one), framed(&two)].concat();
    for size in [1, 2, 7, stream.len()] {
        let mut hosts = Hosts::default();
        let mut found = Vec::new();
        for (number, piece) in stream.chunks(size).enumerate() {
            let offset = (number * size) as u32;
            let payload = Payload { offset, ..payload(1, 3, (6, 53), payload_kind::DNS, OUT) };
            found.extend(told(&mut hosts, &payload, piece, 1));
        }
        let names: Vec<_> =
            found.iter().map(|dns| (dns.host.as_deref(), dns.qtype.as_deref())).collect();
        let expected = [(Some("a.example"), Some("AAAA")), (Some("b.example"), Some("HTTPS"))];
        assert_eq!(names, expected, "pieces of {size}");
    }
}

#[test]
fn a_server_is_told_as_such_and_learns_nothing() {
    let mut hosts = Hosts::default();
    let mut udp = payload(1, 3, (17, 4000), payload_kind::DNS, 0);
    udp.ends.local_port = 53;
    let query = told(&mut hosts, &udp, &message(5, 0, ("a.example", 1), &[]), 1);
    assert_eq!((query[0].op, query[0].role), (DnsOp::Query, Role::Server));
    udp.flags = OUT;
    let answer = message(5, 0x8180, ("a.example", 1), &[(ASKED, 1, &[192, 0, 2, 9])]);
    let answer = told(&mut hosts, &udp, &answer, 1);
    assert_eq!((answer[0].op, answer[0].role), (DnsOp::Answer, Role::Server));
    assert_eq!(name(&hosts, 1, 9), None);
}

#[test]
fn what_a_connection_asks_for_goes_before_dns() {
    let mut hosts = Hosts::default();
    resolve(&mut hosts, 1, "cdn.example", 1);
    let stream = records(&hello(&[server_name(b"www.example")]), 30);
    let mut payload = payload(1, 99, (6, 443), payload_kind::TLS, OUT);
    payload.ends.peer = mapped(9);
    for (number, piece) in stream.chunks(11).enumerate() {
        payload.offset = (number * 11) as u32;
        assert_eq!(told(&mut hosts, &payload, piece, 2), []);
    }
    assert_eq!(name(&hosts, 1, 9), Some(("www.example".to_owned(), HostSource::TlsSni)));
    hosts.forget(99, address(9, 443));
    assert_eq!(name(&hosts, 1, 9), Some(("cdn.example".to_owned(), HostSource::Dns)));
}

#[test]
fn quic_and_http_have_names_too() {
    let mut hosts = Hosts::default();
    told(&mut hosts, &payload(1, 5, (17, 443), payload_kind::QUIC, OUT), &example(1), 1);
    let quic = hosts.of(5, address(7, 443), who(1), 1).expect("a name");
    assert_eq!(
        (quic.name, quic.source, quic.alpn),
        (b"example.com".to_vec(), HostSource::QuicSni, vec!["alpn".to_owned()])
    );
    let http = payload(1, 6, (6, 80), payload_kind::HTTP, OUT);
    told(&mut hosts, &http, b"GET \nHost: a.exam", 1);
    assert_eq!(hosts.of(6, address(7, 80), who(1), 1), None, "not whole yet");
    told(&mut hosts, &Payload { offset: 17, ..http }, b"ple:80\r\n", 1);
    let http = hosts.of(6, address(7, 80), who(1), 1).expect("a name");
    assert_eq!((http.name, http.source), (b"a.example".to_vec(), HostSource::HttpHost));
}

proptest! {
    #[test]
    fn no_bytes_make_it_panic(
        pieces in prop::collection::vec((0u32..6, 0u32..4, 0u64..3, prop_oneof![0u32..40, any::<u32>()], prop::collection::vec(any::<u8>(), 0..60)), 0..12),
        proto in prop_oneof![Just(6u16), Just(17)]
    ) {
        let mut hosts = Hosts::default();
        for (kind, flags, cookie, offset, data) in pieces {
            let payload = Payload { offset, ..payload(1, cookie, (proto, 53), kind, flags) };
            told(&mut hosts, &payload, &data, 1);
            let _ = hosts.of(cookie, address(7, 53), who(1), 1);
        }
    }
}
