//! `events.jsonl` while it is written: buffered, hashed on the way.

use std::{
    fs::File,
    io::{self, Write},
};

use crate::{Error, EventsFile, RunDir, files, freshness};

/// Bytes that are collected before they are written.
const BUFFER: usize = 256 * 1024;

/// Appends lines.
#[derive(Debug)]
pub(super) struct EventsWriter {
    file: File,
    buffer: Vec<u8>,
    written: u64,
    lines: u64,
    hash: blake3::Hasher,
}

impl EventsWriter {
    pub(super) fn create(run: &RunDir, name: &str) -> Result<EventsWriter, Error> {
        let file = files::create(run.dir(), name).map_err(run.file("make", name))?;
        let buffer = Vec::with_capacity(BUFFER);
        Ok(EventsWriter { file, buffer, written: 0, lines: 0, hash: blake3::Hasher::new() })
    }

    /// Appends `line` and its newline. Returns where it begins.
    pub(super) fn push(&mut self, line: &[u8]) -> io::Result<u64> {
        if self.buffer.len() + line.len() >= BUFFER {
            self.flush()?;
        }
        let offset = self.written + self.buffer.len() as u64;
        self.buffer.extend_from_slice(line);
        self.buffer.push(b'\n');
        self.lines += 1;
        Ok(offset)
    }

    pub(super) fn flush(&mut self) -> io::Result<()> {
        self.file.write_all(&self.buffer)?;
        self.hash.update(&self.buffer);
        self.written += self.buffer.len() as u64;
        self.buffer.clear();
        Ok(())
    }

    /// Describes the file, once it has its name and everything is flushed.
    pub(super) fn describe(&self) -> io::Result<EventsFile> {
        Ok(EventsFile {
            len: self.written,
            blake3: self.hash.finalize().to_hex().to_string(),
            lines: self.lines,
            stamp: freshness::stamp(&self.file)?,
        })
    }
}
