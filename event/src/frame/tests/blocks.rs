//! Claims about blocks: what is packed comes back, what is damaged or forged is named and costs little.

use proptest::prelude::*;
use zerocopy::IntoBytes;

use super::super::*;

fn slim(payloads: &[Vec<u8>]) -> Vec<u8> {
    let mut out = Vec::new();
    for payload in payloads {
        let mut room = vec![0; slim_len(payload.len())];
        encode_slim(&mut room, 74, 7, &[payload]).expect("it fits");
        out.extend(room);
    }
    out
}

/// Packs each group as a block; a group in `anew` begins the stream anew, one in `bare` is not packed.
fn blocks(groups: &[Vec<Vec<u8>>], anew: usize, bare: usize) -> Vec<u8> {
    let (mut packer, mut out, mut first) = (Packer::new().expect("memory"), Vec::new(), 1);
    for (at, group) in groups.iter().enumerate() {
        if at == anew {
            packer.begin_anew();
        }
        let plain = slim(group);
        let ask = Ask { plain: &plain, first, begins: at == 0, bare: at == bare };
        out.extend(packer.pack(&ask).expect("memory"));
        first += group.len() as u64;
    }
    out
}

/// Payloads up to the first block that is not good, and why it is not.
fn read(bytes: &[u8]) -> (Vec<Vec<u8>>, Option<NoBlock>) {
    let Some(mut rest) = bytes.strip_prefix(&MAGIC_BLOCKS) else { return Default::default() };
    let (mut unpacker, mut all) = (Unpacker::new(), Vec::new());
    while !rest.is_empty() {
        let block = match unpacker.next(rest) {
            Ok(block) => block,
            Err(why) => return (all, Some(why)),
        };
        let mut frames = Frames::in_block(block.plain.as_slice(), block.first);
        all.extend(frames.by_ref().map(|frame| frame.payload.to_vec()));
        assert_eq!((frames.damage(), frames.next_seq()), (None, Some(1 + all.len() as u64)));
        rest = &rest[block.len..];
    }
    (all, None)
}

fn groups() -> impl Strategy<Value = Vec<Vec<Vec<u8>>>> {
    let payload = prop::collection::vec(0_u8..3, 0..90);
    prop::collection::vec(prop::collection::vec(payload, 1..9), 1..6)
}

proptest! {
    #[test]
    fn blocks_come_back_as_they_were_packed(groups in groups(), anew in 0_usize..6, bare in 0_usize..6) {
        let (all, why) = read(&blocks(&groups, anew, bare));
        prop_assert_eq!(all, groups.concat());
        prop_assert_eq!(why, None);
    }

    #[test]
    fn a_cut_anywhere_leaves_the_blocks_before_it(groups in groups(), cut in any::<prop::sample::Index>()) {
        let bytes = blocks(&groups, 9, 9);
        let cut = MAGIC_BLOCKS.len() + cut.index(bytes.len() - MAGIC_BLOCKS.len());
        let (all, why) = read(&bytes[..cut]);
        prop_assert!(groups.concat().starts_with(&all) && all.len() < groups.concat().len());
        prop_assert!(matches!(why, None | Some(NoBlock::Torn)));
    }

    #[test]
    fn a_changed_bit_is_found(groups in groups(), at in any::<prop::sample::Index>(), bit in 0_u8..8) {
        let mut bytes = blocks(&groups, 9, 9);
        let at = MAGIC_BLOCKS.len() + at.index(bytes.len() - MAGIC_BLOCKS.len());
        bytes[at] ^= 1 << bit;
        let (all, why) = read(&bytes);
        prop_assert!(why.is_some() && groups.concat().starts_with(&all));
    }

    #[test]
    fn no_bytes_make_the_reader_panic_whatever_their_check(
        stored in prop::collection::vec(any::<u8>(), 0..300), plain in 0_usize..30_000, flags in 0_u32..4,
    ) {
        let head = BlockHead::over(&stored, plain, 1, flags);
        let bytes = [head.as_bytes(), &stored].concat();
        if let Ok(block) = Unpacker::new().next(&bytes) {
            prop_assert_eq!(block.plain.as_slice().len(), plain);
            let _ = Frames::in_block(block.plain.as_slice(), 1).count();
        }
    }
}

#[test]
fn a_block_that_goes_on_from_nothing_is_not_unpacked() {
    let groups = [vec![vec![1; 80]], vec![vec![1; 80]]];
    let bytes = blocks(&groups, 9, 9);
    let first = Unpacker::new().next(&bytes[MAGIC_BLOCKS.len()..]).expect("a block").len;
    let second = &bytes[MAGIC_BLOCKS.len() + first..];
    assert_eq!(Unpacker::new().next(second).err(), Some(NoBlock::Content));
}

#[test]
fn what_packs_too_well_is_written_plain_and_is_refused_from_others() {
    let plain = slim(&[vec![0; 900_000]]);
    let mut packer = Packer::new().expect("memory");
    let ask = Ask { plain: &plain, first: 1, begins: false, bare: false };
    let block = packer.pack(&ask).expect("memory").to_vec();
    assert_eq!(block.len(), BLOCK_HEAD_LEN + plain.len());
    assert_eq!(Unpacker::new().next(&block).expect("a block").plain.as_slice(), plain);
    // A megabyte in 60 bytes, and 4 GB that are not there.
    let mut forged = BlockHead::over(&[7; 36], 1 << 20, 1, block_flag::ANEW);
    let of = |head: &BlockHead| [head.as_bytes(), &[7; 36]].concat();
    assert_eq!(Unpacker::new().next(&of(&forged)).err(), Some(NoBlock::Length));
    forged.stored = u32::MAX;
    assert_eq!(Unpacker::new().next(&of(&forged)).err(), Some(NoBlock::Length));
}

#[test]
fn what_holds_more_or_less_than_its_head_says_is_refused() {
    let plain = slim(&[(0..200).collect(), vec![3; 40]]);
    let mut packer = Packer::new().expect("memory");
    let ask = Ask { plain: &plain, first: 1, begins: false, bare: false };
    let block = packer.pack(&ask).expect("memory").to_vec();
    let stored = &block[BLOCK_HEAD_LEN..];
    for (len, good) in [(plain.len(), true), (plain.len() - 8, false), (plain.len() + 8, false)] {
        let head = BlockHead::over(stored, len, 1, block_flag::ANEW);
        let told = Unpacker::new().next(&[head.as_bytes(), stored].concat());
        assert_eq!(told.is_ok(), good, "{len} of {}", plain.len());
    }
}
