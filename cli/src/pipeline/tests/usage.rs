//! Opened, read, written: told apart where each use shows what it was.

use event::frame::control::Source;
use event::frame::files::uses_flag;
use event::wire::{Kind, open_mode};
use serde_json::{Value as Json, json};

use super::{Maker, played};

const READ: u64 = 0x10;
const WRITE: u64 = 0x8;
const BOTH: u32 = open_mode::READ | open_mode::WRITE;

fn tmp() -> Maker {
    let mut maker = Maker::begun();
    maker.exec(42, "/bin/cat", b"cat\0");
    maker.dir(1, 2, Ok(b"/tmp"));
    maker
}

fn ops(maker: &Maker) -> Vec<Json> {
    let pick = |event: Json| json!([event["op"], event["count"]]);
    played(maker, "file").into_iter().map(pick).collect()
}

/// What is told of a file opened for writing too, by how many closes may have read and written it.
fn check(uses: [u64; 3], expected: &str) {
    let mut maker = tmp();
    maker.file(42, WRITE, 9, 1, b"a");
    maker.opens(42, 9, uses[0], BOTH);
    maker.uses(42, 9, BOTH, uses);
    assert_eq!(ops(&maker.sealed()), [json!([expected, uses[0]])], "{uses:?}");
}

#[test]
fn an_event_is_what_the_most_of_its_uses_may_have_been() {
    check([1, 0, 0], "open");
    check([3, 1, 0], "read");
    check([3, 0, 1], "write");
    check([3, 3, 1], "write");
}

#[test]
fn a_use_without_its_close_may_have_been_anything() {
    let mut maker = tmp();
    let first = maker.file(42, READ, 9, 1, b"a");
    maker.repeat(first, 1);
    maker.opens(42, 9, 2, open_mode::READ);
    maker.uses(42, 9, open_mode::READ, [1, 0, 0]);
    assert_eq!(ops(&maker.sealed()), [json!(["read", 2])]);
}

#[test]
fn closes_of_one_window_say_nothing_of_the_next() {
    let mut maker = tmp();
    for read in [0, 1] {
        maker.file(42, READ, 9, 1, b"a");
        maker.opens(42, 9, 1, open_mode::READ);
        maker.uses(42, 9, open_mode::READ, [1, read, 0]);
        maker.checkpoint();
    }
    assert_eq!(ops(&maker.sealed()), [json!(["open", 1]), json!(["read", 1])]);
}

#[test]
fn a_report_that_is_read_late_has_the_closes_of_the_window_before() {
    let mut maker = tmp();
    maker.opens(42, 9, 1, open_mode::READ);
    maker.uses(42, 9, open_mode::READ, [1, 0, 0]);
    maker.checkpoint();
    maker.file(42, READ, 9, 1, b"a");
    assert_eq!(ops(&maker.sealed()), [json!(["open", 1])]);
}

#[test]
fn lost_records_take_the_claim_away() {
    for kind in [Kind::Open, Kind::Use] {
        let mut maker = tmp();
        maker.file(42, READ, 9, 1, b"a");
        maker.opens(42, 9, 1, open_mode::READ);
        maker.uses(42, 9, open_mode::READ, [1, 0, 0]);
        maker.lost(Source::Opens, kind as u32, 1);
        assert_eq!(ops(&maker.sealed()), [json!(["read", 1])]);
    }
}

#[test]
fn a_written_file_has_the_size_of_its_first_open_and_its_last_close() {
    let mut maker = tmp();
    let known = uses_flag::SIZE_BEFORE | uses_flag::SIZE_AFTER;
    maker.uses_with(42, 9, BOTH, [1, 0, 1], known | uses_flag::CREATED, [0, 7]);
    maker.uses_with(42, 9, BOTH, [1, 0, 1], known | uses_flag::MAPPED, [7, 12]);
    maker.file(42, WRITE, 9, 1, b"a");
    maker.opens(42, 9, 1, BOTH);
    let event = &played(&maker.sealed(), "file")[0];
    let told = ["created", "truncated", "mapped", "size_before", "size_after"].map(|n| &event[n]);
    assert_eq!(json!(told), json!([true, null, true, 0, 12]));
}

#[test]
fn what_a_truncated_file_held_before_is_not_known() {
    let known = uses_flag::SIZE_BEFORE | uses_flag::SIZE_AFTER | uses_flag::TRUNCATED;
    for (before, told) in [(0, json!(null)), (7, json!(7))] {
        let mut maker = tmp();
        maker.uses_with(42, 9, BOTH, [1, 0, 1], known, [before, 3]);
        maker.file(42, WRITE, 9, 1, b"a");
        maker.opens(42, 9, 1, BOTH);
        let event = &played(&maker.sealed(), "file")[0];
        assert_eq!([&event["size_before"], &event["size_after"]], [&told, &json!(3)]);
    }
}
