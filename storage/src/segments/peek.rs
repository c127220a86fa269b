//! A look at the first frames and at the seal, without reading what is between.

use std::os::fd::AsFd;

use event::{
    frame::{
        Frame, Frames, HEAD_LEN, MAGIC,
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
    let Some(frames) = bytes.as_slice().strip_prefix(&MAGIC) else { return first };
    for frame in Frames::new(frames, Some(1)).take(FRONT_FRAMES) {
        match frame.head.kind {
            KIND_SEGMENT => first.id = first.id.or_else(|| id_of(&frame)),
            KIND_START => {
                let start = frame.body::<Start>().ok().map(|(start, _)| start);
                first.started_ns = start.map(|start| start.real_ns);
                first.began_ns = start.map(|start| start.boot_ns);
                first.trust = start.map(|start| start.trust);
            }
            KIND_KEYS => first.certificate = Certificate::parse(frame.payload),
            KIND_ABOUT => first.about = About::parse(frame.payload),
            _ => {}
        }
        if first.about.is_some() && first.started_ns.is_some() {
            break;
        }
    }
    first
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
/// A seal's frame has a fixed length, so that it can be found from the end.
pub(crate) fn seal(dir: impl AsFd) -> Option<Seal> {
    const LEN: usize = HEAD_LEN + size_of::<Seal>();
    let last = *numbers(&dir).ok()?.last()?;
    let file = files::open(&dir, &name(last)).ok()?;
    let from = file.metadata().ok()?.len().checked_sub(LEN as u64)?;
    let bytes = chunk::read(&file, from, LEN).ok()?;
    let frame = Frames::new(bytes.as_slice(), None).next()?;
    if frame.head.kind != KIND_SEAL {
        return None;
    }
    frame.body::<Seal>().ok().map(|(seal, _)| *seal)
}
