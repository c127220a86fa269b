//! Records as the kernel makes them, and as it never would.

use event::Malformed;
use proptest::prelude::*;

use super::{Handle, Head, Infos, infos, split};

/// A record with these info records.
fn record(fd: i32, infos: &[Vec<u8>]) -> Vec<u8> {
    let body = infos.concat();
    let len = u32::try_from(24 + body.len()).expect("short");
    let mut bytes = len.to_ne_bytes().to_vec();
    bytes.extend([3, 0]);
    bytes.extend(24_u16.to_ne_bytes());
    bytes.extend(0x100_u64.to_ne_bytes());
    bytes.extend(fd.to_ne_bytes());
    bytes.extend(42_i32.to_ne_bytes());
    bytes.extend(body);
    bytes
}

/// An info record of type `kind` with a handle of `bytes`, and `name` behind it.
fn info(kind: u8, bytes: &[u8], name: Option<&[u8]>) -> Vec<u8> {
    let mut body = [7_u32, 8, u32::try_from(bytes.len()).expect("short")]
        .iter()
        .flat_map(|word| word.to_ne_bytes())
        .collect::<Vec<u8>>();
    body.extend(1_i32.to_ne_bytes());
    body.extend(bytes);
    if let Some(name) = name {
        body.extend(name);
        body.push(0);
    }
    body.resize(body.len().next_multiple_of(4), 0);
    let len = u16::try_from(body.len() + 4).expect("short");
    [vec![kind, 0], len.to_ne_bytes().to_vec(), body].concat()
}

fn handle(bytes: &[u8]) -> Option<Handle<'_>> {
    Some(Handle { fsid: [7, 8], kind: 1, bytes })
}

#[test]
fn a_record_with_directory_name_and_target_is_read() {
    let bytes = record(-1, &[info(2, b"dirdirdi", Some(b"name\xff")), info(1, b"file", None)]);
    let found = split(&bytes);
    assert_eq!(found.head, Ok(Head { mask: 0x100, pid: 42, fd: -1 }));
    assert_eq!((found.raw_fd, found.rest), (None, &[][..]));
    let expected = Infos {
        dir: handle(b"dirdirdi"),
        name: b"name\xff",
        target: handle(b"file"),
        ..Infos::default()
    };
    assert_eq!(infos(found.body), Ok(expected));
}

#[test]
fn a_rename_has_two_directories_and_two_names() {
    let bytes = record(-1, &[info(10, b"olds", Some(b"old")), info(12, b"news", Some(b"new"))]);
    let expected = Infos {
        dir: handle(b"olds"),
        name: b"old",
        new_dir: handle(b"news"),
        new_name: b"new",
        target: None,
    };
    assert_eq!(infos(split(&bytes).body), Ok(expected));
}

#[test]
fn an_info_record_of_an_unknown_type_is_skipped() {
    let strange = vec![99, 0, 8, 0, 1, 2, 3, 4];
    let bytes = record(-1, &[strange, info(3, b"dirs", None)]);
    assert_eq!(infos(split(&bytes).body).map(|it| it.dir), Ok(handle(b"dirs")));
}

#[test]
fn the_descriptor_of_a_malformed_record_is_still_taken() {
    let mut bytes = record(9, &[]);
    bytes[..4].copy_from_slice(&1000_u32.to_ne_bytes());
    let found = split(&bytes);
    assert_eq!(found.head, Err(Malformed::Length));
    assert_eq!(found.raw_fd, Some(9));
}

#[test]
fn an_info_record_without_length_does_not_go_on_for_ever() {
    assert_eq!(infos(&[1, 0, 0, 0, 1, 2, 3, 4]), Err(Malformed::Length));
}

#[test]
fn a_name_without_its_end_is_malformed() {
    let mut open = info(2, b"dirs", Some(b"abc"));
    if let Some(end) = open.last_mut() {
        *end = b'd';
    }
    assert_eq!(infos(&open), Err(Malformed::Length));
}

#[test]
fn another_version_is_not_read_at_all() {
    let mut bytes = record(9, &[]);
    bytes[4] = 4;
    let found = split(&bytes);
    assert_eq!((found.head, found.raw_fd), (Err(Malformed::Unknown { kind: 4 }), None));
}

/// Takes all records; each must make what is left shorter.
fn walk(mut bytes: &[u8]) {
    while !bytes.is_empty() {
        let found = split(bytes);
        assert!(found.rest.len() < bytes.len());
        let _ = infos(found.body);
        bytes = found.rest;
    }
}

proptest! {
    #[test]
    fn no_bytes_make_it_panic_and_it_ends(bytes in prop::collection::vec(any::<u8>(), 0..400)) {
        walk(&bytes);
        let _ = infos(&bytes);
    }

    #[test]
    fn no_change_of_good_records_makes_it_panic_and_it_ends(
        name in prop::collection::vec(1_u8.., 0..64),
        changes in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 0..8),
        cut in any::<prop::sample::Index>(),
    ) {
        let one = record(-1, &[info(2, b"dirdirdi", Some(&name)), info(1, b"file", None)]);
        let two = record(5, &[info(10, b"o", Some(&name)), info(12, b"n", Some(b"")), info(4, b"", None)]);
        let mut bytes = [one, two].concat();
        for (index, byte) in changes {
            *index.get_mut(&mut bytes) = byte;
        }
        walk(&bytes);
        walk(bytes.get(..cut.index(bytes.len())).unwrap_or_default());
    }
}
