//! Bundles that somebody made to hurt: each is refused by name, and nothing of it stays.

use std::{fs, io::Write};

use super::{
    super::{tar, trailer::Trailer},
    Elsewhere, bench, packed,
};

const ID: &str = "20261121-201530-claude-7k2m";

/// Bytes as a bundle: packed, with an end that says `tar_len` and `members`.
fn sealed(tar: &[u8], tar_len: u64, members: u64) -> Vec<u8> {
    let mut bytes = zstd::encode_all(tar, 3).expect("memory takes it");
    bytes.extend(Trailer::covered(tar_len, members));
    bytes.extend(event::sign::sha256(&bytes));
    bytes
}

/// A file of the tar, as our writer makes it.
fn file(path: &str, name: &str, data: &[u8]) -> Vec<u8> {
    let header = tar::header(path, name, data.len() as u64).expect("it fits");
    let pad = data.len().next_multiple_of(512) - data.len();
    [&header[..], data, &vec![0; pad]].concat()
}

/// Files as a bundle that is true to its end.
fn bundle(files: &[Vec<u8>]) -> Vec<u8> {
    let tar = [files.concat(), vec![0; 1024]].concat();
    sealed(&tar, tar.len() as u64, files.len() as u64)
}

fn segments() -> String {
    format!("{ID}/segments")
}

/// A bundle of one segment that holds these bytes.
pub(super) fn with_segment(data: &[u8]) -> Vec<u8> {
    bundle(&[file(&segments(), "000001.seg", data)])
}

/// A header with another kind of file, and a right sum.
fn of_kind(kind: u8, link: &str, size: u64) -> Vec<u8> {
    let mut header = tar::header(&segments(), "000001.seg", size).expect("it fits");
    header[156] = kind;
    header[157..157 + link.len()].copy_from_slice(link.as_bytes());
    header[148..156].copy_from_slice(b"        ");
    let sum: u32 = header.iter().map(|byte| u32::from(*byte)).sum();
    header[148..156].copy_from_slice(format!("{sum:06o}\0 ").as_bytes());
    header.to_vec()
}

/// It is refused with these words, and nothing of it stays.
fn refused(what: &str, bytes: &[u8], words: &str) {
    let elsewhere = Elsewhere::new();
    let before = fs::read_dir(elsewhere.temp.path()).expect("it reads").count();
    let why = elsewhere.open(bytes).expect_err(what).to_string();
    assert!(why.contains(words), "{what}: {why}");
    assert_eq!(elsewhere.places(), [""; 0].map(std::path::PathBuf::from), "{what}");
    // The bundle itself and the cache.
    let after = fs::read_dir(elsewhere.temp.path()).expect("it reads").count();
    assert!(after <= before + 2, "{what}");
}

#[test]
fn names_that_lead_elsewhere_are_refused() {
    let alien = "does not belong into a bundle";
    for (path, name) in [
        ("..", "epochs"),
        ("/etc", "passwd"),
        (&format!("{ID}/segments/../.."), "000001.seg"),
        (&format!("{ID}/.."), "epochs"),
        (&segments(), "../../../../x"),
        (&segments(), "000001.seg\x1b[2J"),
        (ID, "meta.json"),
        (ID, "index.sqlite"),
        (ID, "imported.json"),
        ("not-an-id", "epochs"),
    ] {
        refused(name, &bundle(&[file(path, name, b"x")]), alien);
    }
}

#[test]
fn files_that_are_none_are_refused() {
    let odd = "a header is not as a bundle's are";
    for (what, kind) in [
        ("hard link", b'1'),
        ("symbolic link", b'2'),
        ("character device", b'3'),
        ("block device", b'4'),
        ("directory", b'5'),
        ("FIFO", b'6'),
        ("sparse file", b'S'),
        ("extended header", b'x'),
        ("global header", b'g'),
        ("long name", b'L'),
    ] {
        refused(what, &bundle(&[of_kind(kind, "/etc/passwd", 0)]), odd);
        refused(what, &bundle(&[[of_kind(kind, "", 512), vec![b'a'; 512]].concat()]), odd);
    }
}

#[test]
fn what_is_there_twice_or_of_two_runs_is_refused() {
    let one = file(&segments(), "000001.seg", b"x");
    let order = "its files are not in their order, or of several runs";
    refused("twice", &bundle(&[one.clone(), one.clone()]), order);
    refused("order", &bundle(&[one.clone(), file(&segments(), "seal", b"x")]), order);
    let other = file("20261121-201530-claude-7k2n/segments", "000002.seg", b"x");
    refused("two runs", &bundle(&[one, other]), order);
    refused("empty", &bundle(&[]), "another end than it says");
}

#[test]
fn sizes_that_are_lies_are_refused_before_anything_is_written() {
    let odd = "a header is not as a bundle's are";
    let mut negative = tar::header(&segments(), "000001.seg", 1).expect("it fits");
    negative[124..136].copy_from_slice(&[0xff; 12]);
    refused("base-256 size", &bundle(&[negative.to_vec()]), odd);
    let huge = tar::header(&segments(), "000001.seg", 1 << 32).expect("it fits").to_vec();
    refused("8 GiB that are not there", &bundle(&[huge]), "fill whole buffer");
    let large = file(&segments(), "seal.sig", &[b'x'; 9_000]);
    refused("a large signature", &bundle(&[large]), "larger than it can be");
    let between = [file(&segments(), "seal", b"x"), vec![0; 512]].concat();
    let mut between = between;
    between[1023] = 1;
    refused("something between", &bundle(&[between]), "between two files");
}

#[test]
fn a_bomb_does_not_go_off() {
    // A gigabyte of zeros in some tens of kilobytes, whatever it says of itself.
    let size = 1_u64 << 30;
    let mut tar = zstd::Encoder::new(Vec::new(), 3).expect("memory takes it");
    tar.write_all(&tar::header(&segments(), "000001.seg", size).expect("it fits")).expect("room");
    let zeros = vec![0; 1 << 20];
    for _ in 0..1024 {
        tar.write_all(&zeros).expect("memory takes it");
    }
    tar.write_all(&zeros[..1024]).expect("memory takes it");
    let body = tar.finish().expect("memory takes it");
    let with_end = |tar_len: u64, members: u64| {
        let mut bytes = body.clone();
        bytes.extend(Trailer::covered(tar_len, members));
        bytes.extend(event::sign::sha256(&bytes));
        bytes
    };
    refused("an honest bomb", &with_end(size + 1536, 1), "a thousand times its size");
    refused("a bomb that lies", &with_end(10 << 20, 1), "fill whole buffer");
    refused("more than may be", &with_end(1 << 60, 1), "more than a bundle may");
}

#[test]
fn a_million_files_are_too_many() {
    let files: Vec<u8> =
        (1..=20_000).flat_map(|n| file(&segments(), &format!("{n:06}.seg"), b"")).collect();
    let tar = [files, vec![0; 1024]].concat();
    refused("says so", &sealed(&tar, tar.len() as u64, 1_000_000), "more than a bundle may");
    refused("says less", &sealed(&tar, tar.len() as u64, 10_000), "more files than it says");
}

#[test]
fn what_is_behind_the_end_is_refused() {
    let one = [file(&segments(), "000001.seg", b"x"), vec![0; 1024]].concat();
    let len = one.len() as u64;
    refused(
        "more in the tar",
        &sealed(&[one.clone(), vec![0; 512]].concat(), len, 1),
        "another end",
    );
    refused("less than it says", &sealed(&one, len + 512, 1), "another end");
    let packed_twice = |second: &[u8]| {
        let mut bytes = zstd::encode_all(&one[..], 3).expect("memory takes it");
        bytes.extend(second);
        bytes.extend(Trailer::covered(len, 1));
        bytes.extend(event::sign::sha256(&bytes));
        bytes
    };
    let second = zstd::encode_all(&b"x"[..], 3).expect("memory takes it");
    refused("a second frame", &packed_twice(&second), "something follows");
    refused("no frame", &packed_twice(b"x"), "something follows");
    let mut longer = packed(&bench());
    longer.push(0);
    refused("a byte more", &longer, "does not end as a bundle does");
}

#[test]
fn what_is_no_bundle_is_none() {
    refused("nothing", b"", "it is too short");
    refused("zeros", &[0; 4096], "does not end as a bundle does");
    let plain = zstd::encode_all(&[0; 1024][..], 3).expect("memory takes it");
    refused("a tar of somebody", &[plain, vec![0; 72]].concat(), "does not end as");
    let not_zstd = {
        let mut bytes = vec![b'x'; 4096];
        bytes.extend(Trailer::covered(2048, 1));
        bytes.extend(event::sign::sha256(&bytes));
        bytes
    };
    refused("not packed", &not_zstd, "cannot open");
    let elsewhere = Elsewhere::new();
    let fifo = elsewhere.temp.path().join("fifo.zst");
    rustix::fs::mknodat(
        rustix::fs::CWD,
        &fifo,
        rustix::fs::FileType::Fifo,
        rustix::fs::Mode::RUSR | rustix::fs::Mode::WUSR,
        0,
    )
    .expect("room");
    let why = elsewhere.store.select(fifo.to_str().expect("UTF-8")).expect_err("it is none");
    assert!(why.to_string().contains("no regular file"), "{why}");
}
