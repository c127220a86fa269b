//! The lines while they are written: packed and hashed on the way, and plain for who reads a live run.

use std::{
    fs::File,
    io::{self, Write},
};

use crate::{
    Error, EventsFile, RunDir, files, freshness,
    packed::Packing,
    run::{EVENTS, LIVE_EVENTS},
};

use super::NEW;

/// Bytes that are collected before they are written.
const BUFFER: usize = 256 * 1024;

/// Appends lines.
#[derive(Debug)]
pub(super) struct EventsWriter {
    packing: Packing<Hashed>,
    live: Option<Live>,
    at: u64,
    lines: u64,
}

/// Lines that can be read as they come.
#[derive(Debug)]
struct Live {
    file: File,
    buffer: Vec<u8>,
}

/// A file that is hashed while it is written.
#[derive(Debug)]
struct Hashed {
    file: File,
    written: u64,
    hash: blake3::Hasher,
}

impl Write for Hashed {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let written = self.file.write(bytes)?;
        self.hash.update(bytes.get(..written).unwrap_or_default());
        self.written += written as u64;
        Ok(written)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.file.flush()
    }
}

impl EventsWriter {
    /// Begins files that are not whole yet: packed lines, and plain ones when somebody may read them
    /// meanwhile.
    pub(super) fn create(run: &RunDir, is_live: bool) -> Result<EventsWriter, Error> {
        let create = |name: &str| {
            let new = format!("{name}{NEW}");
            files::create(run.dir(), &new).map_err(run.file("make", &new))
        };
        let live = is_live.then(|| create(LIVE_EVENTS)).transpose()?;
        let live = live.map(|file| Live { file, buffer: Vec::with_capacity(BUFFER) });
        let out = Hashed { file: create(EVENTS)?, written: 0, hash: blake3::Hasher::new() };
        let packing = Packing::new(out).map_err(run.file("make", EVENTS))?;
        Ok(EventsWriter { packing, live, at: 0, lines: 0 })
    }

    /// Appends `line` and its newline. Returns where it begins among the plain bytes.
    pub(super) fn push(&mut self, line: &[u8]) -> io::Result<u64> {
        if self.live.as_ref().is_some_and(|live| live.buffer.len() + line.len() >= BUFFER) {
            self.flush()?;
        }
        if let Some(live) = &mut self.live {
            live.buffer.extend_from_slice(line);
            live.buffer.push(b'\n');
        }
        self.packing.push(line)?;
        self.packing.push(b"\n")?;
        let offset = self.at;
        self.at += line.len() as u64 + 1;
        self.lines += 1;
        Ok(offset)
    }

    /// Hands the plain lines to the system.
    pub(super) fn flush(&mut self) -> io::Result<()> {
        if let Some(live) = &mut self.live {
            live.file.write_all(&live.buffer)?;
            live.buffer.clear();
        }
        Ok(())
    }

    /// Ends the packed file.
    pub(super) fn finish(&mut self) -> io::Result<()> {
        self.flush()?;
        self.packing.finish()
    }

    /// Describes the packed file, once it has its name and is ended.
    pub(super) fn describe(&self) -> io::Result<EventsFile> {
        let out = self.packing.out();
        Ok(EventsFile {
            len: out.written,
            blake3: out.hash.finalize().to_hex().to_string(),
            lines: self.lines,
            stamp: freshness::stamp(&out.file)?,
        })
    }
}
