//! Claims about packed lines: any reader of zstd unpacks them, any place is found, and no file makes its
//! reader wrong, slow or large.

use std::{fs::File, io::Write};

use proptest::prelude::*;

use super::*;

fn packed(plain: &[u8]) -> Vec<u8> {
    let mut packing = Packing::new(Vec::new()).expect("memory");
    for part in plain.chunks(1_000) {
        packing.push(part).expect("it packs");
    }
    packing.finish().expect("it ends");
    packing.out().clone()
}

fn opened(bytes: &[u8]) -> std::io::Result<Packed> {
    let mut file = tempfile::tempfile().expect("a file");
    file.write_all(bytes).expect("room");
    Packed::open(file)
}

fn all(packed: Packed) -> std::io::Result<Vec<u8>> {
    let mut plain = Vec::new();
    std::io::Read::read_to_end(&mut Reader::new(packed), &mut plain).map(|_| plain)
}

fn lines(len: usize) -> Vec<u8> {
    let lines = (0..).flat_map(|n: u64| format!("{{\"seq\":{n},\"x\":{}}}\n", n * n).into_bytes());
    lines.take(len).collect()
}

#[test]
fn zstd_itself_unpacks_the_lines_and_every_place_is_read() {
    for len in [0, 1, 5_000, BLOCK - 1, BLOCK, BLOCK + 1, 3 * BLOCK + 77] {
        let plain = lines(len);
        let bytes = packed(&plain);
        assert!(zstd::decode_all(&*bytes).expect("it unpacks") == plain, "{len}");
        assert!(all(opened(&bytes).expect("its table")).expect("it reads") == plain, "{len}");
        let packed = opened(&bytes).expect("its table");
        for at in
            [0, 1, len / 2, BLOCK - 3, BLOCK, 2 * BLOCK + 9, len.saturating_sub(1), len, len + 9]
        {
            let mut room = [0; 64];
            let got = packed.read_at(&mut room, at as u64).expect("it reads");
            let there = plain.get(at..).unwrap_or_default();
            assert!(there.starts_with(&room[..got]) && (got > 0) != there.is_empty(), "{len} {at}");
        }
    }
}

#[test]
fn a_file_cannot_stand_for_more_than_64_times_its_size() {
    let plain = vec![b'x'; 40 * BLOCK];
    let bytes = packed(&plain);
    assert!(bytes.len() * RATIO >= plain.len(), "{}", bytes.len());
    assert!(zstd::decode_all(&*bytes).expect("it unpacks") == plain);
    assert!(all(opened(&bytes).expect("its table")).expect("it reads") == plain);
    // The same, without the zeros.
    let bomb = zstd::encode_all(&plain[..BLOCK], 1).expect("memory");
    let sizes = [bomb.len() as u32, BLOCK as u32].map(u32::to_le_bytes).concat();
    let table = [TABLE.to_le_bytes(), 17_u32.to_le_bytes()].concat();
    let foot = [&1_u32.to_le_bytes()[..], &[0], &SEEKABLE.to_le_bytes()].concat();
    assert!(opened(&[bomb, table, sizes, foot].concat()).is_err());
}

#[test]
fn a_block_that_is_not_what_the_table_says_is_damage() {
    let (one, other) = (lines(BLOCK), vec![b'y'; 70]);
    let bytes = packed(&[one, other].concat());
    for at in [0, 9, 1_000, bytes.len() - 40] {
        let mut bytes = bytes.clone();
        bytes[at] ^= 1;
        let read = opened(&bytes).and_then(all);
        assert_eq!(
            read.expect_err("it is damaged").kind(),
            std::io::ErrorKind::InvalidData,
            "{at}"
        );
    }
    for cut in [1, 9, 30, bytes.len() - 9, bytes.len()] {
        assert!(opened(&bytes[..bytes.len() - cut]).is_err(), "{cut}");
    }
    assert!(opened(&[&bytes[..], b"{}\n"].concat()).is_err());
}

#[test]
fn a_table_of_nothing_in_a_huge_file_is_refused_at_once() {
    let file = tempfile::NamedTempFile::new().expect("a file");
    file.as_file().set_len(1 << 40).expect("it grows");
    assert!(Packed::open(File::open(file.path()).expect("it opens")).is_err());
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn no_bytes_make_a_reader_give_more_than_their_share(
        len in 0..3 * BLOCK,
        changes in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 0..6),
        tail in prop::collection::vec((0..60_usize, any::<u8>()), 0..6),
    ) {
        let mut bytes = packed(&lines(len));
        for (at, byte) in changes {
            let at = at.index(bytes.len());
            bytes[at] = byte;
        }
        for (from_end, byte) in tail {
            let at = bytes.len().saturating_sub(from_end + 1);
            bytes[at] = byte;
        }
        if let Ok(plain) = opened(&bytes).and_then(all) {
            prop_assert!(plain.len() <= bytes.len() * RATIO);
        }
    }
}
