//! A look at the first frames and at the seal, without reading what is between.

use std::os::fd::AsFd;

use event::{
    frame::{
        self, BLOCK_HEAD_LEN, Frame, Frames, HEAD_LEN, MAGIC, MAGIC_BLOCKS, SLIM_HEAD_LEN,
        Unpacker,
        control::{KIND_ABOUT, KIND_SEAL, KIND_SEGMENT, KIND_START, Seal, Segment, Start},
        signed::KIND_KEYS,
    },
    sign::Certificate,
};

use super::{chunk, name, numbers};
use crate::{About, RunId, files};

/// Bytes in which the first frames are looked for: segment, start, an About of 64 KiB.
const FRONT: usize = 160 * 1024;

/// Frames that are looked at.
const FRONT_FRAMES: usize = 32;

/// What the first frames of a run say.
#[derive(Debug, Default)]
pub(crate) struct First {
    /// The run's id.
    pub(crate) id: Option<RunId>,
    /// What the front said.
    pub(crate) about: Option<About>,
    /// When it began, nanoseconds since 1970.
    pub(crate) started_ns: Option<i64>,
    /// The same by the kernel's clock.
    pub(crate) began_ns: Option<u64>,
    /// The run's keys.
    pub(crate) certificate: Option<Certificate>,
    /// How far it is out of the command's reach: [`event::protocol::trust`].
    pub(crate) trust: Option<u32>,
}

/// Reads the first frames of the segments in `dir`; what is not there is `None`.
pub(crate) fn first(dir: impl AsFd) -> First {
    let mut first = First::default();
    let Ok(file) = files::open(dir, &name(1)) else { return first };
    let Ok(bytes) = chunk::read(&file, 0, FRONT) else { return first };
    let bytes = bytes.as_slice();
    if let Some(frames) = bytes.strip_prefix(&MAGIC) {
        first.read(Frames::new(frames, Some(1)));
    } else if let Some(blocks) = bytes.strip_prefix(&MAGIC_BLOCKS) {
        let plain = frame::unpacked(blocks, FRONT);
        first.read(Frames::in_block(plain.as_slice(), 1));
    }
    first
}

impl First {
    fn read(&mut self, frames: Frames<'_>) {
        for frame in frames.take(FRONT_FRAMES) {
            self.see(&frame);
            if self.about.is_some() && self.started_ns.is_some() && self.certificate.is_some() {
                break;
            }
        }
    }

    fn see(&mut self, frame: &Frame<'_>) {
        match frame.head.kind {
            KIND_SEGMENT => self.id = self.id.take().or_else(|| id_of(frame)),
            KIND_START => {
                let start = frame.body::<Start>().ok().map(|(start, _)| start);
                self.started_ns = start.map(|start| start.real_ns);
                self.began_ns = start.map(|start| start.boot_ns);
                self.trust = start.map(|start| start.trust);
            }
            KIND_KEYS => self.certificate = Certificate::parse(frame.payload),
            KIND_ABOUT => self.about = About::parse(frame.payload),
            _ => {}
        }
    }
}

/// Returns the run's id as its first segment has it.
pub(crate) fn run_id(dir: impl AsFd) -> Option<RunId> {
    first(dir).id
}

fn id_of(frame: &Frame<'_>) -> Option<RunId> {
    let (segment, _) = frame.body::<Segment>().ok()?;
    let id = segment.run.split(|byte| *byte == 0).next()?;
    RunId::parse(std::str::from_utf8(id).ok()?)
}

/// Returns the seal, if the last frame of the last segment in `dir` is one.
///
/// A seal's frame has a fixed length and is not packed, so that it can be found from the end.
pub(crate) fn seal(dir: impl AsFd) -> Option<Seal> {
    const LEN: usize = HEAD_LEN + size_of::<Seal>();
    const BLOCK: usize = BLOCK_HEAD_LEN + SLIM_HEAD_LEN + size_of::<Seal>();
    let last = *numbers(&dir).ok()?.last()?;
    let file = files::open(&dir, &name(last)).ok()?;
    let magic = chunk::read(&file, 0, MAGIC.len()).ok()?;
    let len = file.metadata().ok()?.len();
    if magic.as_slice() == MAGIC_BLOCKS.as_slice() {
        let bytes = chunk::read(&file, len.checked_sub(BLOCK as u64)?, BLOCK).ok()?;
        let block = Unpacker::new().next(bytes.as_slice()).ok()?;
        return seal_of(Frames::in_block(block.plain.as_slice(), block.first));
    }
    let bytes = chunk::read(&file, len.checked_sub(LEN as u64)?, LEN).ok()?;
    seal_of(Frames::new(bytes.as_slice(), None))
}

fn seal_of(mut frames: Frames<'_>) -> Option<Seal> {
    let frame = frames.next().filter(|frame| frame.head.kind == KIND_SEAL)?;
    frame.body::<Seal>().ok().map(|(seal, _)| *seal)
}
