//! Frames out of the bytes of a segment, each held against all before it.

use event::frame::{Frame, Frames, MAGIC};

use super::{
    Tail,
    current::{Current, Form, Opened},
};
use crate::segments::{Wrong, damage};

impl Tail {
    /// Hands out the whole frames in `bytes`, which come next. Returns whether there was any.
    pub(super) fn read_bytes<E>(
        &mut self,
        current: &mut Current,
        bytes: &[u8],
        each: &mut impl FnMut(&Frame<'_>) -> Result<(), E>,
    ) -> Result<bool, E> {
        match current.form(bytes) {
            Some(Form::Frames) => self.read_frames(current, bytes, each),
            Some(Form::Blocks) => self.read_blocks(current, bytes, each),
            // Its magic is still to come.
            None if bytes.len() < MAGIC.len() => Ok(false),
            None => {
                self.hurt(0, Wrong::NotASegment);
                Ok(false)
            }
        }
    }

    fn read_frames<E>(
        &mut self,
        current: &mut Current,
        bytes: &[u8],
        each: &mut impl FnMut(&Frame<'_>) -> Result<(), E>,
    ) -> Result<bool, E> {
        let front = current.front();
        let begin = current.at + front.len() as u64;
        let bytes = bytes.get(front.len()..).unwrap_or_default();
        let mut frames = Frames::new(bytes, Some(self.next_seq));
        for frame in frames.by_ref() {
            current.here = current.at;
            let front = current.front();
            if !self.accept(current, &frame) {
                return Ok(false);
            }
            current.take(front, frame.bytes);
            each(&frame)?;
            if self.is_sealed() {
                return Ok(true);
            }
        }
        match frames.damage().map(damage::placed) {
            None | Some((Wrong::Torn, _)) => {}
            Some((what, behind)) => self.hurt(begin + behind as u64, what),
        }
        Ok(frames.consumed() > 0)
    }

    /// As [`Tail::read_frames`], of a file of blocks; first comes what is left of the last block.
    fn read_blocks<E>(
        &mut self,
        current: &mut Current,
        bytes: &[u8],
        each: &mut impl FnMut(&Frame<'_>) -> Result<(), E>,
    ) -> Result<bool, E> {
        let mut rest = bytes.get(current.front().len()..).unwrap_or_default();
        let mut any = false;
        while !self.stopped && !self.is_sealed() {
            let mut open = match current.open(&mut rest) {
                Ok(open) => open,
                Err(Wrong::Torn) => break,
                Err(what) => {
                    self.hurt(current.here, what);
                    break;
                }
            };
            any = true;
            if let Err(enough) = self.read_block(current, &mut open, each) {
                current.put_back(open);
                return Err(enough);
            }
        }
        Ok(any)
    }

    fn read_block<E>(
        &mut self,
        current: &mut Current,
        open: &mut Opened,
        each: &mut impl FnMut(&Frame<'_>) -> Result<(), E>,
    ) -> Result<(), E> {
        let (expected, found) = (self.next_seq, open.first);
        if open.at == 0 && expected != found {
            self.hurt(current.here, Wrong::Sequence { expected, found });
            return Ok(());
        }
        let bytes = open.plain.as_slice().get(open.at..).unwrap_or_default();
        let mut frames = Frames::in_block(bytes, expected);
        for frame in frames.by_ref() {
            if !self.accept(current, &frame) {
                return Ok(());
            }
            open.at += frame.bytes.len();
            each(&frame)?;
            if self.is_sealed() {
                break;
            }
        }
        if frames.damage().is_some() {
            self.hurt(current.here, Wrong::Packing);
        } else if frames.consumed() < bytes.len() {
            self.hurt(current.here, Wrong::AfterSeal);
        }
        Ok(())
    }

    /// Checks what `frame` says of everything before it and counts it as read, unless it must not
    /// be.
    fn accept(&mut self, current: &mut Current, frame: &Frame<'_>) -> bool {
        let front = current.front();
        let wrong = if front.is_empty() {
            self.verifier.frame(frame)
        } else {
            match self.verifier.head(self.number, front, frame) {
                Ok(wrong) => wrong,
                Err(wrong) => {
                    self.hurt(0, wrong);
                    return false;
                }
            }
        };
        if let Some(wrong) = wrong {
            self.hurt(current.here, wrong);
        }
        current.begin();
        self.next_seq = frame.head.seq.saturating_add(1);
        true
    }
}
