//! Files are told of the program that did it, among those of one process.

use event::wire::open_mode::{READ as READING, WRITE as WRITING};

use super::{Maker, played};

const READ: u64 = 0x10;
const WRITE: u64 = 0x8;
const CREATE: u64 = 0x100;

/// A process that ran a shell, and will run something else.
fn shell() -> Maker {
    let mut maker = Maker::begun();
    maker.exec(42, "/bin/sh", b"sh\0");
    maker.dir(1, 2, Ok(b"/tmp"));
    maker
}

fn told(maker: &Maker) -> Vec<String> {
    let text = |value: &serde_json::Value| value.as_str().unwrap_or("?").to_owned();
    let short = |it: serde_json::Value| {
        format!("{} {} {}", text(&it["op"]), text(&it["path"]), text(&it["exe"]))
    };
    played(maker, "file").into_iter().map(short).collect()
}

#[test]
fn what_was_done_before_an_exec_is_of_the_program_before() {
    let mut maker = shell();
    maker.exec(42, "/bin/env", b"env\0");
    maker.exec(42, "/bin/cat", b"cat\0");
    for (later, name) in [(2, b"a"), (1, b"b"), (0, b"c")] {
        maker.file_before(later, 42, CREATE, 9, name);
    }
    maker.file_before(7, 42, CREATE, 9, b"d");
    let expected = [
        "create /tmp/a /bin/sh",
        "create /tmp/b /bin/env",
        "create /tmp/c /bin/cat",
        "create /tmp/d ?",
    ];
    assert_eq!(told(&maker.sealed()), expected, "what it ran seven programs ago is not guessed");
}

#[test]
fn a_merged_report_is_of_the_program_that_opened_the_file_since() {
    let mut maker = shell();
    maker.opens(42, 9, 1, WRITING);
    maker.exec(42, "/bin/cat", b"cat\0");
    maker.opens(42, 9, 1, READING);
    maker.file_before(1, 42, READ | WRITE, 9, b"a");
    assert_eq!(told(&maker.sealed()), ["read /tmp/a /bin/cat", "write /tmp/a /bin/sh"]);
}

#[test]
fn reports_of_both_programs_are_of_both() {
    let mut maker = shell();
    maker.opens(42, 9, 1, READING);
    maker.exec(42, "/bin/cat", b"cat\0");
    maker.opens(42, 9, 1, READING);
    maker.file_before(1, 42, READ, 9, b"a");
    maker.file(42, READ, 9, 1, b"a");
    assert_eq!(told(&maker.sealed()), ["read /tmp/a /bin/sh", "read /tmp/a /bin/cat"]);
}

#[test]
fn a_file_whose_descriptors_were_closed_before_an_exec_is_of_the_program_before() {
    let mut maker = shell();
    maker.opens(42, 9, 1, READING);
    maker.uses(42, 9, READING, [1, 1, 0]);
    maker.exec(42, "/bin/cat", b"cat\0");
    maker.file(42, READ, 9, 1, b"library");
    assert_eq!(told(&maker.sealed()), ["read /tmp/library /bin/sh"]);
}

#[test]
fn a_descriptor_that_was_left_open_is_of_the_program_that_had_it_last() {
    let mut maker = shell();
    maker.opens(42, 9, 1, READING);
    maker.exec(42, "/bin/cat", b"cat\0");
    maker.uses(42, 9, READING, [1, 1, 0]);
    maker.file(42, READ, 9, 1, b"input");
    assert_eq!(told(&maker.sealed()), ["read /tmp/input /bin/cat"]);
}

#[test]
fn the_file_of_a_program_that_an_exec_closes_is_its_own() {
    let mut maker = Maker::begun();
    maker.dir(1, 2, Ok(b"/bin"));
    maker.exec(42, "/bin/sh", b"sh\0");
    maker.exec(42, "/bin/cat", b"cat\0");
    maker.file(42, READ, 9, 1, b"sh");
    maker.file(42, READ, 10, 1, b"other");
    assert_eq!(told(&maker.sealed()), ["read /bin/sh /bin/sh", "read /bin/other /bin/cat"]);
}
