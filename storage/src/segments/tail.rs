//! Reads the frames of a run in order, also while it is still written.
//!
//! Each call gives the whole frames that have come since the last one. Files are only read. A frame or
//! block that is not whole is read again from its start the next time, because the writer takes back what
//! a full disk refused.

mod current;
mod reading;

use std::{io, os::fd::OwnedFd};

use event::frame::{Frame, HEAD_LEN, MAGIC, MAX_PAYLOAD, MAX_STORED};

use super::{Consumed, Damage, Said, Wrong, chunk, name, numbers, verify::Verifier};
use crate::{Error, RunDir, SegmentFile, files, freshness};
use current::Current;

/// Bytes that are read at once.
const CHUNK: usize = 256 * 1024;

/// A chunk that any frame and any block fits into.
const LARGEST: usize =
    MAGIC.len() + HEAD_LEN + if MAX_STORED > MAX_PAYLOAD { MAX_STORED } else { MAX_PAYLOAD };

/// Incremental reader of a run's segments.
#[derive(Debug)]
pub struct Tail {
    dir: OwnedFd,
    current: Option<Current>,
    /// Number of the open segment, or of the one to open next.
    number: u32,
    next_seq: u64,
    verifier: Verifier,
    closed: Vec<SegmentFile>,
    damage: Vec<Damage>,
    /// Nothing behind the last damage is read.
    stopped: bool,
}

/// What reading a chunk gave.
enum Step {
    /// Frames.
    Frames,
    /// No whole frame; `larger` when there may be one that did not fit.
    NotYet { larger: bool },
}

impl Tail {
    /// Starts before the first frame of `run`.
    ///
    /// # Errors
    /// [`Error::File`].
    pub fn open(run: &RunDir) -> Result<Tail, Error> {
        Ok(Tail {
            dir: run.open_segments()?,
            current: None,
            number: 1,
            next_seq: 1,
            verifier: Verifier::default(),
            closed: Vec::new(),
            damage: Vec::new(),
            stopped: false,
        })
    }

    /// Gives the next whole frames, at most some hundred KiB of them, to `each`.
    ///
    /// Returns whether to call again at once; otherwise nothing more has been written so far, or
    /// nothing more can be read.
    ///
    /// # Errors
    /// What `each` returns; that frame counts as read.
    pub fn read<E>(
        &mut self,
        mut each: impl FnMut(&Frame<'_>) -> Result<(), E>,
    ) -> Result<bool, E> {
        if self.stopped || self.is_sealed() || !self.open_current() {
            return Ok(false);
        }
        match self.read_chunk(CHUNK, &mut each)? {
            Step::Frames => return Ok(true),
            Step::NotYet { larger } => {
                if larger && matches!(self.read_chunk(LARGEST, &mut each)?, Step::Frames) {
                    return Ok(true);
                }
            }
        }
        if self.stopped || !files::exists(&self.dir, &name(self.number.saturating_add(1))) {
            return Ok(false);
        }
        // Now that the next file exists, this one no longer grows: look once more, then go on.
        if let Step::NotYet { .. } = self.read_chunk(LARGEST, &mut each)? {
            self.leave_current();
        }
        Ok(!self.stopped)
    }

    /// Reads all that there is now.
    ///
    /// # Errors
    /// What `each` returns.
    pub fn read_all<E>(
        &mut self,
        mut each: impl FnMut(&Frame<'_>) -> Result<(), E>,
    ) -> Result<(), E> {
        while self.read(&mut each)? {}
        Ok(())
    }

    /// Whether the seal was read: nothing more will come.
    #[must_use]
    pub fn is_sealed(&self) -> bool {
        self.verifier.is_sealed()
    }

    /// What was found damaged so far.
    #[must_use]
    pub fn damage(&self) -> &[Damage] {
        &self.damage
    }

    /// Frames read so far.
    #[must_use]
    pub fn frames(&self) -> u64 {
        self.next_seq.saturating_sub(1)
    }

    /// Ends reading after the last [`Tail::read_all`] of a run that is no longer written: whatever
    /// was not read is damage now, and is hashed too.
    ///
    /// # Errors
    /// [`Error::File`] when the directory cannot be listed.
    pub fn finish(mut self) -> Result<Consumed, Error> {
        let numbers = numbers(&self.dir).map_err(Error::file("read", "segments"))?;
        self.check_end(&numbers);
        if let Some(current) = self.current.take() {
            self.close(current);
        }
        for file in numbers.into_iter().map(name) {
            if !self.closed.iter().any(|closed| closed.file == file) {
                self.closed.push(freshness::describe(&self.dir, file));
            }
        }
        let verifier = &self.verifier;
        let said = Said {
            run: verifier.run().to_vec(),
            begun: verifier.begun.clone(),
            seal: verifier.seal,
            signed: verifier.signed.clone(),
        };
        Ok(Consumed {
            said,
            frames: self.frames(),
            chain: self.verifier.link(),
            sealed: self.is_sealed(),
            segments: self.closed,
            damage: self.damage,
        })
    }

    /// Opens the next segment unless one is open. Returns whether one is.
    fn open_current(&mut self) -> bool {
        if self.current.is_none() && !self.stopped {
            match files::open(&self.dir, &name(self.number)) {
                Ok(file) => {
                    self.current = Some(Current::new(file));
                }
                Err(error) if error.kind() == io::ErrorKind::NotFound => {}
                Err(error) => self.hurt(0, Wrong::Unreadable(error.to_string())),
            }
        }
        self.current.is_some()
    }

    /// Reads `len` bytes and hands out the whole frames in them.
    fn read_chunk<E>(
        &mut self,
        len: usize,
        each: &mut impl FnMut(&Frame<'_>) -> Result<(), E>,
    ) -> Result<Step, E> {
        let nothing = Step::NotYet { larger: false };
        let Some(mut current) = self.current.take() else { return Ok(nothing) };
        let bytes = chunk::read(&current.file, current.at, len);
        let told = match &bytes {
            Ok(bytes) => self.read_bytes(&mut current, bytes.as_slice(), each),
            Err(error) => {
                self.hurt(current.at, Wrong::Unreadable(error.to_string()));
                Ok(false)
            }
        };
        self.current = Some(current);
        let full = bytes.is_ok_and(|bytes| bytes.as_slice().len() == len);
        Ok(match told? {
            true => Step::Frames,
            false => Step::NotYet { larger: full && !self.stopped },
        })
    }

    /// Goes on to the next segment, if this one ends where a frame does.
    fn leave_current(&mut self) {
        let Some(current) = &self.current else { return };
        let at = current.at;
        match current.file.metadata() {
            Ok(meta) if meta.len() == at && at > 0 => {
                if let Some(current) = self.current.take() {
                    self.close(current);
                }
                self.number = self.number.saturating_add(1);
            }
            Ok(meta) => self.hurt(at, ended_at(at, meta.len())),
            Err(error) => self.hurt(at, Wrong::Unreadable(error.to_string())),
        }
    }

    /// What stands behind the last frame when nothing more will come is damage.
    fn check_end(&mut self, numbers: &[u32]) {
        if self.stopped {
            return;
        }
        if let Some(current) = &self.current {
            let at = current.at;
            match current.file.metadata() {
                Ok(meta) if meta.len() == at && at > 0 => {}
                Ok(_) if self.is_sealed() => self.hurt(at, Wrong::AfterSeal),
                Ok(meta) => self.hurt(at, ended_at(at, meta.len())),
                Err(error) => self.hurt(at, Wrong::Unreadable(error.to_string())),
            }
            self.number = self.number.saturating_add(1);
        }
        if !self.stopped && (numbers.is_empty() || numbers.last() >= Some(&self.number)) {
            self.hurt(0, if self.is_sealed() { Wrong::AfterSeal } else { Wrong::Missing });
        }
    }

    fn hurt(&mut self, offset: u64, what: Wrong) {
        self.stopped |= what.ends_reading();
        let frames_before = self.frames();
        self.damage.push(Damage { file: name(self.number), offset, what, frames_before });
    }

    /// Hashes what is left of the file and remembers what it was.
    fn close(&mut self, current: Current) {
        let Current { file, at, hash, .. } = current;
        // Its number is one lower once the next one is looked for; its place in the list says it.
        let number = u32::try_from(self.closed.len()).unwrap_or(u32::MAX).saturating_add(1);
        self.closed.push(freshness::describe_rest(&file, name(number), at, hash));
    }
}

/// What it means that a file ends at `len` when frames were read up to `at`.
fn ended_at(at: u64, len: u64) -> Wrong {
    if len < at { Wrong::Shrunk } else { Wrong::Torn }
}
