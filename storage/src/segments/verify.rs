//! Holds what frames say of everything before them against what was read.

use event::{
    frame::{
        Chain, Frame, VERSION,
        control::{
            Checkpoint, KIND_CHECKPOINT, KIND_SEAL, KIND_SEGMENT, KIND_START, Seal, Segment, Start,
            Tally,
        },
        signed::{KIND_KEYS, KIND_SIGNATURE, Message, Signature},
    },
    sign::{Certificate, NAMESPACE_CHECKPOINT, Public},
};
use zerocopy::{FromBytes, IntoBytes};

use super::{Begun, Signed, Wrong};

/// The chain over a run's segments as far as they were read.
#[derive(Debug, Default)]
pub(super) struct Verifier {
    run: Vec<u8>,
    /// Gone once a link did not match: what follows cannot be verified.
    chain: Option<Gathering>,
    link: Option<[u8; 32]>,
    pub(super) begun: Option<Begun>,
    pub(super) seal: Option<Seal>,
    pub(super) signed: Option<Signed>,
    /// Signs the next checkpoint; gone once a signature did not hold.
    next_key: Option<Public>,
    /// The last frame was a checkpoint: its signature is to come.
    owes: bool,
    /// A disk that refused a signature was met; after that the recorder goes on in one more file.
    excused: bool,
    /// A kind whose counters did not add up in the last checkpoint.
    uneven: Option<u32>,
}

impl Verifier {
    /// Last link that matched.
    pub(super) fn link(&self) -> Option<[u8; 32]> {
        self.link
    }

    /// Whether the seal was seen.
    pub(super) fn is_sealed(&self) -> bool {
        self.seal.is_some()
    }

    /// The run's id as its first segment has it.
    pub(super) fn run(&self) -> &[u8] {
        &self.run
    }

    /// Takes the first frame of segment `number`, which says which file it is, and of which run; `magic` is
    /// before it.
    ///
    /// Returns a break of the chain, if that is where it shows.
    pub(super) fn head(
        &mut self,
        number: u32,
        magic: &[u8],
        frame: &Frame<'_>,
    ) -> Result<Option<Wrong>, Wrong> {
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
            self.chain = Some(Gathering::new(run));
        }
        if head.number != number || self.run != run {
            return Err(Wrong::Foreign);
        }
        let unsigned = std::mem::take(&mut self.owes) && std::mem::replace(&mut self.excused, true);
        let broken = self.chain.as_mut().is_some_and(|it| it.gathered().peek() != head.chain);
        if broken {
            self.chain = None;
        }
        self.add(magic);
        self.add(frame.bytes);
        let unsigned = unsigned.then_some(Wrong::Unsigned);
        Ok(broken.then_some(Wrong::Chain).or(unsigned).or_else(|| padding(frame)))
    }

    /// Takes a frame that is not the first of its file. Returns what does not match, if anything.
    pub(super) fn frame(&mut self, frame: &Frame<'_>) -> Option<Wrong> {
        let unsigned = self.owes && frame.head.kind != KIND_SIGNATURE;
        self.owes = frame.head.kind == KIND_CHECKPOINT && self.signed.is_some();
        let wrong = match frame.head.kind {
            KIND_START => self.start(frame),
            KIND_KEYS => self.keys(frame),
            KIND_SIGNATURE => self.signature(frame),
            KIND_CHECKPOINT => self.checkpoint(frame),
            KIND_SEAL => self.seal(frame),
            _ => None,
        };
        self.add(frame.bytes);
        wrong.or_else(|| unsigned.then_some(Wrong::Unsigned)).or_else(|| padding(frame))
    }

    fn start(&mut self, frame: &Frame<'_>) -> Option<Wrong> {
        let (start, rest) = frame.body::<Start>().ok()?;
        let host = rest.get(usize::from(start.release_len)..)?;
        let host = host.get(..usize::from(start.host_len))?.to_vec();
        self.begun.get_or_insert(Begun { start: *start, host });
        None
    }

    fn checkpoint(&mut self, frame: &Frame<'_>) -> Option<Wrong> {
        let (body, rest) = frame.body::<Checkpoint>().ok()?;
        let wrong = self.check(body.chain);
        let rows = rest.chunks_exact(size_of::<Tally>()).map(Tally::read_from_bytes);
        let adds_up = |row: &Tally| {
            let parts =
                row.stored.checked_add(row.folded).and_then(|sum| sum.checked_add(row.lost));
            parts == Some(row.seen)
        };
        // Before the end, what was seen may still wait in a ring.
        self.uneven = rows.flatten().find(|row| !adds_up(row)).map(|row| row.id);
        wrong
    }

    fn seal(&mut self, frame: &Frame<'_>) -> Option<Wrong> {
        let (body, _) = frame.body::<Seal>().ok()?;
        self.seal = Some(*body);
        let wrong = self.check(body.chain);
        let counted = body.frames == frame.head.seq;
        let before = self.signed.as_ref().is_none_or(|it| it.frame + 1 == frame.head.seq);
        wrong
            .or((!counted).then_some(Wrong::SealCount { said: body.frames }))
            .or((!before).then_some(Wrong::Unsigned))
            .or(self.uneven.map(|id| Wrong::Counters { id }))
    }

    fn keys(&mut self, frame: &Frame<'_>) -> Option<Wrong> {
        // A second one would let go of what the first began.
        let certificate = Certificate::parse(frame.payload).filter(|_| self.signed.is_none());
        let Some(certificate) = certificate else { return Some(Wrong::Keys) };
        self.next_key = Some(certificate.checkpoint);
        self.signed = Some(Signed { certificate, checkpoints: 0, frame: 0, boot_ns: 0 });
        None
    }

    fn signature(&mut self, frame: &Frame<'_>) -> Option<Wrong> {
        let Ok((body, _)) = frame.body::<Signature>() else { return Some(Wrong::Signature) };
        // Without keys nothing says whose it is; after a first bad one the next key is nobody's.
        let key = self.next_key.take();
        let (Some(key), Some(signed)) = (key, &mut self.signed) else {
            return self.signed.is_none().then_some(Wrong::Keys);
        };
        let mut run = [0; 64];
        run.iter_mut().zip(&self.run).for_each(|(place, byte)| *place = *byte);
        let Signature { number, chain, next, signature } = *body;
        let message = Message { run, number, frame: frame.head.seq, chain, next };
        let good = number == signed.checkpoints + 1
            && self.chain.as_mut().map(|it| it.gathered().peek()) == Some(chain)
            && key.verifies(NAMESPACE_CHECKPOINT, message.as_bytes(), &signature);
        if !good {
            return Some(Wrong::Signature);
        }
        self.next_key = Some(Public(next));
        (signed.checkpoints, signed.frame) = (number, frame.head.seq);
        signed.boot_ns = frame.head.boot_ns;
        None
    }

    fn check(&mut self, said: [u8; 32]) -> Option<Wrong> {
        let link = self.chain.as_mut()?.gathered().link();
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

/// The chain, and bytes that it is to take yet: BLAKE3 takes many at once several times as fast as one by
/// one, and a frame is a hundred.
#[derive(Debug)]
struct Gathering {
    chain: Chain,
    bytes: Vec<u8>,
}

/// Bytes that are gathered: some chunks of BLAKE3 (1 KiB) for each of the 16 lanes of the widest vectors.
const GATHERED: usize = 64 * 1024;

impl Gathering {
    fn new(run: &[u8]) -> Gathering {
        Gathering { chain: Chain::new(run), bytes: Vec::with_capacity(GATHERED) }
    }

    fn update(&mut self, bytes: &[u8]) {
        if self.bytes.len() + bytes.len() > GATHERED {
            self.gathered();
        }
        if bytes.len() > GATHERED {
            self.chain.update(bytes);
        } else {
            self.bytes.extend_from_slice(bytes);
        }
    }

    /// The chain over all bytes so far.
    fn gathered(&mut self) -> &mut Chain {
        self.chain.update(&self.bytes);
        self.bytes.clear();
        &mut self.chain
    }
}

/// Padding is not in a frame's check, and behind the last checkpoint not in the chain either.
fn padding(frame: &Frame<'_>) -> Option<Wrong> {
    frame.padding().iter().any(|byte| *byte != 0).then_some(Wrong::Padding)
}
