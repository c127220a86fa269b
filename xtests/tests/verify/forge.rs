//! What an attacker does who can write the store: frames taken apart, and put together so that every
//! number, checksum and link of the chain is right again.

use event::frame::{
    Chain, MAGIC,
    control::{KIND_CHECKPOINT, KIND_SEAL, KIND_SEGMENT},
    encode, frame_len,
};

/// A frame, as far as an attacker cares.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Piece {
    pub(crate) kind: u16,
    pub(crate) boot_ns: u64,
    pub(crate) payload: Vec<u8>,
}

/// Takes a segment apart.
pub(crate) fn pieces(bytes: &[u8]) -> Vec<Piece> {
    let mut rest = &bytes[MAGIC.len()..];
    let mut pieces = Vec::new();
    while !rest.is_empty() {
        let len = u32::from_le_bytes(rest[..4].try_into().expect("four")) as usize;
        let kind = u16::from_le_bytes(rest[4..6].try_into().expect("two"));
        let boot_ns = u64::from_le_bytes(rest[16..24].try_into().expect("eight"));
        pieces.push(Piece { kind, boot_ns, payload: rest[32..32 + len].to_vec() });
        rest = &rest[frame_len(len)..];
    }
    pieces
}

/// Puts a segment together; `sign` may change a frame that comes, given the chain before it and its number.
pub(crate) fn joined(
    run: &str,
    pieces: &[Piece],
    mut sign: impl FnMut(&mut Piece, [u8; 32], u64),
) -> Vec<u8> {
    let mut chain = Chain::new(run.as_bytes());
    let mut out = Vec::new();
    for (seq, piece) in (1_u64..).zip(pieces) {
        let mut piece = piece.clone();
        match piece.kind {
            KIND_SEGMENT if seq == 1 => {
                piece.payload[..32].copy_from_slice(&chain.peek());
                out.extend(MAGIC);
                chain.update(&MAGIC);
            }
            KIND_CHECKPOINT => piece.payload[..32].copy_from_slice(&chain.link()),
            KIND_SEAL => {
                piece.payload[..32].copy_from_slice(&chain.link());
                piece.payload[48..56].copy_from_slice(&seq.to_le_bytes());
            }
            _ => sign(&mut piece, chain.peek(), seq),
        }
        let mut frame = vec![0; frame_len(piece.payload.len())];
        encode(&mut frame, piece.kind, seq, piece.boot_ns, &[&piece.payload]).expect("it fits");
        chain.update(&frame);
        out.extend(frame);
    }
    out
}
