//! Counts: exact where both sources agree, and every open accounted for.

use event::frame::control::{Source, State};
use event::wire::{Kind, open_mode};
use serde_json::{Value as Json, json};

use super::{Maker, played};

const READ: u64 = 0x10;
const WRITE: u64 = 0x8;

fn tmp() -> Maker {
    let mut maker = Maker::begun();
    maker.exec(42, "/bin/cat", b"cat\0");
    maker.dir(1, 2, Ok(b"/tmp"));
    maker
}

fn counts(maker: &Maker) -> Vec<Json> {
    let pick = |event: Json| json!([event["op"], event["count"], event["count_exact"]]);
    played(maker, "file").into_iter().map(pick).collect()
}

/// Seen, in events, unnamed, lost.
fn opens(maker: &Maker) -> Json {
    let end = &played(maker, "end")[0];
    json!(["seen", "in_events", "unnamed", "lost"].map(|name| end[format!("opens_{name}")].clone()))
}

#[test]
fn repeats_and_merged_reports_get_the_number_of_opens() {
    let mut maker = tmp();
    let first = maker.file(42, READ, 9, 1, b"a");
    maker.repeat(first, 20);
    maker.opens(42, 9, 100, open_mode::READ);
    let maker = maker.sealed();
    assert_eq!(counts(&maker), [json!(["read", 100, true])]);
    assert_eq!(opens(&maker), json!([100, 100, 0, 0]));
    assert!(played(&maker, "file")[0]["last_ts"].is_string());
}

#[test]
fn reads_and_writes_of_one_file_are_counted_apart() {
    let mut maker = tmp();
    maker.file(42, READ | WRITE, 9, 1, b"a");
    maker.opens(42, 9, 3, open_mode::READ);
    maker.opens(42, 9, 1, open_mode::WRITE);
    maker.opens(42, 9, 1, open_mode::READ | open_mode::WRITE);
    assert_eq!(counts(&maker.sealed()), [json!(["read", 3, true]), json!(["write", 2, true])]);
}

#[test]
fn a_hundred_thousand_opens_over_many_windows_are_a_hundred_thousand_counted() {
    let mut maker = tmp();
    for window in 0..10 {
        for ino in 100..200 {
            let first = maker.file(42, READ, ino, 1, b"f");
            maker.repeat(first, 40 + window);
            maker.opens(42, ino, 100, open_mode::READ);
        }
        maker.checkpoint();
    }
    let maker = maker.sealed();
    let sum: u64 = played(&maker, "file").iter().filter_map(|event| event["count"].as_u64()).sum();
    assert_eq!(sum, 100_000);
    assert_eq!(opens(&maker), json!([100_000, 100_000, 0, 0]));
}

#[test]
fn a_report_that_is_read_late_is_in_the_count_of_the_event_before() {
    let mut maker = tmp();
    maker.file(42, READ, 9, 1, b"a");
    maker.opens(42, 9, 7, open_mode::READ);
    maker.checkpoint();
    maker.file(42, READ, 9, 1, b"a");
    let maker = maker.sealed();
    assert_eq!(counts(&maker), [json!(["read", 7, true])]);
    assert_eq!(played(&maker, "end")[0]["verdict"], "complete, folded");
}

#[test]
fn opens_of_files_that_nobody_names_are_said_to_be_unnamed() {
    let mut maker = tmp();
    maker.opens(42, 9, 5, open_mode::READ);
    assert_eq!(opens(&maker.sealed()), json!([5, 0, 5, 0]));
}

#[test]
fn a_file_still_open_when_its_process_is_gone_from_the_table_is_unnamed() {
    let mut maker = tmp();
    maker.opens(42, 9, 5, open_mode::READ);
    maker.exit(42, 0);
    for _ in 0..4 {
        maker.checkpoint();
    }
    assert_eq!(opens(&maker.sealed()), json!([5, 0, 5, 0]));
}

#[test]
fn lost_opens_make_counts_inexact_and_are_accounted_for() {
    let mut maker = tmp();
    let first = maker.file(42, READ, 9, 1, b"a");
    maker.repeat(first, 9);
    maker.opens(42, 9, 4, open_mode::READ);
    maker.lost(Source::Opens, Kind::Open as u32, 6);
    let maker = maker.sealed();
    assert_eq!(counts(&maker), [json!(["read", 10, false])]);
    assert_eq!(opens(&maker), json!([10, 4, 0, 6]));
    let end = &played(&maker, "end")[0];
    assert_eq!(
        (&end["verdict"], &end["reasons"]),
        (&json!("partial"), &json!(["opens: 6 lost (ring_full)"]))
    );
}

#[test]
fn without_the_counters_the_counts_are_fanotifys() {
    let mut maker = tmp();
    maker.source(Source::Opens, State::NotAsked, "");
    let first = maker.file(42, READ, 9, 1, b"a");
    maker.repeat(first, 9);
    let maker = maker.sealed();
    assert_eq!(counts(&maker), [json!(["read", 10, false])]);
    assert!(played(&maker, "end")[0].get("opens_seen").is_none());
}

#[test]
fn a_descriptor_opened_by_the_parent_is_counted_where_it_is_closed() {
    let mut maker = tmp();
    maker.fork(42, 43);
    maker.opens(42, 9, 1, open_mode::WRITE);
    maker.file(43, WRITE, 9, 1, b"out");
    let maker = maker.sealed();
    assert_eq!(counts(&maker), [json!(["write", 1, true])]);
    assert_eq!(opens(&maker), json!([1, 1, 0, 0]));
}

#[test]
fn a_repeat_of_nothing_is_said() {
    let mut maker = tmp();
    maker.repeat(1, 9);
    let end = &played(&maker.sealed(), "end")[0];
    assert_eq!(end["reasons"], json!(["9 repeats belong to no event"]));
}
