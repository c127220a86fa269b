//! Process events: argv is whole or said to be cut; actors are who they were then.

use event::frame::control::Hashed;
use serde_json::json;

use super::{Maker, played};

#[test]
fn an_argv_in_several_records_is_one_argv() {
    let mut maker = Maker::begun();
    maker.exec_part(42, "/bin/echo", b"echo\0aa", 10);
    maker.fork(42, 43);
    maker.argv(42, 7, b"a\0");
    maker.argv(42, 9, b"\0");
    let exec = &played(&maker.sealed(), "exec")[0];
    assert_eq!(exec["argv"], json!(["echo", "aaa", ""]));
    assert!(exec.get("argv_cut").is_none());
}

#[test]
fn an_argv_whose_rest_comes_after_the_checkpoint_is_still_whole() {
    let mut maker = Maker::begun();
    maker.exec_part(42, "/bin/echo", b"echo\0aa", 9);
    maker.checkpoint();
    maker.argv(42, 7, b"a\0");
    assert_eq!(played(&maker.sealed(), "exec")[0]["argv"], json!(["echo", "aaa"]));
}

#[test]
fn an_argv_with_a_lost_piece_ends_before_it_and_is_marked() {
    let mut maker = Maker::begun();
    maker.exec_part(42, "/bin/echo", b"echo\0aa", 12);
    maker.argv(42, 9, b"bb\0");
    let exec = &played(&maker.sealed(), "exec")[0];
    assert_eq!(
        json!([exec["argv"], exec["argv_cut"], exec["argv_len"]]),
        json!([["echo", "aa"], true, 12])
    );
}

/// An exec with 200,000 bytes of argv, of which the record keeps 128 KiB.
fn long_argv() -> Maker {
    let mut maker = Maker::begun();
    maker.exec_part(42, "/bin/echo", &[b'x'; 16384], 200_000);
    for piece in 1..8 {
        maker.argv(42, piece * 16384, &[b'x'; 16384]);
    }
    maker
}

#[test]
fn an_argv_beyond_the_cap_is_marked_and_has_the_hash_of_the_whole() {
    let mut maker = long_argv();
    maker.argv_hash(42, 200_000, Hashed::Whole);
    let exec = &played(&maker.sealed(), "exec")[0];
    assert_eq!(exec["argv"][0].as_str().map(str::len), Some(128 * 1024));
    assert_eq!(exec["argv_cut"], true);
    assert_eq!(exec["argv_hash"], "ab".repeat(32));
    assert!(exec.get("argv_hash_missing").is_none());
}

#[test]
fn a_hash_that_comes_after_the_checkpoint_is_still_told() {
    let mut maker = long_argv();
    maker.checkpoint();
    maker.argv_hash(42, 200_000, Hashed::Whole);
    assert_eq!(played(&maker.sealed(), "exec")[0]["argv_hash"], "ab".repeat(32));
}

#[test]
fn an_argv_without_a_hash_has_the_reason() {
    for (state, reason) in [(Hashed::NoRoom, "no_room"), (Hashed::Lost, "lost")] {
        let mut maker = long_argv();
        maker.argv_hash(42, 200_000, state);
        let exec = &played(&maker.sealed(), "exec")[0];
        assert!(exec.get("argv_hash").is_none());
        assert_eq!(exec["argv_hash_missing"], reason);
    }
}

#[test]
fn changes_of_credentials_are_told_and_count_from_then_on() {
    let mut maker = Maker::begun();
    maker.exec(42, "/bin/sh", b"sh\0");
    maker.cred(42, 42, 33);
    maker.cred(42, 45, 44);
    maker.exit(42, 0);
    let events = played(&maker.sealed(), "process");
    let told: Vec<_> = events.iter().map(|e| json!([e["op"], e["uid"], e["tid"]])).collect();
    let expected = [
        json!(["cred", 33, null]),
        json!(["cred", 44, 45]),
        // Of one thread alone: the process stays what it was.
        json!(["exit", 33, null]),
    ];
    assert_eq!(told, expected);
    let first = &events[0];
    assert_eq!(json!([first["euid"], first["suid"], first["caps"]]), json!([33, 1000, 0]));
    assert_eq!(first["caps_permitted"], 1 << 21);
    assert_eq!(json!([first["groups"], first["group_count"]]), json!([["27", "1000"], 2]));
}

#[test]
fn what_is_told_before_a_change_of_user_came_has_the_user_of_its_time() {
    let mut maker = Maker::begun();
    maker.exec(42, "/bin/sh", b"sh\0");
    maker.fork(42, 43);
    // It happened between the two forks, but its ring is read later.
    let between = maker.now() - 500_000;
    maker.fork(42, 44);
    maker.cred_at(between, 42, 42, 33);
    maker.exit(42, 0);
    let events = played(&maker.sealed(), "process");
    let told: Vec<_> = events.iter().map(|e| json!([e["op"], e["uid"]])).collect();
    let expected =
        [json!(["fork", 1000]), json!(["fork", 33]), json!(["cred", 33]), json!(["exit", 33])];
    assert_eq!(told, expected);
}

#[test]
fn a_child_is_told_with_what_it_ran_at_each_moment() {
    let mut maker = Maker::begun();
    maker.exec(42, "/bin/sh", b"sh\0");
    maker.fork(42, 43);
    maker.fork(43, 44);
    maker.exec(43, "/bin/ls", b"ls\0");
    maker.exit(44, 9);
    maker.exit(43, 0x200);
    let events = played(&maker.sealed(), "process");
    let told: Vec<_> = events
        .iter()
        .map(|e| json!([e["op"], e["pid"], e["exe"], e["child_pid"], e["code"], e["signal"]]))
        .collect();
    let expected = [
        json!(["fork", 42, "/bin/sh", 43, null, null]),
        json!(["fork", 43, "/bin/sh", 44, null, null]),
        json!(["exit", 44, "/bin/sh", null, null, 9]),
        json!(["exit", 43, "/bin/ls", null, 2, null]),
    ];
    assert_eq!(told, expected);
}

#[test]
fn marks_stand_where_the_record_has_stars_in_whichever_piece() {
    let mut maker = Maker::begun();
    maker.redacted(42, 5, 3);
    maker.exec_part(42, "/bin/echo", b"echo\0***\0aa", 14);
    maker.redacted(42, 9, 4);
    maker.argv(42, 11, b"**\0");
    let exec = &played(&maker.sealed(), "exec")[0];
    let mark = "[redacted:abababababab]";
    assert_eq!(exec["argv"], json!(["echo", mark, mark]));
    assert_eq!(json!([exec["redacted"], exec["argv_len"]]), json!([2, 14]));
    assert!(exec.get("argv_cut").is_none());
}

#[test]
fn marks_of_places_that_are_not_there_are_left_out() {
    let mut maker = Maker::begun();
    for (at, len) in [(2, 2), (3, 9), (0, 1), (900, 1), (u64::MAX, 1), (4, u32::MAX)] {
        maker.redacted(42, at, len);
    }
    maker.exec(42, "/bin/echo", b"abcdef\0");
    let exec = &played(&maker.sealed(), "exec")[0];
    let mark = "[redacted:abababababab]";
    assert_eq!(exec["argv"], json!([format!("{mark}b{mark}ef")]));
}
