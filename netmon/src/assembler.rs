//! Puts the pieces of a stream together, in whatever order and however often they come.

/// A stream up to a limit. Holds at most twice that many bytes.
#[derive(Debug, Default)]
pub(crate) struct Assembler {
    bytes: Vec<u8>,
    /// Bytes at the front that were taken out.
    gone: usize,
    /// Pieces behind a gap.
    later: Vec<(usize, Vec<u8>)>,
}

impl Assembler {
    /// Adds a piece; what lies beyond `limit` is left out.
    pub(crate) fn add(&mut self, offset: u32, piece: &[u8], limit: usize) {
        let Ok(offset) = usize::try_from(offset) else { return };
        if offset >= limit {
            return;
        }
        let piece = piece.get(..piece.len().min(limit - offset)).unwrap_or_default();
        if !self.append(offset, piece) && self.waiting() + piece.len() <= limit {
            self.later.push((offset, piece.to_vec()));
            return;
        }
        while let Some(at) = self.later.iter().position(|(offset, _)| *offset <= self.end()) {
            let (offset, piece) = self.later.swap_remove(at);
            self.append(offset, &piece);
        }
    }

    /// Returns what is there from the first byte on, without a gap.
    pub(crate) fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// Takes bytes out at the front.
    pub(crate) fn drop_front(&mut self, len: usize) {
        self.bytes.drain(..len.min(self.bytes.len()));
        self.gone += len;
    }

    fn end(&self) -> usize {
        self.gone + self.bytes.len()
    }

    fn waiting(&self) -> usize {
        self.later.iter().map(|(_, piece)| piece.len()).sum()
    }

    /// Returns false when there is a gap before the piece.
    fn append(&mut self, offset: usize, piece: &[u8]) -> bool {
        let Some(known) = self.end().checked_sub(offset) else { return false };
        self.bytes.extend_from_slice(piece.get(known..).unwrap_or_default());
        true
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::Assembler;

    proptest! {
        #[test]
        fn pieces_in_any_order_and_twice_make_the_stream(
            stream in prop::collection::vec(any::<u8>(), 1..300), cuts in prop::collection::vec(0usize..300, 0..8),
            order in any::<u64>(), limit in 1usize..400
        ) {
            let mut cuts: Vec<usize> = cuts.into_iter().map(|cut| cut % stream.len()).collect();
            cuts.extend([0, stream.len()]);
            cuts.sort_unstable();
            let mut pieces: Vec<(usize, &[u8])> =
                cuts.windows(2).map(|pair| (pair[0], &stream[pair[0]..pair[1]])).collect();
            let turn = usize::try_from(order % pieces.len() as u64).unwrap_or(0);
            pieces.rotate_left(turn);
            let mut assembler = Assembler::default();
            for (offset, piece) in pieces.iter().chain(&pieces) {
                assembler.add(*offset as u32, piece, limit);
                prop_assert!(assembler.bytes.len() + assembler.waiting() <= 2 * limit);
            }
            prop_assert_eq!(assembler.bytes(), &stream[..stream.len().min(limit)]);
        }
    }
}
