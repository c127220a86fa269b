//! Records parsed, frames packed into blocks and chained, blocks unpacked: 10,000 each, as the recorder and
//! its readers do it; checkpoints signed and signatures checked, 100 each. The frames are those of a small real run, with times and numbers that differ.

use std::hint::black_box;

use criterion::{Criterion, criterion_group, criterion_main};
use event::{
    frame::{
        AlignedBytes, Ask, Chain, Frames, MAGIC_BLOCKS, Packer, Unpacker, encode_slim,
        signed::Message, unpacked,
    },
    sign::{NAMESPACE_CHECKPOINT, Secret},
    wire::Record,
};
use zerocopy::IntoBytes;

const COUNT: u64 = 10_000;

/// Signatures: one a second in a run.
const SIGNED: u64 = 100;

/// As the recorder fills blocks.
const BLOCK: usize = 64 * 1024;

type Pieces = Vec<(u16, AlignedBytes)>;

fn pieces() -> Pieces {
    let run = concat!(env!("CARGO_MANIFEST_DIR"), "/../storage/fixtures/v2/segments/000001.seg");
    let bytes = std::fs::read(run).expect("the fixture");
    let plain = unpacked(bytes.strip_prefix(&MAGIC_BLOCKS).expect("magic"), usize::MAX);
    let frames: Vec<_> = Frames::in_block(plain.as_slice(), 1).collect();
    let all = (0..COUNT).zip(frames.iter().cycle()).map(|(number, frame)| {
        let mut payload = frame.payload.to_vec();
        // Time and process of a record; of other frames what stands there. A run does not repeat itself.
        let at = payload.len().min(24);
        for (byte, more) in payload[..at].iter_mut().zip((number * 0x9e37_79b9).to_le_bytes()) {
            *byte = byte.wrapping_add(more);
        }
        let mut aligned = AlignedBytes::new();
        aligned.extend(&payload);
        (frame.head.kind, aligned)
    });
    all.collect()
}

fn packed(pieces: &Pieces, room: &mut [u8]) -> Vec<u8> {
    let (mut packer, mut chain) = (Packer::new().expect("memory"), Chain::new(b"bench"));
    let (mut out, mut filled, mut first) = (Vec::new(), 0, 1);
    for (number, (kind, payload)) in (1..).zip(pieces) {
        let bytes = [payload.as_slice()];
        filled += encode_slim(&mut room[filled..], *kind, number * 31_337, &bytes).expect("room");
        if filled >= BLOCK || number == COUNT {
            chain.update(&room[..filled]);
            let ask = Ask { plain: &room[..filled], first, begins: first == 1, bare: false };
            out.extend_from_slice(packer.pack(&ask).expect("memory"));
            (filled, first) = (0, number + 1);
        }
    }
    black_box(chain.peek());
    out
}

fn read(bytes: &[u8]) -> u64 {
    let mut rest = &bytes[MAGIC_BLOCKS.len()..];
    let (mut unpacker, mut chain, mut count) = (Unpacker::new(), Chain::new(b"bench"), 0);
    while let Ok(block) = unpacker.next(rest) {
        chain.update(block.plain.as_slice());
        count += Frames::in_block(block.plain.as_slice(), block.first).count() as u64;
        rest = &rest[block.len..];
    }
    black_box(chain.peek());
    count
}

/// As a checkpoint is signed: with a key that signs but once, after which comes the next.
fn signed() -> Vec<(Message, [u8; 64])> {
    let mut secret = Secret::from_seed(&[1; 32]);
    let all = (1..=SIGNED).map(|number| {
        let next = Secret::from_seed(&[number as u8; 32]);
        let chain = [number as u8; 32];
        let next_key = next.public().0;
        let message =
            Message { run: [b'r'; 64], number, frame: number * 1_000, chain, next: next_key };
        let signature = secret.sign(NAMESPACE_CHECKPOINT, message.as_bytes());
        secret = next;
        (message, signature)
    });
    all.collect()
}

fn verified(signed: &[(Message, [u8; 64])]) -> bool {
    let mut key = Secret::from_seed(&[1; 32]).public();
    signed.iter().all(|(message, signature)| {
        let good = key.verifies(NAMESPACE_CHECKPOINT, message.as_bytes(), signature);
        key = event::sign::Public(message.next);
        good
    })
}

fn bench(criterion: &mut Criterion) {
    let pieces = pieces();
    let mut room = vec![0; 2 * BLOCK];
    let records: Vec<&[u8]> =
        pieces.iter().filter(|(kind, _)| *kind < 64).map(|(_, it)| it.as_slice()).collect();
    criterion.bench_function("parse 10,000 records", |bencher| {
        bencher.iter(|| {
            let all = records.iter().cycle().take(COUNT as usize);
            all.filter(|bytes| Record::parse(black_box(bytes)).is_ok()).count()
        });
    });
    criterion.bench_function("pack and chain 10,000 frames", |bencher| {
        bencher.iter(|| packed(black_box(&pieces), &mut room).len());
    });
    let bytes = packed(&pieces, &mut room);
    assert_eq!(read(&bytes), COUNT);
    criterion.bench_function("unpack and check 10,000 frames", |bencher| {
        bencher.iter(|| read(black_box(&bytes)));
    });
    criterion.bench_function("sign 100 checkpoints", |bencher| bencher.iter(signed));
    let signatures = signed();
    assert!(verified(&signatures));
    criterion.bench_function("check 100 signatures", |bencher| {
        bencher.iter(|| verified(black_box(&signatures)));
    });
}

criterion_group!(benches, bench);
criterion_main!(benches);
