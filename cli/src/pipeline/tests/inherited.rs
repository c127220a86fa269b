//! Files that were open before the run.

use event::frame::files::{INHERITED_ENDED, InheritedTold, KIND_INHERITED_USE};
use event::wire::{Inherited, InheritedKey, InheritedUse, Kind, inherited_flag, open_mode};
use serde_json::{Value as Json, json};
use zerocopy::IntoBytes;

use super::make::{components, start_of};
use super::{Maker, played};

const OUT: u64 = 0xffff_8880_0000_1000;

fn handed(maker: &mut Maker, path: &str) {
    let path = components(path);
    let file = Inherited {
        head: maker.head(Kind::Inherited, 42),
        file: OUT,
        ino: 9,
        size: 3,
        dev: 0x80_0001,
        generation: 1,
        mode: open_mode::WRITE,
        flags: 0,
        fd: 1,
        path_len: path.len() as u32,
    };
    maker.record(Kind::Inherited, file, &[&path]);
}

fn used(maker: &mut Maker, pid: u32, bytes: [u64; 2], flags: u32) {
    let key = InheritedKey { file: OUT, start_ns: start_of(pid), pid, pad: 0 };
    let [read_bytes, written_bytes] = bytes;
    let used = InheritedUse {
        first_ns: 1,
        last_ns: u64::from(pid),
        read_bytes,
        written_bytes,
        size_after: 3 + written_bytes,
        flags,
        pad: 0,
    };
    maker.frame(KIND_INHERITED_USE, &[InheritedTold { key, used }.as_bytes()]);
}

fn told(maker: Maker) -> Vec<Json> {
    let pick = |it: Json| {
        let [op, pid, path, bytes, after] =
            ["op", "pid", "path", "bytes", "size_after"].map(|name| it[name].clone());
        json!([op, pid, path, bytes, after])
    };
    let inherited = |it: &Json| it["inherited"] == true;
    played(&maker.sealed(), "file").into_iter().filter(inherited).map(pick).collect()
}

#[test]
fn each_process_has_its_last_numbers_once() {
    let mut maker = Maker::begun();
    handed(&mut maker, "/log");
    used(&mut maker, 43, [0, 5], inherited_flag::WRITTEN);
    used(&mut maker, 42, [0, 2], inherited_flag::WRITTEN);
    maker.checkpoint();
    used(&mut maker, 42, [4, 9], inherited_flag::WRITTEN | inherited_flag::READ | INHERITED_ENDED);
    maker.checkpoint();
    used(&mut maker, 43, [0, 6], inherited_flag::WRITTEN);
    let expected = [
        json!(["read", 42, "/log", 4, null]),
        json!(["write", 42, "/log", 9, 12]),
        json!(["write", 43, "/log", 6, 9]),
    ];
    assert_eq!(told(maker), expected);
}

#[test]
fn a_use_whose_file_the_record_does_not_have_is_told_without_a_path() {
    let mut maker = Maker::begun();
    used(&mut maker, 42, [0, 2], inherited_flag::WRITTEN);
    assert_eq!(told(maker), [json!(["write", 42, null, 2, 5])]);
}
