//! Rings that are too small: what is lost is counted.

use bpf::{Settings, Topic};
use event::wire::Kind;

use crate::run::{Run, able};

#[test]
fn a_ring_that_is_full_counts_what_it_lost() {
    if !able() {
        return;
    }
    let tiny = Settings { proc_ring: 4096, net_ring: 4096, call_ring: 4096, ..Settings::default() };
    let mut run = Run::with(&tiny);
    for part in ["hundred", "opens", "tcp4", "long argv"] {
        let mut actor = run.start(part);
        assert!(actor.wait().expect("wait").success(), "{part}");
    }
    run.drain();
    run.assert_nothing_is_silent();
    assert!(run.lost(Topic::Proc, Kind::Exec) > 0);
    assert!(run.lost(Topic::Proc, Kind::Argv) > 0, "a chunk is larger than this ring");
    assert!(run.lost(Topic::Calls, Kind::Open) > 0);
}

#[test]
fn what_is_not_asked_for_is_not_loaded() {
    if !able() {
        return;
    }
    let settings = Settings { topics: vec![Topic::Proc], ..Settings::default() };
    let mut run = Run::with(&settings);
    run.act("opens");
    assert!(run.records().all(|record| record.head().kind != Kind::Open as u32));
    assert!(run.records().count() > 0);
}

#[test]
fn the_probe_says_which_topics_work_and_leaves_nothing_behind() {
    if !able() {
        return;
    }
    let leaf = crate::leaf::Leaf::make();
    let probed = bpf::probe(leaf.fd()).expect("probe");
    let works: Vec<Topic> =
        probed.iter().filter(|one| one.result.is_ok()).map(|one| one.topic).collect();
    assert_eq!(works, Topic::ALL);
    for one in &probed {
        eprintln!("{}: {:?}", one.topic.name(), one.took);
    }
}

#[test]
fn after_detaching_nothing_is_counted_and_the_ring_keeps_what_it_had() {
    if !able() {
        return;
    }
    let mut run = Run::begin();
    let mut actor = run.start("opens");
    assert!(actor.wait().expect("wait").success());
    run.detach();
    let before = Topic::ALL.map(|topic| run.counts(topic));
    run.act("opens");
    assert_eq!(Topic::ALL.map(|topic| run.counts(topic)), before);
    run.assert_nothing_is_silent();
    assert!(run.records().count() > 0);
}
