//! Network events: one connect per call, one flow per connection, results where they are known.

use event::wire::{Ends, Kind, flow_flag, payload_flag, payload_kind, sock_flag};
use serde_json::{Value as Json, json};

use super::{Maker, played};

fn ends(local_port: u16) -> Ends {
    let mapped = |last| [0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff, 127, 0, 0, last];
    let local = if local_port == 0 { [0; 16] } else { mapped(1) };
    Ends { local, peer: mapped(2), local_port, peer_port: 443, family: 2, proto: 6 }
}

fn told(maker: &Maker) -> Vec<Json> {
    let pick = |e: Json| json!([e["op"], e["result"], e["local"], e["sent_bytes"]]);
    played(maker, "net").into_iter().map(pick).collect()
}

#[test]
fn a_result_within_the_window_is_in_the_connect_event() {
    let mut maker = Maker::begun();
    maker.sock(Kind::Connect, 42, 5, ends(0), 0);
    maker.sock(Kind::Established, 42, 5, ends(4000), 0);
    maker.flow(42, 5, ends(4000), 11, flow_flag::RELEASED);
    maker.sock(Kind::Closed, 42, 5, ends(4000), 0);
    let expected = [
        json!(["connect", "established", "127.0.0.1:4000", null]),
        json!(["flow", "established", "127.0.0.1:4000", 11]),
    ];
    assert_eq!(told(&maker.sealed()), expected);
}

#[test]
fn a_result_right_after_the_window_is_in_the_connect_event() {
    let mut maker = Maker::begun();
    maker.sock(Kind::Connect, 42, 5, ends(0), 0);
    maker.checkpoint();
    maker.sock(Kind::Established, 42, 5, ends(4000), 0);
    maker.checkpoint();
    maker.sock(Kind::Closed, 42, 5, ends(4000), 0);
    let expected = [
        json!(["connect", "established", "127.0.0.1:4000", null]),
        json!(["flow", "established", "127.0.0.1:4000", 0]),
    ];
    assert_eq!(told(&maker.sealed()), expected);
}

#[test]
fn a_later_result_is_in_the_flow_event() {
    let mut maker = Maker::begun();
    maker.sock(Kind::Connect, 42, 5, ends(0), 0);
    maker.checkpoint();
    maker.checkpoint();
    maker.sock(Kind::Closed, 42, 5, ends(0), sock_flag::NEVER_ESTABLISHED);
    let expected =
        [json!(["connect", "pending", null, null]), json!(["flow", "abandoned", null, 0])];
    assert_eq!(told(&maker.sealed()), expected);
}

#[test]
fn ten_thousand_connects_are_ten_thousand_connects_and_flows() {
    let mut maker = Maker::begun();
    for cookie in 1..=10_000 {
        maker.sock(Kind::Connect, 42, cookie, ends(0), 0);
        maker.sock(Kind::Established, 42, cookie, ends(4000), 0);
        maker.flow(42, cookie, ends(4000), 1, flow_flag::RELEASED);
        maker.sock(Kind::Closed, 42, cookie, ends(4000), 0);
        if cookie % 700 == 0 {
            maker.checkpoint();
        }
    }
    let maker = maker.sealed();
    let (events, pipeline) = maker.events();
    let count = |op| pipeline.by_kind().get(&("net", Some(op))).copied();
    assert_eq!((count("connect"), count("flow")), (Some(10_000), Some(10_000)));
    assert_eq!(events.last().map(|event| event.seq), Some(events.len() as u64));
    assert_eq!(pipeline.ended().map(|end| end.verdict), Some("complete"));
}

/// `host` and `host_source` of the network events.
fn names(maker: &Maker) -> Vec<Json> {
    let pick = |e: Json| json!([e["op"], e["host"], e["host_source"]]);
    played(maker, "net").into_iter().map(pick).collect()
}

const HTTP: (u32, u32) = (payload_kind::HTTP, payload_flag::OUT);

#[test]
fn a_name_said_within_the_window_is_in_connect_and_flow() {
    let mut maker = Maker::begun();
    maker.sock(Kind::Connect, 42, 5, ends(0), 0);
    maker.payload(42, 5, ends(4000), HTTP, b"GET \nHost: a.example\n");
    maker.flow(42, 5, ends(4000), 11, flow_flag::RELEASED);
    maker.sock(Kind::Closed, 42, 5, ends(4000), 0);
    let named = |op: &str| json!([op, "a.example", "http_host"]);
    assert_eq!(names(&maker.sealed()), [named("connect"), named("flow")]);
}

#[test]
fn a_name_said_later_is_in_the_flow_alone_and_only_of_that_connection() {
    let mut maker = Maker::begun();
    maker.sock(Kind::Connect, 42, 5, ends(0), 0);
    maker.sock(Kind::Connect, 42, 6, ends(0), 0);
    maker.checkpoint();
    maker.checkpoint();
    maker.payload(42, 5, ends(4000), HTTP, b"GET \nHost: a.example\n");
    for cookie in [5, 6] {
        maker.sock(Kind::Closed, 42, cookie, ends(4000), 0);
    }
    let none = |op: &str| json!([op, null, null]);
    let expected =
        [none("connect"), none("connect"), json!(["flow", "a.example", "http_host"]), none("flow")];
    assert_eq!(names(&maker.sealed()), expected);
}

#[test]
fn a_client_that_comes_in_has_no_name() {
    let mut maker = Maker::begun();
    maker.sock(Kind::Accepted, 42, 5, ends(4000), 0);
    maker.payload(42, 5, ends(4000), HTTP, b"GET \nHost: a.example\n");
    maker.sock(Kind::Closed, 42, 5, ends(4000), 0);
    assert_eq!(
        names(&maker.sealed()),
        [json!(["accept", null, null]), json!(["flow", null, null])]
    );
}
