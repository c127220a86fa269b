//! Claims about what is counted of a run.

use crate::{
    Row,
    query::{Lens, summary},
};

#[test]
fn a_summary_keeps_what_is_outside_and_what_is_secret_and_when() {
    let row = |seq, ts_ns, path| Row {
        seq,
        ts_ns,
        kind: "file",
        op: Some("write"),
        path: Some(path),
        count: 1,
        ..Row::default()
    };
    let mut counts = summary::Counts::default();
    counts.add(&row(1, 1_000_000, b"/src/a"));
    counts.add(&row(2, 2_000_000, b"/srcs/b"));
    counts.add(&row(3, 1_000_000_000, b"/home/x/.ssh/id"));
    let lens = Lens { project: b"/src".to_vec(), is_secret: |path| path.ends_with(b"id") };
    let summary = counts.finish(1, &lens);
    assert_eq!((summary.written.1, summary.written.0.len()), (3, 1));
    assert_eq!(summary.outside.1, 2);
    assert_eq!(summary.secrets.0[0].path, b"/home/x/.ssh/id");
    let activity = &summary.activity;
    assert_eq!(activity.events.iter().sum::<u64>(), 3);
    assert!(activity.events.len() <= 128 && activity.events[0] == 2, "{activity:?}");
}

#[test]
fn who_came_to_us_is_one_peer_by_address_and_devices_are_a_list_of_their_own() {
    let net = |seq, op, port| Row {
        seq,
        kind: "net",
        op: Some(op),
        ip: Some("10.0.0.7"),
        port: Some(port),
        proto: Some("tcp"),
        sent: (op == "flow").then_some(10),
        count: 1,
        ..Row::default()
    };
    let write = |seq, path| Row {
        seq,
        kind: "file",
        op: Some("write"),
        path: Some(path),
        count: 3,
        ..Row::default()
    };
    let mut counts = summary::Counts::default();
    counts.add(&net(1, "connect", 443));
    for port in 0..100 {
        counts.add(&net(2, "accept", 40_000 + port));
        counts.add(&net(3, "flow", 40_000 + port));
    }
    counts.add(&write(4, b"/dev/null"));
    counts.add(&write(5, b"/tmp/a"));
    let summary = counts.finish(10, &Lens { project: Vec::new(), is_secret: |_| false });
    let (peers, all) = &summary.destinations;
    let told: Vec<_> =
        peers.iter().map(|to| (to.port, to.accepted, to.contacts, to.sent)).collect();
    assert_eq!((told, *all), (vec![(0, true, 100, 1000), (443, false, 1, 0)], 2));
    assert_eq!((summary.written.1, summary.devices.1), (1, 1));
    assert_eq!(summary.devices.0[0].times, 3);
}
