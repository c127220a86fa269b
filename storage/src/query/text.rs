//! The lines of a run, wherever they are: packed at rest, plain while it is recorded.

use std::{fs::File, io};

use rustix::io::Errno;

use crate::{
    RunDir, files,
    packed::Packed,
    run::{EVENTS, LIVE_EVENTS},
};

/// Lines as one text that is read by place.
#[derive(Debug)]
pub(super) enum Text {
    /// As they come.
    Plain(File),
    /// Packed.
    Packed(Packed),
}

impl Text {
    /// Opens the packed lines of `run`.
    pub(super) fn packed(run: &RunDir) -> io::Result<Text> {
        files::open(run.dir(), EVENTS).and_then(Packed::open).map(Text::Packed)
    }

    /// Opens those that grow; where they just went, the packed ones are there.
    pub(super) fn growing(run: &RunDir) -> io::Result<Text> {
        match files::open(run.dir(), LIVE_EVENTS) {
            Err(why) if why.kind() == io::ErrorKind::NotFound => Text::packed(run),
            opened => opened.map(Text::Plain),
        }
    }

    /// Reads from `at` on, some bytes at least; none behind the end.
    pub(super) fn read_at(&self, room: &mut [u8], at: u64) -> io::Result<usize> {
        match self {
            Text::Packed(packed) => packed.read_at(room, at),
            Text::Plain(file) => loop {
                match rustix::io::pread(file, &mut *room, at) {
                    Err(Errno::INTR) => {}
                    read => return Ok(read?),
                }
            },
        }
    }
}
