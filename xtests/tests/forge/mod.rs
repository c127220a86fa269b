//! What an attacker does who can write the store: frames taken apart, and put together so that every
//! number, checksum and link of the chain is right again.

mod signed;

use event::frame::{
    Ask, Chain, Frames, MAGIC_BLOCKS, Packer, Unpacker,
    control::{KIND_CHECKPOINT, KIND_SEAL, KIND_SEGMENT},
    encode_slim, slim_len,
};

pub(crate) use signed::signed;

/// A frame, as far as an attacker cares.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Piece {
    pub(crate) kind: u16,
    pub(crate) boot_ns: u64,
    pub(crate) payload: Vec<u8>,
}

/// Takes a segment apart; gives each block's frames, and where it ends.
pub(crate) fn blocks(bytes: &[u8]) -> Vec<(Vec<Piece>, usize)> {
    let (mut at, mut seq, mut all) = (MAGIC_BLOCKS.len(), 1, Vec::new());
    let mut unpacker = Unpacker::new();
    while at < bytes.len() {
        let block = unpacker.next(&bytes[at..]).expect("a whole block");
        let frames = Frames::in_block(block.plain.as_slice(), seq);
        let pieces: Vec<Piece> = frames
            .map(|frame| Piece {
                kind: frame.head.kind,
                boot_ns: frame.head.boot_ns,
                payload: frame.payload.to_vec(),
            })
            .collect();
        seq += pieces.len() as u64;
        at += block.len;
        all.push((pieces, at));
    }
    all
}

/// Takes a segment apart.
pub(crate) fn pieces(bytes: &[u8]) -> Vec<Piece> {
    blocks(bytes).into_iter().flat_map(|(pieces, _)| pieces).collect()
}

/// Puts a segment together, each frame as a block that is not packed; `sign` may change a frame
/// that comes, given the chain before it and its number.
pub(crate) fn joined(
    run: &str,
    pieces: &[Piece],
    mut sign: impl FnMut(&mut Piece, [u8; 32], u64),
) -> Vec<u8> {
    let mut chain = Chain::new(run.as_bytes());
    let (mut packer, mut out) = (Packer::new().expect("memory"), Vec::new());
    for (seq, piece) in (1_u64..).zip(pieces) {
        let mut piece = piece.clone();
        match piece.kind {
            KIND_SEGMENT if seq == 1 => {
                piece.payload[..32].copy_from_slice(&chain.peek());
                chain.update(&MAGIC_BLOCKS);
            }
            KIND_CHECKPOINT => piece.payload[..32].copy_from_slice(&chain.link()),
            KIND_SEAL => {
                piece.payload[..32].copy_from_slice(&chain.link());
                piece.payload[48..56].copy_from_slice(&seq.to_le_bytes());
            }
            _ => sign(&mut piece, chain.peek(), seq),
        }
        let mut frame = vec![0; slim_len(piece.payload.len())];
        encode_slim(&mut frame, piece.kind, piece.boot_ns, &[&piece.payload]).expect("it fits");
        chain.update(&frame);
        let ask = Ask { plain: &frame, first: seq, begins: seq == 1, bare: true };
        out.extend(packer.pack(&ask).expect("memory"));
    }
    out
}
