//! Process events: argv is whole or said to be cut; actors are who they were then.

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

#[test]
fn an_argv_beyond_the_cap_is_told_and_marked() {
    let mut maker = Maker::begun();
    maker.exec_part(42, "/bin/echo", &[b'x'; 16384], 200_000);
    for piece in 1..8 {
        maker.argv(42, piece * 16384, &[b'x'; 16384]);
    }
    let exec = &played(&maker.sealed(), "exec")[0];
    assert_eq!(exec["argv"][0].as_str().map(str::len), Some(128 * 1024));
    assert_eq!(exec["argv_cut"], true);
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
