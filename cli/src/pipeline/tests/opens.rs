//! Counts: exact where both sources agree, and every open accounted for.

use event::frame::control::{Source, State};
use event::wire::{Kind, open_flag, open_mode};
use serde_json::{Value as Json, json};

use super::{Maker, played};

const READ: u64 = 0x10;
const WRITE: u64 = 0x8;
const CREATE: u64 = 0x100;
const EXDEV: i32 = 18;

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

/// Events that are told from opens alone: op, path or why there is none, count.
fn open_only(maker: &Maker) -> Vec<Json> {
    let pick = |event: Json| {
        let path = event.get("path").or(event.get("path_missing")).cloned();
        json!([event["op"], path, event["count"], event["exe"]])
    };
    let told = played(maker, "file").into_iter().filter(|event| event.get("open_only").is_some());
    told.map(pick).collect()
}

#[test]
fn opens_that_no_close_tells_are_told_at_the_end() {
    let mut maker = tmp();
    maker.opens(42, 9, 5, open_mode::READ);
    let maker = maker.sealed();
    assert_eq!(open_only(&maker), [json!(["read", "not_closed", 5, "/bin/cat"])]);
    assert_eq!(opens(&maker), json!([5, 5, 0, 0]));
}

#[test]
fn a_file_without_a_close_has_the_name_that_another_event_told() {
    let mut maker = tmp();
    maker.file(42, CREATE, 9, 1, b"a");
    maker.opens(42, 9, 1, open_mode::WRITE);
    maker.exit(42, 0);
    for _ in 0..4 {
        maker.checkpoint();
    }
    let maker = maker.sealed();
    assert_eq!(open_only(&maker), [json!(["write", "/tmp/a", 1, "/bin/cat"])]);
}

#[test]
fn a_descriptor_that_a_stranger_to_the_opener_closed_is_told_once() {
    let mut maker = tmp();
    maker.exec(50, "/bin/other", b"other\0");
    maker.opens(42, 9, 1, open_mode::WRITE);
    maker.file(50, WRITE, 9, 1, b"a");
    let maker = maker.sealed();
    assert_eq!(open_only(&maker), Vec::<Json>::new());
    assert_eq!(counts(&maker), [json!(["write", 1, false])]);
}

#[test]
fn what_is_read_of_the_kernels_own_trees_is_not_told() {
    let mut maker = tmp();
    maker.opens_on(0x15, 42, 9, 5, open_mode::READ);
    assert_eq!(open_only(&maker.sealed()), Vec::<Json>::new());
}

#[test]
fn an_open_that_no_mark_watches_is_told_once_with_its_path() {
    let mut maker = tmp();
    maker.open_path(42, 9, open_mode::READ, "/new/mount/file", 0);
    maker.opens(42, 9, 1, open_mode::READ);
    // The mark came between the open and the close, and its directory is gone.
    maker.dir(3, 5, Err(EXDEV));
    maker.file(42, READ, 9, 3, b"a");
    let maker = maker.sealed();
    let told = &played(&maker, "file");
    assert_eq!(told.len(), 1, "{told:?}");
    let event = &told[0];
    assert_eq!(
        json!([event["path"], event["path_basis"], event["count"], event["count_exact"]]),
        json!(["/new/mount/file", "open", 1, true])
    );
}

#[test]
fn an_open_behind_a_detached_mount_says_where_its_path_begins() {
    let mut maker = tmp();
    maker.open_path(42, 9, open_mode::WRITE, "/made", open_flag::ELSEWHERE);
    maker.opens(42, 9, 1, open_mode::WRITE);
    let event = &played(&maker.sealed(), "file")[0];
    let told = json!([event["op"], event["path"], event["path_basis"]]);
    assert_eq!(told, json!(["write", "/made", "mount"]));
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
