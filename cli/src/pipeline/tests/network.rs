//! Network events: one connect per call, one flow per connection, results where they are known.

use event::wire::{Ends, Kind, flow_flag, sock_flag};
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
fn a_later_result_is_in_the_flow_event() {
    let mut maker = Maker::begun();
    maker.sock(Kind::Connect, 42, 5, ends(0), 0);
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
