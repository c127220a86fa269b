//! File events: paths come out right, also of what is gone.

use serde_json::{Value as Json, json};

use super::make::ESTALE;
use super::{Maker, played};

const WRITE: u64 = 0x8;
const READ: u64 = 0x10;
const CREATE: u64 = 0x100;
const DELETE: u64 = 0x200;
const EXEC: u64 = 0x1000;
const RENAME: u64 = 0x1000_0000;
const ONDIR: u64 = 0x4000_0000;

/// Operation and paths of the file events.
fn told(maker: &Maker) -> Vec<Json> {
    let pick = |event: Json| {
        json!([
            event["op"],
            event["path"],
            event["path2"],
            event["path_basis"],
            event["path_missing"]
        ])
    };
    played(maker, "file").into_iter().map(pick).collect()
}

fn tmp() -> Maker {
    let mut maker = Maker::begun();
    maker.exec(42, "/bin/sh", b"sh\0");
    maker.dir(1, 2, Ok(b"/tmp"));
    maker
}

#[test]
fn one_merged_report_is_told_as_create_then_write_then_delete() {
    let mut maker = tmp();
    maker.file(42, CREATE | WRITE | DELETE, 9, 1, b"a");
    let expected = ["create", "write", "delete"].map(|op| json!([op, "/tmp/a", null, null, null]));
    assert_eq!(told(&maker.sealed()), expected);
}

#[test]
fn a_rename_is_one_event_with_both_paths() {
    let mut maker = tmp();
    maker.dir(2, 3, Ok(b"/var"));
    maker.renamed(42, RENAME, 9, (1, b"a"), (2, b"b"));
    assert_eq!(told(&maker.sealed()), [json!(["rename", "/tmp/a", "/var/b", null, null])]);
}

#[test]
fn an_older_kernels_two_halves_of_a_rename_have_one_path_each() {
    let mut maker = tmp();
    maker.file(42, 0x40, 9, 1, b"a");
    maker.file(42, 0x80, 9, 1, b"b");
    let expected = [
        json!(["rename", "/tmp/a", null, null, null]),
        json!(["rename", null, "/tmp/b", null, null]),
    ];
    assert_eq!(told(&maker.sealed()), expected);
}

#[test]
fn a_directory_that_was_gone_before_it_could_be_asked_has_the_path_of_its_making() {
    let mut maker = tmp();
    maker.file(42, CREATE | ONDIR, 10, 1, b"d");
    maker.dir(3, 10, Err(ESTALE));
    maker.file(42, CREATE | ONDIR, 11, 3, b"e");
    maker.dir(4, 11, Err(ESTALE));
    maker.file(42, WRITE, 12, 4, b"f");
    assert_eq!(told(&maker.sealed())[2], json!(["write", "/tmp/d/e/f", null, "learned", null]));
}

#[test]
fn a_tree_that_was_there_before_and_is_removed_has_the_paths_of_its_removal() {
    let mut maker = tmp();
    maker.dir(3, 11, Err(ESTALE));
    maker.file(42, DELETE, 12, 3, b"f");
    maker.dir(4, 10, Err(ESTALE));
    maker.file(42, DELETE | ONDIR, 11, 4, b"e");
    // The last removal is told in the next window; what waits for it waits for that.
    maker.checkpoint();
    maker.file(42, DELETE | ONDIR, 10, 1, b"d");
    let expected = [
        json!(["delete", "/tmp/d/e/f", null, "learned", null]),
        json!(["delete", "/tmp/d/e", null, "learned", null]),
        json!(["delete", "/tmp/d", null, null, null]),
    ];
    assert_eq!(told(&maker.sealed()), expected);
}

#[test]
fn what_is_in_a_directory_moves_with_it() {
    let mut maker = tmp();
    maker.file(42, CREATE | ONDIR, 10, 1, b"old");
    maker.renamed(42, RENAME | ONDIR, 10, (1, b"old"), (1, b"new"));
    // Asked only now: the kernel has the new path, and so have we.
    maker.dir(3, 10, Ok(b"/tmp/new"));
    maker.settled();
    maker.file(42, READ, 12, 3, b"f");
    assert_eq!(told(&maker.sealed())[2], json!(["read", "/tmp/new/f", null, null, null]));
}

#[test]
fn a_file_made_before_its_directory_moved_has_the_path_of_then() {
    let mut maker = tmp();
    maker.file(42, CREATE | ONDIR, 10, 1, b"old");
    // The kernel is asked when the directory has moved already; the report of that comes later.
    maker.dir(3, 10, Ok(b"/tmp/new"));
    maker.file(42, CREATE, 12, 3, b"f");
    maker.renamed(42, RENAME | ONDIR, 10, (1, b"old"), (1, b"new"));
    assert_eq!(told(&maker.sealed())[1], json!(["create", "/tmp/old/f", null, "learned", null]));
}

#[test]
fn what_was_made_before_a_directory_above_moved_has_the_path_of_then() {
    let mut maker = tmp();
    // The kernel was asked when /tmp/old was /tmp/new already; the report of that comes later.
    maker.dir(3, 11, Ok(b"/tmp/new/in"));
    maker.dir(4, 10, Ok(b"/tmp/new"));
    maker.within(3, 4);
    maker.within(4, 1);
    maker.file(42, CREATE, 12, 3, b"f");
    maker.renamed(42, RENAME | ONDIR, 10, (1, b"old"), (1, b"new"));
    maker.settled();
    maker.file(42, CREATE, 13, 3, b"g");
    let told = told(&maker.sealed());
    assert_eq!(told[0], json!(["create", "/tmp/old/in/f", null, "learned", null]));
    assert_eq!(told[2], json!(["create", "/tmp/new/in/g", null, null, null]));
}

#[test]
fn a_directory_that_was_replaced_by_another_of_its_name_is_not_taken_for_it() {
    let mut maker = tmp();
    maker.dir(3, 10, Ok(b"/tmp/d"));
    maker.within(3, 1);
    maker.renamed(42, RENAME | ONDIR, 10, (1, b"d"), (1, b"away"));
    maker.file(42, CREATE | ONDIR, 11, 1, b"d");
    maker.dir(4, 11, Ok(b"/tmp/d"));
    maker.within(4, 1);
    maker.dir(5, 10, Ok(b"/tmp/away"));
    maker.within(5, 1);
    maker.file(42, CREATE, 12, 5, b"in-old");
    maker.file(42, CREATE, 13, 4, b"in-new");
    let told = told(&maker.sealed());
    assert_eq!(told[2], json!(["create", "/tmp/away/in-old", null, null, null]));
    assert_eq!(told[3], json!(["create", "/tmp/d/in-new", null, null, null]));
}

#[test]
fn two_directories_that_are_exchanged_have_each_others_names() {
    let mut maker = tmp();
    for (id, ino, path) in [(3, 10, &b"/tmp/a"[..]), (4, 11, b"/tmp/b")] {
        maker.dir(id, ino, Ok(path));
        maker.within(id, 1);
    }
    maker.renamed(42, RENAME | ONDIR, 10, (1, b"a"), (1, b"b"));
    maker.renamed(42, RENAME | ONDIR, 11, (1, b"b"), (1, b"a"));
    maker.file(42, CREATE, 12, 3, b"f");
    maker.file(42, CREATE, 13, 4, b"g");
    let paths: Vec<Json> = told(&maker.sealed())[2..].iter().map(|it| it[1].clone()).collect();
    assert_eq!(paths, ["/tmp/b/f", "/tmp/a/g"]);
}

#[test]
fn a_use_that_may_be_from_before_a_move_says_so_and_has_both_paths() {
    let mut maker = tmp();
    maker.dir(3, 10, Ok(b"/tmp/old"));
    maker.within(3, 1);
    maker.renamed(42, RENAME | ONDIR, 10, (1, b"old"), (1, b"new"));
    maker.dir(4, 10, Ok(b"/tmp/new"));
    maker.within(4, 1);
    maker.file(42, READ, 12, 4, b"f");
    maker.settled();
    maker.file(42, READ, 13, 4, b"g");
    let events = played(&maker.sealed(), "file");
    assert_eq!(events[1]["path"], "/tmp/new/f");
    assert_eq!(events[1]["path_basis"], "moved");
    assert_eq!(events[1]["also"], json!(["/tmp/old/f"]));
    assert_eq!((&events[2]["path"], events[2].get("also")), (&json!("/tmp/new/g"), None));
}

#[test]
fn after_a_directory_came_back_within_a_turn_a_move_may_be_missing() {
    let mut maker = tmp();
    maker.file(42, CREATE | ONDIR, 10, 1, b"a");
    maker.dir(3, 10, Ok(b"/tmp/a"));
    maker.renamed(42, RENAME | ONDIR, 10, (1, b"a"), (1, b"b"));
    maker.file(42, CREATE, 12, 3, b"sure");
    maker.renamed(42, RENAME | ONDIR, 10, (1, b"b"), (1, b"a"));
    maker.file(42, CREATE, 13, 3, b"unsure");
    let told = told(&maker.sealed());
    assert_eq!(told[2], json!(["create", "/tmp/b/sure", null, "learned", null]));
    assert_eq!(told[4], json!(["create", "/tmp/a/unsure", null, "moved", null]));
}

#[test]
fn a_directory_that_somebody_else_moved_has_its_old_path_before_and_its_new_one_after() {
    let mut maker = tmp();
    maker.dir(3, 10, Ok(b"/tmp/old"));
    maker.within(3, 1);
    maker.file(42, READ, 12, 3, b"f");
    maker.settled();
    maker.dir(4, 10, Ok(b"/tmp/new"));
    maker.within(4, 1);
    maker.file(42, READ, 13, 4, b"g");
    maker.settled();
    maker.file(42, READ, 14, 4, b"h");
    assert_eq!(
        told(&maker.sealed()),
        [
            json!(["read", "/tmp/old/f", null, null, null]),
            json!(["read", "/tmp/new/g", null, "moved", null]),
            json!(["read", "/tmp/new/h", null, null, null]),
        ]
    );
}

#[test]
fn a_path_that_nobody_tells_is_missing_with_its_reason_and_the_name_is_kept() {
    let mut maker = tmp();
    maker.dir(3, 11, Err(ESTALE));
    maker.file(42, DELETE, 12, 3, b"f");
    maker.file(42, DELETE, 12, 77, b"g");
    maker.dir(5, 13, Err(18));
    maker.file(42, DELETE, 12, 5, b"h");
    let events = played(&maker.sealed(), "file");
    let pick = |event: &Json| json!([event["path_missing"], event["name"], event.get("path")]);
    let expected = [
        json!(["removed", "f", null]),
        json!(["no_directory", "g", null]),
        json!(["outside", "h", null]),
    ];
    assert_eq!(events.iter().map(pick).collect::<Vec<_>>(), expected);
}

#[test]
fn a_missing_path_delays_what_follows_by_one_window_only() {
    let mut maker = tmp();
    maker.dir(3, 11, Err(ESTALE));
    maker.file(42, DELETE, 12, 3, b"f");
    maker.file(42, READ, 13, 1, b"g");
    let told = |maker: &Maker| {
        let (mut pipeline, mut count) = (super::super::Pipeline::new(super::make::RUN), 0);
        for frame in event::frame::Frames::new(maker.bytes.as_slice(), None) {
            pipeline.feed(&frame, &mut |event| count += u32::from(event.what.kind() == "file"));
        }
        count
    };
    maker.checkpoint();
    assert_eq!(told(&maker), 0);
    maker.checkpoint();
    assert_eq!(told(&maker), 2);
}

#[test]
fn names_of_any_bytes_come_back() {
    let mut maker = tmp();
    maker.dir(3, 11, Ok(b"/tmp/\xff"));
    maker.file(42, READ, 12, 3, b"a\n\x1b");
    let event = &played(&maker.sealed(), "file")[0];
    let exact =
        event["path_b64"].as_str().and_then(|text| event::json::base64::decode(text.as_bytes()));
    assert_eq!(exact.as_deref(), Some(&b"/tmp/\xff/a\n\x1b"[..]));
}

#[test]
fn a_file_has_its_identity_and_its_process() {
    let mut maker = tmp();
    maker.file(42, EXEC, 9, 1, b"tool");
    let event = &played(&maker.sealed(), "file")[0];
    let pick =
        json!([event["dev"], event["ino"], event["gen"], event["pid"], event["exe"], event["uid"]]);
    assert_eq!(pick, json!([0x80_0001, 9, 1, 42, "/bin/sh", 1000]));
}

#[test]
fn a_process_that_becomes_known_within_the_window_is_named() {
    let mut maker = Maker::begun();
    maker.dir(1, 2, Ok(b"/tmp"));
    maker.file(43, READ, 9, 1, b"a");
    maker.fork(42, 43);
    assert_eq!(played(&maker.sealed(), "file")[0]["ppid"], 42);
}
