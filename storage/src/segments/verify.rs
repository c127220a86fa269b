//! Holds what frames say of everything before them against what was read.

use event::frame::{
    Chain, Frame, MAGIC, VERSION,
    control::{Checkpoint, KIND_CHECKPOINT, KIND_SEAL, KIND_SEGMENT, Seal, Segment},
};

use super::Wrong;

/// The chain over a run's segments as far as they were read.
#[derive(Debug, Default)]
pub(super) struct Verifier {
    run: Vec<u8>,
    /// Gone once a link did not match: what follows cannot be verified.
    chain: Option<Chain>,
    link: Option<[u8; 32]>,
    sealed: bool,
}

impl Verifier {
    /// Last link that matched.
    pub(super) fn link(&self) -> Option<[u8; 32]> {
        self.link
    }

    /// Whether the seal was seen.
    pub(super) fn is_sealed(&self) -> bool {
        self.sealed
    }

    /// Takes the first frame of segment `number`, which says which file it is, and of which run.
    ///
    /// Returns a break of the chain, if that is where it shows.
    pub(super) fn head(&mut self, number: u32, frame: &Frame<'_>) -> Result<Option<Wrong>, Wrong> {
        let Ok((head, _)) = frame.body::<Segment>() else { return Err(Wrong::NotASegment) };
        if frame.head.kind != KIND_SEGMENT {
            return Err(Wrong::NotASegment);
        }
        if head.version != VERSION {
            return Err(Wrong::Version(head.version));
        }
        let run = head.run.split(|byte| *byte == 0).next().unwrap_or_default();
        if number == 1 {
            self.run = run.to_vec();
            self.chain = Some(Chain::new(run));
        }
        if head.number != number || self.run != run {
            return Err(Wrong::Foreign);
        }
        let broken = self.chain.as_ref().is_some_and(|chain| chain.peek() != head.chain);
        if broken {
            self.chain = None;
        }
        self.add(&MAGIC);
        self.add(frame.bytes);
        Ok(broken.then_some(Wrong::Chain))
    }

    /// Takes a frame that is not the first of its file. Returns what does not match, if anything.
    pub(super) fn frame(&mut self, frame: &Frame<'_>) -> Option<Wrong> {
        let mut wrong = None;
        match frame.head.kind {
            KIND_CHECKPOINT => {
                let (body, _) = frame.body::<Checkpoint>().ok()?;
                wrong = self.check(body.chain);
            }
            KIND_SEAL => {
                let (body, _) = frame.body::<Seal>().ok()?;
                wrong = self.check(body.chain);
                if body.frames != frame.head.seq {
                    wrong = wrong.or(Some(Wrong::SealCount { said: body.frames }));
                }
                self.sealed = true;
            }
            _ => {}
        }
        self.add(frame.bytes);
        wrong
    }

    fn check(&mut self, said: [u8; 32]) -> Option<Wrong> {
        let link = self.chain.as_mut()?.link();
        if link == said {
            self.link = Some(link);
            return None;
        }
        self.chain = None;
        Some(Wrong::Chain)
    }

    fn add(&mut self, bytes: &[u8]) {
        if let Some(chain) = &mut self.chain {
            chain.update(bytes);
        }
    }
}
