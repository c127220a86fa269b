//! Claims about frames: what is written comes back, what is damaged is named.

mod blocks;

use proptest::prelude::*;

use super::{AlignedBytes, Chain, Damage, Frames, encode};

fn written(payloads: &[Vec<u8>]) -> AlignedBytes {
    let mut out = AlignedBytes::new();
    for (seq, payload) in (1..).zip(payloads) {
        let mut room = vec![0; super::frame_len(payload.len())];
        let len = encode(&mut room, 74, seq, seq * 10, &[payload]).expect("it fits");
        assert_eq!(len, room.len());
        out.extend(&room);
    }
    out
}

fn payloads() -> impl Strategy<Value = Vec<Vec<u8>>> {
    prop::collection::vec(prop::collection::vec(any::<u8>(), 0..90), 0..12)
}

proptest! {
    #[test]
    fn frames_come_back_as_they_were_written(payloads in payloads()) {
        let bytes = written(&payloads);
        let mut frames = Frames::new(bytes.as_slice(), Some(1));
        let back: Vec<Vec<u8>> = frames.by_ref().map(|f| f.payload.to_vec()).collect();
        prop_assert_eq!(back, payloads);
        prop_assert_eq!(frames.damage(), None);
        prop_assert_eq!(frames.consumed(), bytes.as_slice().len());
    }

    #[test]
    fn a_cut_anywhere_leaves_the_frames_before_it(payloads in payloads(), cut in any::<prop::sample::Index>()) {
        let bytes = written(&payloads);
        let cut = cut.index(bytes.as_slice().len() + 1);
        let mut short = AlignedBytes::new();
        short.extend(&bytes.as_slice()[..cut]);
        let mut frames = Frames::new(short.as_slice(), Some(1));
        let count = frames.by_ref().count();
        let ends: Vec<usize> = payloads.iter().scan(0, |at, p| { *at += super::frame_len(p.len()); Some(*at) }).collect();
        prop_assert_eq!(count, ends.iter().filter(|end| **end <= cut).count());
        prop_assert_eq!(frames.damage().is_some(), cut != 0 && !ends.contains(&cut));
    }

    #[test]
    fn a_changed_bit_is_found(payloads in payloads(), at in any::<prop::sample::Index>(), bit in 0u8..8) {
        let bytes = written(&payloads);
        prop_assume!(!bytes.as_slice().is_empty());
        let mut changed = bytes.as_slice().to_vec();
        let at = at.index(changed.len());
        changed[at] ^= 1 << bit;
        let mut other = AlignedBytes::new();
        other.extend(&changed);
        let mut frames = Frames::new(other.as_slice(), Some(1));
        let good = frames.by_ref().map(|f| f.payload.to_vec()).collect::<Vec<_>>();
        // Padding is not part of a frame's check; the chain covers it.
        let untouched = good == payloads;
        let (mut one, mut two) = (Chain::new(b"r"), Chain::new(b"r"));
        one.update(bytes.as_slice());
        two.update(other.as_slice());
        prop_assert!(frames.damage().is_some() || untouched);
        prop_assert_ne!(one.link(), two.link());
    }

    #[test]
    fn no_bytes_make_the_reader_panic(bytes in prop::collection::vec(any::<u8>(), 0..400)) {
        let mut aligned = AlignedBytes::new();
        aligned.extend(&bytes);
        let _ = Frames::new(aligned.as_slice(), None).count();
        let _ = crate::wire::Record::parse(aligned.as_slice());
        let _ = crate::protocol::Message::parse(aligned.as_slice());
    }
}

#[test]
fn a_missing_frame_breaks_the_sequence() {
    let whole = written(&[vec![1], vec![2], vec![3]]);
    let one = super::frame_len(1);
    let mut cut = AlignedBytes::new();
    cut.extend(&whole.as_slice()[..one]);
    cut.extend(&whole.as_slice()[2 * one..]);
    let mut frames = Frames::new(cut.as_slice(), Some(1));
    assert_eq!(frames.by_ref().count(), 1);
    assert_eq!(frames.damage(), Some(Damage::Sequence { at: one, expected: 2, found: 3 }));
}

#[test]
fn consuming_keeps_what_follows() {
    let whole = written(&[vec![1; 20], vec![2; 3]]);
    let mut rest = whole;
    rest.consume(super::frame_len(20));
    let frame = Frames::new(rest.as_slice(), Some(2)).next().expect("the second frame");
    assert_eq!(frame.payload, [2; 3]);
}
